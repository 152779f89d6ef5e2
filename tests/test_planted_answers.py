"""How much of what real learners get wrong is rejected, and how much of it is named: on mistakes that were planted by
somebody who had not seen the tables of known ones. (The tables have learnt from them since.)"""

import re
import warnings

import every_exercise
import numpy as np
import planted_answers
import planted_answers_2
import planted_answers_3
import planted_answers_4
import planted_right
import planted_right_3
import pytest

from lessons.engine.exercises import DONE, WRONG
from lessons.engine.watch import TroubleError, watched

# A mistake by its name, or what an answer must be whatever its values. A hint or a note does not count.
ASIDE = re.compile(r"^(\s+)(?:hint|note)\b.*(?:\n\1 +.*)*", re.MULTILINE)         # with the lines that it runs over
SAID = re.compile(r"mistake  |should be |should have |should return |changed in place|NaN or inf|Error: |without an end"
                  r"|asked for again|in float32 than|and not in float32|is None in some|is nan,|host waits?|missing"
                  r"|before they are needed|looks at no loss|leaves out|upside down|before its parent|once is enough")


@pytest.fixture(scope="module")
def exercises(measured_once):
    return every_exercise.by_name()


def said(exercise, function, file):
    """What is said of a wrong answer; nothing if it is taken for right."""
    function.__name__ = exercise.name
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            verdicts = exercise.check(watched(function, file, "nowhere", seconds=5))
        except TroubleError as trouble:
            return str(trouble)
    return "\n".join(verdict.text for verdict in verdicts.values() if verdict.kind == WRONG)


def is_named(report):
    return bool(SAID.search(ASIDE.sub("", report)))


def test_a_note_names_nothing_whatever_it_quotes():
    note = "dx  6 wrong\n      note       on other sizes it\n                 raised ValueError: missing\n"
    assert not is_named(note) and is_named(f"{note}  ValueError: missing")
    assert is_named(f"{note}      mistake    dw is rotated") and not is_named("  hint  is nan, missing")


FIRST = [(name, mistake, function) for name, mistake, _, function in planted_answers.PLANTED]
SECOND = [(name, mistake, function) for name, mistake, _, function in planted_answers_2.PLANTED]
THIRD = [(name, mistake, function) for name, mistake, _, function in planted_answers_3.PLANTED]
FOURTH = [(name, mistake, function) for name, mistake, _, function in planted_answers_4.PLANTED]


LISTS = (FIRST, planted_answers), (SECOND, planted_answers_2), (THIRD, planted_answers_3), (FOURTH, planted_answers_4)


@pytest.mark.parametrize("every", [
    pytest.param(1, marks=pytest.mark.long, id="all"),
    pytest.param(10, marks=pytest.mark.docs, id="every tenth"),     # a quarter of a minute of all four
])
@pytest.mark.parametrize("planted, module", LISTS, ids="1234")
def test_all_are_rejected_and_four_of_five_named(exercises, planted, module, every):
    unknown = {name for name, _, _ in planted} - exercises.keys()
    assert not unknown, f"no lesson has the exercises {unknown}"
    assert len({(name, mistake) for name, mistake, _ in planted}) == len(planted) >= 60
    reports = {
        (name, mistake): said(exercises[name], function, module.__file__)
        for name, mistake, function in planted[::every]
    }
    assert all(reports.values())
    named = [report for report in reports.values() if is_named(report)]
    assert len(named) >= 0.8 * len(reports)


RIGHT = (planted_right, 47), (planted_right_3, 46)


@pytest.mark.parametrize("every", [
    pytest.param(1, marks=pytest.mark.long, id="all"),
    pytest.param(3, marks=pytest.mark.docs, id="every third"),      # seconds
])
@pytest.mark.parametrize("module, count", RIGHT, ids=["1", "3"])
def test_what_they_are_planted_into_is_right(exercises, module, count, every):
    """An answer with a mistake is rejected for that mistake only if it is right without."""
    answers = [answer for answer in vars(module) if answer.partition("__")[0] in exercises]
    assert len(answers) >= count
    for answer in answers[::every]:
        function = getattr(module, answer)
        verdicts = exercises[answer.partition("__")[0]].check(watched(function, module.__file__, "nowhere"))
        assert {verdict.kind for verdict in verdicts.values()} == {DONE}, answer
