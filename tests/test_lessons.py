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
from PIL import Image

from lessons.engine import course, figures

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "lessons").rglob("README.md")), ROOT / "lessons" / "glossary.md"]
LESSONS = course.lessons()


def blocks(text, language):
    """(what stands in the line before, the block) of each fenced block of a language."""
    return re.findall(rf"(?ms)^([^\n]*)\n```{language}\n(.*?)^```", text)


def named(path):
    return path.parent.name if path.name == "README.md" else path.stem


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_python_block_gives_what_it_says(page):
    parser, names = doctest.DocTestParser(), {}
    for before, code in blocks(page.read_text(encoding="utf-8"), "python"):
        if before.startswith("<!-- from"):
            continue
        if ">>>" not in code:
            exec(compile(code, str(page), "exec"), names)
            continue
        said = []
        test = parser.get_doctest(code, names, page.parent.name, str(page), 0)
        doctest.DocTestRunner(verbose=False).run(test, out=said.append, clear_globs=False)
        names.update(test.globs)
        assert not said, "".join(said)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_quotes_from_the_library_are_in_it(page):
    for before, code in blocks(page.read_text(encoding="utf-8"), "python"):
        if found := re.match(r"<!-- from (\S+) -->", before):
            assert code in (ROOT / found[1]).read_text(encoding="utf-8"), f"{found[1]} reads otherwise than:\n{code}"


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


def parts_are_all_there(lesson):
    """The rules of CONTRIBUTING.md for the page of a lesson."""
    assert (lesson / "README.md").exists(), f"{lesson.name} has no README.md: see Add an exercise in CONTRIBUTING.md"
    text = (lesson / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"(?m)^## (.*)$", text)
    assert headings[:1] == ["The picture"] and "Your turn" in headings
    assert headings[-4:] == ["Now read the library", "What it costs", "Check yourself", "To think about"]
    main = re.sub(r"(?ms)^```.*?^```|<details>.*?</details>", "", text.partition("## Check yourself")[0])
    assert 500 <= len(main.split()) <= 1700
    assert text.count("<details>") == text.count("</details>") >= 3
    assert f"python -m pytest lessons/{lesson.name}" in text


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


def test_untouched_exercises_are_all_to_do(classroom):
    process = classroom("lessons")
    assert process.returncode == 1
    for lesson in LESSONS:
        assert re.search(rf"(?m)^{lesson.name} +\d+ TODO$", process.stdout), process.stdout
        assert (classroom.mine / f"{lesson.name}.py").read_text() == (lesson / "exercise.py").read_text()
