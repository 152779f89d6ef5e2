"""What has been handed in, and by whom: folders and zips, as people or a learning platform lay them down."""

import re
import shutil
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from lessons.engine import course
from lessons.engine.unpacking import SKIPPED, ZipError, unpack
from tinysegnet.support.errors import InputError

ATTEMPT = re.compile(r"attempt[-_ ]?(\d+)(\.zip)?", re.IGNORECASE)
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_[a-z]+_?(?P<file>.*)", re.IGNORECASE)
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:late_)?(?P<id>\d+)_\d+_(?P<file>.+)", re.IGNORECASE)
OF_SOMEBODY = ".py", ".ipynb", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"   # beside zips in a folder of all
DEPTH = 4               # of folders and zips in each other
ZIPS = 20               # of one person


class Submission(NamedTuple):
    """Of one person."""

    name: str           # no two have the same
    keys: tuple         # by what the person may be found on a roster
    attempts: dict      # {its name, "" if it is the only one: folder with answers}
    remark: str = ""    # why there is none, or what was left out


def submissions(paths, work, out=None):
    """The Submissions in folders and zips: of one person each, or in a single one that holds all of them.

    work  an empty folder to unpack in
    out   a folder that nobody has handed in, wherever it is

    Raises InputError if a path leads nowhere, and OSError if the disk is full.
    """
    paths = list(dict.fromkeys(Path(path).resolve() for path in paths))
    for path in paths:
        if not (path.is_dir() or is_zip(path)):
            raise InputError(f"{path} is {'neither a folder nor a zip' if path.exists() else 'not there'}: name a "
                             "folder or a zip of one person each, or one that holds them all")
    if len(paths) == 1 and (inside := all_in(paths[0], work)):
        paths = [path for path in inside if path != out]
    people = {}
    for path in paths:
        keys, _ = whose(path)
        people.setdefault(keys if len(keys) > 1 else (path.parent, *keys), []).append(path)
    found = [gather(files, work / f"{i}") for i, files in enumerate(people.values())]
    return told_apart(found, [files[0] for files in people.values()])


def is_zip(path):
    return path.suffix.lower() == ".zip" and path.is_file()


def whose(path):
    """(what a person is called, name and number perhaps), and the name that a file had before a platform added that."""
    path = path.parent if path.name == "mine" else path
    name = path.name.removesuffix(path.suffix) if path.is_file() else path.name
    if match := by_platform(path):
        return (match["name"], match["id"]), match["file"]
    return (name,), path.name


def all_in(path, work):
    """The folders and zips of the persons that one folder or zip holds; [] if it is a person's own."""
    packed = is_zip(path)
    if packed:
        try:
            unpack(path, work / "all")
        except ZipError:
            return []
        path = work / "all"
    children = visible(path)
    while packed and len(children) == 1 and children[0].is_dir() and not is_own(path) and not by_platform(children[0]):
        path = children[0]              # a folder that was packed as a whole
        children = visible(path)
    if is_own(path) or not any(child.is_dir() or is_zip(child) or by_platform(child) for child in children):
        return []
    return [child for child in children if child.is_dir() or is_zip(child) or child.suffix.lower() in OF_SOMEBODY]


def is_own(path):
    """Whether a folder is that of one person."""
    children = [child for child in visible(path) if not by_platform(child)]
    if any(is_of_lesson(child) or child.name == "mine" or ATTEMPT.fullmatch(child.name) for child in children):
        return True
    if not any(child.suffix == ".py" for child in children):
        return False
    # A helper of one person's, or a script of whoever collects: then there are others, who wrote the same lesson.
    by_others = len(visible(path)) > len(children)
    lessons = [lessons_in(child) for child in children if child.is_dir()]
    return not (by_others or any(one & other for one, other in combinations(lessons, 2)))


def lessons_in(folder):
    with suppress(PermissionError):
        return {course.lesson_of(path.name) for path in folder.rglob("*.py")} - {None}
    return set()


def by_platform(path):
    """The match of a name that Moodle gives to folders and files, or Canvas to files; or None."""
    return MOODLE.fullmatch(path.name) or (CANVAS.fullmatch(path.name) if path.is_file() else None)


def visible(folder):
    return sorted(path for path in folder.iterdir() if path.name[0] != "." and path.name not in SKIPPED)


