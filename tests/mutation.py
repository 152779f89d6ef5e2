"""Wrong answers as mutations: over one right source, the right line, the wrong line, and what is wrong with it."""

import inspect
import itertools
import linecache
import sys
import textwrap

NUMBER = itertools.count()


def mutated(right, *lines, indented=False):
    """The function `right` with some of its lines exchanged, in pairs: the right line, the wrong line, and so on.

    What is exchanged has to be there exactly once: an entry that no longer fits is an error and never a right answer.
    Further lines of a wrong one are indented as its first, unless they are `indented` already. Tracebacks show the
    mutated source.
    """
    source = textwrap.dedent(inspect.getsource(right))
    for old, new in zip(lines[::2], lines[1::2], strict=True):
        if source.count(old) != 1:
            raise ValueError(f"{right.__name__} has {old!r} {source.count(old)} times: it should be there once")
        line = source[:source.index(old)].rpartition("\n")[2]
        indent = line[:len(line) - len(line.lstrip())] if line.strip() else line
        source = source.replace(old, new if indented else new.replace("\n", "\n" + indent))
    module = sys.modules[right.__module__]
    file = f"{module.__file__}:{right.__name__}:{next(NUMBER)}"
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    names = dict(vars(module))
    exec(compile(source, file, "exec"), names)
    return names[right.__name__]
