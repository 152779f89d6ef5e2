"""The operations of tinysegnet.ops with a faster convolution where there is one, and on a GPU with a batch norm that
goes over memory fewer times: another `ops`, and nothing else.

    network.forward(params, x, ops=fast)
    network.forward(params, x, ops=ops_with(conv="im2col"))
"""

from functools import lru_cache
from types import SimpleNamespace

from tinysegnet import ops
from tinysegnet.ops import *  # noqa: F403 - all of them, but for those below
from tinysegnet.ops import batchnorm, conv_1x1, more
from tinysegnet.ops import conv as conv_im2col
from tinysegnet.ops.fast import batchnorm_gpu, conv_fft, conv_gpu, winograd
from tinysegnet.ops.more import *  # noqa: F403 - likewise
from tinysegnet.support.backend import array_module
from tinysegnet.support.threads import on_gpu

CONVOLUTIONS = "auto", "fft", "winograd", "im2col"
LARGEST_ON_GPU = 2**28          # numbers of a map that conv_gpu has as a whole: its backward then takes 8 GB


def fastest_conv(x, w):
    """The module that convolves fastest. What counts is the kernel and the map, and never how many images there are.

    Measured on two cores of an AMD EPYC (Zen 5), forward and backward of one or two images, 8 to 512 channels. (Near
    these bounds, and with few channels, the other may be the faster one.)

        1 x 1                 conv_1x1
        3 x 3                 winograd from 32 channels and 300 pixels on; below, its transforms cost more than they win
        5 x 5 and larger      conv_fft from 500 pixels on; below, the spectrum of the kernel costs more
        all else              conv, by im2col
        on a GPU              conv_1x1; conv_gpu, if it fits. Not measured
    """
    if not all(len(getattr(a, "shape", ())) == 4 for a in (x, w)):
        return conv_im2col                                              # which says in words what is wrong
    (_, H, W, C), K = x.shape, len(w)
    if K == 1:
        return conv_1x1
    if on_gpu(x):
        return conv_gpu if H * W * max(C, w.shape[3]) <= LARGEST_ON_GPU else conv_im2col
    if K == 3:
        return winograd if C >= 32 and H * W >= 300 else conv_im2col
    return conv_fft if K >= 5 and H * W >= 500 else conv_im2col


def winograd_for_3x3(x, w):
    """winograd where it can, and else the module that convolves fastest."""
    if not on_gpu(x) and getattr(w, "shape", ())[:2] == (3, 3):
        return winograd
    return fastest_conv(x, w)


def conv2d(x, w, b):
    """y, cache of conv.conv2d, by the fastest way."""
    return fastest_conv(x, w).conv2d(x, w, b)


def conv2d_backward(dy, cache, need_dx=True):
    """dx, dw, db of conv.conv2d_backward, by the fastest way: all ways have the same cache, (x, w)."""
    return fastest_conv(*cache).conv2d_backward(dy, cache, need_dx)


def batch_norm(x, gamma, beta):
    """y, (mean, var), cache of batchnorm.batch_norm."""
    return (batchnorm_gpu if on_gpu(x) else batchnorm).batch_norm(x, gamma, beta)


def batch_norm_backward(dy, cache):
    """dx, dgamma, dbeta of batchnorm.batch_norm_backward: both ways have the same cache."""
    return (batchnorm_gpu if on_gpu(dy) else batchnorm).batch_norm_backward(dy, cache)


@lru_cache
def with_convolution(conv2d, conv2d_backward):
    """The other operations of this module that are made of a convolution, made of that one."""
    def conv_transpose2d(x, w, b, shape):
        """y, cache of more.conv_transpose2d."""
        return more.conv_transpose2d(x, w, b, shape, conv2d)

    def conv_transpose2d_backward(dy, cache):
        return more.conv_transpose2d_backward(dy, cache, conv2d_backward)

    def depthwise_conv2d(x, w, b):
        """y, cache of more.depthwise_conv2d, for K above 3 by a convolution whose kernel is 0 between two channels.

        That is C times the arithmetic; but in the frequency domain, and in products of matrices, it takes less time.
        """
        if not goes_by_full_kernel(x, w) or getattr(b, "shape", ()) != w.shape[2:]:
            return more.depthwise_conv2d(x, w, b)
        return conv2d(x, full_kernel(w), b)[0], (x, w)

    def depthwise_conv2d_backward(dy, cache):
        x, w = cache
        if not goes_by_full_kernel(x, w) or getattr(dy, "shape", ()) != x.shape:
            return more.depthwise_conv2d_backward(dy, cache)
        dx, dw, db = conv2d_backward(dy, (x, full_kernel(w)))
        C = w.shape[2]
        return dx, dw.reshape(*w.shape[:2], C * C)[:, :, :: C + 1].copy(), db

    return {
        "conv_transpose2d": conv_transpose2d, "conv_transpose2d_backward": conv_transpose2d_backward,
        "depthwise_conv2d": depthwise_conv2d, "depthwise_conv2d_backward": depthwise_conv2d_backward,
    }


def goes_by_full_kernel(x, w):
    """Never what the plain operation refuses in words, which it then does."""
    if [getattr(a, "ndim", 0) for a in (x, w)] != [4, 3] or w.shape != (len(w), len(w), x.shape[3]) or len(w) % 2 == 0:
        return False
    return len(w) > 3 and x.dtype == w.dtype and fastest_conv(x, w[:, :, None]) is not conv_im2col


def full_kernel(w):
    """w (K, K, C) as (K, K, C, C), with w on the diagonal."""
    K, _, C = w.shape
    kernel = array_module(w).zeros((K, K, C * C), w.dtype)
    kernel[:, :, :: C + 1] = w
    return kernel.reshape(K, K, C, C)


conv_transpose2d, conv_transpose2d_backward, depthwise_conv2d, depthwise_conv2d_backward = with_convolution(
    conv2d, conv2d_backward
).values()


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
    functions = {name: getattr(module, name) for module in (ops, more) for name in module.__all__}
    functions |= {"batch_norm": batch_norm, "batch_norm_backward": batch_norm_backward}
    functions["conv2d"], functions["conv2d_backward"] = pairs[conv]
    if conv != "im2col":
        functions |= with_convolution(*pairs[conv])
    return SimpleNamespace(**functions | others)


def conv2d_by_winograd(x, w, b):
    return winograd_for_3x3(x, w).conv2d(x, w, b)


def conv2d_backward_by_winograd(dy, cache, need_dx=True):
    return winograd_for_3x3(*cache).conv2d_backward(dy, cache, need_dx)
