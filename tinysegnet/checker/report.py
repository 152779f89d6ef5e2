"""The report on a backward or a forward that is wrong: 79 columns, whatever stands in them."""

import textwrap
from typing import NamedTuple

import numpy as np

from tinysegnet.checker.diagnosis import explain_gradient
from tinysegnet.checker.gradcheck import name_of
from tinysegnet.checker.mistakes import table_for
from tinysegnet.support.shapes import is_array

UNBROKEN = "\xa0"       # a blank, in what belongs on one line


class Finding(NamedTuple):
    """What is said of one gradient or result, or of an argument that was changed."""

    facts: tuple = ()       # sentences: in what it is wrong; none if it is right
    reasons: tuple = ()     # (kind, sentence), the likeliest first


class Report(str):
    """The text of a report, which also keeps what it is made of.

    title      its first line
    findings   {name of a gradient, result or argument: Finding}
    arguments  of the function, in words
    read       the file to read again, or None
    arrays     {what it is: array} of the case: the arguments, "dx, yours", "dx, right"
    more       lines that belong to no name
    """

    def __new__(cls, title, findings=None, arguments=(), read=None, arrays=None, more=()):
        findings, read_row = findings or {}, [f"  read  {read}"] if read else []
        report = super().__new__(cls, "\n".join([title, *rows(findings), *more, *case_rows(arguments), *read_row]))
        report.title, report.findings, report.arguments, report.read = title, findings, arguments, read
        report.arrays, report.more = arrays or {}, list(more)
        return report


def gradient_report(case, learner, single, truth, floor, wrong, violations, table, seed):
    """That on a backward.

    case        the gradcheck.Case
    learner     {name: gradient}; likewise single, those in float32, truth, its rounding floor, which entries are wrong
    violations  {"dw": what is wrong with it, whatever its values}
    table       of known mistakes, None for that of the backward's name
    seed        of the upstream gradient
    """
    table = table or table_for(case.backward)

    def explain(gradient, worst):
        name = gradient[1:]
        if not is_array(learner[name]) or (worst is None and learner[name].shape == truth[name].shape):
            return []                   # not the values are wrong
        return explain_gradient(case, name, worst, learner[name], truth[name], floor[name], table)

    disagrees = any(entries.any() for entries in wrong.values())
    title = f"{name_of(case.backward)} " + ("disagrees with finite differences" if disagrees else "breaks its contract")
    arguments = [*in_words(case.names, case.args), f"dy from seed {seed}".replace(" ", UNBROKEN)]

    def of_gradients(arrays):
        return {f"d{name}": arrays[name] for name in case.names if name in arrays}

    learners, measured, wrong = of_gradients(learner), of_gradients(truth), of_gradients(wrong)
    found = findings(learners, measured, wrong, violations, "numerical", explain)
    right_in_float64 = [d for d, g in learners.items() if d in wrong and not wrong[d].any() and g.dtype == np.float64]
    in_float32 = [d for d in right_in_float64 if d in violations]
    learners |= {d: single[d[1:]] for d in in_float32}
    measured |= {d: measured[d].astype(np.float32) for d in in_float32}
    arrays = arrays_of(case.names, case.args, learners, measured, dy=case.dy)
    return Report(title, found, arguments, table and table.read, arrays)


def in_words(names, args):
    """The arguments of those names that are arrays, numbers or shapes: "x (1, 2, 3, 4)" does not break in a line."""
    plain = [(name, a) for name, a in zip(names, args) if isinstance(a, np.ndarray | int | float) or is_shape(a)]
    return [f"{name} {a.shape if isinstance(a, np.ndarray) else a}".replace(" ", UNBROKEN) for name, a in plain]


def is_shape(value):
    return isinstance(value, tuple) and value != () and all(isinstance(size, int) for size in value)


def arrays_of(names, args, learner=None, truth=None, **more):
    """What a case consists of, by what it is; see Report."""
    names = [*names, *(f"argument {i + 1}" for i in range(len(names), len(args)))]
    found = dict(zip(names, args)) | more
    for name in truth or ():
        found |= {yours_of(name): learner[name], right_of(name): truth[name]}
    numbers = np.ndarray | np.generic | int | float
    return {name: a for name, a in found.items() if isinstance(a, numbers) and np.asarray(a).dtype.kind in "fiub"}


