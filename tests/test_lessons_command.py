"""`python -m lessons`: where a learner is, and judging, hints, beginning again and watching by short names."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from lessons.__main__ import main
from lessons.engine import course, hints, judging, saving
from lessons.engine.exercises import DONE, TODO, Verdict
from lessons.engine.standing import find, next_lesson
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError, exit_in_words

ROOT = Path(__file__).parents[1]
RELU = course.LESSONS / "02_relu"
RIGHT = """import numpy as np
def relu(x):
    return np.maximum(x, 0), x > 0
def relu_backward(dy, cache):
    return dy * cache
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """An empty mine/ of one's own."""
    monkeypatch.setattr(course, "MINE", tmp_path / "mine")
    course.MINE.mkdir()
    return course.MINE


@pytest.fixture
def say(mine, monkeypatch, capsys):
    """say(*words) -> the exit status, stdout and stderr of `python -m lessons` with these words."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")
    monkeypatch.setattr(signal, "signal", lambda *_: None)      # the tests' own stays
    monkeypatch.chdir(ROOT)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["lessons", *words])
        try:
            exit_in_words(main)
            status = 0
        except SystemExit as end:
            status = end.code or 0
        return status, *capsys.readouterr()

    return run


def remember(lesson, **kinds):
    """As if these exercises had just been judged."""
    course.my_file(lesson)
    state = course.state(lesson)
    judgements = {name: judging.Judgement({"y": Verdict(kind)}, [], state, {}) for name, kind in kinds.items()}
    judging.remember({lesson: judgements})


def test_where_you_are_is_a_line_a_lesson_and_what_is_next(say, mine):
    for name in "00_start_here", "02_relu", "03_conv_1x1":
        (mine / f"{name}.py").write_text("mine = 1\n")
    course.my_file(course.LESSONS / "01_gradient_is_a_measurement")
    remember(course.LESSONS / "00_start_here", **{f"q{i}": DONE for i in range(1, 11)})
    remember(RELU, relu=DONE, relu_backward=TODO)
    status, said, _ = say()
    lines = said.splitlines()
    assert status == 0 and max(map(len, lines)) < 80
    assert [line.split(maxsplit=1) for line in lines[:5]] == [
        ["00_start_here", "done"], ["01_gradient_is_a_measurement", "untouched"], ["02_relu", "begun     1 of 2 done"],
        ["03_conv_1x1", "begun     0 of 2 done"], ["04_softmax_loss_sgd", "untouched"],
    ]
    assert re.search(r"24_many_processes +a reading\n", said)
    assert "next: read lessons/01_gradient_is_a_measurement/README.md\n    python -m lessons 01  judges mine/01" in said
    assert say("list")[1] == said.partition("\n\n")[0] + "\n"
    assert not (mine / "04_softmax_loss_sgd.py").exists()


def test_what_is_done_stays_so_until_its_own_file_changes(say, mine):
    (mine / "02_relu.py").write_text(RIGHT)
    remember(RELU, relu=DONE, relu_backward=DONE)
    (mine / "03_conv_1x1.py").write_text("mine = 1\n")
    assert re.search(r"02_relu +done\n", say("list")[1])
    (mine / "02_relu.py").write_text(RIGHT + "\n")
    assert re.search(r"02_relu +begun +changed since it was judged\n", say("list")[1])


def test_all_done_is_said(say, mine, monkeypatch):
    monkeypatch.setattr(course, "lessons", lambda: [RELU])
    (mine / "02_relu.py").write_text(RIGHT)
    remember(RELU, relu=DONE, relu_backward=DONE)
    for words in (), ("next",):
        status, said, _ = say(*words)
        assert status == 0 and "all is done: python train.py --ops lessons" in said


def test_a_part_that_was_not_judged_stays_remembered(mine):
    """pytest -k relu_backward."""
    (mine / "02_relu.py").write_text(RIGHT)
    remember(RELU, relu=DONE)
    remember(RELU, relu_backward=DONE)
    assert judging.done_before(RELU, "relu") and judging.done_before(RELU, "relu_backward")
    remember(RELU, relu=TODO)
    assert not judging.done_before(RELU, "relu") and judging.done_before(RELU, "relu_backward")


@pytest.mark.parametrize(
    "entry", [3, {"relu": 3}, {"relu": {"state": "old", "parts": [], "lines": []}}, {"state": "old", "exercises": {}}]
)
def test_a_memory_of_another_form_is_nothing_remembered(mine, entry):
    course.remember(done={"02_relu": entry}, hints={"02_relu relu": "three"})
    assert judging.finished(RELU) == {} and hints.shown(RELU, SimpleNamespace(name="relu", hints=(1,))) == 0


def test_a_lesson_is_judged_as_pytest_judges_it(say, mine):
    status, said, _ = say("relu")
    assert status == 1 and re.search(r"relu_backward +dx +TODO  mine/02_relu\.py, line 18\n", said)
    (mine / "02_relu.py").write_text(RIGHT)
    status, said, _ = say("02")
    assert status == 0 and said.startswith("\n\n02_relu  (mine/02_relu.py)\n") and re.search(r"relu +y +done\n", said)


def test_next_judges_the_first_that_is_not_done(say, mine, monkeypatch):
    asked = []
    monkeypatch.setattr(pytest, "main", lambda args: asked.append(args) or 1)
    (mine / "00_start_here.py").write_text("mine = 1\n")
    remember(course.LESSONS / "00_start_here", **{f"q{i}": DONE for i in range(1, 11)})
    assert say("next")[0] == 1 and asked == [["lessons/01_gradient_is_a_measurement"]]


@pytest.mark.parametrize(
    "text, name",
    [
        ("7", "07_pooling"), ("07", "07_pooling"), ("07_p", "07_pooling"), ("pool", "07_pooling"), ("1", "01_gradient"),
        ("GPU", "13_gpu"), ("lessons/07_pooling/", "07_pooling"), ("mine/07_pooling.py", "07_pooling"),
    ],
)
def test_a_lesson_has_short_names(text, name):
    assert find(text).name.startswith(name)


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["conv_"], "'conv_' could be any of 03_conv_1x1, 05_conv_forward, 06_conv_backward: write its number"),
        ([""], "'' could be any of 00_start_here, 01_gradient"),
        (["many"], "24_many_processes is a reading, with nothing to write: open lessons/24_many_processes/README.md"),
        (["reset", "many"], "24_many_processes is a reading"), (["watch", "many"], "24_many_processes is a reading"),
        (["99"], "there is no lesson '99': python -m lessons list  names them all"),
        (["a\x1b\udcff"], r"there is no lesson 'a\x1b\udcff'"),
        (["relu", "pool"], "'relu pool' is not understood"),
        (["reset"], "which lesson?"),
        (["reset", "nothing"], "there is no lesson 'nothing'"),
        (["hint", "nothing"], "there is no lesson 'nothing'"),
        (["hint", "02", "sigmoid"], "02_relu does not ask for 'sigmoid': choose relu, relu_backward"),
        (["hint", "backward"], "09_network and 17_tape ask for backward: python -m lessons hint 09 backward"),
    ],
)
def test_what_is_not_understood_is_one_sentence(say, mine, words, sentence):
    status, said, errors = say(*words)
    assert status == 2 and said == "" and errors.startswith(f"error: {sentence}") and errors.count("\n") == 1
    assert not any(mine.iterdir())


def test_hints_come_one_after_the_other_and_are_counted(say):
    status, said, _ = say("hint", "02")
    assert status == 0 and re.search(r"relu_backward +0 of 3 hints shown\n", said)
    for number, words in enumerate((["02", "relu_backward"], ["relu_backward"], ["2", "relu_backward"]), start=1):
        assert say("hint", *words)[1].startswith(f"hint {number} of 3 for relu_backward: ")
    assert say("hint", "relu_backward")[1].count("hint ") == 3
    said = say("hint", "2")[1]
    assert re.search(r"relu_backward +3 of 3 hints shown\n", said) and said.endswith("hint 02 relu\n")
    said = say("hint")[1]
    assert said.startswith("00_start_here asks for\n") and said.endswith("the next: python -m lessons hint 00 q1\n")


def test_where_no_hint_can_be_counted_all_are_given(say, mine, monkeypatch):
    say("hint", "relu")
    monkeypatch.setattr(atomic, "write", refuse)
    for _ in range(2):
        status, said, errors = say("hint", "relu")
        paragraphs = said.split("\n\n")
        assert (status, errors) == (0, "") and [text.split(":")[0] for text in paragraphs[1:]] == [
            "hint 2 of 3 for relu", "hint 3 of 3 for relu"
        ]
        assert paragraphs[0] == "which hints you have seen cannot be kept in mine/: here are all that are left"


def refuse(path, content):
    raise InputError(f"{path} cannot be written")


def test_a_memory_that_cannot_be_written_anew_stays_as_it_was(mine, monkeypatch):
    assert course.remember(done={"02_relu": {}})
    before = (mine / ".course.json").read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: refuse(*_))
    assert not course.remember(done={})
    assert (mine / ".course.json").read_bytes() == before and len([*mine.iterdir()]) == 1


def test_a_lesson_begun_again_leaves_a_copy_of_what_was_there(say, mine):
    stubs = (RELU / "exercise.py").read_bytes()
    for number in "12":
        (mine / "02_relu.py").write_text(number)
        status, said, _ = say("reset", "relu")
        assert status == 0 and f"what you had is in mine/02_relu.py.{number}\n" in said
        assert (mine / "02_relu.py").read_bytes() == stubs
    assert "what you had" not in say("reset", "02")[1]
    assert [(mine / f"02_relu.py.{number}").read_text() for number in "12"] == ["1", "2"]
    assert len([*mine.iterdir()]) == 3


def test_what_was_done_is_done_when_the_copy_is_laid_back(say, mine):
    (mine / "02_relu.py").write_text(RIGHT)
    remember(RELU, relu=DONE, relu_backward=DONE)
    say("reset", "02")
    assert re.search(r"02_relu +untouched\n", say("list")[1])
    (mine / "02_relu.py.1").rename(mine / "02_relu.py")
    assert re.search(r"02_relu +done\n", say("list")[1])


def test_where_no_file_can_be_made_there_is_one_sentence(say, mine):
    mine.rmdir()
    mine.write_text("")
    for words in ["02"], ["next"], ["reset", "02"]:
        status, said, errors = say(*words)
        assert status == 2 and said == "" and errors.startswith(f"error: {mine} cannot be written (File exists): it is")
    assert say()[0] == say("hint", "02", "relu")[0] == 0


def test_the_help_fits_a_terminal(say):
    status, said, _ = say("-h")
    assert status == 0 and max(map(len, said.splitlines())) < 80


def test_without_watchfiles_it_is_said_how_to_get_it(say, mine, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    status, said, errors = say("watch")
    assert (status, said, errors) == (2, "", "error: watching needs watchfiles: pip install -e '.[watch]'\n")
    assert not any(mine.iterdir())


def test_the_lesson_that_was_saved_is_meant(mine):
    for name in "02_relu.py", "03_conv_1x1.py", "helper.py", ".course.json", "02_relu.py.1":
        (mine / name).write_text("")

    def names(*files, lesson=None, last=None):
        return [one.name for one in saving.meant({str(mine / file) for file in files}, lesson, last)]

    assert names("02_relu.py", "03_conv_1x1.py") == ["02_relu", "03_conv_1x1"]
    assert names("03_conv_1x1.py", lesson=RELU) == names("helper.py", last=RELU) == ["02_relu"]
    for nothing in ((), ("helper.py",), (".course.json",), ("02_relu.py.1",), ("04_softmax_loss_sgd.py",)):
        assert names(*nothing) == []
    assert names(".course.json", "04_softmax_loss_sgd.py", lesson=RELU, last=RELU) == []


OLD = f"77{RELU.name[2:]}.py"         # the learner's file, as an older course numbered it


def test_a_file_of_an_old_number_is_the_lessons(say, mine, monkeypatch):
    (mine / OLD).write_text(RIGHT)
    assert course.my_file(RELU) == mine / OLD and course.own_state(RELU) == course.fingerprint(mine / OLD)
    remember(RELU, relu=DONE, relu_backward=DONE)
    to_do = "mine/77_" + "relu.py is read as lesson 02's: rename it to mine/02_relu.py\n"
    said = say("list")[1]
    assert re.search(r"02_relu +done\n", said) and said.endswith(f"\n{to_do}")
    (mine / OLD).rename(mine / "02_relu.py")
    assert re.search(r"02_relu +done\n", say("list")[1]) and "number" not in say("list")[1]
    (mine / OLD).write_text("old = 1\n")
    said = say("list")[1]
    assert re.search(r"02_relu +done\n", said)
    assert f"mine/02_relu.py is lesson 02's; not read, as their number is an old one:\nmine/{OLD}\n" in said
    assert (mine / OLD).read_text() == "old = 1\n" and len([*mine.glob("*relu*")]) == 2
    assert [find(text) for text in (OLD, f"mine/{OLD}", OLD[:-3])] == [RELU] * 3
    assert saving.meant({str(mine / OLD)}, None, None) == [RELU]
    monkeypatch.setattr(pytest, "main", lambda args: 0)
    assert say("02")[0] == say(OLD[:-3])[0] == 0 and len([*mine.glob("*relu*")]) == 2


def test_of_two_old_numbers_the_higher_counts(mine):
    for number in "66", "77", "55":
        (mine / f"{number}{OLD[2:]}").write_text(RIGHT)
    assert course.own_file(RELU).name == OLD
    assert course.of_another_number(RELU).endswith(f"; not read: mine/66{OLD[2:]}, mine/55{OLD[2:]}")


def test_a_file_of_an_old_number_is_begun_again_where_it_is(say, mine):
    (mine / OLD).write_text(RIGHT)
    said = say("reset", "02")[1]
    assert f"mine/{OLD} is as it was at the beginning\nwhat you had is in mine/{OLD}.1\n" in said
    assert said.endswith("rename it to mine/02_relu.py\n") and [*mine.glob("02*")] == []
    assert (mine / OLD).read_bytes() == (RELU / "exercise.py").read_bytes()
    assert (mine / f"{OLD}.1").read_text() == RIGHT


def test_stubs_of_an_older_course_are_untouched(say, mine):
    stubs = (RELU / "exercise.py").read_text()
    older = stubs.replace("Lesson 02", "Lesson 77").replace("lessons/02", "lessons/77")
    assert older.count("77") == 2
    (mine / OLD).write_text(older)
    assert re.search(r"02_relu +untouched\n", say("list")[1])
    (mine / OLD).write_text(older.replace("import", "import  "))
    assert re.search(r"02_relu +begun", say("list")[1])


def test_what_an_older_course_has_remembered_is_known(say, mine):
    (mine / OLD).write_text(RIGHT)
    remember(RELU, relu=DONE, relu_backward=DONE)
    say("hint", "02", "relu")
    known = json.loads((mine / ".course.json").read_text())
    older = {key: {f"77_{name}": entry for name, entry in entries.items()} for key, entries in known.items()}
    assert older.keys() == {"done", "hints"} and "77_" "relu" in older["done"]
    (mine / ".course.json").write_text(json.dumps(older))
    assert re.search(r"02_relu +done\n", say("list")[1])
    assert say("hint", "02", "relu")[1].startswith("hint 2 of 3 for relu: ")


class Judge:
    """In the place of a process: notes what it is asked, and saves, then ends the watching with Ctrl-C."""

    asked, returncode = [], -11

    def communicate(self, name):
        self.asked.append(name)
        if len(self.asked) == 3:
            raise KeyboardInterrupt
        target = course.MINE / ("03_conv_1x1.py" if len(self.asked) == 1 else "helper.py")
        threading.Timer(0.02, target.write_text, ["saved = 1\n"]).start()

    def kill(self):
        self.asked.append("killed")

    def wait(self):
        pass


def test_what_is_saved_is_judged_until_ctrl_c(say, mine, monkeypatch):
    pytest.importorskip("watchfiles")
    monkeypatch.setattr(saving, "ready", Judge)
    monkeypatch.setattr(Judge, "asked", [])
    status, said, errors = say("watch")
    assert Judge.asked == ["00_start_here", "03_conv_1x1", "03_conv_1x1", "killed"]
    assert status == 130 and errors == "stopped\n" and (mine / "00_start_here.py").exists()
    assert said.count("no verdict: the process ended with status -11\n") == said.count("Ctrl-C ends\n") == 2


def test_the_process_of_a_judgement_judges_what_it_is_sent_and_ends_without(tmp_path):
    skip = shutil.ignore_patterns("__pycache__", "*.npz", "figures", "0[013-9]_*", "1*")
    for name in "tinysegnet", "lessons":
        shutil.copytree(ROOT / name, tmp_path / name, ignore=skip)
    for name in "pyproject.toml", "conftest.py":
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/02_relu.py").write_text(RIGHT.replace("dy * cache", "None"))
    command = [sys.executable, "-m", "lessons.engine.saving"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    for name, status in ("02_relu", 1), ("", 0):
        process = subprocess.run(
            command, input=name, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False, timeout=60
        )
        assert process.returncode == status and process.stderr == ""
        assert bool(re.search(r"relu +y +done\n", process.stdout)) == bool(name)


def test_a_folder_that_goes_away_ends_the_watching(mine, monkeypatch):
    pytest.importorskip("watchfiles")
    monkeypatch.setattr(saving, "ready", Judge)
    monkeypatch.setattr(Judge, "asked", [])
    threading.Timer(0.05, mine.rmdir).start()
    with pytest.raises(InputError, match="is not there any more"):
        saving.watch(None, None)
    assert Judge.asked == ["killed"] and next_lesson().name == "00_start_here"
