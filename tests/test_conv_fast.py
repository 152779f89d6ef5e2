"""The fast convolutions: many tiles, and each step (test_conv.py has what all convolutions share)."""

import tracemalloc

import numpy as np
import pytest
from test_conv import draw
from test_threads import with_threads

from tinysegnet import ops
from tinysegnet.ops import conv, conv_1x1, fast, more
from tinysegnet.ops.fast import conv_fft, conv_gpu, fourier, tiles, winograd


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 1e-4), (np.float64, 1e-10)])
@pytest.mark.parametrize("H, W", [(1, 70), (45, 60), (53, 24), (100, 101)])
@pytest.mark.parametrize("group_bytes, at_once", [(2**40, 1000), (2**40, 7), (2**16, 7), (1, 1)])
@pytest.mark.parametrize("way, K", [(conv_fft, 7), (conv_fft, 5), (winograd, 3)])
def test_several_tiles_equal_im2col(monkeypatch, way, K, H, W, dtype, tolerance, group_bytes, at_once):
    """Relative to the largest entry. In each direction one tile, several, and a clipped one; the two images together,
    one by one, or by some rows of tiles; and their tiles in one go, or row by row, as the kernel by columns."""
    monkeypatch.setattr(way, "GROUP_BYTES", group_bytes)
    monkeypatch.setattr(way, "TILES_AT_ONCE", at_once)
    monkeypatch.setattr(winograd, "COLUMNS_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    shapes = (2, H, W, 6), (K, K, 6, 5), (5,), (2, H, W, 5)
    x, w, b, dy = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    expected, its_cache = conv.conv2d(x, w, b)
    y, cache = way.conv2d(x, w, b)
    pairs = [(y, expected), *zip(way.conv2d_backward(dy, cache), conv.conv2d_backward(dy, its_cache))]
    for actual, expected in pairs:
        assert actual.dtype == dtype and actual.shape == expected.shape
        assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


def test_groups_cover_all_rows_of_tiles_once_and_from_the_top():
    """A row of tiles of x and y is 6 planes of 62 x 96 numbers. Of the three images, of 12 rows each, go at once: one
    row; as many as fit, evenly; an image; two images; all."""
    x = np.broadcast_to(np.float32(0), (3, 45, 60, 64))
    x_tiles, _ = winograd.cut(45, 60, np.float32)
    of_a_row = 6 * 62 * (64 + 32) * 4
    for fit, taken in ((0, [1] * 36), (1, [1] * 36), (5, [4] * 9), (12, [12] * 3), (23, [12] * 3), (24, [24, 12]),
                       (99, [36])):
        groups = [[(n, row) for n in range(3)[images] for row in rows]
                  for images, rows in tiles.groups(x, 32, *x_tiles, fit * of_a_row)]
        assert [len(group) for group in groups] == taken
        assert [part for group in groups for part in group] == [(n, row) for n in range(3) for row in range(12)]


@pytest.mark.parametrize("way, K, for_a_thread", [(conv_fft, 7, 20 * 2**20), (winograd, 3, 8 * 2**20)])
def test_scratch_does_not_grow_with_the_map(monkeypatch, way, K, for_a_thread):
    """Beside y, or dx, dw and db, and the transformed kernel. The larger map has 90 MB, 45 more than the other."""
    with_threads(2, monkeypatch)

    def beside(height):
        """Of conv2d and of conv2d_backward."""
        rng = np.random.default_rng(0)
        x, w, b = (rng.standard_normal(shape, np.float32) for shape in ((1, height, 360, 64), (K, K, 64, 64), (64,)))
        places = 36
        if way is conv_fft:
            (vertical, horizontal), _ = way.cut(height, 360, K, x.dtype)
            places = vertical.places * horizontal.places            # cosines and sines, of both signs of l
        dw_hat = places * w.nbytes // K**2
        w_hat = dw_hat * 3 // 2 if way is conv_fft else dw_hat      # c, c - d and c + d
        return np.array([
            peak(lambda: way.conv2d(x, w, b)) - x.nbytes - w_hat,
            peak(lambda: way.conv2d_backward(x, (x, w))) - x.nbytes - w_hat - dw_hat,
        ])

    low, high = beside(512), beside(1024)
    assert (high <= low + for_a_thread).all()
    assert (high <= way.GROUP_BYTES + 2 * for_a_thread).all()


def peak(run):
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("K", [3, 5, 7])
@pytest.mark.parametrize("scratch", [1, 300_000, 2**30])
@pytest.mark.parametrize("H, W", [(1, 70), (45, 60), (53, 24)])
def test_a_gpus_convolution_equals_im2col(monkeypatch, H, W, scratch, K):
    """By Winograd's and by Fourier's algorithm where K is 3; the three images one by one, some, and together."""
    monkeypatch.setattr(conv_gpu, "SCRATCH_BYTES", scratch)
    rng = np.random.default_rng(0)
    x, w, b, dy = (rng.standard_normal(shape) for shape in ((3, H, W, 6), (K, K, 6, 5), (5,), (3, H, W, 5)))
    groups = [len(range(3)[images]) for images in conv_gpu.groups(x, 5, conv_gpu.matrices(x, w))]
    assert sum(groups) == 3 and groups == ([1, 1, 1] if scratch == 1 else [3] if scratch == 2**30 else groups)
    expected, its_cache = conv.conv2d(x, w, b)
    y, cache = conv_gpu.conv2d(x, w, b)
    pairs = [(y, expected), *zip(conv_gpu.conv2d_backward(dy, cache), conv.conv2d_backward(dy, its_cache))]
    for actual, expected in pairs:
        np.testing.assert_allclose(actual, expected, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("K", [3, 7])
def test_a_gpu_has_as_many_images_at_once_as_fit(monkeypatch, K):
    """What is there at once are their x_hat and y_hat."""
    x, w, _ = draw((3, 40, 50, 2), K, 4, seed=0)
    by = conv_gpu.matrices(x, w)
    x_hat = conv_gpu.transform(by.B_T, conv_gpu.overlapping(x[:1], by))
    y_hat = conv_gpu.at_each_place(x_hat, conv_gpu.transform(by.G, w.astype(by.dtype)))
    monkeypatch.setattr(conv_gpu, "SCRATCH_BYTES", 2 * (x_hat.nbytes + y_hat.nbytes))
    assert conv_gpu.groups(x, 4, by) == [slice(0, 2), slice(2, 4)]
    monkeypatch.setattr(conv_gpu, "SCRATCH_BYTES", conv_gpu.SCRATCH_BYTES - 1)
    assert conv_gpu.groups(x, 4, by) == [slice(0, 1), slice(1, 2), slice(2, 3)]


@pytest.mark.parametrize("T", [conv_gpu.WINOGRAD, 6, 7, 20])
def test_both_algorithms_of_a_gpu_convolve_by_3x3(monkeypatch, T):
    monkeypatch.setattr(conv_gpu, "side_of_tiles", lambda *_: T)
    x, w, b = draw((2, 13, 17, 3), 3, 4, seed=0)
    np.testing.assert_allclose(conv_gpu.conv2d(x, w, b)[0], conv.conv2d(x, w, b)[0], atol=1e-11)


def test_tiles_of_frequencies_are_large_for_large_maps_and_tight():
    """By the model of their cost. With a side below 2 K one would reach beyond the next."""
    maps = (360, 480), (180, 240), (90, 120), (45, 60), (23, 30), (1, 1)
    assert [conv_fft.tile_side(H, W, 7) for H, W in maps] == [33, 33, 21, 21, 14, 14]
    assert [conv_fft.tile_side(H, W, 3) for H, W in maps] == [13, 13, 13, 11, 7, 6]
    for x_tile, y_tile in zip(*conv_fft.cut(360, 480, 7, np.float32)):
        assert (x_tile.length, x_tile.step, x_tile.first) == (33, 27, -3)
        assert (y_tile.length, y_tile.step, y_tile.first) == (27, 27, 0)


def test_a_gpu_has_large_tiles_for_large_maps_and_winograd_for_many_channels():
    sides = [conv_gpu.side_of_tiles(H, W, 7, 64, 64) for H, W in ((360, 480), (90, 120), (23, 30))]
    assert sides == sorted(sides, reverse=True) and len(set(sides)) == 3
    assert conv_gpu.side_of_tiles(360, 480, 3, 64, 64) > conv_gpu.side_of_tiles(90, 120, 3, 64, 64) > 6
    assert conv_gpu.side_of_tiles(45, 60, 3, 512, 512) == conv_gpu.WINOGRAD


@pytest.mark.parametrize("T", [2, 3, 8, 9, 30])
def test_the_transform_is_fouriers_and_its_inverse_undoes_it(T):
    forward, inverse = fourier.transforms(T, np.dtype(np.float64))
    x = np.random.default_rng(T).standard_normal(T)
    cosines, sines = np.split(forward @ x, 2)
    np.testing.assert_allclose(cosines + 1j * sines, np.fft.rfft(x), atol=1e-12)
    np.testing.assert_allclose(inverse @ (forward @ x), x, atol=1e-12)


def test_the_spectrum_of_a_tile_is_the_two_dimensional_transform():
    """Of one tile of 8 x 9, of which one row and two columns lie before the 7 x 7 of the image."""
    images = np.random.default_rng(0).standard_normal((2, 7, 7, 2))
    rows, columns = (
        tiles.Tiles(1, 5, -beyond, T, *fourier.transforms(T, np.dtype(np.float64)))
        for T, beyond in ((8, 1), (9, 2))
    )
    planes = conv_fft.in_pairs(tiles.down(images, range(1), rows, columns))
    padded = np.pad(images, ((0, 0), (1, 0), (2, 0), (0, 0)))
    expected = np.fft.fft2(padded, axes=(1, 2))
    for k in range(rows.places // 2):
        re, im = fourier.dft_horizontal(planes[:, k], columns)
        for sign, which in ((1, 0), (-1, 1)):
            for frequency in range(columns.places // 2):
                actual = re[which, frequency] + 1j * im[which, frequency]
                np.testing.assert_allclose(actual, expected[:, k, sign * frequency], atol=1e-10)


@pytest.mark.parametrize(
    "shape, K, module",
    [
        ((1, 40, 50, 2), 7, conv_fft), ((1, 40, 50, 2), 5, conv_fft),
        ((9, 20, 25, 2), 7, conv_fft), ((9, 1, 499, 2), 7, conv),                   # from 500 pixels on
        ((9, 20, 25, 2), 5, conv_fft), ((9, 1, 499, 2), 5, conv),
        ((1, 40, 50, 32), 3, winograd), ((1, 40, 50, 31), 3, conv),                 # from 32 channels on
        ((1, 40, 50, 48), 3, winograd),
        ((9, 15, 20, 32), 3, winograd), ((9, 13, 23, 32), 3, conv),                 # and from 300 pixels on
        ((1, 40, 50, 2), 1, conv_1x1), ((9, 1, 2, 2), 1, conv_1x1),
    ],
)
def test_the_faster_one_is_taken(shape, K, module):
    x, w, b = draw(shape, K, 2, seed=0)
    assert fast.fastest_conv(x, w) is module
    for functions in (fast, fast.ops_with(), fast.ops_with(conv="auto")):
        same_as(module, functions, x, w, b)


@pytest.mark.parametrize("conv_name, module", [("fft", conv_fft), ("im2col", conv)])
@pytest.mark.parametrize("shape, K", [((1, 40, 50, 2), 7), ((1, 4, 5, 2), 3), ((1, 40, 50, 2), 1)])
def test_one_that_is_chosen_is_taken_for_all(shape, K, conv_name, module):
    same_as(module, fast.ops_with(conv=conv_name), *draw(shape, K, 2, seed=0))


@pytest.mark.parametrize("K, module", [(1, conv_1x1), (3, winograd), (5, conv), (7, conv)])     # 20 pixels
def test_winograd_that_is_chosen_is_taken_where_it_can(K, module):
    same_as(module, fast.ops_with(conv="winograd"), *draw((1, 4, 5, 2), K, 2, seed=0))


@pytest.mark.parametrize("conv_name", ["fft", "auto", "winograd"])
def test_what_is_made_of_a_convolution_is_made_of_the_chosen_one(conv_name):
    """To the bit; for 7 x 7 all three choose that by frequencies. With "im2col" both operations are the plain ones."""
    rng = np.random.default_rng(0)
    x, w, b = (rng.standard_normal(shape, np.float32) for shape in ((1, 40, 50, 2), (7, 7, 2), (2,)))
    functions, by_columns = fast.ops_with(conv=conv_name), fast.ops_with(conv="im2col")
    assert by_columns.depthwise_conv2d is more.depthwise_conv2d
    assert by_columns.conv_transpose2d_backward is more.conv_transpose2d_backward
    kernel = np.zeros((7, 7, 2, 2), np.float32)
    kernel[:, :, [0, 1], [0, 1]] = w
    y, cache = functions.depthwise_conv2d(x, w, b)
    np.testing.assert_array_equal(y, conv_fft.conv2d(x, kernel, b)[0])
    dx, dw, db = conv_fft.conv2d_backward(y, (x, kernel))
    for actual, expected in zip(functions.depthwise_conv2d_backward(y, cache), (dx, dw[:, :, [0, 1], [0, 1]], db)):
        np.testing.assert_array_equal(actual, expected)
    plain = functions.depthwise_conv2d(x, w[3:4, 3:4], b)[0]        # of 1 x 1 there is nothing to win
    np.testing.assert_array_equal(plain, more.depthwise_conv2d(x, w[3:4, 3:4], b)[0])


def test_what_is_for_a_gpu_is_taken_there_alone(monkeypatch):
    x, w, _ = draw((1, 4, 5, 2), 7, 2, seed=0)
    for name in ("batch_norm", "batch_norm_backward"):
        monkeypatch.setattr(fast.batchnorm, name, lambda *args: False)
        monkeypatch.setattr(fast.batchnorm_gpu, name, lambda *args: True)
    for there in (False, True):
        monkeypatch.setattr(fast, "on_gpu", lambda a, there=there: there)
        assert fast.batch_norm(x, None, None) is fast.batch_norm_backward(x, None) is there
        assert (fast.fastest_conv(x, w) is conv_gpu) is there
    monkeypatch.setattr(fast, "LARGEST_ON_GPU", 4 * 5 * 3)
    for C, F, module in ((3, 3, conv_gpu), (4, 3, conv), (3, 4, conv)):
        x, w, _ = draw((1, 4, 5, C), 7, F, seed=0)
        assert fast.fastest_conv(x, w) is module


def test_the_plain_operations_go_by_columns_whatever_is_faster():
    """But for a kernel of 1 x 1, which needs none."""
    x, w, b = draw((1, 40, 50, 2), 7, 2, seed=0)
    same_as(conv, ops, x, w, b)
    same_as(conv_1x1, ops, *draw((1, 40, 50, 2), 1, 2, seed=0))


def same_as(module, functions, x, w, b):
    """To the bit."""
    y, cache = functions.conv2d(x, w, b)
    expected, its_cache = module.conv2d(x, w, b)
    np.testing.assert_array_equal(y, expected)
    for actual, expected in zip(functions.conv2d_backward(y, cache), module.conv2d_backward(y, its_cache)):
        np.testing.assert_array_equal(actual, expected)
    assert functions.conv2d_backward(y, cache, need_dx=False)[0] is None


def test_fast_is_the_same_namespace():
    """With the operations of other networks besides. And ops_with has all of it, but for what is given."""
    assert all(hasattr(fast, name) for name in (*ops.__all__, *more.__all__))
    others = {"conv2d", "batch_norm", "conv_transpose2d", "depthwise_conv2d"}
    others |= {f"{name}_backward" for name in others}
    same = {name for module in (ops, more) for name in module.__all__ if getattr(fast, name) is getattr(module, name)}
    assert {*ops.__all__, *more.__all__} - same == others
    functions = fast.ops_with(conv="im2col", relu="mine", conv2d="mine too")
    assert vars(functions).keys() == {*ops.__all__, *more.__all__}
    assert (functions.relu, functions.conv2d) == ("mine", "mine too")
    assert functions.conv2d_backward is conv.conv2d_backward and functions.max_pool is ops.max_pool
    assert functions.batch_norm is fast.batch_norm
    with pytest.raises(ValueError, match="there is no convolution 'direct': choose one of auto, fft, winograd, im2col"):
        fast.ops_with(conv="direct")


@pytest.mark.parametrize("m", [2, 4, 6])
def test_winograds_matrices_correlate(m):
    """m values of 3 numbers along m + 2."""
    A_T, G, B_T = winograd.winograd_matrices(m)
    assert (A_T.shape, G.shape, B_T.shape) == ((m, m + 2), (m + 2, 3), (m + 2, m + 2))
    rng = np.random.default_rng(m)
    g, d = rng.standard_normal(3), rng.standard_normal(m + 2)
    np.testing.assert_allclose(A_T @ ((G @ g) * (B_T @ d)), np.correlate(d, g), rtol=1e-12, atol=1e-12)


def test_winograds_matrices_are_those_of_lavin_and_gray():
    """As printed for F(2 x 2, 3 x 3) and F(4 x 4, 3 x 3) in arXiv 1509.09308, but for signs that cancel."""
    _, G, B_T = winograd.winograd_matrices(4)
    np.testing.assert_array_equal(B_T, [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ])
    np.testing.assert_allclose(24 * G, [[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]])
    A_T, _, _ = winograd.winograd_matrices(2)
    np.testing.assert_array_equal(A_T, [[1, 1, 1, 0], [0, 1, -1, 1]])


def test_the_transform_of_a_kernel_is_that_of_its_rows_and_columns():
    w = np.random.default_rng(0).standard_normal((3, 3, 2, 5))
    _, G, _ = winograd.winograd_matrices(4)
    expected = np.einsum("ki,lj,ijcf->klcf", G, G, w)
    np.testing.assert_allclose(winograd.kernel_forward(w), expected, atol=1e-14)
    dw_hat = np.random.default_rng(1).standard_normal((6, 6, 2, 5))
    forth, back = (expected * dw_hat).sum(), (w * winograd.kernel_backward(dw_hat)).sum()
    assert abs(forth - back) < 1e-12
