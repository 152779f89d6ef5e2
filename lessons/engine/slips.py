"""What was done wrong, in sentences that can be counted: the same slip of two learners gives the same sentence."""

import re
import sys
from types import FunctionType, ModuleType

import numpy as np

from lessons.engine import failing
from lessons.engine.exercises import WRONG
from tinysegnet.checker.report import Finding, Report

MISTAKE, HINT, CONTRACT, EXCEPTION, ENDLESS, UNKNOWN = (
    "mistake", "hint", "contract", "exception", "endless", "unknown")
NOTHING_WRONG = {"right", "right where it runs to the end", "TODO"}         # said of a result by Answers


def of(part, verdict):
    """[(kind, sentence)] of a verdict on a part: known mistakes, or else hints, or else what can be seen of it."""
    if verdict.kind != WRONG:
        return []
    if not isinstance(verdict.text, Report):
        return in_text(verdict.text)
    report = verdict.text
    findings = {name: finding for name, finding in report.findings.items() if not {*finding.facts} & NOTHING_WRONG}
    facts, reasons = findings.get(part, Finding())
    if facts and report.more and facts[0].startswith("fails in "):
        return in_text("\n".join(report.more))
    for wanted in MISTAKE, HINT:
        if found := [(kind, sentence) for kind, sentence in reasons if kind == wanted]:
            return found
    if not facts:       # what is wrong with the function as a whole: an argument was changed
        return [(CONTRACT, f"{name} {general(finding.facts[0])}") for name, finding in findings.items()
                if finding.facts]
    if re.match(r"\d+ of \d+ entries wrong", facts[0]):
        return [(UNKNOWN, f"{part} has wrong values, and it is no known mistake")]
    return [(CONTRACT, f"{part} {general(facts[0])}")]


def in_text(text):
    """The same of a text: an exception, with what it means if that is known, or a sentence."""
    paragraphs = re.sub(r"\n {4,}", " ", text.strip("\n")).splitlines()
    said = [paragraph.strip() for paragraph in paragraphs] or [""]
    meant = next((line.removeprefix("it means:").strip() for line in said if line.startswith("it means:")), None)
    for line in said[:2]:               # the first may say that the file cannot be read
        if line.startswith(("still running after ", "has waited for ")):
            return [(ENDLESS, "does not come to an end")]
        if match := re.match(r"[A-Za-z_]\w*(Error|Exception|Exit|Interrupt|Warning|Iteration)\b", line):
            return [(EXCEPTION, general(f"{match[0]}: {meant}" if meant else line))]
    return [(CONTRACT, general(said[0]))]


def general(sentence):
    """Without the sizes and numbers that belong to one case or one file."""
    sentence = re.sub(r" \([^()]*, line \d+\)$", "", sentence)
    sentence = re.sub(r"\((\d+, *)+\d*\)", "(...)", sentence)
    sentence = re.sub(r"\[(-?\d+(, *-?\d+)*)?\]", "[...]", sentence)
    return re.sub(r"(?<![\w.])[-+]?\d+(\.\d+)?(e[-+]?\d+)?(?![\w.]*\w)", "#", sentence)


def uses(function, parts, names):
    """{part: which functions of those names it comes from}, of a learner's function, by way of others of the file
    too."""
    found = {part: [] for part in parts}
    if isinstance(function, FunctionType):
        direct, space = names_in(function.__code__), function.__globals__
        for name in sorted({*names} - {function.__name__}):
            by_way_of = {one for one in direct if name in reachable(one, space)}
            if by_way_of:
                places = failing.coming_from(function, by_way_of, len(parts))
                for i, part in enumerate(parts):
                    found[part] += [name] * (i in places)
    return found


def lenders_of_ufuncs(function, libraries):
    """Which of the libraries a function has ufuncs from: Python does not tell when one is called."""
    if not isinstance(function, FunctionType):
        return set()
    space = function.__globals__
    names = set().union(*(reachable(name, space) for name in names_in(function.__code__)))
    values = [space[name] for name in names if name in space]
    for module in [value for value in values if isinstance(value, ModuleType)]:
        values += [getattr(module, name) for name in names if isinstance(getattr(module, name, None), np.ufunc)]
    theirs = {name: vars(module) for name, module in [*sys.modules.items()] if name.partition(".")[0] in libraries}
    return {
        name.partition(".")[0] for name, found in theirs.items() for value in values
        if isinstance(value, np.ufunc) and found.get(value.__name__) is value is not getattr(np, value.__name__, None)
    }


def reachable(name, space, seen=None):
    """The name, and those of what the function calls that it is, if it is one of Python."""
    seen = set() if seen is None else seen
    if name not in seen:
        seen.add(name)
        called = space.get(name)
        if isinstance(called, FunctionType):
            for other in names_in(called.__code__):
                reachable(other, called.__globals__, seen)
    return seen


def names_in(code):
    """The names that a function's code has of elsewhere, functions inside it included."""
    inner = [constant for constant in code.co_consts if hasattr(constant, "co_names")]
    return set(code.co_names).union(*map(names_in, inner))
