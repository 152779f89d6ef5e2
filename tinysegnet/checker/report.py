"""The report on a backward or a forward that is wrong: 79 columns, whatever stands in them."""

import textwrap
from functools import partial

import numpy as np

from tinysegnet.checker.diagnosis import explain_gradient
from tinysegnet.checker.gradcheck import name_of
from tinysegnet.checker.mistakes import table_for


def gradient_report(case, learner, truth, floor, wrong, violations, table, seed):
    """That on a backward.

    case        the gradcheck.Case
    learner     {name: gradient}; likewise truth, its rounding floor, and which entries are wrong
    violations  {"dw": what is wrong with it, whatever its values}
    table       of known mistakes, None for that of the backward's name
    seed        of the upstream gradient
    """
    table = table or table_for(case.backward)

    def explain(gradient, worst):
        name = gradient[1:]
        if worst is None and np.shape(learner[name]) == truth[name].shape:
            return []                   # not the values are wrong
        return explain_gradient(case, name, worst, learner[name], truth[name], floor[name], table)

    disagrees = any(entries.any() for entries in wrong.values())
    title = f"{name_of(case.backward)} " + ("disagrees with finite differences" if disagrees else "breaks its contract")
    arguments = [*(f"{name} {a.shape}" for name, a in zip(case.names, case.args)), f"dy from seed {seed}"]

    def of_gradients(arrays):
        return {f"d{name}": arrays[name] for name in case.names if name in arrays}

    learners, measured, wrong = of_gradients(learner), of_gradients(truth), of_gradients(wrong)
    return report(title, learners, measured, wrong, violations, "numerical", explain, arguments, table)


def report(title, learner, truth, wrong, violations, beside, explain, arguments, table):
    """Each gradient or result with a verdict and, where it is wrong, the likeliest reason.

    learner     {name: array}; likewise truth, and which entries are wrong, of those that could be compared
    violations  {name: what is wrong with it, whatever its values}; it may be the name of an argument
    beside      what the truth is called
    explain     explain(name, worst) -> (kind, sentence), ...; worst is the index of the entry that is furthest off,
                None if the values were not looked at
    arguments   of the function, in words
    table       of known mistakes, or None
    """
    return "\n".join([title, *rows(learner, truth, wrong, violations, beside, explain), *case_rows(arguments),
                      *([f"  read  {table.read}"] if table else [])])


def rows(learner, truth, wrong, violations, beside, explain):
    row = partial(report_row, width=max(map(len, [*violations, *learner])))
    for name, array in learner.items():
        right, reasons = np.asarray(truth[name]), []
        if name in violations:
            yield from row(name, violations[name])
            reasons = explain(name, None)
        if name in wrong and wrong[name].any():
            error = np.nan_to_num(np.abs(array.astype(float) - right.astype(float)), nan=np.inf, posinf=np.inf)
            worst = np.unravel_index(np.argmax(error >= 0.999 * error.max()), error.shape)      # the first, if some tie
            place = f", worst at {name}{[int(i) for i in worst]}" if worst else ""      # one number has no places
            count = f"{np.count_nonzero(wrong[name])} of {error.size} entries wrong"
            yield from row("" if name in violations else name, f"{count}{place}")
            for whose, number in zip(("yours", beside), side_by_side(array[worst], right[worst])):
                yield from row("", f"{whose:<11}{number}")
            reasons = explain(name, worst)
        elif name not in violations:
            yield from row(name, "right")
        for kind, sentence in reasons:
            yield from row("", f"{kind:<11}{sentence}", hanging=11)
    for name in [name for name in violations if name not in learner]:
        yield from row(name, violations[name])


def report_row(name, text, width, hanging=0):
    """What is said of the gradient or result of that name; `width` is that of the longest name."""
    indent = f"  {name:<{width}}  "
    margins = {"initial_indent": indent, "subsequent_indent": " " * (len(indent) + hanging)}
    return textwrap.wrap(text, 79, break_on_hyphens=False, **margins)      # lessons.grade puts the lines together again


def case_rows(arguments):
    """What a report is about; a line breaks only between two arguments."""
    kept_together = "  ".join(argument.replace(" ", "\xa0") for argument in arguments)
    rows = textwrap.wrap(f"  case  {kept_together}", 79, subsequent_indent=" " * 8)
    return [row.replace("\xa0", " ") for row in rows]


def side_by_side(learner, truth):
    """Two numbers that differ, with as many digits as it takes to see it."""
    if learner.dtype.kind != "f":
        return str(learner), str(truth)
    pairs = ((f"{learner + 0.0:+.{digits}g}", f"{truth + 0.0:+.{digits}g}") for digits in (6, 9, 12))
    return next((pair for pair in pairs if pair[0] != pair[1]), (repr(float(learner)), repr(float(truth))))
