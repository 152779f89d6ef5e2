"""Two maps become one: they are added, or put one behind the other."""

from tinysegnet.support.backend import array_module
from tinysegnet.support.shapes import check_arrays


def add(a, b):
    """y = a + b. There is nothing to keep, and the backward is dy, once for each: a sum moves as much as either does.

    a, b, y  (N, H, W, C)

    Raises ValueError if they have not one shape and dtype.
    """
    check_arrays("add", a=(a, "N H W C"), b=(b, "N H W C"))
    return a + b


def concatenate(a, b):
    """y[..., :A] = a and y[..., A:] = b: their channels, one behind the other.

    a      (N, H, W, A)
    b      (N, H, W, B)
    y      (N, H, W, A + B)
    cache  A

    Raises ValueError if N, H, W or the dtypes differ.
    """
    check_arrays("concatenate", a=(a, "N H W A"), b=(b, "N H W B"))
    return array_module(a).concatenate([a, b], axis=3), a.shape[3]


def concatenate_backward(dy, cache):
    """Each channel of dy goes back to where it came from.

    dy  (N, H, W, A + B)
    da  (N, H, W, A)
    db  (N, H, W, B)

    Raises ValueError if dy has not more than A channels.
    """
    A = cache
    check_arrays("concatenate_backward", dy=(dy, "N H W F"))
    if dy.shape[3] <= A:
        raise ValueError(f"concatenate_backward: dy should have more than the {A} channels of a, got {dy.shape[3]}")
    return dy[..., :A].copy(), dy[..., A:].copy()
