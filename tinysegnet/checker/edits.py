"""Is a wrong answer what the right formula gives after one small edit? Asked only when no known mistake fits.

A table of known mistakes can have formulas: right answers in plain NumPy. One place of them at a time is edited (a
factor left out, a sum over other axes, another array of the same shape), and what comes out is compared with the
learner's array on the generic cases of the table. So the sentence is true of the numbers, whatever the code looks like.
"""

import ast
import inspect
import textwrap
from copy import deepcopy
from functools import cached_property, partial
from itertools import combinations
from warnings import catch_warnings

import numpy as np

RELATED = {"sum": "mean", "mean": "sum", "max": "min", "argmax": "argmin", "maximum": "minimum", "var": "std"}
INVERSE = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
TERMS, FACTORS = {ast.Add, ast.Sub}, {ast.Mult, ast.Div, ast.MatMult}
CONTRARY = {ast.Gt: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
SHOWN = ast.BinOp, ast.Compare, ast.Attribute          # what is in one of these is shown with it
LOAD = ast.Load()
LONGEST = 60                # characters of an expression that is shown
AXES = [*range(5), *(axes for size in (2, 3, 4) for axes in combinations(range(5), size))]


class Formula:
    """A right answer. In its assignments to a single name an expression can be exchanged.

    function  of what a known mistake is given. Its last line, a return, is not needed here: each result is assigned to
              its name. What a learner is given, a cache, is assigned to several names at once, and not edited.
    """

    def __init__(self, function):
        self.function = function

    @cached_property
    def definition(self):
        definition = ast.parse(textwrap.dedent(inspect.getsource(self.function))).body[0]
        definition.decorator_list = []
        definition.body[-1] = ast.parse("return locals()").body[0]
        return definition

    @property
    def targets(self):
        """{name: the last line that assigns it alone}."""
        names = [(i, name) for i, line in enumerate(self.definition.body) for name in getattr(line, "targets", ())]
        return {name.id: i for i, name in names if isinstance(name, ast.Name)}

    def compiled(self):
        """It, as it is now, as a function that returns {name: value} of all names in it."""
        module = ast.Module([self.definition], [])
        names = dict(self.function.__globals__)
        exec(compile(module, "<formula>", "exec"), names)
        return names[self.definition.name]

    def edits(self, given, name=None):
        """(words, target, edited) of each edit: what it is, the name that is assigned there, and the function; of those
        that come before a name is assigned for the last time, if one is given."""
        values = self.compiled()(*deepcopy(given))
        known = [argument.arg for argument in self.definition.args.args]
        for statement in self.definition.body[: name and self.targets[name] + 1]:
            match statement:
                case ast.Assign([ast.Name(target)]):
                    arrays = {each: values[each] for each in known if isinstance(values[each], np.ndarray)}
                    yield from ((words, target, self.compiled()) for words in in_turn(statement, arrays))
                case ast.Assign([ast.Tuple() as targets]):
                    known += [node.id for node in ast.walk(targets) if isinstance(node, ast.Name)]


def in_turn(statement, arrays):
    """What is edited of a statement, in words, while it is. Where it is the whole, the right one is not said."""
    for node, put, around in [*places(statement, statement.value)]:
        before, the_whole = short(around), around is statement.value
        for new, words in replacements(node, arrays):
            if ast.dump(new) == ast.dump(node):
                continue
            put(ast.fix_missing_locations(ast.copy_location(new, node)))
            shown = f"{statement.targets[0].id} = {short(statement.value)}" if the_whole else words
            shown = shown or f"{short(new if around is node else around)} in the place of {before}"
            twice = isinstance(around, ast.BinOp) and ast.unparse(around.left) == ast.unparse(around.right)
            try:
                if not twice:                           # a - a, a / a: nobody writes that
                    yield shown
            finally:                                    # who has found what they looked for asks for no more
                put(node)


def short(node):
    text = ast.unparse(node)
    return text if len(text) <= LONGEST else f"{text[:LONGEST // 2]} ... {text[-LONGEST // 2:]}"


def places(parent, around):
    """(expression, put, around) of each expression in it: put(other) exchanges it, and `around` is what to show."""
    for field, value in ast.iter_fields(parent):
        several = isinstance(value, list)
        for i, node in enumerate(value if several else [value]):
            of_index = isinstance(parent, ast.Subscript) and isinstance(node, ast.Name)
            if isinstance(node, ast.expr) and field != "targets" and not of_index:
                put = partial(value.__setitem__, i) if several else partial(setattr, parent, field)
                alone = not isinstance(parent, SHOWN) and not isinstance(node, ast.Constant)
                yield node, put, node if alone else around
                as_a_whole = isinstance(getattr(node, "op", None), ast.FloorDiv) or getattr(node, "step", None)
                if not as_a_whole:      # inside those other edits have the same effect
                    yield from places(node, around if isinstance(node, ast.Attribute) else node)


def replacements(node, arrays):
    """(expression, words) for each edit of an expression; no words if both, before and after, say it best.

    arrays  those that have a name by now
    """
    match node:
        case ast.BinOp(left, op, right):
            yield from of_operation(node, left, op, right)
        case ast.UnaryOp(ast.USub(), operand):
            yield operand, None
        case ast.Compare(left, [op], [right]) if type(op) in CONTRARY:
            yield ast.Compare(left, [CONTRARY[type(op)]()], [right]), None
        case ast.Slice(lower, upper, None):
            yield from of_slice(lower, upper)
        case ast.Constant(int() as number) if not isinstance(number, bool):
            for other in [number + 1, number - 1] if number > 2 else [number + 1]:      # 2 a, without the 2, is a
                yield ast.Constant(other), None
        case ast.Call(ast.Attribute(_, name), arguments, keywords):
            yield from of_call(node, name, arguments, keywords)
        case ast.Name(name) if name in arrays:
            yield from of_array(name, arrays)
        case ast.Tuple([ast.Constant(0), (ast.BinOp() | ast.Constant()) as last]):      # what np.pad puts at both ends
            yield ast.Tuple([last, ast.Constant(0)], LOAD), None


def of_operation(node, left, op, right):
    """A factor or term left out, the other operation, the operands exchanged."""
    whole = short(node)
    if isinstance(op, ast.FloorDiv):
        yield from ((ast.BinOp(node, sign, ast.Constant(1)), None) for sign in (ast.Add(), ast.Sub()))
        return
    if ast.unparse(left) != "1":            # 1 - a as a factor: other edits are of the same effect
        yield left, f"{short(right)} left out of {whole}"
        if type(op) in INVERSE and "/" not in ast.unparse(right):
            yield ast.BinOp(left, INVERSE[type(op)](), right), None
        if isinstance(op, ast.Sub | ast.Div):
            yield ast.BinOp(right, op, left), None
    longer = isinstance(left, ast.BinOp) and any({type(op), type(left.op)} <= kind for kind in (TERMS, FACTORS))
    if isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.MatMult) and not longer:
        yield right, f"{short(left)} left out of {whole}"
    yield from ((brackets, None) for brackets in other_brackets(left, op, right))


