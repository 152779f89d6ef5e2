"""A function that raises in some of its cases: which of its results come from the line that raised, and what do these
cases have in common?"""

import ast
import inspect
import textwrap
import traceback

import numpy as np

from tinysegnet.checker.report import is_shape

VIEWS = "T", "mT", "flat", "reshape", "ravel", "transpose", "swapaxes", "moveaxis", "squeeze", "expand_dims", "view"


def reached(function, error, count):
    """The places, 0 to count - 1, in what a learner's function returns that come from the line that raised.

    All, if that cannot be told: if the function does not end in `return a, b, c`, say. A name counts as coming from
    every name in every assignment to it or to a view of it, in every call beside it, and in the condition of every
    branch and loop around these: that may be more than it does come from. Of what other functions change only the
    arguments of a call that stands alone are thought of.
    """
    everything = set(range(count))
    try:
        code = inspect.unwrap(function).__code__
        place = next(place for place in traceback.extract_tb(error.__traceback__)
                     if (place.filename, place.name) == (code.co_filename, code.co_name))
    except (AttributeError, StopIteration):
        return everything

    def here(node, indent):
        where = place.lineno - code.co_firstlineno + 1, (place.colno or indent) - indent
        return covers(node, where)

    return spoilt_by(function, here, count)


def coming_from(function, called, count):
    """The same places of what a learner's function returns that come from calls of functions of those names."""
    return spoilt_by(function, lambda node, indent: bool(names(node) & called), count)


def spoilt_by(function, here, count):
    """The places that come from where here(node, indent of the source) is so."""
    everything = set(range(count))
    try:
        function = inspect.unwrap(function)
        code, source = function.__code__, inspect.getsource(function)
        [definition] = ast.parse(textwrap.dedent(source)).body
    except (OSError, TypeError, AttributeError, SyntaxError, ValueError):
        return everything
    returns = [node.value for node in ast.walk(definition) if isinstance(node, ast.Return)]
    if not returns or any(not isinstance(value, ast.Tuple) or len(value.elts) != count for value in returns):
        return everything
    indent = len(source) - len(source.lstrip())
    local = {*code.co_varnames, *code.co_cellvars}
    steps = [*steps_in(definition, local)]
    spoilt = {name for node, written, _ in steps if here(node, indent) for name in written & local}
    while more := {name for _, written, read in steps if read & spoilt for name in written & local} - spoilt:
        spoilt |= more
    found = {i for value in returns for i, part in enumerate(value.elts)
             if here(part, indent) or names(part) & spoilt}
    return found or everything


def covers(node, place):
    return (node.lineno, node.col_offset) <= place < (node.end_lineno, node.end_col_offset)


def names(node):
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def steps_in(definition, local):
    """(node, the names that it may set or change, those that this depends on) of each assignment, branch, loop and mere
    call."""
    groups = sharing(definition, local)

    def in_place(written):
        return written.union(*(group for group in groups if group & written))

    def steps(tree):
        for node in ast.walk(tree):
            for place, to, value in assignments(node):
                if any(isinstance(part, ast.Subscript | ast.Attribute) for part in ast.walk(to)):
                    yield place, in_place(changed(to)), names(to) | names(value)
                else:
                    yield place, changed(to), names(value)
            match node:
                case ast.AugAssign(target):
                    yield node, in_place(changed(target)), names(node)
                case ast.Expr():
                    yield node, in_place(names(node)), names(node)      # np.add.at(dx, ...) changes one of them
                case ast.If(test) | ast.While(test) | ast.For(iter=test):
                    yield test, decided(node), names(test)

    def decided(branch):
        """What is set or changed in a branch or loop; all that there is, if it is left from inside."""
        if any(isinstance(part, ast.Return | ast.Break | ast.Continue) for part in ast.walk(branch)):
            return names(definition)
        return set().union(*(written for part in branch.body + branch.orelse for _, written, _ in steps(part)))

    return steps(definition)


def assignments(node):
    """(where it can raise, target, value) of each in a statement or an expression."""
    match node:
        case ast.Assign([ast.Tuple(left)], ast.Tuple(right)) if len(left) == len(right):
            yield from zip(right, left, right)
        case ast.Assign(targets, value):
            yield from ((node, to, value) for to in targets)
        case ast.AnnAssign(to, _, value) if value:
            yield node, to, value
        case ast.For(to, value) | ast.NamedExpr(to, value):
            yield value, to, value


def sharing(definition, local):
    """Sets of local names that may stand for one memory, so that a change of one in place changes all: a and b of
    a = b[1:], or of `for a in b`."""
    groups = []
    for node in ast.walk(definition):
        for _, to, value in assignments(node):
            if isinstance(node, ast.For):
                group = (names(to) | names(value)) & local          # the value may be zip(a, b), or enumerate(a)
            elif isinstance(to, ast.Name):
                group = {to.id, viewed(value)} & local
            else:
                continue
            groups = [group.union(*(one for one in groups if one & group)), *(one for one in groups if not one & group)]
    return groups


def viewed(value):
    """The name of what a value may be a view of, or None."""
    match value:
        case ast.Name(name):
            return name
        case ast.Call(ast.Attribute(ast.Name("np"), attr), [first, *_]) if attr in VIEWS:
            return viewed(first)
        case ast.Call(ast.Attribute(inner, attr)) | ast.Attribute(inner, attr) if attr in VIEWS:
            return viewed(inner)
        case ast.Subscript(inner):
            return viewed(inner)
    return None


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
