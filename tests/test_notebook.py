"""Lessons as notebooks: all of the page is in them, they run, and what is written in one is judged like a file."""

import base64
import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lessons import notebook
from lessons.engine import course, in_notebook
from lessons.engine.in_notebook import definitions, functions, merged, needed
from tinysegnet.support.errors import InputError, exit_in_words

ROOT = Path(__file__).parents[1]
LESSONS = course.lessons()
RELU, POOLING = (next(one for one in LESSONS if one.name.endswith(slug)) for slug in ("_relu", "_pooling"))
STUBS = (RELU / "exercise.py").read_text(encoding="utf-8")
RIGHT = """# mine
def relu(x):
    return largest(x), x > FLOOR
"""
HELPERS = """import math
FLOOR, CEILING = 0, 1
at_hand = 3
def largest(x):
    return np.maximum(x, FLOOR)
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """An empty mine/ of one's own."""
    monkeypatch.setattr(course, "MINE", tmp_path / "mine")
    course.MINE.mkdir()
    return course.MINE


def sources(cells, kind):
    return [cell["source"] for cell in cells if cell["cell_type"] == kind]


@pytest.mark.parametrize("lesson", course.lessons_and_readings(), ids=lambda lesson: lesson.name)
def test_all_of_a_page_is_in_its_notebook(lesson, mine):
    page, folder = (lesson / "README.md").read_text(encoding="utf-8"), course.ROOT / "mine"
    cells = notebook.cells(lesson, folder)
    code, text = sources(cells, "code"), "\n\n".join(sources(cells, "markdown"))
    examples = sources(notebook.page_cells(page, lesson, folder), "code")
    lines = "".join(example.source for example in doctest.DocTestParser().get_examples(page))
    assert "\n".join(examples) == lines.rstrip() and "\n>>>" not in text
    following = iter(code)
    assert all(source in following for source in examples)          # in their order, the exercise among them
    for heading in re.findall(r"(?m)^#+ .*$", page):
        assert f"\n{heading}\n" in f"\n{text}\n"
    assert text.count("<details>") == page.count("<details>")
    pictures = [base64.b64decode(one["image/png"]) for cell in cells for one in cell.get("attachments", {}).values()]
    assert pictures == [(lesson / path).read_bytes() for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page)]
    assert text.count("](attachment:") == len(pictures) > 0
    links = re.findall(r"\]\((?!https?:|attachment:)([^)\s#]+)", text)
    assert len(links) >= 3 and not [link for link in links if not os.path.exists(os.path.normpath(folder / link))]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_each_function_has_a_cell_and_a_check(lesson, mine):
    names = [exercise.name for exercise in course.exercises(lesson)]
    assert functions(lesson) == names
    code = sources(notebook.cells(lesson, course.MINE), "code")
    checks = [i for i, source in enumerate(code) if source.startswith("check(")]
    assert [code[i] for i in checks] == [f'check("{name}")' for name in names]
    for name, i in zip(names, checks):
        assert code[i - 1].startswith(f"def {name}(")
    before, after = code[1 : checks[0] - 1], code[checks[-1] + 1 :]
    for source in before + after:           # nothing else passes for an answer
        assert not {*definitions([source], names)} & {*names, "check", "hint"}
    for source in after:                    # and no example needs the library's function where the learner's now is
        assert not in_notebook.used(source) & {*names}


def test_a_reading_has_no_cell_to_write_in(mine):
    for reading in course.readings():
        code = sources(notebook.cells(reading, course.MINE), "code")
        assert "sys.path.insert" in code[0] and "check(" not in "".join(code)
    assert course.readings()


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_untouched_cells_leave_the_stubs_as_they_are(lesson, mine):
    stubs, names = (lesson / "exercise.py").read_text(encoding="utf-8"), functions(lesson)
    written = definitions(sources(notebook.cells(lesson, course.MINE), "code"), names)
    assert merged(stubs, needed(names, written)) == stubs


def test_what_is_written_already_is_in_the_notebook(mine):
    (mine / f"{RELU.name}.py").write_text(f"import numpy as np\n{HELPERS}\n\n{RIGHT}", encoding="utf-8")
    code = sources(notebook.cells(RELU, mine), "code")
    first = code.index("import numpy as np\nimport math\nFLOOR, CEILING = 0, 1\nat_hand = 3")
    assert code[first + 1].startswith("def relu_backward(dy, cache):") and code[first + 2] == 'check("relu_backward")'
    assert code[first + 3].startswith("def largest(x):")
    assert code[first + 4 : first + 6] == [RIGHT.rstrip(), 'check("relu")']         # the file lacked relu_backward


