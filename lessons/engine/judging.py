"""A verdict on each part of each exercise in the learner's file of a lesson."""

import ast
import inspect
import textwrap
from typing import NamedTuple

import numpy as np

from lessons.engine import course, own_files, slips
from lessons.engine.exercises import BORROWED, DONE, TODO, WRONG, Verdict, milliseconds
from lessons.engine.watch import DEBUGGED, OTHERS, TroubleError, in_words, watched


def finished(lesson):
    """{name: {"state", "files", "parts", "lines"}} of the exercises that were done when they were last judged.

    Those of an older course may lack "files".
    """
    entries = course.remembered().get("done", {}).get(course.slug(lesson.name))
    entries = entries if isinstance(entries, dict) else {}

    def is_whole(entry):
        lists = [entry.get(key) for key in ("state", "parts", "lines")] if isinstance(entry, dict) else [None]
        return all(isinstance(texts, list) and all(isinstance(text, str) for text in texts) for texts in lists)

    return {name: entry for name, entry in entries.items() if is_whole(entry)}


class Judgement(NamedTuple):
    """Of an exercise; the last three are for one that is done."""

    verdicts: dict              # {part: Verdict}
    lines: list = []            # noqa: RUF012  what is said of it
    state: list = []            # noqa: RUF012  course.state from before it was judged; [] to have it judged again
    files: dict = {}            # noqa: RUF012  {file of mine/: its fingerprint} of what the verdicts depend on


def done_before(lesson, name):
    """The Judgement of a finished exercise, if nothing that it depends on has changed since; None otherwise."""
    entry = finished(lesson).get(name)
    if not entry or entry["state"] != course.state(lesson) or not isinstance(files := entry.get("files"), dict):
        return None
    if any(course.fingerprint(course.MINE / file) != known for file, known in files.items()):
        return None
    return Judgement({part: Verdict(DONE) for part in entry["parts"]}, entry["lines"], entry["state"], files)


def judge(lesson, exercise):
    """The Judgement of the learner's function."""
    if known := done_before(lesson, exercise.name):
        return known
    state = course.state(lesson)
    with own_files.noted(lesson) as files:
        verdicts, function = verdicts_on(lesson, exercise)
        if not is_done(verdicts):
            return Judgement(verdicts)
        try:
            watched(function, course.my_file(lesson), exercise.forbidden)(*exercise.race())     # before it is timed
            lines = praise(exercise, function, course.my_file(lesson))
        except TroubleError as trouble:
            return Judgement(dict.fromkeys(verdicts, Verdict(WRONG, f"  on a large case\n{trouble}")))
    return Judgement(verdicts, lines) if DEBUGGED.is_set() else Judgement(verdicts, lines, state, files)


def verdicts_on(lesson, exercise):
    """{part: Verdict} of the learner's function, and the function, None if it cannot be had."""
    path = course.my_file(lesson)
    place = f"mine/{path.name}"
    try:
        with np.errstate():                     # whatever the file sets there is for itself
            module = watched(course.load, path, course.LIBRARY)(path)
    except TroubleError as trouble:
        return {"": Verdict(WRONG, f"  {place} cannot be read\n{trouble}")}, None
    function = getattr(module, exercise.name, None)
    if not callable(function):
        stubs = f"lessons/{lesson.name}/exercise.py"
        text = f"{place} has no function {exercise.name}: copy it from {stubs}, if it was not renamed"
        return {"": Verdict(WRONG, textwrap.fill(text, 79, initial_indent="  ", subsequent_indent="    "))}, None
    supervised = watched(function, path, exercise.forbidden)
    supervised.__name__ = exercise.name               # known mistakes are looked up by it
    try:
        verdicts = exercise.check(supervised)
    except TroubleError as trouble:
        return {"": Verdict(WRONG, str(trouble))}, function
    if code := getattr(function, "__code__", None):         # a ufunc, say, has none
        place = f"{place}, line {code.co_firstlineno}"
    forgotten = returns_nothing(function)
    for part, verdict in verdicts.items():
        if verdict.kind == TODO and forgotten:
            verdicts[part] = Verdict(WRONG, f"  {place}: {exercise.name} has no return line, so it gives None")
        elif verdict.kind == TODO:
            verdicts[part] = Verdict(TODO, place)
        elif verdict.kind == DONE and (lenders := supervised.borrowed | slips.lenders_of_ufuncs(function, OTHERS)):
            verdicts[part] = Verdict(BORROWED, f"from {', '.join(sorted(lenders))}")
    return verdicts, function


def returns_nothing(function):
    """Whether a function of Python comes to its end and has no line that returns something. (All stubs have one.)"""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):           # a ufunc, say, or a lambda in the middle of a line
        return False
    body = tree.body[0]
    ends = isinstance(body, ast.FunctionDef) and not isinstance(body.body[-1], ast.Raise)
    return ends and not any(isinstance(node, ast.Return) and node.value is not None for node in own_nodes(body))


def own_nodes(node):
    """What is in a function, but for what is in functions inside it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield from own_nodes(child)


def is_done(verdicts):
    return all(verdict.kind == DONE for verdict in verdicts.values())


def praise(exercise, function, file):
    """What a finished function gets: how the other answer differs, both times, and what to read next.

    Raises TroubleError if it fails now, when it is called again and nobody watches.
    """
    args = exercise.race()
    try:
        learner = milliseconds(function, args)
    except Exception as error:
        raise TroubleError(in_words(error, file)) from error
    library = milliseconds(exercise.answer, args)
    measurable = max(learner, library) > 0.05 and min(learner, library) > 0.001 and not DEBUGGED.is_set()
    times = [f"yours takes {duration(learner)}, {exercise.other} {duration(library)}"] if measurable else []
    return [f"{exercise.other} {exercise.differs}", *times, f"now read {exercise.read}"]


def duration(milliseconds):
    """To three digits: 0.123 ms, 12.3 ms, 1.23 s."""
    return f"{milliseconds:.3g} ms" if milliseconds < 999.5 else f"{milliseconds / 1000:.3g} s"


def remember(judged):
    """Keep what is finished, {lesson: {name: Judgement}}, so that it need not be judged again.

    What was not judged (pytest -k) stays as it is remembered.
    """
    done = course.remembered().get("done", {})
    for lesson, exercises in judged.items():
        known = done[course.slug(lesson.name)] = finished(lesson)
        for name, (verdicts, lines, state, files) in exercises.items():
            known.pop(name, None)
            if is_done(verdicts) and state:
                known[name] = {"state": state, "files": files, "parts": list(verdicts), "lines": lines}
    if judged:
        course.remember(done=done)
