"""How much of what real learners get wrong is rejected, and how much of it is named: on mistakes that were planted by
somebody who had not seen the tables of known ones. (The tables have learnt from them since.)"""

import re
import warnings

import numpy as np
import planted_answers
import planted_answers_2
import pytest

from lessons.engine import course
from lessons.engine.exercises import WRONG
from lessons.engine.watch import TroubleError, watched

# A mistake by its name, or what an answer must be whatever its values. A hint does not count.
SAID = re.compile(r"mistake  |should be |should have |should return |changed in place|NaN or inf|Error: |without an end"
                  r"|asked for again|in float32 than|and not in float32|is None in some")


@pytest.fixture(scope="module")
def checks():
    """The check of each exercise by its name."""
    exercises = [course.load(lesson / "test_exercise.py").EXERCISES for lesson in course.lessons()]
    return {exercise.name: exercise.check for those in exercises for exercise in those}


def said(check, name, function, file):
    """What is said of a wrong answer; nothing if it is taken for right."""
    function.__name__ = name
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            verdicts = check(watched(function, file, "nowhere", seconds=5))
        except TroubleError as trouble:
            return str(trouble)
    return "\n".join(verdict.text for verdict in verdicts.values() if verdict.kind == WRONG)


FIRST = [(name, function.__name__, function) for name, function in planted_answers.PLANTED]
SECOND = [(name, mistake, function) for name, mistake, _, function in planted_answers_2.PLANTED]


@pytest.mark.parametrize("planted, module", [(FIRST, planted_answers), (SECOND, planted_answers_2)], ids="12")
def test_all_are_rejected_and_four_of_five_named(checks, planted, module):
    reports = {}
    for name, mistake, function in planted:
        reports[name, mistake] = said(checks[name], name, function, module.__file__)
    assert len(reports) == len(planted) >= 60
    assert all(reports.values())
    named = [report for report in reports.values() if SAID.search(report)]
    assert len(named) >= 0.8 * len(reports)
