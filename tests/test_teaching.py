"""What a teacher uploads: the autograder for Gradescope, the workflow of a class on GitHub, the container."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from lessons import grade, renumber
from lessons.teaching.gradescope import __main__ as gradescope
from tinysegnet.support.errors import InputError

ROOT = Path(__file__).parents[1]
TEACHING = ROOT / "lessons/teaching"
RELU = """
import numpy as np


def relu(x):
    return np.maximum(x, 0), x > 0


def relu_backward(dy, cache):
    return dy * cache
"""


def made(monkeypatch, out, *words):
    """Run the command, and open the zip that it has made."""
    monkeypatch.setattr(sys, "argv", ["gradescope", "--out", str(out), *map(str, words)])
    gradescope.main()
    return zipfile.ZipFile(out)


@pytest.fixture
def untried(monkeypatch):
    """What the judge would have been tried with: the lessons' numbers, and the limits."""
    tried = []

    def trials(lessons, limits, jobs):
        tried.append(([lesson.name[:2] for lesson in lessons], limits))

    monkeypatch.setattr(grade, "trials", trials)
    return tried


def test_an_autograder_holds_the_course_and_nobodys_answers(tmp_path, monkeypatch, untried):
    points = tmp_path / "p.csv"
    points.write_text("lesson,function,points\n02,relu,4\n")
    words = "--lessons", "02", "06", "--seed", "7", "--points", points, "--megabytes", "900"
    file = made(monkeypatch, tmp_path / "a.zip", *words)
    assert untried == [(["02", "06"], grade.Limits(grade.SECONDS, 900, "7"))]
    expected = "--megabytes 900 --lessons 02 06 --seed 7 --points ../points.csv"
    assert file.read("options.txt").decode().split("\n") == [*expected.split(), ""]
    assert file.read("points.csv") == points.read_bytes()
    names = file.namelist()
    assert {"setup.sh", "run_autograder", "course/pyproject.toml", "course/README.md", "course/lessons/grade.py",
            "course/tinysegnet/ops/conv.py", "course/lessons/06_conv_backward/test_exercise.py"} <= {*names}
    assert len(names) == len({*names}) and not [name for name in names if name.startswith(("course/mine", "/"))]
    for entry in file.infolist():
        runs = entry.filename in ("setup.sh", "run_autograder")
        assert entry.create_system == 3 and entry.external_attr >> 16 == (0o755 if runs else 0o644)
    for name in "setup.sh", "run_autograder":
        (tmp_path / name).write_bytes((gradescope.HERE / name).read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr(gradescope, "HERE", tmp_path)       # as git may lay them down on Windows
    made(monkeypatch, tmp_path / "again.zip", *words)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()


def test_without_options_all_lessons_are_judged_as_everybody_knows_them(tmp_path, monkeypatch, untried):
    assert made(monkeypatch, tmp_path / "a.zip").read("options.txt") == b"--megabytes\n2000\n"
    [(numbers, limits)] = untried
    assert "00" in numbers and "11" in numbers and limits.seed == "-"


def test_what_is_wrong_is_said_before_anything_is_uploaded(tmp_path, monkeypatch, untried):
    points = tmp_path / "p.csv"
    points.write_text("lesson,function,points\n02,elu,4\n")
    for words, sentence in ((("--lessons", "77"), "there is no lesson 77"), (("--points", points), "no function elu"),
                            (("--lessons", "02", "--out", tmp_path), "cannot be written")):
        with pytest.raises(InputError, match=sentence):
            made(monkeypatch, tmp_path / "a.zip", *words)
    assert not (tmp_path / "a.zip").exists()


def heads(page):
    """(title, lesson's folder, the rest of the line) of each heading of a page that leads to a lesson."""
    text = (TEACHING / page).read_text(encoding="utf-8")
    return re.findall(r"(?m)^### \[([^\]]+)\]\(\.\./([^/)]+)/README\.md\)(?: · )?(.*)$", text)


def halves(text):
    return float(text.replace("½", ".5"))


def test_the_notes_have_every_lesson_of_the_table_and_its_hours():
    table = (ROOT / "lessons/README.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| \[([^\]]+)\]\(([^/)]+)/README\.md\)[^|]*\|[^|]*\| (\S+) \|$", table)
    assert len(rows) > 20 and heads("README.md") == [(title, lesson, f"{hours} h") for title, lesson, hours in rows]
    assert [lesson for _, lesson, _ in heads("answers.md")] == [lesson for _, lesson, _ in rows]
    weeks = re.findall(r"(?m)^\| \d \| ([^|]+) \| (\S+) \|", (TEACHING / "README.md").read_text(encoding="utf-8"))
    hours = {lesson[:2]: halves(hours) for _, lesson, hours in rows}
    weeks = [(renumber.in_series(lessons), halves(said)) for lessons, said in weeks]
    assert [number for lessons, _ in weeks for number in lessons] == [*hours][:13] and len(weeks) == 4
    assert [said for _, said in weeks] == [sum(hours[number] for number in lessons) for lessons, _ in weeks]


def test_every_question_has_an_answer():
    answers = (TEACHING / "answers.md").read_text(encoding="utf-8")
    for _, lesson, _ in heads("answers.md"):
        page = (ROOT / "lessons" / lesson / "README.md").read_text(encoding="utf-8")
        asked = re.findall(r"(?m)^\d\.", page.partition("## To think about")[2])
        answered = answers.partition(f"(../{lesson}/README.md)\n")[2].partition("\n#")[0]
        assert re.findall(r"(?m)^\d\.", answered) == asked, lesson


def test_a_stumble_is_a_mistake_that_the_checker_knows():
    files = [*ROOT.glob("tinysegnet/checker/mistakes/*.py"), *ROOT.glob("lessons/*/test_exercise.py"),
             *ROOT.glob("lessons/*/wrong_*.py")]
    known = " ".join(re.sub(r'"\s+"', "", path.read_text(encoding="utf-8")) for path in files)
    quotes = re.findall(r'(?s)\*"(.+?)"\*', (TEACHING / "README.md").read_text(encoding="utf-8"))
    assert len(quotes) > 40
    assert not [quote for quote in quotes if " ".join(quote.split()) not in known]


def program(folder, name, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.mark.docs       # the judge is tried twice, and asked three times
@pytest.mark.skipif(sys.platform == "win32", reason="the scripts are for Gradescope's Linux")
def test_gradescope_gets_results_or_nothing(tmp_path, monkeypatch):
    """In a folder like the container's, of which the user is said to be root, and may give up its rights."""
    place = tmp_path / "autograder"
    with made(monkeypatch, tmp_path / "a.zip", "--lessons", "02", "12") as file:      # 12 reads more than Python
        file.extractall(place / "source")
    (place / "results").mkdir()
    program(place / "venv/bin", "python", f'exec "{sys.executable}" "$@"')
    program(tmp_path / "bin", "id", "echo 0")
    program(tmp_path / "bin", "chown", "true")
    program(tmp_path / "bin", "setpriv", f'echo "$1" > "{tmp_path}/said"; shift 3; exec "$@"')
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"AUTOGRADER": str(place), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}

    def results(files, options=None):
        if options:
            (place / "source/options.txt").write_text(options)
        (place / "results/results.json").unlink(missing_ok=True)
        for old in place.glob("submission/**/*.py"):
            old.unlink()
        for name, text in files.items():
            path = place / "submission" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        process = subprocess.run(["bash", place / "source/run_autograder"], env=environment, cwd=place,
                                 capture_output=True, text=True, check=False)
        written = place / "results/results.json"
        return process.returncode, json.loads(written.read_text()) if written.exists() else None, process.stderr

    status, said, _ = results({"my homework/mine/02_relu.py": RELU})
    statuses = [test["status"] for test in said["tests"]]
    assert status == 0 and said["score"] == 3 and statuses[:3] == ["passed"] * 3 and len(statuses) > 3
    assert (tmp_path / "said").read_text() == "--reuid=nobody\n"
    status, said, _ = results({"relu.py": RELU})
    assert status == 0 and said["score"] == 0 and said["output"] == "no file of a lesson: relu.py"
    status, said, complaint = results({"02_relu.py": RELU}, "--lessons\n02\n--megabytes\n1\n")
    assert status == 2 and said is None and "nobody was judged" in complaint


@pytest.mark.docs       # Python is started for each lesson
@pytest.mark.skipif(sys.platform == "win32", reason="the step is for GitHub's Linux")
def test_the_workflow_fails_until_all_is_done_and_shows_why(tmp_path):
    """Its step is run as GitHub runs it, in a copy of what it needs."""
    workflow = (TEACHING / "classroom.yml").read_text(encoding="utf-8")
    step = textwrap.dedent(re.search(r"(?ms)^      - name: judge$.*?^        run: \|\n(.*)", workflow)[1])
    skip = shutil.ignore_patterns("__pycache__", "*.npz", "0[014-9]_*", "1*", "figures")
    for name in "tinysegnet", "lessons":
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skip)
    for name in "pyproject.toml", "conftest.py":
        shutil.copy(ROOT / name, tmp_path)
    program(tmp_path / "bin", "python", f'exec "{sys.executable}" "$@"')
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH"))}
    summary = tmp_path / "summary"
    environment |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(summary)}

    def judged(lessons):
        summary.write_text("")
        status = subprocess.run(["bash", "-eo", "pipefail", "-c", step], env=environment | {"LESSONS": lessons},
                                cwd=tmp_path, capture_output=True, check=False).returncode
        return status, summary.read_text()

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/02_relu.py").write_text(RELU)
    status, said = judged("02")
    assert status == 0 and said.startswith("```\n") and said.endswith("```\n") and said.count(" done\n") == 3
    (tmp_path / "mine/02_relu.py").write_text(RELU.replace("dy * cache", "dy * (dy > 0)"))
    status, said = judged("02 03")
    assert status == 1 and "dy passes where dy is positive, and must pass where x was" in " ".join(said.split())
    assert "conv1x1_backward                dw          TODO" in said and said.count("```") == 4


def test_the_container_has_what_it_copies_and_gives_up_its_rights():
    text = (TEACHING / "Containerfile").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if line and line[0] != "#"]
    sources = [source for word, *rest in lines if word == "COPY" for source in rest[:-1]]
    assert sources and all((ROOT / source).exists() for source in sources)
    copied = {pattern.split("/")[0] for pattern in gradescope.COPIED}
    assert copied == {*sources}
    words = [line[0] for line in lines]
    assert words.index("RUN") < words.index("USER") < words.index("ENTRYPOINT") and words.count("USER") == 1
    assert lines[words.index("USER")] != ["USER", "root"]
    assert json.loads(text.partition("ENTRYPOINT ")[2]) == ["python", "-m", "lessons.grade"]
