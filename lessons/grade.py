"""python -m lessons.grade"""

import argparse
import json
import os
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lessons.engine import course, gradebook, points, roster, tables
from lessons.engine.feedback import feedback
from lessons.engine.gradebook import Row
from lessons.engine.grading import BORROWED, NOT_JUDGED, Limits, all_parts, end_all, grade_lesson, trial
from lessons.engine.roster import Match, Person
from lessons.engine.submissions import submissions
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError, exit_in_words, say, writing
from tinysegnet.support.options import at_least_0, at_least_1
from tinysegnet.support.progress import bar

DESCRIPTION = """Grade what a class handed in:  python -m lessons.grade handed-in --out grades

Name a folder or zip of each person, mine/ or what holds it, or one that holds
all of them, as Moodle and Canvas export it. Of attempt-1/, attempt-2/, or
several zips of a person, each lesson counts at its best. All is judged by the
lessons and the library that are here, each lesson in a process of its own with
limits on time and memory; what it imports of the folder is taken along. A point
for each part that is done, a gradient, say; none for what is borrowed.

THIS RUNS THE CODE OF STRANGERS, which may do whatever you may do on this
machine: use a container, or an account that has nothing to lose.

In the folder --out:

    grades.csv          a line for each person, a column for each lesson
    lessons.csv         a line for each lesson of each person: done, wrong,
                        TODO, borrowed, crashed, not handed in, not judged
    mistakes.csv        what to explain again, the commonest first
    NAME/feedback.md    for the person
    NAME/results.json   for Gradescope
    junit.xml           for a continuous-integration server

Exit status: 0; 1 if somebody could not be judged; 2 if nobody was.
"""

SECONDS = 60            # watch.PATIENCE is a third of it: two functions that wait leave time for the others


def chosen_lessons(numbers):
    lessons = [lesson for lesson in course.lessons() if not numbers or lesson.name[:2] in numbers]
    if unknown := set(numbers or ()) - {lesson.name[:2] for lesson in lessons}:
        raise InputError(f"there is no lesson {min(unknown)} to judge: give two digits, --lessons 02 06")
    return lessons


def in_pool(jobs, function, tasks, title):
    with ThreadPoolExecutor(jobs) as pool:
        found = [pool.submit(function, task) for task in tasks]
        try:
            return {task: one.result() for task, one in zip(tasks, bar(found, title, len(tasks)))}
        except BaseException:           # Ctrl-C, which judges do not see: they are groups of their own
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(one.done() for one in found):         # one may just be starting
                end_all()
                time.sleep(0.05)
            raise


def trials(lessons, limits, jobs):
    """{lesson: {exercise: names of its parts}}, after a trial of the judge."""
    patient = limits._replace(seconds=max(limits.seconds, SECONDS))
    found = in_pool(jobs, lambda lesson: trial(lesson, patient), lessons, "trying the judge")
    memory = min(memory for _, memory in found.values())
    if memory < limits.megabytes and sys.platform != "win32":
        say(f"no more than {memory} MB are allowed here" if memory else "there is no limit on memory on this machine")
    return {lesson: wanted for lesson, (wanted, _) in found.items()}


def judged(matches, wanted, limits, jobs, worth):
    """A Row for each Match."""
    people = [match.person or Person("", match.submission.name, "") for match in matches]
    folders = gradebook.folders_for([person.id or person.name for person in people])
    tasks = [
        (mine, lesson) for match in matches if match.submission for mine in match.submission.attempts.values()
        for lesson in wanted if course.own_file(lesson, mine).is_file()
    ]
    found = in_pool(jobs, lambda task: grade_lesson(*task, wanted[task[1]], limits), tasks, "grading")
    for match, person, folder in zip(matches, people, folders):
        parts, attempts = [], {}
        for lesson, exercises in wanted.items():
            tried = match.submission.attempts if match.submission else {}
            tried = {name: points.weighted(found[mine, lesson], worth) for name, mine in tried.items()
                     if (mine, lesson) in found}
            nothing = all_parts(lesson, exercises, NOT_JUDGED, f"  {match.remark}") if not match.clear else (
                grade_lesson(None, lesson, exercises, limits))
            name, best = gradebook.best(tried) if tried else ("", points.weighted(nothing, worth))
            parts, attempts = parts + best, attempts | {lesson.name: name}
        yield Row(person, folder, parts, attempts, remark(match, parts))


