"""The rectified linear unit (Nair and Hinton, 2010)."""

from tinysegnet.support.backend import array_module
from tinysegnet.support.shapes import check_arrays


def relu(x):
    """y = max(x, 0), entry by entry.

    x      any shape
    y      the same
    cache  where x is positive

    Raises ValueError if x is not float32 or float64.
    """
    check_arrays("relu", x=(x, "..."))
    return array_module(x).maximum(x, 0), x > 0


def relu_backward(dy, cache):
    """dx = dy where x was positive, 0 elsewhere. At exactly 0, where there is a kink, 0 is the convention."""
    positive = cache
    check_arrays("relu_backward", dy=(dy, tuple(positive.shape)))
    return dy * positive
