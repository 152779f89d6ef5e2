"""Lesson 13: how functions are judged that are to run on both sides: with NumPy, on a pretended GPU, without a wait."""

from itertools import islice

import numpy as np
from numpy.random import default_rng  # by a --seed another one: see judge_file.py

from lessons.engine import course
from lessons.engine.exercises import DONE, TODO, WRONG, Exercise, Verdict, values
from lessons.engine.watch import TroubleError
from tinysegnet import ops
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops import conv
from tinysegnet.support.backend import array_module, to_numpy

pretend_gpu = course.beside(__file__, "pretend_gpu")    # by this name array_module looks it up
OPS = course.LIBRARY / "ops"
READ = "lessons/13_gpu/README.md"
ROUNDING = {np.float32: 1e-4, np.float64: 1e-10}


def on_both_sides(library, *cases, names, mistakes):
    """A check: right on NumPy, as `values` has it; then right on the device; then without a wait on the way."""

    def check(function):
        verdict = values(library, *cases, names=names, mistakes=mistakes)(function)["y"]
        if verdict.kind != DONE:
            return dict.fromkeys(("NumPy", "device", "waits"), verdict)
        said = {}
        for args in cases:
            for dtype in (np.float32, np.float64):
                args = [a.astype(dtype) if is_array(a) and a.dtype.kind == "f" else a for a in args]
                pretend_gpu.waits.clear()
                try:
                    text = on_the_device(function, args, ROUNDING[dtype])
                except TroubleError as trouble:
                    text = f"  on the device, where with NumPy it runs:\n{trouble}"
                if text and "device" not in said:
                    said |= {"device": text, "waits": text}
                if pretend_gpu.waits:
                    said.setdefault("waits", f"  the host waits for the device:\n{waits()}")
        return verdicts(("NumPy", "device", "waits"), said)

    return check


def verdicts(parts, said):
    """Wrong is what something was said about."""
    return {part: Verdict(WRONG, said[part]) if part in said else Verdict(DONE) for part in parts}


def waits():
    """A line for each place where the host has waited."""
    return "\n".join(f"    {line}" for line in dict.fromkeys(pretend_gpu.waits))


def on_the_device(function, args, rounding):
    """A sentence if the function does not do there what it does with NumPy; None if it does."""
    right = function(*args)
    found = function(*(pretend_gpu.asarray(a) if is_array(a) else a for a in args))
    name = function.__name__
    if not isinstance(found, pretend_gpu.ndarray):
        kind = f"{type(found).__name__} of {type(found).__module__.partition('.')[0]}"
        return f"  {name} was given device arrays and gives a {kind}:\n  the result must be where the arguments are"
    found = found.host
    if found.shape != right.shape or found.dtype != right.dtype:
        return f"  {name} gives {right.dtype} {right.shape} with NumPy, and {found.dtype} {found.shape} on the device"
    if np.abs(found - right).max(initial=0) > rounding * np.abs(right).max(initial=0):
        return f"  {name} gives other numbers on the device than with NumPy"
    return None


def is_array(a):
    return isinstance(a, np.ndarray)


# ---- pad


def picture(N, H, W, C, seed=0):
    return default_rng(seed).standard_normal((N, H, W, C))


def padded(*widths, **options):
    """x with so many times the margin before and after each axis."""
    return lambda x, margin: np.pad(x, margin * np.array(widths), **options)


PAD = Table(READ, lambda: ((picture(2, 4, 5, 3), 1), (picture(1, 3, 6, 2, seed=1), 2)), results=("y",))
PAD.mistake("the margin is twice as wide as it should be", margin_twice=padded((0, 0), (2, 2), (2, 2), (0, 0)))
PAD.mistake("zeros come before the rows and columns, but not after them",
            before_only=padded((0, 0), (1, 0), (1, 0), (0, 0)))
