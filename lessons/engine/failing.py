"""A function that raises in some of its cases: which of its results come from the line that raised, and what do these
cases have in common?"""

import ast
import inspect
import textwrap
import traceback

import numpy as np

from tinysegnet.checker.report import is_shape


def reached(function, error, count):
    """The places, 0 to count - 1, in what a learner's function returns that come from the line that raised.

    All, if that cannot be told: if the function does not end in `return a, b, c`, say. A name counts as coming from
    every name in every assignment to it, and in every call beside it: that may be more than it does come from.
    """
    everything = set(range(count))
    try:
        function = inspect.unwrap(function)
        code, source = function.__code__, inspect.getsource(function)
        [definition] = ast.parse(textwrap.dedent(source)).body
        place = next(place for place in traceback.extract_tb(error.__traceback__)
                     if (place.filename, place.name) == (code.co_filename, code.co_name))
    except (OSError, TypeError, AttributeError, SyntaxError, ValueError, StopIteration):
        return everything
    returns = [node.value for node in ast.walk(definition) if isinstance(node, ast.Return)]
    if not returns or any(not isinstance(value, ast.Tuple) or len(value.elts) != count for value in returns):
        return everything
    indent = len(source) - len(source.lstrip())
    here = place.lineno - code.co_firstlineno + 1, (place.colno or indent) - indent
    local, steps = {*code.co_varnames, *code.co_cellvars}, [*steps_in(definition)]
    spoilt = {name for node, written, _ in steps if covers(node, here) for name in written & local}
    while more := {name for _, written, read in steps if read & spoilt for name in written & local} - spoilt:
        spoilt |= more
    found = {i for value in returns for i, part in enumerate(value.elts) if covers(part, here) or names(part) & spoilt}
    return found or everything


def covers(node, place):
    return (node.lineno, node.col_offset) <= place < (node.end_lineno, node.end_col_offset)


def names(node):
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def steps_in(definition):
    """(node, the names that it may set or change, those that it reads) of each assignment, loop and mere call."""
    for node in ast.walk(definition):
        match node:
            case ast.Assign(targets=[ast.Tuple(elts=left)], value=ast.Tuple(elts=right)) if len(left) == len(right):
                yield from ((value, changed(to), names(to) | names(value)) for to, value in zip(left, right))
            case ast.Assign(targets=targets):
                yield node, set().union(*map(changed, targets)), names(node)
            case ast.AugAssign() | ast.AnnAssign():
                yield node, changed(node.target), names(node)
            case ast.For():
                yield node.iter, changed(node.target), names(node.iter)
            case ast.Expr():
                yield node, names(node), names(node)        # np.add.at(dx, ...) changes one of them


def changed(target):
    """The names to the left of =: x of x[i] = ..., both of x, w = cache."""
    if isinstance(target, ast.Tuple | ast.List):
        return set().union(*map(changed, target.elts))
    while isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
        target = target.value
    return names(target)


def what_about(names, failing, others):
    """A question: what is so of the sizes in all failing cases, and of none of the others; "" if nothing is.

    names    of the first of the arguments
    failing  the arguments of each case; likewise others
    """
    def odd(args):
        shapes = [np.shape(args[0]), *filter(is_shape, args)]
        return any(size % 2 for shape in shapes if len(shape) == 4 for size in shape[1:3])

    def is_one(i, axis):
        return lambda args: isinstance(args[i], np.ndarray) and args[i].shape[axis : axis + 1] == (1,)

    things = {"H or W is odd": odd}
    for i, name in enumerate(names[: len(failing[0])]):
        things |= {f"{name}.shape[{axis}] is 1": is_one(i, axis) for axis in range(4)}
    tell = (thing for thing, so in things.items() if all(map(so, failing)) and not any(map(so, others)))
    found = next(tell, "")
    return f": where {found}?" if found else ""
