"""Lesson 00: how the ten tasks are judged. The answers are here: the library has no functions for such small things."""

import numpy as np

from lessons.engine.exercises import Exercise, values
from tinysegnet.checker.mistakes.table import Table

rng = np.random.default_rng(0)
SMALL, ODD, LARGE = (rng.standard_normal(shape) for shape in ((1, 2, 4, 3), (2, 4, 6, 3), (4, 90, 120, 16)))
ROWS = rng.standard_normal((7, 3))
TWO = np.random.default_rng(1).standard_normal((2, 4, 6, 2))            # of two channels, where others have three
LABELS, MANY = rng.integers(0, 4, (4, 6)), rng.integers(0, 11, (360, 480))
PAGE = "lessons/00_start_here/README.md, the primer"


def q1(x):
    y = x.mean(axis=(1, 2))
    return y


def q2(x):
    y = x - x.max(axis=-1, keepdims=True)
    return y


def q3(labels, classes):
    y = labels[..., None] == np.arange(classes)
    return y


def q4(x):
    y = x.reshape(-1, x.shape[2])
    return y


def q5(x, dy):
    y = x.T @ dy
    return y


def q6(x):
    y = x[:, 1::2, ::2]
    return y


def q7(x, labels, ignore):
    y = x[labels != ignore]
    return y


def q8(x):
    y = x.copy()
    y[:, 0] = 0
    return y


def q9(scores):
    y = scores.argmax(axis=-1)
    return y


def q10(labels, classes):
    y = np.bincount(labels.ravel(), minlength=classes)
    return y


def task(answer, names, *cases, differs, hints, race, known=None, known_on=()):
    """An exercise. known: wrong answers by the sentences that name them, one or several, told apart on the cases
    known_on or on the second case."""
    table = Table(PAGE, lambda: known_on or cases[1:2], ["y"])
    table.formula(answer)
    for sentence, wrong in (known or {}).items():
        for one in wrong if isinstance(wrong, tuple) else (wrong,):
            table.mistake(sentence, wrong=one)
    check = values(answer, *cases, names=names, mistakes=table)
    page = "the docstring of tinysegnet/__init__.py"
    return Exercise(answer.__name__, check, answer, hints, differs, page, lambda: race)


