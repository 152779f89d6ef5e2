"""What pytest must know of the course before it looks for tests; see lessons/conftest.py."""

import re
from pathlib import Path

import pytest

LESSONS = Path(__file__).resolve().with_name("lessons")
MINE = LESSONS.with_name("mine")


def pytest_addoption(parser):
    group = parser.getgroup("lessons")
    group.addoption("--answers", choices=("mine", "library"), default="mine", help="whose functions are judged")
    group.addoption(
        "--hint", nargs="?", const="", metavar="FUNCTION", help="the next of three hints for it; alone: which there are"
    )
    group.addoption("--show", action="store_true", help="show the arrays of the case in which a function is wrong")


@pytest.hookimpl(tryfirst=True)         # before pytest-xdist looks at its options
def pytest_cmdline_main(config):
    """The judge speaks in one process, as of several none would have all verdicts; and in words of its own."""
    option = config.option
    if option.hint and Path(option.hint).exists():              # --hint lessons/02_relu
        config.args, option.hint = [option.hint], ""
    config.args = [lesson for arg in config.args for lesson in meant(arg)]
    if all(Path(arg.partition("::")[0]).resolve().is_relative_to(LESSONS) for arg in config.args):
        option.numprocesses, option.dist, option.tx = 0, "no", []
        option.verbose, option.no_header = -2, True
        option.tbstyle, option.reportchars, option.disable_warnings = "no", "", True


def meant(arg):
    """What pytest is to look at: the lessons, for a short name of one (lessons/07) and for the learner's own files, or
    of a lesson a function (lessons/07::max_pool)."""
    text, colons, function = arg.partition("::")
    path = Path(text).resolve()
    # A reading; or bytecode, where git took a lesson away
    bare = bool(re.match(r"\d\d_\w+$", path.name)) and not (path / "exercise.py").exists()
    short = path.parent == LESSONS and (not path.exists() or bare or (colons and path.is_dir()))
    if short or (path.parent == MINE and is_answer(path.name.removesuffix(".py"))):
        lesson = named(text)
        return [f"{lesson}/test_exercise.py::{function}" if colons else lesson]
    if path == MINE and not any(path.rglob("test_*.py")):
        found = [named(file.name) for file in path.glob("[0-9][0-9]_*.py") if is_answer(file.stem)]
        if not found:
            raise pytest.UsageError("there is no answer in mine/ yet: python -m lessons 00  begins")
        return sorted(set(found))
    return [arg]


def is_answer(name):
    """Whether a file of the learner's has the name of a lesson, with whatever number."""
    return bool(re.match(r"\d\d_\w+$", name)) and any(LESSONS.glob(f"[0-9][0-9]{name[2:]}/exercise.py"))


def named(text):
    """The folder of the lesson that a text means."""
    from lessons.engine.standing import find  # here, so that tests/conftest.py comes before NumPy
    from tinysegnet.support.errors import InputError

    try:
        return str(find(text))
    except InputError as error:
        raise pytest.UsageError(str(error)) from error
