"""`python -m lessons watch`: a lesson is judged again whenever a file in mine/ is saved.

Each judgement has a process of its own, in which nothing is left of the one before. It is started beforehand, imports
what it needs, and waits for the name of the lesson on its stdin: so the answer begins as soon as a file is saved.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from lessons.engine import course
from tinysegnet.support.errors import InputError, writing


def watch(lesson, first):
    """Judge `first`, if there is one, and then at each saving `lesson`, or if that is None the lesson that was saved.

    Only an exception ends it: Ctrl-C's KeyboardInterrupt, or InputError if watchfiles or the folder is not there.
    """
    try:
        from watchfiles import watch as changes_in
    except ModuleNotFoundError as error:
        raise InputError(f"watching needs {error.name}: pip install -e '.[watch]'") from error
    with writing(course.MINE):
        course.MINE.mkdir(exist_ok=True)
    asked = [first] if first else []
    for one in asked:
        course.my_file(one)
    judge = ready()
    try:
        # After 200 ms without a change there is an empty set: the first judgement waits for one, or what is saved
        # meanwhile would not be seen.
        every = {"watch_filter": None, "recursive": False, "rust_timeout": 200, "yield_on_timeout": True}
        for changes in changes_in(course.MINE, **every):
            if not course.MINE.is_dir():
                raise InputError(f"{course.MINE} is not there any more: ask again, which makes it anew")
            asked = meant({path for _, path in changes}, lesson, first) or asked
            for first in asked:         # the last of them is asked about when a file that is no lesson's is saved
                judge.communicate(first.name)
                if judge.returncode not in range(6):        # those of pytest
                    print(f"no verdict: the process ended with status {judge.returncode}")
                judge = ready()
            if asked:
                print("\nwaiting until a file in mine/ is saved; Ctrl-C ends", flush=True)
            asked = []
    finally:
        judge.kill()
        judge.wait()


def meant(paths, lesson, last):
    """The lessons to be judged when these files in mine/ have changed, some of which may be gone."""
    names = {Path(path).name for path in paths if path.endswith(".py") and os.path.exists(path)}
    if not names or lesson:
        return [lesson] if names else []
    return sorted({course.lesson_of(name) for name in names} - {None}) or ([last] if last else [])


def ready():
    """A process that judges the lesson whose name it is sent. Ctrl-C is for the one that watches, and ends both."""
    command = [sys.executable, "-m", "lessons.engine.saving"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, text=True, cwd=course.ROOT)


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import pytest

    from lessons.engine import judging  # noqa: F401  this takes half a second, before it is needed

    if name := sys.stdin.read():
        sys.exit(pytest.main([f"lessons/{name}"]))


if __name__ == "__main__":
    main()