EXERCISES = (
    task(
        q1, ("x",), (SMALL,), (ODD,), (TWO,),
        differs="is x.mean(axis=(1, 2))", race=(LARGE,),
        hints=("Which axes are gone from the result? Those are the ones to average over.",
               "(N, H, W, C) becomes (N, C): axes 1 and 2 go, both at once.",
               "A tuple of axes does it: x.mean(axis=(..., ...))"),
        known={
            "the sum is divided by the number of rows alone: divide by rows times columns":
                lambda x: x.mean(axis=2).sum(axis=1) * x.shape[2] / x.shape[1],
            "the sum is divided by the number of columns alone: divide by rows times columns":
                lambda x: x.mean(axis=2).sum(axis=1),
            "the sum is divided by the number of rows twice: divide by rows times columns":
                lambda x: x.sum(axis=(1, 2)) / x.shape[1] ** 2,
            "the sum is divided by rows plus columns: divide by rows times columns":
                lambda x: x.sum(axis=(1, 2)) / (x.shape[1] + x.shape[2]),
            "the sum is divided by the pixels of all images: divide by those of one": lambda x: x.mean((1, 2)) / len(x),
            "the sum is divided by all numbers of an image: divide by its pixels, rows times columns":
                lambda x: x.mean((1, 2)) / x.shape[3],
            "the numbers are cut into channels as if the channels came first: they are the last axis":
                lambda x: x.reshape(len(x), x.shape[3], -1).mean(axis=2),
            "that is the mean of all images: each has its own":
                lambda x: np.broadcast_to(x.mean((0, 1, 2)), (len(x), x.shape[3])),
            "that is the last pixel of each image, divided by their number: add up (+=) over the pixels":
                lambda x: x[:, -1, -1] / x[0, ..., 0].size,
            "that is the mean of the first row: it goes over all rows": lambda x: x[:, 0].mean(axis=1),
            "that is the mean of the first column: it goes over all columns": lambda x: x[:, :, 0].mean(axis=1),
            "that is the largest value: take the mean": lambda x: x.max(axis=(1, 2)),
            "that is the median: take the mean": lambda x: np.median(x, axis=(1, 2)),
        },
    ),
    task(
        q2, ("x",), (np.array([[1.0, 4, 2], [9, 5, 9]]),), (ROWS,), (TWO[0, 0],),
        differs="is x - x.max(axis=-1, keepdims=True), as in its softmax", race=(LARGE.reshape(-1, 16),),
        hints=("The largest of each row is one number for each row. It has to line up with the rows, not the columns.",
               "(N, C) minus (N, 1) works. (N, C) minus (N,) does not, or worse, does something else.",
               "largest = x.max(axis=-1, keepdims=True)"),
        known={
            "that is the largest of the whole array, and should be the largest of each row": lambda x: x - x.max(),
            "that is the largest of each column, and should be that of each row": lambda x: x - x.max(axis=0),
            "these are the largest numbers themselves: take them from x": lambda x: x * 0 + x.max(axis=1)[:, None],
            "where the largest number stands is taken away (argmax): take away the number itself (max)":
                lambda x: x - x.argmax(axis=1)[:, None],
            "each row is divided by its largest number: take that away from it":
                lambda x: x / x.max(axis=1, keepdims=True),
            "the sum of each row is taken away: take its largest": lambda x: x - x.sum(axis=1, keepdims=True),
            "the first number of each row is taken away: take its largest": lambda x: x - x[:, :1],
            "the last number of each row is taken away: take its largest": lambda x: x - x[:, -1:],
            "what is largest without its sign is taken away: of -3 and 2 the largest is 2":
                lambda x: x - np.abs(x).max(axis=1)[:, None],
            "the mean of each row is taken away: take its largest": lambda x: x - x.mean(axis=1)[:, None],
            "only the first row has its largest number taken away: each row its own":
                lambda x: np.vstack([x[:1] - x[0].max(), x[1:]]),
            "only the last row has its largest number taken away: each row its own":
                lambda x: np.vstack([x[:-1], x[-1:] - x[-1].max()]),
            "from all rows the largest number of the first is taken away: take from each row its own":
                lambda x: x - x[0].max(),
        },
    ),
    task(
        q3, ("labels", "classes"),
        (np.array([[0, 2]]), 3), (LABELS, 5),
        differs="is labels[..., None] == np.arange(classes): the one-hot labels of the loss", race=(MANY, 11),
        hints=("Compare each label with every class: two arrays that meet in an axis which the labels do not have yet.",
               "(H, W, 1) == (classes,) is (H, W, classes).",
               "labels[..., None] has the shape (H, W, 1)"),
        known={
            "the classes are counted from 1: they are 0 to classes - 1":
                lambda labels, classes: labels[..., None] == np.arange(1, classes + 1),
            "the classes are counted from the last: class 0 comes first":
                lambda labels, classes: labels[..., None] == np.arange(classes)[::-1],
            "the classes stand first and are reshaped to stand last: move the axis, or compare with labels[..., None]":
                lambda labels, classes: (labels == np.arange(classes)[:, None, None]).reshape(*labels.shape, classes),
            "that is True for all classes up to the label: only for the label itself":
                lambda labels, classes: labels[..., None] >= np.arange(classes),
            "that is True for all classes from the label on: only for the label itself":
                lambda labels, classes: labels[..., None] <= np.arange(classes),
        },
    ),
    task(
        q4, ("x",), (SMALL[0],), (ODD[0],), (TWO[0],),
        differs="is x.reshape(-1, C)", race=(LARGE[0],),
        hints=("In memory the channels of a pixel already stand side by side, and the pixels row by row.",
               "(H, W, C) becomes (H*W, C). A -1 says: as many as there are.",
               "x.reshape(-1, ...)"),
        known={
            "each channel's numbers were kept together, and then cut into rows: here the numbers of a pixel belong "
            "together": lambda x: x.transpose(2, 0, 1).reshape(-1, x.shape[2]),
            "the pixels come column by column, and should come row by row":
                lambda x: x.transpose(1, 0, 2).reshape(-1, x.shape[2]),
            "the numbers are cut into one row for each channel and then transposed: here those of a pixel stand "
            "together": lambda x: x.reshape(x.shape[2], -1).T,
            "x.T turns round all three axes, and reshape cuts what comes then: reshape x itself":
                lambda x: x.T.reshape(-1, x.shape[2]),
            "rows and channels are exchanged before it is reshaped: reshape x itself":
                lambda x: x.swapaxes(1, 2).reshape(-1, x.shape[2]),
        },
    ),
    task(
        q5, ("x", "dy"),
        (np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([[10.0], [100], [1000]])), (ROWS, rng.standard_normal((7, 2))),
        differs="is x.T @ dy: the gradient of a 1x1 convolution's weights is this line",
        hints=("@ sums over the last axis of the left array and the first axis of the right one. Over n it should be.",
               "(C, N) @ (N, F) is (C, F).",
               "x.T has the shape (C, N)"),
        race=(LARGE[0, 0], LARGE[0, 1]),
        known_on=((ROWS, rng.standard_normal((7, 2))),),
        known={
            "reshape gives the shape of the transpose, and leaves the numbers where they were":
                lambda x, dy: x.reshape(x.shape[::-1]) @ dy,
            "that is dy.T @ x in another shape: what is asked is its transpose, x.T @ dy":
                lambda x, dy: (dy.T @ x).reshape(x.shape[1], -1),
            "only the last n is in it: add up (+=) over all n": lambda x, dy: np.outer(x[-1], dy[-1]),
            "only the first n is in it: add up over all n": lambda x, dy: np.outer(x[0], dy[0]),
            "x and dy are summed over n first and then multiplied: multiply for each n, and then sum":
                lambda x, dy: np.outer(x.sum(axis=0), dy.sum(axis=0)),
            "the sum is divided by the number of n: it is a sum and no mean": lambda x, dy: x.T @ dy / len(x),
            "the sum is divided by the number of channels: it is a sum and no mean":
                lambda x, dy: x.T @ dy / x.shape[1],
            "dy is reshaped and transposed, which mixes up its numbers: take it as it is":
                lambda x, dy: x.T @ dy.reshape(dy.shape[::-1]).T,
        },
    ),
    task(
        q6, ("x",), (SMALL,), (ODD,),
        differs="is x[:, 1::2, ::2]: one of the four corners in tinysegnet/ops/pool.py", race=(LARGE,),
        hints=("Every second row, and every second column. With which row does it begin? With which column?",
               "The first axis is the image, and stays whole; so does the last.",
               "x[:, ...::2, ...::2], with a beginning in the place of each ..."),
        known={
            "that is the upper right corner: rows come before columns": lambda x: x[:, ::2, 1::2],
            "that is the upper left corner": lambda x: x[:, ::2, ::2],
            "that is the lower right corner": lambda x: x[:, 1::2, 1::2],
            "that is the largest of each window: take the lower left": lambda x: np.maximum(
                np.maximum(x[:, ::2, ::2], x[:, ::2, 1::2]), np.maximum(x[:, 1::2, ::2], x[:, 1::2, 1::2])),
            "that is the mean of each window: take the lower left": lambda x: (
                x[:, ::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, ::2] + x[:, 1::2, 1::2]) / 4,
            "that is the sum of each window: take the lower left": lambda x: (
                x[:, ::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, ::2] + x[:, 1::2, 1::2]),
            "that is the lower left quarter of the image: take the lower left of each window of 2x2":
                lambda x: x[:, x.shape[1] // 2 :, : x.shape[2] // 2],
            "that is the upper left quarter of the image: take the lower left of each window of 2x2":
                lambda x: x[:, : x.shape[1] // 2, : x.shape[2] // 2],
        },
    ),
    task(
        q7, ("x", "labels", "ignore"),
        (SMALL[0], np.array([[0, 3, 1, 3], [1, 1, 0, 2]]), 3), (ODD[0], LABELS, 2), (ODD[0], LABELS, 9),
        (TWO[0], LABELS, 2),
        differs="is x[labels != ignore]: void pixels are left out of every figure in this way",
        hints=("An array of True and False can stand in the brackets, where an index would.",
               "A mask of shape (H, W) takes pixels out of an array of shape (H, W, C): M of them, of C numbers each.",
               "mask = labels != ignore"),
        race=(LARGE[0], MANY[:90, :120], 3),
        known={
            "these are the pixels to leave out: keep the others": lambda x, labels, ignore: x[labels == ignore],
            "only the pixels whose label is greater than `ignore` are kept: keep the smaller too":
                lambda x, labels, ignore: x[labels > ignore],
            "only the pixels whose label is smaller than `ignore` are kept: keep the greater too":
                lambda x, labels, ignore: x[labels < ignore],
            "pixels of label 0 are left out: leave out those of the label `ignore`":
                lambda x, labels, ignore: x[labels != 0],
            "that is every pixel: leave out those of the label `ignore`":
                lambda x, labels, ignore: x.reshape(-1, x.shape[2]),
            "the pixels come column by column, and should come row by row":
                lambda x, labels, ignore: x.swapaxes(0, 1)[labels.T != ignore],
        },
    ),
    task(
        q8, ("x",), (np.array([[1.0, 2], [3, 4]]),), (ROWS,),
        differs="is y = x.copy() and then y[:, 0] = 0", race=(LARGE[0, :, :, 0],),
        hints=("y = x gives the array a second name. What you write into y, x has too.",
               "x and y have the same shape, and memory of their own.",
               "y = x.copy()"),
        known={
            "that is the first row, and should be the first column": lambda x: np.vstack([0 * x[:1], x[1:]]),
            "that is the last column, and should be the first": lambda x: np.hstack([x[:, :-1], 0 * x[:, -1:]]),
            "that is the second column: the first is [:, 0]":
                lambda x: np.hstack([x[:, :1], 0 * x[:, 1:2], x[:, 2:]]),
            "everything has moved to the right: put zeros in the place of the first column":
                lambda x: np.hstack([0 * x[:, :1], x[:, :-1]]),
            "only the upper left number is 0: the whole column should be":
                lambda x: np.where(np.arange(x.size).reshape(x.shape) == 0, 0, x),
            "the first column is left, and the others are 0: it is the first that becomes 0":
                lambda x: np.hstack([x[:, :1], 0 * x[:, 1:]]),
            "first row and first column are 0: only the column should be":
                lambda x: np.pad(x[1:, 1:], ((1, 0), (1, 0))),
            "that is x as it was: its first column should be 0": lambda x: x,
        },
    ),
    task(
        q9, ("scores",), (SMALL[0],), (ODD[1],), (np.zeros((2, 3, 4)),),
        differs="is scores.argmax(axis=-1): how a network's scores become a picture of classes", race=(LARGE[0],),
        hints=("Not how high the highest score is, but where it stands.",
               "(H, W, classes) becomes (H, W): the last axis goes.",
               "scores.argmax(axis=...)"),
        known={
            "that is the class with the lowest score": lambda scores: scores.argmin(axis=-1),
            "these are the highest scores themselves: what is asked is where they stand, the number of the class": (
                lambda scores: scores.max(axis=-1), lambda scores: scores.max(axis=-1).astype(np.int64)),
            "that is, in each column, the row with the highest score: the classes are the last axis":
                lambda scores: scores.argmax(axis=0),
            "that is, in each row, the column with the highest score: the classes are the last axis":
                lambda scores: scores.argmax(axis=1),
            "that is one place in the whole array, counted through: each pixel has a class of its own":
                lambda scores: scores.argmax(),
            "of two equally high scores that is the last class: take the first":
                lambda scores: scores.shape[2] - 1 - scores[..., ::-1].argmax(axis=-1),
            "the classes are counted from 1: they are 0 to classes - 1": lambda scores: scores.argmax(axis=-1) + 1,
            "that is class 0 where all scores are negative: the highest of them is negative too (does the highest so "
            "far begin at 0?)": lambda scores: np.where((scores > 0).any(axis=-1), scores.argmax(axis=-1), 0),
            "that is the score furthest from 0, whatever its sign: take the highest":
                lambda scores: np.abs(scores).argmax(axis=-1),
        },
        known_on=((ODD[1],), (np.random.default_rng(1).integers(-2, 2, (4, 7, 3)).astype(float),)),
    ),
    task(
        q10, ("labels", "classes"),
        (np.array([[0, 2], [2, 2]]), 4), (LABELS, 5), (MANY[:20, :30], 11),
        differs="is np.bincount(labels.ravel(), minlength=classes): its metrics and class weights begin so",
        hints=("np.bincount counts how often 0, 1, 2 ... occur, in an array of one axis.",
               "(H, W) has to become (H*W,), and the result has to have `classes` numbers even if the last is 0.",
               "labels.ravel() has one axis; minlength= is the least length of the result"),
        race=(MANY, 11),
        known_on=((MANY[:7, :5] % 4, 6),),
        known={
            "each label that occurs is counted once: counts[labels] += 1 adds to a place only once":
                lambda labels, classes: np.bincount(np.unique(labels), minlength=classes),
            "np.histogram cuts from the smallest label to the largest: its bins are not the classes":
                lambda labels, classes: np.histogram(labels, bins=classes)[0],
            "only the last row is counted: add up (+=) over the rows":
                lambda labels, classes: np.bincount(labels[-1], minlength=classes),
            "only the first row is counted: add up over the rows":
                lambda labels, classes: np.bincount(labels[0], minlength=classes),
            "pixels of label 0 are not counted: they are a class like the others":
                lambda labels, classes: np.bincount(labels[labels > 0], minlength=classes),
            "these are the sums of the labels: count each pixel as 1": (
                lambda labels, classes: np.bincount(labels.ravel(), minlength=classes) * np.arange(classes)),
            "each label is counted one place too far: label 0 belongs in the first":
                lambda labels, classes: np.bincount(labels.ravel() + 1, minlength=classes)[:classes],
            "the classes are counted from 1: they are 0 to classes - 1":
                lambda labels, classes: np.bincount(labels.ravel(), minlength=classes + 1)[1:],
            "each number counts all labels up to its own: count those of one label":
                lambda labels, classes: np.bincount(labels.ravel(), minlength=classes).cumsum(),
        },
    ),
)
