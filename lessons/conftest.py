"""`python -m pytest lessons/NN_slug` judges a learner's file and says so in words; see lessons/README.md."""

import re
import textwrap

import pytest

from lessons.engine import course, hints, judging, showing, watch
from lessons.engine.exercises import BORROWED, DONE, TODO, WRONG, Verdict
from tinysegnet.support.errors import InputError, because

JUDGED, HINTS = pytest.StashKey(), pytest.StashKey()


def pytest_configure(config):
    config.stash[JUDGED], config.stash[HINTS] = {}, []


def pytest_enter_pdb():
    watch.DEBUGGED.set()


def pytest_report_teststatus(report):
    if report.nodeid.startswith("lessons/"):
        return report.outcome, "", ""
    return None


def pytest_collection_modifyitems(config, items):
    name = config.getoption("--hint")
    if name is None:
        return
    known = {item.name: item for item in items if isinstance(item, Judged)}
    if name and name not in known:
        raise pytest.UsageError(f"there is no exercise {name} here: choose {', '.join(known)}")
    config.stash[HINTS] = [known[name]] if name else [*known.values()]
    items.clear()


def pytest_collection_finish(session):
    """What all verdicts need, the learner's files, is looked at before there are any."""
    if session.config.getoption("--answers") == "library":
        return
    try:
        for lesson in {item.lesson: None for item in session.items if isinstance(item, Judged)}:
            course.my_file(lesson)
            course.own_state(lesson)
    except InputError as error:
        raise pytest.UsageError(str(error)) from error
    except OSError as error:
        raise pytest.UsageError(f"{error.filename} cannot be read{because(error)}") from error


def pytest_pycollect_makeitem(collector, name, obj):
    """Each of a lesson's EXERCISES is a test."""
    if name != "EXERCISES":
        return None
    return [Judged.from_parent(collector, name=exercise.name, exercise=exercise) for exercise in obj]


class Judged(pytest.Item):
    """A test that fails unless all of an exercise is done, and keeps the verdicts for the report."""

    def __init__(self, exercise, **node):
        super().__init__(**node)
        self.exercise, self.lesson = exercise, self.path.parent

    def runtest(self):
        library = self.config.getoption("--answers") == "library"
        try:
            if library:
                judgement = judging.Judgement(self.exercise.check(self.exercise.answer))
            else:
                judgement = judging.judge(self.lesson, self.exercise)
        except Exception as error:          # of the checker's own: better said than lost
            whose = "" if library else ", which is not your fault"
            text = f"the check itself failed{whose}: {type(error).__name__}: {error}"
            text = textwrap.fill(text, 79, initial_indent="  ", subsequent_indent="    ")
            judgement = judging.Judgement({"": Verdict(WRONG, text)})
        self.config.stash[JUDGED].setdefault(self.lesson, {})[self.name] = judgement
        if not judging.is_done(judgement.verdicts):
            pytest.fail(f"python -m pytest lessons/{self.lesson.name}  says why", pytrace=False)


def pytest_sessionfinish(session):
    if session.config.stash[HINTS]:
        session.exitstatus = 0
    if session.config.getoption("--answers") == "mine":
        judging.remember(session.config.stash[JUDGED])


def pytest_terminal_summary(terminalreporter, config):
    write = terminalreporter.write_line
    asked = {}
    for item in config.stash[HINTS]:
        asked.setdefault(item.lesson, []).append(item.exercise)
    for lesson, exercises in asked.items():
        named = config.getoption("--hint")
        write("\n\n".join(hints.following(lesson, *exercises)) if named else f"{hints.overview(lesson, exercises)}\n")
    if config.getoption("numprocesses", default=0):
        write("the verdicts on lessons are in several processes: with -n 0 they are said here")
    lessons = config.stash[JUDGED]
    for lesson, exercises in lessons.items():
        if len(lessons) == 1:
            details(write, lesson, exercises, config.getoption("--answers"), config.getoption("--show"))
        else:
            kinds = [verdict.kind for judged in exercises.values() for verdict in judged.verdicts.values()]
            counts = [f"{kinds.count(kind)} {kind}" for kind in (DONE, WRONG, TODO, BORROWED) if kind in kinds]
            write(f"{lesson.name:<30} {', '.join(counts)}")
    if config.getoption("--answers") == "mine":
        for i, line in enumerate(filter(None, map(course.of_another_number, lessons))):
            write(textwrap.fill(line, 79) if i else f"\n{textwrap.fill(line, 79)}")
    if len(lessons) > 1 and config.getoption("--show"):
        write(f"--show is for one lesson: python -m pytest lessons/{next(iter(lessons)).name} --show")


def details(write, lesson, exercises, answers, show):
    """All verdicts on a lesson, with the reasons."""
    said = set()
    page = f"  read  lessons/{lesson.name}/README.md" if (lesson / "README.md").exists() else ""
    write(f"\n{lesson.name}  ({'the library' if answers == 'library' else f'mine/{course.own_file(lesson).name}'})\n")
    for name, (verdicts, lines, *_) in exercises.items():
        for part, verdict in verdicts.items():
            why = f"  {verdict.text}" if verdict.kind in (TODO, BORROWED) else ""
            write(f"  {name:<32}{part:<11} {verdict.kind}{why}")
        texts = list(dict.fromkeys(verdict.text for verdict in verdicts.values() if verdict.kind == WRONG))
        texts = [text for text in texts if text not in said]        # what is wrong with the file is wrong with all
        said |= set(texts)
        for text in texts:
            write(re.sub(r"(?m)^  read  tinysegnet/.*$", page, text).rstrip("\n"))
            for line in showing.shown(lesson, name, text) if show else ():
                write(line)
        for line in lines:
            write(textwrap.fill(line, 79, initial_indent=" " * 6, subsequent_indent=" " * 8))
        if texts or lines:
            write("")
    if not show and any(getattr(text, "arrays", None) for text in said):
        write(f"  arrays  python -m pytest lessons/{lesson.name} --show")
