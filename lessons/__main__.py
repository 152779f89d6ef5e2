"""python -m lessons"""

import argparse
import os
import sys
import textwrap

from lessons.engine import course, hints
from lessons.engine.saving import watch
from lessons.engine.standing import find, next_lesson, reset, standing
from tinysegnet.support.errors import InputError, exit_in_words

DESCRIPTION = """The course: where you are, and what is next.

    python -m lessons                   where you are; what to type next
    python -m lessons 07                judge what you have written for it
    python -m lessons next              judge the first lesson that is not done
    python -m lessons watch             judge again whenever you save a file
    python -m lessons watch 07          always this lesson, whichever you save
    python -m lessons hint 07           the functions of a lesson
    python -m lessons hint 07 max_pool  the next of three hints for one
    python -m lessons hint max_pool     the same, if no other lesson has one
    python -m lessons reset 07          begin a lesson again: what you have is
                                        copied to mine/07_pooling.py.1, .2, ...
    python -m lessons list              the lessons alone

A lesson is named by its number, by the beginning of its name, or by a part of
it: 7, 07, pool, 07_pooling, lessons/07_pooling. You write in mine/. What is
listed is what was last judged; python -m pytest lessons  judges all of it.

The exit status of a judgement is that of pytest: 0 if all is done, 1 if not.
"""


def show_lessons():
    readings = course.readings()
    for lesson in course.lessons_and_readings():
        kind, text = ("a reading", "") if lesson in readings else standing(lesson)
        print(f"  {lesson.name:<31}{kind:<10}{text}".rstrip())
    say_other_numbers(course.lessons())


def say_other_numbers(lessons):
    for line in filter(None, map(course.of_another_number, lessons)):
        print(textwrap.fill(line, 79))


def show_next(lesson):
    if lesson is None:
        print("all is done: python train.py --ops lessons  trains with what you wrote")
        return
    what = "judges" if course.own_file(lesson).exists() else "makes and judges"
    print(f"\nnext: read lessons/{lesson.name}/README.md")
    print(f"    python -m lessons {lesson.name[:2]}  {what} mine/{course.own_file(lesson).name}")


def judge(lesson):
    """What `pytest lessons/NN_slug` says and returns."""
    try:
        import pytest
    except ModuleNotFoundError as error:
        raise InputError(f"the lessons need {error.name}: pip install -e '.[test]'") from error
    course.my_file(lesson)
    os.chdir(course.ROOT)
    return int(pytest.main([f"lessons/{lesson.name}"]))


def show_hints(lesson):
    print(hints.overview(lesson, course.exercises(lesson)))


def hint(words):
    """[], [LESSON], [FUNCTION] or [LESSON, FUNCTION]. The name of a function goes before a part of a lesson's."""
    if not words:
        show_hints(next_lesson() or course.lessons()[0])
        return
    lessons = [find(words[0])] if len(words) == 2 else [lesson for lesson in course.lessons() if has(lesson, words[0])]
    asked = [(lesson, exercise) for lesson in lessons for exercise in course.exercises(lesson)]
    found = [(lesson, exercise) for lesson, exercise in asked if exercise.name == words[-1]]
    if len(found) > 1:
        which = " and ".join(lesson.name for lesson, _ in found)
        raise InputError(f"{which} ask for {words[0]}: python -m lessons hint {found[0][0].name[:2]} {words[0]}")
    if found:
        print("\n\n".join(hints.following(*found[0])))
    elif len(words) == 2:
        names = ", ".join(exercise.name for _, exercise in asked)
        raise InputError(f"{lessons[0].name} does not ask for {words[1]!r}: choose {names}")
    else:
        show_hints(find(words[0]))


def has(lesson, function):
    """Whether a lesson has a stub of that name: sooner known than what its judge imports."""
    return f"\ndef {function}(" in (lesson / "exercise.py").read_text(encoding="utf-8")


def begin_again(lesson):
    copy = reset(lesson)
    print(f"mine/{course.own_file(lesson).name} is as it was at the beginning")
    if copy:
        print(f"what you had is in mine/{copy.name}")
    say_other_numbers([lesson])


def main():
    parser = argparse.ArgumentParser(
        "python -m lessons", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="python -m lessons [LESSON | next | list | hint | reset | watch] ...",
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    match parser.parse_args().words:
        case []:
            show_lessons()
            show_next(next_lesson())
        case ["list"]:
            show_lessons()
        case ["next"]:
            lesson = next_lesson()
            sys.exit(judge(lesson)) if lesson else show_next(None)
        case ["hint", *words] if len(words) <= 2:
            hint(words)
        case ["reset", lesson]:
            begin_again(find(lesson))
        case ["watch"]:
            watch(None, next_lesson())
        case ["watch", lesson]:
            watch(find(lesson), find(lesson))
        case ["reset"]:
            raise InputError("which lesson? python -m lessons reset 07, for instance")
        case [lesson]:
            sys.exit(judge(find(lesson)))
        case words:
            raise InputError(f"{' '.join(words)!r} is not understood: python -m lessons -h  says what is")


if __name__ == "__main__":
    exit_in_words(main)