def other_brackets(left, op, right):
    """a * b + c for a * (b + c), and so on: those between terms and factors, left out or put in."""
    others = FACTORS if type(op) in TERMS else TERMS
    if isinstance(right, ast.BinOp) and type(right.op) in others:
        yield ast.BinOp(ast.BinOp(left, op, right.left), right.op, right.right)
    if isinstance(left, ast.BinOp) and type(left.op) in others:
        yield ast.BinOp(left.left, left.op, ast.BinOp(left.right, op, right))
    elif isinstance(left, ast.BinOp) and isinstance(left.right, ast.BinOp) and type(left.right.op) in others:
        before, inside = ast.BinOp(left.left, left.op, left.right.left), left.right       # a * (b + c) / d
        yield ast.BinOp(before, inside.op, ast.BinOp(inside.right, op, right))


def of_call(node, name, arguments, keywords):
    """Other axes, a related function, the function left out."""
    rest = [keyword for keyword in keywords if keyword.arg != "axis"]
    if name in RELATED:
        yield ast.Call(ast.Attribute(node.func.value, RELATED[name], LOAD), arguments, keywords), None
    for axes in AXES if len(rest) < len(keywords) else ():
        new = ast.keyword("axis", ast.parse(repr(axes), mode="eval").body)
        yield ast.Call(node.func, arguments, [new, *rest]), None
    if name in ("sqrt", "square", "exp", "log"):
        yield arguments[0], f"np.{name} left out of {short(node)}"
        if isinstance(arguments[0], ast.BinOp):
            left, op, right = arguments[0].left, arguments[0].op, arguments[0].right
            yield ast.BinOp(ast.Call(node.func, [left], keywords), op, right), None
    if name in ("swapaxes", "transpose"):
        yield node.func.value, f"{name} left out of {short(node)}"
    if name == "where" and len(arguments) == 3:
        yield ast.Call(node.func, [arguments[0], *arguments[:0:-1]], keywords), None


