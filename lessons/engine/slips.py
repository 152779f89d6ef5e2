"""What was done wrong, in sentences that can be counted: the same slip of two learners gives the same sentence."""

import re
from types import FunctionType

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
    if said[0].startswith(("still running after ", "has waited for ")):
        return [(ENDLESS, "does not come to an end")]
    for line in said[:2]:
        if match := re.match(r"[A-Za-z_]\w*(Error|Exception|Exit|Interrupt|Warning|Iteration)\b", line):
            return [(EXCEPTION, general(f"{match[0]}: {meant}" if meant else line))]
    return [(CONTRACT, general(said[0]))]


def general(sentence):
    """Without the sizes and numbers that belong to one case or one file."""
    sentence = re.sub(r" \([^()]*, line \d+\)$", "", sentence)
    sentence = re.sub(r"\((\d+, *)+\d*\)", "(...)", sentence)
    sentence = re.sub(r"\[(-?\d+(, *-?\d+)*)?\]", "[...]", sentence)
    return re.sub(r"(?<![\w.])[-+]?\d+(\.\d+)?(e[-+]?\d+)?(?![\w.]*\w)", "#", sentence)


def used_by(function, names):
    """Which functions of those names a learner's function calls, by way of others of the file too."""
    found, seen = set(), set()

    def visit(code, space):
        if code in seen:
            return
        seen.add(code)
        for name in code.co_names:
            called = space.get(name)
            if name in names:
                found.add(name)
            if isinstance(called, FunctionType):
                visit(called.__code__, called.__globals__)
        for constant in code.co_consts:
            if hasattr(constant, "co_names"):
                visit(constant, space)

    if not isinstance(function, FunctionType):
        return []
    visit(function.__code__, function.__globals__)
    return sorted(found - {function.__name__})
