"""Lesson 01: how numerical_gradient is judged."""

import numpy as np

from lessons.engine.exercises import Exercise, values
from tinysegnet.checker.finite_differences import STEP
from tinysegnet.checker.finite_differences import numerical_gradient as library
from tinysegnet.checker.mistakes.table import Table

# A measurement with another step, or in another order, differs a little. The true gradients here have no more than four
# decimal places, so rounding to five takes that away; and the curves are bent enough to show a one-sided difference.
PLACES = 5
PAIR, TABLE = np.array([[1.0, -2.0]]), np.array([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]])
BLOCK = np.arange(30.0).reshape(2, 3, 5) % 7 / 4
DRAWN = np.random.default_rng(1).integers(-20, 21, (2, 3)) / 10


def rounded(function):
    """function, with its gradient to 5 places."""

    def run(f, x):
        gradient = function(f, x)
        is_float = isinstance(gradient, np.ndarray | np.generic) and gradient.dtype.kind == "f"
        return np.round(gradient, PLACES) if is_float else gradient

    run.__name__ = getattr(function, "__name__", "numerical_gradient")
    return run


def squares(x):
    return (x**2).sum()


def cubes(x):
    return (x**3).sum()


def square_of_sum(x):
    return 20 * x.sum() ** 2


def weighted(x):
    return (x * np.arange(x.size).reshape(x.shape)).sum()


def steep(x):
    return 100 * (x**2).sum()


def by_entries(slope, step):
    """A wrong numerical_gradient: slope(f, x, move, step) for each entry, where `move` is `step` there and else 0."""

    def gradient(f, x):
        found = np.zeros_like(x)
        for i in np.ndindex(x.shape):
            move = np.zeros_like(x)
            move[i] = step
            found[i] = slope(f, x, move, step)
        return found.round(PLACES)

    return gradient


def left_at(offset, step):
    """A wrong numerical_gradient: each entry that has been measured stays that far from where it was."""

    def gradient(f, x):
        found, moved = np.zeros_like(x), x.copy()
        for i in np.ndindex(x.shape):
            moved[i] = x[i] + step
            above = f(moved)
            moved[i] = x[i] - step
            found[i] = (above - f(moved)) / (2 * step)
            moved[i] = x[i] + offset
        return found.round(PLACES)

    return gradient


def cases():
    return (cubes, 2 * TABLE), (square_of_sum, TABLE), (steep, TABLE)


MISTAKES = Table("lessons/01_gradient_is_a_measurement/README.md", cases, ["gradient"])

for step in 1e-3, 1e-4, 1e-5, 1e-6, 1e-7:       # learners take various steps, and so do these
    MISTAKES.mistake("from x - step to x + step it is two steps: divide by 2 * step",
                     step_once=by_entries(lambda f, x, move, step: (f(x + move) - f(x - move)) / step, step))
    MISTAKES.mistake("that is how much f moves: divide by how far x was moved, 2 * step",
                     difference_only=by_entries(lambda f, x, move, step: f(x + move) - f(x - move), step))
    MISTAKES.mistake("an entry that has been measured is left at x - step: put it back before you move the next",
                     left_below=left_at(-step, step))
    MISTAKES.mistake("the sign is turned round: it is f(x + step) - f(x - step)",
                     sign=by_entries(lambda f, x, move, step: (f(x - move) - f(x + move)) / (2 * step), step))
    MISTAKES.mistake("that is f(x + step), and f(x - step) alone divided: put brackets round the difference",
                     brackets_forgotten=by_entries(
                         lambda f, x, move, step: f(x + move) - f(x - move) / (2 * step), step))
    MISTAKES.mistake("the two are added: take f(x - step) away from f(x + step)",
                     added=by_entries(lambda f, x, move, step: (f(x + move) + f(x - move)) / (2 * step), step))
    MISTAKES.mistake("an entry that has been measured is left at x + step: put it back before you move the next",
                     left_above=left_at(step, step))
    if step > 1e-7:
        MISTAKES.mistake("one of the two points is x itself, and the difference is divided by two steps: go to x + "
                         "step and to x - step",
                         half_above=by_entries(lambda f, x, move, step: (f(x + move) - f(x)) / (2 * step), step),
                         half_below=by_entries(lambda f, x, move, step: (f(x) - f(x - move)) / (2 * step), step))
    if step > 1e-6:             # the rest is rounded away
        MISTAKES.mistake("the difference is divided by 2 alone: divide by how far x was moved, 2 * step",
                         divided_by_two=by_entries(lambda f, x, move, step: (f(x + move) - f(x - move)) / 2, step))
    if step > 1e-7:             # so near that the bend of f is lost in the five places
        MISTAKES.mistake("it looks to one side only: look to both, f(x + step) - f(x - step), and divide by 2 * step",
                         one_sided=by_entries(lambda f, x, move, step: (f(x + move) - f(x)) / step, step),
                         the_other_side=by_entries(lambda f, x, move, step: (f(x) - f(x - move)) / step, step))

