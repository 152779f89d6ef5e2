"""The learner's files as modules, and which of them a verdict depends on.

While an answer is judged, `import mine.helpers` and `import helpers` find helpers.py in course.MINE, and before all
other places of the course but the lesson's own folder: whoever judges what others have handed in has a mine/ too, and
tests/ and other lessons with names of their own. What Python and its libraries have imported stays what it is.
"""

import importlib.util
import os
import sys
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path

from lessons.engine import course


class Finder:
    """Finds modules in course.MINE for `import`; `served` are the names that it has found so far."""

    def __init__(self):
        self.served = set()

    def find_spec(self, name, path=None, target=None):
        last = name.rpartition(".")[2]
        folder = Path(next(iter(path))) if path else course.MINE
        if name in sys.stdlib_module_names or not folder.is_relative_to(course.MINE):
            return None
        place = course.MINE if name == "mine" else folder / last
        if folder == course.MINE and (lesson := course.lesson_of(last)):
            note(folder / f"{lesson.name}.py")      # it counts before one of another number
            place = course.own_file(lesson).with_suffix("")
        for file, inside in (place / "__init__.py", [str(place)]), (Path(f"{place}.py"), None):
            note(file)                      # if it is not there: a verdict may depend on that
            if file.is_file():
                self.served.add(name)
                how = {"loader": course.Source(name, str(file)), "submodule_search_locations": inside}
                return importlib.util.spec_from_file_location(name, file, **how)
        if not any(place.glob("*.py")):
            return None
        self.served.add(name)
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(place)]
        return spec

    def forget(self):
        """Let each module be imported anew, as its file may have changed; and be noted again."""
        for name in self.served:
            sys.modules.pop(name, None)
        self.served.clear()


FINDER = Finder()
noting = []         # {file: fingerprint} of the judgement that is under way, if one is


def install():
    """Let modules be found in mine/ from now on, for functions that import when they are called."""
    set_aside()
    sys.meta_path.insert(0, FINDER)


def set_aside(lesson=None):
    """Take modules of the course whose names are those of files in mine/ from sys.modules, where `import` looks first.

    Returns {name: module}. Those in the folder of a lesson stay: its judge works with them.
    """
    names = []
    for name, module in sys.modules.items():
        folder = Path(getattr(module, "__file__", None) or "").parent
        courses = folder != lesson and (folder.parent == course.LESSONS or folder == course.LESSONS.with_name("tests"))
        if courses and ((course.MINE / f"{name}.py").is_file() or (course.MINE / name).is_dir()):
            names.append(name)
    return {name: sys.modules.pop(name) for name in names}


@contextmanager
def noted(lesson):
    """Inside, modules are found in mine/. Yields {file: fingerprint} of all that is read of mine/ until the end.

    A file counts as it was when it was first asked for, and its fingerprint is "" if it was not there.
    """
    hear_once()
    files, wrote_bytecode = {}, sys.dont_write_bytecode
    FINDER.forget()
    aside = set_aside(lesson)
    noting.append(files)
    sys.meta_path.insert(0, FINDER)
    sys.dont_write_bytecode = True          # where a learner uses importlib, it may pass for that of a later file
    try:
        yield files
    finally:
        sys.dont_write_bytecode = wrote_bytecode
        sys.meta_path.remove(FINDER)
        sys.modules.update(aside)
        FINDER.served -= aside.keys()
        noting.remove(files)


def note(path):
    """Note that a file is going to be read, if it is of mine/."""
    path = os.path.abspath(os.fsdecode(path))
    for file, mine in (path, os.path.abspath(course.MINE)), (os.path.realpath(path), os.path.realpath(course.MINE)):
        if noting and file.startswith(f"{mine}{os.sep}"):
            file, folder = Path(file), Path(mine)
            if file.parent.name == "__pycache__" and file.suffix == ".pyc":
                file = Path(importlib.util.source_from_cache(file))
            name, files = file.relative_to(folder).as_posix(), noting[-1]
            if name not in files:
                files[name] = ""            # the fingerprint opens the file too
                files[name] = course.fingerprint(file)
            return


def hear(event, args):
    """An audit hook, which Python calls before any file is opened: by import, open, numpy.load, ..."""
    if event == "open" and noting and isinstance(args[0], str | bytes):
        written_only = isinstance(args[1], str) and not {*args[1]} & {*"r+"}
        if not written_only:
            note(args[0])


def hear_once(heard=[]):  # noqa: B006  Python takes no hook away again
    if not heard:
        heard.append(sys.addaudithook(hear))