def remark(match, parts):
    failed = {part.lesson[:2]: part.text.strip() for part in parts if part.kind == NOT_JUDGED} if match.clear else {}
    why = [f"lesson {', '.join(failed)} not judged: {next(iter(failed.values()))}"] if failed else []
    return "; ".join(filter(None, [match.remark, *why]))


def write(out, rows, lessons, with_roster):
    """All files. Returns the class's mistakes."""
    made = gradebook.mistakes(rows)
    with writing(out):
        tables.write(out / "grades.csv", gradebook.grades(rows, lessons, with_roster))
        tables.write(out / "lessons.csv", gradebook.by_lesson(rows, lessons, with_roster))
        tables.write(out / "mistakes.csv", gradebook.mistakes_table(made))
        gradebook.junit(rows, out / "junit.xml")
        for row in rows:
            folder = out / row.folder
            folder.mkdir(exist_ok=True)
            atomic.write(folder / "feedback.md", feedback(row).encode(errors="backslashreplace"))
            (folder / "results.json").unlink(missing_ok=True)
            if row.judged:              # no mark is better than a wrong one
                results = json.dumps(gradebook.gradescope(row), indent=1)
                atomic.write(folder / "results.json", results.encode())
    return made


def report(rows, made, out):
    for row in rows:
        borrowed = sum(part.kind == BORROWED for part in row.parts)
        note = f", {borrowed} borrowed" if borrowed else ""
        score = f"{tables.number(row.points) if row.judged else '-':>4} of {tables.number(row.worth)}{note}"
        line = f"{row.person.name:<24}{score}{f', {row.remark}' if row.remark else ''}"
        print(textwrap.fill(line, 79, subsequent_indent="    "))
    for (_, lesson, function, sentence), who in made[:5]:
        print(textwrap.fill(f"{len(who)} x {lesson} {function}: {sentence}", 79, subsequent_indent="    "))
    print(f"more in {out}")


def main():
    parser = argparse.ArgumentParser(
        "python -m lessons.grade", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    option = parser.add_argument
    option("folders", nargs="+", metavar="FOLDER", help="of one person each, or of all; or zips of these")
    option("--out", type=Path, required=True, metavar="DIR", help="where the grades go")
    option("--lessons", nargs="+", metavar="NN", help="only these, 02 06 for instance (default: all)")
    option("--roster", type=Path, metavar="CSV", help="the class, with columns id, name, email: a line for each")
    option("--points", type=Path, metavar="CSV", help="columns lesson, function, points; its parts share them")
    option("--seed", type=at_least_0, metavar="N", help="draw the cases anew (default: as known to all)")
    option("--seconds", type=at_least_1, default=SECONDS, help="for a lesson of one person (default: %(default)s)")
    option("--megabytes", type=at_least_1, default=4000, help="of memory, not on Windows (default: %(default)s)")
    option("--jobs", type=at_least_1, default=os.cpu_count(), help="so many at once (default: one a processor)")
    args = parser.parse_args()
    lessons = chosen_lessons(args.lessons)
    people = roster.read(args.roster) if args.roster else None
    worth = points.read(args.points) if args.points else {}
    limits = Limits(args.seconds, args.megabytes, "-" if args.seed is None else str(args.seed))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
        with writing(work):
            found = submissions(args.folders, Path(work).resolve(), args.out.resolve())
        matches = roster.matched(people, found) if people else [Match(None, one, one.remark) for one in found]
        with writing(args.out):
            args.out.mkdir(parents=True, exist_ok=True)
        rows = list(judged(matches, trials(lessons, limits, args.jobs), limits, args.jobs, worth))
    made = write(args.out, rows, [lesson.name for lesson in lessons], bool(people))
    report(rows, made, args.out)
    if failed := [row.person.name for row in rows if not row.judged]:
        say(f"not judged, see grades.csv: {', '.join(failed)}")
        sys.exit(1)


if __name__ == "__main__":
    exit_in_words(main)
