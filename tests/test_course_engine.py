"""What a learner is told, whatever is in their file."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_camvid

from lessons.engine import showing
from lessons.engine.course import load
from lessons.engine.watch import watched
from tinysegnet import checkpoint

ROOT = Path(__file__).parents[1]
RIGHT = """
import numpy as np

def relu(x):
    return np.maximum(x, 0), x > 0

def relu_backward(dy, cache):
    return dy * cache
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the course with lesson 02 alone, in a folder whose name has a space."""
    root = tmp_path_factory.mktemp("my course")
    skip = shutil.ignore_patterns("__pycache__", "*.npz", "0[013-9]_*", "1*", "2[0-3]_*")
    shutil.copytree(ROOT / "tinysegnet", root / "tinysegnet", ignore=skip)
    shutil.copytree(ROOT / "lessons", root / "lessons", ignore=skip)
    for name in ("pyproject.toml", "conftest.py", "train.py"):
        shutil.copy(ROOT / name, root / name)
    return root


@pytest.fixture
def ask(course):
    """ask(source) -> the exit status and what is said to a learner whose file is that; None leaves it as it is."""
    shutil.rmtree(course / "mine", ignore_errors=True)

    def run(source, *options, env=None, of="lessons/02_relu", **process):
        if source is not None:
            (course / "mine").mkdir(exist_ok=True)
            (course / "mine" / "02_relu.py").write_text(source)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *of.split(), *options]
        environment = os.environ | (env or {})
        for variable in ("CI", "BUILD_NUMBER"):         # where one is set pytest's own lines are of any length
            environment.pop(variable, None)
        process = subprocess.run(
            command, capture_output=True, text=True, cwd=course, env=environment, check=False, timeout=60, **process
        )
        assert process.stdout.isascii()
        if process.returncode != 2 and "(Pdb)" not in process.stdout:       # what they say names a path of any length
            said = process.stdout.replace(str(course), "").replace(sys.executable, "")
            assert max(map(len, said.splitlines()), default=0) <= 80
        assert "Traceback" not in process.stdout + process.stderr
        run.errors = process.stderr
        return process.returncode, process.stdout

    return run


def test_the_stubs_are_to_do_and_become_the_learners_file(ask, course):
    status, said = ask(None)
    assert status == 1
    assert re.search(r"relu +y +TODO  mine/02_relu\.py, line 6\n", said)
    assert re.search(r"relu_backward +dx +TODO  mine/02_relu\.py, line 18\n", said)
    assert (course / "mine/02_relu.py").read_text() == (course / "lessons/02_relu/exercise.py").read_text()


def test_verdicts_are_said_in_one_process_whatever_was_asked_for(ask):
    pytest.importorskip("xdist")
    for options in (["-n", "2"], ["-n", "2", "--dist", "worksteal"]):
        status, said = ask(RIGHT, *options)
        assert status == 0 and re.search(r"relu +y +done", said) and re.search(r"relu_backward +dx +done", said)


def test_beside_other_tests_a_failure_says_where_the_words_are(ask, course):
    """They stay in the process that judged."""
    pytest.importorskip("xdist")
    (course / "test_other.py").write_text("def test_other():\n    pass\n")
    try:
        status, said = ask(RIGHT.replace("dy * cache", "dy"), "test_other.py", "-n", "1")
        together = ask(None, "test_other.py", "-n", "0")[1]
    finally:
        (course / "test_other.py").unlink()
    assert status == 1 and said.count("python -m pytest lessons/02_relu  says why\n") == 1
    advice = "the verdicts on lessons are in several processes: with -n 0 they are said here\n"
    assert said.count(advice) == 1 and "mistake  " not in said
    assert "-n 0" not in together and "mistake    dy is handed on everywhere" in together


def test_known_mistakes_are_said_without_docstrings_too(ask):
    """python -OO drops them."""
    _, said = ask(RIGHT.replace("dy * cache", "dy"), env={"PYTHONOPTIMIZE": "2"})
    assert "mistake    dy is handed on everywhere, but where x was negative it could\n" in said


TWICE = """
import contextlib, io, sys, pytest
from pathlib import Path

