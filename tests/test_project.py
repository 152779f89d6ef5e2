"""What the papers of the project say of its files and versions is so."""

import re
import tomllib
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import tinysegnet
from lessons.engine.exercises import Exercise

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
    lowest = dict(line.split(">=") for line in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]))
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
    assert len(TEXTS["CONTRIBUTING.md"].split()) < 1250


def test_what_it_takes_to_add_something_is_as_it_is_said():
    text = TEXTS["CONTRIBUTING.md"]
    table = re.findall(r"(?m)^\| `(\w+)` \|", text.partition("| field |")[2].partition("\n\n")[0])
    assert {*table} == {field.name for field in fields(Exercise)}
    [example] = re.findall(r"(?s)```python\n(.*?)```", text)
    assert example in (ROOT / "tests/planted_answers_3.py").read_text(encoding="utf-8")


def test_modules_to_which_others_have_moved_exist():
    table = TEXTS["CHANGELOG.md"].partition("These modules have moved:")[2].partition("And these functions")[0]
    new = [line.split("|")[2] for line in table.splitlines() if line.startswith("| `")]
    names = [name for cell in new for name in re.findall(r"`(tinysegnet[\w.]*\w)`", cell)]
    assert len(names) > 10
    for name in names:
        import_module(name)
