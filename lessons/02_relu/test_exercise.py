"""Lesson 02: how relu and relu_backward are judged."""

import numpy as np

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet import ops

rng = np.random.default_rng(2)
CASES = (
    (np.array([[[[-1.0, 2.0], [3.0, -4.0]]]]),),
    (rng.standard_normal((2, 4, 5, 3)),), (50 * rng.standard_normal((1, 1, 7, 2)),),
)
# Where the backward cannot be measured: at 0 and on both sides of it, so near that no other threshold lies between.
AT_0 = (np.zeros((1, 2, 2, 1)),), (1e-6 * rng.standard_normal((1, 2, 3, 2)),)
LARGE = rng.standard_normal((4, 90, 120, 64), np.float32)

EXERCISES = (
    Exercise(
        "relu", values(ops.relu, *CASES, *AT_0, names=("x",), cache=True),
        answer=ops.relu, read="tinysegnet/ops/activation.py", race=lambda: (LARGE,),
        differs="does the same, and checks that x is a floating array",
        hints=("Which of two numbers is the larger, x or 0? NumPy can ask that of a whole array at once.",
               "y has the shape of x. So has the cache: True and False, which is what relu_backward needs.",
               "y = np.maximum(x, ...), and for the cache a comparison"),
    ),
    Exercise(
        "relu_backward", gradients(ops.relu, ops.relu_backward, *CASES, names=("x",)),
        answer=ops.relu_backward, read="tinysegnet/ops/activation.py", race=lambda: (LARGE, LARGE > 0),
        differs="is the same line",
        hints=("If x moves a little, does y move? It depends on the sign of x, and the cache knows that.",
               "dy and the cache have the same shape. True counts as 1 in a product, and False as 0.",
               "dx = dy * ..."),
    ),
)