def test_a_notebook_that_is_there_stays_as_it_is(mine, monkeypatch, capsys):
    def say(*words):
        monkeypatch.setattr(sys, "argv", ["lessons.notebook", *map(str, words)])
        try:
            exit_in_words(notebook.main)
            status = 0
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    path = mine / f"{RELU.name}.ipynb"
    assert say("relu") [0] == 0 and json.loads(path.read_bytes())["nbformat"] == 4
    path.write_text("mine")
    other = mine / "other.ipynb"
    for words, sentence in (
        (["relu"], "is there already, and may hold your answers: move it away, or name another by --out\n"),
        (["relu", "--out", mine / "relu.txt"], "relu.txt is no name of a notebook: let it end in .ipynb\n"),
        (["relu", "--out", path / "relu.ipynb"], f"{path} cannot be written"),
        (["nothing"], "there is no lesson 'nothing'"),
    ):
        status, said, errors = say(*words)
        assert (status, said, errors.count("\n")) == (2, "", 1) and sentence in errors
    (mine / f"{RELU.name}.py").write_text("import numpy as np\ndef relu(x:\n")
    status, said, errors = say("relu", "--out", other)
    assert (status, said) == (2, "") and f"mine/{RELU.name}.py is no Python in line 2: mend it" in errors
    for text in STUBS.encode("utf-16"), STUBS.encode("utf-16-le"):
        (mine / f"{RELU.name}.py").write_bytes(text)
        status, said, errors = say("relu", "--out", other)
        assert (status, said) == (2, "") and f"mine/{RELU.name}.py is no Python in UTF-8: mend it" in errors
    assert path.read_text() == "mine" and not other.exists()
    (mine / f"{RELU.name}.py").write_bytes(STUBS.encode("utf-8-sig"))
    assert in_notebook.own_text(RELU) == STUBS


def test_an_old_number_of_a_file_or_a_notebook_stays_what_it_is(mine, monkeypatch):
    old = mine / f"77{RELU.name[2:]}.py"
    old.write_text(STUBS)
    assert f"what you wrote into `mine/{old.name}`" in "\n".join(sources(notebook.cells(RELU, mine), "markdown"))
    old.with_suffix(".ipynb").write_text("mine")
    monkeypatch.setattr(sys, "argv", ["lessons.notebook", "relu"])
    with pytest.raises(InputError, match=f"{old.stem}.ipynb is there already"):
        notebook.main()
    assert not (mine / f"{RELU.name}.ipynb").exists()


def test_a_function_goes_into_the_file_with_what_it_uses():
    """A constant, an import and a function; but no variable, and nothing that was only tried out."""
    tried = "def unused(): pass\ndef x(): pass\nprint(1)"
    cells = [tried, "def relu(x", RIGHT, HELPERS, "from tinysegnet.ops import relu"]
    written = definitions(cells, ["relu"])
    assert "at_hand" not in written and written["relu"].startswith("def relu")
    text = merged(STUBS, needed(["relu"], written))
    assert f"FLOOR, CEILING = 0, 1\n\n\n{written['largest']}\n\n\n{written['relu']}\n\n\ndef relu_backward" in text
    assert "unused" not in text and "def x(" not in text and "math" not in text and text.count("def relu(") == 1
    assert text.endswith(STUBS[STUBS.index("\n\n\ndef relu_backward"):])
    names = {}
    exec(compile(text, "02_relu.py", "exec"), names)
    assert names["relu"](-1.0) == (0, False)


def test_statements_that_share_a_line_go_alone():
    """And a comment behind one goes along."""
    cells = ["import math; print(1); FLOOR = [\n    0]; x = 2", "CEILING = 9  # much",
             "def relu(x):\n    return math.pi * FLOOR * CEILING"]
    text = merged(STUBS, needed(["relu"], definitions(cells, ["relu"])))
    assert "\nCEILING = 9  # much\nFLOOR = [\n    0]\nimport math\n" in text and "print" not in text


