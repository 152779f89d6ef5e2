"""Bugs that train: what is planted, the command `python -m lessons.plant`, and how the lesson judges findings."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cases import NAMES, in_checker_form

from lessons import plant
from lessons.engine import course, planted
from lessons.engine.exercises import DONE, TODO, WRONG
from tinysegnet import ops
from tinysegnet.checker.gradcheck import GradientError, check_backward
from tinysegnet.checker.mistakes import TABLES
from tinysegnet.ops import fast

ROOT = Path(__file__).parents[1]
LESSON = ROOT / "lessons" / "12_bugs_that_train"
# In clear words here and in the answers of the page; a change of the tables must not change what the page explains.
SIX = {
    "A": "always_first_corner", "B": "dx_kernel_not_rotated", "C": "no_mask", "D": "no_variance_path",
    "E": "ignored_pixels_pushed", "F": "dw_from_last_image",
}
GUESSES = [(name, gradient) for name, gradients in planted.GRADIENTS.items() for gradient in gradients]


def checked(operations, name):
    """The gradients that the checker finds wrong in a backward, on arguments of the table of its known mistakes."""
    table = TABLES[name]
    args, forward = next(iter(table.cases())), table.forward
    if name == "max_pool_backward":

        def forward(x):
            y, corners = ops.max_pool(x)
            return y, (corners, x.shape)

    try:
        check_backward(forward, in_checker_form(name, getattr(operations, name)), *args, names=NAMES[name])
    except GradientError as error:
        return error.wrong
    return set()


def test_the_letters_are_what_the_page_explains():
    assert {letter: planted.chosen(letter)[1].__name__ for letter in planted.SIX} == SIX
    assert len({planted.culprit(letter) for letter in planted.SIX}) > 3


def test_the_same_seed_gives_the_same_mistake_and_many_seeds_many():
    before = [planted.chosen(seed) for seed in range(40)]
    planted.candidates.cache_clear()
    assert [planted.chosen(seed) for seed in range(40)] == before
    assert len(set(before)) > 15
    with pytest.raises(ValueError, match="no network 'G'"):
        planted.network("G")


def test_what_has_been_measured_can_be_planted():
    """A mistake that is new in the tables is not planted before record.py has trained with it."""
    measured = json.loads((LESSON / "figures/falls.json").read_text())["losses"]
    assert set(measured) - {"healthy"} <= {f"{name} {wrong.__name__}" for name, wrong in planted.plantable()}
    assert 50 < len(planted.candidates()) < len(measured) - 10
    assert planted.trains(measured["healthy"]) and not planted.trains(None)


@pytest.mark.parametrize(("name", "wrong"), planted.candidates(), ids=lambda value: getattr(value, "__name__", value))
def test_a_candidate_is_wrong_in_the_gradient_it_names_and_in_no_other(name, wrong):
    operations = planted.with_mistake(name, wrong)
    assert checked(operations, name) == {f"{planted.gradient_of(name, wrong)}"}
    others = [other for other in ops.__all__ if getattr(operations, other) is not getattr(fast, other)]
    assert others == [name]


def test_nothing_is_wrong_with_the_library():
    assert not any(checked(ops, name) for name in planted.GRADIENTS)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.setattr(course, "MINE", tmp_path / "mine")
    return tmp_path / "mine"


def run(monkeypatch, *options):
    """The exit status of the command."""
    monkeypatch.setattr(sys, "argv", ["plant", *map(str, options)])
    with pytest.raises(SystemExit) as ended:
        plant.exit_in_words(plant.main)
        sys.exit(0)
    return ended.value.code


def test_a_bug_is_written_and_written_again(mine, monkeypatch, capsys):
    assert run(monkeypatch, "--seed", 3) == 0
    assert [path.name for path in mine.iterdir()] == ["planted.py"]
    first = (mine / "planted.py").read_text()
    assert run(monkeypatch, "--seed", 4) == 0 and (mine / "planted.py").read_text() != first
    name, wrong = planted.chosen(3)
    told = first + capsys.readouterr().out
    assert wrong.__name__ not in told and name not in told.replace("relu_backward dx", "")
    compile(first, "planted.py", "exec")


@pytest.mark.parametrize("content", ["mine = 1\n", plant.page(3) + "# a note of my own\n", ""])
def test_what_a_learner_wrote_is_not_overwritten(mine, monkeypatch, capsys, content):
    mine.mkdir()
    (mine / "planted.py").write_text(content)
    assert run(monkeypatch, "--seed", 4) == 2
    assert (mine / "planted.py").read_text() == content
    assert "move it away" in capsys.readouterr().err


def test_guesses_are_judged(mine, monkeypatch, capsys):
    assert run(monkeypatch, "--guess", "relu_backward", "dx") == 2
    assert "python -m lessons.plant --seed" in capsys.readouterr().err
    run(monkeypatch, "--seed", 3)
    with open(mine / "planted.py", "a") as file:        # a friend may write into it
        file.write("\nprint(ops)\n")
    statuses = {guess: run(monkeypatch, "--guess", *guess) for guess in GUESSES}
    assert statuses == {guess: int(guess != planted.culprit(3)) for guess in GUESSES}
    out, err = capsys.readouterr()
    assert out.count("no: ") == len(GUESSES) - 1 and out.count("yes: ") == 1 and not err


@pytest.mark.parametrize(
    "guess, choices",
    [
        (("conv3d_backward", "dx"), f"one of {', '.join(planted.GRADIENTS)}"),
        (("relu", "dx"), f"one of {', '.join(planted.GRADIENTS)}"),
        (("conv2d_backward", "dy"), "dx or dw or db"),
    ],
)
def test_a_name_that_does_not_exist_is_answered_with_the_choices(mine, monkeypatch, capsys, guess, choices):
    run(monkeypatch, "--seed", 3)
    assert run(monkeypatch, "--guess", *guess) == 2
    said = capsys.readouterr().err
    assert guess[0] in said and said.endswith(f": choose {choices}\n") and said.count("\n") == 1


def test_a_file_that_is_no_network_any_more_is_said_so(mine, monkeypatch, capsys):
    mine.mkdir()
    (mine / "planted.py").write_text("print('hello')\n")
    assert run(monkeypatch, "--guess", "relu_backward", "dx") == 2
    assert "have it written again" in capsys.readouterr().err


@pytest.mark.parametrize("options", [(), ("--seed", "-1"), ("--seed", "x"), ("--guess", "relu_backward")])
def test_options_that_make_no_sense(mine, monkeypatch, options):
    assert run(monkeypatch, *options) == 2
    assert not mine.exists()


def test_what_an_older_course_has_planted_is_known(mine, monkeypatch):
    """There the lesson had another number."""
    run(monkeypatch, "--seed", 3)
    written = (mine / "planted.py").read_text()
    older = written.replace(f"lessons/{LESSON.name}", f"lessons/77{LESSON.name[2:]}")
    assert older != written and plant.seed_of(older) == 3 and plant.seed_of(older.replace("ReLU", "RELU")) is None
    (mine / "planted.py").write_text(older)
    assert run(monkeypatch, "--seed", 4) in (0, None)
    assert plant.seed_of((mine / "planted.py").read_text()) == 4


def test_what_is_written_runs(mine, monkeypatch, capsys):
    """With streets of one colour, as to draw real ones takes seconds."""
    run(monkeypatch, "--seed", 3)
    content = (mine / "planted.py").read_text()
    assert content.count("planted.compare(ops)") == 1
    flat = np.zeros((96, 128, 3), np.uint8), np.repeat(np.arange(12, dtype=np.uint8), 1024).reshape(96, 128)
    monkeypatch.setattr(planted.streets, "scene", lambda seed: flat)
    (mine / "planted.py").write_text(content.replace("compare(ops)", "compare(ops, steps=10)"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    capsys.readouterr()
    names = {"__name__": "__main__", "__file__": str(ROOT / "mine/planted.py")}
    exec(compile((mine / "planted.py").read_text(), "planted.py", "exec"), names)
    first, second, last = capsys.readouterr().out.splitlines()
    assert "step" in first and second.split()[0] == "10" and last.startswith("mIoU on val ")
    healthy = json.loads((LESSON / "figures/trainings.json").read_text())["runs"]["healthy"][0]
    assert float(second.split()[2]) == round(healthy["loss"][0], 2) and last.endswith(f" {healthy['mIoU']}")


def test_the_command_runs_and_the_file_can_be_imported_from_the_repository(tmp_path):
    options = {"capture_output": True, "text": True, "check": False}
    process = subprocess.run([sys.executable, "-m", "lessons.plant", "--help"], cwd=ROOT, **options)
    assert process.returncode == 0 and "--guess BACKWARD GRADIENT" in process.stdout
    (tmp_path / "mine").mkdir()
    elsewhere = plant.page(3).replace("Path(__file__).resolve().parents[1]", repr(str(ROOT)))
    (tmp_path / "mine/planted.py").write_text(elsewhere)
    ask = "from mine.planted import ops; print(ops.relu_backward.__name__)"
    process = subprocess.run([sys.executable, "-c", ask], cwd=tmp_path, **options)
    assert process.stdout == "relu_backward\n", process.stderr


@pytest.fixture(scope="module")
def check():
    return course.load(LESSON / "test_exercise.py").check


def test_findings_are_judged_letter_by_letter(check):
    right = [planted.culprit(letter) for letter in planted.SIX]
    assert [verdict.kind for verdict in check(lambda: right).values()] == [DONE] * 6
    mixed = [None, list(right[1]), ("relu_backwards", "dx"), ("relu_backward", "dw"), "relu_backward", ("dx",)]
    kinds = {letter: verdict.kind for letter, verdict in check(lambda: tuple(mixed)).items()}
    assert kinds == dict(zip(planted.SIX, [TODO, DONE, WRONG, WRONG, WRONG, WRONG]))
    for answer in (None, 3, right[:5], {"A": right[0]}):
        assert {verdict.kind for verdict in check(lambda answer=answer: answer).values()} == {WRONG}


@pytest.mark.parametrize("letter", planted.SIX)
def test_a_wrong_finding_is_answered_truly_and_without_the_answer(check, letter):
    i, right = list(planted.SIX).index(letter), planted.culprit(letter)
    for guess in GUESSES:
        findings = [None] * 6
        findings[i] = guess
        kind, text = check(lambda findings=findings: findings)[letter]
        assert (kind == DONE) == (guess == right)
        if kind == WRONG:
            assert f"{letter}: the {guess[1]} of {guess[0]} is right there" in " ".join(text.split())
            assert right[0] not in text or right[0] == guess[0]
