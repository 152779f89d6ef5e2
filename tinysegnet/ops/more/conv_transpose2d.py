"""The transposed convolution: what a convolution of stride 2 does to gradients, as an operation of its own.

It doubles the size of a map, and what it puts between the pixels is learnt. ("Deconvolution" in many papers. SegNet has
none; FCN upsamples with it: Long, Shelhamer and Darrell, 2015, section 3.3.)
"""

import numpy as np

from tinysegnet import ops
from tinysegnet.support.backend import array_module
from tinysegnet.support.shapes import ceil_div, check_arrays, check_doubled


def conv_transpose2d(x, w, b, shape, conv2d=ops.conv2d):
    """y[n, 2r + i - (K-1)//2, 2q + j - (K-1)//2] += x[n, r, q] @ w[i, j], from y = b; what falls outside is dropped.

    Each pixel of x puts a kernel, weighted by its channels, around twice its place. Seen from y: a row 2t + e, with e 0
    or 1, is reached through every second row of w alone, those of e, from as many rows of x around t. So the four y of
    a (t, s), one for each e of the row and of the column, are what an ordinary convolution of x gives there, one with
    four times as many filters and kernels of half the size. They are put side by side.

    x      (N, H, W, C)
    w      (K, K, C, F), any K
    b      (F,)
    shape  (N, H', W', F), the shape to give back: H' is 2H or 2H - 1, as of a map that was halved to H; W' likewise
    conv2d the ordinary convolution
    cache  (x, w)

    Raises ValueError if the shapes do not fit or the dtypes differ.
    """
    check_arrays("conv_transpose2d", x=(x, "N H W C"), w=(w, "K K C F"), b=(b, "F"))
    (N, H, W, _), F = x.shape, len(b)
    check_doubled("conv_transpose2d", shape, (N, H, W, F))
    margin = margin_of(w)
    four, _ = conv2d(with_margin(x, margin), in_phases(w), array_module(b).tile(b, 4))      # (N, H + margin, ..., 4 F)
    blocks = four.reshape(*four.shape[:3], 2, 2, F).swapaxes(2, 3)
    y = blocks.reshape(N, 2 * (H + margin), 2 * (W + margin), F)
    return y[:, margin : margin + shape[1], margin : margin + shape[2]].copy(), (x, w)


def conv_transpose2d_backward(dy, cache, conv2d_backward=ops.conv2d_backward):
    """The same way back: dy in blocks of four, the backward of the ordinary convolution, and w from its phases.

    dy  (N, H', W', F)
    dx  (N, H, W, C)
    dw  (K, K, C, F)
    db  (F,)

    Raises ValueError if dy has not the shape and dtype of y.
    """
    x, w = cache
    check_arrays("conv_transpose2d_backward", x=(x, "N H W C"), w=(w, "K K C F"), dy=(dy, "N h w F"))
    (N, H, W, _), F, margin = x.shape, w.shape[3], margin_of(w)
    check_doubled("conv_transpose2d_backward", dy.shape, (N, H, W, F))
    blocks = array_module(dy).zeros((N, 2 * (H + margin), 2 * (W + margin), F), dy.dtype)
    blocks[:, margin : margin + dy.shape[1], margin : margin + dy.shape[2]] = dy
    dfour = blocks.reshape(N, H + margin, 2, W + margin, 2, F).swapaxes(2, 3).reshape(N, H + margin, W + margin, 4 * F)
    dx, dw_in_phases, db = conv2d_backward(dfour, (with_margin(x, margin), in_phases(w)))
    return dx[:, :H, :W].copy(), from_phases(dw_in_phases, w.shape), db.reshape(4, F).sum(axis=0)


def margin_of(w):
    """1 if the first y belongs to e = 1, because (K - 1) // 2 is odd: then there is a block more than x has pixels."""
    return (len(w) - 1) // 2 % 2


def with_margin(x, margin):
    """x with so many rows and columns of zeros below and to the right."""
    return array_module(x).pad(x, ((0, 0), (0, margin), (0, margin), (0, 0))) if margin else x


def in_phases(w):
    """w (K, K, C, F) as the kernel of the ordinary convolution, (k, k, C, 4 F), k odd and at least K / 2.

    Its row i is w[2s + e] with s = ceil(K / 2) - 1 - i: in the definition x is read the other way round than in a
    cross-correlation. What is not in w is 0.
    """
    K, _, C, F = w.shape
    half = ceil_div(K, 2)
    k = half + (half + 1) % 2
    even = array_module(w).zeros((2 * half, 2 * half, C, F), w.dtype)
    even[:K, :K] = w
    turned = even.reshape(half, 2, half, 2, C, F)[::-1, :, ::-1]
    kernel = array_module(w).zeros((k, k, C, 2, 2, F), w.dtype)
    kernel[:half, :half] = turned.transpose(0, 2, 4, 1, 3, 5)
    return kernel.reshape(k, k, C, 4 * F)


def from_phases(dkernel, shape):
    """The adjoint of in_phases, for a w of that shape."""
    K, _, C, F = shape
    k, half = len(dkernel), ceil_div(K, 2)
    turned = dkernel.reshape(k, k, C, 2, 2, F)[:half, :half].transpose(0, 3, 1, 4, 2, 5)
    return turned[::-1, :, ::-1].reshape(2 * half, 2 * half, C, F)[:K, :K].copy()


def bilinear(rng, shape):
    """A kernel (K, K, C, C) with which every channel is upsampled bilinearly, by itself: FCN starts so.

    Along an axis 1/4, 3/4, 3/4, 1/4 in the middle, and 0 around it. (rng is not needed.)

    Raises ValueError if K is odd or less than 4.
    """
    K, _, C, _ = shape
    if K % 2 or K < 4:
        raise ValueError(f"bilinear: the kernel size K should be even and at least 4, got {K}")
    line = np.zeros(K)
    line[K // 2 - 2 : K // 2 + 2] = 0.25, 0.75, 0.75, 0.25
    return np.outer(line, line)[:, :, None, None] * np.eye(C)
