"""Why is a gradient wrong? First the known mistakes are tried, then what can be seen from the numbers alone.

Whatever is said here must be true. A mistake is named only if yours equals the known wrong answer to seven digits on
cases in which all sizes differ; a hint only states what was observed.
"""

from copy import deepcopy
from itertools import permutations

import numpy as np

from tinysegnet.checker.finite_differences import STEP, upstream, wrong_entries


def explain(case, name, worst, yours, truth, floor, mistakes):
    """Reasons for a wrong gradient, as (kind, sentence): known mistakes if it is one, else what can be seen.

    worst     the index of the entry that is furthest off
    mistakes  the table of the op, or None
    """
    if kink := kink_at(case, name, worst, floor[worst]):
        return [("hint", kink)]
    named, note = recognised(case, name, mistakes) if mistakes else ([], None)
    if named:
        return [("mistake", sentence) for sentence in named]
    seen = next((text for text in observations(case, name, yours, truth, floor, mistakes) if text), None)
    reasons = [("hint", seen)] if seen else []
    return [*reasons, ("note", note)] if note and not (seen and note.startswith("none")) else reasons


def recognised(case, name, mistakes):
    """The sentences of the known mistakes whose answer `backward` gives on every case of the table; a note if none."""
    candidates = list(mistakes.MISTAKES)
    for args in mistakes.cases():
        try:
            y, *_, cache = case.forward(*deepcopy(args))        # on copies, in case they are changed in place
            dy = upstream(np.asarray(y), seed=0)
            gradients = case.backward(dy.copy(), cache)
        except Exception as error:      # a function under test may fail on sizes that it was not asked about
            return [], f"not compared with the known mistakes: on other sizes it raised {type(error).__name__}: {error}"
        if not equal(y, mistakes.forward(*args)[0]):
            return [], "not compared with the known mistakes: they are those of another forward"
        gradients = gradients if isinstance(gradients, tuple | list) else (gradients,)
        yours = gradients[case.names.index(name)]
        candidates = [wrong for wrong in candidates if equal(yours, wrong(dy, *args).get(f"d{name}"))]
    if candidates:
        return [" ".join(wrong.__doc__.split()) for wrong in candidates], None
    return [], f"none of the {len(mistakes.MISTAKES)} known mistakes gives this"


def kink_at(case, name, entry, floor):
    """A sentence if the forward has a kink there: the slopes to the two sides differ however small the step."""
    x = case.args[case.names.index(name)]

    def f(offset):
        moved = x.copy()
        moved[entry] += offset
        return float((case.dy * case.y_with(name, moved)).sum())

    def slopes(step):
        return (f(0) - f(-step)) / step, (f(step) - f(0)) / step

    (down, up), (far_down, far_up) = slopes(STEP), slopes(10 * STEP)
    bend = abs(up - down)                   # of a smooth function it is proportional to the step
    if bend < 1e-3 * max(abs(up), abs(down)) + 10 * floor or not 0.5 < bend / max(abs(far_up - far_down), 1e-300) < 2:
        return None
    return f"the forward has a kink here, of slopes {down:.3g} and {up:.3g}: no gradient exists; check elsewhere"


def observations(case, name, yours, truth, floor, mistakes):
    """What can be seen in the numbers without knowing the op, the surest first; None for each that is not so."""

    def same(other):
        return not wrong_entries(yours, other, floor.max()).any()

    wrong = wrong_entries(yours, truth, floor)
    ones, _ = case.measure(name, np.ones_like(case.dy))
    axes = axis_names(name, truth.ndim, mistakes)
    yield "it is zero everywhere" if not yours.any() else None
    yield "it is what an upstream gradient of ones gives: where does dy come in?" if same(ones) else None
    yield constant_ratio(yours, truth, same, np.shape(case.args[0]) if mistakes else (), floor.max())
    yield "it is right but for the sign of some entries" if same(np.copysign(truth, yours)) else None
    yield transposed(yours, truth, same)
    yield rearranged(yours, truth, lambda a, b: wrong_entries(a, b, floor.max()))
    yield only_one_image(case, name, same)
    yield only_one_index(wrong, axes)
    yield only_the_border(wrong) if axes[1:2] == ("row",) else None