def findings(learner, truth, wrong, violations, beside, explain):
    """{name: Finding} on each gradient or result, and on each argument that was changed.

    learner     {name: array}; likewise truth, and which entries are wrong, of those that could be compared
    violations  {name: what is wrong with it, whatever its values}; it may be the name of an argument
    beside      what the truth is called
    explain     explain(name, worst) -> (kind, sentence), ...; worst is the index of the entry that is furthest off,
                None if the values were not looked at
    """
    found = {}
    for name, array in learner.items():
        right, facts, reasons = np.asarray(truth[name]), [], []
        if name in violations:
            facts.append(violations[name])
            reasons = explain(name, None)
        if name in wrong and wrong[name].any():
            error = np.nan_to_num(np.abs(array.astype(float) - right.astype(float)), nan=np.inf, posinf=np.inf)
            worst = np.unravel_index(np.argmax(error >= 0.999 * error.max()), error.shape)      # the first, if some tie
            place = f", worst at {name}{[int(i) for i in worst]}" if worst else ""      # one number has no places
            facts.append(f"{np.count_nonzero(wrong[name])} of {error.size} entries wrong{place}")
            numbers = zip(("yours", beside), side_by_side(array[worst], right[worst]))
            facts += [f"{whose:<11}{number}" for whose, number in numbers]
            reasons = explain(name, worst)
        found[name] = Finding(tuple(facts), tuple(reasons))
    return found | {name: Finding((sentence,)) for name, sentence in violations.items() if name not in learner}


def rows(findings):
    """What was said for one name in a sentence is not repeated for another."""
    width, said_of = max(map(len, findings), default=0), {}

    def once(name, kind, text):
        first = said_of.setdefault((kind, text), name)
        return text if first == name else f"as for {first}"

    for name, (facts, reasons) in findings.items():
        for i, fact in enumerate(facts or ("right",)):
            yield from report_row("" if i else name, fact if i or " " not in fact else once(name, "", fact), width)
        for kind, sentence in reasons:
            yield from report_row("", f"{kind:<11}{once(name, kind, sentence)}", width, hanging=11)


def report_row(name, text, width, hanging=0):
    """What is said of the gradient or result of that name; `width` is that of the longest name."""
    indent = f"  {name:<{width}}  "
    return wrapped(text, initial_indent=indent, subsequent_indent=" " * (len(indent) + hanging))


def case_rows(arguments):
    """What a report is about."""
    return wrapped("  ".join(arguments), initial_indent="  case  ", subsequent_indent=" " * 8)


def wrapped(text, **indents):
    rows = textwrap.wrap(text, 79, break_on_hyphens=False, **indents)     # lessons.grade puts the lines together again
    return [row.replace(UNBROKEN, " ") for row in rows]


def side_by_side(learner, truth):
    """Two numbers that differ, with as many digits as it takes to see it."""
    if learner.dtype.kind != "f":
        return str(learner), str(truth)
    pairs = ((f"{learner + 0.0:+.{digits}g}", f"{truth + 0.0:+.{digits}g}") for digits in (6, 9, 12))
    return next((pair for pair in pairs if pair[0] != pair[1]), (repr(float(learner)), repr(float(truth))))


def of_several_cases(reports, instead=None, elsewhere=()):
    """One report on a function from those on several cases, the simplest first, so that none contradicts another.

    Each name has the facts of the first case in which it is wrong, and if that one shows no reason, the reason that the
    largest shows. What is wrong in no case is called right or, if it is there, what `instead` says, {name: words}; of
    what is wrong for a reason that is said elsewhere nothing is said. The arrays are those of the first report, and of
    a name that is wrong elsewhere those of the case that its facts are about.
    """
    found, more, arrays, instead = {}, [], dict(reports[0].arrays), instead or {}
    for name in dict.fromkeys(name for report in reports for name in report.findings):
        wrong = [report for report in reports if report.findings.get(name, Finding()).facts]
        if not wrong and name not in elsewhere:
            found[name] = Finding((instead[name],) if name in instead else ())
        if not wrong:
            continue
        first = wrong[0]
        more = more or first.more
        largest = max(wrong, key=lambda report: np.size(report.arrays.get(right_of(name), ())))
        telling = largest if shows_why(largest.findings[name]) and not shows_why(first.findings[name]) else first
        reasons = [*telling.findings[name].reasons]
        if telling is not first and reasons[-1][0] == "hint":       # a known mistake is not about one case
            reasons.append(("case", "  ".join(telling.arguments)))
        if first is not reports[0] and first.arguments:
            reasons.insert(0, ("case", "  ".join(first.arguments)))
            arrays = {what: a for what, a in arrays.items() if what not in (yours_of(name), right_of(name))}
            arrays |= arrays_about(name, first)
        found[name] = Finding(first.findings[name].facts, tuple(reasons))
    first = reports[0]
    return Report(first.title, found, first.arguments, first.read, arrays, more)


def arrays_about(name, report):
    """Those of a report that are the case of one name, called so."""
    own, results = (yours_of(name), right_of(name)), (yours_of(""), right_of(""))
    return {
        what if what in own else f"{what}, of {name}": array for what, array in report.arrays.items()
        if what in own or not what.endswith(results)
    }


def yours_of(name):
    """Under which name a report keeps the learner's array."""
    return f"{name}, yours"


def right_of(name):
    """Under which name a report keeps the right array."""
    return f"{name}, right"


def shows_why(finding):
    return any(kind != "note" for kind, _ in finding.reasons)
