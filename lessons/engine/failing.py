"""A function that raises in some of its cases: which of its results come from the line that raised, and what do these
cases have in common?"""

import ast
import inspect
import textwrap
import traceback

import numpy as np


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
    local = {*code.co_varnames, *code.co_cellvars}
    sources, spoilt = sources_in(definition), set()
    for statement in statements(definition):
        if covers(statement, here):
            spoilt |= written(statement) & local
    while more := {name for name in local & sources.keys() if sources[name] & spoilt} - spoilt:
        spoilt |= more
    found = {i for value in returns for i, part in enumerate(value.elts) if covers(part, here) or names(part) & spoilt}
    return found or everything


def covers(node, place):
    return (node.lineno, node.col_offset) <= place < (node.end_lineno, node.end_col_offset)


def statements(definition):
    """Those that set or change something, none of which holds another."""
    kinds = ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr
    return [node for node in ast.walk(definition) if isinstance(node, kinds)]


def names(node):
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def written(statement):
    """The names that a statement may set or change: x of x[i] = ..., and all that a mere call is given."""
    if isinstance(statement, ast.Expr):
        return names(statement)
    found = set()
    for target in statement.targets if isinstance(statement, ast.Assign) else [statement.target]:
        for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            while isinstance(part, ast.Subscript | ast.Attribute | ast.Starred):
                part = part.value
            found |= names(part)
    return found


def sources_in(definition):
    """{name: the names that stand in what is assigned to it}."""
    sources = {}
    for statement in statements(definition):
        for name in written(statement):
            sources.setdefault(name, set()).update(names(statement))
    for loop in ast.walk(definition):
        if isinstance(loop, ast.For):
            for name in names(loop.target):
                sources.setdefault(name, set()).update(names(loop.iter))
    return sources


def what_about(names, failing, others):
    """A question: what is so of the sizes in all failing cases, and of none of the others; "" if nothing is.

    names    of the first of the arguments
    failing  the arguments of each case; likewise others
    """
    def odd(args):
        image = next((a for a in args if isinstance(a, np.ndarray) and a.ndim == 4), np.zeros((0, 0)))
        return any(size % 2 for size in image.shape[1:3])

    def is_one(i, axis):
        return lambda args: isinstance(args[i], np.ndarray) and args[i].shape[axis : axis + 1] == (1,)

    things = {"H or W is odd": odd}
    for i, name in enumerate(names):
        things |= {f"{name}.shape[{axis}] is 1": is_one(i, axis) for axis in range(4)}
    tell = (thing for thing, so in things.items() if all(map(so, failing)) and not any(map(so, others)))
    found = next(tell, "")
    return f": where {found}?" if found else ""
