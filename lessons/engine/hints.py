"""The three hints of each exercise, one at a time."""

import textwrap

from lessons.engine import course


def shown(lesson, exercise):
    """How many of an exercise's hints have been shown."""
    number = course.remembered().get("hints", {}).get(key(lesson, exercise))
    return min(number, len(exercise.hints)) if isinstance(number, int) and number > 0 else 0


def following(lesson, exercise):
    """The next hint, as a paragraph, which counts as shown from now on; after the last, all of them."""
    number, count = shown(lesson, exercise), len(exercise.hints)
    numbers = range(count) if number == count else [number]
    course.remember(hints=course.remembered().get("hints", {}) | {key(lesson, exercise): number + 1})
    return [textwrap.fill(f"hint {i + 1} of {count} for {exercise.name}: {exercise.hints[i]}", 79) for i in numbers]


def key(lesson, exercise):
    return f"{lesson.name} {exercise.name}"