PAD.mistake("only rows are added: columns belong to the margin too", rows_only=padded((0, 0), (1, 1), (0, 0), (0, 0)))
PAD.mistake("only columns are added: rows belong to the margin too",
            columns_only=padded((0, 0), (0, 0), (1, 1), (0, 0)))
PAD.mistake("images and channels are added too: only rows and columns have a margin",
            every_axis=padded((1, 1), (1, 1), (1, 1), (1, 1)))
PAD.mistake("x stands in the upper left corner: it should begin at row and column `margin`",
            in_the_corner=padded((0, 0), (0, 2), (0, 2), (0, 0)))
PAD.mistake("the margin repeats the border of x: it should be 0",
            edge_repeated=padded((0, 0), (1, 1), (1, 1), (0, 0), mode="edge"))
PAD.mistake("the margin is at the axes of images and rows: rows and columns are axes 1 and 2",
            other_axes=padded((1, 1), (1, 1), (0, 0), (0, 0)))
PAD.mistake("zeros come after the rows and columns, but not before them",
            after_only=padded((0, 0), (0, 1), (0, 1), (0, 0)))
PAD.mistake("the margin is 1: it should be 0",
            ones=padded((0, 0), (1, 1), (1, 1), (0, 0), constant_values=1))
PAD.mistake("the margin mirrors x: it should be 0",
            mirrored=padded((0, 0), (1, 1), (1, 1), (0, 0), mode="reflect"))
PAD.mistake("the margin has the other side of x: it should be 0",
            wrapped=padded((0, 0), (1, 1), (1, 1), (0, 0), mode="wrap"))
PAD.mistake("x begins at column 0: it should begin at row and column `margin`",
            at_the_left=padded((0, 0), (1, 1), (0, 2), (0, 0)))
PAD.mistake("x begins at row 0: it should begin at row and column `margin`",
            at_the_top=padded((0, 0), (0, 2), (1, 1), (0, 0)))
PAD_CASES = (
    (picture(1, 2, 2, 1), 1),
    (picture(2, 4, 5, 3), 2),
    (picture(1, 1, 1, 2), 3),
    (picture(1, 3, 2, 1), 0),
)


# ---- pixel_weights


def pixel_weights(labels, class_weights, ignore):
    """The library's: the last of what its loss keeps."""
    logits = array_module(labels).zeros((*labels.shape, class_weights.shape[0]), class_weights.dtype)
    _, (_, _, weights) = ops.softmax_cross_entropy(logits, labels, class_weights, ignore)
    return weights


def divided(divisor, of_all=False):
    """The class weights of the labelled pixels, or of all, divided by divisor(weights, labelled)."""

    def wrong(labels, class_weights, ignore):
        labelled = labels != ignore
        weights = (labels[..., None] == np.arange(len(class_weights))) @ class_weights
        weights = weights if of_all else weights * labelled
        return weights / divisor(weights, labelled)

    return wrong


def annotated(N, H, W, classes, ignore, seed, share=0.3):
    """Labels, some of which are `ignore`, and class weights."""
    rng = default_rng(seed)
    labels = rng.integers(0, classes, (N, H, W)).astype(np.uint8)
    labels[rng.random(labels.shape) < share] = ignore
    return labels, rng.uniform(0.5, 3, classes), ignore


WEIGHTS = Table(READ, lambda: (annotated(2, 4, 5, 3, 1, 10), annotated(3, 3, 4, 4, 0, 11)), results=("y",))
WEIGHTS.mistake("the weights are not divided by the number of labelled pixels",
                not_divided=divided(lambda weights, labelled: 1))
WEIGHTS.mistake("the divisor is the number of all pixels: it should be that of the labelled ones",
                by_all_pixels=divided(lambda weights, labelled: labelled.size))
WEIGHTS.mistake("the divisor is the number of ignored pixels: it should be that of the labelled ones",
                by_the_ignored=divided(lambda weights, labelled: (~labelled).sum()))