def of_slice(lower, upper):
    """A slice that is moved by one, or cuts off the other end."""
    if lower is upper is None:
        return
    if lower is None:
        yield ast.Slice(ast.UnaryOp(ast.USub(), upper), None), None
    elif upper is None:
        yield ast.Slice(None, ast.UnaryOp(ast.USub(), lower)), None
    else:
        yield ast.Slice(None, ast.BinOp(upper, ast.Sub(), lower)), None
    if not (lower and upper) and isinstance(lower or upper, ast.Constant | ast.BinOp):     # that is edited by itself
        return
    for sign in ast.Add(), ast.Sub():
        yield ast.Slice(*(bound and ast.BinOp(bound, sign, ast.Constant(1)) for bound in (lower, upper))), None


def of_array(name, arrays):
    """Another array of its shape; of a kernel, K x K, its flips, and its rows and columns exchanged."""
    array = arrays[name]
    for other, value in arrays.items():
        if other != name and value.shape == array.shape and value.dtype.kind == array.dtype.kind:
            yield ast.Name(other, LOAD), None
    if array.ndim > 2 and array.shape[0] == array.shape[1]:
        for flipped in "[::-1]", "[:, ::-1]", "[::-1, ::-1]", ".swapaxes(0, 1)":
            yield ast.parse(name + flipped, mode="eval").body, None


def edited(table, name, answer):
    """The sentence on the edit of a formula of the table that gives this answer in all its cases; None if none does.

    name, answer  see diagnosis.recognised; a result called "v of w" is v_of_w in the formula
    """
    name = name.replace(" ", "_")
    try:
        asked = [answer(args) for args in table.cases()]
    except Exception:           # on sizes that the function was not asked about: nothing can be compared
        return None
    if not asked or any(one is None for one in asked):
        return None
    with np.errstate(all="ignore"), catch_warnings(action="ignore"):
        for formula in table.formulas:
            if name not in formula.targets or all(gives(formula.compiled(), name, name, *one[:2]) for one in asked):
                continue                                # right where all sizes differ: what is wrong is not in there
            for words, target, function in formula.edits(asked[0][0], name):
                if all(gives(function, target, name, *one[:2]) for one in asked):
                    if " = " in words:                  # what there is in the place of the right one, which is not said
                        return f"yours is what  {words}  gives, one edit away from the right formula"
                    place = "" if target == name else f", in {target}"
                    return f"your answer equals the right formula with one edit: {words}{place}"
    return None


def gives(function, target, name, given, result):
    """Whether an edited formula gives this result; one that raises gives none. Where nothing but rounding is left of
    the target or the result, it could be another edit too."""
    try:
        values = function(*deepcopy(given))
        vanishes = any(np.abs(values[each]).max() < 1e-12 for each in (target, name))
        return not vanishes and equal(result, np.asarray(values[name]))
    except Exception:
        return False


def equal(a, b):
    """Whether the known wrong answer b, if there is one, is a: to 7 digits of its largest entry, and without an inf."""
    if b is None or np.shape(a) != np.shape(b) or np.asarray(a).dtype.kind not in "fiub":
        return False
    difference = np.abs(np.subtract(a, b, dtype=float))             # of booleans too
    return bool(np.isfinite(b).all() and np.all(difference <= 1e-7 * np.abs(b).max()))
