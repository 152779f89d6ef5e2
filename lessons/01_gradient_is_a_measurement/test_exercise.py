"""Lesson 01: how numerical_gradient is judged."""

from types import SimpleNamespace

import numpy as np
import pytest

from lessons.engine.exercises import Exercise, values
from tinysegnet.checker.finite_differences import STEP
from tinysegnet.checker.finite_differences import numerical_gradient as library

# A measurement with another step, or in another order, differs a little. The true gradients here have no more than four
# decimal places, so rounding to five takes that away; and the curves are bent enough to show a one-sided difference.
PLACES = 5
PAIR, TABLE = np.array([[1.0, -2.0]]), np.array([[0.5, -1.0, 2.0], [1.5, 0.0, -0.5]])
BLOCK = np.arange(30.0).reshape(2, 3, 5) % 7 / 4


def rounded(function):
    """function, with its gradient to 5 places."""

    def run(f, x):
        gradient = function(f, x)
        return np.round(gradient, PLACES) if isinstance(gradient, np.ndarray | np.generic) else gradient

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


def known_mistakes():
    """Wrong answers f, x -> {"gradient": ...}, with a sentence each. Learners take various steps, and so do these."""
    for step in 1e-3, 1e-4, 1e-5, 1e-6, 1e-7:

        def one_sided(f, x, step=step):
            """it looks to one side only: look to both, f(x + step) - f(x - step), and divide by 2 * step"""
            return measured(f, x, lambda at: (f(at(step)) - f(at(0))) / step)

        def the_other_side(f, x, step=step):
            """it looks to one side only: look to both, f(x + step) - f(x - step), and divide by 2 * step"""
            return measured(f, x, lambda at: (f(at(0)) - f(at(-step))) / step)

        def step_once(f, x, step=step):
            """from x - step to x + step it is two steps: divide by 2 * step"""
            return measured(f, x, lambda at: (f(at(step)) - f(at(-step))) / step)

        def difference_only(f, x, step=step):
            """that is how much f moves: divide by how far x was moved, 2 * step"""
            return measured(f, x, lambda at: f(at(step)) - f(at(-step)))

        def left_below(f, x, step=step):
            """an entry that has been measured is left at x - step: put it back before you move the next"""
            moving = x.copy()

            def slope(at):
                above = f(moving + at(step) - x)
                moving[:] = moving + at(-step) - x
                return (above - f(moving)) / (2 * step)

            return measured(f, x, slope)

        yield from (step_once, difference_only, left_below)
        if step > 1e-7:             # so near that the bend of f is lost in the five places
            yield from (one_sided, the_other_side)

    for step in 0.1, 0.01:

        def too_far(f, x, step=step):
            """the step is so large that the bend of f shows: take one of about 1e-5"""
            return measured(f, x, lambda at: (f(at(step)) - f(at(-step))) / (2 * step))

        yield too_far

    def all_at_once(f, x):
        """all entries were moved at once: move one, and leave the others where they are"""
        return {"gradient": np.full_like(x, (f(x + STEP) - f(x - STEP)) / (2 * STEP)).round(PLACES)}

    def one_number(f, x):
        """all entries were moved at once: move one, and leave the others where they are"""
        return {"gradient": all_at_once(f, x)["gradient"].flat[0]}

    def row_at_once(f, x):
        """a whole row was moved at once: move one entry, x[i, j], and leave the others where they are"""
        gradient = np.zeros_like(x)
        for i in range(len(x)):
            moved = np.zeros_like(x)
            moved[i] = STEP
            gradient[i] = (f(x + moved) - f(x - moved)) / (2 * STEP)
        return {"gradient": gradient.round(PLACES)}

    yield from (all_at_once, one_number, row_at_once)


def measured(f, x, slope):
    """slope(at) for each entry, where at(offset) is x with that entry moved."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):

        def at(offset, i=i):
            moved = x.copy()
            moved[i] += offset
            return moved

        gradient[i] = slope(at)
    return {"gradient": gradient.round(PLACES)}


MISTAKES = SimpleNamespace(
    READ="lessons/01_gradient_is_a_measurement/README.md",
    MISTAKES=tuple(known_mistakes()),
    cases=lambda: ((cubes, 2 * TABLE), (square_of_sum, TABLE), (steep, TABLE)),
)

EXERCISES = (
    Exercise(
        "numerical_gradient",
        values(
            rounded(library),
            (squares, PAIR), (cubes, TABLE), (square_of_sum, TABLE), (weighted, BLOCK), (steep, TABLE),
            (cubes, np.asfortranarray(BLOCK)), (squares, np.array(0.5)),
            results=("gradient",), names=("f", "x"), mistakes=MISTAKES, adapt=rounded,
        ),
        answer=library,
        hints=(
            "One entry at a time: move it up and call f, move it down and call f, and put it back. The others stay.",
            "Begin with a float64 copy of x, and a gradient of the same shape. np.ndindex(x.shape) gives the index of "
            "every entry, however many axes there are.",
            "x, gradient = np.array(x, np.float64), np.zeros(x.shape), and then: for i in np.ndindex(x.shape):",
        ),
        differs="divides by how far apart the two x really are: x + step was rounded too",
        read="tinysegnet/checker/finite_differences.py",
        race=lambda: (squares, np.linspace(-1, 1, 800).reshape(20, 40)),
    ),
)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_exercise(exercise, judge):
    judge(exercise)
