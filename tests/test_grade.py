"""Grading what a class has handed in: `python -m lessons.grade`."""

import csv
import errno
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from lessons import book, grade
from lessons.engine import course, gradebook, grading, judge_file, points, roster, slips, tables, unpacking, watch
from lessons.engine import submissions as engine_submissions
from lessons.engine.exercises import WRONG, Verdict
from lessons.engine.roster import Person
from lessons.engine.submissions import Submission, submissions
from tinysegnet.support.errors import InputError

needs_processes = pytest.mark.skipif(not hasattr(os, "killpg"), reason="Windows has no groups of processes")

ROOT = Path(__file__).parents[1]
FORWARD = """
import os
import time

import numpy as np


def relu(x):
    return np.maximum(x, 0), x > 0


def relu_backward(dy, cache):
    """
BORROWED = """
from tinysegnet.ops import relu, relu_backward
"""
PEOPLE = {
    "complete": FORWARD + "return dy * cache\n",
    "half": FORWARD + "return None\n",
    "wrong": FORWARD + "return dy * (dy > 0)\n",
    "the same mistake": FORWARD + "return np.where(dy > 0, dy, 0)\n",
    "borrowed": BORROWED,
    "leaves": FORWARD + "os._exit(0)\n",
    "scribbles": FORWARD + "open('verdicts.jsonl', 'a').write('x')\n    return dy * cache\n",
    "hungry": FORWARD + "return np.ones(1 << 40)\n",
    "not Python": "def relu(x:\n",
    "odd": FORWARD + "raise ValueError('\\x00 \\x1b[31m <& \\udcff')\n",
}


