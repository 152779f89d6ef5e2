"""Lesson 20: how draw_mask, dropout, its backward and mean_and_variance are judged."""

import weakref

import numpy as np
from numpy.random import default_rng  # by a --seed another one: see judge_file.py

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import inference
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops import more
from tinysegnet.ops.more.dropout import draw_mask

DROPOUT, INFERENCE = "tinysegnet/ops/more/dropout.py", "tinysegnet/inference.py"
rng = default_rng(19)


# ---- draw_mask ----

def of_seed(function):
    """draw_mask as a function of a seed: a generator that two had drawn by would give the second other numbers."""
    return lambda seed, shape, rate, dtype: function(default_rng(seed), shape, rate, dtype)


def by(kept=lambda u, rate: u >= rate, larger=lambda rate, kept: 1 / (1 - rate),
       draw=lambda rng, shape: rng.random(shape, np.float32)):
    """A wrong mask: kept(numbers, rate) times larger(rate, kept), of draw(rng, shape)."""

    def wrong(seed, shape, rate, dtype):
        there = kept(draw(default_rng(seed), shape), rate)
        return there.astype(dtype) * np.asarray(larger(rate, there), dtype)

    return wrong


def once(*axes):
    """Draws numbers for one index of these axes, which all have."""

    def draw(rng, shape):
        small = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
        return np.broadcast_to(rng.random(small, np.float32), shape)

    return draw


MASKS = Table(
    DROPOUT, lambda: ((5, (2, 4, 5, 3), 0.3, np.float64), (6, (3, 7, 6, 2), 0.2, np.float64)), results=("mask",)
)


@MASKS.formula
def right_mask(seed, shape, rate, dtype):
    drawn, _ = default_rng(seed).random(shape, np.float32), None
    mask = (drawn >= rate) / (1 - rate)
    return mask


MASKS.mistake("an entry is kept with probability rate: it should be dropped with it",
              turned_round=by(lambda u, rate: u < rate))
MASKS.mistake("the numbers from 1 - rate on are dropped: the share is right, but it is those below rate that should go",
              dropped_above=by(lambda u, rate: u < 1 - rate))
MASKS.mistake("rate is taken for the share that is kept: it is the share that is dropped",
              rate_kept=by(lambda u, rate: u < rate, lambda rate, kept: 1 / rate))
MASKS.mistake("what is kept is 1: it should be 1 / (1 - rate), so that the mean of the mask is 1",
              zeros_and_ones=by(larger=lambda rate, kept: 1))
MASKS.mistake("what is kept is 1 / rate: it should be 1 / (1 - rate)", over_rate=by(larger=lambda rate, kept: 1 / rate))
MASKS.mistake("what is kept is 1 - rate: divide by it", times_share=by(larger=lambda rate, kept: 1 - rate))
MASKS.mistake("what is kept is divided by 1 - rate twice", twice=by(larger=lambda rate, kept: 1 / (1 - rate) ** 2))
MASKS.mistake("what is kept is divided by the share that happened to be kept: divide by 1 - rate, that of the long run",
              share_kept=by(larger=lambda rate, kept: 1 / kept.mean()))
MASKS.mistake("the numbers are drawn as float64: rng.random(shape, np.float32) gives others",
              float64=by(draw=lambda rng, shape: rng.random(shape)))
MASKS.mistake("the numbers are those of a normal distribution, rng.standard_normal: rng.random is below rate with "
              "probability rate", normal=by(draw=lambda rng, shape: rng.standard_normal(shape, np.float32)))
MASKS.mistake("the mask is drawn by rng.binomial, which takes other numbers: draw rng.random(shape, np.float32)",
              binomial=lambda seed, shape, rate, dtype: (
                  default_rng(seed).binomial(1, 1 - rate, shape).astype(dtype) / (1 - rate)))
MASKS.mistake("all images share one mask: draw a number for each entry", one_for_images=by(draw=once(0)))
MASKS.mistake("all channels of a pixel share one entry: draw a number for each", one_for_channels=by(draw=once(3)))
MASKS.mistake("all pixels of a channel share one entry: draw a number for each", one_for_pixels=by(draw=once(1, 2)))
MASKS.mistake("the mask is the same for every rng: draw from the one that is given",
              own_generator=by(draw=lambda rng, shape: np.random.default_rng(0).random(shape, np.float32)))


# ---- dropout ----

def arrays(shape, rate):
    """x and a mask."""
    return rng.standard_normal(shape), draw_mask(rng, shape, rate, float)


PAGE = tuple(np.reshape(row, (1, 1, 5, 1)) for row in ([3.0, 1.0, 4.0, 2.0, 6.0], [1.25, 1.25, 0.0, 1.25, 1.25]))
CASES = (
    PAGE, arrays((1, 2, 3, 1), 0.5), arrays((2, 4, 5, 3), 0.3), arrays((1, 3, 2, 4), 0.0), arrays((3, 1, 7, 2), 0.8),
    (np.ones((1, 2, 2, 1)), np.zeros((1, 2, 2, 1))),            # all is dropped
)
LARGE = tuple(a.astype(np.float32) for a in arrays((4, 45, 60, 64), 0.5))


