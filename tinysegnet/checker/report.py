"""The report on a backward, and the rows of that on a forward: 79 columns, whatever stands in them."""

import textwrap
from functools import partial

import numpy as np

from tinysegnet.checker.diagnosis import explain, explain_shape
from tinysegnet.checker.gradcheck import name_of
from tinysegnet.checker.mistakes import table_for


def gradient_report(case, yours, truth, floor, wrong, trouble, mistakes, seed):
    """Each gradient with a verdict and, where it is wrong, the likeliest reason.

    case      the gradcheck.Case
    yours     {name: gradient}; likewise truth, its rounding floor, and which entries are wrong
    trouble   {"dw": what is wrong with it, whatever its values}
    mistakes  a table of known ones, None for that of the backward's name
    seed      of the upstream gradient
    """
    mistakes = mistakes or table_for(case.backward)
    return "\n".join(gradient_rows(case, yours, truth, floor, wrong, trouble, mistakes, seed))


def gradient_rows(case, yours, truth, floor, wrong, trouble, mistakes, seed):
    row = partial(report_row, width=max(len(name) for name in [*trouble, *(f"d{name}" for name in case.names)]))
    disagrees = any(entries.any() for entries in wrong.values())
    yield f"{name_of(case.backward)} " + ("disagrees with finite differences" if disagrees else "breaks its contract")
    for name in case.names:
        d, reasons = f"d{name}", []
        if d in trouble:
            yield from row(d, trouble[d])
            reasons = explain_shape(yours[name], truth[name])
        if name in wrong and wrong[name].any():
            error = np.nan_to_num(np.abs(yours[name] - truth[name]), nan=np.inf, posinf=np.inf)
            worst = np.unravel_index(np.argmax(error >= 0.999 * error.max()), error.shape)   # the first, if some tie
            entries = f"{np.count_nonzero(wrong[name])} of {error.size} entries wrong"
            yield from row("" if d in trouble else d, f"{entries}, worst at {d}{[int(i) for i in worst]}")
            mine, measured = side_by_side(yours[name][worst], truth[name][worst])
            yield from row("", f"yours      {mine}")
            yield from row("", f"numerical  {measured}")
            reasons = explain(case, name, worst, yours[name], truth[name], floor[name], mistakes)
        elif d not in trouble:
            yield from row(d, "right")
        for kind, sentence in reasons:
            yield from row("", f"{kind:<11}{sentence}", hanging=11)
    for name in [name for name in trouble if name[1:] not in case.names]:
        yield from row(name, trouble[name])
    shapes = [f"{name} {a.shape}" for name, a in zip(case.names, case.args)]
    yield from case_rows([*shapes, f"dy from seed {seed}"])
    if mistakes:
        yield f"  read  {mistakes.READ}"


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
