"""python -m lessons.grade"""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from lessons.engine import course
from lessons.engine.exercises import DONE, TODO, WRONG
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError, exit_in_words, writing
from tinysegnet.support.options import at_least_1
from tinysegnet.support.progress import bar

DESCRIPTION = """Grade what a class has handed in:  python -m lessons.grade alice bob --out grades

Each folder is the mine/ of one person, or holds it. Its files are judged by the lessons and the library that are here,
each lesson in a process of its own with limits on time and memory; what they import of the folder is taken along. A
point for each part that is done, a gradient, say; none for what is borrowed. THIS RUNS THE CODE OF STRANGERS, which may
do whatever you may do on this machine: use a container, or an account that has nothing to lose. In the folder --out:

    grades.csv                  a line for each person, a column for each lesson
    junit.xml                   for a continuous-integration server
    NAME/results.json           for Gradescope
    mistakes.csv                how often each known mistake was made, and by whom
"""

SECONDS = 60            # watch.PATIENCE is a third of it: two functions that wait leave time for the others


class Part(NamedTuple):
    """What one point is given for."""

    lesson: str
    exercise: str
    name: str           # of the gradient or result
    kind: str           # done, wrong, TODO or borrowed
    text: str           # why

    @property
    def points(self):
        return int(self.kind == DONE)


def folder_of(path):
    """The folder with the answers, and whose they are. Raises InputError if there are none."""
    path = Path(path).resolve()
    mine = path / "mine" if (path / "mine").is_dir() else path
    if not any(mine.glob("[0-9][0-9]_*.py")):
        raise InputError(f"there is no answer to any lesson in {path}: name a folder mine/, or one that holds it")
    return mine, path.parent.name if path.name == "mine" else path.name


def parts_of(lesson):
    """{exercise: names of its parts} of a lesson, as the library's own answers have them."""
    return {exercise.name: list(exercise.check(exercise.answer)) for exercise in course.exercises(lesson)}


def grade_lesson(mine, lesson, wanted, seconds, megabytes):
    """The Parts of one lesson of one person."""
    verdicts, end = {}, "not handed in"
    if (mine / f"{lesson.name}.py").is_file():
        with tempfile.TemporaryDirectory() as folder:
            with suppress(shutil.Error):        # of those that cannot be read the lesson's matters, as far as is known
                shutil.copytree(mine, Path(folder) / "mine", ignore=all_but_python)
            shutil.copyfile(mine / f"{lesson.name}.py", Path(folder) / "mine" / f"{lesson.name}.py")
            end = judge_in_process(lesson.name, folder, seconds, megabytes)
            verdicts = verdicts_in(Path(folder) / "verdicts.jsonl")
    for exercise, names in wanted.items():
        not_judged = (TODO if end == "not handed in" else WRONG), f"  {end}"
        known = verdicts.get(exercise, {})
        for name in names:
            kind, text = known.get(name) or known.get("") or not_judged
            yield Part(lesson.name, exercise, name, kind, text.strip("\n"))


def all_but_python(folder, names):
    """What an answer cannot import of a folder that was handed in."""
    paths = {name: Path(folder) / name for name in names}
    folders = {name for name, path in paths.items() if path.is_dir() and not path.is_symlink() and name[0] not in "._"}
    return {name for name, path in paths.items() if not (path.is_file() and path.suffix == ".py")} - folders


def verdicts_in(path):
    """{exercise: {part: (kind, text)}} of what a judge has written, up to what nobody can read: strangers' code ran
    beside it."""
    judged = {}
    with suppress(OSError, ValueError, TypeError, AttributeError):
        for line in path.read_text(encoding="utf-8").splitlines():
            exercise, verdicts = json.loads(line)
            judged[exercise] = {part: (str(kind), str(text)) for part, (kind, text) in verdicts.items()}
    return judged


def judge_in_process(name, folder, seconds, megabytes):
    """Judge the file of a lesson in a process of its own. Returns in words how that ended."""
    environment = os.environ | {"PYTHONPATH": str(course.ROOT), "TINYSEGNET_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "lessons.engine.judge_file", name, folder, str(megabytes)]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        status = subprocess.run(command, cwd=folder, env=environment, timeout=seconds, check=False, **quiet).returncode
    except subprocess.TimeoutExpired:
        return f"stopped after {seconds} seconds"
    return f"no verdict: the process ended with status {status}"


def mistakes_in(report):
    """The sentences after "mistake" in a report, put together again; each once, where others are "as for" one."""
    lines = report.splitlines()
    for i, line in enumerate(lines):
        if match := re.match(r"\s+mistake {4}", line):
            sentence = [line[match.end() :]]
            for more in lines[i + 1 :]:
                if more[: match.end()].strip():
                    break
                sentence.append(more.strip())
            if sentence[0].partition(" for ")[0] != "as":
                yield " ".join(sentence)


def write_grades(parts, lessons, path):
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["name", "points", "of", *(lesson.name for lesson in lessons)])
        for name, those in parts.items():
            of_each = [sum(part.points for part in those if part.lesson == lesson.name) for lesson in lessons]
            table.writerow([name, sum(of_each), len(those), *of_each])


