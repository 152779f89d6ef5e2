"""Dropout (Srivastava et al., 2014): some values of a map are left out, others each time."""

from types import SimpleNamespace

import numpy as np

from tinysegnet.support.shapes import check_arrays


def dropout(x, mask):
    """y = x * mask, entry by entry.

    x      any shape
    mask   of x's shape and dtype: 0 where x is dropped, else 1 / (1 - rate), so that y is x on average
    y      the same
    cache  mask

    Raises ValueError if they have not one shape and dtype.
    """
    check_arrays("dropout", x=(x, "..."), mask=(mask, tuple(getattr(x, "shape", ()))))
    return x * mask, mask


def dropout_backward(dy, cache):
    """dx = dy * mask: what was dropped had no part in the output."""
    mask = cache
    check_arrays("dropout_backward", mask=(mask, "..."), dy=(dy, tuple(mask.shape)))
    return dy * mask


def draw_mask(rng, shape, rate, dtype):
    """A mask of that shape and dtype, drawn on the host: each entry is 0 with probability `rate`, from 0 to below 1.

    rng  a numpy.random.Generator. One number of float32 an entry, whatever the dtype, so that all see the same mask
    """
    kept = rng.random(shape, np.float32) >= rate
    return kept.astype(dtype) / np.asarray(1 - rate, dtype)


def with_rng(ops, seed):
    """These operations, and with them a generator for the masks, `rng`, that begins at that seed."""
    return SimpleNamespace(**vars(ops) | {"rng": np.random.default_rng(seed)})
