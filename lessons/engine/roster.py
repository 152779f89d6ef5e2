"""Who is in the class, and which of what was handed in is whose."""

import re
import unicodedata
from collections import Counter
from typing import NamedTuple

from lessons.engine import tables
from tinysegnet.support.errors import InputError


class Person(NamedTuple):
    id: str
    name: str
    email: str


class Match(NamedTuple):
    """Of a person, a submission, or both."""

    person: Person | None
    submission: object          # a Submission, or None
    remark: str = ""
    clear: bool = True          # False: something was handed in, and it is not sure by whom


def read(path):
    """The Persons of a CSV file with the columns id, name, email. Raises InputError."""
    people = []
    for line, row in tables.read(path, Person._fields):
        if not row["id"]:
            raise InputError(f"line {line} of {path} has no id: each person needs one")
        people.append(Person(**row))
    if not people:
        raise InputError(f"{path} names nobody")
    name, times = Counter(person.id for person in people).most_common(1)[0]
    if times > 1:
        raise InputError(f"{path} has the id {name} {times} times: each person needs one of their own")
    return people


def matched(people, submissions):
    """[Match]: one for each person, then for each submission that is nobody's for sure. Nothing is guessed."""
    known = [names_of(person) for person in people]
    fits = [[i for i, names in enumerate(known) if names & {plain(key) for key in one.keys}] for one in submissions]
    found, taken = [], set()
    for i, person in enumerate(people):
        those = [n for n, fitting in enumerate(fits) if i in fitting]
        if not those:
            found.append(Match(person, None, "nothing handed in"))
        elif len(those) == 1 and len(fits[those[0]]) == 1:
            taken.add(those[0])
            found.append(Match(person, submissions[those[0]], submissions[those[0]].remark))
        else:
            names = ", ".join(submissions[n].name for n in those)
            found.append(Match(person, None, f"not clear which is theirs: {names}", clear=False))
    for n, (one, fitting) in enumerate(zip(submissions, fits)):
        if n not in taken:
            perhaps = " or ".join(f"{people[i].name} ({people[i].id})" for i in fitting)
            remark = f"not clear whose it is: perhaps of {perhaps}" if fitting else "on no roster"
            found.append(Match(None, one, "; ".join(filter(None, (remark, one.remark)))))
    return found


def names_of(person):
    """All that somebody's folder may be called."""
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", person.name))
    orders = words, words[-1:] + words[:-1], words[1:] + words[:1]         # Ann Lee; Lee, Ann; leeann
    names = [person.id, person.email, person.email.partition("@")[0], *("".join(order) for order in orders)]
    return {plain(name) for name in names} - {""}


def plain(name):
    """Without case, accents, and what stands between words."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKD", name)).casefold()