def write_mistakes(parts, path):
    """Each mistake once for each person and exercise, the commonest first."""
    made = defaultdict(set)
    for name, those in parts.items():
        for part in those:
            for sentence in mistakes_in(part.text):
                made[part.lesson, part.exercise, sentence].add(name)
    rows = sorted(made.items(), key=lambda row: (-len(row[1]), row[0]))
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["times", "lesson", "exercise", "mistake", "who"])
        table.writerows([len(who), *what, ", ".join(sorted(who))] for what, who in rows)
    return rows


def write_junit(parts, path):
    suites = ElementTree.Element("testsuites")
    for name, those in parts.items():
        failures = sum(part.kind != DONE for part in those)
        suite = ElementTree.SubElement(suites, "testsuite", name=name, tests=str(len(those)), failures=str(failures))
        for part in those:
            classname = f"{part.lesson}.{part.exercise}"
            case = ElementTree.SubElement(suite, "testcase", classname=classname, name=part.name)
            if part.kind != DONE:
                ElementTree.SubElement(case, "failure", message=part.kind).text = printable(part.text)
    ElementTree.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def printable(text):
    """Without the control characters that XML cannot hold; a learner's exception may have any."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def gradescope(those):
    """What Gradescope's results.json holds."""
    tests = [
        {
            "name": f"{part.lesson} {part.exercise} {part.name}", "score": part.points, "max_score": 1,
            "status": "passed" if part.points else "failed", "output": f"{part.kind}\n{part.text}".strip(),
        }
        for part in those
    ]
    return {"score": sum(part.points for part in those), "tests": tests}


def main():
    parser = argparse.ArgumentParser(
        "python -m lessons.grade", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    option = parser.add_argument
    option("folders", nargs="+", metavar="FOLDER", help="the mine/ of one person each, or a folder that holds it")
    option("--out", type=Path, required=True, metavar="DIR", help="where the grades go")
    option("--lessons", nargs="+", metavar="NN", help="only these, 02 06 for instance (default: all)")
    option("--seconds", type=at_least_1, default=SECONDS, help="for a lesson of one person (default: %(default)s)")
    option("--megabytes", type=at_least_1, default=4000, help="of memory, not on Windows (default: %(default)s)")
    option("--jobs", type=at_least_1, default=os.cpu_count(), help="so many at once (default: one a processor)")
    args = parser.parse_args()
    lessons = [lesson for lesson in course.lessons() if not args.lessons or lesson.name[:2] in args.lessons]
    if unknown := set(args.lessons or ()) - {lesson.name[:2] for lesson in lessons}:
        raise InputError(f"there is no lesson {min(unknown)}: give two digits, as in --lessons 02 06")
    people = {}
    for folder in args.folders:
        mine, name = folder_of(folder)
        if name in people:
            raise InputError(f"two folders are called {name}: rename one, so that the grades can be told apart")
        people[name] = mine
    with writing(args.out):
        args.out.mkdir(parents=True, exist_ok=True)

    wanted = {lesson: parts_of(lesson) for lesson in lessons}
    tasks = [(name, lesson) for name in people for lesson in lessons]

    def grade(task):
        name, lesson = task
        return name, list(grade_lesson(people[name], lesson, wanted[lesson], args.seconds, args.megabytes))

    parts = {name: [] for name in people}
    with ThreadPoolExecutor(args.jobs) as pool:
        for name, those in bar(pool.map(grade, tasks), "grading", len(tasks)):
            parts[name] += those
    with writing(args.out):
        write_grades(parts, lessons, args.out / "grades.csv")
        write_junit(parts, args.out / "junit.xml")
        for name, those in parts.items():
            (args.out / name).mkdir(exist_ok=True)
            atomic.write(args.out / name / "results.json", json.dumps(gradescope(those), indent=1).encode())
        commonest = write_mistakes(parts, args.out / "mistakes.csv")
    for name, those in parts.items():
        borrowed = sum(part.kind == "borrowed" for part in those)
        note = f", {borrowed} borrowed" if borrowed else ""
        print(f"{name:<24}{sum(part.points for part in those):>4} of {len(those)}{note}")
    for (lesson, exercise, sentence), who in commonest[:5]:
        print(f"{len(who)} x {lesson} {exercise}: {sentence}")
    print(f"more in {args.out}")


if __name__ == "__main__":
    exit_in_words(main)