def constant_ratio(yours, truth, same, image_shape, floor):
    large = np.abs(truth) > max(1e-3 * np.abs(truth).max(), 100 * floor)
    if np.count_nonzero(large) < 2:
        return None
    ratio = (yours * truth).sum() / (truth * truth).sum()
    if abs(ratio - 1) < 1e-3 or not same(ratio * truth):
        return None
    sizes = {}
    if len(image_shape) == 4:
        N, H, W, C = image_shape
        sizes = {"N": N, "H": H, "W": W, "C": C, "H*W": H * W, "N*H*W": N * H * W}
    equals = [text for text, size in sizes.items() if size > 2 and np.isclose(ratio, size)]     # a 2 can be anything
    equals += [f"1 / ({text})" for text, size in sizes.items() if size > 2 and np.isclose(ratio, 1 / size)]
    also = f"; here that is {' = '.join(equals)}" if equals else ""
    return f"it is {ratio:.6g} times what it should be, everywhere{also}"


def transposed(yours, truth, same):
    if truth.ndim == 4 and truth.shape[0] == truth.shape[1] > 1 and same(truth[::-1, ::-1]):
        return "it is the right answer rotated by 180 degrees in its first two axes"
    for order in permutations(range(truth.ndim)):
        swapped = truth.transpose(order)
        if swapped.shape == yours.shape and order != tuple(range(truth.ndim)) and same(swapped):
            return f"it is the right answer with its axes in the order {order}"
    return None


def rearranged(yours, truth, differ):
    if differ(np.sort(yours, axis=None), np.sort(truth, axis=None)).any():
        return None
    return "its numbers are the right ones, in other places"


def only_one_image(case, name, same):
    if case.dy.ndim < 2 or len(case.dy) < 2:
        return None
    for which, n in (("last", -1), ("first", 0)):
        dy = np.zeros_like(case.dy)
        dy[n] = case.dy[n]
        if same(case.measure(name, dy)[0]):
            return f"only the {which} image of the batch is in it: is something overwritten (=) and not added up (+=)?"
    return None


def only_one_index(wrong, axes):
    places = []
    for axis, axis_name in enumerate(axes):
        there = np.flatnonzero(wrong.any(axis=tuple(a for a in range(wrong.ndim) if a != axis)))
        if len(there) == 1 and wrong.shape[axis] > 1:
            places.append(f"{axis_name} {there[0]}")
    return f"it is wrong only in {', '.join(places)}" if places else None


def only_the_border(wrong):
    rows, columns = wrong.shape[1:3]
    for margin in range(1, (min(rows, columns) + 1) // 2):
        if not wrong[:, margin : rows - margin, margin : columns - margin].any():
            return f"it is wrong only within {margin} of the border: how is the border treated?"
    return None


def axis_names(name, dimensions, mistakes):
    """What the axes mean is known for the ops that have a table of mistakes."""
    if mistakes and dimensions == 4:
        kernel = "kernel row", "kernel column", "input channel", "filter"
        return kernel if name == "w" else ("image", "row", "column", "channel")
    return ("channel",) if mistakes and dimensions == 1 else [f"axis {axis}, index" for axis in range(dimensions)]


def explain_shape(yours, truth):
    """A reason for a gradient of the wrong shape, if its values show one."""
    if not isinstance(yours, np.ndarray) or yours.ndim != truth.ndim or yours.shape == truth.shape:
        return []
    hint = transposed(yours, truth, lambda other: other.shape == yours.shape and not wrong_entries(yours, other).any())
    return [("hint", hint)] if hint else []


def equal(a, b):
    """Whether the known wrong answer b, if there is one, is a: to 7 digits of its largest entry."""
    return b is not None and np.shape(a) == np.shape(b) and bool(np.all(np.abs(a - b) <= 1e-7 * np.abs(b).max()))
