"""Is a backward right? Finite differences decide, and a report says in words what is wrong.

    check_backward(conv2d, conv2d_backward, x, w, b, names=("x", "w", "b"))

passes in silence, or raises GradientError whose text is the report.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tinysegnet.checker.finite_differences import central_differences, upstream, wrong_entries
from tinysegnet.support.shapes import is_array

# How much of a gradient may be hidden by rounding before the check is refused, as a share of its largest entry.
MOST_BLUR = 1e-5


class GradientError(AssertionError):
    """A backward is wrong. The text is the report; `wrong` names the gradients that are, and what else is amiss."""

    def __init__(self, text, wrong=()):
        super().__init__(text)
        self.wrong = set(wrong)


class Case(NamedTuple):
    """One check: the two functions, the arguments in float64, the upstream gradient."""

    forward: Callable
    backward: Callable
    names: tuple
    args: tuple
    dy: np.ndarray

    def measure(self, name, dy):
        """The gradient of sum(dy * y) with respect to the argument of that name, and its rounding floor."""
        return central_differences(lambda moved: dy * self.y_with(name, moved), self.args[self.names.index(name)])

    def y_with(self, name, moved):
        i = self.names.index(name)
        return self.forward(*self.args[:i], moved, *self.args[i + 1 :])[0]


def check_backward(forward, backward, *args, names=("x", "w", "b"), mistakes=None, seed=0):
    """Check every entry of every gradient that `backward` returns, and raise GradientError if one is wrong.

    forward   forward(*args) -> y, ..., cache
    backward  backward(dy, cache) -> the gradients of args[:len(names)] in that order; a bare array counts as one
    args      arrays, then constants: the first len(names) are differentiated, in float32 and in float64
    names     of the differentiated arguments; the gradient of "w" is called "dw"
    mistakes  a table of known wrong answers, by default that in checker/mistakes/ for a backward of that name
    seed      of the upstream gradient, which is random: one of ones would make the true dx of batch norm zero

    Keep args away from kinks and ties, a ReLU's 0 or two equal values in a pooling window: a difference across a kink
    is no gradient. A function of another form needs two lines in between:

        def pool(x):
            y, corners = max_pool(x)
            return y, (corners, x.shape)

    Raises ValueError if names do not belong to args, or if forward returns no tuple, draws random numbers, or gives a y
    so large that rounding hides what it is about.
    """
    check_use(forward, args, names)
    violations = {}                                                     # "dw": what is wrong with it
    for dtype in (np.float32, np.float64):
        violations |= contract_violations(forward, backward, cast(args, dtype), names, seed)

    args = cast(args, np.float64)
    y, learner = run(forward, backward, args, names, seed)
    dy = upstream(y, seed)
    case = Case(forward, backward, names, args, dy)
    truth, floor, wrong = {}, {}, {}
    for name in names:
        truth[name], floor[name] = case.measure(name, dy)
        if is_floating(learner[name], truth[name].shape):
            wrong[name] = wrong_entries(learner[name], truth[name], floor[name])
        if floor[name].max() > MOST_BLUR * max(np.abs(truth[name]).max(), np.abs(dy).max()):
            raise ValueError(f"check_backward: y is too large, up to {np.abs(y).max():.3g}, to measure d{name}: "
                             "rounding would hide a wrong gradient. Use arguments that give a y of about 1")
    _, f32 = run(forward, backward, cast(args, np.float32), names, seed)
    violations |= single_precision_differs(f32, learner, violations)
    if violations or any(entries.any() for entries in wrong.values()):
        from tinysegnet.checker.report import gradient_report  # a right backward needs no words

        bad = violations.keys() | {f"d{name}" for name, entries in wrong.items() if entries.any()}
        raise GradientError(gradient_report(case, learner, f32, truth, floor, wrong, violations, mistakes, seed), bad)


def check_use(forward, args, names):
    """Raise ValueError if check_backward cannot work on these."""
    named = args[: len(names)]
    if not named or len(named) < len(names) or not all(map(is_floating, named)):
        raise ValueError(f"check_backward: names {names} should name the first of args, each a floating array")
    first, second = forward(*cast(args, np.float64)), forward(*cast(args, np.float64))
    if not isinstance(first, tuple):
        raise ValueError("check_backward: forward should return a tuple (y, ..., cache), if need be (y, None)")
    if not np.array_equal(first[0], second[0], equal_nan=True):
        raise ValueError("check_backward: forward gives another y when called again: draw its random numbers outside")


def run(forward, backward, args, names, seed):
    """y, and the gradients by the names of their arguments, computed on copies in case they are changed in place."""
    y, *_, cache = forward(*cast(args, args[0].dtype))
    return np.asarray(y), dict(zip(names, as_tuple(backward(upstream(np.asarray(y), seed), cache))))


def single_precision_differs(single, double, violations):
    """Gradients that are right in shape and dtype, but whose float32 values are not those of float64, as violations."""
    floating = {name: g for name, g in double.items() if is_floating(g)}
    largest = max((np.abs(g).max(initial=0) for g in floating.values()), default=0)
    return {
        f"d{name}": "has other values in float32 than in float64" for name, g in floating.items()
        if f"d{name}" not in violations and np.abs(single[name] - g).max() > 1e-3 * np.abs(g).max() + 1e-4 * largest
    }


def is_floating(gradient, shape=None):
    return is_array(gradient) and shape in (None, gradient.shape) and gradient.dtype.kind == "f"


def contract_violations(forward, backward, args, names, seed):
    """What an op must keep whatever its values: returns {"dw": sentence, ...}, empty if it does.

    As many gradients as names, arrays of the shape and dtype of their arguments, finite; nothing changed in place, the
    cache neither, so that a second call gives the same.
    """
    before = [np.copy(a) for a in args]
    y, *_, cache = forward(*args)
    y = np.asarray(y)
    dy = upstream(y, seed)
    given = dy.copy()
    gradients = tuple(np.copy(g) if is_array(g) else g for g in as_tuple(backward(given, cache)))
    if len(gradients) != len(names):
        wanted = ", ".join(f"d{name}" for name in names)
        text = f"{name_of(backward)} should return {wanted}: {len(names)} arrays, not {len(gradients)}"
        raise GradientError(text, [f"d{name}" for name in names])

    broken = {}
    if y.dtype != args[0].dtype:
        broken["y"] = f"should be {args[0].dtype} like {names[0]}, is {y.dtype}"
    for name, first, second in zip(names, gradients, as_tuple(backward(dy.copy(), cache))):
        if is_floating(first) and not np.array_equal(first, second, equal_nan=True):
            broken[f"d{name}"] = "is another one if asked for again: was the cache changed in place?"
    labels = [*names, *(f"argument {i + 1}" for i in range(len(names), len(args)))]
    for label, old, new in [*zip(labels, before, args), ("dy", dy, given)]:
        if not np.array_equal(old, np.asarray(new), equal_nan=np.asarray(old).dtype.kind == "f"):
            broken[label] = "was changed in place: an op must not change what it is given"
    for name, a, gradient in zip(names, args, gradients):
        if not is_array(gradient):
            broken[f"d{name}"] = f"should be an array, is {type(gradient).__name__}"
        elif gradient.shape != a.shape:
            broken[f"d{name}"] = f"should have the shape of {name}, {a.shape}, has {gradient.shape}"
        elif gradient.dtype != a.dtype:
            broken[f"d{name}"] = f"should be {a.dtype} where {name} is {a.dtype}, is {gradient.dtype}"
        elif count := np.count_nonzero(~np.isfinite(gradient)):
            broken[f"d{name}"] = f"has NaN or infinite entries, {count} of {gradient.size}, in {gradient.dtype}"
    return broken


def cast(args, dtype):
    """args with copies of the arrays, of the floating ones in that dtype."""
    return tuple(a.astype(dtype if a.dtype.kind == "f" else a.dtype) if isinstance(a, np.ndarray) else a for a in args)


def name_of(function):
    return getattr(function, "__name__", "the backward")            # a functools.partial has no name


def as_tuple(gradients):
    return gradients if isinstance(gradients, tuple | list) else (gradients,)