WEIGHTS.mistake("the divisor is the sum of the weights: it should be the number of labelled pixels",
                by_the_weights=divided(lambda weights, labelled: weights.sum()))
WEIGHTS.mistake("each image is divided by its own number of labelled pixels: one number holds for the whole batch",
                by_the_image=divided(lambda weights, labelled: labelled.sum(axis=(1, 2), keepdims=True)))
WEIGHTS.mistake("the divisor is one more than the number of labelled pixels: it should be that number, or 1 if it is "
                "0", one_more=divided(lambda weights, labelled: labelled.sum() + 1))
WEIGHTS.mistake("ignored pixels have a weight where `ignore` is the number of a class: they should have 0",
                ignored_too=divided(lambda weights, labelled: labelled.sum(), of_all=True))
WEIGHTS.mistake("`ignore` is not looked at: those pixels should have weight 0, and not be counted",
                ignored_and_counted=divided(lambda weights, labelled: labelled.size, of_all=True))
WEIGHTS.mistake("an ignored pixel has the weight of class 0: it should have 0",
                ignored_as_class_0=lambda labels, class_weights, ignore: (
                    class_weights[np.where(labels == ignore, 0, labels)] / (labels != ignore).sum()))
WEIGHTS.mistake("the weights of the classes do not come in: each labelled pixel has the same",
                class_weights_left_out=lambda labels, class_weights, ignore: (
                    pixel_weights(labels, np.ones_like(class_weights), ignore)))
WEIGHTS.mistake("each pixel has the weight of the class after its own",
                next_class=lambda labels, class_weights, ignore: (
                    pixel_weights(labels, np.roll(class_weights, -1), ignore)))
WEIGHTS.mistake("each pixel has the weight of the class before its own",
                class_before=lambda labels, class_weights, ignore: (
                    pixel_weights(labels, np.roll(class_weights, 1), ignore)))
WEIGHTS.mistake("the weights are multiplied by the number of labelled pixels: divide by it",
                multiplied=divided(lambda weights, labelled: 1 / labelled.sum()))
WEIGHTS.mistake("the divisor is the number of images: it should be that of the labelled pixels",
                by_the_images=divided(lambda weights, labelled: len(labelled)))
WEIGHTS_CASES = (
    annotated(1, 2, 3, 2, 255, 1),
    annotated(2, 4, 5, 11, 11, 2),              # CamVid's void
    annotated(2, 3, 4, 3, 1, 3),                # `ignore` is the number of a class
    annotated(1, 3, 3, 4, 255, 4, share=0.0),
    annotated(2, 3, 2, 3, 255, 5, share=1.1),   # nothing is labelled
    annotated(1, 1, 1, 1, 255, 6, share=0.0),
)


# ---- class_sums


def class_sums(values, labels, classes):
    """By the library's dw of a 1 x 1 convolution, x^T dy, whose x says of each pixel which class it is."""
    xp = array_module(values)
    x = (labels[..., None] == xp.arange(classes)).astype(values.dtype)                  # (N, H, W, classes)
    w = xp.zeros((1, 1, classes, values.shape[3]), values.dtype)
    return ops.conv2d_backward(values, (x, w), need_dx=False)[1][0, 0]


def coloured(N, H, W, C, classes, seed, highest=None):
    """Values, and labels 0 to `highest`, of which those from `classes` on are none."""
    rng = default_rng(seed)
    labels = rng.integers(0, classes if highest is None else highest + 1, (N, H, W)).astype(np.uint8)
    return rng.standard_normal((N, H, W, C)), labels, classes


def one_hot(labels, classes):
    """(pixels, classes)"""
    return (labels.reshape(-1, 1) == np.arange(classes)).astype(float)


SUMS = Table(
    READ, lambda: (coloured(2, 4, 5, 2, 3, 20, highest=4), coloured(3, 3, 4, 4, 3, 21, highest=4)), results=("y",)
)


