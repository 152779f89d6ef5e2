"""What the README and the pages in docs/ say is so."""

import json
import re
import subprocess
import sys
from pathlib import Path
from statistics import mean

import pytest
from cases import ARGS, FORWARD, NAMES, in_checker_form
from planted_bugs import PLANTED

from tinysegnet.checker.gradcheck import GradientError, check_backward
from tinysegnet.checker.mistakes import TABLES
from tinysegnet.data import camvid

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs/results.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def section(title):
    """The text of docs/results.md between a heading and the next one, of any level."""
    return re.split(r"(?m)^#+ ", RESULTS.split(f"# {title}\n")[1])[0]


def rows_of(text):
    """First cell -> the other cells of each row of a table."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {first: others for first, *others in rows}


def test_the_readme_is_short():
    assert len(TEXT.split()) < 1400


def test_the_report_is_what_the_program_prints():
    report = re.search(r"```\n(conv2d_backward disagrees.*?)```", TEXT, re.DOTALL)[1]
    program = next(code for code in re.findall(r"```python\n(.*?)```", RESULTS, re.DOTALL) if "the mistake" in code)
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert process.stderr.partition("GradientError: ")[2].strip() == report.strip()


@pytest.mark.docs       # seconds
def test_the_shares_of_the_planted_bugs():
    named = seen = 0
    for op, bug in PLANTED:
        try:
            check_backward(FORWARD[op], in_checker_form(op, bug), *ARGS[op], names=NAMES[op], mistakes=TABLES[op])
        except GradientError as error:
            report = str(error)
            named += " mistake  " in report
            seen += " mistake  " not in report and (" hint  " in report or "breaks its contract" in report)
    flat = " ".join(RESULTS.split())
    assert f"Of the {len(PLANTED)} bugs" in flat
    assert f"{named} are named, and for {seen} more the report says what can be seen" in flat


def anchors(text):
    titles = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_to_files_resolve(page):
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8"))
    assert len(links) >= 2
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{link} is not there"
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), f"{link}: no such heading"


def test_speeds_are_those_of_the_benchmark():
    """Each row of the table, beside the medians and ratios of the report; and in the README those of SegNet-Basic's
    training steps at 360x480."""
    _, one, many, memory = (ROOT / "benchmarks/results/cpu.md").read_text(encoding="utf-8").split("\n## ")

    def row(text, title):
        line = next(line for line in text.splitlines() if line.startswith(f"| {title} |"))
        return [cell.strip().partition(" (")[0] for cell in line.strip("|").split("|")[1:]]

    table = RESULTS.split("## Faster than PyTorch")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith(("| segnet", "| memory"))]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len(rows) == 9
    for title, *figures, on_one_thread in rows:
        if title.startswith("memory"):
            assert figures == row(memory, title.removeprefix("memory of a training step, "))
        else:
            assert figures == row(many, title)
            assert on_one_thread == ("" if title.startswith("segnet,") else row(one, title)[-1])
    ratios = [row[3] for row in rows if row[0].startswith("segnet-basic, training step, 360x480")]
    assert f"[{min(ratios)} to {max(ratios)} of PyTorch's time]" in " ".join(TEXT.split()) and len(ratios) == 2


def test_the_table_of_one_image_is_that_of_the_benchmark():
    measured = rows_of((ROOT / "benchmarks/results/inference.md").read_text(encoding="utf-8"))
    table = rows_of(section("What one image takes"))
    for name in ("segnet-basic", "segnet", "unet"):
        assert table[name] == [cell.partition(" (")[0] for cell in measured[name]]


def test_the_figures_of_unseen_are_those_of_its_log():
    log = (ROOT / "benchmarks/results/unseen-270x360/log.jsonl").read_text(encoding="utf-8").splitlines()
    table = rows_of((ROOT / "docs/drives.md").read_text(encoding="utf-8").split("## With all of train")[1])
    epochs, *_, in_one_look = next(cells for name, cells in table.items() if name.startswith("`unseen` ([log]"))
    assert len(log) == int(epochs) and in_one_look == f"{100 * json.loads(log[-1])['mIoU']:.1f}"


def test_the_figures_of_other_networks_are_those_of_the_logs_and_of_the_benchmark():
    """The logs have running statistics, the table exact ones: within a point or two."""
    table = rows_of(section("Other networks, at the same budget"))
    for name, log in (("segnet-basic", "segnet-basic"), ("segnet", "segnet-16"), ("unet", "unet-32")):
        lines = (ROOT / f"benchmarks/results/networks-180x240/{log}.jsonl").read_text(encoding="utf-8").splitlines()
        last = json.loads(lines[-1])
        assert len(lines) == last["epoch"] == 15
        for figure, cell in zip(("G", "C", "mIoU"), table[name][-3:]):
            assert abs(100 * last[figure] - float(cell)) < 2, name
    figures = rows_of((ROOT / "benchmarks/results/uncertainty.md").read_text(encoding="utf-8"))
    without = table["bayesian-segnet-basic, one look without dropout"]
    assert without[-3:] == figures["one look without dropout"]
    assert table["the same, the mean of 20 samples"][-3:] == figures["the mean of 20 samples"]


def test_the_table_of_ingredients_is_that_of_the_benchmark():
    results = (ROOT / "benchmarks/results/ingredients.md").read_text(encoding="utf-8")
    rows = [line for line in results.splitlines() if line.startswith("|")]
    assert len(rows) > 10 and "\n".join(rows) in RESULTS


def test_the_readme_and_the_results_say_the_same():
    """The README's table of what the network reaches, row by row."""
    short = rows_of(TEXT.split("## What it reaches on CamVid")[1].split("\n## ")[0])
    on_val, on_test = rows_of(section("What it reaches on CamVid")), rows_of(section("On the test split"))
    shipped = "the network that comes with the project"
    assert short[shipped] == ["val", *on_val["`--recipe unseen`"][-3:]]
    assert short["that of version 0.1.0"] == ["test", *on_test["the network of version 0.1.0"]]
    assert short["the paper's SegNet-Basic"] == ["test", *on_test["SegNet-Basic in the paper (its table 1)"]]


def test_c_and_miou_are_the_means_over_the_classes():
    def means(title, columns):
        rows = rows_of(section(title))
        return [f"{mean(float(rows[name][column]) for name in camvid.CLASSES):.1f}" for column in columns]

    assert means("By class, on val", (0, 1)) == rows_of(section("What it reaches on CamVid"))["`--recipe unseen`"][-2:]
    on_test = rows_of(section("On the test split"))
    assert means("On the test split", (0, 1)) == on_test["the network of version 0.1.0"][-2:]
    assert means("On the test split", (2,)) == on_test["SegNet-Basic in the paper (its table 1)"][1:2]