def gather(paths, work):
    """The Submission of one person, in these folders and files."""
    keys, _ = whose(paths[0])
    loose, remarks, seen = {}, [], []
    attempts, zips = [], [0]
    for path in paths:
        name = whose(path)[1] or "folder"
        if path.is_dir() or is_zip(path):
            attempts += attempts_in(path, "" if len(paths) == 1 else name, work, remarks, seen, zips)
        else:
            name = re.sub(r"-\d+\.py$", ".py", name)               # Canvas numbers what is handed in anew
            number = sum(name in names for names in loose.values())
            folder = work / f"files{number or ''}"                  # of two of one name the better counts
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / name)
            loose.setdefault(folder, set()).add(name)
    for folder in loose:
        for first in loose:
            for name in loose[first] - loose[folder]:           # what both may import
                shutil.copyfile(first / name, folder / name)
        attempts += attempts_in(folder, folder.name, work, remarks, seen, zips)
    if not attempts and not remarks:
        names = ", ".join(dict.fromkeys(seen))
        remarks.append(f"no file of a lesson: {names[:60]}" if names else "nothing handed in")
    folders = {}
    for name, folder in attempts:
        while name in folders:
            name += "'"
        folders["" if len(attempts) == 1 else name] = folder
    return Submission(keys[0], keys, folders, "; ".join(dict.fromkeys(remarks)))


def attempts_in(path, name, work, remarks, seen, zips, depth=DEPTH):
    """[(name, folder with answers)] in a folder or zip, the oldest first. What is wrong goes to `remarks`, names of
    files to `seen`."""
    if is_zip(path):
        zips[0] += 1
        folder = work / f"zip{zips[0]}"
        if zips[0] > ZIPS:
            remarks.append(f"more than {ZIPS} zips")
            return []
        try:
            remarks += unpack(path, folder)
        except ZipError as error:
            remarks.append(f"{path.name} {error}")
            return []
        path = folder
    try:
        answers, others, inside = answers_in(path)
    except PermissionError as error:
        remarks.append(f"{Path(error.filename).name} may not be read")
        return []
    except ValueError as error:
        remarks.append(str(error))
        return []
    seen += others
    if answers:
        remarks += wrongly_named(answers)
    found = [(name or "folder" if inside else name, answers)] if answers else []
    for other in inside if depth else ():
        found += attempts_in(other, other.name, work, remarks, seen, zips, depth - 1)
    return found


def answers_in(path):
    """The folder with answers in a folder, or None; names of files that are none; attempts and zips in it.

    Raises ValueError if there are several.
    """
    others, inside, folders = [], [], []

    def look(folder, depth):
        children = visible(folder)
        if any(is_of_lesson(child) and child.is_file() for child in children):
            folders.append(folder)
        for child in children:
            if is_zip(child) or (child.is_dir() and ATTEMPT.fullmatch(child.name)):
                inside.append(child)
            elif child.is_dir() and not child.is_symlink() and depth:
                look(child, depth - 1)
            elif child.is_file():
                others.append(child.name)

    look(path, DEPTH)
    chosen = [folder for folder in folders if folder.name == "mine"] or folders
    if path / "mine" not in chosen and path in chosen:
        chosen = [path]
    if len(chosen) > 1:
        raise ValueError(f"answers in several folders: {', '.join(str(f.relative_to(path)) for f in chosen)[:60]}")
    inside.sort(key=lambda path: (attempt_number(path), path.stat().st_mtime, path.name))
    return (chosen[0] if chosen else None), others, inside


def attempt_number(path):
    match = ATTEMPT.fullmatch(path.name)
    return int(match[1]) if match else 0


def is_of_lesson(path):
    """Whether it has the name of a lesson's file, with the lesson's number or an old one."""
    return path.suffix == ".py" and course.lesson_of(path.name) is not None


def wrongly_named(answers):
    """What looks like the file of a lesson and is none, and what is one with an old number; [] or remarks."""
    names = [path.name for path in sorted(answers.glob("[0-9]*.py")) if not is_of_lesson(path)]
    read, beside = [], []
    for lesson in course.lessons():
        counts, *others = [path.name for path in course.files_of(lesson, answers)] or [f"{lesson.name}.py"]
        read += [counts] if counts != f"{lesson.name}.py" else []
        beside += others
    said = ("of no lesson", names), ("read, with an old number", read), ("not read, with an old number", beside)
    return [f"{why}: {', '.join(these)[:60]}" for why, these in said if these]


def told_apart(found, paths):
    """With names that differ: two of one name get that of their folders besides, or a number."""
    names = [one.name.casefold() for one in found]
    taken, result = set(), []
    for one, path in zip(found, paths):
        path = path.parent if path.name == "mine" else path
        besides = one.keys[1] if len(one.keys) > 1 else path.parent.name       # a number of the platform's
        name = first = one.name if names.count(one.name.casefold()) == 1 else f"{one.name} ({besides})"
        number = 2
        while name.casefold() in taken:
            name, number = f"{first} {number}", number + 1
        taken.add(name.casefold())
        result.append(one._replace(name=name))
    return result
