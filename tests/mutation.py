"""Wrong answers as mutations: over one right source, the right line, the wrong line, and what is wrong with it."""

import inspect
import sys
import textwrap


def mutated(right, *lines):
    """The function `right` with some of its lines exchanged, in pairs: the right line, the wrong line, and so on.

    What is exchanged has to be there exactly once: an entry that no longer fits is an error and never a right answer.
    """
    source = textwrap.dedent(inspect.getsource(right))
    for old, new in zip(lines[::2], lines[1::2], strict=True):
        if source.count(old) != 1:
            raise ValueError(f"{right.__name__} has {old!r} {source.count(old)} times: it should be there once")
        source = source.replace(old, new)
    module = sys.modules[right.__module__]
    names = dict(vars(module))
    exec(compile(source, module.__file__, "exec"), names)
    return names[right.__name__]