def test_what_shares_a_line_in_the_file_stays():
    file = "import math; import numpy as np\nEPS = 1e-5; EPS = 4; FLOOR = 0\n\n\ndef relu(x):\n    return np.pi\n"
    text = merged(file, needed(["relu"], definitions(["import math", "EPS = 2", "def relu(x):\n    return EPS, math"])))
    names = {}
    exec(text, names)
    assert names["EPS"] == 2 and names["FLOOR"] == 0 and "np" in names and text.count("import math") == 1


def test_what_is_computed_stands_below_what_it_is_computed_from():
    file = "import numpy as np\n\n\ndef ramp(n):\n    return half(n) * 2\n\n\ndef half(n):\n    return n / 2\n"
    cells = ["def plus(n):\n    return ramp(n) + 1", "TABLE = plus(5)", "def relu(x):\n    return TABLE"]
    text = merged(file, needed(["relu"], definitions(cells)))
    names = {}
    exec(text, names)
    assert names["relu"](0) == 6 and text.index("def half") < text.index("TABLE = ")


def test_all_of_a_module_comes_along():
    cells = ["from numpy import *\nfrom math import *", "def relu(x):\n    return maximum(x, 0), tau"]
    text = merged(STUBS, needed(["relu"], definitions(cells)))
    names = {}
    exec(merged(text, needed(["relu"], definitions(cells))), names)
    assert names["relu"](-1)[0] == 0 and text.count("import *") == 2


def test_what_stands_below_a_magic_line_and_a_lambda_are_taken():
    cell = "def relu(x):\n    return corner(x)\n"
    cells = ["corner = lambda a: a\n", f"get_ipython().run_cell_magic('time', '', {cell!r})\n", "x = 1\n"]
    assert definitions(cells, ["relu"]) == {"corner": "corner = lambda a: a", "relu": cell.rstrip("\n")}


def test_what_was_run_last_is_meant():
    older = "@staticmethod\ndef relu(x):\n    return 1"
    newer = "def relu(x):\n    return math.pi"
    written = definitions([older, newer, "def relu(x):\n    return 3 +", "import math"], ["relu"])
    text = merged(merged(STUBS, needed(["relu"], {"relu": older})), needed(["relu"], written))
    assert "staticmethod" not in text and text.count(newer) == text.count("import math") == text.count("def relu(") == 1
    assert text.index("import math") < text.index("def relu(")


def test_the_file_is_kept_beside_if_another_hand_has_written_it(mine):
    path, answer = mine / f"{RELU.name}.py", [RIGHT.partition("\n")[2].rstrip()]
    assert in_notebook.keep(RELU, answer) is None and answer[0] in path.read_text()                 # of the stubs
    assert in_notebook.keep(RELU, answer) is None
    assert in_notebook.keep(RELU, ["def relu(x):\n    return 4"]) is None                           # of the notebook's
    by_hand = path.read_text().replace("return 4", "return 5")
    path.write_text(by_hand)
    assert in_notebook.keep(RELU, ["def relu(x):\n    return 5"]) is None                           # it is the same
    copy = in_notebook.keep(RELU, answer)
    assert copy.name == f"{RELU.name}.py.1" and copy.read_text() == by_hand and answer[0] in path.read_text()
    assert in_notebook.keep(RELU, ["def relu(x):\n    return 6"]) is None and len([*mine.glob("*.py*")]) == 2


@pytest.fixture
def run(mine, monkeypatch, capsys):
    """run(check or hint, *names) -> what is printed, after the cells in run.cells; what would judge is in run.asked."""
    shell = SimpleNamespace(history_manager=SimpleNamespace(input_hist_parsed=[]))
    monkeypatch.setattr(in_notebook, "get_ipython", lambda: shell, raising=False)

    def run(function, *names):
        function(*names)
        return capsys.readouterr().out

    run.cells, run.asked = shell.history_manager.input_hist_parsed, []
    monkeypatch.setattr(in_notebook, "say", lambda *words: run.asked.append(words[-1]))
    return run


