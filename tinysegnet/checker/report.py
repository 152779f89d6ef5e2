"""The rows of a report on a backward or a forward: 79 columns, whatever stands in them."""

import textwrap


def report_row(name, text, width, hanging=0):
    """What is said of the gradient or result of that name; `width` is that of the longest name."""
    indent = f"  {name:<{width}}  "
    return textwrap.wrap(text, 79, initial_indent=indent, subsequent_indent=" " * (len(indent) + hanging))


def case_rows(arguments):
    """What a report is about; a line breaks only between two arguments."""
    kept_together = "  ".join(argument.replace(" ", "\xa0") for argument in arguments)
    rows = textwrap.wrap(f"  case  {kept_together}", 79, subsequent_indent=" " * 8)
    return [row.replace("\xa0", " ") for row in rows]


def side_by_side(yours, truth):
    """Two numbers that differ, with as many digits as it takes to see it."""
    if yours.dtype.kind != "f":
        return str(yours), str(truth)
    pairs = ((f"{yours + 0.0:+.{digits}g}", f"{truth + 0.0:+.{digits}g}") for digits in (6, 9, 12))
    return next((pair for pair in pairs if pair[0] != pair[1]), (repr(float(yours)), repr(float(truth))))