# ---- mean_and_variance ----

def one_by_one(function):
    """mean_and_variance as a function of an array, whose parts along the first axis it is given, each once.

    Raises MemoryError if many of them are there at a time.
    """
    def given(looks):
        seen = []
        for look in looks:
            look = look.copy()
            seen.append(weakref.ref(look))
            yield look
            if sum(one() is not None for one in seen) > AT_A_TIME:
                raise MemoryError("the looks are all kept, and a thousand would not fit: keep what is made of them")

    return lambda looks: function(given(looks))


AT_A_TIME = 3       # the one that comes, and one before it that still has a name

def softmaxes(seed, T, *shape, sure=1.0):
    """(T, *shape), probabilities along the last axis. The larger `sure`, the less the looks differ."""
    rng = default_rng(seed)
    return rng.dirichlet(np.full(shape[-1], sure), (T, *shape[:-1]))


def walked(step, start=lambda first: 0 * first):
    """A wrong answer that goes through the looks: step(number, p, mean, squares) -> mean, squares."""

    def wrong(looks):
        mean, squares = start(looks[0]), 0 * looks[0]
        for number, p in enumerate(looks, start=1):
            mean, squares = step(number, p, mean, squares)
        return {"mean": mean, "variance": squares / len(looks)}

    return wrong


def welford(product):
    """Welford's pass with another product(p, mean before, mean after)."""
    def step(number, p, mean, squares):
        after = mean + (p - mean) / number
        return after, squares + product(p, mean, after)

    return walked(step)


BOTH = "mean", "variance"
STATISTICS = Table(
    INFERENCE, lambda: ((softmaxes(0, 5, 3, 4, 6),), (softmaxes(1, 8, 2, 5, 4),)), results=BOTH
)


@STATISTICS.formula
def right_statistics(looks):
    mean = looks.mean(axis=0)
    variance = np.square(looks - mean).mean(axis=0)
    return mean, variance


STATISTICS.mistake("it is the sum of the looks: divide by their number", "mean", total=lambda looks: looks.sum(axis=0))
STATISTICS.mistake("it is the last look alone: is it overwritten?", "mean", the_last=lambda looks: looks[-1])
STATISTICS.mistake("the first look is left out: count from it", "mean",
                   first_left_out=lambda looks: looks[1:].mean(axis=0))
STATISTICS.mistake("the sum is divided by one more than the number of looks", "mean",
                   one_too_many=lambda looks: looks.sum(axis=0) / (len(looks) + 1))
STATISTICS.mistake("each look counts as much as all before it together, (mean + p) / 2: move the mean by (p - mean) / "
                   "number", "mean",
                   halved=walked(lambda number, p, mean, squares: ((mean + p) / 2, squares), start=lambda first: first))
STATISTICS.mistake("it is the median of the looks", "mean", median=lambda looks: np.median(looks, axis=0))
STATISTICS.mistake("it is the first look alone: are the others added?", "mean", the_first=lambda looks: looks[0])
STATISTICS.mistake("the last look is left out", "mean", last_left_out_of_mean=lambda looks: looks[:-1].mean(axis=0))
STATISTICS.mistake("the sum is divided by one less than the number of looks", "mean",
                   one_too_few=lambda looks: looks.sum(axis=0) / (len(looks) - 1))
STATISTICS.mistake("it is the mean over the classes too: leave them apart", "mean",
                   mean_of_classes=lambda looks: looks.mean(axis=(0, -1)))
STATISTICS.mistake("it is the standard deviation: leave out the root", "variance", root=lambda looks: looks.std(axis=0))
STATISTICS.mistake("the sum of the squares is not divided by the number of looks", "variance",
                   not_divided=lambda looks: looks.var(axis=0) * len(looks))
STATISTICS.mistake("the sum of the squares is divided by T - 1: here the variance is their mean, so divide by T",
                   "variance", over_one_less=lambda looks: looks.var(axis=0, ddof=1))
STATISTICS.mistake("it is the mean of the squares: take the square of the mean away", "variance",
                   not_from_mean=lambda looks: (looks**2).mean(axis=0))
STATISTICS.mistake("it is the square of the mean less the mean of the squares: the other way round", "variance",
                   turned_round=lambda looks: -looks.var(axis=0))
STATISTICS.mistake("the square is that of the distance from the mean before this look: one factor is the distance from "
                   "the mean after it", "variance", from_before=welford(lambda p, before, after: (p - before) ** 2))
STATISTICS.mistake("the square is that of the distance from the mean after this look: one factor is the distance from "
                   "the mean before it", "variance", from_after=welford(lambda p, before, after: (p - after) ** 2))
