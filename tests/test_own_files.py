"""A learner's own helpers: how they are found while an answer is judged, and which verdicts depend on them."""

import os
import py_compile
import shutil
import sys
from pathlib import Path

import pytest

from lessons.engine import course, grading, judging, my_segnet, own_files
from lessons.engine.exercises import DONE, WRONG, Verdict

ROOT = Path(__file__).parents[1]
RELU = course.LESSONS / "02_relu"
RELU_BACKWARD = course.exercises(RELU)[1]
HELPERS = "def times(a, b):\n    return a * b\n"
ANSWER = "\n\ndef relu_backward(dy, cache):\n    return times(dy, cache)\n"
BY_PATH = "from importlib import util\nfrom pathlib import Path\n" \
          "spec = util.spec_from_file_location('other', Path(__file__).with_name('03_conv_1x1.py'))\n" \
          "other = util.module_from_spec(spec)\nspec.loader.exec_module(other)\ntimes = other.times"
WAYS = {        # how an answer has `times` of which file
    "from mine.helpers import times": "helpers.py",
    "from mine import helpers\ntimes = helpers.times": "helpers.py",
    "from helpers import times": "helpers.py",
    "import tools.small\ntimes = tools.small.times": "tools/small.py",
    "from mine.tools.small import times": "tools/small.py",
    "from package import times": "package/__init__.py",
    "import importlib\ntimes = importlib.import_module('mine.03_conv_1x1').times": "03_conv_1x1.py",
    BY_PATH: "03_conv_1x1.py",
    "from pathlib import Path\nexec(Path(__file__).with_name('helpers.txt').read_text())": "helpers.txt",
    "import runpy\nfrom pathlib import Path\ntimes = runpy.run_path(Path(__file__).with_name('a.py'))['times']": "a.py",
}

CONV = "03_conv_1x1.py"


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.setattr(course, "MINE", tmp_path / "mine")
    course.MINE.mkdir()
    monkeypatch.setattr(judging, "praise", lambda *_: [])       # it takes long
    modules = dict(sys.modules)
    yield course.MINE
    own_files.FINDER.forget()           # a training goes on to find modules there
    for name in sys.modules.keys() - modules.keys():
        del sys.modules[name]
    sys.modules.update(modules)


def write(path, text):
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)


def judged():
    """The kind of verdict on relu_backward, which is remembered."""
    judgement = judging.judge(RELU, RELU_BACKWARD)
    judging.remember({RELU: {"relu_backward": judgement}})
    return judgement.verdicts.popitem()[1].kind


def known():
    return judging.done_before(RELU, "relu_backward") is not None


@pytest.mark.parametrize("way", WAYS, ids=range(len(WAYS)))
def test_a_verdict_depends_on_what_was_read_and_on_no_other_file(mine, way):
    write(mine / "02_relu.py", way + ANSWER)
    write(mine / WAYS[way], HELPERS)
    write(mine / "08_batch_norm.py", "other = 1\n")
    assert judged() == DONE and known()
    assert not [*mine.rglob("*.pyc")]
    write(mine / "08_batch_norm.py", "other = 2\n")
    write(mine / "new.py", "other = 1\n")
    assert known()
    write(mine / WAYS[way], HELPERS.replace("*", "+"))
    assert not known() and judged() == WRONG
    write(mine / WAYS[way], HELPERS)
    assert judged() == DONE
    (mine / WAYS[way]).unlink()
    assert not known() and judged() == WRONG


@pytest.mark.parametrize("asked", ["03", "77"])
@pytest.mark.parametrize("there", ["03", "77"])
def test_a_lessons_file_is_imported_by_its_slug(mine, asked, there):
    """Of whatever number it is, and whichever the import names."""
    way = f"import importlib\ntimes = importlib.import_module('mine.{asked}_conv' '_1x1').times"
    write(mine / f"77{RELU.name[2:]}.py", way + ANSWER)
    write(mine / f"{there}{CONV[2:]}", HELPERS)
    assert judged() == DONE and known()
    write(mine / f"{there}{CONV[2:]}", HELPERS.replace("*", "+"))
    assert not known() and judged() == WRONG


