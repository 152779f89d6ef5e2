"""Where lessons and the learner's files are, and what is remembered of them.

    lessons/NN_slug/exercise.py    the stubs, never changed; a reading has none, and no test_exercise.py
    mine/NN_slug.py                the learner's copy, made at the first run, never overwritten and not in git
    mine/.course.json              what was done, and in which state of what it depends on; which hints were shown

NN is the lesson's place in the table of lessons/README.md, and may be another in the next course. So what is the
learner's goes by the slug, and is found with any number.
"""

import contextlib
import hashlib
import importlib
import importlib.util
import json
import os
import platform
import re
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


def readings():
    """The folders of the readings, in order: lessons that are a page alone, with nothing to write and to judge."""
    folders = sorted(path.parent for path in LESSONS.glob("[0-9][0-9]_*/README.md"))
    return [folder for folder in folders
            if not (folder / "exercise.py").exists() and not (folder / "test_exercise.py").exists()]


def lessons_and_readings():
    """All folders to which a row of the table in lessons/README.md leads, in order."""
    return sorted([*lessons(), *readings()])


def slug(name):
    """What follows the number in a name: "07_pooling" -> "pooling"."""
    return re.sub(r"^\d\d_", "", name)


def lesson_of(name):
    """The lesson that "NN_slug" or "NN_slug.py" means, whatever number NN is; None if there is no such slug."""
    found = re.fullmatch(r"\d\d_(\w+)(\.py)?", name)
    return next((lesson for lesson in lessons() if found and slug(lesson.name) == found[1]), None)


def but_for_numbers(text):
    """A text of the course without the numbers of lessons, as it was before they changed."""
    return re.sub(r"(?i)(?<=lesson )\d\d|(?<=lessons )\d\d|(?<=lessons/)\d\d(?=_)|(?<=mine/)\d\d(?=_)", "NN", text)


def files_of(lesson, folder=None, suffix=".py"):
    """The learner's files of a lesson, by default those in MINE. The first is the one that counts: that of the lesson's
    own number, if it is there."""
    folder = folder or MINE
    named = folder / f"{lesson.name}{suffix}"
    others = sorted(folder.glob(f"[0-9][0-9]_{slug(lesson.name)}{suffix}"), reverse=True)
    return [path for path in [named, *(other for other in others if other != named)] if path.exists()]


def own_file(lesson, folder=None, suffix=".py"):
    """Where the learner's file of a lesson is, or is to be."""
    return next(iter(files_of(lesson, folder, suffix)), (folder or MINE) / f"{lesson.name}{suffix}")


def of_another_number(lesson):
    """What to say of the learner's files of a lesson that have another number than it has; "" if none has."""
    names = [f"mine/{path.name}" for path in files_of(lesson)]
    named = f"mine/{lesson.name}.py"
    if not names or names == [named]:
        return ""
    number, more = lesson.name[:2], ", ".join(names[1:])
    if names[0] == named:
        return f"{named} is lesson {number}'s; not read, as their number is an old one: {more}"
    aside = f"; not read: {more}" if more else ""
    return f"{names[0]} is read as lesson {number}'s: rename it to {named}{aside}"


def my_file(lesson):
    """The learner's file of a lesson; a copy of the stubs if there is none yet. Raises InputError if that fails."""
    path = own_file(lesson)
    if not path.exists():
        with writing(MINE):
            MINE.mkdir(exist_ok=True)
        atomic.write(path, (lesson / "exercise.py").read_bytes())
    return path


class Source(SourceFileLoader):
    """Runs what a file holds now, and never an older one that Python has kept: bytecode goes by size and second."""

    def get_code(self, name):
        try:
            text = importlib.util.decode_source(self.get_data(self.path))       # compile() would guess at bytes
        except (SyntaxError, UnicodeDecodeError) as error:
            raise SyntaxError("the file is not in UTF-8, nor as its first line says: save it in UTF-8") from error
        return self.source_to_code(text, self.path)


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
    path = own_file(lesson)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def fingerprint(path):
    """Of a file, "" if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError):           # a damaged name may be none at all
        return ""


def remembered():
    """What mine/.course.json holds, {"done": {slug: ...}, "hints": {"slug function": count}, "notebook": {slug: ...}};
    nothing if it is missing or damaged, as it can always be made again. Older courses wrote numbers before the slugs.
    """
    try:
        known = json.loads((MINE / ".course.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    known = known if isinstance(known, dict) else {}
    return {key: {slug(name): entry for name, entry in value.items()}
            for key, value in known.items() if isinstance(value, dict)}


def remember(**entries):
    """Keep entries beside what is remembered. Returns whether that could be written: it is only to save time."""
    with contextlib.suppress(InputError, OSError):
        MINE.mkdir(exist_ok=True)
        atomic.write(MINE / ".course.json", json.dumps(remembered() | entries, indent=1).encode())
        return True
    return False