@SUMS.mistake("only one pixel of each class is in the sums: where several go to one place, += keeps one of them")
def last_one(values, labels, classes):
    sums = np.zeros((classes, values.shape[3]))
    sums[labels[labels < classes]] += values[labels < classes]
    return sums


SUMS.mistake("these are means: the sums are asked for",
             means=lambda values, labels, classes: (
                 class_sums(values, labels, classes) / class_sums(np.ones_like(values), labels, classes)))
SUMS.mistake("the pixels are counted: their values should be added up",
             counts=lambda values, labels, classes: class_sums(np.ones_like(values), labels, classes))
SUMS.mistake("only the first image is in the sums",
             first_image=lambda values, labels, classes: class_sums(values[:1], labels[:1], classes))
SUMS.mistake("only the last image is in the sums: is something overwritten and not added up?",
             last_image=lambda values, labels, classes: class_sums(values[-1:], labels[-1:], classes))
SUMS.mistake("labels that are no class are counted with the last class: they count nowhere",
             clipped=lambda values, labels, classes: class_sums(values, np.minimum(labels, classes - 1), classes))
SUMS.mistake("labels that are no class are counted with some class, by their remainder: they count nowhere",
             wrapped=lambda values, labels, classes: class_sums(values, labels % classes, classes))
SUMS.mistake("class 0 is left out: it is a class like the others",
             without_class_0=lambda values, labels, classes: (
                 class_sums(values * (labels > 0)[..., None], labels, classes)))
SUMS.mistake("the axes are exchanged: classes come first, then channels",
             transposed=lambda values, labels, classes: class_sums(values, labels, classes).T)
SUMS.mistake("all channels are added to one number: each has a sum of its own",
             all_channels=lambda values, labels, classes: class_sums(values, labels, classes).sum(axis=1))
SUMS.mistake("values are reshaped to (C, pixels), which mixes them: reshape to (pixels, C), then transpose",
             channels_first=lambda values, labels, classes: (
                 values.reshape(values.shape[3], -1) @ one_hot(labels, classes)).T)
SUMS.mistake("the matrix of 0 and 1 is reshaped to (classes, pixels), which mixes them: transpose it",
             classes_first=lambda values, labels, classes: (
                 one_hot(labels, classes).reshape(classes, -1) @ values.reshape(-1, values.shape[3])))
SUMS.mistake("the sums are divided by the number of pixels: leave that out",
             over_pixels=lambda values, labels, classes: class_sums(values, labels, classes) / labels.size)
SUMS.mistake("the sums are divided by the number of images: leave that out",
             over_images=lambda values, labels, classes: class_sums(values, labels, classes) / len(labels))
SUMS.mistake("the sum of each class is in the row after its own: row 0 is for class 0",
             a_row_late=lambda values, labels, classes: np.roll(class_sums(values, labels, classes), 1, axis=0))
SUMS.mistake("the sum of each class is in the row before its own: row 0 is for class 0",
             a_row_early=lambda values, labels, classes: class_sums(values, labels, classes + 1)[1:])
SUMS.mistake("the last class is left out: it is a class like the others",
             without_the_last=lambda values, labels, classes: (
                 class_sums(values * (labels != classes - 1)[..., None], labels, classes)))
VOID = np.array([[[0, 255], [255, 1]]], np.uint8)
SUMS_CASES = (
    (np.arange(4.0).reshape(1, 2, 2, 1), np.array([[[0, 1], [1, 1]]], np.uint8), 2),
    coloured(2, 4, 5, 3, 4, 1),
    (picture(1, 2, 2, 3), VOID, 2),             # void is far from any class
    coloured(1, 3, 3, 2, 5, 2, highest=1),      # classes without a pixel
    (100 + picture(2, 5, 6, 2), np.zeros((2, 5, 6), np.int64), 1),
)


# ---- train


