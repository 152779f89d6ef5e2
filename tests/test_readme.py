"""What the README says is so."""

import re
import subprocess
import sys
from pathlib import Path

from cases import ARGS, FORWARD, NAMES, in_checker_form
from planted_bugs import PLANTED

from tinysegnet.checker.gradcheck import GradientError, check_backward
from tinysegnet.checker.mistakes import TABLES

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()


def test_the_report_is_what_the_program_prints():
    report = re.search(r"```\n(conv2d_backward disagrees.*?)```", TEXT, re.DOTALL)[1]
    program = next(code for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "the mistake" in code)
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=False)
    assert process.stderr.partition("GradientError: ")[2].strip() == report.strip()


def test_the_shares_of_the_planted_bugs():
    named = seen = 0
    for op, bug in PLANTED:
        try:
            check_backward(FORWARD[op], in_checker_form(op, bug), *ARGS[op], names=NAMES[op], mistakes=TABLES[op])
        except GradientError as error:
            report = str(error)
            named += " mistake  " in report
            seen += " mistake  " not in report and (" hint  " in report or "breaks its contract" in report)
    flat = " ".join(TEXT.split())
    assert f"Of the {len(PLANTED)} bugs" in flat
    assert f"{named} are named, and for {seen} more the report says what can be seen" in flat


def test_links_to_files_resolve():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", TEXT)
    assert len(links) > 10
    assert not [link for link in links if not (ROOT / link).exists()]


def test_speeds_are_those_of_the_benchmark():
    """Each row of the README's table, beside the medians and ratios of the report."""
    _, one, many, memory = (ROOT / "benchmarks/results/cpu.md").read_text(encoding="utf-8").split("\n## ")

    def row(text, title):
        line = next(line for line in text.splitlines() if line.startswith(f"| {title} |"))
        return [cell.strip().partition(" (")[0] for cell in line.strip("|").split("|")[1:]]

    table = TEXT.split("## Faster than PyTorch")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith(("| training", "| inference", "| memory"))]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len(rows) == 5
    for title, *figures, on_one_thread in rows:
        if title.startswith("memory"):
            assert figures == row(memory, title.rpartition(", ")[2])
        else:
            assert figures == row(many, title) and on_one_thread == row(one, title)[-1]


def test_the_table_of_ingredients_is_that_of_the_benchmark():
    results = (ROOT / "benchmarks/results/ingredients.md").read_text(encoding="utf-8")
    rows = [line for line in results.splitlines() if line.startswith("|")]
    assert len(rows) > 10 and "\n".join(rows) in TEXT
