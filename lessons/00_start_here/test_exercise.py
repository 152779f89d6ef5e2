"""Lesson 00: how the ten tasks are judged. The answers are here: the library has no functions for such small things."""

import numpy as np

from lessons.engine.exercises import Exercise, values
from tinysegnet.checker.mistakes.table import Table

rng = np.random.default_rng(0)
SMALL, ODD, LARGE = (rng.standard_normal(shape) for shape in ((1, 2, 4, 3), (2, 4, 6, 3), (4, 90, 120, 16)))
ROWS = rng.standard_normal((7, 3))
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


def task(answer, names, *cases, differs, hints, race, known=None, known_on=None):
    """An exercise. known: wrong answers by the sentences that name them, one or several, told apart on known_on or the
    second case."""
    table = Table(PAGE, lambda: (known_on or cases[1],), ["y"])
    table.formula(answer)
    for sentence, wrong in (known or {}).items():
        for one in wrong if isinstance(wrong, tuple) else (wrong,):
            table.mistake(sentence, wrong=one)
    check = values(answer, *cases, names=names, mistakes=table)
    page = "the docstring of tinysegnet/__init__.py"
    return Exercise(answer.__name__, check, answer, hints, differs, page, lambda: race)


EXERCISES = (
    task(
        q1, ("x",), (SMALL,), (ODD,),
        differs="is x.mean(axis=(1, 2))", race=(LARGE,),
        hints=("Which axes are gone from the result? Those are the ones to average over.",
               "(N, H, W, C) becomes (N, C): axes 1 and 2 go, both at once.",
               "A tuple of axes does it: x.mean(axis=(..., ...))"),
    ),
    task(
        q2, ("x",), (np.array([[1.0, 4, 2], [9, 5, 9]]),), (ROWS,),
        differs="is x - x.max(axis=-1, keepdims=True), as in its softmax", race=(LARGE.reshape(-1, 16),),
        hints=("The largest of each row is one number for each row. It has to line up with the rows, not the columns.",
               "(N, C) minus (N, 1) works. (N, C) minus (N,) does not, or worse, does something else.",
               "largest = x.max(axis=-1, keepdims=True)"),
        known={
            "that is the largest of the whole array, and should be the largest of each row": lambda x: x - x.max(),
            "that is the largest of each column, and should be that of each row": lambda x: x - x.max(axis=0),
            "these are the largest numbers themselves: take them from x": lambda x: x * 0 + x.max(axis=1)[:, None],
        },
    ),
    task(
        q3, ("labels", "classes"),
        (np.array([[0, 2]]), 3), (LABELS, 5),
        differs="is labels[..., None] == np.arange(classes): the one-hot labels of the loss", race=(MANY, 11),
        hints=("Compare each label with every class: two arrays that meet in an axis which the labels do not have yet.",
               "(H, W, 1) == (classes,) is (H, W, classes).",
               "labels[..., None] has the shape (H, W, 1)"),
    ),
    task(
        q4, ("x",), (SMALL[0],), (ODD[0],),
        differs="is x.reshape(-1, C)", race=(LARGE[0],),
        hints=("In memory the channels of a pixel already stand side by side, and the pixels row by row.",
               "(H, W, C) becomes (H*W, C). A -1 says: as many as there are.",
               "x.reshape(-1, ...)"),
        known={
            "each channel's numbers were kept together, and then cut into rows: here the numbers of a pixel belong "
            "together": lambda x: x.transpose(2, 0, 1).reshape(-1, x.shape[2]),
            "the pixels come column by column, and should come row by row":
                lambda x: x.transpose(1, 0, 2).reshape(-1, x.shape[2]),
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
        known_on=(ROWS, rng.standard_normal((7, 2))),
        known={
            "reshape gives the shape of the transpose, and leaves the numbers where they were":
                lambda x, dy: x.reshape(x.shape[::-1]) @ dy,
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
        },
    ),
    task(
        q7, ("x", "labels", "ignore"),
        (SMALL[0], np.array([[0, 3, 1, 3], [1, 1, 0, 2]]), 3), (ODD[0], LABELS, 2), (ODD[0], LABELS, 9),
        differs="is x[labels != ignore]: void pixels are left out of every figure in this way",
        hints=("An array of True and False can stand in the brackets, where an index would.",
               "A mask of shape (H, W) takes pixels out of an array of shape (H, W, C): M of them, of C numbers each.",
               "mask = labels != ignore"),
        race=(LARGE[0], MANY[:90, :120], 3),
        known={"these are the pixels to leave out: keep the others": lambda x, labels, ignore: x[labels == ignore]},
    ),
    task(
        q8, ("x",), (np.array([[1.0, 2], [3, 4]]),), (ROWS,),
        differs="is y = x.copy() and then y[:, 0] = 0", race=(LARGE[0, :, :, 0],),
        hints=("y = x gives the array a second name. What you write into y, x has too.",
               "x and y have the same shape, and memory of their own.",
               "y = x.copy()"),
        known={"that is the first row, and should be the first column": lambda x: np.vstack([0 * x[:1], x[1:]])},
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
        },
    ),
    task(
        q10, ("labels", "classes"),
        (np.array([[0, 2], [2, 2]]), 4), (LABELS, 5), (MANY[:20, :30], 11),
        differs="is np.bincount(labels.ravel(), minlength=classes): its metrics and class weights begin so",
        hints=("np.bincount counts how often 0, 1, 2 ... occur, in an array of one axis.",
               "(H, W) has to become (H*W,), and the result has to have `classes` numbers even if the last is 0.",
               "labels.ravel() has one axis; minlength= is the least length of the result"),
        race=(MANY, 11),
    ),
)
