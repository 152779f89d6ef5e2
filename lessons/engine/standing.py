"""How far a learner has come, from what is remembered; nothing is judged."""

import os
from pathlib import Path
from typing import NamedTuple

from lessons.engine import course, judging
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError

UNTOUCHED, BEGUN, DONE = "untouched", "begun", "done"


class Standing(NamedTuple):
    kind: str           # UNTOUCHED, BEGUN or DONE
    text: str = ""      # more about it


def standing(lesson):
    """The Standing of a lesson. What has been done counts for as long as the learner's file is as it was then."""
    own = course.own_state(lesson)
    if not own or is_untouched(course.own_file(lesson), lesson):
        return Standing(UNTOUCHED)
    entries, names = judging.finished(lesson), [exercise.name for exercise in course.exercises(lesson)]
    count = sum(name in entries and entries[name]["state"][:1] == [own] for name in names)
    if count == len(names):
        return Standing(DONE)
    if entries and not count:
        return Standing(BEGUN, "changed since it was judged")
    return Standing(BEGUN, f"{count} of {len(names)} done")


def is_untouched(path, lesson):
    """Whether a file holds the stubs of a lesson, in which an older course may have had other numbers."""
    written, stubs = (file.read_text(encoding="utf-8", errors="replace") for file in (path, lesson / "exercise.py"))
    return course.but_for_numbers(written) == course.but_for_numbers(stubs)


def next_lesson():
    """The first that is not done, None if all are."""
    return next((lesson for lesson in course.lessons() if standing(lesson).kind != DONE), None)


def find(text):
    """The lesson that a text means: its number, the beginning of its name, or a part of that. Raises InputError, for a
    reading too."""
    lesson = find_page(text)
    if lesson in course.readings():
        raise InputError(f"{lesson.name} is a reading, with nothing to write: open lessons/{lesson.name}/README.md")
    return lesson


def find_page(text):
    """The same, but a reading is found as well."""
    lessons, part = course.lessons_and_readings(), Path(text).name.removesuffix(".py").lower()
    part = part.zfill(2) if part.isdecimal() else part
    if lesson := course.lesson_of(part):
        return lesson
    found = [lesson for lesson in lessons if lesson.name.startswith(part)]
    found = found or [lesson for lesson in lessons if part in lesson.name]
    if not found:
        raise InputError(f"there is no lesson {text!r}: python -m lessons list  names them all")
    if len(found) > 1:
        raise InputError(f"{text!r} could be any of {', '.join(lesson.name for lesson in found)}: write its number")
    return found[0]


def reset(lesson):
    """Lay the stubs in the place of the learner's file. Returns where the copy of that is; None if none was needed."""
    path, stubs = course.my_file(lesson), (lesson / "exercise.py").read_bytes()
    if path.read_bytes() == stubs:
        return None
    copy = copy_beside(path)
    atomic.write(path, stubs)
    return copy


def copy_beside(path):
    """Copy a file to the first of FILE.1, FILE.2, ... that is not there. Returns the path of the copy."""
    number = 1
    while os.path.lexists(copy := path.with_name(f"{path.name}.{number}")):
        number += 1
    atomic.write(copy, path.read_bytes())
    return copy
