"""An image cut into tiles, a transform of each tile, and the way back: what both fast convolutions have in common.

A tile is transformed by a matrix down its columns, and by a matrix along its rows: vertical @ tile @ horizontal^T. That
is done for all tiles in two steps, each of many small matrix products:

    down      along the columns: the rows of each tile become planes, one for each row of the matrix
    across    along the rows of one plane: the columns of each tile become values, one for each row of the matrix

and the way back, by other matrices, in two more:

    back      from the values to the columns of each tile in one plane
    up        from the planes to the rows of each tile in the image

Where tiles lie side by side, `back` and `up` fill the image. Where they overlap they add, and if the matrices back are
the transposed ones, that is the adjoint of `down` and `across`. What these matrices are is all that is left to say for
conv_fft.py, cosines and sines, and for winograd.py, small whole numbers.
"""

from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinysegnet.support.shapes import ceil_div
from tinysegnet.support.threads import parallel_map


@dataclass(frozen=True, eq=False)
class Tiles:
    """How an image is cut along one axis, and the transform along it. A tile reaches into the next, no farther."""

    count: int              # tiles
    step: int               # from the beginning of a tile to the beginning of the next
    first: int              # where the first one begins, 0 or less than a step before
    length: int             # of a tile, at most 2 * step; what lies beyond the image is 0
    forward: np.ndarray     # (places, length), of `down` and `across`
    backward: np.ndarray    # (length, places), of `back` and `up`, in both passes: need not be the inverse of forward

    @property
    def places(self):
        """How many values a tile becomes along this axis."""
        return len(self.forward)

    @property
    def end(self):
        """Where the last tile ends, counted from `first`."""
        return (self.count - 1) * self.step + self.length


