"""Lesson 22: how sigmoid, the two losses and their backwards are judged: by a softmax of two logits, by the Dice loss
of lesson 18, and by measurement."""

from functools import wraps
from types import SimpleNamespace

import numpy as np

from lessons.engine import course
from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import ops
from tinysegnet.checker.finite_differences import upstream
from tinysegnet.checker.mistakes.table import Table

six = course.load(course.LESSONS / "18_six_more" / "test_exercise.py")
PAGE, READ, VOID = "lessons/22_two_classes/README.md", "tinysegnet/ops/loss.py", 255
rng = np.random.default_rng(21)


# ---- the answers, of which the library has none under these names ----

def with_zero(z):
    """Two logits of each pixel, 0 and z."""
    return np.stack([np.zeros_like(z), z], axis=-1)


def sigmoid(z):
    return ops.softmax(with_zero(z))[..., 1]


def library_loss(z, labels, ignore):
    return ops.softmax_cross_entropy(with_zero(z), labels, np.ones(2), ignore)


def binary_cross_entropy(z, labels, ignore):
    return library_loss(z, labels, ignore)[0], (z, labels, ignore)


def binary_cross_entropy_backward(dloss, cache):
    return ops.softmax_cross_entropy_backward(dloss, library_loss(*cache)[1])[..., 1]


def foreground_dice(z, labels, ignore, smooth):
    """By the Dice loss of lesson 18, of one class: its number there is 0, that of the background 1."""
    numbers = np.where(labels == ignore, -1, labels != 1)
    loss, _ = six.forwards.dice_loss(sigmoid(z)[..., None], numbers, -1, smooth)
    return loss, (z, labels, ignore, smooth)


measured_dice_backward = six.measured(foreground_dice, ("z",))


# ---- cases ----