STATISTICS.mistake("the distances are those from the first look: they should be from the mean", "variance",
                   from_the_first=lambda looks: ((looks - looks[0]) ** 2).mean(axis=0))
STATISTICS.mistake("it is the mean of the distances without their sign: square them", "variance",
                   absolute=lambda looks: np.abs(looks - looks.mean(axis=0)).mean(axis=0))
STATISTICS.mistake("it is zero everywhere: `looks` may be an iterator, which gives each look once. A second walk "
                   "through it finds none", "variance", second_walk=lambda looks: np.zeros(looks.shape[1:]))
STATISTICS.mistake("each square is divided by the number of looks so far, and the sum once more: divide at the end",
                   "variance", divided_on_the_way=walked(lambda number, p, mean, squares: (
                       mean + (p - mean) / number, squares + (p - mean) ** 2 * (number - 1) / number**2)))
STATISTICS.mistake("the last look is left out: its square belongs into the sum too", "variance",
                   last_left_out=lambda looks: looks[:-1].var(axis=0) * (len(looks) - 1) / len(looks))
STATISTICS.mistake("it is the square of the mean: take the mean of the squared distances from the mean", "variance",
                   square_of_mean=lambda looks: looks.mean(axis=0) ** 2)
STATISTICS.mistake("it is the mean over the classes already: leave them apart here", "variance",
                   over_classes=lambda looks: looks.var(axis=0).mean(axis=-1))

SURE = 0.99 + 0.01 * softmaxes(2, 6, 3, 4, 2)          # in whose squares float32 has few digits left for the variance
SEEN = (
    (np.array([0.9, 0.5, 0.7, 0.3]).reshape(4, 1, 1),),         # that of the page
    (softmaxes(3, 2, 2, 3, 3),), (softmaxes(4, 7, 3, 4, 5),),
    (softmaxes(5, 1, 2, 2, 4),),        # one look: no variance
    (SURE,),
)
MANY = [a.astype(np.float32) for a in softmaxes(6, 10, 48, 64, 11)]

A_DRAWN_NUMBER = float(default_rng(5).random((2, 3), np.float32)[0, 1])       # is not below itself

EXERCISES = (
    Exercise(
        "draw_mask",
        values(
            of_seed(draw_mask),
            # The first has so many entries that two draws by chance are hardly ever the same.
            (0, (1, 5, 8, 1), 0.2, np.float64), (1, (2, 4, 5, 3), 0.5, np.float64), (2, (2, 4, 5, 3), 0.3, np.float64),
            (3, (3, 7), 0.8, np.float32), (4, (1, 3, 3, 2), 0.0, np.float32), (5, (2, 3), A_DRAWN_NUMBER, np.float64),
            results=("mask",), names=("seed", "shape", "rate"), mistakes=MASKS, adapt=of_seed,
        ),
        answer=draw_mask, read=DROPOUT, race=lambda: (default_rng(0), (4, 45, 60, 64), 0.5, np.float32),
        differs="does the same",
        hints=("Of many numbers that are drawn evenly from 0 to 1, which share is below rate? That many are dropped.",
               "If a share of 1 - rate is kept, and the mean of the mask is to be 1, each kept entry has to be "
               "1 / (1 - rate). A comparison of arrays gives True and False, which astype(dtype) makes 1 and 0.",
               "kept = rng.random(shape, np.float32) >= rate"),
    ),
    Exercise(
        "dropout", values(more.dropout, *CASES, names=("x", "mask"), cache=True),
        answer=more.dropout, read=DROPOUT, race=lambda: LARGE, differs="does the same, and checks the shapes",
        hints=("The mask has all that is needed: 0 where a value goes, and by how much the others grow.",
               "x and the mask have one shape, and so has y. The backward will need the mask.",
               "y = x * ..."),
    ),
    Exercise(
        "dropout_backward", gradients(more.dropout, more.dropout_backward, *CASES, names=("x",)),
        answer=more.dropout_backward, read=DROPOUT, race=lambda: LARGE, differs="is the same line",
        hints=("If x grows by a little, by how much does y = x * mask grow where it is dropped, and where it is kept?",
               "dy and the mask have one shape. The slope of y at each place is the mask, whatever x was.",
               "dx = dy * ..."),
    ),
    Exercise(
        "mean_and_variance",
        values(one_by_one(inference.mean_and_variance), *SEEN, results=BOTH, names=("looks",), mistakes=STATISTICS,
               adapt=one_by_one),
        answer=inference.mean_and_variance, read=INFERENCE, race=lambda: (MANY,),
        differs="goes through the looks once, and keeps two arrays",
        hints=("The mean first. If so far three looks had the mean m, and a fourth comes, p: by how much of its "
               "distance p - m does the mean move?",
               "Keep two arrays of the shape of a look, the mean so far and the sum of the squares so far. A new look "
               "adds (p - mean before it) * (p - mean after it) to the sum.",
               "mean, squares = 0, 0, and then: for number, p in enumerate(looks, start=1):"),
    ),
)
