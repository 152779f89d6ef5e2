"""Tables that a teacher hands over, and those that a teacher gets: CSV, as spreadsheets read and write it."""

import csv
import io

from tinysegnet.support.errors import InputError, because


def read(path, columns):
    """[(line number, {column: text})] of a table whose first line names at least those columns, in any order.

    Commas or semicolons. Raises InputError if it cannot be read.
    """
    named = f"{', '.join(columns[:-1])} and {columns[-1]}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read{because(error)}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: save it from the spreadsheet as CSV UTF-8") from error
    first = text.partition("\n")[0]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        header = [name.strip().casefold() for name in next(rows, [])]
        if missing := [name for name in columns if name not in header]:
            raise InputError(f"{path} has no column {missing[0]}: its first line must name {named}")
        table = []
        for row in rows:
            texts = dict(zip(header, (text.strip() for text in row)))
            if any(texts.values()):
                table.append((rows.line_num, {name: texts.get(name, "") for name in columns}))
    except csv.Error as error:
        raise InputError(f"{path} is no table, see its line {rows.line_num}: {error}") from error
    return table


def write(path, rows):
    """Rows of text and numbers. A text that a spreadsheet would take for a formula gets a ' before it."""
    with open(path, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        csv.writer(file).writerows([plain(cell) for cell in row] for row in rows)


def plain(cell):
    if isinstance(cell, str):
        return f"'{cell}" if cell[:1] in tuple("=+-@\t\r") else cell
    return number(cell)


def number(points):
    """Without a .0, and to two digits."""
    return int(points) if points == int(points) else round(points, 2)
