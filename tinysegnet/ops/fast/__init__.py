"""The operations of tinysegnet.ops with a faster convolution where there is one: another `ops`, and nothing else.

    network.forward(params, x, ops=fast)
    network.forward(params, x, ops=ops_with(conv="im2col"))
"""

from types import SimpleNamespace

import numpy

from tinysegnet import ops
from tinysegnet.ops import *  # noqa: F403 - all of them, but for the two below
from tinysegnet.ops import conv as conv_im2col
from tinysegnet.ops import conv_1x1
from tinysegnet.ops.fast import conv_fft

CONVOLUTIONS = "auto", "fft", "im2col"


def fastest_conv(x, w):
    """The module that convolves fastest, as measured: conv_fft with a large kernel and a thousand pixels or more."""
    if not all(len(getattr(a, "shape", ())) == 4 for a in (x, w)):
        return conv_im2col                                              # which says in words what is wrong
    (N, H, W, _), K = x.shape, len(w)
    if K == 1:
        return conv_1x1
    return conv_fft if isinstance(x, numpy.ndarray) and K >= 5 and N * H * W >= 1000 else conv_im2col


def conv2d(x, w, b):
    """y, cache of conv.conv2d, by the fastest way."""
    return fastest_conv(x, w).conv2d(x, w, b)


def conv2d_backward(dy, cache, need_dx=True):
    """dx, dw, db of conv.conv2d_backward, by the fastest way: all ways have the same cache, (x, w)."""
    return fastest_conv(*cache).conv2d_backward(dy, cache, need_dx)


def ops_with(conv="auto", **others):
    """A namespace of all operations, with that convolution and, by their names, others in the place of ours.

    conv    "auto" is each by the fastest; "fft": all by conv_fft; "im2col": all by conv

    Raises ValueError if conv is none of these.
    """
    pairs = {
        "auto": (conv2d, conv2d_backward),
        "fft": (conv_fft.conv2d, conv_fft.conv2d_backward),
        "im2col": (conv_im2col.conv2d, conv_im2col.conv2d_backward),
    }
    if conv not in pairs:
        raise ValueError(f"there is no convolution {conv!r}: choose one of {', '.join(CONVOLUTIONS)}")
    functions = {name: getattr(ops, name) for name in ops.__all__}
    functions["conv2d"], functions["conv2d_backward"] = pairs[conv]
    return SimpleNamespace(**functions | others)