for step in 1, 0.5, 0.1, 0.05, 0.02, 0.01:
    MISTAKES.mistake("the step is so large that the bend of f shows: take one of about 1e-5",
                     too_far=by_entries(lambda f, x, move, step: (f(x + move) - f(x - move)) / (2 * step), step))
for step in 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15:
    MISTAKES.mistake("the step is so small that the rounding of f shows: take one of about 1e-5",
                     too_near=by_entries(lambda f, x, move, step: (f(x + move) - f(x - move)) / (2 * step), step))
MISTAKES.mistake("the sign is lost: where f falls as x rises, the gradient is negative",
                 sign_lost=by_entries(lambda f, x, move, step: abs(f(x + move) - f(x - move)) / (2 * step), STEP))


def all_at_once(f, x):
    return np.full_like(x, (f(x + STEP) - f(x - STEP)) / (2 * STEP)).round(PLACES)


MISTAKES.mistake("all entries were moved at once: move one, and leave the others where they are",
                 all_at_once=all_at_once, one_number=lambda f, x: all_at_once(f, x).flat[0])


@MISTAKES.mistake("a whole row was moved at once: move one entry, x[i, j], and leave the others where they are")
def row_at_once(f, x):
    gradient = np.zeros_like(x)
    for i in range(len(x)):
        moved = np.zeros_like(x)
        moved[i] = STEP
        gradient[i] = (f(x + moved) - f(x - moved)) / (2 * STEP)
    return gradient.round(PLACES)


@MISTAKES.mistake("a whole column was moved at once: move one entry, x[i, j], and leave the others where they are")
def column_at_once(f, x):
    return row_at_once(lambda turned: f(turned.T), x.T).T


def at_one_entry(at):
    def gradient(f, x):
        found = np.zeros_like(x)
        found[at] = np.round(library(f, x)[at], PLACES)
        return found

    return gradient


MISTAKES.mistake("only the first entry was measured: go through all (does a return stand inside the loop?)",
                 first_entry=at_one_entry((0, 0)))
MISTAKES.mistake("only the last entry was measured: go through all", last_entry=at_one_entry((-1, -1)))
MISTAKES.mistake("the last entry in each direction is left 0: go through all, np.ndindex(x.shape)",
                 last_left_out=lambda f, x: np.pad(np.round(library(f, x), PLACES)[:-1, :-1], ((0, 1), (0, 1))))
MISTAKES.mistake("it is zero everywhere, or nearly: move an entry of the very array that f is given (x.flatten() is a "
                 "copy, and so is x.ravel() of an array that lies column by column in memory), divide by 2 * step, and "
                 "take no step that is lost beside x, as 1e-16 is",
                 zero=lambda f, x: np.zeros_like(x))


EXERCISES = (
    Exercise(
        "numerical_gradient", values(
            rounded(library),
            (squares, PAIR), (cubes, TABLE), (square_of_sum, TABLE), (weighted, BLOCK), (steep, TABLE),
            (cubes, np.asfortranarray(BLOCK)), (squares, np.array(0.5)), (cubes, DRAWN),
            results=("gradient",), names=("f", "x"), mistakes=MISTAKES, adapt=rounded,
        ),
        answer=library, read="tinysegnet/checker/finite_differences.py",
        race=lambda: (squares, np.linspace(-1, 1, 800).reshape(20, 40)),
        differs="divides by how far apart the two x really are: x + step was rounded too",
        hints=("One entry at a time: move it up and call f, move it down and call f, and put it back. The others stay.",
               "Begin with a float64 copy of x, and a gradient of the same shape. np.ndindex(x.shape) gives the index "
               "of every entry, however many axes there are.",
               "x, gradient = np.array(x, np.float64), np.zeros(x.shape), and then: for i in np.ndindex(x.shape):"),
    ),
)
