"""Why is a gradient wrong? First the known mistakes are tried, then what can be seen from the numbers alone.

Whatever is said here must be true. A mistake is named only if the learner's array equals the known wrong one to seven
digits on cases in which all sizes differ; a hint only states what was observed, where there is enough to observe: two
numbers can have anything in common by accident.
"""

from copy import deepcopy
from functools import partial
from itertools import chain, permutations

import numpy as np

from tinysegnet.checker.edits import edited, equal
from tinysegnet.checker.finite_differences import STEP, upstream, wrong_entries
from tinysegnet.checker.gradcheck import as_tuple

FEW = 3             # so many entries must speak for a hint
SPREAD = 8          # where all is zero, and in several rows and columns: one of them may just have been forgotten


def explain_gradient(case, name, worst, learner, truth, floor, table):
    """Reasons for a wrong gradient; `worst` is the index of the entry furthest off, None where the shape is wrong."""
    if worst is not None and (kink := kink_at(case, name, worst, floor[worst])):
        return [("hint", kink)]

    def answer(args):
        y, *_, cache = case.forward(*deepcopy(args))            # on copies, in case they are changed in place
        dy = upstream(np.asarray(y), seed=0)
        gradients = as_tuple(case.backward(dy.copy(), cache))
        same_forward = equal(y, table.forward(*args)[0])
        return ((dy, *args), gradients[case.names.index(name)], None) if same_forward else None

    def differ(a, b):
        return wrong_entries(a, b, floor.max())

    if worst is None:
        return explain(table, f"d{name}", answer, shape_hints(learner, truth, wrong_entries))
    wrong, axes = wrong_entries(learner, truth, floor), axis_names(name, truth.ndim, table)
    image = np.shape(case.args[0]) if table else ()
    measure = partial(case.measure, name)
    sentences = chain(
        overwritten(case, name, learner, wrong, differ),
        observations(learner, truth, wrong, differ, axes, measure, case.dy, image, floor.max()),
    )
    return explain(table, f"d{name}", answer, sentences, note_too=True)


def explain(table, name, answer, sentences, note_too=False):
    """Reasons, as (kind, sentence): known mistakes if it is one, or else the first thing to be seen, or else a note.

    table      of known mistakes, or None
    name       of the gradient or result
    answer     see recognised
    sentences  what can be seen without knowing the op, or None, the surest first
    note_too   a note that says why nothing was compared is given beside what is seen
    """
    named, note = recognised(table, name, answer) if table else ([], None)
    if named:
        return [("mistake", sentence) for sentence in named]
    if sentence := table and edited(table, name, answer):
        return [("mistake", sentence)]
    hints = [("hint", sentence) for sentence in sentences if sentence][:1]
    return [*hints, ("note", note)] if note and (note_too or not hints) else hints


def recognised(table, name, answer):
    """The sentences of the known mistakes that were made, if one was, in every case of the table; a note if none was.

    answer(args) -> what a mistake is given, what came out, and what is right, None if it is known that this is wrong;
    or None, if these are the mistakes of another function
    """
    candidates, wrong_somewhere = list(table.mistakes), False
    for args in table.cases():
        try:
            answered = answer(args)
        except Exception as error:          # a function may fail on sizes that it was not asked about
            return [], raised_on(args, error)
        if answered is None:
            return [], "not compared with the known mistakes: they are those of another forward"
        given, result, right = answered
        candidates = [wrong for wrong in candidates if equal(result, wrong(*deepcopy(given)).get(name))]
        wrong_somewhere = wrong_somewhere or bool(candidates and not equal(result, right))
    if candidates and wrong_somewhere:
        return sorted({wrong.sentence for wrong in candidates}), None
    return [], None


def raised_on(args, error):
    """A sentence on arguments with which a function fails."""
    if is_ours(error) and error.__cause__:  # whoever watches the function has wrapped it up
        error = error.__cause__
    sizes = ", ".join(str(a.shape) for a in args if isinstance(a, np.ndarray))
    text = " ".join(str(error).split())
    named = text if is_ours(error) else f"{type(error).__name__}{': ' if text else ''}{text}"
    return f"with arrays of {sizes} it fails: {named}"


def is_ours(error):
    """Whether it is of a kind whose text is said to people."""
    return type(error).__module__.partition(".")[0] in ("tinysegnet", "lessons")


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