for line in ("", "# one more line\\n"):
    Path("mine/02_relu.py").write_text(line + sys.argv[1])
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        pytest.main(["-p", "no:cacheprovider", "lessons/02_relu"])
    print([line for line in said.getvalue().splitlines() if "02_relu.py, line" in line])
"""


def test_a_file_that_changes_between_two_judgements_of_one_process(ask, course):
    """As in a notebook; the line that is shown is that of the second."""
    ask(None)
    source = RIGHT.strip().replace("dy * cache", "dy.reshape(7)")
    command = [sys.executable, "-c", TWICE, source]
    process = subprocess.run(command, capture_output=True, text=True, cwd=course, check=False, timeout=60)
    shown = "  02_relu.py, line {}:  return dy.reshape(7)"
    assert process.stdout.splitlines() == [f"['{shown.format(number)}']" for number in (7, 8)], process.stderr


def one_sentence(ask, *options):
    status, said = ask(None, *options)
    assert status == 4 and said.strip() == "" and ask.errors.startswith("ERROR: ") and ask.errors.count("\n") == 2
    return ask.errors


def test_where_no_file_can_be_made_there_is_one_sentence_and_no_verdict(ask, course):
    mine = course / "mine"
    mine.write_text("")
    try:
        assert f"{mine} cannot be written (File exists): it is a file: name a folder, or" in one_sentence(ask)
        assert "hint 1 of 3" in ask(None, "--hint", "relu")[1] and ask(None, "--answers", "library")[0] == 0
    finally:
        mine.unlink()


def test_a_file_that_cannot_be_read_is_not_judged(ask, course):
    (course / "mine/02_relu.py").mkdir(parents=True)
    try:
        assert "02_relu.py cannot be read (Is a directory): it is a folder: name a file" in one_sentence(ask)
    finally:
        (course / "mine/02_relu.py").rmdir()


def test_a_learners_file_is_never_overwritten(ask, course):
    ask("mine = 1\n")
    assert (course / "mine/02_relu.py").read_text() == "mine = 1\n"


def test_right_answers_are_done_and_praised_and_remembered(ask, course):
    status, said = ask(RIGHT)
    assert status == 0 and len(re.findall(r"(?m)^  relu(?:_backward)? +(?:y|dx) +done$", said)) == 2
    assert said.count("now read tinysegnet/ops/activation.py") == 2 and "the library's " in said
    assert len(re.findall(r"yours takes (\S+) ms, the library's (\S+) ms", said)) == 2
    assert ask(None) == (0, said)                                           # the times too: nothing was run again
    exercise = course / "lessons/02_relu/test_exercise.py"
    text = exercise.read_text()
    exercise.write_text(text.replace("differs=\"is the same line\"", "differs=\"is another lesson\""))
    try:
        assert "the library's is another lesson" in ask(None)[1]            # the lesson has changed: judged again
    finally:
        exercise.write_text(text)


def test_what_is_not_written_yet_may_say_so_by_an_error(ask):
    _, said = ask(RIGHT.replace("return dy * cache", "raise NotImplementedError"))
    assert re.search(r"relu_backward +dx +TODO", said) and re.search(r"relu +y +done", said) and "wrong" not in said


def test_a_file_in_another_code_than_utf_8_is_no_python(ask, course):
    ask(RIGHT)
    remark = b"# gr\xf6\xdfer\n"
    for text in (remark + RIGHT.encode(), RIGHT.encode() + remark):
        (course / "mine/02_relu.py").write_bytes(text)
        status, said = ask(None)
        said = " ".join(said.split())
        assert status == 1 and "SyntaxError: the file is not in UTF-8, nor as its first" in said and "done" not in said
    (course / "mine/02_relu.py").write_bytes(b"# coding: latin-1\n" + remark + RIGHT.encode())
    assert ask(None)[0] == 0


def test_a_function_that_fails_when_it_is_called_again_is_wrong(ask):
    """When it is timed, which nobody watches."""
    counting = "calls = 0\ndef relu(x):\n    global calls\n    calls += x.size > 10_000\n"
    counting += "    assert calls < 2, 'only once'\n"
    status, said = ask(RIGHT.replace("def relu(x):\n", counting))
    assert status == 1 and "on a large case\n" in said and "AssertionError: only once" in said and "fault" not in said


def test_an_answer_that_is_measured_is_not_called_the_librarys(course):
    """In a lesson that somebody has made by lesson 18."""
    for name in "18_six_more", "99_mine":
        (course / "lessons" / name).mkdir()
    for path in (ROOT / "lessons/18_six_more").glob("*.py"):
        shutil.copy(path, course / "lessons/18_six_more")
    page = (ROOT / "lessons/18_six_more/README.md").read_text(encoding="utf-8")
    judge, stubs = re.findall(r"(?ms)^```python\n(import numpy as np\n.*?)```", page)
    (course / "lessons/99_mine/test_exercise.py").write_text(judge)
    (course / "lessons/99_mine/exercise.py").write_text(stubs)
    right = "import numpy as np\n\n\ndef brighten_backward(dy, cache):\n    x, g = cache\n" \
            "    return dy * g * x**(g - 1), (dy * np.log(x) * x**g).sum(axis=(0, 1, 2))\n"

    def say(source):
        (course / "mine").mkdir(exist_ok=True)
        (course / "mine/99_mine.py").write_text(source)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "lessons/99_mine"]
        return subprocess.run(command, capture_output=True, text=True, cwd=course, check=False, timeout=60).stdout

    try:
        done, wrong = say(right), say(right.replace("g - 1", "g"))
    finally:
        for name in "18_six_more", "99_mine":
            shutil.rmtree(course / "lessons" / name)
    assert "the measurement calls the forward twice for each number of x, g\n" in done
    assert re.search(r"yours takes \S+ ms, the measurement \S+ ms\n", done) and "the library's" not in done
    assert "brighten_backward disagrees" in wrong


def test_a_page_that_is_not_there_is_not_to_be_read(ask, course):
    wrong, page = RIGHT.replace("dy * cache", "dy"), course / "lessons/02_relu/README.md"
    assert "\n  read  lessons/02_relu/README.md\n" in ask(wrong)[1]
    page.rename(page.with_suffix(".away"))
    try:
        said = ask(wrong)[1]
    finally:
        page.with_suffix(".away").rename(page)
    assert "mistake  " in said and "  read  " not in said


def test_what_the_author_has_done_wrong_is_said_to_the_author(ask, course):
    exercise = course / "lessons/02_relu/test_exercise.py"
    text = exercise.read_text()
    assert text.count(", cache=True") == 1
    exercise.write_text(text.replace(", cache=True", ""))
    try:
        for options, whose in ((), ", which is not your fault"), (("--answers", "library"), ""):
            status, said = ask(RIGHT, *options)
            flat = " ".join(said.split())
            assert status == 1 and f"the check itself failed{whose}: ValueError: values of relu: the library's" in flat
            assert "say cache=True" in flat
    finally:
        exercise.write_text(text)


def test_a_change_is_judged_again(ask):
    assert ask(RIGHT)[0] == 0
    assert ask(RIGHT.replace("dy * cache", "dy * (dy > 0)"))[0] == 1


def test_what_has_changed_since_it_was_judged_is_not_remembered(ask, course):
    """Here the last function spoils its own file, when it is timed."""
    spoil = "Path(__file__).write_text(Path(__file__).read_text().replace('dy * cache', 'dy + cache'))"
    source = RIGHT.replace("    return dy * cache", f"    if dy.size > 1000:\n        {spoil}\n    return dy * cache")
    assert ask(f"from pathlib import Path\n{source}")[0] == 0
    assert ask(None)[0] == 1


def test_a_change_that_the_clock_does_not_show_is_judged_again(ask, course):
    """Of one size and one time: Python would take the bytecode of the file before."""
    assert ask(RIGHT)[0] == 0
    path = course / "mine/02_relu.py"
    before = path.stat()
    path.write_text(RIGHT.replace("dy * cache", "dy + cache"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ask(None)[0] == 1


def test_a_memory_that_cannot_be_used_costs_time_and_nothing_else(ask, course):
    (course / "mine/.course.json").mkdir(parents=True)
    assert ask(RIGHT)[0] == ask(None)[0] == 0
    (course / "mine/.course.json").rmdir()
    for damaged in ("null", '{"done": []}', '{"hints": 3, "done": null}'):
        (course / "mine/.course.json").write_text(damaged)
        assert ask(None)[0] == 0
    (course / "mine/.course.json").write_text('{"hints": []}')
    assert "hint 1 of 3" in ask(None, "--hint", "relu")[1]


def test_functions_of_any_kind(ask):
    assert ask(RIGHT + "relu_backward = np.multiply\n")[0] == 0
    said = ask(RIGHT + "relu_backward = lambda dy, cache: dy * (dy > 0)\n")[1]
    assert "relu_backward disagrees with finite differences" in said and "mistake    dy passes where dy is" in said
    assert ask(RIGHT + "np.seterr(all='raise')\n")[0] == 0


def test_what_is_wrong_only_on_a_large_case(ask, course):
    status, said = ask(RIGHT.replace("    return dy * cache", "    assert dy.size < 1000\n    return dy * cache"))
    assert status == 1 and "on a large case" in said and "AssertionError" in said


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ("np.abs(x), x > 0", "mistake    y is the absolute value of x"),
        ("np.maximum(x, 0).astype(float), x > 0", "y  should be float32 where the input is float32, is float64"),
        ("np.maximum(x, 0)[:, 0], x > 0", "y  should have the shape (1, 1, 2, 2), has (1, 2, 2)"),
        ("x @ x[0, 0, :3, :1], x > 0", "relu disagrees with the library"),
        ("x.clip(0, out=x), x > 0", "x  was changed in place: work on a copy"),
        ("x.nothing, 0", "AttributeError: 'numpy.ndarray' object has no attribute 'nothing'"),
        ("5, 0", "y  should be an array, is int"),
        ("np.maximum(x, 0), x", "what its docstring says: it should be bool (1, 1, 2, 2), and is float32 (1, 1, 2, 2)"),
        ("np.maximum(x, 0), x < 0", "it should be bool (1, 1, 2, 2), and is one with other values"),
        ("np.maximum(x, 0), (x, x > 0)", "and is a tuple of 2"),
        ("x > 0, np.maximum(x, 0)", "relu returns cache, y, each of them right: return y, cache"),
        ("__import__('sys').exit(3)", "SystemExit: 3"),
    ],
)
def test_what_is_wrong_is_said(ask, wrong, sentence):
    status, said = ask(RIGHT.replace("np.maximum(x, 0), x > 0", wrong))
    assert status == 1 and " ".join(sentence.split()) in " ".join(said.split())
    assert re.search(r"relu +(y|cache)? +wrong", said) and re.search(r"relu_backward +dx +done", said)


def test_the_arrays_of_a_case_are_shown_and_can_be_loaded(ask, course):
    wrong = RIGHT.replace("np.maximum(x, 0), x > 0", "np.abs(x), x > 0")
    said = ask(wrong)[1]
    assert said.endswith("  arrays  python -m pytest lessons/02_relu --show\n") and said.count("--show") == 1
    status, said = ask(wrong, "--show")
    assert status == 1 and "--show" not in said
    assert "  x  float64 (1, 1, 2, 2)\n    [[-1.  2.]\n     [ 3. -4.]]\n  y, yours  float64 (1, 1, 2, 2)\n" in said
    [load] = re.findall(r'(?m)^  case = np\.load\("(.*)"\)\n  has x, y_yours, y_right$', said)
    case = np.load(course / load)
    np.testing.assert_array_equal(case["y_yours"], np.abs(case["x"]))
    np.testing.assert_array_equal(case["y_right"], np.maximum(case["x"], 0))
    (course / load).unlink()
    (course / load).mkdir()                             # as where it cannot be written
    status, said = ask(None, "--show")
    assert "  mine/.case-02-relu.npz cannot be written (Is a directory)" in said and "np.load" not in said
    assert "--show" not in ask(RIGHT)[1] and "[[" not in ask(None, "--show")[1]


def test_where_two_lessons_are_judged_no_arrays_are_shown_and_that_is_said(ask, course):
    shutil.copytree(course / "lessons/02_relu", course / "lessons/03_again")
    try:
        status, said = ask(RIGHT.replace("dy * cache", "dy"), "--show", of="lessons/02_relu lessons/03_again")
    finally:
        shutil.rmtree(course / "lessons/03_again")
    assert status == 1 and said.endswith("\n--show is for one lesson: python -m pytest lessons/02_relu --show\n")


def test_large_arrays_are_summarised():
    lines = [*showing.lines_of("x", np.arange(200.0)), *showing.lines_of("y", np.full((9, 9), np.nan))]
    assert lines == ["  x  float64 (200,), from 0 to 199", "  y  float64 (9, 9)"]
    assert [*showing.lines_of("K", np.array(3))] == ["  K  int64 ()", "    3"]
    assert [*showing.lines_of("mask", np.ones((9, 9), bool))] == ["  mask  bool (9, 9), from 1 to 1"]


def test_memory_that_was_never_written_is_said(ask):
    forward = "    y = np.empty(x.shape, x.dtype)\n    y[:, :1] = np.maximum(x, 0)[:, :1]\n    return y, x > 0\n"
    said = ask(RIGHT.replace("    return np.maximum(x, 0), x > 0\n", forward))[1]
    assert "from memory that was never written, see y[0, 1, 0, 0]: np.empty gives" in " ".join(said.split())
    backward = "    dx = dy * cache\n    dx[0, 0, 0] += np.empty_like(dy[0, 0, 0])\n    return dx\n"
    said = ask(RIGHT.replace("    return dy * cache\n", backward))[1]
    assert re.search(r"relu +y +done", said)
    assert "from memory that was never written, see dx[0, 0, 0, 0]" in " ".join(said.split())


def test_a_forgotten_return_is_said(ask):
    said = ask(RIGHT.replace("return dy * cache", "dx = dy * cache"))[1]
    assert "mine/02_relu.py, line 7: relu_backward has no return line, so it gives None" in said
    assert re.search(r"relu +y +done", said) and "TODO" not in said
    said = ask(RIGHT.replace("return dy * cache", "dx = None\n    return dx"))[1]
    assert re.search(r"relu_backward +dx +TODO", said)


def test_an_exception_shows_the_learners_line_and_the_arrays_there(ask):
    _, said = ask(RIGHT.replace("dy * cache", "dy.reshape(7)"))
    assert "02_relu.py, line 8:  return dy.reshape(7)" in said
    assert "there:  dy float32 (1, 1, 2, 2), cache bool (1, 1, 2, 2)" in said and "site-packages" not in said


def test_a_file_that_python_cannot_read(ask):
    status, said = ask("def relu(x:\n")
    assert status == 1 and "mine/02_relu.py cannot be read" in said and "SyntaxError: '(' was never closed" in said
    assert "has no function relu_backward: copy it from" in ask("def relu(x):\n    return None\n")[1]


def test_a_loop_without_an_end_is_cut_and_its_line_shown(ask, course):
    """The limit is lowered for that function alone, as a busy machine may take long for any other."""
    watch = course / "lessons/engine/watch.py"
    text = watch.read_text()
    lowered = "Alarm(0.5 if function.__name__ == 'relu_backward' else seconds)"
    assert text.count("Alarm(seconds)") == 1
    watch.write_text(text.replace("Alarm(seconds)", lowered))
    try:
        status, said = ask(RIGHT.replace("    return dy * cache", "    while True:\n        dy = dy + 1"))
    finally:
        watch.write_text(text)
    assert status == 1 and "still running after 0.5 seconds: is there a loop without an end?" in said
    assert re.search(r"02_relu\.py, line [89]:  (while True:|dy = dy \+ 1)", said) and re.search(r"relu +y +done", said)


@pytest.mark.parametrize(
    "borrowing", ["from tinysegnet.ops import relu", "import tinysegnet\nrelu = lambda x: tinysegnet.ops.relu(x)"]
)
def test_what_the_library_computed_is_borrowed(ask, borrowing):
    status, said = ask(RIGHT.replace("def relu(x)", "def other(x)") + borrowing)
    assert status == 1 and re.search(r"relu +y +borrowed  from tinysegnet", said)
    assert re.search(r"relu_backward +dx +done", said)


def test_what_pytorch_computed_is_borrowed(ask):
    pytest.importorskip("torch")
    torch = "import torch\ndef relu(x):\n    return torch.relu(torch.from_numpy(x)).numpy(), x > 0"
    assert re.search(r"relu +y +borrowed  from torch", ask(RIGHT.replace("def relu(x)", "def other(x)") + torch)[1])


def test_no_mistake_is_named_that_was_not_made():
    """This looks to both sides; what is wrong is that it computes in float32."""
    def numerical_gradient(f, x):
        gradient, step = np.zeros_like(x), 1e-5
        for i in np.ndindex(x.shape):
            here = x[i]
            x[i] = here + step
            above = f(x)
            x[i] = here - step
            gradient[i] = (above - f(x)) / (2 * step)
            x[i] = here
        return gradient

    lesson = ROOT / "lessons/01_gradient_is_a_measurement"
    [exercise] = load(lesson / "test_exercise.py").EXERCISES
    [verdict] = exercise.check(numerical_gradient).values()
    assert verdict.kind == "wrong" and "mistake" not in verdict.text and "float32" in verdict.text


def test_backward_is_to_do_as_long_as_the_topological_that_it_walks_on_is(tmp_path):
    stub = "def topological(root):\n    return None\n"
    backward = "def backward(root):\n    return {node: 1 for node in reversed(topological(root))}\n"
    exercise = load(ROOT / "lessons/17_tape/test_exercise.py").EXERCISES[1]
    (tmp_path / "stub.py").write_text(stub + backward)
    function = watched(load(tmp_path / "stub.py").backward, tmp_path / "stub.py", "nowhere")
    assert {verdict.kind for verdict in exercise.check(function).values()} == {"TODO"}


def test_a_graph_is_shown_with_the_letters_of_the_roles():
    lesson = load(ROOT / "lessons/17_tape/test_exercise.py")
    assert lesson.with_roles("d = a * b,  loss = d + c", (1, 2, 0)) == "d = b * c,  loss = d + a"


def test_hints_come_one_after_the_other_and_nothing_is_judged(ask):
    hints = [ask(RIGHT, "--hint", "relu_backward") for _ in range(4)]
    assert [status for status, _ in hints] == [0] * 4
    for number in (1, 2, 3):
        assert hints[number - 1][1].strip().startswith(f"hint {number} of 3 for relu_backward: ")
    assert hints[3][1].count("hint ") == 3
    status, _ = ask(RIGHT, "--hint", "sigmoid")
    assert status not in (0, 1)


def test_a_hint_for_no_function_lists_them(ask):
    ask(RIGHT, "--hint", "relu")
    for options in {"options": ["--hint"]}, {"of": "--hint lessons/02_relu"}:
        status, said = ask(RIGHT, *options.pop("options", ()), **options)
        rows = r"02_relu asks for\n  relu +1 of 3 hints shown\n  relu_backward +0 of 3 hints shown\n"
        assert status == 0 and re.search(rows + "the next: python -m lessons hint 02 relu_backward\n", said)


@pytest.mark.parametrize("of", ["lessons/02", "lessons/2", "lessons/relu", "mine/02_relu.py", "mine"])
def test_a_lesson_is_judged_by_a_short_name_and_by_the_learners_file(ask, of):
    status, said = ask(RIGHT, of=of)
    assert status == 0 and said.lstrip().startswith("02_relu  (mine/02_relu.py)\n\n  relu  ")
    assert "hint 1 of 3" in ask(None, "--hint", "relu", of=of)[1]


@pytest.mark.parametrize("of", ["lessons/02", "lessons/02_relu", "mine/02_relu.py"])
def test_one_function_of_a_lesson_is_judged_alone(ask, of):
    status, said = ask(RIGHT.replace("dy * cache", "dy"), of=f"{of}::relu")
    assert status == 0 and re.search(r"relu +y +done", said) and "relu_backward" not in said
    assert ask(None, of=f"{of}::nothing")[0] == 4 and "test_exercise.py::nothing" in ask.errors


def test_a_learners_file_of_an_old_number_is_judged(ask, course):
    """And the report ends with how to rename it."""
    ask(RIGHT, "--co")
    old = f"77{'_relu.py'}"
    (course / "mine/02_relu.py").rename(course / "mine" / old)
    for of in "lessons/02_relu", f"mine/{old}", f"mine/{old}::relu", "mine", f"lessons/{old[:-3]}":
        status, said = ask(None, of=of)
        assert status == 0 and said.lstrip().startswith(f"02_relu  (mine/{old})\n\n  relu  ")
        assert said.endswith(f"\nmine/{old} is read as lesson 02's: rename it to mine/02_relu.py\n")
    assert [path.name for path in (course / "mine").glob("*.py")] == [old]
    (course / "lessons" / old[:-3]).mkdir()         # as git pull leaves one in which bytecode lies
    assert ask(None, of=f"lessons/{old[:-3]}")[1].lstrip().startswith(f"02_relu  (mine/{old})")
    (course / "lessons" / old[:-3]).rmdir()
    status, said = ask("x = 1\n")
    assert status == 1 and said.lstrip().startswith("02_relu  (mine/02_relu.py)") and said.endswith(f"\nmine/{old}\n")


def test_what_is_no_lesson_is_one_sentence(ask, course):
    for of, sentence in (("lessons/77", "there is no lesson 'lessons/77': python -m lessons list  names them all"),
                         ("lessons/24_many_processes", "24_many_processes is a reading, with nothing to write: open "
                          "lessons/24_many_processes/README.md"),
                         ("mine", "there is no answer in mine/ yet: python -m lessons 00  begins")):
        assert ask(None, of=of) == (4, "") or ask(None, of=of) == (4, "\n")
        assert ask.errors == f"ERROR: {sentence}\n\n"


def test_tests_of_a_learners_own_are_run_as_ever(ask, course):
    ask(RIGHT)
    (course / "mine/test_own.py").write_text("def test_one():\n    assert 1 == 1\n")
    for of in "mine", "mine/test_own.py":
        status, said = ask(None, of=of)
        assert status == 0 and "1 passed" in said


def test_a_judgement_of_a_part_forgets_nothing_of_the_others(ask, course):
    """Of some exercises, of hints, and one that Ctrl-C ends."""
    def remembered():
        return {*json.loads((course / "mine/.course.json").read_text())["done"]["relu"]}

    ask(RIGHT, "-k", "relu_backward")
    assert remembered() == {"relu_backward"}
    ask(RIGHT, "-k", "not backward")
    assert remembered() == {"relu", "relu_backward"}
    ask(RIGHT, "--hint", "relu")
    assert remembered() == {"relu", "relu_backward"}
    status, _ = ask(RIGHT.replace("return np.maximum", "raise KeyboardInterrupt\n    return np.maximum"))
    assert status == 2 and remembered() == {"relu", "relu_backward"}
    ask(RIGHT.replace("np.maximum(x, 0)", "x"), "-k", "not backward")
    assert remembered() == {"relu_backward"}
    assert "hint 2 of 3" in ask(None, "--hint", "relu")[1]


def test_breakpoint_stops_in_a_learners_function(ask, course):
    """Nothing is timed then, and nothing remembered: the next time nobody may look."""
    source = RIGHT.replace("return np", "size = x.size\n    breakpoint()\n    return np")
    for _ in range(2):
        status, said = ask(source, "-s", input="p f'size {size}'\n" + 99 * "c\n")
        assert status == 0 and "(Pdb) 'size 4'" in said and re.search(r"relu +cache +done", said)
        assert "now read" in said and "yours takes" not in said
    status, said = ask(source, "-s", input="c\nq\n")
    assert status == 2 and "relu_backward" not in said


@pytest.mark.docs       # seconds
def test_a_network_of_ones_own(ask, course):
    assert ask(RIGHT)[0] == 0
    tiny_camvid.make(course / "tiny")           # streets would have to be drawn, which takes longer than all the rest
    options = "--ops", "lessons", "--data", "tiny", "--epochs", "1", "--size", "16x16", "--filters", "2"
    command = [sys.executable, "train.py", *options]
    process = subprocess.run(command, capture_output=True, text=True, cwd=course, check=False)
    assert process.returncode == 0, process.stderr
    assert "\nyours: relu, relu_backward; the rest is the library's\n" in process.stdout
    assert "a step at 16x16 needs about" in process.stdout and (course / "my_segnet.png").exists()
    _, groups = checkpoint.load(course / "runs/lessons-1/best.npz")
    assert groups["params"]["classifier.w"].shape == (1, 1, 2, 11)
    command += "--size", "9999x9999"
    too_much = subprocess.run(command, capture_output=True, text=True, cwd=course, check=False)
    assert too_much.returncode == 2 and "that are free: use a smaller --size, --batch or --filters" in too_much.stderr
