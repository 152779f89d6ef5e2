"""Lesson 06: how col2im and conv2d_backward are judged."""

import numpy as np

from lessons.engine.exercises import DONE, WRONG, Exercise, Verdict, gradients, values
from lessons.engine.watch import TroubleError
from tinysegnet import ops
from tinysegnet.checker.mistakes.table import Table

rng = np.random.default_rng(6)


def arrays(N, H, W, C, F, K):
    return rng.standard_normal((N, H, W, C)), rng.standard_normal((K, K, C, F)), rng.standard_normal(F)


IMAGES = (
    arrays(2, 3, 4, 1, 1, 3),           # two images at once, as a case in which dx is wrong shows nothing more of dw
    arrays(1, 4, 6, 2, 5, 3), arrays(4, 5, 6, 2, 7, 3), arrays(2, 6, 5, 1, 2, 5),
    arrays(1, 2, 3, 2, 2, 7),           # the kernel is larger than the image
    arrays(2, 1, 1, 3, 2, 3),           # one pixel
    arrays(2, 3, 2, 3, 3, 1),           # as many filters as channels: a w that is not transposed fits, and is wrong
)
COLUMNS = (
    (np.ones((3, 3, 9)), 3),            # in how many windows does each pixel lie?
    (np.arange(1.0, 19).reshape(1, 1, 18), 3),
    (rng.standard_normal((4, 5, 9)), 3), (rng.standard_normal((4, 3, 27)), 3),
    (rng.standard_normal((3, 2, 2)), 1), (rng.standard_normal((6, 5, 50)), 5),
)