def test_the_file_of_the_lessons_number_counts_in_an_import(mine):
    old = f"77{CONV[2:]}"
    write(mine / "02_relu.py", f"import importlib\ntimes = importlib.import_module('mine.{old[:-3]}').times" + ANSWER)
    write(mine / old, HELPERS)
    assert judged() == DONE and known()
    write(mine / CONV, HELPERS.replace("*", "+"))
    assert not known() and judged() == WRONG


def test_bytecode_that_is_there_hides_no_file(mine):
    """What Python has kept of a file is read in its place."""
    write(mine / "02_relu.py", BY_PATH + ANSWER)
    write(mine / "03_conv_1x1.py", HELPERS)
    py_compile.compile(mine / "03_conv_1x1.py")
    assert [*mine.rglob("*.pyc")] and judged() == DONE and known()
    write(mine / "03_conv_1x1.py", HELPERS.replace("*", "- -"))
    assert not known()


def test_a_verdict_depends_on_what_a_helper_reads_and_on_what_is_not_there(mine):
    write(mine / "02_relu.py", "from mine.helpers import times" + ANSWER)
    times = "try:\n    from others import times\nexcept ImportError:\n    from operator import mul as times\n"
    write(mine / "helpers.py", times)
    assert judged() == DONE and known()
    write(mine / "others.py", HELPERS)
    assert not known() and judged() == DONE and known()
    write(mine / "others.py", HELPERS.replace("*", "+"))
    assert not known() and judged() == WRONG


