"""Where lessons and the learner's files are, and what is remembered of them.

    lessons/NN_slug/exercise.py    the stubs, never changed
    mine/NN_slug.py                the learner's copy, made at the first run, never overwritten and not in git
    mine/.course.json              what was done, and in which state of what it depends on; which hints were shown
"""

import contextlib
import hashlib
import importlib
import importlib.util
import json
import os
import platform
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path

import numpy as np

from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError, writing

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "tinysegnet"
LESSONS = ROOT / "lessons"
MINE = ROOT / "mine"


def lessons():
    """The folders of the lessons that have an exercise, in order."""
    return sorted(path.parent for path in LESSONS.glob("[0-9][0-9]_*/test_exercise.py"))


def my_file(lesson):
    """The learner's file of a lesson; a copy of the stubs if there is none yet. Raises InputError if that fails."""
    path = MINE / f"{lesson.name}.py"
    if not path.exists():
        with writing(MINE):
            MINE.mkdir(exist_ok=True)
        atomic.write(path, (lesson / "exercise.py").read_bytes())
    return path


class Source(SourceFileLoader):
    """Runs what a file holds now, and never an older one that Python has kept: bytecode goes by size and second."""

    def get_code(self, name):
        return self.source_to_code(self.get_data(self.path), self.path)


def load(path):
    """The module in a file, under a name of its own, whatever else has been imported."""
    name = f"mine_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path, loader=Source(name, str(path)))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module              # before it runs: pickle and dataclasses look there
    spec.loader.exec_module(module)
    return module


def beside(file, name):
    """The module of that name in the folder of a file. It has this name alone, by which others find it too."""
    folder = str(Path(file).parent)
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def exercises(lesson):
    """Those of a lesson. Raises InputError if what its judge needs is not installed."""
    try:
        return load(lesson / "test_exercise.py").EXERCISES
    except ModuleNotFoundError as error:
        raise InputError(f"the lessons need {error.name}: pip install -e '.[test]'") from error


def state(lesson):
    """Two fingerprints: of the learner's file, and of all else that a lesson's verdicts depend on but other files of
    the learner's, which own_files notes."""
    files = [*sorted(lesson.glob("*.py")), *sorted((LESSONS / "engine").glob("*.py"))]
    files += sorted((ROOT / "tinysegnet").rglob("*.py"))
    sha256 = hashlib.sha256(f"{platform.python_version()} {np.__version__}".encode())
    for file in files:
        sha256.update(file.read_bytes())
        sha256.update(os.fsencode(file))
    return [own_state(lesson), sha256.hexdigest()]


def own_state(lesson):
    """A fingerprint of the learner's file of a lesson, "" if there is none."""
    path = MINE / f"{lesson.name}.py"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def fingerprint(path):
    """Of a file, "" if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):           # a damaged name may be none at all
        return ""


def remembered():
    """What mine/.course.json holds; nothing if it is missing or damaged, as it can always be made again."""
    try:
        known = json.loads((MINE / ".course.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in known.items() if isinstance(value, dict)} if isinstance(known, dict) else {}


def remember(**entries):
    """Keep entries beside what is remembered. Returns whether that could be written: it is only to save time."""
    with contextlib.suppress(InputError, OSError):
        MINE.mkdir(exist_ok=True)
        atomic.write(MINE / ".course.json", json.dumps(remembered() | entries, indent=1).encode())
        return True
    return False
