"""What the papers of the project say of its files and versions is so."""

import inspect
import re
import tomllib
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

import tinysegnet
from lessons.engine import course
from lessons.engine.exercises import Exercise
from tinysegnet.checker.forwardcheck import check_forward
from tinysegnet.checker.mistakes.table import Table

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAMES = "CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff"
TEXTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in NAMES}


def test_the_version_is_the_same_everywhere():
    assert re.search(r"(?m)^## \[([\d.]+)\]", TEXTS["CHANGELOG.md"])[1] == tinysegnet.__version__
    assert re.search(r"(?m)^version: (\S+)", TEXTS["CITATION.cff"])[1] == tinysegnet.__version__


def test_the_lowest_versions_are_those_that_are_tried():
    lines = (line.partition("#")[0].strip() for line in (ROOT / "tests/oldest.txt").read_text().splitlines())
    tried = dict(line.split("==") for line in lines if line)
    extras = PROJECT["optional-dependencies"]
    (own,) = [line for line in extras["test"] if line.startswith("tinysegnet[")]
    of_own = [line for name in own.partition("[")[2].rstrip("]").split(",") for line in extras[name]]
    named = [*PROJECT["dependencies"], *extras["test"], *of_own]
    lowest = dict(line.split(">=") for line in named if line != own)
    assert "scipy" in lowest and "safetensors" in lowest            # so that nothing is skipped
    assert tried.keys() == lowest.keys()
    for name, version in lowest.items():
        assert tried[name] == version or re.fullmatch(re.escape(version) + r"(\.0)+", tried[name]), name


def test_ruff_is_the_same_before_a_commit():
    (pin,) = [line for line in PROJECT["optional-dependencies"]["dev"] if line.startswith("ruff")]
    assert f"additional_dependencies: [{pin}]" in (ROOT / ".pre-commit-config.yaml").read_text()


def test_files_that_are_named_exist():
    text = TEXTS["CONTRIBUTING.md"]
    named = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    named += re.findall(r"`((?:tests|tinysegnet|lessons)/[^` ]*)`", text) + re.findall(r"\btests/\w+\.\w+", text)
    assert len(named) > 20
    assert not [name for name in named if not (ROOT / name).exists()]


def test_every_file_of_tests_is_in_a_group():
    named = {*re.findall(r"\btest_\w+\b", TEXTS["CONTRIBUTING.md"].partition("| which |")[2].partition("\n\n")[0])}
    there = {path.stem for path in (ROOT / "tests").glob("test_*.py")}
    assert there <= named, f"the table of tests in CONTRIBUTING.md lacks {there - named}"
    assert named <= there, f"the table of tests in CONTRIBUTING.md has {named - there}, which are not there"


def test_contributing_is_short():
    assert len(TEXTS["CONTRIBUTING.md"].split()) < 1300


def test_what_it_takes_to_add_something_is_as_it_is_said():
    text = TEXTS["CONTRIBUTING.md"]
    table = re.findall(r"(?m)^\| `(\w+)` \|", text.partition("| field |")[2].partition("\n\n")[0])
    assert {*table} == {field.name for field in fields(Exercise)}
    [example] = re.findall(r"(?s)```python\n(.*?)```", text)
    assert example in (ROOT / "tests/planted_answers_3.py").read_text(encoding="utf-8")
    [example] = re.findall(r"(?s)```\n(backward.*?)```", text)
    assert example in (ROOT / "tinysegnet/checker/mistakes/conv.py").read_text(encoding="utf-8")


def test_modules_to_which_others_have_moved_exist():
    table = TEXTS["CHANGELOG.md"].partition("These modules have moved:")[2].partition("And these functions")[0]
    new = [line.split("|")[2] for line in table.splitlines() if line.startswith("| `")]
    names = [name for cell in new for name in re.findall(r"`(tinysegnet[\w.]*\w)`", cell)]
    assert len(names) > 10
    for name in names:
        import_module(name)


def test_the_tables_of_mistakes_are_what_the_changelog_says():
    [row] = [line for line in TEXTS["CHANGELOG.md"].splitlines() if line.startswith("| `mistakes.conv`")]
    for name in re.findall(r"`conv\.(\w+)`", row.split("|")[2]):
        table = getattr(import_module("tinysegnet.checker.mistakes.conv"), name)
        assert isinstance(table, Table) and all(wrong.sentence for wrong in table.mistakes)
    [row] = [line for line in TEXTS["CHANGELOG.md"].splitlines() if line.startswith("| `check_forward(yours=")]
    first = next(iter(inspect.signature(check_forward).parameters))
    assert f"check_forward({first}=" in row.split("|")[2]


def test_the_figures_are_those_of_the_matplotlib_that_is_pinned():
    (pin,) = [line for line in PROJECT["optional-dependencies"]["dev"] if line.startswith("matplotlib==")]
    paths = sorted(ROOT.glob("lessons/*/figures/*.png"))
    assert len(paths) > 30
    for path in paths:
        with Image.open(path) as image:
            assert image.text["Software"].startswith(f"Matplotlib version{pin.partition('==')[2]},"), path


def test_what_the_workflows_name_is_there():
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        for file, test in re.findall(r"\b(tests/\w+\.py)(?:::(\w+))?", path.read_text(encoding="utf-8")):
            assert f"def {test}" in (ROOT / file).read_text(encoding="utf-8"), f"{path.name} names {file} {test}"


@pytest.mark.parametrize("marks, processes", [("not docs", True), ("docs", True), ("gpu", False)])
def test_all_tests_run_in_several_processes_but_not_on_the_one_gpu(monkeypatch, marks, processes):
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    hook = course.load(ROOT / "tests/conftest.py").pytest_cmdline_main
    option = SimpleNamespace(numprocesses=None, dist="no", usepdb=False, markexpr=marks)
    hook(SimpleNamespace(option=option, args=["tests"], getoption=lambda name, default: option.numprocesses))
    assert (option.dist == "worksteal") == (option.numprocesses is not None) == processes