def logits_and_labels(seed, *shape, cells=0.4, void=0.2, scale=2.0, dtype=np.int64):
    """z of either sign, and labels of which a share are cells and a share does not count."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(shape) < cells).astype(dtype)
    labels[rng.random(shape) < void] = VOID
    return scale * rng.standard_normal(shape), labels, VOID


def row(z, labels):
    return np.reshape(z, (1, 1, -1)).astype(float), np.reshape(labels, (1, 1, -1)), VOID


FIRST = row(np.log([3, 1 / 3, 1, 9]), [1, 0, 0, VOID])          # that of the page: p is 3/4, 1/4, 1/2, 9/10
LARGE = row([1000, -1000, 1000, -1000, 40], [1, 0, 0, 1, 0])
CASES = (
    FIRST, row([0.5], [1]),
    logits_and_labels(1, 2, 3, 4, void=0), logits_and_labels(2, 3, 4, 5), logits_and_labels(3, 2, 5, 3, dtype=np.uint8),
    (*row([1.0, -2.0], [2, 0])[:2], 2),                         # another label is the one to ignore
    logits_and_labels(4, 2, 3, 3, cells=0), logits_and_labels(5, 1, 2, 2, cells=1, void=0),
)
NONE_LABELLED = row([1.0, -2.0], [VOID, VOID])
SURE = row([30, -30, 30, -30, 1], [1, 0, 0, 1, 1])
DICE_CASES = (
    *((*case, 1.0) for case in (*CASES, NONE_LABELLED)),
    (*logits_and_labels(6, 2, 4, 3, cells=0.1), 0.25), (*logits_and_labels(7, 3, 2, 4), 5.0),
    (*logits_and_labels(8, 2, 3, 5), 0.0),
)
BATCH = logits_and_labels(9, 8, 48, 64, cells=0.15)


# ---- sigmoid ----

SIGMOID = Table(PAGE, lambda: ((logits_and_labels(11, 2, 4, 5)[0],), (logits_and_labels(12, 3, 7, 6)[0],)), ("p",))


@SIGMOID.formula
def right_p(z):
    p = 1 / (1 + np.exp(-z))
    return p


SIGMOID.mistake("the sign of z is turned round: a large z is to give a p near 1", sign=lambda z: sigmoid(-z))
SIGMOID.mistake("it is exp(z) alone, the odds: divide it by 1 + exp(z)", odds=np.exp)
SIGMOID.mistake("the exponentials are divided by their sum over all pixels: each pixel has a sum of its own, of its "
                "two classes", over_all=lambda z: np.exp(z) / np.exp(z).sum())
SIGMOID.mistake("it is tanh, which goes from -1 to 1: the sigmoid is (1 + tanh(z / 2)) / 2", tanh=np.tanh,
                tanh_of_half=lambda z: np.tanh(z / 2))
SIGMOID.mistake("it is (1 + tanh(z)) / 2, the sigmoid of 2 * z: take tanh of z / 2",
                of_twice=lambda z: (1 + np.tanh(z)) / 2)
SIGMOID.mistake("it is p * (1 - p), the slope of the sigmoid", slope=lambda z: sigmoid(z) * (1 - sigmoid(z)))
SIGMOID.mistake("it is 1 where z is above 0 and 0 elsewhere: the sigmoid is all that lies between", step=lambda z: (
    z > 0).astype(z.dtype))
SIGMOID.mistake("where z is below 0 it has the p of -z: exp(-|z|) is of the right size, but there p is e / (1 + e)",
                never_below_half=lambda z: sigmoid(np.abs(z)))
SIGMOID.mistake("where z is above 0 it has the p of -z: exp(-|z|) is of the right size, but there p is 1 / (1 + e)",
                never_above_half=lambda z: sigmoid(-np.abs(z)))
SIGMOID.mistake("it is log p: take the exponential", logarithm=lambda z: np.log(sigmoid(z)))
SIGMOID.mistake("it is log(1 + exp(z)), which is -log(1 - p)", softplus=lambda z: -np.log(sigmoid(-z)))

# ---- binary_cross_entropy ----

def of(wrong):
    """wrong(the parts) as a function of the arguments."""

    @wraps(wrong)
    def run(z, labels, ignore, *smooth):
        labelled = labels != ignore
        there, p = (labels == 1) & labelled, sigmoid(z)
        at = SimpleNamespace(
            z=z, labels=labels, labelled=labelled, there=there, p=p, q=sigmoid(-z), count=labelled.sum(),
            surprise=-np.log(np.where(there, p, sigmoid(-z))) * labelled,
        )
        if smooth:
            at.smooth = smooth[0]
            at.overlap, at.said, at.of_truth = (p * there).sum(), (p * labelled).sum(), there.sum()
            at.upper, at.lower = 2 * at.overlap + at.smooth, at.said + at.of_truth + at.smooth
            at.dice = at.upper / at.lower
        return wrong(at)

    return run


def back(wrong):
    """wrong(dloss, the parts) as a function of dloss and the arguments."""

    @wraps(wrong)
    def run(dloss, *args):
        return of(lambda at: wrong(dloss, at))(*args)

    return run


TWO = logits_and_labels(13, 2, 4, 5), logits_and_labels(14, 3, 7, 6)
TWO_OF_DICE = (*TWO[0], 1.0), (*TWO[1], 2.5)

LOSS = Table(PAGE, lambda: (TWO[0], logits_and_labels(15, 3, 7, 6, scale=20.0)), ("loss",))
LOSS.mistake("the sign is turned round: the loss is minus the logarithm", sign=of(
    lambda at: -at.surprise.sum() / at.count))
LOSS.mistake("the sum is not divided by the number of labelled pixels", not_divided=of(lambda at: at.surprise.sum()))
LOSS.mistake("the sum is divided by the number of all pixels: divide by that of the labelled ones",
             void_in_the_divisor=of(lambda at: at.surprise.sum() / at.z.size))
LOSS.mistake("the sum is divided by the number of images", over_images=of(lambda at: at.surprise.sum() / len(at.z)))
LOSS.mistake("the sum is divided by the number of pixels with a cell: all that are labelled count", over_cells=of(
    lambda at: at.surprise.sum() / at.there.sum()))
LOSS.mistake("ignored pixels are taken for background: they count in nothing", void_as_background=of(
    lambda at: -np.log(np.where(at.there, at.p, at.q)).mean()))
LOSS.mistake("ignored pixels are taken for background, and only in the sum: they count in nothing",
             void_in_the_sum=of(lambda at: -np.log(np.where(at.there, at.p, at.q)).sum() / at.count))
LOSS.mistake("ignored pixels are taken for cells: they count in nothing", void_as_cells=of(
    lambda at: -np.log(np.where(at.there | ~at.labelled, at.p, at.q)).mean()))
LOSS.mistake("ignored pixels are taken for cells, and only in the sum: they count in nothing",
             void_as_cells_in_the_sum=of(
                 lambda at: -np.log(np.where(at.there | ~at.labelled, at.p, at.q)).sum() / at.count))
LOSS.mistake("z of ignored pixels is set to 0, which is p = 1/2 and adds log 2 for each: leave them out of the sum",
             void_at_half=of(lambda at: (at.surprise + ~at.labelled * np.log(2)).sum() / at.count))
LOSS.mistake("the label of an ignored pixel is a factor, 255: leave these pixels out of the sum", label_as_factor=of(
    lambda at: -(at.labels * np.log(at.p) + (1 - at.labels) * np.log(at.q)).mean()))
LOSS.mistake("the label of an ignored pixel is a factor, 255: leave these pixels out of the sum",
             label_as_factor_in_the_sum=of(
                 lambda at: -(at.labels * np.log(at.p) + (1 - at.labels) * np.log(at.q)).sum() / at.count))
LOSS.mistake("only pixels with a cell are in the sum: where there is none, -log(1 - p) is added", cells_alone=of(
    lambda at: (at.surprise * at.there).sum() / at.count))
LOSS.mistake("only pixels with a cell count: the mean goes over all that are labelled", mean_of_cells=of(
    lambda at: (at.surprise * at.there).sum() / at.there.sum()))
LOSS.mistake("only the background is in the sum: where there is a cell, -log p is added", background_alone=of(
    lambda at: (at.surprise * ~at.there).sum() / at.count))
LOSS.mistake("cells and background are exchanged: -log p is for the pixels with a cell", exchanged=of(
    lambda at: -(np.log(np.where(at.there, at.q, at.p)) * at.labelled).sum() / at.count))
LOSS.mistake("it is the mean of the mean over cells and the mean over background: every labelled pixel counts the same",
             balanced=of(lambda at: ((at.surprise * at.there).sum() / at.there.sum()
                                     + (at.surprise * ~at.there).sum() / (at.count - at.there.sum())) / 2))
LOSS.mistake("it is the mean over the images of their means: one mean is taken, over the labelled pixels of all images",
             mean_of_images=of(lambda at: (at.surprise.sum(axis=(1, 2)) / at.labelled.sum(axis=(1, 2))).mean()))
LOSS.mistake("the loss adds up 1 - p of what is there, and must add up -log p", one_less_p=of(
    lambda at: (1 - np.exp(-at.surprise)).sum() / at.count))
LOSS.mistake("the logarithm is left out", no_logarithm=of(
    lambda at: -(np.exp(-at.surprise) * at.labelled).sum() / at.count))
LOSS.mistake("it is the squared difference of p and the labels: cross-entropy is -log p of what is there", squared=of(
    lambda at: ((at.p - at.there) ** 2 * at.labelled).sum() / at.count))
LOSS.mistake("the logarithm is that to base 2: take the natural one, np.log", base_2=of(
    lambda at: at.surprise.sum() / at.count / np.log(2)))
LOSS.mistake("the logarithm is that to base 10: take the natural one, np.log", base_10=of(
    lambda at: at.surprise.sum() / at.count / np.log(10)))
LOSS.mistake("it is max(z, 0) - z * label alone, how far z is on the wrong side: log(1 + exp(-|z|)) is missing",
             without_softplus=of(
                 lambda at: ((np.maximum(at.z, 0) - at.z * at.there) * at.labelled).sum() / at.count))
LOSS.mistake("only log(1 + exp(-|z|)) is there: max(z, 0) - z * label is missing", softplus_alone=of(
    lambda at: (np.log1p(np.exp(-np.abs(at.z))) * at.labelled).sum() / at.count))
LOSS.mistake("the sigmoid is taken twice: z has not been through it, and p has", twice=of(
    lambda at: -(np.log(np.where(at.there, sigmoid(at.p), sigmoid(-at.p))) * at.labelled).sum() / at.count))


def kept_from_0(tiny, change):
    """The loss if log p is that of change(p, tiny)."""
    def wrong(at):
        right = np.where(at.there, at.p, at.q)
        return -(np.log(change(right, tiny)) * at.labelled).sum() / at.count

    return of(wrong)


for tiny in 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12:
    LOSS.mistake("a small number is added to p before the logarithm, or p is cut off there, so that the loss gets no "
                 "higher: take it from z, as max(z, 0) - z * label + log(1 + exp(-|z|))",
                 added=kept_from_0(tiny, lambda p, tiny: p + tiny),
                 cut_off=kept_from_0(tiny, lambda p, tiny: p.clip(tiny, 1 - tiny)))

# ---- binary_cross_entropy_backward ----

LOSS_BACK = Table(PAGE, lambda: TWO, ("dz",), binary_cross_entropy)


@LOSS_BACK.formula
def right_dz(dloss, z, labels, ignore):
    p, there, labelled = 1 / (1 + np.exp(-z)), labels == 1, labels != ignore
    count = labelled.sum()
    dz = dloss * labelled * (p - there) / count
    return dz


def pushed(share):
    """A wrong dz by another share(the parts) than p - there, or of more pixels."""
    return back(lambda dloss, at: dloss * share(at) / at.count)


LOSS_BACK.mistake("the sign is turned round: it is p - label, what was said less what is there", sign=pushed(
    lambda at: (at.there - at.p) * at.labelled))
LOSS_BACK.mistake("the gradient is not divided by the number of labelled pixels, as the loss is", not_divided=back(
    lambda dloss, at: dloss * (at.p - at.there) * at.labelled))
LOSS_BACK.mistake("ignored pixels are counted in the divisor: divide by the number of labelled pixels",
                  void_in_the_divisor=back(lambda dloss, at: dloss * (at.p - at.there) * at.labelled / at.z.size))
LOSS_BACK.mistake("ignored pixels get a gradient, but nothing they say can move the loss",
                  void_pushed=pushed(lambda at: at.p - at.there), void_by_its_label=pushed(
                      lambda at: at.p - at.labels.astype(float)))
LOSS_BACK.mistake("ignored pixels get a gradient and are counted: they count in nothing",
                  void_pushed_and_counted=back(lambda dloss, at: dloss * (at.p - at.there) / at.z.size))
LOSS_BACK.mistake("dloss is left out: multiply by the upstream gradient, even though training starts with 1",
                  dloss_left_out=back(lambda dloss, at: (at.p - at.there) * at.labelled / at.count))
LOSS_BACK.mistake("this is the derivative with respect to p: the sigmoid is still between p and z", by_p=pushed(
    lambda at: (at.p - at.there) / (at.p * (1 - at.p)) * at.labelled))
LOSS_BACK.mistake("it is multiplied by p * (1 - p): p - label has been through the sigmoid already", twice=pushed(
    lambda at: (at.p - at.there) * at.p * (1 - at.p) * at.labelled))
LOSS_BACK.mistake("it is the slope of the sigmoid, p * (1 - p): the logarithm's cancels it, and p - label is left",
                  slope=pushed(lambda at: at.p * (1 - at.p) * at.labelled))
LOSS_BACK.mistake("it is p alone: the label is to be taken away", p_alone=pushed(lambda at: at.p * at.labelled))
LOSS_BACK.mistake("only pixels with a cell have a gradient: the background has p, which pushes z down", cells=pushed(
    lambda at: (at.p - 1) * at.there))
LOSS_BACK.mistake("only the background has a gradient: pixels with a cell have p - 1, which pushes z up",
                  background=pushed(lambda at: at.p * (at.labelled & ~at.there)))
LOSS_BACK.mistake("in every labelled pixel 1 is taken away: only those with a cell have it", one_from_all=pushed(
    lambda at: (at.p - 1) * at.labelled))
LOSS_BACK.mistake("cells and background are exchanged: the label is 1 where there is a cell", exchanged=pushed(
    lambda at: (at.p - (at.labelled & ~at.there)) * at.labelled))
LOSS_BACK.mistake("z stands where p belongs: take its sigmoid", z_for_p=pushed(
    lambda at: (at.z - at.there) * at.labelled))
LOSS_BACK.mistake("1 where z is above 0 stands where p belongs: take the sigmoid", step_for_p=pushed(
    lambda at: ((at.z > 0) * 1.0 - at.there) * at.labelled))
LOSS_BACK.mistake("p - label is squared: take it as it is", squared=pushed(
    lambda at: (at.p - at.there) ** 2 * at.labelled))
LOSS_BACK.mistake("it is multiplied by 2, as that of a squared error", doubled=pushed(
    lambda at: 2 * (at.p - at.there) * at.labelled))
LOSS_BACK.mistake("the sign is lost: where there is a cell, p - label is below 0", absolute=pushed(
    lambda at: np.abs(at.p - at.there) * at.labelled))
LOSS_BACK.mistake("it is divided by the number of labelled pixels twice", divided_twice=pushed(
    lambda at: (at.p - at.there) * at.labelled / at.count))
LOSS_BACK.mistake("it is divided by the number of images: divide by that of the labelled pixels", over_images=back(
    lambda dloss, at: dloss * (at.p - at.there) * at.labelled / len(at.z)))
LOSS_BACK.mistake("each image is divided by its own number of labelled pixels: the loss is one mean over all images",
                  own_counts=back(lambda dloss, at: dloss * (at.p - at.there) * at.labelled
                                  / at.labelled.sum(axis=(1, 2), keepdims=True)))


# ---- foreground_dice ----

DICE = Table(PAGE, lambda: TWO_OF_DICE, ("loss",))
DICE.mistake("it is Dice itself, which is to grow: the loss is 1 - Dice", dice_itself=of(lambda at: at.dice))
DICE.mistake("smooth is left out", without_smooth=of(
    lambda at: 1 - 2 * at.overlap / (at.lower - at.smooth)))
DICE.mistake("smooth is left out of the upper part: it is added to both", without_smooth_above=of(
    lambda at: 1 - 2 * at.overlap / at.lower))
DICE.mistake("smooth is left out of the lower part: it is added to both", without_smooth_below=of(
    lambda at: 1 - at.upper / (at.lower - at.smooth)))
DICE.mistake("smooth is in the bracket that is doubled: 2 * overlap, and then smooth", smooth_doubled=of(
    lambda at: 1 - 2 * (at.overlap + at.smooth) / at.lower))
DICE.mistake("the 2 before overlap is left out", no_two=of(lambda at: 1 - (at.overlap + at.smooth) / at.lower))
DICE.mistake("it is the IoU, made soft: Dice has twice the overlap above, and the whole of both sums below", iou=of(
    lambda at: 1 - (at.overlap + at.smooth) / (at.lower - at.overlap)), over_the_union=of(
        lambda at: 1 - at.upper / (at.lower - at.overlap)))
DICE.mistake("it is the Dice of the background: take p where label is 1", of_background=of(
    lambda at: 1 - (2 * ((1 - at.p) * (at.labelled & ~at.there)).sum() + at.smooth)
    / (2 * at.count - at.said - at.of_truth + at.smooth)))
DICE.mistake("it is the mean over both classes, as in lesson 18: here it is that of the foreground", of_both=of(
    lambda at: 1 - (at.dice + (2 * ((1 - at.p) * (at.labelled & ~at.there)).sum() + at.smooth)
                    / (2 * at.count - at.said - at.of_truth + at.smooth)) / 2))
DICE.mistake("each image has a Dice of its own, and the mean of them is taken: the sums go over all images",
             each_image=of(lambda at: 1 - ((2 * (at.p * at.there).sum(axis=(1, 2)) + at.smooth)
                                           / ((at.p * at.labelled).sum(axis=(1, 2)) + at.there.sum(axis=(1, 2))
                                              + at.smooth)).mean()))
DICE.mistake("what is said of ignored pixels is counted in the lower part: they count in nothing", void_said=of(
    lambda at: 1 - at.upper / (at.lower + (at.p * ~at.labelled).sum())))
DICE.mistake("ignored pixels are taken for cells: they count in nothing", void_as_cells=of(
    lambda at: 1 - (at.upper + 2 * (at.p * ~at.labelled).sum())
    / (at.lower + ((1 + at.p) * ~at.labelled).sum())))
DICE.mistake("the label of an ignored pixel is added up as it is, 255: leave these pixels out of all three sums",
             label_as_it_is=of(lambda at: 1 - (2 * (at.p * at.labels).sum() + at.smooth)
                               / (at.p.sum() + at.labels.sum() + at.smooth)),
             label_as_it_is_below=of(lambda at: 1 - at.upper / (at.said + at.labels.sum() + at.smooth)))
DICE.mistake("z stands where p belongs: take its sigmoid", z_for_p=of(
    lambda at: 1 - (2 * (at.z * at.there).sum() + at.smooth)
    / ((at.z * at.labelled).sum() + at.of_truth + at.smooth)))
DICE.mistake("1 where z is above 0 stands where p belongs: such a step has no slope to learn by, take the sigmoid",
             step_for_p=of(lambda at: 1 - (2 * ((at.z > 0) & at.there).sum() + at.smooth)
                           / (((at.z > 0) & at.labelled).sum() + at.of_truth + at.smooth)))
DICE.mistake("p is squared in the lower part, as some have it: here its sum is taken as it is", squares=of(
    lambda at: 1 - at.upper / ((at.p**2 * at.labelled).sum() + at.of_truth + at.smooth)))
DICE.mistake("means stand where sums belong: beside them smooth weighs too much", means=of(
    lambda at: 1 - (2 * at.overlap / at.count + at.smooth) / ((at.said + at.of_truth) / at.count + at.smooth)))
DICE.mistake("the lower part has only what is said: what is there belongs to it too", there_left_out=of(
    lambda at: 1 - at.upper / (at.said + at.smooth)))
DICE.mistake("the lower part has only what is there: what is said belongs to it too", said_left_out=of(
    lambda at: 1 - at.upper / (at.of_truth + at.smooth)))
DICE.mistake("what is said is added up only where a cell is: all labelled pixels say something", said_where_there=of(
    lambda at: 1 - at.upper / (at.overlap + at.of_truth + at.smooth)))
DICE.mistake("it is minus the logarithm of Dice: the loss is 1 - Dice", logarithm=of(lambda at: -np.log(at.dice)))
DICE.mistake("it is Dice with a minus: add the 1", minus_dice=of(lambda at: -at.dice))
DICE.mistake("the loss is divided by the number of labelled pixels: it is a quotient of sums already", divided=of(
    lambda at: (1 - at.dice) / at.count))


# ---- foreground_dice_backward ----

DICE_BACK = Table(PAGE, lambda: TWO_OF_DICE, ("dz",), foreground_dice)


@DICE_BACK.formula
def right_dice_dz(dloss, z, labels, ignore, smooth):
    p, labelled = 1 / (1 + np.exp(-z)), labels != ignore
    there, said = labels == 1, (p * labelled).sum()
    lower = said + there.sum() + smooth
    dice = (2 * (p * there).sum() + smooth) / lower
    dp = dloss * labelled * np.where(there, dice - 2, dice) / lower
    dz = dp * p * (1 - p)
    return dz


def by_dp(dp):
    """A wrong dz by another dp(the parts), whose slope through the sigmoid is right."""
    return back(lambda dloss, at: dloss * dp(at) * at.p * (1 - at.p))


def right_dp(at):
    return (at.dice - 2 * at.there) / at.lower * at.labelled


def through(slope):
    """A wrong dz by another slope(the parts) than that of the sigmoid."""
    return back(lambda dloss, at: dloss * right_dp(at) * slope(at))


DICE_BACK.mistake("the sign is the wrong one: the loss is 1 - Dice, and falls where Dice grows", sign=by_dp(
    lambda at: -right_dp(at)))
DICE_BACK.mistake("this is the gradient with respect to p: the slope of the sigmoid, p * (1 - p), is left out",
                  by_p=through(lambda at: 1))
DICE_BACK.mistake("the slope of the sigmoid is p * (1 - p), and here is p alone", slope_p=through(lambda at: at.p))
DICE_BACK.mistake("the slope of the sigmoid is p * (1 - p), and here is 1 - p alone", slope_rest=through(
    lambda at: 1 - at.p))
DICE_BACK.mistake("the slope of the sigmoid is taken twice", slope_twice=through(lambda at: (at.p * (1 - at.p)) ** 2))
DICE_BACK.mistake("the slope is that of a tanh, 1 - p**2: that of a sigmoid is p * (1 - p)", slope_of_tanh=through(
    lambda at: 1 - at.p**2))
DICE_BACK.mistake("z stands for p in the slope of the sigmoid, p * (1 - p)", slope_of_z=through(
    lambda at: at.z * (1 - at.z)))
DICE_BACK.mistake("the lower part is taken for a constant: p is in it too", lower_held=by_dp(
    lambda at: -2 * at.there / at.lower))
DICE_BACK.mistake("the overlap is taken for a constant: p is in it too", overlap_held=by_dp(
    lambda at: at.dice / at.lower * at.labelled))
DICE_BACK.mistake("the 2 before overlap is left out where the upper part is derived", no_two=by_dp(
    lambda at: (at.dice - at.there) / at.lower * at.labelled))
DICE_BACK.mistake("only pixels with a cell have a gradient: the background moves the lower part", cells=by_dp(
    lambda at: right_dp(at) * at.there))
DICE_BACK.mistake("only the background has a gradient: pixels with a cell are in both parts", background=by_dp(
    lambda at: right_dp(at) * ~at.there))
DICE_BACK.mistake("dloss is left out: multiply by the upstream gradient, even though training starts with 1",
                  dloss_left_out=back(lambda dloss, at: right_dp(at) * at.p * (1 - at.p)))
DICE_BACK.mistake("ignored pixels have a gradient: they count in nothing", void_pushed=by_dp(
    lambda at: (at.dice - 2 * at.there) / at.lower))
DICE_BACK.mistake("it is not divided by the lower part", not_divided=by_dp(lambda at: right_dp(at) * at.lower))
DICE_BACK.mistake("it is divided by the square of the lower part, which Dice has one of already", divided_twice=by_dp(
    lambda at: right_dp(at) / at.lower))
DICE_BACK.mistake("the lower part is not squared where it is derived, 1 / B moves by -1 / B**2; or the upper part "
                  "stands where Dice belongs", upper_for_dice=by_dp(
                      lambda at: (at.upper - 2 * at.there) / at.lower * at.labelled))
DICE_BACK.mistake("1 - Dice, the loss, stands where Dice belongs", loss_for_dice=by_dp(
    lambda at: (1 - at.dice - 2 * at.there) / at.lower * at.labelled))
DICE_BACK.mistake("smooth is left out of both parts", without_smooth=by_dp(
    lambda at: (2 * at.overlap / (at.lower - at.smooth) - 2 * at.there) / (at.lower - at.smooth) * at.labelled))
DICE_BACK.mistake("smooth is left out of the upper part: it is in both", without_smooth_above=by_dp(
    lambda at: (2 * at.overlap / at.lower - 2 * at.there) / at.lower * at.labelled))
DICE_BACK.mistake("smooth is left out of the lower part: it is in both", without_smooth_below=by_dp(
    lambda at: (at.upper / (at.lower - at.smooth) - 2 * at.there) / (at.lower - at.smooth) * at.labelled))
DICE_BACK.mistake("what is said of ignored pixels is counted in the lower part: they count in nothing", void_said=back(
    lambda dloss, at: dloss * (at.upper / (at.lower + (at.p * ~at.labelled).sum()) - 2 * at.there)
    / (at.lower + (at.p * ~at.labelled).sum()) * at.labelled * at.p * (1 - at.p)))
DICE_BACK.mistake("it is that of the soft IoU: Dice has twice the overlap above, and the whole of both sums below",
                  iou=by_dp(lambda at: (
                      (at.overlap + at.smooth) / (at.lower - at.overlap) * ~at.there - at.there)
                      / (at.lower - at.overlap) * at.labelled))
DICE_BACK.mistake("it is divided by the number of labelled pixels: Dice is a quotient of sums, and no mean",
                  divided_by_count=by_dp(lambda at: right_dp(at) / at.count))
DICE_BACK.mistake("it is p - label, the gradient of cross-entropy: derive that of 1 - Dice", cross_entropy=back(
    lambda dloss, at: dloss * (at.p - at.there) * at.labelled / at.count))


@back
def of_each_image(dloss, at):
    upper = 2 * (at.p * at.there).sum(axis=(1, 2), keepdims=True) + at.smooth
    lower = (at.p * at.labelled + at.there).sum(axis=(1, 2), keepdims=True) + at.smooth
    return dloss * (upper / lower - 2 * at.there) / lower * at.labelled * at.p * (1 - at.p)


DICE_BACK.mistake("each image has a Dice of its own in it: the sums go over all images", each_image=of_each_image,
                  mean_of_images=lambda dloss, z, *args: of_each_image(dloss, z, *args) / len(z))


def race_of_backward(forward, *args):
    def race():
        y, cache = forward(*args)
        return upstream(np.asarray(y), seed=0), cache

    return race


SOFTMAX_OF_TWO = "the library's softmax of two logits"
EXERCISES = (
    Exercise(
        "sigmoid",
        values(sigmoid, *((case[0],) for case in (FIRST, LARGE, *CASES[2:5])), results=("p",), names=("z",),
               mistakes=SIGMOID),
        answer=sigmoid, read=READ, race=lambda: BATCH[:1], other=SOFTMAX_OF_TWO,
        differs="takes the larger of the two away first, so that no exponential is above 1",
        hints=("For which z does exp(-z) overflow, and for which exp(z)? One of the two is always small.",
               "z and p are (N, H, W). With e = exp(-|z|), which is at most 1, p is 1 / (1 + e) where z is above 0. "
               "Multiply above and below by exp(z) to see what it is elsewhere.",
               "e = np.exp(-np.abs(z)), and then np.where(z >= 0, ..., ...)"),
    ),
    Exercise(
        "binary_cross_entropy",
        values(binary_cross_entropy, *CASES, NONE_LABELLED, LARGE, results=("loss",), cache=True, names=("z", "labels"),
               mistakes=LOSS),
        answer=binary_cross_entropy, read=READ, race=lambda: BATCH, other=SOFTMAX_OF_TWO,
        differs="goes into its softmax_cross_entropy",
        hints=("What is -log p if p is 1 / (1 + exp(-z)), and what is -log(1 - p)? Write both with max(z, 0) and with "
               "exp(-|z|): one formula fits both labels.",
               "z, labels and the surprise of each pixel are (N, H, W), and the loss is one number. What an ignored "
               "pixel says is multiplied by 0, or left out.",
               "labelled, there = labels != ignore, labels == 1; then surprise = np.maximum(z, 0) - ..."),
    ),
    Exercise(
        "binary_cross_entropy_backward",
        gradients(binary_cross_entropy, binary_cross_entropy_backward, *CASES, SURE, NONE_LABELLED, names=("z",),
                  mistakes=LOSS_BACK),
        answer=binary_cross_entropy_backward, read=READ, race=race_of_backward(binary_cross_entropy, *BATCH),
        other=SOFTMAX_OF_TWO,
        differs="has a gradient for each of the two: that of the 0 is this one with a minus",
        hints=("The slope of -log p by z: first by p, then p by z. Something cancels.",
               "z, p and dz are (N, H, W), dloss and the number of labelled pixels are one number each. An ignored "
               "pixel has the gradient 0.",
               "z, labels, ignore = cache; labelled = labels != ignore"),
    ),
    Exercise(
        "foreground_dice",
        values(foreground_dice, *DICE_CASES, (*LARGE, 1.0), results=("loss",), cache=True, names=("z", "labels"),
               mistakes=DICE),
        answer=foreground_dice, read="lessons/18_six_more/forwards.py", race=lambda: (*BATCH, 1.0),
        other="the dice_loss of lesson 18", differs="has three sums for each class, and is given one here",
        hints=("Three sums. Into which of them does a pixel with a cell go, one without, and an ignored one?",
               "z, labels and p are (N, H, W); overlap, said and there are one number each, over all images.",
               "labelled = labels != ignore; p = your sigmoid of z"),
    ),
    Exercise(
        "foreground_dice_backward",
        gradients(foreground_dice, six.remembered(measured_dice_backward), *DICE_CASES, names=("z",),
                  mistakes=DICE_BACK),
        answer=measured_dice_backward, read="tinysegnet/training/lovasz.py",
        race=race_of_backward(foreground_dice, *DICE_CASES[3]), other="the measurement",
        differs="calls the forward twice for each number of z",
        hints=("First by p, as if p were free: a pixel's p is in said, and if there is a cell, in overlap too. How "
               "does the quotient move? Then by z.",
               "p and dz are (N, H, W). Dice and the lower part are one number each, the same for all pixels, so there "
               "are only two different dp, but for 0 where a pixel is ignored.",
               "z, labels, ignore, smooth = cache; then labelled, there, p and the three sums as in the forward"),
    ),
)
