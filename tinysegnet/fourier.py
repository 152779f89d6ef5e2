"""The Fourier transform of an image cut into tiles, by matrix products, and its inverse.

A tile has T x T values. The transform of real numbers needs no complex ones: along one axis the spectrum c + i s is a
product with the matrix [cos; -sin], whose first L = T // 2 + 1 rows give c and the others s (the frequencies above are
the conjugates of those below). Along both axes it goes in two steps, each the adjoint of its `_back` but for a scale:

    down    along the columns: the rows of each tile become 2 L planes, one for each c and each s
    across  along the rows, for one vertical frequency, that is, for two of these planes
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import gcd

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinysegnet.threads import each


@dataclass(frozen=True)
class Tiles:
    """How one axis of an image is cut into tiles, and the transform along it."""

    size: int               # rows, or columns, of the image
    count: int              # tiles
    step: int               # from the beginning of a tile to the beginning of the next
    first: int              # where the first one begins, 0 or before
    length: int             # values of a tile that are looked at, the first of T; beyond the image they are 0
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


def down(images, rows, columns):
    """The spectrum along each column of each tile: (2, L, N * tiles, columns, C) of images (N, H, W, C)."""
    N, _, W, C = images.shape
    planes = np.empty((2 * rows.L, N, rows.count, columns.end, C), images.dtype)
    inside = slice(-columns.first, -columns.first + W)
    planes[..., : inside.start, :] = 0
    planes[..., inside.stop :, :] = 0

    def job(item):
        n, tile = item
        begin = rows.first + tile * rows.step
        there = slice(max(0, -begin), min(rows.length, rows.size - begin))          # the rows that are not beyond
        strip = images[n, begin + there.start : begin + there.stop]
        times_strip(rows.forward[:, there], strip, out=planes[:, n, tile, inside])

    each(job, product(range(N), range(rows.count)))
    return planes.reshape(2, rows.L, N * rows.count, columns.end, C)


def down_back(planes, rows, columns, images):
    """The inverse of `down`: fills the images. Where tiles overlap, their values are added."""
    N, H, W, C = images.shape
    inside = slice(-columns.first, -columns.first + W)
    planes = planes.reshape(2 * rows.L, N, rows.count, columns.end, C)[:, :, :, inside]

    def job(item):              # rows from one tile's beginning to the next's: its head, and the tail of the one before
        n, tile = item
        begin = rows.first + tile * rows.step
        head = slice(max(0, -begin), min(rows.step, H - begin))
        tail = slice(rows.step, min(rows.length, rows.step + H - begin))
        if tile < rows.count:
            strip = images[n, begin + head.start : begin + head.stop]
            times_strip(rows.inverse[head], planes[:, n, tile], out=strip)
        else:
            images[n, begin:] = 0
        if tile > 0 and tail.start < tail.stop:
            strip = images[n, begin : begin + tail.stop - tail.start]
            strip += times_strip(rows.inverse[tail], planes[:, n, tile - 1], out=np.empty_like(strip))

    each(job, product(range(N), range(rows.count + 1)))


def times_strip(matrix, strip, out):
    """out[i] = sum over j of matrix[i, j] * strip[j], for rows of pixels (columns, C).

    A stack of small products, of 16 columns at the most, goes faster than a wide one.
    """
    _, W, C = strip.shape
    run = gcd(W, 16) * C
    np.matmul(matrix, strip.reshape(-1, W * C // run, run).transpose(1, 0, 2),
              out=out.reshape(-1, W * C // run, run).transpose(1, 0, 2))
    return out


def across(planes, columns):
    """The spectrum of all tiles at one vertical frequency, from the two planes of it, (2, tile rows, columns, C).

    Returns real and imaginary parts, (2, 2, L, tiles, C): in [:, 0, l] those of the horizontal frequency l, in
    [:, 1, l] those of -l. With c and s along each axis, (c + i s)(c' + i s') = (c c' - s s') + i (c s' + s c').
    """
    def transform(plane):
        R, _, C = plane.shape
        spectrum = np.empty((2 * columns.L, R, columns.count, C), plane.dtype)
        np.matmul(columns.forward, windows(plane, columns, 0, columns.length), out=spectrum.transpose(1, 2, 0, 3))
        return spectrum.reshape(2, columns.L, R * columns.count, C)

    (cc, cs), (sc, ss) = map(transform, planes)
    spectrum = np.empty((2, 2, *cc.shape), cc.dtype)
    np.subtract(cc, ss, out=spectrum[0, 0])
    np.add(cs, sc, out=spectrum[1, 0])
    np.add(cc, ss, out=spectrum[0, 1])
    np.subtract(sc, cs, out=spectrum[1, 1])
    return spectrum


def across_back(spectrum, columns, planes):
    """The inverse of `across`: fills the two planes. Where tiles overlap, their values are added."""
    (re, re_minus), (im, im_minus) = spectrum
    along = np.empty((2, *spectrum.shape[1:]), spectrum.dtype)                      # plane, c or s, L, tiles, C
    np.add(re, re_minus, out=along[0, 0])
    np.subtract(im, im_minus, out=along[0, 1])
    np.add(im, im_minus, out=along[1, 0])
    np.subtract(re_minus, re, out=along[1, 1])
    inverse = columns.inverse / 2               # half, because l and -l both had their part of it
    for plane, values in zip(planes, along):
        R, _, C = plane.shape
        values = values.reshape(2 * columns.L, R, columns.count, C).transpose(1, 2, 0, 3)
        head = windows(plane, columns, 0, columns.step)
        if columns.length == columns.step:
            np.matmul(inverse, values, out=head)
        else:
            values = inverse @ values
            head[...] = values[:, :, : columns.step]
            plane[:, columns.count * columns.step :] = 0
            tail = windows(plane, columns, columns.step, columns.length)
            tail += values[:, :, columns.step :]


def windows(plane, columns, start, stop):
    """Of each tile the columns from start to stop: a view (tile rows, tiles, stop - start, C) of a plane."""
    R, _, C = plane.shape
    row, column, channel = plane.strides
    shape, strides = (R, columns.count, stop - start, C), (row, columns.step * column, column, channel)
    return as_strided(plane[:, start:], shape, strides)