def test_check_says_what_is_missing_before_it_asks_the_judge(run, mine):
    check, hint = in_notebook.of(RELU.name)
    path = mine / f"{RELU.name}.py"
    for function in check, hint:
        assert run(function, "max_pool") == f"{RELU.name} does not ask for 'max_pool': choose relu, relu_backward\n"
    assert run(check, "relu") == "run the cell of relu first\n" and not run.asked and not path.exists()
    run.cells.append(RIGHT)
    assert run(check, "relu") == "" and run(check) == "" and run(hint, "relu") == ""
    assert run.asked == [f"lessons/{RELU.name}::relu", f"lessons/{RELU.name}", "relu"]
    path.write_text("def relu(x):\n    return 5\n")
    said = f"mine/{path.name} was not as this notebook had left it: that is in mine/{path.name}.1 now\n\n"
    assert run(check, "relu") == said
    path.write_text("def relu(x")
    assert run(check, "relu").startswith(f"error: mine/{RELU.name}.py is no Python in line 1") and len(run.asked) == 4


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """notebooks(lesson, change) -> a notebook that was run in a copy of the course, after change(its cells)."""
    nbclient = pytest.importorskip("nbclient", reason="no notebook can be run here: pip install -e '.[notebook]'")
    pytest.importorskip("ipykernel", reason="no notebook can be run here: pip install -e '.[notebook]'")
    import nbformat

    root = tmp_path / "my course"
    for name in "lessons", "tinysegnet":
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    for name in "pyproject.toml", "conftest.py":
        shutil.copy(ROOT / name, root)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:cacheprovider")

    def executed(lesson, change=lambda cells: None):
        command = [sys.executable, "-m", "lessons.notebook", lesson.name]
        subprocess.run(command, cwd=root, check=True, capture_output=True)
        path = root / "mine" / f"{lesson.name}.ipynb"
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        change(book.cells)
        nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
        path.unlink()
        return book

    executed.mine = root / "mine"
    return executed


def printed(cell):
    """What a cell has given, in one text without spaces: Jupyter breaks the lines of a tuple elsewhere than Python."""
    texts = [one["text"] if one["output_type"] == "stream" else one["data"]["text/plain"] for one in cell.outputs]
    return re.sub(r"\s", "", "".join(texts))


@pytest.mark.docs       # seconds, as are the next
@pytest.mark.parametrize("lesson", [RELU, POOLING], ids=lambda lesson: lesson.name)
def test_an_untouched_notebook_runs_and_all_is_to_do(notebooks, lesson):
    promised = []

    def note(cells):
        promised.extend(printed(cell) for cell in cells if cell.cell_type == "code")

    cells = [cell for cell in notebooks(lesson, note).cells if cell.cell_type == "code"]
    verdicts = [cell for cell in cells if cell.source.startswith("check(")]
    assert [printed(cell) for cell in cells if cell not in verdicts] == [text for cell, text in zip(cells, promised)
                                                                          if cell not in verdicts]
    assert len(verdicts) == len(functions(lesson)) and sum(map(bool, promised)) > 2
    for cell in verdicts:
        header, text = f"{lesson.name}  (mine/{lesson.name}.py)\n", "".join(one["text"] for one in cell.outputs)
        assert {line.split()[2] for line in text.partition(header)[2].strip().splitlines()} == {"TODO"}
    stubs = (lesson / "exercise.py").read_text(encoding="utf-8")
    assert (notebooks.mine / f"{lesson.name}.py").read_text(encoding="utf-8") == stubs


@pytest.mark.docs
def test_what_is_written_in_a_notebook_is_judged_and_counts(notebooks):
    def answer(cells):
        place = {cell.source.partition("(")[0]: cell for cell in cells if cell.cell_type == "code"}
        place["def relu"].source = RIGHT
        place["import numpy as np"].source += "\n" + HELPERS
        place["def relu_backward"].source = "def relu_backward(dy, cache):\n    return 2 * dy * cache"
        cells[-1] |= {"cell_type": "code", "source": "check()", "outputs": [], "execution_count": None, "metadata": {}}

    book = notebooks(RELU, answer)
    [relu, backward, both] = ["".join(one["text"] for one in cell.outputs) for cell in book.cells
                              if cell.source.startswith("check(")]
    assert re.findall(r"relu +(\w+) +done\n", relu) == ["y", "cache"] and "now read tinysegnet/ops/" in relu
    assert re.search(r"relu_backward +dx +wrong\n(?s:.*)numerical", backward)
    lines = re.findall(r"(?m)^  relu.* (?:done|wrong)$", relu + backward)
    assert len(lines) == 3 and all(line in both for line in lines)
    process = subprocess.run([sys.executable, "-m", "lessons", "list"], cwd=notebooks.mine.parent, capture_output=True,
                             text=True, check=True)
    assert re.search(rf"{RELU.name} +begun +1 of 2 done\n", process.stdout)
