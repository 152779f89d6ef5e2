"""The grades of a class, as files: for a spreadsheet, Gradescope and a continuous-integration server."""

import re
from collections import Counter, defaultdict
from typing import NamedTuple
from xml.etree import ElementTree

from lessons.engine import tables
from lessons.engine.exercises import DONE, TODO, WRONG
from lessons.engine.grading import CRASHED, KINDS, NOT_JUDGED
from lessons.engine.roster import Person

FILES = "grades.csv", "lessons.csv", "mistakes.csv", "junit.xml"


class Row(NamedTuple):
    """Of one person."""

    person: Person      # with a name alone, if there is no roster
    folder: str         # for what they get
    parts: list
    attempts: dict      # {lesson: the name of the attempt that counts}
    remark: str = ""

    @property
    def judged(self):
        return all(part.kind != NOT_JUDGED for part in self.parts)

    @property
    def points(self):
        return sum(part.points for part in self.parts)

    @property
    def worth(self):
        return sum(part.worth for part in self.parts)

    def of(self, lesson):
        return self._replace(parts=[part for part in self.parts if part.lesson == lesson])


def best(attempts):
    """(its name, its Parts) of the attempt at a lesson that counts: the first with the most points.

    attempts  {its name: Parts}

    Nobody knows which one that is if one could not be judged and no other is complete.
    """
    rows = {name: Row(None, "", parts, {}) for name, parts in attempts.items()}
    name = max(rows, key=lambda name: rows[name].points)
    if not all(row.judged for row in rows.values()) and rows[name].points < rows[name].worth:
        name = next(name for name in rows if not rows[name].judged)
    return name, attempts[name]


def folders_for(names):
    """For each name one of a folder that every system can make; no two are the same."""
    taken, folders = set(FILES), []
    for name in names:
        first = folder = re.sub(r"[^\w.@ ()+-]", "_", name)[:80].strip(" .") or "_"
        number = 2
        while folder.casefold() in taken:
            folder, number = f"{first} {number}", number + 1
        taken.add(folder.casefold())
        folders.append(folder)
    return folders


def word(parts):
    """What became of a lesson: "done", or "2 done, 1 wrong"."""
    kinds = Counter(part.kind for part in parts)
    return next(iter(kinds)) if len(kinds) == 1 else ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind])


def grades(rows, lessons, roster):
    """The table with a line for each person. No number stands where somebody could not be judged."""
    who = list(Person._fields) if roster else ["name"]
    yield [*who, "points", "of", *KINDS, "remark", *lessons]
    for row in rows:
        kinds = Counter(part.kind for part in row.parts)
        of_each = [row.of(lesson) for lesson in lessons]
        yield [
            *(getattr(row.person, field) for field in who), row.points if row.judged else "", row.worth,
            *(kinds[kind] for kind in KINDS), row.remark, *(one.points if one.judged else "" for one in of_each),
        ]


def by_lesson(rows, lessons, roster):
    """The table with a line for each lesson of each person."""
    who = list(Person._fields) if roster else ["name"]
    yield [*who, "lesson", "points", "of", "state", "attempt"]
    for row in rows:
        for lesson in lessons:
            one = row.of(lesson)
            points = one.points if one.judged else ""
            yield [*(getattr(row.person, field) for field in who), lesson, points, one.worth, word(one.parts),
                   row.attempts.get(lesson, "")]


def mistakes(rows):
    """[(kind, lesson, function, sentence), [who]]: what to explain again, the commonest first.

    A slip counts once for each person and lesson, in the first function that shows it: what comes from a function that
    is not done yet is not counted, as the fault may be there.
    """
    made = defaultdict(dict)
    for row in rows:
        for lesson in dict.fromkeys(part.lesson for part in row.parts):
            said, unfinished = set(), set()
            for part in row.of(lesson).parts:
                follows = unfinished & set(part.uses) - {part.exercise}
                if part.kind in (WRONG, CRASHED, TODO):
                    unfinished.add(part.exercise)
                for kind, sentence in () if follows else part.slips:
                    if sentence not in said:
                        said.add(sentence)
                        made[kind, lesson, part.exercise, sentence][row.folder] = row.person.name
    found = [(what, [*who.values()]) for what, who in made.items()]
    return sorted(found, key=lambda entry: (-len(entry[1]), entry[0][1:]))


def mistakes_table(made):
    yield ["times", "kind", "lesson", "function", "what", "who"]
    for what, who in made:
        yield [len(who), *what, ", ".join(sorted(who))]


def junit(rows, path):
    suites = ElementTree.Element("testsuites")
    for row in rows:
        kinds = Counter(part.kind for part in row.parts)
        failures = len(row.parts) - kinds[DONE] - kinds[NOT_JUDGED]
        counts = {"tests": str(len(row.parts)), "failures": str(failures), "errors": str(kinds[NOT_JUDGED])}
        suite = ElementTree.SubElement(suites, "testsuite", name=printable(row.person.name), **counts)
        for part in row.parts:
            classname = f"{part.lesson}.{part.exercise}"
            case = ElementTree.SubElement(suite, "testcase", classname=classname, name=part.name)
            if part.kind != DONE:
                how = "error" if part.kind == NOT_JUDGED else "failure"
                ElementTree.SubElement(case, how, message=part.kind).text = printable(part.text)
    ElementTree.ElementTree(suites).write(path, encoding="utf-8", xml_declaration=True)


def printable(text):
    """Without the control characters that XML cannot hold; a learner's exception may have any."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def gradescope(row):
    """What Gradescope's results.json holds, of somebody who could be judged."""
    tests = [
        {
            "name": f"{part.lesson} {part.exercise} {part.name}", "score": tables.number(part.points),
            "max_score": tables.number(part.worth), "status": "passed" if part.kind == DONE else "failed",
            "output": f"{part.kind}\n{part.text}".strip(),
        }
        for part in row.parts
    ]
    remark = {"output": row.remark} if row.remark else {}        # a file of another name, say
    return {"score": tables.number(row.points), "tests": tests} | remark