def groups(x, F, vertical, horizontal, most):
    """What of x goes down and comes up together, as (slice of the images, range of their rows of tiles).

    F is the number of channels of y. Large images go by some rows of tiles at a time, small ones together, so that the
    products are large, and the planes of x and y take `most` bytes, or are of one row of tiles.
    """
    N, _, _, C = x.shape
    height = max(1, most // (vertical.places * horizontal.end * (C + F) * x.itemsize))   # in rows of tiles
    if height >= vertical.count:
        return [(images, range(vertical.count)) for images in slices(N, height // vertical.count)]
    height = ceil_div(vertical.count, ceil_div(vertical.count, height))         # about the same for each group
    return [
        (slice(n, n + 1), range(first, min(first + height, vertical.count)))
        for n in range(N) for first in range(0, vertical.count, height)
    ]


def strips(tile_rows, horizontal, most):
    """Slices of so many rows of tiles, each of at most `most` tiles, or of one row."""
    return slices(tile_rows, most // horizontal.count)


def slices(total, size):
    size = max(1, size)
    return [slice(first, first + size) for first in range(0, total, size)]


def down(images, rows, vertical, horizontal):
    """The transform down the columns of the tiles in these rows of tiles.

    images                (N, H, W, C)
    rows                  a range of rows of tiles
    vertical, horizontal  Tiles
    planes                (vertical.places, N * len(rows), horizontal.end, C): plane, row of tiles, column, channel
    """
    N, H, W, C = images.shape
    planes = np.empty((vertical.places, N, len(rows), horizontal.end, C), images.dtype)
    inside = slice(-horizontal.first, -horizontal.first + W)
    planes[..., : inside.start, :] = 0
    planes[..., inside.stop :, :] = 0

    def job(item):
        n, tile = item
        begin = vertical.first + tile * vertical.step
        there = slice(max(0, -begin), min(vertical.length, H - begin))              # rows that are not beyond the image
        strip = images[n, begin + there.start : begin + there.stop]
        times_strip(vertical.forward[:, there], strip, out=planes[:, n, tile - rows.start, inside])

    parallel_map(job, [(n, tile) for n in range(N) for tile in rows])
    return planes.reshape(vertical.places, N * len(rows), horizontal.end, C)


def up(planes, rows, vertical, horizontal, images):
    """From the planes back to the rows of each tile: fills the images, as far as these rows of tiles reach.

    The groups of an image have to come from the top to the bottom: the last tile of one reaches into the first of the
    next. It leaves there what it has to add, and the next adds its own.
    """
    N, H, W, C = images.shape
    inside = slice(-horizontal.first, -horizontal.first + W)
    planes = planes.reshape(vertical.places, N, len(rows), horizontal.end, C)[:, :, :, inside]
    overlap = vertical.length - vertical.step

    def job(item):
        """Write the rows from the beginning of a tile to that of the next, which no other job does.

        The first `step` rows of a tile are its head, the others its tail, which lies on the head of the tile below. So
        it is a head, and the tail from above added to it. Below the last of these rows of tiles there is only a tail.
        """
        n, tile = item
        begin = vertical.first + tile * vertical.step
        head = slice(max(0, -begin), min(vertical.step, H - begin))                     # of the rows of this tile,
        tail = slice(vertical.step, min(vertical.length, vertical.step + H - begin))    # of those of the one before
        if tile in rows:
            strip = images[n, begin + head.start : begin + head.stop]
            of_group_above = strip[:overlap].copy() if overlap and 0 < tile == rows.start else None
            times_strip(vertical.backward[head], planes[:, n, tile - rows.start], out=strip)
            if of_group_above is not None:
                strip[:overlap] += of_group_above
        if tile - 1 in rows and tail.start < tail.stop:
            strip = images[n, begin : begin + tail.stop - tail.start]
            its_tail = times_strip(vertical.backward[tail], planes[:, n, tile - 1 - rows.start], np.empty_like(strip))
            if tile in rows:
                strip += its_tail
            else:
                strip[...] = its_tail

    parallel_map(job, [(n, tile) for n in range(N) for tile in range(rows.start, rows.stop + 1)])


def across(plane, horizontal):
    """The transform along the rows of all tiles of one plane.

    plane   (rows of tiles, columns, C)
    values  (horizontal.places, tiles, C)
    """
    R, _, C = plane.shape
    values = np.empty((horizontal.places, R, horizontal.count, C), plane.dtype)
    np.matmul(horizontal.forward, windows(plane, horizontal, 0, horizontal.length), out=values.transpose(1, 2, 0, 3))
    return values.reshape(horizontal.places, R * horizontal.count, C)


def back(values, horizontal, plane):
    """From the values (horizontal.places, tiles, C) back to the columns of each tile: fills the plane."""
    R, _, C = plane.shape
    values = values.reshape(horizontal.places, R, horizontal.count, C).transpose(1, 2, 0, 3)
    head = windows(plane, horizontal, 0, horizontal.step)
    if horizontal.length == horizontal.step:
        np.matmul(horizontal.backward, values, out=head)
    else:
        columns = horizontal.backward @ values                                      # of each tile
        head[...] = columns[:, :, : horizontal.step]
        plane[:, horizontal.count * horizontal.step :] = 0
        tail = windows(plane, horizontal, horizontal.step, horizontal.length)
        tail += columns[:, :, horizontal.step :]


def windows(plane, horizontal, start, stop):
    """Of each tile the columns from start to stop: (rows of tiles, tiles, stop - start, C).

    A view: nothing is copied, and tiles overlap in memory as they do in the image.
    """
    R, _, C = plane.shape
    row, column, channel = plane.strides
    shape, strides = (R, horizontal.count, stop - start, C), (row, horizontal.step * column, column, channel)
    return as_strided(plane[:, start:], shape, strides)


def times_strip(matrix, strip, out):
    """out[i] = sum over j of matrix[i, j] * strip[j], for rows of pixels (columns, C), in out contiguous ones.

    As a stack of small products, of four columns if W can be divided so. Measured on one processor, at 360 x 480: with
    3 channels, single columns take two to three times as long; with 64, whole rows a tenth to a fifth longer.
    """
    _, W, C = strip.shape
    run = gcd(W, 4) * C
    stack = strip.reshape(len(strip), -1, run).transpose(1, 0, 2)
    np.matmul(matrix, stack, out=out.reshape(len(out), -1, run, copy=False).transpose(1, 0, 2))
    return out
