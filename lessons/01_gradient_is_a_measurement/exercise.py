"""Lesson 01: measuring a gradient. Ask:  python -m pytest lessons/01_gradient_is_a_measurement"""

import numpy as np


def numerical_gradient(f, x):
    """df/dx, entry by entry, by central differences:  (f(x + step) - f(x - step)) / (2 * step).

    f         takes an array like x and returns one number
    x         array of any shape, () too, float32 or float64; it must be as it was when you return
    gradient  float64, of the shape of x
    """
    gradient = None
    return gradient