def put_down(order=lambda at, K: at, combine=np.add):
    """col2im, but its columns, (H, W, K, K, C), go through order first, or combine(what is there, what comes)."""

    def run(columns, K):
        H, W, KKC = columns.shape
        at, x = order(columns.reshape(H, W, K, K, -1), K), np.zeros((H + K - 1, W + K - 1, KKC // (K * K)))
        for i, j in np.ndindex(K, K):
            window = x[i : i + H, j : j + W]
            window[...] = combine(window, at[:, :, i, j])
        return x

    return run


IMAGE_MISTAKES = Table(
    "lessons/06_conv_backward/README.md", lambda: ((np.random.default_rng(0).standard_normal((4, 5, 18)), 3),), ["x"],
)
IMAGE_MISTAKES.mistake("it overwrites where windows overlap: a pixel lies in up to K*K windows, and their numbers add "
                       "up (+=)", overwritten=put_down(combine=lambda there, comes: comes))


@IMAGE_MISTAKES.mistake("it overwrites where windows overlap: a pixel lies in up to K*K windows, and their numbers "
                        "add up (+=)")
def overwritten_by_pixels(columns, K):
    H, W, KKC = columns.shape
    x = np.zeros((H + K - 1, W + K - 1, KKC // (K * K)))
    for r, q in np.ndindex(H, W):
        x[r : r + K, q : q + K] = columns[r, q].reshape(K, K, -1)
    return x


IMAGE_MISTAKES.mistake("each row is read as if the channel ran slowest: it runs fastest, at (i*K + j)*C + c",
                       channels_first=put_down(
                           lambda at, K: at.reshape(*at.shape[:2], -1, K, K).transpose(0, 1, 3, 4, 2)))
IMAGE_MISTAKES.mistake("i and j are exchanged: i goes down the image, and stands before j in (i*K + j)*C + c",
                       kernel_transposed=put_down(lambda at, K: at.swapaxes(2, 3)))
IMAGE_MISTAKES.mistake("each neighbourhood is put down from its end: place i, j should go to x[r + i, q + j]",
                       written_backwards=put_down(lambda at, K: at[:, :, ::-1, ::-1]))
IMAGE_MISTAKES.mistake("what lands on a pixel is averaged: an adjoint only adds up", average=lambda columns, K: (
                       ops.col2im(columns, K) / ops.col2im(np.ones_like(columns), K)))
IMAGE_MISTAKES.mistake("only the middle of each neighbourhood is put down: all K*K of its pixels are in x",
                       only_the_middle=put_down(
                           lambda at, K: at * (np.arange(K * K) == K * K // 2).reshape(K, K, 1)))
IMAGE_MISTAKES.mistake("the last column of each neighbourhood is left out: j goes from 0 to K - 1",
                       last_column_left_out=put_down(lambda at, K: at * (np.arange(K) < K - 1)[:, None]))
IMAGE_MISTAKES.mistake("the last row of each neighbourhood is left out: i goes from 0 to K - 1",
                       last_row_left_out=put_down(lambda at, K: at * (np.arange(K) < K - 1)[:, None, None]))
IMAGE_MISTAKES.mistake("columns is reshaped to have i and j in front, which mixes it up: they come after the pixels, "
                       "(H, W, K, K, C)", places_first=put_down(
                           lambda at, K: at.reshape(K, K, *at.shape[:2], -1).transpose(2, 3, 0, 1, 4)))
IMAGE_MISTAKES.mistake("each neighbourhood is put down upside down: place i, j should go to x[r + i, q + j]",
                       rows_backwards=put_down(lambda at, K: at[:, :, ::-1]))
IMAGE_MISTAKES.mistake("each neighbourhood is put down mirrored: place i, j should go to x[r + i, q + j]",
                       columns_backwards=put_down(lambda at, K: at[:, :, :, ::-1]))
IMAGE_MISTAKES.mistake("the last row and column of each neighbourhood are left out: i and j go from 0 to K - 1",
                       last_row_and_column_left_out=put_down(
                           lambda at, K: at * np.outer(*2 * [np.arange(K) < K - 1])[:, :, None]))
IMAGE_MISTAKES.mistake("the first row and column of each neighbourhood are left out: i and j begin at 0",
                       first_row_and_column_left_out=put_down(
                           lambda at, K: at * np.outer(*2 * [np.arange(K) > 0])[:, :, None]))
IMAGE_MISTAKES.mistake("the first row of each neighbourhood is left out: i begins at 0",
                       first_row_left_out=put_down(lambda at, K: at * (np.arange(K) > 0)[:, None, None]))
IMAGE_MISTAKES.mistake("the first column of each neighbourhood is left out: j begins at 0",
                       first_column_left_out=put_down(lambda at, K: at * (np.arange(K) > 0)[:, None]))
IMAGE_MISTAKES.mistake("the neighbourhoods of the last row and column of pixels are left out: r goes from 0 to H - 1, "
                       "q from 0 to W - 1", last_pixels_left_out=put_down(
                           lambda at, K: np.pad(at[:-1, :-1], [(0, 1), (0, 1), *3 * [(0, 0)]])))
IMAGE_MISTAKES.mistake("columns is reshaped to (W, H), which mixes it up: it is (H, W)", pixels_reshaped=put_down(
                           lambda at, K: at.reshape(at.shape[1], at.shape[0], *at.shape[2:]).swapaxes(0, 1)))
IMAGE_MISTAKES.mistake("the sign is turned round: an adjoint adds (+=)",
                       sign=lambda columns, K: -ops.col2im(columns, K))
IMAGE_MISTAKES.mistake("the neighbourhoods of the last row of pixels are left out: r goes from 0 to H - 1",
                       last_pixels_down_left_out=put_down(lambda at, K: np.pad(at[:-1], [(0, 1), *4 * [(0, 0)]])))
IMAGE_MISTAKES.mistake("the neighbourhoods of the last column of pixels are left out: q goes from 0 to W - 1",
                       last_pixels_across_left_out=put_down(
                           lambda at, K: np.pad(at[:, :-1], [(0, 0), (0, 1), *3 * [(0, 0)]])))
IMAGE_MISTAKES.mistake("what is put down is divided by K*K: an adjoint only adds up",
                       divided_by_places=lambda columns, K: ops.col2im(columns, K) / K**2)
IMAGE_MISTAKES.mistake("all channels have the sum of all: each channel goes to its own", channels_added=put_down(
                           lambda at, K: at.sum(axis=-1, keepdims=True) + 0 * at))


def from_place(place):
    """col2im, but the number of i, j, c is read from place(i, j, c, K, C)."""

    def run(columns, K):
        H, W, KKC = columns.shape
        C = KKC // (K * K)
        return put_down(lambda at, K: np.stack([columns[:, :, place(i, j, c, K, C)] for i, j, c in np.ndindex(K, K, C)],
                                               axis=-1).reshape(at.shape))(columns, K)

    return run


IMAGE_MISTAKES.mistake("it reads at i*K + j + c: each place has C numbers, (i*K + j)*C + c",
                       without_channels=from_place(lambda i, j, c, K, C: i * K + j + c))
IMAGE_MISTAKES.mistake("it reads at i*K + j*C + c: put brackets, (i*K + j)*C + c",
                       brackets_forgotten=from_place(lambda i, j, c, K, C: i * K + j * C + c))

NOT_NEEDED = """  dx is right, but conv2d_backward(dy, cache, need_dx=False) should return
  None, dw, db and spare the work: before the first layer nobody asks for dx"""


def others(given, whole):
    """Which of dw and db are others than they are with a dx."""
    pairs = zip(("dw", "db"), given[1:], whole[1:])
    return [name for name, a, b in pairs if not (a is b is None or np.array_equal(a, b))]


def each_gradient(function):
    """By finite differences; and where dx is right, whether it is left out when nobody needs it."""
    verdicts = gradients(ops.conv2d, ops.conv2d_backward, *IMAGES, names=("x", "w", "b"))(function)
    if verdicts["dx"].kind == DONE:
        y, cache = ops.conv2d(*IMAGES[2])               # of several images
        try:
            given, whole = function(y, cache, need_dx=False), function(y, cache)
        except TroubleError as trouble:
            return verdicts | {"dx": Verdict(WRONG, f"  with need_dx=False\n{trouble}")}
        if not (isinstance(given, tuple | list) and len(given) == 3 and given[0] is None):
            verdicts["dx"] = Verdict(WRONG, NOT_NEEDED)
        elif names := others(given, whole):
            are = "are" if len(names) > 1 else "is"
            text = f"  dx is right, but with need_dx=False {' and '.join(names)} should be as with a dx, and {are} not"
            verdicts["dx"] = Verdict(WRONG, text)
    return verdicts


EXERCISES = (
    Exercise(
        "col2im", values(ops.col2im, *COLUMNS, names=("columns", "K"), results=("x",), mistakes=IMAGE_MISTAKES),
        answer=ops.col2im, read="tinysegnet/ops/conv.py",
        race=lambda: (rng.standard_normal((32, 40, 200), np.float32), 5),
        differs="has the same two loops, and adds",
        hints=("It is im2col read from right to left: not  columns[...] = x[...]  but  x[...] += columns[...].",
               "In columns.reshape(H, W, K, K, C) the place i, j is (H, W, C): it goes to x[i : i + H, j : j + W].",
               "x = np.zeros((H + K - 1, W + K - 1, C), columns.dtype), and C is columns.shape[2] // (K*K)"),
    ),
    Exercise(
        "conv2d_backward", each_gradient,
        answer=ops.conv2d_backward, read="tinysegnet/ops/conv.py",
        race=lambda: (
            rng.standard_normal((2, 24, 32, 8), np.float32),
            (rng.standard_normal((2, 24, 32, 8), np.float32), rng.standard_normal((3, 3, 8, 8), np.float32)),
        ),
        differs="works in bands of rows, adds where bands overlap, and sums db row by row to lose fewer digits",
        hints=("db: over which axes of dy was b repeated? dw and dx: the forward is y = columns @ flat_w + b.",
               "dw is (K*K*C, H*W) @ (H*W, F), summed over the images. dcolumns is (H*W, F) @ (F, K*K*C); col2im makes "
               "(H + K - 1, W + K - 1, C) of it, and dx is the middle of that.",
               "x, w = cache; flat_w = w.reshape(-1, F); flat_dw = np.zeros_like(flat_w). Then for each image n: "
               "columns of the padded x[n] as in lesson 05, and flat_dy = dy[n].reshape(H * W, F)"),
    ),
)
