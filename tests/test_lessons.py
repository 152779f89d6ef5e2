"""The course is checked like code: its pages, its figures, its exercises and what it answers."""

import ast
import doctest
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from every_exercise import OTHER_NAMES
from PIL import Image

from lessons.engine import course, figures
from tinysegnet import ops

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "lessons").rglob("README.md")), *sorted((ROOT / "lessons" / "teaching").glob("[a-z]*.md")),
         ROOT / "lessons" / "glossary.md"]
LESSONS = course.lessons()
RIGHT = {node.name: node for file in ("planted_right.py", "planted_right_3.py")
         for node in ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8")).body
         if isinstance(node, ast.FunctionDef)}


def blocks(text, language):
    """(what stands in the line before, the block) of each fenced block of a language."""
    return re.findall(rf"(?ms)^([^\n]*)\n```{language}\n(.*?)^```", text)


def named(path):
    return path.parent.name if path.name == "README.md" else path.stem


def complaints(text, page):
    """What doctest has to say when the examples after >>> are run in their order, and nothing else of the text is."""
    said = []
    test = doctest.DocTestParser().get_doctest(text, {}, named(page), str(page), 0)
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    return "".join(said)


@pytest.mark.docs       # half a minute
@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_examples_of_a_page_give_what_it_says(page):
    assert not complaints(page.read_text(encoding="utf-8"), page)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_without_a_prompt_is_a_file(page):
    """Quoted from one, or to be put into one: then it runs by itself."""
    for before, code in blocks(page.read_text(encoding="utf-8"), "python"):
        if ">>>" not in code and not before.startswith("<!-- from"):
            exec(compile(code, str(page), "exec"), {})


def section(text, title):
    return re.search(rf"(?ms)^## {re.escape(title)}$.*?(?=^## )", text)[0]


@pytest.mark.docs       # seconds
@pytest.mark.parametrize(
    ("lesson", "first", "title"),
    [
        ("00_start_here", "", "The primer"),
        ("18_decoders_compared", "", "Borrow someone else's corners (optional)"),
        *(("16_six_more", "The picture", title) for title in (
            "1. A leaky ReLU that learns its slope", "2. A convolution with stride 2", "3. Layer norm",
            "4. Local response", "5. The Dice loss", "6. A gate")),
    ],
)
def test_a_page_can_be_begun_where_it_says_so(lesson, first, title):
    page = ROOT / "lessons" / lesson / "README.md"
    text = page.read_text(encoding="utf-8")
    assert ">>>" in section(text, title)
    assert not complaints((section(text, first) if first else "") + section(text, title), page)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_quotes_from_the_library_are_in_it(page):
    for before, code in blocks(page.read_text(encoding="utf-8"), "python"):
        if found := re.match(r"<!-- from (\S+) -->", before):
            assert code in (ROOT / found[1]).read_text(encoding="utf-8"), f"{found[1]} reads otherwise than:\n{code}"


def test_the_indices_of_lesson_07_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    page = (ROOT / "lessons/07_pooling/README.md").read_text(encoding="utf-8")
    lines = [found[1] for found in re.finditer(r"(?m)^>>> ((?:\(_, h, w, _\), W|r, q|indices) = .*)$", page)]
    assert len(lines) == 3
    x = np.random.default_rng(7).standard_normal((2, 6, 10, 3))
    names = {"np": np, "x": x, "corners": ops.max_pool(x)[1]}
    exec("\n".join(lines), names)
    _, indices = torch.nn.MaxPool2d(2, 2, return_indices=True)(torch.tensor(np.moveaxis(x, 3, 1)))
    np.testing.assert_array_equal(names["indices"], np.moveaxis(indices.numpy(), 1, 3))


def anchors(text):
    titles = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_lesson_00_quotes_the_readme():
    """What it promises of the first training is what the README says."""
    page, readme = (" ".join(path.read_text().split()) for path in (LESSONS[0] / "README.md", ROOT / "README.md"))
    quoted = re.search(r'says what to expect: "([^"]+)"', page)[1]
    assert quoted in readme and "mIoU" in quoted


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_and_anchors_resolve(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} is not there"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_pictures_say_in_words_what_they_show(page):
    for words, path in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        assert len(words.split()) >= 12, f"{path}: say what one is to see"
        assert Image.open(page.parent / path).mode in ("RGB", "RGBA")