def observations(learner, truth, wrong, differ, axes, measure=None, dy=None, image_shape=(), floor=0):
    """What can be seen in the numbers without knowing the op, the surest first; None for each that is not so.

    differ   differ(a, b): where an array differs from what it should be
    measure  of a gradient: measure(dy) gives that of another upstream gradient
    """

    def same(other):
        return not differ(learner, other).any()

    count, differing, right = np.count_nonzero(truth), np.count_nonzero(wrong), (truth != 0) & ~wrong
    spread = count >= (FEW if truth.ndim == 1 else SPREAD) and 1 not in truth.shape[1:3]
    yield "it is zero everywhere" if spread and not learner.any() else None
    if measure and truth.size > 1:
        ones = same(measure(np.ones_like(dy))[0])
        yield "it is what an upstream gradient of ones gives: where does dy come in?" if ones else None
    if truth.dtype.kind == "f" and count >= FEW:
        yield constant_ratio(learner, truth, same, image_shape, floor)
        apart = learner - truth
        everywhere = apart.any() and not differ(apart, np.full_like(apart, apart.mean())).any()
        than = "more" if apart.mean() > 0 else "less"
        yield f"it is {abs(apart.mean()):.6g} {than} than it should be, everywhere" if everywhere else None
        yield "it is right but for the sign of some entries" if same(np.copysign(truth, learner)) else None
    if truth.dtype.kind == "f" and differing >= FEW:
        yield transposed(learner, truth, same)
        moved = not differ(np.sort(learner, axis=None), np.sort(truth, axis=None)).any()
        yield "its numbers are the right ones, in other places" if moved else None
    yield only_one_image(measure, dy, same) if measure else None
    if np.count_nonzero(right) >= FEW:          # a 0 may be right by accident
        yield only_one_index(wrong, axes)
        yield only_the_border(wrong, right) if axes[1:2] == ("row",) else None
        if wrong.any() and not learner[wrong].any():
            yield f"it is 0 in {differing} of {wrong.size} places, and right in the others: what should reach them?"


def constant_ratio(learner, truth, same, image_shape, floor):
    large = np.abs(truth) > max(1e-3 * np.abs(truth).max(), 100 * floor)
    if np.count_nonzero(large) < FEW or not learner.any():
        return None
    ratio = (learner * truth).sum() / (truth * truth).sum()
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


def transposed(learner, truth, same):
    if truth.ndim == 4 and truth.shape[0] == truth.shape[1] > 1 and same(truth[::-1, ::-1]):
        return "it is the right answer rotated by 180 degrees in its first two axes"
    for order in permutations(range(truth.ndim)):
        swapped = truth.transpose(order)
        if swapped.shape == learner.shape and order != tuple(range(truth.ndim)) and same(swapped):
            return f"it is the right answer with its axes in the order {order}"
    return None


def overwritten(case, name, learner, wrong, differ):
    """A sentence, if any, on a gradient each of whose entries is one of the terms that should have been added up."""
    x, several, extremes = case.args[case.names.index(name)], 0, {np.max, np.min}
    for entry in np.argwhere(wrong):
        sides = []
        for step in STEP, -STEP:
            moved = x.copy()
            moved[tuple(entry)] += step
            sides.append(case.dy * case.y_with(name, moved))
        terms = (sides[0] - sides[1]) / (2 * STEP)
        terms = terms if terms.ndim == 1 else terms.sum(axis=-1)                # a term is what a pixel adds
        terms = terms[np.abs(terms) > 0]
        if len(terms) < 2 or differ(terms, np.full_like(terms, learner[tuple(entry)])).all():
            return
        several += 1
        extremes = {extreme for extreme in extremes if not differ(extreme(terms), learner[tuple(entry)]).any()}
    if several >= FEW and not extremes:         # a max in the place of a sum overwrites nothing
        yield ("each entry that is wrong is one of the terms whose sum it should be: is something overwritten (=) and "
               "not added up (+=)?")


def only_one_image(measure, dy, same):
    if dy.ndim < 3 or len(dy) < 2 or dy[0, ..., 0].size < 2:        # of one pixel, the pixel may be what is chosen
        return None
    why = {"last": "is something overwritten (=) and not added up (+=)?", "first": "does a loop end after it?"}
    for which, n in (("last", -1), ("first", 0)):
        of_one = np.zeros_like(dy)
        of_one[n] = dy[n]
        if same(measure(of_one)[0]):
            return f"only the {which} image of the batch is in it: {why[which]}"
    return None


def only_one_index(wrong, axes):
    places = []
    for axis, axis_name in enumerate(axes):
        there = np.flatnonzero(wrong.any(axis=tuple(a for a in range(wrong.ndim) if a != axis)))
        if len(there) == 1 and wrong.shape[axis] > 1:
            places.append(f"{axis_name} {there[0]}")
    return f"all that is wrong is in {', '.join(places)}" if places else None


def only_the_border(wrong, right):
    rows, columns = wrong.shape[1:3]
    for margin in range(1, (min(rows, columns) + 1) // 2):
        inside = np.s_[:, margin : rows - margin, margin : columns - margin]
        if not wrong[inside].any() and np.count_nonzero(right[inside]) >= FEW:
            return f"it is wrong only within {margin} of the border: how is the border treated?"
    return None


def axis_names(name, dimensions, table):
    """What the axes mean is known of images and kernels where there is a table of mistakes, and of what it says."""
    if table and len(table.axes) == dimensions:
        return table.axes
    if table and dimensions == 4:
        kernel = "kernel row", "kernel column", "input channel", "filter"
        return kernel if name == "w" else ("image", "row", "column", "channel")
    return [f"axis {axis}, index" for axis in range(dimensions)]


def shape_hints(learner, truth, differ):
    """What the values of an array of the wrong shape show, if anything."""
    if isinstance(learner, np.ndarray) and learner.ndim == truth.ndim and learner.shape != truth.shape:
        yield transposed(learner, truth, lambda it: it.shape == learner.shape and not differ(learner, it).any())