def run(*options):
    command = [sys.executable, "-m", "lessons.grade", *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The folder of the grades of PEOPLE in lesson 02, and what was printed."""
    if sys.platform == "darwin":
        pytest.skip("no limit on memory that holds here, and one of them asks for 8 TB")
    folder = tmp_path_factory.mktemp("a class")
    for i, (name, content) in enumerate(PEOPLE.items()):
        mine = folder / name / "mine" if i % 2 else folder / name          # both are understood
        mine.mkdir(parents=True)
        (mine / "02_relu.py").write_text(content)
        (mine / ".course.json").write_text(json.dumps({"done": {"02_relu": "all of it, I promise"}}))
    process = run(*(folder / name for name in PEOPLE), "--out", folder / "out", "--lessons", "02")
    assert process.returncode == 0, process.stderr
    return folder / "out", process.stdout


def points_in(out):
    with open(out / "grades.csv", newline="", encoding="utf-8") as file:
        return {row["name"]: int(row["points"]) for row in csv.DictReader(file)}


def test_a_point_for_each_part_that_is_done_and_none_for_what_is_borrowed(graded):
    out, printed = graded
    expected = dict.fromkeys(PEOPLE, 2) | {"complete": 3, "borrowed": 0, "not Python": 0}
    assert points_in(out) == expected
    for name, score in expected.items():
        assert f"{name:<24}{score:>4} of 3" in printed
    assert "borrowed                   0 of 3, 3 borrowed\n" in printed


def test_gradescope_has_the_reasons(graded):
    def said(name):
        results = json.loads((graded[0] / name / "results.json").read_text())
        assert results["score"] == sum(test["score"] for test in results["tests"])
        assert [test["max_score"] for test in results["tests"]] == [1, 1, 1]
        return results["tests"][2]["output"]

    assert said("complete") == "done"
    assert said("half").startswith("TODO\nmine/02_relu.py, line")
    assert "dy passes where dy is positive" in " ".join(said("wrong").split())
    assert said("borrowed") == "borrowed\nfrom tinysegnet"
    assert "no verdict: the process ended with status 0" in said("leaves")
    assert "no verdict: the process ended with status 0" in said("scribbles")
    assert "MemoryError" in said("hungry")
    assert "02_relu.py cannot be read" in said("not Python")


def test_junit_has_a_case_for_each_part(graded):
    suites = ElementTree.parse(graded[0] / "junit.xml").getroot()
    assert [suite.get("name") for suite in suites] == [*PEOPLE]
    for suite in suites:
        assert int(suite.get("tests")) == len(suite) == 3
        failures = 3 - points_in(graded[0])[suite.get("name")]
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) == failures


def test_each_mistake_is_counted_once_for_a_person(graded):
    with open(graded[0] / "mistakes.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    sentence = "dy passes where dy is positive, and must pass where x was"
    assert [*rows[0].values()] == ["2", "mistake", "02_relu", "relu_backward", sentence, "the same mistake, wrong"]
    others = {row["who"]: f"{row['times']} {row['kind']} {row['function']}: {row['what']}" for row in rows[1:]}
    assert others.pop("hungry").startswith("1 exception relu_backward: ")
    assert others.pop("odd").startswith("1 exception relu_backward: ValueError: ")
    assert others == {
        "leaves, scribbles": "2 crash relu_backward: no verdict: the process ended with status 0",
        "not Python": "1 exception relu: SyntaxError: '(' was never closed",
    }
    assert f"2 x 02_relu relu_backward: {sentence}" in " ".join(graded[1].split())


def test_lessons_that_were_not_handed_in_are_to_do(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/02_relu.py").write_text(PEOPLE["complete"])
    assert run(tmp_path, "--out", tmp_path / "out", "--lessons", "02", "03").returncode == 0
    results = json.loads((tmp_path / "out" / tmp_path.name / "results.json").read_text())
    assert [test["output"].split("\n")[0] for test in results["tests"]] == ["done"] * 3 + ["not handed in"] * 5


def test_a_process_that_does_not_end_is_stopped(tmp_path):
    (tmp_path / "02_relu.py").write_text(FORWARD + "time.sleep(1000)\n")
    assert run(tmp_path, "--out", tmp_path / "out", "--lessons", "02", "--seconds", "4").returncode == 0
    results = json.loads((tmp_path / "out" / tmp_path.name / "results.json").read_text())
    assert results["tests"][2]["output"] == "crashed\n  stopped after 4 seconds"


def test_what_the_teacher_can_mend(tmp_path):
    (tmp_path / "a/ann").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    for options, sentence in (
        ((tmp_path / "typo",), "typo is not there: name a folder or a zip of one person each"),
        ((tmp_path / "file",), "file is neither a folder nor a zip"),
        ((tmp_path / "a/ann", "--lessons", "77"), "there is no lesson 77 to judge: give two digits, --lessons 02 06"),
        ((tmp_path / "a/ann", "--out", tmp_path / "file"), "file cannot be written"),
    ):
        process = run("--out", tmp_path / "out", *options)
        assert process.returncode == 2 and sentence in process.stderr and "Traceback" not in process.stderr


@pytest.mark.parametrize("module", [book, grade])
def test_the_help_says_how_the_command_is_called(module, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["a.py", "-h"])
    with pytest.raises(SystemExit):
        module.main()
    assert capsys.readouterr().out.startswith(f"usage: python -m {module.__name__} [-h]")


def verdicts_of(lesson, name, function):
    [exercise] = [one for one in course.exercises(course.LESSONS / lesson) if one.name == name]
    function.__name__ = name
    return exercise.check(function)


def slips_of(lesson, name, function):
    return {slip for part, verdict in verdicts_of(lesson, name, function).items() for slip in slips.of(part, verdict)}


def test_a_mistake_that_several_results_have_is_one_slip():
    def sgd_step(params, grads, velocity, lr, momentum, weight_decay):
        for name, w in params.items():
            velocity[name][...] = lr * (grads[name] + weight_decay * w * (w.ndim == 4))
            w -= velocity[name]

    reports = {verdict.text for verdict in verdicts_of("04_softmax_loss_sgd", "sgd_step", sgd_step).values()}
    assert any("mistake    as for v of w" in report for report in reports)
    forgotten = ("mistake", "the old velocity is forgotten: momentum * v is part of the new one")
    found = slips_of("04_softmax_loss_sgd", "sgd_step", sgd_step)
    assert forgotten in found and not [sentence for _, sentence in found if "as for" in sentence]


def changed_in_place(dy, cache):
    dy *= cache
    return dy


@pytest.mark.parametrize("backward, slip", [
    (lambda dy, cache: 2.5 * dy * cache, ("hint", "it is 2.5 times what it should be, everywhere")),
    (lambda dy, cache: (dy * cache)[:1, :1], ("contract", "dx should have the shape of x, (...), has (...)")),
    (lambda dy, cache: dy * cache + dy**2 + 1, ("unknown", "dx has wrong values, and it is no known mistake")),
    (changed_in_place, ("contract", "dy was changed in place: an op must not change what it is given")),
    (lambda dy, cache: dy * cache if dy.ndim else 0, None),
])
def test_hints_shapes_and_arguments_are_slips_too(backward, slip):
    assert slips_of("02_relu", "relu_backward", backward) == ({slip} if slip else set())


@pytest.mark.parametrize("text, slip", [
    ("  ValueError: cannot reshape (2, 3) at [1, 2] to -4.5e3 of conv2d\n  02_relu.py, line 7:  x",
     ("exception", "ValueError: cannot reshape (...) at [...] to # of conv2d")),
    ("  ValueError: operands could\n    not be broadcast\n  it means:  two arrays\n    meet\n  there:  x",
     ("exception", "ValueError: two arrays meet")),
    ("  mine/02_relu.py cannot be read\n  SyntaxError: invalid syntax (02_relu.py, line 9)",
     ("exception", "SyntaxError: invalid syntax")),
    ("  still running after 10 seconds: is there a loop without an end?\n  02_relu.py, line 7:  while True:",
     ("endless", "does not come to an end")),
    ("  mine/02_relu.py cannot be read\n  has waited for 20 seconds: what for?\n  02_relu.py, line 2:  input()",
     ("endless", "does not come to an end")),
    ("  relu returns cache, y, each of them right:\n    return y, cache",
     ("contract", "relu returns cache, y, each of them right: return y, cache")),
    ("", ("contract", "")),
])
def test_a_text_is_a_slip_without_what_is_of_one_case(text, slip):
    assert slips.in_text(text) == slips.of("y", Verdict(WRONG, text)) == [slip]


def a():
    return 1


def b():
    return [c() for _ in [a()]]


def c():
    return b()


def d(dy, need_dx=True):
    dx = c() if need_dx else None
    dw = dx and dy + a()
    db = dy.sum(initial=len(dy))
    return dx, dw, db


def test_what_a_result_comes_from_is_known_by_way_of_other_functions():
    names = ["a", "b", "c", "d", "len"]
    assert slips.uses(d, ["dx", "dw", "db"], names) == {"dx": ["a", "b", "c"], "dw": ["a", "b", "c"], "db": ["len"]}
    assert slips.uses(c, ["y"], names) == {"y": ["a", "b"]} and slips.uses(a, ["y"], names) == {"y": []}
    assert slips.uses(d, [""], names) == {"": ["a", "b", "c", "len"]}
    assert slips.uses(len, ["y"], names) == slips.uses(None, ["y"], names) == {"y": []}


def part(exercise="relu", kind="done", said=(), uses=(), lesson="02_relu", **more):
    return grading.Part(lesson, exercise, "y", kind, slips=tuple(("mistake", one) for one in said), uses=uses, **more)


def row(name, *parts, remark=""):
    return gradebook.Row(Person("", name, ""), name, list(parts), {}, remark)


def test_a_slip_counts_once_for_a_person_and_in_the_function_where_it_is():
    wrong = part("col2im", "wrong", ["add"]), part("conv2d", "wrong", ["sum", "add"], uses=("col2im",))
    own = part("col2im"), part("conv2d", "wrong", ["sum", "add"], uses=("col2im",)), part("conv2d", "wrong", ["sum"])
    rows = [row("ann", *wrong), row("bob", *own), row("cy", *wrong), row("dee", part("col2im", "TODO"), *wrong[1:])]
    found = {(what[2], what[3]): who for what, who in gradebook.mistakes(rows)}
    assert found == {("col2im", "add"): ["ann", "cy"], ("conv2d", "sum"): ["bob"], ("conv2d", "add"): ["bob"]}
    assert [len(who) for _, who in gradebook.mistakes(rows)] == [2, 1, 1]


# ---- what was handed in ----

def lay(folder, files):
    """Write files; those of a zip are in a dict."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            with zipfile.ZipFile(path, "w") as file:
                for inside, text in content.items():
                    file.writestr(inside, text)
        elif content is None:
            path.mkdir()
        else:
            path.write_text(content)


R, T = "02_relu.py", "03_conv_1x1.py"
OLD_R = f"77{R[2:]}"         # lessons.renumber lets it be
HANDED_IN = {       # what lies in one folder, and {name: (attempts, remark)}
    "people": ({"ann/02_relu.py": "", "bob/mine/02_relu.py": "", "cy/hw/deep/02_relu.py": "",
                "dee.zip": {f"a/{R}": ""}},
               {"ann": "", "bob": "", "cy": "", "dee": ""}),
    "nothing": ({"ann": None, "bob/relu.py": "", "cy.zip": {"x.docx": ""}, "dee.rar": "", "eve/02_relu (1).py": ""},
                {"ann": "nothing handed in", "bob": "no file of a lesson: relu.py", "cy": "no file of a lesson: x.docx",
                 "dee": "no file of a lesson: dee.rar", "eve": "no file of a lesson: 02_relu (1).py"}),
    "half": ({"ann/02_relu.py": "", "ann/3_conv.py": "", "bob/a/02_relu.py": "", "bob/b/02_relu.py": "",
              "cy/mine/02_relu.py": "", "cy/old/02_relu.py": ""},
             {"ann": "of no lesson: 3_conv.py", "bob": "answers in several folders: a, b", "cy": ""}),
    "old numbers": ({f"ann/{OLD_R}": "", f"bob/mine/{OLD_R}": "", f"bob/mine/{T}": "", "cy.zip": {OLD_R: "", R: ""},
                     f"di_7_8_{OLD_R[:-3]}-2.py": ""},
                    {"ann": f"read, with an old number: {OLD_R}", "bob": f"read, with an old number: {OLD_R}",
                     "cy": f"not read, with an old number: {OLD_R}", "di": f"read, with an old number: {OLD_R}"}),
    "damaged": ({"ann.zip": "PK",
                 "bob.zip": {"02_relu.py": "", "../03_conv_1x1.py": "", "/etc/x.py": "", "c:\\x.py": ""}},
                {"ann": "ann.zip is damaged, or no zip",
                 "bob": "../03_conv_1x1.py leads out of it; /etc/x.py leads out of it; c:\\x.py leads out of it"}),
    "attempts": ({"ann/attempt-2/02_relu.py": "", "ann/attempt-10.zip": {R: ""}, "bob/x.zip": {R: ""},
                  "bob/y.zip": {R: ""}, "cy/02_relu.py": "", "cy/z.zip": {T: ""}, "dee/only.zip": {R: ""},
                  "dee/notes.txt": ""},
                 {"ann": ["attempt-2", "attempt-10.zip"], "bob": ["y.zip", "x.zip"], "cy": ["folder", "z.zip"],
                  "dee": ""}),
    "moodle": ({"Ann Lee_17_assignsubmission_file_/hw.zip": {R: ""},
                "Ann Lee_17_assignsubmission_onlinetext_/o.html": "", "Bo_18_assignsubmission_file_": None,
                "Ann Lee_19_assignsubmission_file_/02_relu.py": ""},
               {"Ann Lee (17)": "", "Ann Lee (19)": "", "Bo": "nothing handed in"}),
    "canvas": ({"leeann_12_34_hw.zip": {R: ""}, "leeann_12_56_hw-1.zip": {R: ""}, "bo_LATE_7_8_02_relu-2.py": "",
                "bo_LATE_7_9_mine_utils.py": "", f"cy_7_8_1/{R}": "", f"cy_7_8_2/{R}": ""},
               {"leeann": ["hw.zip", "hw-1.zip"], "bo": "", "cy_7_8_1": "", "cy_7_8_2": ""}),
    "two downloads": ({f"leeann_12_99_{R[:-3]}-1.py": "", f"leeann_12_100_{R[:-3]}-2.py": "", f"bo_7_8_{R}": ""},
                      {"leeann": ["files", "files1"], "bo": ""}),
    "a script beside folders": ({f"ann/{R}": "", f"bob/mine/{R}": "", f"cy/a/{R}": "", f"cy/b/{R}": "", "merge.py": ""},
                                {"ann": "", "bob": "", "cy": "answers in several folders: a, b",
                                 "merge": "no file of a lesson: merge.py"}),
    "a script beside Moodle's": ({f"Ann_17_assignsubmission_file_/{R}": "", f"Bo_18_assignsubmission_file_/{R}": "",
                                  "merge.py": ""},
                                 {"Ann": "", "Bo": "", "merge": "no file of a lesson: merge.py"}),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("case", HANDED_IN)
def test_what_was_handed_in_is_found(tmp_path, case, packed):
    files, expected = HANDED_IN[case]
    lay(tmp_path / case, files)
    for i, path in enumerate(sorted(tmp_path.rglob("*.zip"))):
        os.utime(path, (1e9, 1e9 - 9 * i))
    if packed:          # as a learning platform exports it, but for the folder around
        shutil.make_archive(tmp_path / case, "zip", tmp_path, case)
        shutil.rmtree(tmp_path / case)
    found = submissions([tmp_path / (f"{case}.zip" if packed else case)], tmp_path / "work")
    assert expected == {
        one.name: [*one.attempts] if one.attempts.keys() - {""} else one.remark for one in found
    }
    for one in found:
        for folder in one.attempts.values():
            assert any((folder / name).is_file() for name in (R, T, OLD_R))
    assert not {*tmp_path.rglob("x.py")} and not (tmp_path / "work" / T).exists()


def test_attempts_are_in_the_order_of_their_time(tmp_path):
    lay(tmp_path, {"ann/b.zip": {R: "1"}, "ann/a.zip": {R: "2"}, "ann/attempt_9.zip": {R: "3"}, "bob": None})
    for seconds, name in enumerate(("b", "a"), 10**9):
        os.utime(tmp_path / f"ann/{name}.zip", (seconds, seconds))
    [ann, _] = submissions([tmp_path], tmp_path / "work", tmp_path / "out")
    assert [folder.joinpath(R).read_text() for folder in ann.attempts.values()] == ["1", "2", "3"]


def test_one_person_s_helper_and_weeks_are_one_person_s(tmp_path):
    lay(tmp_path, {"utils.py": "", f"week1/{R}": "", f"week2/{T}": ""})
    [one] = submissions([tmp_path], tmp_path / "w", tmp_path / "out")
    assert one.remark == "answers in several folders: week1, week2"


def test_of_two_downloads_both_have_the_helper(tmp_path):
    lay(tmp_path, {f"lee_12_99_{R[:-3]}-1.py": "", f"lee_12_100_{R[:-3]}-2.py": "", "lee_12_99_helpers.py": ""})
    [one] = submissions([tmp_path], tmp_path / "w", tmp_path / "out")
    names = [sorted(path.name for path in folder.iterdir()) for folder in one.attempts.values()]
    assert names == [[R, "helpers.py"]] * 2


def test_two_of_one_name_are_told_apart_and_each_is_looked_at_once(tmp_path):
    for name in "a/ann", "b/ann", "x/a/ann":
        lay(tmp_path / name, {R: ""})
    paths = [tmp_path / name for name in ("a/ann", "b/ann", "x/a/ann", "a/ann")]
    assert [one.name for one in submissions(paths, tmp_path / "w")] == ["ann (a)", "ann (b)", "ann (a) 2"]
    assert [one.name for one in submissions([tmp_path / "a/ann"], tmp_path / "w")] == ["ann"]
    lay(tmp_path, {"export.zip": {f"Ann Lee_{n}_assignsubmission_file_/{R}": str(n) for n in (111, 222)}})
    assert {one.name for one in submissions([tmp_path / "export.zip"], tmp_path / "w", tmp_path / "out")} == {
        "Ann Lee (111)", "Ann Lee (222)"}
    lay(tmp_path / "bob/mine", {R: ""})
    assert [one.name for one in submissions([tmp_path / "bob/mine"], tmp_path / "w")] == ["bob"]
    assert [one.name for one in submissions([tmp_path / "a"], tmp_path / "w", tmp_path / "a/ann")] == []


def test_a_zip_is_unpacked_within_bounds(tmp_path, monkeypatch):
    lay(tmp_path, {"a.zip": {
        "big.py": "x" * 11, "a.py": "1", "b.py": "2" * 10, "c.py": "3" * 10, "d.txt": "4", "e.txt": "",
        ".git/f.py": "", "a.py/g.py": "", "__MACOSX/h.py": "", f"{'i' * 300}.py": "1",
    }})
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as file:
        link = zipfile.ZipInfo("link.py")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    monkeypatch.setattr(unpacking, "MOST", {".py": 10, ".zip": 10})
    monkeypatch.setattr(unpacking, "TOGETHER", {".py": 25, ".zip": 10})
    monkeypatch.setattr(unpacking, "NAMES", 1)
    said = unpacking.unpack(tmp_path / "a.zip", tmp_path / "to")
    assert [text.partition(" ")[2] for text in said] == [
        "is too large", "is too large", "cannot be written here", "cannot be written here", "is a link"]
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "to").rglob("*") if path.is_file()}
    assert sizes == {"big.py": 0, "a.py": 1, "b.py": 10, "c.py": 0, "d.txt": 0}
    monkeypatch.setattr(unpacking, "ENTRIES", 3)
    with pytest.raises(unpacking.ZipError, match="more than 3 files"):
        unpacking.unpack(tmp_path / "a.zip", tmp_path / "again")


