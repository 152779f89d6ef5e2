"""python -m lessons.renumber"""

import argparse
import re

from lessons import book
from lessons.engine import course
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError, exit_in_words

DESCRIPTION = """Number the lessons in the order of reading:  python -m lessons.renumber

That order is that of the table in lessons/README.md. For a new lesson, give its folder a number that no other has,
99_slug say, write its row at its place, and run this; commit first, so that git shows what has changed. Folders are
renamed, and the numbers are made anew that follow from their names: in paths, links and their labels, titles, commands,
and where the text says "lesson 07" or "lessons 05 to 07, 09 and 11". What learners have written is not touched: it is
found by what stands behind the number.
"""
PLACES = "lessons", "tests", "docs", "tinysegnet", "README.md", "CONTRIBUTING.md", "conftest.py", "train.py"
# "08", "08 to 16": and several of these, joined by words or commas. A line may end in between, in a comment too.
SPACE = r"(?:\s+(?:# )?)"
RANGE = rf"\d\d(?:{SPACE}to{SPACE}\d\d)?"
SERIES = rf"{RANGE}(?:(?:,{SPACE}(?:(?:and|or){SPACE})?|{SPACE}(?:and|or){SPACE}){RANGE})*"
END = r"(?![\w/]|\.\d)"
COMMAND = rf"(?:(?:hint|reset|watch){SPACE})?"
SAID = re.compile(                                                          # lesson 08, lesson_08, lessons 08 and 09
    rf"(?i)(?<![a-z])(?<!--)(?P<before>lesson(?:_|{SPACE}|s\.notebook |(?P<several>s){SPACE}{COMMAND}))"
    rf"(?P<numbers>(?(several){SERIES}|\d\d)){END}"
)
SHORT = re.compile(r"(?<=lessons/)(\d\d)(?!\w)")                            # of a path
OPTION = re.compile(r'(--lessons"?)((?:,? "?\d\d"?(?!\w))+)')               # on a command line, or in the list of one


def order():
    """The names of the lessons' folders in the order of reading. Raises InputError if it is not clear."""
    names = [page.split("/")[1] for page in book.pages()[1:-1]]
    there = [lesson.name for lesson in course.lessons_and_readings()]
    if odd := sorted({*names} ^ {*there}):
        raise InputError(f"{', '.join(odd)}: each lesson needs a folder, and a row in the table of lessons/README.md")
    for part in (lambda name: name[:2]), course.slug:
        parts = [part(name) for name in names]
        if twice := [one for one in parts if parts.count(one) > 1]:
            raise InputError(f"two lessons have {twice[0]} in their names: give one of them another")
    return names


def renumbered(text, names):
    """A text with the numbers of the order.

    names  the folders that there are, in the order of reading
    """
    numbers = {name[:2]: f"{place:02}" for place, name in enumerate(names)}
    of_slug = {course.slug(name): f"{place:02}" for place, name in enumerate(names)}
    slugs = "|".join(sorted(of_slug, key=len, reverse=True))

    def mapped(found):
        return re.sub(r"\d\d", lambda one: numbers.get(one[0], one[0]), found[0])

    def labelled(found):
        return found[1] + of_slug[found["slug"]] + found[2]

    text = SAID.sub(lambda found: found["before"] + series(found["numbers"], numbers), text)
    text = OPTION.sub(mapped, SHORT.sub(mapped, text))
    text = re.sub(rf"(?<!\w)\d\d_(?=({slugs})(?!\w))", lambda found: f"{of_slug[found[1]]}_", text)
    link = rf"\]\([^()\s]*\d\d_(?P<slug>{slugs})(?!\w)"
    return re.sub(rf"(\[(?:[Ll]esson{SPACE})?)\d\d((?: · [^\[\]]*)?{link})", labelled, text)


def series(text, numbers):
    """ "08 to 10 and 12" with new numbers. If it has a range, it names the same lessons as before."""
    if " to" not in " ".join(text.split()):
        return re.sub(r"\d\d", lambda one: numbers.get(one[0], one[0]), text)
    old = in_series(text)
    new = sorted(numbers.get(number, number) for number in old)
    return text if new == old else in_words(new)


def in_series(text):
    """The numbers of "08 to 10 and 12": ["08", "09", "10", "12"]."""
    found = []
    for first, last in re.findall(rf"(\d\d)(?:{SPACE}to{SPACE}(\d\d))?", text):
        found += [f"{number:02}" for number in range(int(first), int(last or first) + 1)]
    return found


def in_words(numbers):
    """What in_series reads, of numbers in order: three and more in a row are a range."""
    rows = []
    for number in numbers:
        if rows and int(number) == int(rows[-1][-1]) + 1:
            rows[-1].append(number)
        else:
            rows.append([number])
    said = [part for row in rows for part in ([f"{row[0]} to {row[-1]}"] if len(row) > 2 else row)]
    return " and ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else said[0]


def with_title(text, number):
    """A lesson's page with its number in its title."""
    return re.sub(r"\A# \d\d(?= · )", f"# {number}", text)


def files():
    """All that may name a lesson."""
    for place in PLACES:
        path = course.ROOT / place
        inside = path.rglob("*") if path.is_dir() else [path]
        yield from sorted(file for file in inside if file.suffix in (".md", ".py"))


def changes(names):
    """{file: its new text} of what has other numbers than the order."""
    found = {}
    for file in files():
        text = file.read_bytes().decode()           # ends of lines stay
        new = renumbered(text, names)
        if file.name == "README.md" and file.parent.name in names:
            new = with_title(new, f"{names.index(file.parent.name):02}")
        if new != text:
            found[file] = new
    return found


def main():
    parser = argparse.ArgumentParser(
        "python -m lessons.renumber", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    names = order()
    moves = {name: f"{place:02}_{course.slug(name)}" for place, name in enumerate(names)}
    moves = {name: new for name, new in moves.items() if new != name}
    for new in moves.values():
        if (course.LESSONS / new).exists():         # git leaves a folder in which Python has kept bytecode
            raise InputError(f"lessons/{new} is there already, without a lesson: remove it")
    changed = changes(names)
    for file, text in changed.items():
        atomic.write(file, text.encode())
    for name, new in moves.items():
        (course.LESSONS / name).rename(course.LESSONS / new)
        print(f"{name} -> {new}")
    print(f"{len(changed)} files have other numbers; read the sentences: git diff" if changed else "nothing to change")


if __name__ == "__main__":
    exit_in_words(main)
