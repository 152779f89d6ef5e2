"""The convolution in the frequency domain: many tiles, and each step (test_conv.py has what all convolutions share)."""

import numpy as np
import pytest
from test_conv import draw

from tinysegnet import ops
from tinysegnet.ops import conv, conv_1x1, fast
from tinysegnet.ops.fast import conv_fft, fourier


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 1e-4), (np.float64, 1e-10)])
@pytest.mark.parametrize("H, W", [(1, 70), (45, 60), (53, 24), (100, 101)])
@pytest.mark.parametrize("together", [1, 7, 1000])
def test_several_tiles_equal_im2col(monkeypatch, H, W, dtype, tolerance, together):
    """Relative to the largest entry. In each direction one tile, several, and a clipped one; the two images together or
    one by one, and their tiles in one go, or row by row."""
    monkeypatch.setattr(conv_fft, "TILES_IN_GROUP", together)
    monkeypatch.setattr(conv_fft, "TILES_IN_CACHE", together)
    rng = np.random.default_rng(0)
    shapes = (2, H, W, 6), (7, 7, 6, 5), (5,), (2, H, W, 5)
    x, w, b, dy = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    by_columns, columns_cache = conv.conv2d(x, w, b)
    by_tiles, tiles_cache = conv_fft.conv2d(x, w, b)
    gradients = zip(conv_fft.conv2d_backward(dy, tiles_cache), conv.conv2d_backward(dy, columns_cache))
    for actual, expected in [(by_tiles, by_columns), *gradients]:
        assert actual.dtype == dtype and actual.shape == expected.shape
        assert np.abs(actual - expected).max() <= tolerance * np.abs(expected).max()


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
        fourier.Tiles(1, 5, -beyond, T, *fourier.transforms(T, np.dtype(np.float64)))
        for T, beyond in ((8, 1), (9, 2))
    )
    planes = fourier.dft_vertical(images, rows, columns)
    padded = np.pad(images, ((0, 0), (1, 0), (2, 0), (0, 0)))
    expected = np.fft.fft2(padded, axes=(1, 2))
    for k in range(rows.L):
        re, im = fourier.dft_horizontal(planes[:, k], columns)
        for sign, which in ((1, 0), (-1, 1)):
            for frequency in range(columns.L):
                actual = re[which, frequency] + 1j * im[which, frequency]
                np.testing.assert_allclose(actual, expected[:, k, sign * frequency], atol=1e-10)


@pytest.mark.parametrize(
    "shape, K, module",
    [
        ((1, 40, 50, 2), 7, conv_fft), ((1, 40, 50, 2), 3, conv), ((9, 20, 25, 2), 7, conv_fft),
        ((9, 10, 11, 2), 7, conv),
        ((1, 40, 50, 2), 1, conv_1x1),
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
    """And ops_with has all of it, but for what is given."""
    assert all(hasattr(fast, name) for name in ops.__all__)
    other = {"conv2d", "conv2d_backward"}
    assert {name for name in ops.__all__ if getattr(fast, name) is not getattr(ops, name)} == other
    functions = fast.ops_with(conv="im2col", relu="mine", conv2d="mine too")
    assert vars(functions).keys() == set(ops.__all__)
    assert (functions.relu, functions.conv2d) == ("mine", "mine too")
    assert functions.conv2d_backward is conv.conv2d_backward and functions.max_pool is ops.max_pool
    with pytest.raises(ValueError, match="there is no convolution 'winograd': choose one of auto, fft, im2col"):
        fast.ops_with(conv="winograd")
