"""The Fourier transform of an image cut into tiles, by matrix products, and the way back.

Read the introduction of conv_fft.py first: it says why the tiles overlap. A tile has T values along an axis. Their
spectrum has T // 2 + 1 frequencies, called L; those above are the conjugates of these (T - l of l). The transform of
real numbers needs no complex ones: the spectrum c + i s is a product with the matrix [cos; -sin], (2 L, T), whose upper
half gives c and whose lower half gives s. Along both axes it goes in two steps:

    dft_vertical    along the columns: the rows of each tile become 2 planes, c and s, for each vertical frequency k
    dft_horizontal  along the rows of two such planes: the spectrum of each tile at k and all horizontal frequencies l

`idft_vertical` and `idft_horizontal` apply the inverse matrix. Where tiles lie side by side, that undoes the former.
Where they overlap, values are added: that is the adjoint, but for the weight of each frequency (see `transforms`).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinysegnet.support.threads import parallel_map


@dataclass(frozen=True, eq=False)
class Tiles:
    """How an image is cut along one axis, and the transform along it. A tile reaches into the next, no farther."""

    count: int              # tiles
    step: int               # from the beginning of a tile to the beginning of the next
    first: int              # where the first one begins, 0 or before
    length: int             # how many of the T values are used, at most 2 * step; those beyond the image are 0
    forward: np.ndarray     # (2 L, length)
    inverse: np.ndarray     # (length, 2 L)

    @property
    def L(self):            # noqa: N802, as in the equations
        return len(self.forward) // 2

    @property
    def end(self):
        """Where the last tile ends, counted from `first`."""
        return (self.count - 1) * self.step + self.length


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


def dft_vertical(images, vertical, horizontal):
    """The spectrum along the columns of each tile.

    images                (N, H, W, C)
    vertical, horizontal  Tiles
    planes                (2, L, N * vertical.count, horizontal.end, C): c and s, frequency, row of tiles, column
    """
    N, H, W, C = images.shape
    planes = np.empty((2 * vertical.L, N, vertical.count, horizontal.end, C), images.dtype)
    inside = slice(-horizontal.first, -horizontal.first + W)
    planes[..., : inside.start, :] = 0
    planes[..., inside.stop :, :] = 0

    def job(item):
        n, tile = item
        begin = vertical.first + tile * vertical.step
        rows = slice(max(0, -begin), min(vertical.length, H - begin))               # those that lie in the image
        strip = images[n, begin + rows.start : begin + rows.stop]
        times_strip(vertical.forward[:, rows], strip, out=planes[:, n, tile, inside])

    parallel_map(job, [(n, tile) for n in range(N) for tile in range(vertical.count)])
    return planes.reshape(2, vertical.L, N * vertical.count, horizontal.end, C)


def idft_vertical(planes, vertical, horizontal, images):
    """From the planes back to the rows of each tile: fills the images."""
    N, H, W, C = images.shape
    inside = slice(-horizontal.first, -horizontal.first + W)
    planes = planes.reshape(2 * vertical.L, N, vertical.count, horizontal.end, C)[:, :, :, inside]

    def job(item):
        """Write the rows from the beginning of a tile to that of the next, which no other job does.

        They are the head of this tile and, added to it, the tail of the one before. After the last tile there may be
        rows that have only a tail.
        """
        n, tile = item
        begin = vertical.first + tile * vertical.step
        head = slice(max(0, -begin), min(vertical.step, H - begin))                 # rows of this tile
        tail = slice(vertical.step, min(vertical.length, vertical.step + H - begin))    # rows of the tile before
        if tile < vertical.count:
            strip = images[n, begin + head.start : begin + head.stop]
            times_strip(vertical.inverse[head], planes[:, n, tile], out=strip)
        else:
            images[n, begin:] = 0
        if tile > 0 and tail.start < tail.stop:
            strip = images[n, begin : begin + tail.stop - tail.start]
            strip += times_strip(vertical.inverse[tail], planes[:, n, tile - 1], out=np.empty(strip.shape, strip.dtype))

    parallel_map(job, [(n, tile) for n in range(N) for tile in range(vertical.count + 1)])


def times_strip(matrix, strip, out):
    """out[i] = sum over j of matrix[i, j] * strip[j], for rows of pixels (columns, C); out has them contiguous.

    As a stack of small products, of four columns if W can be divided so. Measured on one processor, at 360 x 480: with
    3 channels, single columns take two to three times as long; with 64, whole rows a tenth to a fifth longer.
    """
    _, W, C = strip.shape
    run = gcd(W, 4) * C
    stack = strip.reshape(len(strip), -1, run).transpose(1, 0, 2)
    np.matmul(matrix, stack, out=out.reshape(len(out), -1, run, copy=False).transpose(1, 0, 2))
    return out


def dft_horizontal(planes, horizontal):
    """The spectrum of all tiles at one vertical frequency k, from the two planes of it, (2, tile rows, columns, C).

    Returns real and imaginary parts, (2, 2, L, tiles, C): in [:, 0, l] those at (k, l), in [:, 1, l] those at (k, -l).
    Both are needed, because k goes from 0 to T / 2 only and (k, -l) is not the conjugate of (k, l). (For l = 0, and
    T / 2, they are the same, which does no harm.) With c, s the vertical and c', s' the horizontal transform,

        (c + i s)(c' + i s') = (c c' - s s') + i (c s' + s c'),

    and s' changes its sign with that of l. Below, cs is c vertically, then s' horizontally.
    """
    def transform(plane):
        R, _, C = plane.shape
        spectrum = np.empty((2 * horizontal.L, R, horizontal.count, C), plane.dtype)
        stack = windows(plane, horizontal, 0, horizontal.length)
        np.matmul(horizontal.forward, stack, out=spectrum.transpose(1, 2, 0, 3))
        return spectrum.reshape(2, horizontal.L, R * horizontal.count, C)

    (cc, cs), (sc, ss) = map(transform, planes)
    spectrum = np.empty((2, 2, *cc.shape), cc.dtype)
    np.subtract(cc, ss, out=spectrum[0, 0])
    np.add(cs, sc, out=spectrum[1, 0])
    np.add(cc, ss, out=spectrum[0, 1])
    np.subtract(sc, cs, out=spectrum[1, 1])
    return spectrum


def idft_horizontal(spectrum, horizontal, planes):
    """From the spectrum at one vertical frequency back to the columns of each tile: fills its two planes."""
    (re, re_minus), (im, im_minus) = spectrum
    twice = np.empty((2, *spectrum.shape[1:]), spectrum.dtype)      # of cc, cs and sc, ss: (cc - ss) + (cc + ss) = 2 cc
    np.add(re, re_minus, out=twice[0, 0])
    np.subtract(im, im_minus, out=twice[0, 1])
    np.add(im, im_minus, out=twice[1, 0])
    np.subtract(re_minus, re, out=twice[1, 1])
    half_inverse = horizontal.inverse / 2
    for plane, values in zip(planes, twice):
        R, _, C = plane.shape
        values = values.reshape(2 * horizontal.L, R, horizontal.count, C).transpose(1, 2, 0, 3)
        head = windows(plane, horizontal, 0, horizontal.step)
        if horizontal.length == horizontal.step:
            np.matmul(half_inverse, values, out=head)
        else:
            values = half_inverse @ values
            head[...] = values[:, :, : horizontal.step]
            plane[:, horizontal.count * horizontal.step :] = 0
            tail = windows(plane, horizontal, horizontal.step, horizontal.length)
            tail += values[:, :, horizontal.step :]


def windows(plane, horizontal, start, stop):
    """Of each tile the columns from start to stop: (tile rows, tiles, stop - start, C).

    A view: nothing is copied, and tiles overlap in memory as they do in the image.
    """
    R, _, C = plane.shape
    row, column, channel = plane.strides
    shape, strides = (R, horizontal.count, stop - start, C), (row, horizontal.step * column, column, channel)
    return as_strided(plane[:, start:], shape, strides)
