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

from lessons import renumber
from lessons.engine import course, figures
from tinysegnet import ops
from tinysegnet.support.errors import InputError

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "lessons").rglob("README.md")), *sorted((ROOT / "lessons" / "teaching").glob("[a-z]*.md")),
         ROOT / "lessons" / "glossary.md"]
LESSONS, READINGS = course.lessons(), course.readings()
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
        ("19_decoders_compared", "", "Borrow someone else's corners (optional)"),
        *(("18_six_more", "The picture", title) for title in (
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
@pytest.mark.parametrize("lesson", LESSONS + READINGS, ids=lambda lesson: lesson.name)
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
    """What is read before the exercise, or in a reading before Now read the library: all sections whose headings do not
    end in "(optional)"."""
    text = re.sub(r"(?ms)^## [^\n]* \(optional\)$.*?(?=^## )", "", text)
    return re.split(r"\n## (?:Your turn|Now read the library)\n", text)[0]


def words(text):
    """How many there are, without code, formulas on lines of their own, tables, pictures, comments, closed answers."""
    aside = r"(?ms)^```.*?^```|^\$\$.*?\$\$|^\|[^\n]*|!\[[^\]]*\]\([^)]*\)|<!--.*?-->|<details>.*?</details>"
    return len(re.sub(aside, "", text).split())


@pytest.mark.parametrize("reading", READINGS, ids=lambda reading: reading.name)
def test_a_reading_has_a_page_and_says_that_nothing_is_judged(reading):
    text = (reading / "README.md").read_text(encoding="utf-8")
    parts_of_a_page(text)
    assert "\n## Your turn\n" not in text and "python -m pytest" not in text
    assert "This is a reading: there is nothing to write, and nothing is judged." in text
    table = (ROOT / "lessons" / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"(?m)^\| \[[^\]]*\]\({reading.name}/README\.md\) \(a reading\) \| nothing: ", table)
    assert table.count("(a reading)") == len(READINGS)


def parts_are_all_there(lesson):
    """The rules of CONTRIBUTING.md for the page of a lesson."""
    assert (lesson / "README.md").exists(), f"{lesson.name} has no README.md: see Add an exercise in CONTRIBUTING.md"
    text = (lesson / "README.md").read_text(encoding="utf-8")
    parts_of_a_page(text)
    assert "\n## Your turn\n" in text
    assert f"python -m pytest lessons/{lesson.name}" in text


def parts_of_a_page(text):
    """Those that a reading has too."""
    headings = re.findall(r"(?m)^## (.*)$", text)
    assert headings[:1] == ["The picture"]
    assert headings[-4:] == ["Now read the library", "What it costs", "Check yourself", "To think about"]
    assert 400 <= words(main_line(text)) < 1500
    assert text.count("<details>") == text.count("</details>") >= 3


def right_answers(lesson):
    """Right answers to the exercises of a lesson, each function once: those of tests/planted_right.py and
    tests/planted_right_3.py, with the functions of these files that they call. Lessons 00 and 12 have none there."""
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
    if lesson not in READINGS:
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
    assert said == {lesson.name: hours(lesson) for lesson in LESSONS + READINGS}
    of = {name[:2]: number for name, number in said.items()}
    weekend, lessons = re.search(r"\*\*A weekend\*\*, about ([\d½]+) hours: lessons ([^.]+)\.", page).groups()
    assert halves(weekend) == sum(of[number] for number in renumber.in_series(lessons))
    assert halves(re.search(r"\*\*Everything\*\*, about ([\d½]+) hours", page)[1]) == sum(of.values())
    four_weeks = r"\*\*Four weeks of a class\*\*, (\S+) to (\S+) hours each: ([^.]+)\."
    least, most, weeks = re.search(four_weeks, page).groups()
    weeks = [renumber.in_series(week) for week in weeks.split("·")]
    numbers = [number for week in weeks for number in week]
    assert numbers == [name[:2] for name in renumber.order()][: len(numbers)]
    each = [sum(of[number] for number in week) for week in weeks]
    assert len(weeks) == 4 and (halves(least), halves(most)) == (min(each), max(each))


def test_the_numbers_of_the_lessons_are_their_places_in_the_table():
    """In all texts, as lessons/renumber.py makes them."""
    names = renumber.order()
    assert names == sorted(lesson.name for lesson in LESSONS + READINGS)
    assert [name[:2] for name in names] == [f"{place:02}" for place in range(len(names))]
    assert not [file for file in renumber.changes(names)], "run python -m lessons.renumber"


@pytest.mark.parametrize("lesson", LESSONS + READINGS, ids=lambda lesson: lesson.name)
def test_a_lesson_says_its_number(lesson):
    number, table = lesson.name[:2], (ROOT / "lessons" / "README.md").read_text(encoding="utf-8")
    assert (lesson / "README.md").read_text(encoding="utf-8").startswith(f"# {number} · ")
    assert re.search(rf"(?m)^\| \[{number} · [^\]]*\]\({lesson.name}/README\.md\)", table)
    for file in ("exercise.py", "test_exercise.py") if lesson in LESSONS else ():
        assert (lesson / file).read_text(encoding="utf-8").startswith(f'"""Lesson {number}: ')


def test_a_number_in_a_text_is_that_of_a_lesson():
    """And in the label of a link, that of the lesson to which it leads."""
    last, said, linked = max(lesson.name[:2] for lesson in LESSONS + READINGS), 0, 0
    for file in renumber.files():
        text = file.read_text(encoding="utf-8")
        for label, there in re.findall(r"\[(?:[Ll]esson\s+)?(\d\d)(?: ·[^\]]*)?\]\([\w./]*?(\d\d)_", text):
            assert label == there, f"{file}: lesson {label} in a link to lesson {there}"
            linked += 1
        if file.suffix == ".md":
            for found in renumber.SAID.finditer(text):
                numbers = renumber.in_series(found["numbers"])
                assert numbers == sorted({*numbers}) and numbers[-1] <= last, f"{file}: {found[0]}"
                said += 1
    assert said > 150 and linked > 150


def test_no_page_has_a_number_that_renumber_does_not_read():
    """07 alone, in a sentence or a table, would stay when lesson 07 becomes another."""
    read = (renumber.SAID, renumber.SHORT, renumber.OPTION, r"\A# \d\d", r"\[[^]]*\]\([^)]*\)",
            r"(?ms)^```python$.*?^```$", "02,relu_backward,4", 'LESSONS: "02 03"')        # the last two are a teacher's
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        for pattern in read:
            text = re.sub(pattern, "", text)
        assert not re.findall(r".*(?<![\w.,/-])0\d(?![\w.,]*\w).*", text), path


@pytest.fixture
def small_course(tmp_path, monkeypatch):
    """small_course(files) -> {path: text} after `python -m lessons.renumber`, in a course of these files alone."""
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "LESSONS", tmp_path / "lessons")
    monkeypatch.setattr(sys, "argv", ["renumber"])

    def run(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(text.encode())
        renumber.main()
        return {path.relative_to(tmp_path).as_posix(): path.read_bytes().decode()
                for path in tmp_path.rglob("*") if path.is_file()}

    return run


def of_lessons(*names):
    """A course of these lessons, read in this order."""
    files = {place: "" for place in renumber.PLACES if "." in place}
    files |= {f"lessons/{name}/test_exercise.py": f'"""Lesson {name[:2]}"""' for name in names}
    files |= {f"lessons/{name}/README.md": f"# {name[:2]} · It\n" for name in names}
    return files | {"lessons/README.md": "".join(f"| [{name[:2]} · It]({name}/README.md) | x |\n" for name in names)}


# Lesson 99, `new`, is put in behind 01, and 02 to 04 move by one. The @ keep lessons.renumber from these texts.
RENUMBERED = [
    ("lesson @02, and of lesson @02.", "lesson @03, and of lesson @03."),
    ("Lessons @01 and @02, or lesson\n@04", "Lessons @01 and @03, or lesson\n@05"),
    ("lessons @00 to @04", "lessons @00, @01 and @03 to @05"),
    ("lessons @02 to\n@04", "lessons @03 to @05"), ("lessons @01, @02, or @03", "lessons @01, @03, or @04"),
    ("lessons @00, @02 to @03 and @99", "lessons @00 and @02 to @04"),
    ("# lessons @00 and\n# @02", "# lessons @00 and\n# @03"),
    ("lesson @77, @02 images, 3.02, 0.04, lesson @02.5, mine.02, @02_x", None),
    ("def test_lesson_@02():", "def test_lesson_@03():"),
    ("python -m lessons @02, or lessons reset @03", "python -m lessons @03, or lessons reset @04"),
    ("python -m lessons.notebook @02", "python -m lessons.notebook @03"),
    ("--lessons @02 @03", "--lessons @03 @04"), ('"--lessons", "@00", "@02"', '"--lessons", "@00", "@03"'),
    ("lessons/@02 and lessons/@02::f", "lessons/@03 and lessons/@03::f"),
    ("lessons/@02_b/x.py, mine/@02_b.py, @02_b", "lessons/@03_b/x.py, mine/@03_b.py, @03_b"),
    ("@02_b_c and @02_bc", "@04_b_c and @02_bc"),
    ("[lesson @02](../@02_b/README.md#x)", "[lesson @03](../@03_b/README.md#x)"),
    ("[@02 · B](@02_b/README.md)", "[@03 · B](@03_b/README.md)"),
    ("[Lesson\n@04](@99_new/README.md)", "[Lesson\n@02](@02_new/README.md)"),            # it was wrong before
]


def test_a_lesson_that_is_put_in_moves_the_others(small_course):
    files = of_lessons("00_a", "01_z", "99_new", "02_b", "03_b_c", "04_d")
    del files["lessons/04_d/test_exercise.py"]      # a reading
    files["lessons/02_b/sums.py"] = "# lesson @02\r\n".replace("@", "")
    files["tests/test_x.py"] = "\n\n".join(old for old, _ in RENUMBERED).replace("@", "")
    untouched = {"mine/02_b.py": "lesson @02".replace("@", ""), "CHANGELOG.md": "lesson @02".replace("@", "")}
    there = small_course(files | untouched)
    names = "00_a", "01_z", "02_new", "03_b", "04_b_c", "05_d"
    assert there["tests/test_x.py"].split("\n\n") == [(new or old).replace("@", "") for old, new in RENUMBERED]
    changed = {"lessons/03_b/sums.py": "# lesson @03\r\n".replace("@", ""), "tests/test_x.py": there["tests/test_x.py"]}
    expected = of_lessons(*names) | untouched | changed
    del expected["lessons/05_d/test_exercise.py"]
    assert there == expected
    assert small_course({}) == there                # a second time it changes nothing


@pytest.mark.parametrize(
    "names, more, sentence",
    [
        (["00_a", "00_b"], {}, "two lessons have 00 in their names"),
        (["00_a", "01_a"], {}, "two lessons have a in their names"),
        (["00_a"], {"lessons/01_b/test_exercise.py": ""}, "01_b: each lesson needs a folder, and a row in the table"),
        (["99_a"], {"lessons/00_a/old.pyc": ""}, "lessons/00_a is there already, without a lesson: remove it"),
    ],
)
def test_an_order_that_is_not_clear_is_said(small_course, names, more, sentence):
    files = of_lessons(*names) | more
    with pytest.raises(InputError, match=sentence):
        small_course(files)
    assert {name: (course.ROOT / name).read_text() for name in files} == files


def test_a_lesson_without_a_page_is_said_to_have_none(tmp_path):
    with pytest.raises(AssertionError, match=rf"^{re.escape(tmp_path.name)} has no README.md: see Add an exercise in"):
        parts_are_all_there(tmp_path)


def test_the_library_has_no_answer_to_lesson_18():
    """Its page says so."""
    names = {exercise.name for exercise in course.load(ROOT / "lessons/18_six_more/test_exercise.py").EXERCISES}
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tinysegnet").rglob("*.py")]
    defined = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert len(names) == 6 and "relu_backward" in defined
    assert not names & defined, f"lesson 18 asks for {names & defined}: its page promises that the library has none"


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