def train(step, batches, every):
    """The library reads one loss at a time; this is the same with groups."""
    losses, batches = [], iter(batches)
    while group := [step(batch) for batch in islice(batches, every)]:
        losses.extend(to_numpy(array_module(group[0]).stack(group)))
    return losses


class Training:
    """Steps on a device, under observation: what was asked for, and when."""

    def __init__(self, steps, xp):
        self.xp, self.made, self.done, self.trouble, self.looked = xp, 0, 0, None, []
        rng = default_rng(steps)
        self.losses = rng.uniform(0.5, 2, steps).astype(np.float32)

    def batches(self):
        for number in range(len(self.losses)):
            if self.made - self.done > 1:
                self.trouble = self.trouble or "takes batches out before they are needed: they do not all fit in memory"
            self.made += 1
            yield number

    def step(self, number):
        self.look()
        if number != self.done:
            again = "a batch twice" if number == self.done - 1 else "the batches in another order"
            self.trouble = self.trouble or f"gives step {again}: each once, as they come"
        self.done = number + 1
        return self.xp.asarray(self.losses[number])

    def look(self):
        """Note after which steps the host has waited."""
        self.looked += [self.done] * (len(pretend_gpu.waits) - len(self.looked))


LADDER = (1, 1), (3, 1), (4, 2), (7, 3), (3, 5), (9, 4)      # steps, every


def check_train(function):
    said = {}
    for steps, every in LADDER:
        for xp in (np, pretend_gpu):
            run, where = Training(steps, xp), "with NumPy" if xp is np else "on the device"
            pretend_gpu.waits.clear()
            try:
                found = function(run.step, run.batches(), every)
            except TroubleError as trouble:
                if "losses" not in said:
                    said |= dict.fromkeys(("losses", "waits"), f"  {where}:\n{trouble}")
                continue
            run.look()
            case = f"\n  case  {steps} steps, every {every}, {where}"
            if found is None:
                return dict.fromkeys(("losses", "waits"), Verdict(TODO))
            if text := about_losses(found, run):
                said.setdefault("losses", f"  train {text}{case}")
            if xp is pretend_gpu and (text := about_waits(run, every)):
                said.setdefault("waits", f"  train {text}{case}")
    return verdicts(("losses", "waits"), said)


def about_losses(found, run):
    """What is wrong with the losses, or with what was trained on; None if nothing is."""
    losses = run.losses
    if run.trouble:
        return run.trouble
    if run.done != len(losses):
        return f"makes {run.done} of {len(losses)} steps"
    if isinstance(found, pretend_gpu.ndarray):
        return "gives an array that is still on the device: bring it to the host"
    if not isinstance(found, list | tuple | np.ndarray):
        return f"should give a list or a NumPy array, gives {type(found).__name__}"
    if any(isinstance(loss, pretend_gpu.ndarray) for loss in found):
        return "gives losses that are still on the device: bring them to the host"
    if any(np.ndim(loss) for loss in found):
        return "gives a list of arrays, one for each group: all losses should be in one list"
    try:
        found = np.array(found, float)
    except (TypeError, ValueError):
        return "gives a list of what are no numbers: the losses should be in it"
    if len(found) != len(losses):
        missing = len(losses) - len(found)
        if 0 < missing and np.allclose(found, losses[: len(found)]):
            last = "loss of the last step" if missing == 1 else f"losses of the last {missing} steps"
            return f"leaves out the {last}: the last group may be smaller"
        return f"gives {len(found)} losses for {len(losses)} steps"
    if np.allclose(found, losses):
        return None
    if np.allclose(np.sort(found), np.sort(losses)):
        return "gives the losses in another order"
    if np.allclose(found, np.cumsum(losses)):
        return "gives the sum of all losses so far: each should stand for itself"
    return "gives other losses than the steps did"


