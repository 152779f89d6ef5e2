"""Lesson 15: how conv2d_by_tiles and its backward are judged."""

from functools import partial, wraps
from itertools import product

import numpy as np

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet.checker.mistakes import conv
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops import fast

READ = "lessons/15_fast_convolution/README.md"


def arrays(N, H, W, C, F, K, T, dtype=float):
    rng = np.random.default_rng([14, N, H, W, C, F, K, T])
    x, w, b = rng.standard_normal((N, H, W, C)), rng.standard_normal((K, K, C, F)), rng.standard_normal(F)
    return x.astype(dtype), w.astype(dtype), b.astype(dtype), T


CASES = (
    arrays(1, 4, 4, 1, 1, 3, 6),        # one tile, full
    arrays(1, 8, 4, 2, 3, 3, 6),        # two tiles, one under the other
    arrays(2, 7, 9, 2, 3, 3, 6),        # the last ones are not full
    arrays(1, 6, 7, 3, 2, 3, 5),        # T odd
    arrays(1, 5, 6, 2, 2, 5, 5),        # a tile gives one pixel
    arrays(2, 3, 4, 2, 2, 5, 16),       # the image is smaller than a tile
    arrays(2, 1, 1, 3, 2, 3, 4),        # one pixel
    arrays(1, 4, 3, 2, 3, 1, 2),        # nothing overlaps
    arrays(1, 9, 11, 2, 2, 7, 10),      # a tile reaches into the next but one
)


# ---- the oracle: conv2d, whatever T is


def conv2d_by_tiles(x, w, b, T):
    return fast.conv2d(x, w, b)[0], (x, w, T)


def conv2d_by_tiles_backward(dy, cache):
    x, w, _ = cache
    return fast.conv2d_backward(dy, (x, w))


# ---- how it goes wrong


def tiled(x, w, b, T, step=None, times=lambda x_hat, w_hat: x_hat @ w_hat.conj(), keep=0, kernel=(0, 0), length=None,
          whole=False):
    """y by tiles that begin every `step`, of which the values from `keep` on are kept; `whole`: only those that fit."""
    (N, H, W, C), (K, _, _, F) = x.shape, w.shape
    step, half = step or T - K + 1, K // 2
    padded = np.zeros((N, H + T + K, W + T + K, C))
    padded[:, half : half + H, half : half + W] = x
    placed = np.zeros((T, T, C, F))
    placed[:K, :K] = w
    w_hat = np.fft.rfft2(np.roll(placed, kernel, (0, 1)), axes=(0, 1))
    y = np.zeros((N, H + step, W + step, F))
    for r, q in product(*(range(0, size - step + 1 if whole else size, step) for size in (H, W))):
        x_hat = np.fft.rfft2(padded[:, r : r + T, q : q + T], axes=(1, 2)).transpose(1, 2, 0, 3)
        tile = np.fft.irfft2(times(x_hat, w_hat).transpose(2, 0, 1, 3), (T, length or T), axes=(1, 2))
        y[:, r : r + step, q : q + step] = tile[:, keep : keep + step, keep : keep + step]
    return y[:, :H, :W] + b


def without_t(wrong):
    """A known mistake of conv2d or its backward, which have no T."""

    @wraps(wrong)
    def with_t(*args):
        return wrong(*args[:-1])

    return with_t


FORWARD = Table(READ, lambda: (arrays(2, 7, 9, 3, 2, 3, 6), arrays(3, 6, 11, 2, 4, 5, 11)), results=("y",))
FORWARD.mistake("w_hat is not conjugated: that is the convolution with the kernel rotated by 180 degrees, and x[r - "
                "i] wraps around at the other end of the tile", not_conjugated=partial(tiled, times=np.matmul))
FORWARD.mistake("x_hat is conjugated and w_hat is not: each tile comes out mirrored",
                x_conjugated=partial(tiled, times=lambda x_hat, w_hat: x_hat.conj() @ w_hat))
FORWARD.mistake("both spectra are conjugated: only w_hat should be",
                both_conjugated=partial(tiled, times=lambda x_hat, w_hat: (x_hat @ w_hat).conj()))
FORWARD.mistake("tiles lie T apart, and all of each is kept: the last K - 1 rows and columns have wrapped around, so "
                "they lie M = T - K + 1 apart", wrapped_kept=lambda x, w, b, T: tiled(x, w, b, T, step=T))
FORWARD.mistake("of each tile the last M values are kept: what has wrapped around is at the end here, so keep the "
                "first", last_values_kept=lambda x, w, b, T: tiled(x, w, b, T, keep=len(w) - 1))