@pytest.mark.docs
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_figures_are_those_that_the_script_draws(lesson, tmp_path):
    """By the version of Matplotlib that drew them, which is that of the extra `dev`: others place things otherwise."""
    drawn = figures.drawn(lesson)
    assert set(drawn) == {path.name for path in (lesson / "figures").glob("*.png")}
    for name, figure in drawn.items():
        figures.save(figure, tmp_path / name)
        new, old = Image.open(tmp_path / name), Image.open(lesson / "figures" / name)
        assert new.size == old.size and old.convert("RGBA").getchannel("A").getextrema() == (255, 255)
        if new.info["Software"] != old.info["Software"]:
            drawn_with = old.info["Software"].split(",")[0]
            pytest.skip(f"{name} was drawn with {drawn_with}, and only with that it can be compared")
        pixels = [np.array(image.convert("RGB"), float) for image in (new, old)]
        assert np.abs(pixels[0] - pixels[1]).mean() < 0.5       # fonts may differ


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_has_all_its_parts_and_a_length_to_read_in_one_sitting(lesson):
    parts_are_all_there(lesson)


def main_line(text):
    """What is read before the exercise: all sections before Your turn whose headings do not end in "(optional)"."""
    return re.sub(r"(?ms)^## [^\n]* \(optional\)$.*?(?=^## )", "", text).partition("\n## Your turn\n")[0]


def words(text):
    """How many there are, without code, formulas on lines of their own, tables, pictures, comments, closed answers."""
    aside = r"(?ms)^```.*?^```|^\$\$.*?\$\$|^\|[^\n]*|!\[[^\]]*\]\([^)]*\)|<!--.*?-->|<details>.*?</details>"
    return len(re.sub(aside, "", text).split())


