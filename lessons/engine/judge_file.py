"""Judge one file of somebody else's, in a process of its own: lessons.grade starts it.

    python -m lessons.engine.judge_file LESSON FOLDER MEGABYTES SEED WHOSE

FOLDER/mine holds LESSON.py, or that file under an old number, and what it may import. SEED is "-" for the cases that
everybody knows. WHOSE is "mine", or "library" for a trial of the judge with the right answers. To
FOLDER/verdicts.jsonl goes a line of JSON once the judge is ready, [megabytes that may be taken], and one for each
exercise as soon as it is judged, so that what came before an end by force is known: [name, {part: [kind, text, slips,
names of the exercises that it comes from]}]. What stands on stderr before the judge is ready is why it failed.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from unittest import mock

import numpy as np

from lessons.engine import course, judging, own_files, slips
from lessons.engine.exercises import Verdict
from lessons.engine.watch import watched

try:
    import resource
except ImportError:     # Windows
    resource = None

CANNOT_WRITE = 74       # the status with which it ends then
NOT_JUDGED = "not judged"


def main(name, folder, megabytes, seed, whose):
    try:
        lesson, course.MINE = course.LESSONS / name, Path(folder) / "mine"
        exercises = exercises_by_seed(lesson, seed)
        file = open(Path(folder) / "verdicts.jsonl", "a", encoding="utf-8")
        memory = limit_memory(int(megabytes))
    except Exception as error:
        sys.exit(str(error).strip() or type(error).__name__)
    write(file, [memory])
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)        # what follows is the learner's
    for exercise in exercises:
        try:
            if whose == "library":
                verdicts, function = exercise.check(watched(exercise.answer, __file__, "nowhere")), None
            else:
                with own_files.noted(lesson):
                    verdicts, function = judging.verdicts_on(lesson, exercise)
        except Exception as error:          # of the checker's own
            text = f"  the check itself failed: {str(error).strip() or type(error).__name__}"
            verdicts, function = {"": Verdict(NOT_JUDGED, text)}, None
        said = {part: [*verdict, [], []] for part, verdict in verdicts.items()}
        with suppress(Exception):           # what is only counted must cost no marks
            used = slips.uses(function, list(verdicts), [one.name for one in exercises])
            said = {part: [*verdict, slips.of(part, verdict), used[part]] for part, verdict in verdicts.items()}
        write(file, [exercise.name, said])


def exercises_by_seed(lesson, seed):
    """Those of a lesson, whose cases are drawn from other numbers if there is a seed. Cases by hand stay."""
    if seed == "-":
        return course.exercises(lesson)
    drawn = np.random.default_rng

    def other(own=0):
        return drawn([*np.atleast_1d(own), int(seed)])

    with mock.patch.object(np.random, "default_rng", other):
        return course.exercises(lesson)


def limit_memory(megabytes):
    """Limit what this process may take. Returns to how many megabytes; 0 if the machine knows no such limit."""
    if not resource:
        return 0
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = megabytes << 20 if hard == resource.RLIM_INFINITY else min(megabytes << 20, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (ValueError, OSError):       # macOS
        return 0
    return most >> 20


def write(file, line):
    """No learner is to have a zero because a disk is full."""
    try:
        print(json.dumps(line), file=file, flush=True)
    except OSError:
        os._exit(CANNOT_WRITE)


if __name__ == "__main__":
    main(*sys.argv[1:])