def test_a_full_disk_is_no_damaged_zip(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    lay(tmp_path, {"a.zip": {R: ""}})
    monkeypatch.setattr(os, "utime", full)
    with pytest.raises(OSError, match="No space"):
        submissions([tmp_path / "a.zip"], tmp_path / "work")


def test_a_folder_that_may_not_be_read_stops_nobody(tmp_path, monkeypatch):
    def denied(folder):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    lay(tmp_path, {"ann": None, f"bob/{R}": ""})
    monkeypatch.setattr(engine_submissions, "answers_in", denied)
    said = [one.remark for one in submissions([tmp_path], tmp_path / "w")]
    assert said == ["ann may not be read", "bob may not be read"]


# ---- the class ----

def table(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def handed_in(*names):
    return [Submission(names[0], names, {}) for names in (name.split("|") for name in names)]


def test_a_roster_has_its_columns_in_any_order(tmp_path):
    semicolons = "\ufeffname;id;email\r\nAnn Lee;s1;a@x.edu\r\n;s2;"
    for text in "Email,ID,name,group\na@x.edu,s1,Ann Lee,4\n,,\n,s2,\n", semicolons:
        assert roster.read(table(tmp_path / "r.csv", text)) == [("s1", "Ann Lee", "a@x.edu"), ("s2", "", "")]
    for text, sentence in (
        ("id,name\ns1,Ann\n", "has no column email: its first line must name id, name and email"),
        ("", "has no column id"), ("id,name,email\n", "names nobody"), ("id,name,email\n,Ann,\n", "line 2 of"),
        ("id,name,email\n1,Ann,\n1,Bob,\n", "has the id 1 2 times"),
    ):
        with pytest.raises(InputError, match=sentence):
            roster.read(table(tmp_path / "r.csv", text))
    (tmp_path / "r.csv").write_bytes("id,name,email\n1,J\xf6rg,".encode("latin-1"))
    with pytest.raises(InputError, match="save it from the spreadsheet as CSV UTF-8"):
        roster.read(tmp_path / "r.csv")
    with pytest.raises(InputError, match="cannot be read"):
        roster.read(tmp_path / "none.csv")


@pytest.mark.parametrize("name", ["s1", "S-1", "Ann Lee", "ann_lee", "leeann", "Lee, Ann", "a.lee", "a.lee@x.edu",
                                  "Ann Lee|99", "someone|s1"])
def test_a_person_is_found_by_id_name_or_email(name):
    people = [Person("s1", "Ann Lee", "a.lee@x.edu"), Person("s2", "Bo", "")]
    ann, bo = roster.matched(people, handed_in(name))
    assert ann.submission and ann.clear and (bo.submission, bo.remark) == (None, "nothing handed in")


def test_accents_are_as_others_write_them():
    names = roster.names_of(Person("1", "Mu\u0308ller, J\xf6rg", "j.m@x.edu"))
    assert {"mullerjorg", "jorgmuller", "jm"} <= names and roster.plain("M\xfcller J\xf6rg") in names


def test_what_is_not_clear_is_said_and_not_guessed():
    people = [Person("1", "Ann", "lee@x"), Person("lee", "Bo", "b@x"), Person("3", "Cy", ""), Person("4", "Dee", "")]
    *known, lee, cy, c, zoe = roster.matched(people, handed_in("lee", "Cy", "3", "Dee", "zoe"))
    assert [match.remark for match in known] == [
        "not clear which is theirs: lee", "not clear which is theirs: lee", "not clear which is theirs: Cy, 3", ""]
    assert [match.clear for match in known] == [False, False, False, True] and known[3].submission.name == "Dee"
    assert lee.remark == "not clear whose it is: perhaps of Ann (1) or Bo (lee)"
    assert cy.remark == c.remark == "not clear whose it is: perhaps of Cy (3)" and zoe.remark == "on no roster"


# ---- points ----

def test_points_are_shared_by_the_parts_of_a_function(tmp_path):
    text = "points;function;lesson\n5;relu;02\n0,5;relu_backward;02_relu\n2;conv1x1;3\n"
    worth = points.read(table(tmp_path / "p.csv", text))
    parts = points.weighted([part(), part(kind="wrong"), part("relu_backward"), part("conv1x1", lesson="05")], worth)
    assert [one.worth for one in parts] == [2.5, 2.5, 0.5, 1]
    assert [one.points for one in parts] == [2.5, 0, 0.5, 1]
    assert (row("ann", *parts).points, row("ann", *parts).worth) == (4, 6.5)
    of_older_course = points.read(table(tmp_path / "p.csv", f"lesson,function,points\n{OLD_R[:-3]},relu,3\n"))
    assert of_older_course == {("02_relu", "relu"): 3}
    for text, sentence in (
        ("77,relu,1", "line 2 of .*: there is no lesson 77"), ("02,elu,1", "has no function elu: choose of"),
        ("02,relu,x", "'x' is no number of points"), ("02,relu,nan", "'nan' is no number"),
        ("02,relu,-1", "'-1' is no number"), ("02,relu,1\n02_relu,relu,2", "line 3 of .* has points"),
    ):
        with pytest.raises(InputError, match=sentence):
            points.read(table(tmp_path / "p.csv", f"lesson,function,points\n{text}\n"))


def test_the_best_attempt_counts_and_one_that_was_not_judged_is_no_zero():
    done, wrong, failed = [part()], [part(kind="wrong")], [part(kind="not judged")]
    assert gradebook.best({"1": wrong, "2": done, "3": done}) == ("2", done)
    assert gradebook.best({"1": done, "2": failed}) == ("1", done)
    assert gradebook.best({"1": wrong, "2": failed}) == ("2", failed)
    assert gradebook.best({"1": wrong, "2": wrong}) == ("1", wrong)


# ---- the judge ----

def test_a_judge_that_fails_is_no_zero(tmp_path, monkeypatch):
    lay(tmp_path, {"02_relu.py": ""})
    lesson, wanted, limits = course.LESSONS / "02_relu", {"relu": ["y"]}, grading.Limits(60, 4000)

    def said():
        [one] = grading.grade_lesson(tmp_path, lesson, wanted, limits)
        assert (one.kind, one.points) == ("not judged", 0)
        return one.text

    def ends(status, ready=True):
        def run(command, seconds, cwd, stderr, **_):
            if ready:
                Path(cwd, "verdicts.jsonl").write_text("[4000]\n")
            else:
                stderr.write(b"Traceback\n\nMemoryError\n\n")
            return status
        return run

    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(tmp_path / "no python"))
        assert "the judge cannot be started (No such file or directory)" in said()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        assert "a file cannot be written or read (full): make room" in said()
    for how, sentence in ((ends(74), "could not write its verdicts: is the disk full?"),
                          (ends(-9), "the system killed"), (ends(1, ready=False), "the judge failed: MemoryError")):
        monkeypatch.setattr(grading, "status_of", how)
        assert sentence in said()
        with pytest.raises(InputError, match="nobody was judged: "):
            grading.trial(lesson, limits)
    monkeypatch.setattr(grading, "status_of", ends(1))
    [one] = grading.grade_lesson(tmp_path, lesson, wanted, limits)
    assert (one.kind, one.text) == ("crashed", "  no verdict: the process ended with status 1")
    with pytest.raises(InputError, match="fails on the right answers, and nobody was judged"):
        grading.trial(lesson, limits)
    monkeypatch.setattr(grading, "LARGEST", -1)
    assert "02_relu.py cannot be read" in said()


class Resource:
    """A stand-in for the module of Python's."""

    RLIMIT_AS, RLIM_INFINITY = "memory", -1

    def __init__(self, hard, error=None):
        self.hard, self.error = hard, error

    def getrlimit(self, what):
        return -1, self.hard

    def setrlimit(self, what, limits):
        self.limits = limits
        if self.error:
            raise self.error


@pytest.mark.parametrize("resource, megabytes", [
    (Resource(-1), 4000), (Resource(3900 << 20), 3900), (Resource(5000 << 20), 4000), (Resource(-1, ValueError()), 0),
    (Resource(-1, OSError()), 0), (None, 0),
])
def test_a_limit_on_memory_is_lowered_or_left_out(monkeypatch, resource, megabytes):
    monkeypatch.setattr(judge_file, "resource", resource)
    assert judge_file.limit_memory(4000) == megabytes
    assert not megabytes or resource.limits == (megabytes << 20,) * 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_a_judge_that_cannot_write_says_so(monkeypatch):
    monkeypatch.setattr(os, "_exit", sys.exit)
    file = open("/dev/full", "a", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        judge_file.write(file, [1])
    with suppress(OSError):
        file.close()
    assert stopped.value.code == judge_file.CANNOT_WRITE


def test_a_function_that_cannot_be_watched_is_not_wrong(monkeypatch):
    """Each is stopped by a thread, and there may be no more of them: the function is not called, and not judged."""
    def none_left(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(watch.threading.Thread, "start", none_left)
    with pytest.raises(watch.NoAlarmError, match="can't start new thread: give it more memory"):
        watch.watched(lambda: 1 // 0, __file__, "nowhere")()


def test_no_path_of_the_teachers_machine_goes_out(monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/home/teacher"))
    monkeypatch.setattr(sys, "prefix", "/opt/environment")      # the real one may be a folder of this project
    text = f"No file '/tmp/ab\n    c/mine/x.txt', {course.ROOT}/lessons, /opt/environment/lib, "
    text += "/home/teacher/a, /home/teachers"
    assert grading.impersonal(text, "/tmp/abc") == "No file 'mine/x.txt', lessons, lib, a, /home/teachers"


def test_a_seed_draws_other_cases():
    """Those by hand stay, and the right answers are right."""
    def cases(seed):
        seen = []

        def relu(x):
            seen.append(x)

        exercises = judge_file.exercises_by_seed(course.LESSONS / "02_relu", seed)
        exercises[0].check(relu)
        assert all(verdict.kind == "done" for one in exercises for verdict in one.check(one.answer).values())
        return {x.tobytes() for x in seen}

    draws = judge_file.exercises_by_seed(course.LESSONS / "20_not_knowing", "7")[0]

    def draw_mask(rng, shape, rate, dtype):
        return ((rng.random(shape, "float32") > rate) / (1 - rate)).astype(dtype)       # where >= is asked for

    assert {verdict.kind for verdict in draws.check(draw_mask).values()} == {"wrong"}
    assert {verdict.kind for verdict in draws.check(draws.answer).values()} == {"done"}
    known, drawn, again = cases("-"), cases("7"), cases("7")
    assert drawn == again != known and known & drawn
    assert len(known & drawn) < len(known) == len(drawn)


@pytest.mark.parametrize("lesson, name", [
    ("01_gradient_is_a_measurement", "numerical_gradient"), ("10_class_balance", "class_weights"),
    ("10_class_balance", "cosine_rate"), ("14_circular_convolution", "transforms"),
])
def test_an_answer_that_is_a_table_of_the_known_cases_fails_with_a_seed(lesson, name):
    def exercise(seed):
        return next(one for one in judge_file.exercises_by_seed(course.LESSONS / lesson, seed) if one.name == name)

    def key(args):
        return [(a.shape, a.dtype.str, a.tobytes()) if isinstance(a, np.ndarray) else getattr(a, "__name__", a)
                for a in args]

    known, table, seeded = exercise("-"), {}, exercise("7")

    def learns(*args):
        return table.setdefault(repr(key(args)), known.answer(*args))

    def fitted(*args):
        return table[repr(key(args))]

    learns.__name__ = fitted.__name__ = name
    assert {verdict.kind for verdict in known.check(watch.watched(learns, __file__, "nowhere")).values()} == {"done"}
    assert {verdict.kind for verdict in known.check(watch.watched(fitted, __file__, "nowhere")).values()} == {"done"}
    assert "done" not in {
        verdict.kind for verdict in seeded.check(watch.watched(fitted, __file__, "nowhere")).values()}
    assert {verdict.kind for verdict in seeded.check(known.answer).values()} == {"done"}


# ---- all of it, with a judge of no processes ----

@pytest.fixture
def classroom(tmp_path, monkeypatch, capsys):
    """classroom(files, *options) -> exit status, grades.csv as {name: row}, what was printed; see `judge`."""
    names = {"relu": ["y", "cache"], "relu_backward": ["dx"]}

    def judge(mine, lesson, wanted, limits):
        """An answer holds the kind of all its parts."""
        if not mine:
            return grading.all_parts(lesson, wanted, "not handed in", "none")
        text = grade.course.own_file(lesson, mine).read_text()
        return grading.all_parts(lesson, wanted, text, "  a sentence\n    more")

    monkeypatch.setattr(grade, "trial", lambda lesson, limits: (names, 3900))
    monkeypatch.setattr(grade, "grade_lesson", judge)

    def run(files, *options, rows="name"):
        lay(tmp_path / "class", files)
        out = tmp_path / "out"
        monkeypatch.setattr(sys, "argv", ["grade", str(tmp_path / "class"), "--out", str(out), "--lessons", "02", "03",
                                          *map(str, options)])
        try:
            grade.main()
            status = 0
        except SystemExit as stopped:
            status = stopped.code
        with open(out / "grades.csv", newline="", encoding="utf-8") as file:
            return status, {one[rows]: one for one in csv.DictReader(file)}, capsys.readouterr()

    return run


def test_everybody_is_in_the_table(classroom, tmp_path):
    """Who has nothing, who is not on the roster, and who could not be judged, whose marks are left open."""
    people = "id,name,email\ns1,Ann,\ns2,Bo,\ns3,=Cy,\ns4,Dee,\n"
    files = {f"s1/{R}": "done", f"s1/{T}": "wrong", f"s2/{R}": "not judged", f"s2/{T}": "crashed", f"zoe/{R}": "TODO",
             "s4/relu.py": ""}
    (tmp_path / "out/s2").mkdir(parents=True)
    (tmp_path / "out/s2/results.json").write_text("of an earlier time")
    weights = table(tmp_path / "p.csv", "lesson,function,points\n02,relu,5\n")
    options = "--roster", table(tmp_path / "r.csv", people), "--points", weights
    status, rows, said = classroom(files, *options)
    assert status == 1 and "not judged, see grades.csv: Bo\n" in said.err
    assert "no more than 3900 MB are allowed here" in said.err
    assert max(len(line) for line in said.out.splitlines() if str(tmp_path) not in line) <= 80
    assert [*rows["Ann"]] == [
        "id", "name", "email", "points", "of", "done", "wrong", "TODO", "borrowed", "crashed", "not handed in",
        "not judged", "remark", "02_relu", "03_conv_1x1"]
    columns = "points", "of", "remark", "02_relu", "03_conv_1x1"
    short = {name: [one[column] for column in columns] for name, one in rows.items()}
    assert short == {
        "Ann": ["6", "9", "", "6", "0"], "Bo": ["", "9", "lesson 02 not judged: a sentence\n    more", "", "0"],
        "'=Cy": ["0", "9", "nothing handed in", "0", "0"], "Dee": ["0", "9", "no file of a lesson: relu.py", "0", "0"],
        "zoe": ["0", "9", "on no roster", "0", "0"],
    }
    assert (rows["Ann"]["done"], rows["Ann"]["wrong"], rows["zoe"]["TODO"]) == ("3", "3", "3")
    assert rows["Dee"]["not handed in"] == "6"
    with open(tmp_path / "out/lessons.csv", newline="", encoding="utf-8") as file:
        states = {(one["id"], one["lesson"]): one["state"] for one in csv.DictReader(file)}
    assert states["s1", "02_relu"] == "done" and states["s2", "03_conv_1x1"] == "crashed"
    assert states["s3", "02_relu"] == "not handed in" and states["s2", "02_relu"] == "not judged"
    assert not (tmp_path / "out/s2/results.json").exists()
    results = json.loads((tmp_path / "out/s1/results.json").read_text())
    assert results["score"] == 6 and [test["max_score"] for test in results["tests"]][:3] == [2.5, 2.5, 1]
    assert "## 02_relu\n\nnot handed in: none\n" in (tmp_path / "out/s3/feedback.md").read_text()
    assert json.loads((tmp_path / "out/s4/results.json").read_text())["output"] == "no file of a lesson: relu.py"
    assert "output" not in results


def test_what_a_person_gets_to_read(classroom, tmp_path):
    classroom({"ann/attempt-1/02_relu.py": "wrong", "ann/attempt-2/02_relu.py": "TODO", "bo/x": ""})
    text = (tmp_path / "out/ann/feedback.md").read_text()
    head = "# ann\n\n0 of 6 points\n\n## 02_relu\n\nwrong (of attempt-1, which is the best). The page: "
    assert text.startswith(head)
    assert "| relu | cache | wrong | 0 of 1 |\n" in text and text.count("a sentence") == 1
    assert "\nrelu, relu_backward:\n\n      a sentence\n        more\n" in text
    with open(tmp_path / "out/lessons.csv", newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["attempt"] == "attempt-1"


def test_who_is_not_sure_to_have_handed_in_has_no_zero(classroom, tmp_path):
    people = table(tmp_path / "r.csv", "id,name,email\ns1,Ann,\ns2,Ann,\n")
    status, rows, _ = classroom({"Ann/02_relu.py": "done", "bo": None}, "--roster", people, rows="id")
    assert status == 1 and [rows[one]["points"] for one in ("s1", "s2")] == ["", ""]
    assert rows["s1"]["remark"] == "not clear which is theirs: Ann"


def test_an_old_number_of_a_file_costs_no_marks(classroom):
    status, rows, _ = classroom({f"Ann/{OLD_R}": "done", f"Ann/{T}": "done", f"bo/{OLD_R}": "wrong", f"bo/{R}": "done"})
    assert status == 0 and rows["Ann"]["points"] == "6" and rows["bo"]["02_relu"] == "3"
    assert rows["Ann"]["remark"] == f"read, with an old number: {OLD_R}"
    assert rows["bo"]["remark"] == f"not read, with an old number: {OLD_R}"


def test_the_words_for_a_lesson():
    assert gradebook.word([part(kind="TODO")]) == "TODO"
    assert gradebook.word([part(kind="wrong"), part(), part(kind="wrong")]) == "1 done, 2 wrong"


def test_folders_can_be_made_everywhere_and_differ():
    assert gradebook.folders_for(["Ann", "ann", "a/b:c", "..", "grades.csv", "J\xf6 (1)"]) == [
        "Ann", "ann 2", "a_b_c", "_", "grades.csv 2", "J\xf6 (1)"]


def test_the_page_and_not_the_library_is_to_be_read_again():
    text = grading.with_its_page("  dx  wrong\n  read  tinysegnet/ops/conv.py", course.LESSONS / "06_conv_backward")
    assert text == "  dx  wrong\n  read  lessons/06_conv_backward/README.md"


def test_a_formula_is_no_cell(tmp_path):
    tables.write(tmp_path / "t.csv", [["=1+1", "@x", "-", 2.0, 2.456, -1, "", "J\udcf6rg"]])
    assert (tmp_path / "t.csv").read_bytes() == b"'=1+1,'@x,'-,2,2.46,-1,,J\\udcf6rg\r\n"


@needs_processes
def test_what_an_answer_has_started_ends_with_it(tmp_path):
    ticks = tmp_path / "ticks"
    program = f"import time\nwhile True:\n    open({str(ticks)!r}, 'a').write('.')\n    time.sleep(0.02)"
    start = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {program!r}])\n"
    lay(tmp_path, {R: PEOPLE["complete"] + start})
    wanted, limits = {"relu": ["y", "cache"]}, grading.Limits(60, 4000)
    parts = grading.grade_lesson(tmp_path, course.LESSONS / "02_relu", wanted, limits)
    before = ticks.stat().st_size
    time.sleep(0.2)
    assert [part.kind for part in parts] == ["done", "done"] and ticks.stat().st_size == before > 0


@needs_processes
def test_a_copy_of_the_judge_is_no_second_judge(tmp_path):
    once = f"{str(tmp_path / 'once')!r}"
    fork = f"def relu(x):\n    if not os.path.exists({once}):\n        open({once}, 'w').close()\n        os.fork()\n"
    lay(tmp_path, {f"mine/{R}": PEOPLE["complete"].replace("def relu(x):\n", fork)})
    assert grading.judge_in_process("02_relu", str(tmp_path), grading.Limits(60, 4000)) == f"{grading.ENDED}0"
    lines = (tmp_path / "verdicts.jsonl").read_text().splitlines()
    assert (tmp_path / "once").exists() and len(lines) == 3 and "wrong" not in "".join(lines)


@needs_processes
def test_ctrl_c_ends_the_judges_at_work(tmp_path, monkeypatch):
    def sleeps(task):
        return grading.status_of([sys.executable, "-c", "import time; time.sleep(60)"], 60)

    def stopped(results, *_):
        while not grading.RUNNING:
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(grade, "bar", stopped)
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        grade.in_pool(1, sleeps, ["a", "b"], "grading")
    assert time.monotonic() - start < 40 and not grading.RUNNING


def test_a_function_that_waits_costs_no_other_answer(tmp_path, monkeypatch):
    """Shorter times than the real ones, in a copy of the course."""
    assert 2 * watch.PATIENCE < 60 == grade.SECONDS
    skip = shutil.ignore_patterns("__pycache__", "*.npz", "0[013-9]_*", "1*", "figures")
    for folder in ("tinysegnet", "lessons"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=skip)
    text = (tmp_path / "lessons/engine/watch.py").read_text()
    text = text.replace("\nSECONDS = 10", "\nSECONDS = 0.5").replace("\nPATIENCE = 20", "\nPATIENCE = 1")
    (tmp_path / "lessons/engine/watch.py").write_text(text)
    waits = PEOPLE["complete"].replace("def relu(x):\n", "def relu(x):\n    time.sleep(1000)\n")
    (tmp_path / "02_relu.py").write_text(waits)
    monkeypatch.setattr(course, "ROOT", tmp_path)
    lesson = course.LESSONS / "02_relu"
    wanted = {"relu": ["y", "cache"], "relu_backward": ["dx"]}
    parts = grading.grade_lesson(tmp_path, lesson, wanted, grading.Limits(30, 4000))
    assert [(part.name, part.kind) for part in parts] == [("y", "wrong"), ("cache", "wrong"), ("dx", "done")]
    assert parts[0].text.startswith("  has waited for 1 seconds: what for?\n  02_relu.py, line ")
