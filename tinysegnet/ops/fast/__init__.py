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
from tinysegnet.ops.fast import conv_fft, winograd

CONVOLUTIONS = "auto", "fft", "winograd", "im2col"


def fastest_conv(x, w):
    """The module that convolves fastest. What counts is the kernel and the map, and never how many images there are.

    Measured on two cores of an AMD EPYC (Zen 5), forward and backward of one or two images, 8 to 512 channels. (Near
    these bounds, and with few channels, the other may be the faster one.)

        1 x 1                 conv_1x1
        3 x 3                 winograd from 32 channels and 300 pixels on; below, its transforms cost more than they win
        5 x 5 and larger      conv_fft from 500 pixels on; below, the spectrum of the kernel costs more
        all else, and a GPU   conv, by im2col
    """
    if not all(len(getattr(a, "shape", ())) == 4 for a in (x, w)):
        return conv_im2col                                              # which says in words what is wrong
    (_, H, W, C), K = x.shape, len(w)
    if K == 1:
        return conv_1x1
    if not isinstance(x, numpy.ndarray):
        return conv_im2col
    if K == 3:
        return winograd if C >= 32 and H * W >= 300 else conv_im2col
    return conv_fft if K >= 5 and H * W >= 500 else conv_im2col


def winograd_for_3x3(x, w):
    """winograd where it can, and else the module that convolves fastest."""
    if isinstance(x, numpy.ndarray) and getattr(w, "shape", ())[:2] == (3, 3):
        return winograd
    return fastest_conv(x, w)


def conv2d(x, w, b):
    """y, cache of conv.conv2d, by the fastest way."""
    return fastest_conv(x, w).conv2d(x, w, b)


def conv2d_backward(dy, cache, need_dx=True):
    """dx, dw, db of conv.conv2d_backward, by the fastest way: all ways have the same cache, (x, w)."""
    return fastest_conv(*cache).conv2d_backward(dy, cache, need_dx)


def ops_with(conv="auto", **others):
    """A namespace of all operations, with that convolution and, by their names, others in the place of ours.

    conv    "auto": each convolution by the fastest; "fft": all by conv_fft; "winograd": those of 3 x 3 by winograd, and
            the others as by "auto"; "im2col": all by conv

    Raises ValueError if conv is none of these.
    """
    pairs = {
        "auto": (conv2d, conv2d_backward),
        "fft": (conv_fft.conv2d, conv_fft.conv2d_backward),
        "winograd": (conv2d_by_winograd, conv2d_backward_by_winograd),
        "im2col": (conv_im2col.conv2d, conv_im2col.conv2d_backward),
    }
    if conv not in pairs:
        raise ValueError(f"there is no convolution {conv!r}: choose one of {', '.join(CONVOLUTIONS)}")
    functions = {name: getattr(ops, name) for name in ops.__all__}
    functions["conv2d"], functions["conv2d_backward"] = pairs[conv]
    return SimpleNamespace(**functions | others)


def conv2d_by_winograd(x, w, b):
    return winograd_for_3x3(x, w).conv2d(x, w, b)


def conv2d_backward_by_winograd(dy, cache, need_dx=True):
    return winograd_for_3x3(*cache).conv2d_backward(dy, cache, need_dx)