def about_waits(run, every):
    """Whether the host waited too often or too seldom; None if neither."""
    steps = len(run.losses)
    allowed = -(-steps // every)
    if len(run.looked) > allowed:
        more = ": one for each step" if len(run.looked) == steps else ""
        return f"makes the host wait {len(run.looked)} times{more}, where {allowed} would do\n{waits()}"
    stops = [0, *run.looked]
    for before, after in zip(stops, [*stops[1:], steps]):
        if after - before > every:
            return f"looks at no loss from step {before + 1} to step {after}: a NaN would go on too long"
    return None


LARGE = picture(2, 90, 120, 16).astype(np.float32)
LABELS = default_rng(0).integers(0, 11, (2, 90, 120)).astype(np.uint8)

EXERCISES = (
    Exercise(
        "pad",
        on_both_sides(conv.pad, *PAD_CASES, names=("x", "margin"), mistakes=PAD),
        answer=conv.pad,
        hints=(
            "np.zeros makes its array on the host, whatever x is. Who can make one where x is?",
            "xp = array_module(x) is the library that x belongs to. It has zeros, with the same arguments as NumPy's; "
            "do not forget x.dtype. N, H, W, C = x.shape are plain numbers on both sides.",
            "xp = array_module(x), and then padded = xp.zeros(...)",
        ),
        differs="is one line: array_module(x) has a pad as well",
        read="tinysegnet/ops/conv.py",
        forbidden=OPS,
        race=lambda: (LARGE, 3),
    ),
    Exercise(
        "pixel_weights",
        on_both_sides(pixel_weights, *WEIGHTS_CASES, names=("labels", "class_weights", "ignore"), mistakes=WEIGHTS),
        answer=pixel_weights,
        hints=(
            "What needs no question to the device? A product with a mask, in the place of an index. And to divide by "
            "the larger of two numbers, instead of asking whether one of them is 0.",
            "labels[..., None] == xp.arange(K) is (N, H, W, K): True where a pixel is of a class. Times class_weights, "
            "(K,), summed over axis 3, gives the weights. The count is a 0-d array of whole numbers, and float32 "
            "divided by that is float64: astype.",
            "labelled = labels != ignore; count = xp.maximum(labelled.sum(), 1).astype(class_weights.dtype)",
        ),
        differs="does this inside the loss",
        read="tinysegnet/ops/loss.py",
        forbidden=OPS,
        race=lambda: (LABELS, np.ones(11, np.float32), 255),
    ),
    Exercise(
        "class_sums",
        on_both_sides(class_sums, *SUMS_CASES, names=("values", "labels", "classes"), mistakes=SUMS),
        answer=class_sums,
        hints=(
            "To add up by an index is a matrix product with a matrix of 0 and 1. Lesson 03 had a sum over all pixels "
            "of what goes in times what comes back: x^T dy.",
            "one_hot is (pixels, classes), in the dtype of values, and values are (pixels, C). The product that sums "
            "over the pixels is (classes, pixels) @ (pixels, C).",
            "one_hot = (labels.reshape(-1, 1) == xp.arange(classes)).astype(values.dtype)",
        ),
        differs="is the dw of a 1 x 1 convolution, whose x says of each pixel which class it is",
        read="tinysegnet/ops/conv_1x1.py",
        forbidden=OPS,
        race=lambda: (LARGE, LABELS, 11),
    ),
    Exercise(
        "train",
        check_train,
        answer=train,
        hints=(
            "A loss that nobody looks at can stay where it is. Keep `every` of them in a list, and look at all "
            "of these at once.",
            "array_module(group[0]).stack(group) makes of a list of 0-d arrays one array (len(group),), still on the "
            "device. to_numpy brings it over, with one wait. What is left in the list after the last batch?",
            "losses, group = [], []; then for batch in batches: group.append(step(batch))",
        ),
        differs="counts a group with islice; that of the library, train_steps, reads one loss for each step",
        read="tinysegnet/training/loop.py",
        forbidden=OPS,
        race=lambda: (np.float32, list(range(200)), 5),
    ),
)
