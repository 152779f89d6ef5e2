"""Lesson 16: how the four products, the two transforms, and the convolution with its backward are judged."""

from functools import partial

import numpy as np

from lessons.engine.exercises import Exercise, gradients, values
from tinysegnet.checker.finite_differences import upstream
from tinysegnet.checker.mistakes import conv
from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops.fast import winograd
from tinysegnet.ops.fast.tiles import Tiles, across, down

PAGE, READ = "lessons/16_winograd/README.md", "tinysegnet/ops/fast/winograd.py"

# The library's F(2, 3), with the minus of two rows, one of G and one of B^T, left out: their product is the same.
A_T, G, B_T = (matrix.copy() for matrix in winograd.winograd_matrices(2))
G[0], B_T[0] = -G[0], -B_T[0]


# ---- the answers: by the library's walk over tiles, and by its convolution, whose tiles are larger

def four_products(d, g):
    m = (G @ g) * (B_T @ d)
    return m.astype(d.dtype), (A_T @ m).astype(d.dtype)


def transform_kernel(w):
    return (np.kron(G, G) @ w.reshape(9, -1)).reshape(4, 4, *w.shape[2:]).astype(w.dtype)


def cut(size, matrix):
    return Tiles(-(-size // 2), 2, -1, 4, forward=matrix, backward=matrix.T)


def transform_tiles(x):
    N, H, W, C = x.shape
    vertical, horizontal = (cut(size, B_T.astype(x.dtype)) for size in (H, W))
    planes = down(x, range(vertical.count), vertical, horizontal)
    places = np.stack([across(plane, horizontal) for plane in planes])
    return places.reshape(4, 4, N, vertical.count, horizontal.count, C)


# ---- cases

def row(seed):
    rng = np.random.default_rng([97, seed])
    return rng.standard_normal(4), rng.standard_normal(3)


def arrays(N, H, W, C, F, dtype=float):
    rng = np.random.default_rng([97, N, H, W, C, F])
    x, w, b = rng.standard_normal((N, H, W, C)), rng.standard_normal((3, 3, C, F)), rng.standard_normal(F)
    return x.astype(dtype), w.astype(dtype), b.astype(dtype)


BY_HAND = np.array([4.0, 1, 0, 2]), np.array([1.0, 2, 3])      # those of the page
ROWS = BY_HAND, row(1), row(2)
CASES = (
    arrays(1, 2, 2, 1, 1),          # one tile
    arrays(1, 4, 2, 2, 3),          # two tiles, one under the other
    arrays(2, 4, 6, 2, 3),
    arrays(2, 5, 7, 3, 2),          # the last ones are not full
    arrays(1, 3, 4, 2, 2),
    arrays(2, 1, 1, 3, 2),          # one pixel
    arrays(1, 1, 5, 2, 4),
)
TWO = arrays(2, 7, 9, 3, 2), arrays(3, 6, 11, 2, 4)


# ---- the four products

PRODUCTS = Table(PAGE, lambda: (row(3), row(4)), ("m", "y"))


def with_factors(*factors):
    return lambda d, g: four_products(d, g)[0] * factors


def from_products(*matrix):
    return lambda d, g: np.array(matrix) @ four_products(d, g)[0]


PRODUCTS.mistake("the sums of three g are not halved: g[0] + g[1] + g[2] and g[0] - g[1] + g[2] are divided by 2", "m",
                 m_not_halved=with_factors(1, 2, 2, 1))
PRODUCTS.mistake("the sum g[0] + g[1] + g[2] is not halved", "m", m_first_sum_not_halved=with_factors(1, 2, 1, 1))
PRODUCTS.mistake("the sum g[0] - g[1] + g[2] is not halved", "m", m_second_sum_not_halved=with_factors(1, 1, 2, 1))
PRODUCTS.mistake("m[0] has the other sign: it is (d[0] - d[2]) * g[0]", "m", m_first_sign=with_factors(-1, 1, 1, 1))
PRODUCTS.mistake("m[2] has the other sign: it has d[2] - d[1]", "m", m_third_sign=with_factors(1, 1, -1, 1))
PRODUCTS.mistake("m[3] has the other sign: here it is (d[3] - d[1]) * g[2], and y[1] adds it", "m",
                 m_last_sign=with_factors(1, 1, 1, -1))
PRODUCTS.mistake("g is the other way round: y[r] takes d[r + i] * g[i], the kernel is not turned", "m",
                 m_kernel_flipped=lambda d, g: four_products(d, g[::-1])[0])
PRODUCTS.mistake("d is the other way round: d[0] belongs to y[0] alone", "m",
                 m_values_flipped=lambda d, g: four_products(d[::-1], g)[0])
PRODUCTS.mistake("the second and the third product are exchanged: g[0] + g[1] + g[2] comes first", "m",
                 m_exchanged=lambda d, g: four_products(d, g)[0][[0, 2, 1, 3]])
PRODUCTS.mistake("the third product has the sum with a plus, as the second: it is g[0] - g[1] + g[2]", "m",
                 m_without_minus=lambda d, g: (
                     four_products(d, g)[0] + [0, 0, (d[2] - d[1]) * g[1], 0]))
PRODUCTS.mistake("d[1] + d[2] is in the third product too: that has d[2] - d[1]", "m",
                 m_sum_twice=lambda d, g: four_products(d, g)[0] + [0, 0, d[1] * (g[0] - g[1] + g[2]), 0])
PRODUCTS.mistake("d is not combined: (G g) * d multiplies each d by what belongs to a difference or a sum", "m",
                 m_without_b=lambda d, g: (G @ g) * d)
PRODUCTS.mistake("there is B where B^T belongs: the rows of B^T are the combinations of d", "m",
                 m_b_not_transposed=lambda d, g: (G @ g) * (B_T.T @ d))
PRODUCTS.mistake("y[1] adds m[2]: it is m[1] - m[2] + m[3]", "y", y_added=from_products((1, 1, 1, 0), (0, 1, 1, 1)))
PRODUCTS.mistake("m[3] counts in y[1] with the other sign: here it has d[3] - d[1], and is added", "y",
                 y_last_taken_away=from_products((1, 1, 1, 0), (0, 1, -1, -1)))
PRODUCTS.mistake("y[1] is m[2] - m[1] + m[3]: m[1] is added and m[2] taken away", "y",
                 y_signs_exchanged=from_products((1, 1, 1, 0), (0, -1, 1, 1)))
PRODUCTS.mistake("y[0] takes m[2] away: it is in y[0] with a plus, and in y[1] with a minus", "y",
                 y_first_taken_away=from_products((1, 1, -1, 0), (0, 1, -1, 1)))
PRODUCTS.mistake("m[2] counts in y with the other sign: it has d[2] - d[1], and is added in y[0] and taken away in "
                 "y[1]", "y", y_both_signs=from_products((1, 1, -1, 0), (0, 1, 1, 1)))
PRODUCTS.mistake("m[0] is missing in y[0]", "y", y_without_first=from_products((0, 1, 1, 0), (0, 1, -1, 1)))
PRODUCTS.mistake("m[3] is missing in y[1]", "y", y_without_last=from_products((1, 1, 1, 0), (0, 1, -1, 0)))
PRODUCTS.mistake("m[0] is in both values of y: it is in y[0] alone", "y",
                 y_first_in_both=from_products((1, 1, 1, 0), (1, 1, -1, 1)))
PRODUCTS.mistake("m[3] is in both values of y: it is in y[1] alone", "y",
                 y_last_in_both=from_products((1, 1, 1, 1), (0, 1, -1, 1)))
PRODUCTS.mistake("y[0] and y[1] are exchanged", "y", y_exchanged=from_products((0, 1, -1, 1), (1, 1, 1, 0)))
PRODUCTS.mistake("it is the convolution, with the kernel turned round: y[r] takes d[r + i] * g[i]", "y",
                 y_kernel_flipped=lambda d, g: four_products(d, g[::-1])[1])
PRODUCTS.mistake("in y the sums of three g count twice: they are halved", "y", y_not_halved=lambda d, g: (
                     A_T @ with_factors(1, 2, 2, 1)(d, g)))


# ---- the kernel

def both(matrix, a, other=None):
    """matrix a other^T, of the first two axes."""
    return np.einsum("ki,lj,ij...->kl...", matrix, matrix if other is None else other, a)


def scaled_rows(matrix, *factors):
    return matrix * np.array(factors)[:, None]


DOUBLED, MINUS_AT_2 = scaled_rows(G, 1, 2, 2, 1), G * [[1, 1, 1], [1, 1, 1], [1, -1, -1], [1, 1, 1]]
KERNEL = Table(PAGE, lambda: ((TWO[0][1],), (TWO[1][1],)), ("w_hat",),
               axes=("place down", "place across", "channel", "filter"))
KERNEL.mistake("the halves of G are forgotten: the sums of three are divided by 2, along either axis",
               not_halved=partial(both, DOUBLED))
KERNEL.mistake("the halves of G are forgotten going down: G is the same along both axes",
               not_halved_down=lambda w: both(DOUBLED, w, G))
KERNEL.mistake("the halves of G are forgotten going across: G is the same along both axes",
               not_halved_across=lambda w: both(G, w, DOUBLED))
KERNEL.mistake("rows and columns are exchanged in w_hat: the first axis goes down",
               transposed=lambda w: both(G, w).swapaxes(0, 1))
KERNEL.mistake("the kernel is rotated by 180 degrees, or the first and the last row of G are exchanged: w[0, 0] "
               "belongs to place [0, 0]", rotated=lambda w: both(G, w[::-1, ::-1]))
KERNEL.mistake("the kernel is upside down: row 0 of w belongs to place 0", upside_down=lambda w: both(G, w[::-1]))
KERNEL.mistake("the kernel is mirrored: column 0 of w belongs to place 0", mirrored=lambda w: both(G, w[:, ::-1]))
KERNEL.mistake("the places of 1 and -1 are exchanged: the sum of three comes before the one with a minus",
               exchanged=partial(both, G[[0, 2, 1, 3]]))
KERNEL.mistake("there is no minus in G: its third row is 1/2, -1/2, 1/2", without_minus=partial(both, abs(G)))
KERNEL.mistake("the minus of G stands at the wrong place: its third row is 1/2, -1/2, 1/2, the powers of -1",
               minus_at_last=partial(both, np.array([*G[:2], [0.5, 0.5, -0.5], G[3]])),
               minus_at_two=partial(both, MINUS_AT_2))
KERNEL.mistake("the first row of G has a minus, as the library's: here it is 1, 0, 0, as B^T has 1, 0, -1, 0",
               library=partial(both, scaled_rows(G, -1, 1, 1, 1)))
KERNEL.mistake("the sums of three are divided by 4: along each axis they are halved once",
               quarter=partial(both, scaled_rows(G, 1, 0.5, 0.5, 1)))
KERNEL.mistake("the last row of G is the sum of all: it is 0, 0, 1", last_row=partial(
    both, np.array([*G[:3], [1, 1, 1]])))
KERNEL.mistake("the axes of w were moved by reshape, which mixes up its numbers: move them with transpose or moveaxis",
               reshaped=lambda w: (G @ w.reshape(*w.shape[2:], 3, 3) @ G.T).reshape(4, 4, *w.shape[2:]),
               reshaped_back=lambda w: (G @ w.transpose(2, 3, 0, 1) @ G.T).reshape(4, 4, *w.shape[2:]),
               reshaped_there=lambda w: (G @ w.reshape(*w.shape[2:], 3, 3) @ G.T).transpose(2, 3, 0, 1))
KERNEL.mistake("filters and channels are exchanged by reshape: the last axis is the filters",
               filters_first=lambda w: both(G, w.reshape(3, 3, w.shape[3], w.shape[2]).swapaxes(2, 3)))


# ---- the tiles

def tiles_of(x, first=(1, 1), step=2, mode="constant"):
    """d (4, 4, N, R, S, C): tiles that begin so many rows and columns before x."""
    N, H, W, C = x.shape
    R, S = -(-H // 2), -(-W // 2)
    pad = [(0, 0), (first[0], step * R + 4), (first[1], step * S + 4), (0, 0)]
    padded = np.pad(x, pad, mode)
    return np.array([[padded[:, i : i + step * R : step, j : j + step * S : step] for j in range(4)] for i in range(4)])


def without_last(x, axes=(1, 2)):
    """x, with 0 in its last row or column where their number is odd."""
    x = x.copy()
    for axis in axes:
        if x.shape[axis] % 2:
            np.moveaxis(x, axis, 0)[-1] = 0
    return x


def places_first_by_reshape(x):
    d = tiles_of(x).transpose(2, 3, 4, 5, 0, 1)
    return (B_T @ d @ B_T.T).reshape(4, 4, *d.shape[:4])


TILES = Table(PAGE, lambda: ((TWO[0][0],), (TWO[1][0],)), ("x_hat",),
              axes=("place down", "place across", "image", "row of tiles", "column of tiles", "channel"))
TILES.mistake("tiles begin at row 0 and column 0 of x: the first begins one before, where there are zeros",
              no_margin=lambda x: both(B_T, tiles_of(x, (0, 0))))
TILES.mistake("tiles begin at row 0 of x: the first begins one above it, where there are zeros",
              no_margin_above=lambda x: both(B_T, tiles_of(x, (0, 1))))
TILES.mistake("tiles begin at column 0 of x: the first begins one to its left, where there are zeros",
              no_margin_left=lambda x: both(B_T, tiles_of(x, (1, 0))))
TILES.mistake("tiles begin two rows and columns before x: one is enough", margin_of_two=lambda x: (
    both(B_T, tiles_of(x, (2, 2)))))
TILES.mistake("tiles lie 4 apart, side by side: each gives 2 values of y, so they lie 2 apart and overlap by 2",
              no_overlap=lambda x: both(B_T, tiles_of(x, step=4)))
TILES.mistake("tiles lie 3 apart: each gives 2 values of y, so they lie 2 apart and overlap by 2",
              overlap_of_one=lambda x: both(B_T, tiles_of(x, step=3)))
TILES.mistake("the last row or column of x is missing where their number is odd: the last tile reaches beyond x, and "
              "has zeros there alone", odd_cut_off=lambda x: both(B_T, tiles_of(without_last(x))))
TILES.mistake("the last row of x is missing where H is odd: the last tile reaches beyond x, and has zeros there alone",
              odd_row_cut_off=lambda x: both(B_T, tiles_of(without_last(x, (1,)))))
TILES.mistake("the last column of x is missing where W is odd: the last tile reaches beyond x, and has zeros there "
              "alone", odd_column_cut_off=lambda x: both(B_T, tiles_of(without_last(x, (2,)))))
TILES.mistake("it is B^T d B^T: the second is transposed once more, B^T d B, so that columns meet the rows of B^T",
              second_not_transposed=lambda x: both(B_T, tiles_of(x), B_T.T))
TILES.mistake("it is B d B: the first is transposed, B^T d B, so that rows meet the rows of B^T",
              first_not_transposed=lambda x: both(B_T.T, tiles_of(x), B_T))
TILES.mistake("it is B d B^T: both are transposed once too often, it is B^T d B",
              both_not_transposed=lambda x: both(B_T.T, tiles_of(x)))
TILES.mistake("only the columns of the tiles go through B^T: their rows do too", down_alone=lambda x: (
    both(B_T, tiles_of(x), np.eye(4))))
TILES.mistake("only the rows of the tiles go through B^T: their columns do too", across_alone=lambda x: (
    both(np.eye(4), tiles_of(x), B_T)))
TILES.mistake("tiles are cut out and not transformed: B^T d B is still to come", not_transformed=tiles_of)
TILES.mistake("rows and columns are exchanged in the places: the first axis goes down the image",
              transposed=lambda x: both(B_T, tiles_of(x)).swapaxes(0, 1))
TILES.mistake("the places were moved to the front by reshape, which mixes up the numbers: move them with transpose or "
              "moveaxis", reshaped=places_first_by_reshape)
TILES.mistake("the first row of B^T has the other sign, as the library's: here it is 1, 0, -1, 0, as G has 1, 0, 0",
              library=lambda x: both(scaled_rows(B_T, -1, 1, 1, 1), tiles_of(x)))
TILES.mistake("the third row of B^T has the other sign: it is 0, -1, 1, 0", third_sign=lambda x: (
    both(scaled_rows(B_T, 1, 1, -1, 1), tiles_of(x))))
TILES.mistake("the last row of B^T has the other sign: here it is 0, -1, 0, 1", last_sign=lambda x: (
    both(scaled_rows(B_T, 1, 1, 1, -1), tiles_of(x))))
TILES.mistake("outside of x its border is repeated: there are zeros", border_repeated=lambda x: (
    both(B_T, tiles_of(x, mode="edge"))))
TILES.mistake("outside of x it comes in again on the other side: there are zeros", border_wrapped=lambda x: (
    both(B_T, tiles_of(x, mode="wrap"))))
TILES.mistake("outside of x it is mirrored: there are zeros", border_mirrored=lambda x: (
    both(B_T, tiles_of(x, mode="reflect"))))


# ---- the convolution

def side_by_side(tiles):
    """(2, 2, N, R, S, F) as an image."""
    _, _, N, R, S, F = tiles.shape
    return tiles.transpose(2, 3, 0, 4, 1, 5).reshape(N, 2 * R, 2 * S, F)


def by_quarters(tiles):
    _, _, N, R, S, F = tiles.shape
    return tiles.transpose(2, 0, 3, 1, 4, 5).reshape(N, 2 * R, 2 * S, F)


def by_reshape(tiles):
    _, _, N, R, S, F = tiles.shape
    return tiles.reshape(N, 2 * R, 2 * S, F)


def convolved(x, w, b, *, tiles=None, kernel=None, back=A_T, back_across=None, place=side_by_side, bias=None):
    """y, with something else here or there; bias is what is added at the 16 places."""
    (_, H, W, _) = x.shape
    x_hat = transform_tiles(x) if tiles is None else tiles(x)
    w_hat = transform_kernel(w) if kernel is None else kernel(w)
    y_hat = np.einsum("klnrsc,klcf->klnrsf", x_hat, w_hat)
    if bias is not None:
        y_hat = y_hat + bias
    return place(both(back, y_hat, back_across))[:, :H, :W] + b


def at_first_place(b):
    bias = np.zeros((4, 4, 1, 1, 1, len(b)))
    bias[0, 0] = b
    return bias


# Those of conv.py that speak of the columns of im2col, or cannot be told from another with a kernel of 3 x 3
FORWARDS_OF_IM2COL = (
    "places_before_channels", "channels_before_places", "padding_after", "padding_before", "border_symmetric",
)
BACKWARDS_OF_IM2COL = (
    "dx_kernel_not_rotated", "dx_filters_first", "dx_channels_first", "dw_filters_first", "dw_channels_first",
    "dw_read_filters_first", "dw_read_channels_first", "dw_columns_reshaped",
)


def without(table, names):
    return [wrong for wrong in table.mistakes if wrong.__name__ not in names]


CONVOLVED = Table(PAGE, lambda: TWO, ("y",))
CONVOLVED.mistake("rows and columns of the 2 x 2 values of each tile are exchanged",
                  tiles_transposed=partial(convolved, place=lambda tiles: side_by_side(tiles.swapaxes(0, 1))))
CONVOLVED.mistake("the values of each tile do not lie side by side: y has all the first ones in its upper left "
                  "quarter. Value [i, j] of tile [t, s] is y[2 * t + i, 2 * s + j]", by_quarters=partial(
                      convolved, place=by_quarters))
CONVOLVED.mistake("the tiles become y by reshape alone, which mixes up the pixels: value [i, j] of tile [t, s] is "
                  "y[2 * t + i, 2 * s + j]", by_reshape=partial(convolved, place=by_reshape))
CONVOLVED.mistake("b is added at all 16 places, and comes back up to nine times: add it to y",
                  bias_at_all_places=lambda x, w, b: convolved(x, w, 0 * b, bias=b))
CONVOLVED.mistake("b is added at place [0, 0], which is in one of the four values of a tile: add it to y",
                  bias_at_first_place=lambda x, w, b: convolved(x, w, 0 * b, bias=at_first_place(b)))
CONVOLVED.mistake("there is no minus in A^T: its second row is 0, 1, -1, 1", a_without_minus=partial(
    convolved, back=abs(A_T)))
CONVOLVED.mistake("the last number of A^T has a minus: here it is 0, 1, -1, 1, as m[3] has d[3] - d[1]",
                  a_last_taken_away=partial(convolved, back=np.array([A_T[0], [0, 1, -1, -1]])))
CONVOLVED.mistake("the minus of A^T stands in its first row: that is 1, 1, 1, 0, and the second 0, 1, -1, 1",
                  a_minus_in_first=partial(convolved, back=np.array([[1, 1, -1, 0], [0, 1, 1, 1]])))
CONVOLVED.mistake("the first and the last row of A^T are exchanged", a_rows_exchanged=partial(
    convolved, back=A_T[::-1]))
CONVOLVED.mistake("the last row or column of y is the bias alone where their number is odd: the last tile is not full, "
                  "and its first values count", odd_left_out=lambda x, w, b: without_last(convolved(x, w, 0 * b)) + b)
CONVOLVED.mistake("the last row or column of y is 0 where their number is odd: the last tile is not full, and its "
                  "first values count", odd_zero=lambda x, w, b: without_last(convolved(x, w, b)))
CONVOLVED.mistake("w_hat is not G w G^T: the halves of G are forgotten", not_halved=partial(
    convolved, kernel=partial(both, DOUBLED)))
CONVOLVED.mistake("x_hat is B^T d B^T: the second is transposed once more", second_not_transposed=partial(
    convolved, tiles=lambda x: both(B_T, tiles_of(x), B_T.T)))
CONVOLVED.mistake("x_hat is B d B^T: both are transposed once too often, it is B^T d B", b_not_transposed=partial(
    convolved, tiles=lambda x: both(B_T.T, tiles_of(x))))
CONVOLVED.mistake("tiles of x lie 4 apart: each gives 2 values of y, so they lie 2 apart and overlap by 2",
                  no_overlap=partial(convolved, tiles=lambda x: both(B_T, tiles_of(x, step=4))))
CONVOLVED.mistake("the places of x_hat and w_hat do not meet: one has rows first, the other columns",
                  places_exchanged=partial(convolved, tiles=lambda x: transform_tiles(x).swapaxes(0, 1)))
CONVOLVED.mistakes += without(conv.forward, FORWARDS_OF_IM2COL)


# ---- its backward

def cut_side_by_side(dy):
    """(2, 2, N, R, S, F): the tiles of dy, with zeros behind them."""
    N, H, W, F = dy.shape
    R, S = -(-H // 2), -(-W // 2)
    padded = np.zeros((N, 2 * R, 2 * S, F))
    padded[:, :H, :W] = dy
    return padded.reshape(N, R, 2, S, 2, F).transpose(2, 4, 0, 1, 3, 5)


def convolved_backward(dy, x, w, b, *, dy_hat=None, back=B_T.T, kept=((0, 4), (0, 4)), add=True, first=1, G=G.T,
                       kernel=transform_kernel, dw_tiles=lambda dw_hat: dw_hat.sum(2)):
    """dx and dw, with something else here or there.

    kept      the rows and columns of each tile of dx that count
    first     where x begins in dx with its margin
    dw_tiles  of dw_hat of each tile (4, 4, tiles, C, F), their sum
    """
    (N, H, W, C), x_hat = x.shape, transform_tiles(x)
    dy_hat = both(A_T.T, cut_side_by_side(dy)) if dy_hat is None else dy_hat(dy)
    R, S, F = dy_hat.shape[3:]
    dd = both(back, np.einsum("klnrsf,klcf->klnrsc", dy_hat, kernel(w)))
    dx = np.zeros((N, 2 * R + 4, 2 * S + 4, C))
    for i in range(*kept[0]):
        for j in range(*kept[1]):
            there = dx[:, i : i + 2 * R : 2, j : j + 2 * S : 2]
            there[...] = there + dd[i, j] if add else dd[i, j]
    x_hat, dy_hat = x_hat.reshape(4, 4, -1, C), dy_hat.reshape(4, 4, -1, F)
    dw_hat = dw_tiles(np.einsum("kltc,kltf->kltcf", x_hat, dy_hat))
    return {"dx": dx[:, first : first + H, first : first + W], "dw": both(G, dw_hat)}


BACKWARD = Table(PAGE, lambda: TWO, ("dx", "dw", "db"), winograd.conv2d, axes=("channel",))
BACKWARD.mistake("the tiles of dx overwrite each other: they overlap by 2, and what overlaps adds up (+=)", "dx",
                 dx_overwritten=partial(convolved_backward, add=False))
BACKWARD.mistake("of each tile of dx only the 2 x 2 values in the middle are kept: all 4 x 4 count, and add up where "
                 "tiles overlap", "dx", dx_middle_kept=partial(convolved_backward, kept=((1, 3), (1, 3))))
BACKWARD.mistake("of each tile of dx only the first 2 x 2 values are kept: all 4 x 4 count, and add up where tiles "
                 "overlap", "dx", dx_first_kept=partial(convolved_backward, kept=((0, 2), (0, 2))),
                 dx_first_kept_and_moved=partial(convolved_backward, kept=((0, 2), (0, 2)), first=0))
BACKWARD.mistake("dx begins two rows and columns into what was added up: the margin is one", "dx",
                 dx_margin_of_two=partial(convolved_backward, first=2))
BACKWARD.mistake("there is B^T where B belongs: the adjoint of B^T d B is B d B^T", "dx",
                 dx_b_transposed=partial(convolved_backward, back=B_T))
BACKWARD.mistake("the tiles of dx were not sent back through B", "dx", dx_without_b=partial(
    convolved_backward, back=np.eye(4)))
BACKWARD.mistake("the kernel looks the other way in dx: by the adjoint of each step, w_hat is that of the forward; who "
                 "convolves dy by the forward itself rotates w by 180 degrees", "dx", dx_kernel_rotated=partial(
                     convolved_backward, kernel=lambda w: transform_kernel(w[::-1, ::-1])))
BACKWARD.mistake("in dx the halves of G are forgotten: w_hat is that of the forward", "dx",
                 dx_not_halved=partial(convolved_backward, kernel=partial(both, DOUBLED)))
BACKWARD.mistake("the halves of G are forgotten in dw", "dw", dw_not_halved=partial(convolved_backward, G=DOUBLED.T))
BACKWARD.mistake("only one tile reached dw: dw_hat is the sum over all tiles of all images", "dw",
                 dw_last_tile=partial(convolved_backward, dw_tiles=lambda dw_hat: dw_hat[:, :, -1]),
                 dw_first_tile=partial(convolved_backward, dw_tiles=lambda dw_hat: dw_hat[:, :, 0]))
BACKWARD.mistake("dw_hat is the mean over the tiles: it is their sum", "dw", dw_mean=partial(
    convolved_backward, dw_tiles=lambda dw_hat: dw_hat.mean(axis=2)))
BACKWARD.mistake("dy goes to the places by B^T, as x does: the adjoint of A^T is A",
                 dy_by_b=partial(convolved_backward, dy_hat=lambda dy: both(B_T[:, 1:3], cut_side_by_side(dy))),
                 dy_by_first_of_b=partial(convolved_backward, dy_hat=lambda dy: both(
                     B_T[:, :2], cut_side_by_side(dy))))
BACKWARD.mistake("dy is cut into tiles of 4 x 4 that overlap, as x: of each tile 2 x 2 values of y were made, so its "
                 "tiles lie side by side, and go to the places by A", dy_as_x=partial(
                     convolved_backward, dy_hat=transform_tiles))
BACKWARD.mistake("there is no minus in A, through which dy goes to the places", a_without_minus=partial(
    convolved_backward, dy_hat=lambda dy: both(abs(A_T.T), cut_side_by_side(dy))))
BACKWARD.mistake("the last row of A has the other sign on the way of dy to the places: here it is 0, 1",
                 a_last_sign=partial(convolved_backward, dy_hat=lambda dy: both(
                     scaled_rows(A_T.T, 1, 1, 1, -1), cut_side_by_side(dy))))
BACKWARD.mistake("rows and columns of the 2 x 2 values of dy in each tile are exchanged", dy_tiles_transposed=partial(
    convolved_backward, dy_hat=lambda dy: both(A_T.T, cut_side_by_side(dy).swapaxes(0, 1))))
BACKWARD.mistake("tiles of dy begin one row and column before it, as those of x: they begin with dy",
                 dy_moved=partial(convolved_backward, dy_hat=lambda dy: both(A_T.T, cut_side_by_side(
                     np.pad(dy, ((0, 0), (1, 0), (1, 0), (0, 0)))[:, :-1, :-1]))))
BACKWARD.mistake("the last row or column of dy is left out where their number is odd: the last tile is not full, and "
                 "has zeros behind it", odd_left_out=partial(
                     convolved_backward, dy_hat=lambda dy: both(A_T.T, cut_side_by_side(without_last(dy)))))
BACKWARD.mistakes += without(conv.backward, BACKWARDS_OF_IM2COL)


# ---- the exercises

LARGE = arrays(1, 48, 64, 16, 16, np.float32)


def race_of_backward():
    y, cache = winograd.conv2d(*LARGE)
    return upstream(y, seed=0), cache


MATRICES = "the answer by matrices"
EXERCISES = (
    Exercise(
        "four_products", values(four_products, *ROWS, names=("d", "g"), mistakes=PRODUCTS),
        answer=four_products, other=MATRICES, read=READ, race=lambda: BY_HAND,
        differs="multiplies by A^T, G and B^T, which it makes for any number of values",
        hints=("In which products are the factors of d, and in which those of g? Which g can be combined before any d "
               "is known?",
               "d is (4,), g is (3,), m is (4,) and y is (2,). y[0] has three products, y[1] has three, and two are in "
               "both.",
               "plus, minus = (g[0] + g[1] + g[2]) / 2, (g[0] - g[1] + g[2]) / 2"),
    ),
    Exercise(
        "transform_kernel", values(transform_kernel, *((case[1],) for case in CASES[1:5]), names=("w",),
                                   mistakes=KERNEL),
        answer=transform_kernel, other=MATRICES, read=READ, race=lambda: LARGE[1:2],
        differs="is one product of matrices: all 16 places from all 9 weights",
        hints=("First down, then across: what becomes of three rows of w, and then of three columns of that?",
               "Going down makes (4, 3, C, F) of (3, 3, C, F), going across (4, 4, C, F). In indices w_hat[k, l] is "
               "the sum over i and j of G[k, i] * G[l, j] * w[i, j].",
               "Let G be an array of the dtype of w, (4, 3); then one np.einsum, or w.transpose(2, 3, 0, 1) and @."),
    ),
    Exercise(
        "transform_tiles", values(transform_tiles, *((case[0],) for case in CASES), names=("x",), mistakes=TILES),
        answer=transform_tiles, other="the library's walk over tiles", read="tinysegnet/ops/fast/tiles.py",
        race=lambda: LARGE[:1],
        differs="goes down all columns first, so that what overlaps is transformed once, and then across",
        hints=("What stands at place [i, j] of every tile? It is x, with zeros around it, at every second row and "
               "column.",
               "R, S are H / 2 and W / 2, rounded up. With zeros around it x is (N, 2 * R + 2, 2 * S + 2, C), and x "
               "begins at row 1 and column 1. d is (4, 4, N, R, S, C), and so is B^T d B.",
               "d[i, j] = padded[:, i : i + 2 * R : 2, j : j + 2 * S : 2], in two loops over i and j"),
    ),
    Exercise(
        "conv2d_by_winograd", values(winograd.conv2d, *CASES, cache=True, mistakes=CONVOLVED),
        answer=winograd.conv2d, read=READ, race=lambda: LARGE,
        differs="makes 4 x 4 values of each tile by 36 products, one row of places at a time",
        hints=("Your two transforms do half of it. At each of 16 places there is a matrix of the tiles and a matrix of "
               "the kernel. What is their product?",
               "With x_hat as (4, 4, N * R * S, C), x_hat @ w_hat is (4, 4, N * R * S, F). A^T goes to (2, 2, ...), "
               "and [i, j] of all tiles are every second row and column of y.",
               "y = np.zeros((N, 2 * R, 2 * S, F), x.dtype), which is filled in two loops over i and j, and cut off"),
    ),
    Exercise(
        "conv2d_by_winograd_backward",
        gradients(winograd.conv2d, winograd.conv2d_backward, *CASES, names=("x", "w", "b"), mistakes=BACKWARD),
        answer=winograd.conv2d_backward, read=READ, race=race_of_backward,
        differs="has the same three products, on tiles of 6 x 6",
        hints=("Read your forward from its last line to its first, and write the adjoint of each. Where values were "
               "placed side by side they are cut out, where tiles were cut out with an overlap they are added.",
               "dy in tiles is (2, 2, N, R, S, F), and dy_hat = A dy A^T is (4, 4, N * R * S, F). dx_hat is dy_hat "
               "times w_hat with C and F exchanged; dw_hat, (4, 4, C, F), is x_hat with tiles and C exchanged, times "
               "dy_hat.",
               "Put dy into zeros of (N, 2 * R, 2 * S, F), and cut it: dtiles[i, j] = padded[:, i::2, j::2]"),
    ),
)
