"""A learner in the middle of an older course gets the current one: nothing of theirs is lost."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OLD, NEW = ("lessons/02_relu", "lessons/03_conv_1x1"), "lessons/08_batch_norm"
SKIP = shutil.ignore_patterns("__pycache__", "*.npz", "figures")
HALF_SOLVED = {
    "02_relu.py": '''# my notes stay here, too
import numpy as np

def relu(x):
    return np.maximum(x, 0), x > 0

def relu_backward(dy, cache):
    dx = None
    return dx
''',
    "03_conv_1x1.py": "def conv1x1(x, w, b):\n    return x @ w + b, (x, w)\n",       # all that the older one asked for
    "notes.txt": "sum over all pixels!\n",
}


def run(root, *options):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False).stdout


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name[0] != "."}


@pytest.fixture
def course(tmp_path):
    """An older course: three lessons, other words in a stub, a function less in another."""
    for name in "pyproject.toml", "conftest.py":
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "tinysegnet", tmp_path / "tinysegnet", ignore=SKIP)
    lessons = tmp_path / "lessons"
    lessons.mkdir()
    for path in (ROOT / "lessons").iterdir():
        if path.name[:2] in ("00", "02", "03") or path.suffix == ".py":
            (shutil.copytree if path.is_dir() else shutil.copy)(path, lessons / path.name)
    shutil.copytree(ROOT / "lessons/engine", lessons / "engine", ignore=SKIP)
    stub = lessons / "02_relu/exercise.py"
    stub.write_text(stub.read_text().replace("Keep what is positive", "Older words for it"))
    older = lessons / "03_conv_1x1/test_exercise.py"
    older.write_text(older.read_text() + "EXERCISES = EXERCISES[:1]\n")
    return tmp_path


def test_nothing_of_a_half_solved_older_course_is_lost(course):
    mine = course / "mine"
    run(course, *OLD)
    assert "Older words for it" in (mine / "02_relu.py").read_text()
    for name, text in HALF_SOLVED.items():
        (mine / name).write_text(text)
    before = run(course, *OLD)
    assert re.search(r"02_relu +2 done, 1 TODO\n", before) and re.search(r"03_conv_1x1 +2 done\n", before)
    run(course, OLD[0], "--hint", "relu_backward")
    written = files(mine)

    shutil.rmtree(course / "lessons")
    shutil.copytree(ROOT / "lessons", course / "lessons", ignore=SKIP)
    after = run(course, *OLD, NEW)

    now = files(mine)
    assert {name: now[name] for name in written} == written
    assert re.search(r"02_relu +2 done, 1 TODO\n", after) and re.search(r"03_conv_1x1 +2 done, 1 wrong\n", after)
    assert re.search(r"08_batch_norm +\d+ TODO\n", after)
    assert now["08_batch_norm.py"] == (ROOT / NEW / "exercise.py").read_bytes()
    said = " ".join(run(course, OLD[1]).split())
    assert "no function conv1x1_backward: copy it from lessons/03_conv_1x1/exercise.py, if it was not renamed" in said
    assert run(course, OLD[0], "--hint", "relu_backward").strip().startswith("hint 2 of 3")

    with (mine / "03_conv_1x1.py").open("a") as file:
        file.write("\ndef conv1x1_backward(dy, cache):\n    return None\n")
    assert re.search(r"03_conv_1x1 +2 done, 3 TODO\n", run(course, *OLD))
