"""The Fourier transform of an image cut into tiles, by matrix products, and the way back.

Read the introductions of tiles.py, which has the walk, and of conv_fft.py, which says why the tiles overlap. A tile has
T values along an axis. Their spectrum has T // 2 + 1 frequencies, called L; those above are the conjugates of these
(T - l of l). The transform of real numbers needs no complex ones: the spectrum c + i s is a product with the matrix
[cos; -sin], (2 L, T), whose upper half gives c and whose lower half gives s. Along both axes it goes in two steps:

    tiles.down      along the columns: the rows of each tile become 2 planes, c and s, for each vertical frequency k
    dft_horizontal  along the rows of two such planes: the spectrum of each tile at k and all horizontal frequencies l

`tiles.up` and `idft_horizontal` apply the inverse matrix. Where tiles lie side by side, that undoes the former. Where
they overlap, values are added: that is the adjoint, but for the weight of each frequency (see `transforms`).
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from tinysegnet.ops.fast.tiles import across, back


@lru_cache
def transforms(T, dtype):
    """The discrete Fourier transform of T real values, (2 L, T), and its inverse, (T, 2 L), as real matrices."""
    angle = 2 * np.pi / T * np.outer(np.arange(T // 2 + 1), np.arange(T))           # (L, T)
    forward = np.concatenate([np.cos(angle), -np.sin(angle)])                       # (2 L, T)
    share = np.full(T // 2 + 1, 2 / T)          # each frequency also stands for its conjugate,
    share[0] = 1 / T                            # but 0 and T / 2 are their own
    if T % 2 == 0:
        share[-1] = 1 / T
    inverse = (forward * np.tile(share, 2)[:, None]).T                              # (T, 2 L)
    return np.ascontiguousarray(forward, dtype), np.ascontiguousarray(inverse, dtype)


def dft_horizontal(planes, horizontal):
    """The spectrum of all tiles at one vertical frequency k, from the two planes of it, (2, rows of tiles, columns, C).

    Returns real and imaginary parts, (2, 2, L, tiles, C): in [:, 0, l] those at (k, l), in [:, 1, l] those at (k, -l).
    Both are needed, because k goes from 0 to T / 2 only and (k, -l) is not the conjugate of (k, l). (For l = 0, and
    T / 2, they are the same, which does no harm.) With c, s the vertical and c', s' the horizontal transform,

        (c + i s)(c' + i s') = (c c' - s s') + i (c s' + s c'),

    and s' changes its sign with that of l. Below, cs is c vertically, then s' horizontally.
    """
    L = horizontal.places // 2
    (cc, cs), (sc, ss) = ((values[:L], values[L:]) for values in (across(plane, horizontal) for plane in planes))
    spectrum = np.empty((2, 2, *cc.shape), cc.dtype)
    np.subtract(cc, ss, out=spectrum[0, 0])
    np.add(cs, sc, out=spectrum[1, 0])
    np.add(cc, ss, out=spectrum[0, 1])
    np.subtract(sc, cs, out=spectrum[1, 1])
    return spectrum


def idft_horizontal(spectrum, horizontal, planes):
    """From the spectrum at one vertical frequency back to the columns of each tile: fills its two planes."""
    (re, re_minus), (im, im_minus) = spectrum
    parts = np.empty((2, 2, *re.shape), re.dtype)           # cc, cs and sc, ss: (cc - ss) + (cc + ss) = 2 cc
    np.add(re, re_minus, out=parts[0, 0])
    np.subtract(im, im_minus, out=parts[0, 1])
    np.add(im, im_minus, out=parts[1, 0])
    np.subtract(re_minus, re, out=parts[1, 1])
    half = replace(horizontal, backward=horizontal.backward / 2)
    for plane, values in zip(planes, parts):
        back(values.reshape(horizontal.places, *re.shape[1:]), half, plane)