FORWARD.mistake("of each tile the M values in the middle are kept: nothing has wrapped around in the first M",
                middle_kept=lambda x, w, b, T: tiled(x, w, b, T, keep=len(w) // 2))
FORWARD.mistake("the kernel stands at the end of its T x T values: its zeros come after it",
                kernel_at_the_end=lambda x, w, b, T: tiled(x, w, b, T, kernel=(T - len(w), T - len(w))))
FORWARD.mistake("the kernel stands with its middle at [0, 0] and wraps around, and there are zeros before the image "
                "as well: that centres it twice",
                kernel_centred=lambda x, w, b, T: tiled(x, w, b, T, kernel=(-(len(w) // 2), -(len(w) // 2))))
FORWARD.mistake("the kernel is rotated and nothing is conjugated: then what has wrapped around is at the beginning of "
                "each tile, so keep the last M values", rotated_and_first_kept=lambda x, w, b, T: (
                    tiled(x, w[::-1, ::-1], b, T, times=np.matmul)))
FORWARD.mistake("the way back is not divided by T * T", not_divided=partial(
    tiled, times=lambda x_hat, w_hat: len(x_hat) ** 2 * (x_hat @ w_hat.conj())))
FORWARD.mistake("only the real part of the product goes back: y_hat is complex",
                real_parts=partial(tiled, times=lambda x_hat, w_hat: (x_hat @ w_hat.conj()).real))
FORWARD.mistake("b is added to every frequency: in y that is one pixel of each tile. Add it to y",
                bias_in_frequency=lambda x, w, b, T: (
                    tiled(x, w, np.zeros_like(b), T, times=lambda x_hat, w_hat: x_hat @ w_hat.conj() + b)))
FORWARD.mistake("b is added to frequency 0 as it is, and comes back as 1 / (T * T) of it: add it to y",
                bias_at_zero=lambda x, w, b, T: tiled(x, w, b / T**2, T))
FORWARD.mistake("b comes back as 1 / T of it: added to frequency 0 of both directions it needs a factor T * T. Add it "
                "to y", bias_once_divided=lambda x, w, b, T: tiled(x, w, b / T, T))
FORWARD.mistake("of each tile T - K + 2 values are kept, one too many, which has wrapped around: M = T - K + 1",
                one_row_too_many=lambda x, w, b, T: tiled(x, w, b, T, step=T - len(w) + 2))
FORWARD.mistake("the last tiles are missing where M does not divide H or W: round the number of tiles up",
                last_tiles_missing=partial(tiled, whole=True))
FORWARD.mistake("the way back is not told that a tile is T long, and takes it for even: give irfft2 the lengths (T, T)",
                length_not_given=lambda x, w, b, T: tiled(x, w, b, T, length=T // 2 * 2))
FORWARD.mistakes += map(without_t, conv.forward.mistakes)


# ---- its backward


BACKWARD = Table(READ, FORWARD.cases, forward=conv2d_by_tiles, axes=("channel",))


def spectra(a, T, corners, reach):
    """Of tiles that begin in these corners, and of which the first `reach` values in each direction are used."""
    for r, q in corners:
        yield np.fft.rfft2(a[:, r : r + reach, q : q + reach], (T, T), axes=(1, 2)).transpose(1, 2, 0, 3)


def tiled_backward(dy, x, w, b, T, *, w_times=lambda a: a.swapaxes(2, 3), add_dx=np.add, add_dw=np.add,
                   dw_times=lambda x_hat, dy_hat: x_hat.swapaxes(2, 3) @ dy_hat.conj(), reach=None, kept=None,
                   corner=None, dx_times=np.matmul):
    """dx and dw by tiles, with something else here or there."""
    (N, H, W, C), (K, _, _, F) = x.shape, w.shape
    M, half = T - K + 1, K // 2
    corner, kept = corner or slice(K), kept or T
    long = np.zeros((N, H + T + K, W + T + K, C))
    long[:, half : half + H, half : half + W] = x
    dlong, dy_long = np.zeros_like(long), np.zeros((N, H + T, W + T, F))
    dy_long[:, :H, :W] = dy
    w_hat, dw_hat = w_times(np.fft.rfft2(w, (T, T), axes=(0, 1))), 0
    corners = list(product(range(0, H, M), range(0, W, M)))
    x_hats, dy_hats = spectra(long, T, corners, T), spectra(dy_long, T, corners, reach or M)
    for (r, q), x_hat, dy_hat in zip(corners, x_hats, dy_hats):
        there = dlong[:, r : r + kept, q : q + kept]
        tile = np.fft.irfft2(dx_times(dy_hat, w_hat).transpose(2, 0, 1, 3), (T, T), axes=(1, 2))
        there[...] = add_dx(there, tile[:, :kept, :kept])
        dw_hat = add_dw(dw_hat, dw_times(x_hat, dy_hat))
    dw = np.fft.irfft2(dw_hat, (T, T), axes=(0, 1))
    return {"dx": dlong[:, half : half + H, half : half + W], "dw": dw[corner, corner]}


def overwrite(old, new):
    return new


BACKWARD.mistake("w_hat is conjugated in dx, as in the forward: its adjoint has the other turn, so no conjugate", "dx",
                 dx_conjugated=partial(tiled_backward, w_times=lambda a: a.conj().swapaxes(2, 3)))
BACKWARD.mistake("the tiles of dx overwrite each other: they overlap by K - 1, and what overlaps adds up (+=)", "dx",
                 dx_overwritten=partial(tiled_backward, add_dx=overwrite))
BACKWARD.mistake("of each tile of dx only the first M values are kept: in dx all T count, and add up where tiles "
                 "overlap", "dx",
                 dx_side_by_side=lambda dy, x, w, b, T: tiled_backward(dy, x, w, b, T, kept=T - len(w) + 1))
BACKWARD.mistake("dy_hat is not conjugated in dw: dw is the correlation of x with dy", "dw",
                 dw_not_conjugated=partial(
                     tiled_backward, dw_times=lambda x_hat, dy_hat: x_hat.swapaxes(2, 3) @ dy_hat))
BACKWARD.mistake("in dw x_hat is conjugated in the place of dy_hat: it comes out mirrored", "dw",
                 dw_x_conjugated=partial(
                     tiled_backward, dw_times=lambda x_hat, dy_hat: x_hat.conj().swapaxes(2, 3) @ dy_hat))
BACKWARD.mistake("only the last tile reached dw: add up (+=) over the tiles", "dw",
                 dw_of_the_last_tile=partial(tiled_backward, add_dw=overwrite))
BACKWARD.mistake("both spectra of dw are conjugated: only dy_hat should be", "dw",
                 dw_both_conjugated=partial(
                     tiled_backward, dw_times=lambda x_hat, dy_hat: (x_hat.swapaxes(2, 3) @ dy_hat).conj()))
BACKWARD.mistake("both spectra of dx are conjugated, and neither should be", "dx",
                 dx_both_conjugated=partial(
                     tiled_backward, dx_times=lambda dy_hat, w_hat: (dy_hat @ w_hat).conj()))
BACKWARD.mistake("dy_hat is conjugated in dx, and neither factor should be", "dx",
                 dx_other_conjugated=partial(tiled_backward, dx_times=lambda dy_hat, w_hat: dy_hat.conj() @ w_hat))
BACKWARD.mistake("only the real part of the product goes back in dx: dx_hat is complex", "dx",
                 dx_real_parts=partial(tiled_backward, dx_times=lambda dy_hat, w_hat: (dy_hat @ w_hat).real))
BACKWARD.mistake("only the real part of the product goes back in dw: dw_hat is complex", "dw",
                 dw_real_parts=partial(
                     tiled_backward, dw_times=lambda x_hat, dy_hat: (x_hat.swapaxes(2, 3) @ dy_hat.conj()).real))
BACKWARD.mistake("of the tile that dw comes from the last K x K values are kept: they are the first", "dw",
                 dw_last_values=lambda dy, x, w, b, T: tiled_backward(dy, x, w, b, T, corner=slice(T - len(w), T)))
BACKWARD.mistake("the tiles of dy overlap: where M x M values were kept there are M x M of dy, and zeros behind them",
                 dy_tiles_overlap=lambda dy, x, w, b, T: tiled_backward(dy, x, w, b, T, reach=T))
BACKWARD.mistakes += map(without_t, conv.backward.mistakes)


def large():
    """A layer of a SegNet of 16 channels."""
    shapes = (1, 48, 64, 16), (7, 7, 16, 16), 16
    x, w, b = (np.random.default_rng(14).standard_normal(shape, np.float32) for shape in shapes)
    return x, w, b, 24


EXERCISES = (
    Exercise(
        "conv2d_by_tiles",
        values(conv2d_by_tiles, *CASES, names=("x", "w", "b", "T"), cache=True, mistakes=FORWARD),
        answer=conv2d_by_tiles,
        hints=(
            "It is overlap_save of lesson 14 in two directions, with zeros around x first. Which tile gives which "
            "M x M values of y?",
            "Of a tile (N, T, T, C), x_hat is (N, T, L, C) with L = T // 2 + 1, and w_hat is (T, L, C, F). With N "
            "moved in front of C, x_hat @ w_hat.conj() is a product for each pair of frequencies.",
            "M = T - K + 1; rows, columns = -(-H // M), -(-W // M); and zeros of (N, (rows - 1) * M + T, "
            "(columns - 1) * M + T, C), in which x begins at [:, K // 2, K // 2].",
        ),
        differs="takes real matrices for np.fft, and one vertical frequency of all tiles at a time",
        read="tinysegnet/ops/fast/conv_fft.py",
        race=large,
    ),
    Exercise(
        "conv2d_by_tiles_backward",
        gradients(conv2d_by_tiles, conv2d_by_tiles_backward, *CASES, names=("x", "w", "b"), mistakes=BACKWARD),
        answer=conv2d_by_tiles_backward,
        hints=(
            "Read your forward from its last line to its first, and write the adjoint of each: where M x M values "
            "were kept there are zeros now, and where tiles overlapped values add up.",
            "dy_hat, (T, L, N, F), times w_hat with C and F exchanged gives the tile of dx, all T x T of it. x_hat "
            "with N and C exchanged, times dy_hat.conj(), is (T, L, C, F), and is summed over the tiles.",
            "Cut dy into tiles of M x M. np.fft.rfft2(tile, (T, T), axes=(1, 2)) puts the zeros behind it.",
        ),
        differs="has the same three products, and of each tile transforms dy once for both dx and dw",
        read="tinysegnet/ops/fast/conv_fft.py",
        race=lambda: (large()[0], (large()[0], large()[1], 24)),
    ),
)
