"""Wrong answers as mutations: over one right source, the right line, the wrong line, and what is wrong with it."""

import inspect
import itertools
import linecache
import sys
import textwrap

NUMBER = itertools.count()


def planted(module, answer, mistake, text, *lines):
    """(exercise or op, mistake, what is wrong, function): the right answer of that name with some lines exchanged.

    A right answer that stands in the module in several builds has after two underscores how it is done.
    """
    return answer.partition("__")[0], mistake, text, mutated(getattr(module, answer), *lines)


def mutated(right, *lines):
    """The function `right` with some of its lines exchanged, in pairs: the right line, the wrong line, and so on.

    What is exchanged has to be there exactly once: an entry that no longer fits is an error and never a right answer.
    In a wrong one "..." on a line of its own stands for the right one, and further lines are indented as its first.
    Tracebacks show the mutated source, and number it as the file of the right one does.
    """
    source, number = inspect.getsourcelines(right)
    source = textwrap.dedent("".join(source))
    for old, new in zip(lines[::2], lines[1::2], strict=True):
        if source.count(old) != 1:
            raise ValueError(f"{right.__name__} has {old!r} {source.count(old)} times: it should be there once")
        line = source[:source.index(old)].rpartition("\n")[2]
        indent = line[:len(line) - len(line.lstrip())] if line.strip() else line
        new = [old if part == "..." else part for part in new.split("\n")]
        source = source.replace(old, f"\n{indent}".join(new))
    source = (number - 1) * "\n" + source
    module = sys.modules[right.__module__]
    file = f"{module.__file__}:{right.__name__}:{next(NUMBER)}"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    names = dict(vars(module))
    exec(compile(source, file, "exec"), names)
    return names[right.__name__]
