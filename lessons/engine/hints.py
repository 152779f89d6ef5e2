"""The three hints of each exercise, one at a time."""

import textwrap

from lessons.engine import course


def shown(lesson, exercise):
    """How many of an exercise's hints have been shown."""
    number = course.remembered().get("hints", {}).get(key(lesson, exercise))
    return min(number, len(exercise.hints)) if isinstance(number, int) and number > 0 else 0


def following(lesson, exercise):
    """The next hint, as a paragraph, which counts as shown from now on; after the last, all of them.

    Where nothing can be kept, all that are left.
    """
    number, count = shown(lesson, exercise), len(exercise.hints)
    kept = course.remember(hints=course.remembered().get("hints", {}) | {key(lesson, exercise): number + 1})
    first, last = (0, count) if number == count else (number, number + 1 if kept else count)
    said = [f"hint {i + 1} of {count} for {exercise.name}: {exercise.hints[i]}" for i in range(first, last)]
    if not kept and number < count:
        said.insert(0, "which hints you have seen cannot be kept in mine/: here are all that are left")
    return [textwrap.fill(text, 79) for text in said]


def overview(lesson, exercises):
    """The functions of a lesson, how many hints each has left, and how to ask for the next."""
    rows = [f"  {one.name:<32}{shown(lesson, one)} of {len(one.hints)} hints shown" for one in exercises]
    least = min(exercises, key=lambda one: shown(lesson, one))      # the first, if several are
    ask = f"the next: python -m lessons hint {lesson.name[:2]} {least.name}"
    return "\n".join([f"{lesson.name} asks for", *rows, ask])


def key(lesson, exercise):
    return f"{course.slug(lesson.name)} {exercise.name}"