def test_a_helper_that_is_changed_is_imported_anew_though_no_clock_shows_it(mine):
    write(mine / "02_relu.py", "import helpers\nfrom mine.helpers import times" + ANSWER)
    write(mine / "helpers.py", HELPERS)
    assert judged() == DONE
    before = (mine / "helpers.py").stat()
    write(mine / "helpers.py", HELPERS.replace("*", "+"))
    os.utime(mine / "helpers.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert judged() == WRONG


def test_a_file_counts_as_it_was_when_it_was_read(mine):
    """The helper is changed while it is judged."""
    change = f"import pathlib\npathlib.Path(__file__).write_text({HELPERS!r})\n"
    write(mine / "02_relu.py", "from mine.helpers import times" + ANSWER)
    write(mine / "helpers.py", change + HELPERS)
    assert judged() == DONE and (mine / "helpers.py").read_text() == HELPERS and not known()


def test_a_file_that_is_only_written_is_nothing_to_depend_on(mine):
    note = "from pathlib import Path\nopen(Path(__file__).with_name('notes.txt'), 'a').write('x')"
    write(mine / "02_relu.py", note + "\nfrom operator import mul as times" + ANSWER)
    assert judged() == DONE and (mine / "notes.txt").exists() and known()


def test_what_a_function_imports_when_it_is_called_is_found_in_a_training_too(mine, monkeypatch):
    lazy = ANSWER.replace("    return", "    from helpers_of_mine import times\n    return")
    write(mine / "02_relu.py", lazy)
    write(mine / "helpers_of_mine.py", HELPERS)
    monkeypatch.setattr(course, "lessons", lambda: [RELU])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    function = my_segnet.finished_functions()["relu_backward"]
    sys.modules.pop("helpers_of_mine", None)
    assert function(6, 7) == 42


def test_a_link_to_mine_and_a_link_out_of_it_are_followed(mine, tmp_path):
    mine.rename(tmp_path / "elsewhere")
    mine.symlink_to(tmp_path / "elsewhere")
    write(tmp_path / "library.py", HELPERS)
    (mine / "helpers.py").symlink_to(tmp_path / "library.py")
    real = "from pathlib import Path\nexec(Path(__file__).resolve().with_name('real.txt').read_text())\n"
    write(mine / "02_relu.py", real + "from helpers import times" + ANSWER)
    write(mine / "real.txt", "")
    assert judged() == DONE and known()
    write(tmp_path / "library.py", HELPERS.replace("*", "+"))
    assert not known()
    write(tmp_path / "library.py", HELPERS)
    assert known()
    write(mine / "real.txt", "one = 1")
    assert not known()


def test_no_file_of_a_learner_is_taken_for_one_of_python(mine, monkeypatch):
    """But for one of tests/, where nobody else looks."""
    write(mine / "02_relu.py", "import colorsys, wave, mutation\ntimes = mutation.times" + ANSWER)
    for name in "colorsys", "wave", "mutation":
        monkeypatch.delitem(sys.modules, name, raising=False)
        write(mine / f"{name}.py", HELPERS if name == "mutation" else "1 / 0\n")
    assert judged() == DONE


@pytest.mark.parametrize("lesson, name", [("17_tape", "tape"), ("13_gpu", "pretend_gpu")])
def test_a_file_of_a_learners_comes_before_one_of_the_course_but_where_that_is_needed(mine, monkeypatch, lesson, name):
    """In whatever order lessons are judged."""
    judges = course.exercises(course.LESSONS / lesson) and sys.modules[name]
    write(mine / f"{name}.py", HELPERS)
    for way in f"from {name} import times", f"def times(*both):\n    from {name} import times\n    return times(*both)":
        write(mine / "02_relu.py", way + ANSWER)
        assert judged() == DONE and sys.modules[name] is judges
    with own_files.noted(course.LESSONS / lesson):
        assert __import__(name) is judges
    monkeypatch.setattr(course, "lessons", lambda: [RELU])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    assert my_segnet.finished_functions()["relu_backward"](6, 7) == 42


def test_nothing_is_found_or_noted_when_nothing_is_judged(mine, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write(mine / "02_relu.py", "from helpers_of_mine import times" + ANSWER)
    write(mine / "helpers_of_mine.py", HELPERS)
    finders = [*sys.meta_path]
    assert judged() == DONE
    assert [*sys.meta_path] == finders and not sys.dont_write_bytecode
    sys.modules.pop("helpers_of_mine", None)
    with pytest.raises(ModuleNotFoundError):
        __import__("helpers_of_mine")


def test_what_is_to_be_judged_again_is_not_remembered(mine):
    write(mine / "02_relu.py", "from operator import mul as times" + ANSWER)
    judging.remember({RELU: {"relu_backward": judging.Judgement({"dx": Verdict(DONE)})}})
    assert judging.finished(RELU) == {}


@pytest.mark.parametrize("damage", [
    {"lines": [1]}, {"parts": [["dx"]]}, {"state": [[]]}, {"files": {"a\0": ""}}, {"files": {"\ud800.py": "f"}},
], ids=str)
def test_what_is_remembered_and_damaged_is_no_error(mine, damage):
    write(mine / "02_relu.py", "from operator import mul as times" + ANSWER)
    assert judged() == DONE
    entry = judging.finished(RELU)["relu_backward"]
    course.remember(done={"02_relu": {"relu_backward": entry | damage}})
    said = judging.judge(RELU, RELU_BACKWARD)
    assert {*said.verdicts.values()} == {Verdict(DONE)} and said.lines == []


def test_what_an_older_course_remembers_is_read_and_judged_again(mine):
    write(mine / "02_relu.py", "from mine.helpers import times" + ANSWER)
    write(mine / "helpers.py", HELPERS)
    entry = {"state": course.state(RELU), "parts": ["dx"], "lines": []}
    for files in {}, {"files": None}, {"files": ["helpers.py"]}:
        course.remember(done={"02_relu": {"relu_backward": entry | files}})
        assert "relu_backward" in judging.finished(RELU) and not known()
    assert judged() == DONE and known()


# ---- handed in ----

LIMITS = grading.Limits(60, 4000)
judge = grading.grade_lesson

@pytest.fixture
def class_room(tmp_path, monkeypatch):
    """class_room(files) -> [(part, kind, text)] of lesson 02, of files handed in. The teacher's mine/ is all wrong."""
    course_of_teacher = tmp_path / "course"
    skip = shutil.ignore_patterns("__pycache__", "*.npz", "0[014-9]_*", "1*", "figures")
    for folder in "tinysegnet", "lessons":
        shutil.copytree(ROOT / folder, course_of_teacher / folder, ignore=skip)
    for file in "helpers.py", "03_conv_1x1.py", "tools/small.py", "only_the_teachers.py", "02_relu.py":
        write(course_of_teacher / "mine" / file, HELPERS.replace("*", "+"))
    monkeypatch.setattr(course, "ROOT", course_of_teacher)
    wanted = {"relu_backward": ["dx"]}

    def run(files):
        handed_in = tmp_path / "ann" / "mine"
        shutil.rmtree(handed_in, ignore_errors=True)
        handed_in.mkdir(parents=True)
        for name, text in files.items():
            write(handed_in / name, text)
        return [(part.name, part.kind, part.text) for part in judge(handed_in, RELU, wanted, LIMITS)]

    run.folder = tmp_path / "ann" / "mine"
    return run


def of_all_ways(answer):
    """Files whose relu_backward is right only if all of WAYS by which Python imports lead to the learner's own."""
    imports = [way for way, file in WAYS.items() if file.endswith(".py")]
    lines = "\n".join(f"{way}\nfound.append(times)" for way in imports)
    mean = f"\n\n\ndef times(a, b):\n    return sum(f(a, b) for f in found) / {len(imports)}\n"
    files = dict.fromkeys((WAYS[way] for way in imports), HELPERS)
    return files | {"02_relu.py": f"found = []\n{lines}{mean}{answer}"}


def test_helpers_are_handed_in_with_an_answer_and_are_not_the_teachers(class_room, mine):
    files = of_all_ways(ANSWER)
    for name, text in files.items():
        write(mine / name, text)
    assert judged() == DONE                                     # at home
    assert class_room(files) == [("dx", DONE, "")]              # and elsewhere


def test_what_is_handed_in_with_an_old_number_is_judged(class_room):
    old = f"77{RELU.name[2:]}.py"
    assert class_room({old: "from operator import mul as times" + ANSWER}) == [("dx", DONE, "")]
    assert class_room({old: "from operator import mul as times" + ANSWER, "02_relu.py": "x = 1\n"})[0][1] == WRONG
    [(_, kind, text)] = class_room({old: "x = \n"})
    assert kind == grading.CRASHED and f"mine/{old} cannot be read" in text


def test_a_helper_that_was_not_handed_in_is_named(class_room, mine):
    for way, file in (("from mine.only_the_teachers import times", "only_the_teachers"),
                      ("from mine import only_the_teachers\ntimes = 1", "only_the_teachers"),
                      ("import elsewhere.small\ntimes = 1", "elsewhere")):
        sentence = f"if that is a file of yours, mine/{file}.py must be there, and be handed in too"
        write(mine / "02_relu.py", way + ANSWER)
        [at_home] = judging.judge(RELU, RELU_BACKWARD).verdicts.values()
        [(_, kind, text)] = class_room({"02_relu.py": way + ANSWER})
        assert kind == grading.CRASHED and "cannot be read" in text and at_home.text.strip("\n") == text
        assert sentence in " ".join(text.split()) and text.count("hand") == 1


def test_what_lies_beside_the_answers_is_no_hindrance(class_room):
    """Links that lead nowhere, or in a circle; and a name that the judge itself imports."""
    class_room({"02_relu.py": "1\n"})
    (class_room.folder / "nowhere.py").symlink_to("nothing")
    (class_room.folder / "circle").symlink_to(class_room.folder)
    (class_room.folder / "folder.py").mkdir()
    for name in "json.py", "lessons.py", "tinysegnet.py":
        write(class_room.folder / name, "1 / 0\n")
    write(class_room.folder / "notes.txt", "")
    alone = "from pathlib import Path\nassert len([*Path(__file__).parent.rglob('*.*')]) == 4\n"
    write(class_room.folder / "02_relu.py", alone + "from operator import mul as times" + ANSWER)
    wanted = {"relu_backward": ["dx"]}
    assert [part.kind for part in judge(class_room.folder, RELU, wanted, LIMITS)] == [DONE]


def test_only_python_files_go_along(tmp_path):
    for name in "a.py", "b.txt", ".hidden/c.py", "__pycache__/d.py", "tools/e.py":
        write(tmp_path / "from" / name, "")
    (tmp_path / "from/circle").symlink_to(tmp_path / "from")
    grading.copy_python(tmp_path / "from", tmp_path / "to")
    assert {path.relative_to(tmp_path / "to").as_posix() for path in (tmp_path / "to").rglob("*.*")} == {
        "a.py", "tools/e.py"
    }