def parts_are_all_there(lesson):
    """The rules of CONTRIBUTING.md for the page of a lesson."""
    assert (lesson / "README.md").exists(), f"{lesson.name} has no README.md: see Add an exercise in CONTRIBUTING.md"
    text = (lesson / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^## (.*)$", text)
    assert headings[:1] == ["The picture"] and "Your turn" in headings
    assert headings[-4:] == ["Now read the library", "What it costs", "Check yourself", "To think about"]
    assert 400 <= words(main_line(text)) < 1500
    assert text.count("<details>") == text.count("</details>") >= 3
    assert f"python -m pytest lessons/{lesson.name}" in text


def right_answers(lesson):
    """Right answers to the exercises of a lesson, each function once: those of tests/planted_right.py and
    tests/planted_right_3.py, with the functions of these files that they call. Lessons 00 and 17 have none there."""
    found = {}

    def add(name):
        if name in RIGHT and name not in found:
            found[name] = RIGHT[name]
            for node in ast.walk(RIGHT[name]):
                if isinstance(node, ast.Name):
                    add(node.id)

    for exercise in course.load(lesson / "test_exercise.py").EXERCISES:
        add(OTHER_NAMES.get((lesson.name, exercise.name), exercise.name))
    return found.values()


def test_numpy_in_a_right_answer_is_shown_before():
    """On the page before Your turn, on a page before it, or in the stubs."""
    other_ways = {"einsum", "tensordot", "minimum", "tolist", "zeros_like"}       # each can be done by what is shown
    seen = (LESSONS[0] / "README.md").read_text(encoding="utf-8")
    for lesson in LESSONS:
        seen += main_line((lesson / "README.md").read_text(encoding="utf-8"))
        stubs = (lesson / "exercise.py").read_text(encoding="utf-8")
        used = {node.attr for answer in right_answers(lesson) for node in ast.walk(answer)
                if isinstance(node, ast.Attribute)}
        missing = used - other_ways - set(re.findall(r"\w+", seen + stubs))
        assert not missing, f"{lesson.name} needs {missing}"


def whole_results(answer):
    """The expressions that give a function's results, without spaces; arrays that are yet to be filled are none."""
    value = {}
    for node in ast.walk(answer):
        if isinstance(node, ast.Assign):
            pairs = zip(node.targets, [node.value])
            if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(node.targets[0].elts, node.value.elts)
            value.update((ast.unparse(target), expression) for target, expression in pairs)
    returned = next(node.value for node in reversed(answer.body) if isinstance(node, ast.Return))
    results = returned.elts if isinstance(returned, ast.Tuple) else [returned]
    expressions = [ast.unparse(value.get(ast.unparse(result), result)).replace(" ", "") for result in results]
    return [text for text in expressions if re.search(r"\W", text) and not re.match(r"np\.(zeros|empty)|\W", text)]


def test_the_last_hint_says_how_it_begins_and_not_how_it_ends():
    tried = 0
    for lesson in LESSONS:
        for exercise in course.load(lesson / "test_exercise.py").EXERCISES:
            answer = RIGHT.get(OTHER_NAMES.get((lesson.name, exercise.name), exercise.name))
            if answer and isinstance(answer.body[-1], ast.Return):
                for result in whole_results(answer):
                    assert result not in exercise.hints[-1].replace(" ", ""), f"{exercise.name}: it says {result}"
                    tried += 1
    assert tried > 50


def hours(lesson):
    """By the rule of lessons/README.md, in halves."""
    page = main_line((lesson / "README.md").read_text(encoding="utf-8"))
    lines = 0
    for answer in right_answers(lesson):
        described = ast.get_docstring(answer) is not None
        lines += len(ast.unparse(answer.body[described:]).splitlines())
    lines = lines or (lesson / "exercise.py").read_text(encoding="utf-8").count("= None")
    minutes = words(page) / 150 + 5 * len(re.findall(r"(?m)^\$\$", page)) + 5 * lines
    return max(1, round(minutes / 30)) / 2


def halves(text):
    return float(text.replace("½", ".5"))


def test_the_hours_follow_from_what_can_be_counted():
    page = (ROOT / "lessons" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| \[.*\]\((\w+)/README\.md\).* \| ([\d½]+) \|$", page)
    said = {name: halves(text) for name, text in rows}
    assert said == {lesson.name: hours(lesson) for lesson in LESSONS}
    of = {name[:2]: number for name, number in said.items()}
    weekend, everything = (halves(re.search(rf"\*\*{route}\*\*, about ([\d½]+) hours", page)[1])
                           for route in ("A weekend", "Everything"))
    assert weekend == sum(of[f"{number:02}"] for number in range(8)) and everything == sum(of.values())
    weeks = [sum(of[number] for number in week.split()) for week in ("00 01 02 03 04", "05 06 07", "08 09", "10 11 17")]
    least, most = re.search(r"\*\*Four weeks of a class\*\*, ([\d½]+) to ([\d½]+) hours each", page).groups()
    assert (halves(least), halves(most)) == (min(weeks), max(weeks))


def test_a_lesson_without_a_page_is_said_to_have_none(tmp_path):
    with pytest.raises(AssertionError, match=rf"^{re.escape(tmp_path.name)} has no README.md: see Add an exercise in"):
        parts_are_all_there(tmp_path)


def test_the_library_has_no_answer_to_lesson_16():
    """Its page says so."""
    names = {exercise.name for exercise in course.load(ROOT / "lessons/16_six_more/test_exercise.py").EXERCISES}
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tinysegnet").rglob("*.py")]
    defined = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert len(names) == 6 and "relu_backward" in defined
    assert not names & defined, f"lesson 16 asks for {names & defined}: its page promises that the library has none"


@pytest.fixture
def classroom(tmp_path):
    """classroom(*options) runs pytest on a copy of the course, in a folder whose name has a space."""
    root = tmp_path / "my course"
    for name in ("lessons", "tinysegnet"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "*.npz"))
    for name in ("pyproject.toml", "conftest.py", "train.py"):
        shutil.copy(ROOT / name, root / name)

    def run(*options):
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
        return subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)

    run.mine = root / "mine"
    return run


def test_the_library_has_all_answers(classroom):
    process = classroom("lessons", "--answers", "library")
    assert process.returncode == 0, process.stdout
    lines = process.stdout.split("\n")
    for lesson in LESSONS:
        line = next(line for line in lines if line.startswith(lesson.name))
        assert re.fullmatch(rf"{lesson.name} +\d+ done", line)
    assert not run_has(classroom.mine)


def run_has(folder):
    return folder.exists() and any(folder.glob("*.py"))


@pytest.mark.docs       # seconds
def test_untouched_exercises_are_all_to_do(classroom):
    process = classroom("lessons")
    assert process.returncode == 1
    for lesson in LESSONS:
        assert re.search(rf"(?m)^{lesson.name} +\d+ TODO$", process.stdout), process.stdout
        assert (classroom.mine / f"{lesson.name}.py").read_text() == (lesson / "exercise.py").read_text()
