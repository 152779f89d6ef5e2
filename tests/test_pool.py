import numpy as np
import pytest
from cases import pool, pool_backward, unpool
from generators import images, seeds, spaced
from hypothesis import given

from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.ops import max_pool, max_pool_backward, max_unpool, max_unpool_backward
from tinysegnet.support import threads

pytestmark = pytest.mark.usefixtures("bands_of_two_rows")


@given(images, seeds)
def test_pool_gradient(shape, seed):
    x = spaced(np.random.default_rng(seed), shape)
    check_backward(pool, pool_backward, x, names=("x",), seed=seed)


@given(images, seeds)
def test_unpool_gradient(shape, seed):
    rng = np.random.default_rng(seed)
    y, corners = max_pool(spaced(rng, shape))
    x = rng.standard_normal(y.shape)
    check_backward(unpool, max_unpool_backward, x, corners, shape, names=("x",), seed=seed)


@given(images, seeds)
def test_equals_four_loops(shape, seed):
    """Small integers, so that ties are everywhere: the first maximum in reading order wins."""
    x = np.random.default_rng(seed).integers(0, 3, shape).astype(float)
    y, corners = max_pool(x)
    N, H, W, C = shape
    assert y.shape == corners.shape == (N, -(-H // 2), -(-W // 2), C)
    for n, r, q, c in np.ndindex(y.shape):
        window = {
            2 * i + j: x[n, 2 * r + i, 2 * q + j, c]
            for i in (0, 1) for j in (0, 1) if 2 * r + i < H and 2 * q + j < W
        }
        assert y[n, r, q, c] == max(window.values())
        assert corners[n, r, q, c] == min(k for k, value in window.items() if value == max(window.values()))


@given(images, seeds)
def test_the_backward_of_each_is_the_other(shape, seed):
    """Put and take are adjoint: <put(v), u> = <v, take(u)>; and taking what was put gives it back."""
    rng = np.random.default_rng(seed)
    y, corners = max_pool(spaced(rng, shape))
    v, u = rng.standard_normal(y.shape), rng.standard_normal(shape)
    put = max_unpool(v, corners, shape)
    np.testing.assert_array_equal(put, max_pool_backward(v, corners, shape))
    assert abs((put * u).sum() - (v * max_unpool_backward(u, corners)).sum()) <= 1e-12 * np.abs(put * u).sum()
    np.testing.assert_array_equal(max_unpool_backward(put, corners), v)


@given(images, seeds)
def test_pooling_what_was_unpooled(shape, seed):
    """Positive values come back from their corners, and so do the corners."""
    rng = np.random.default_rng(seed)
    y, corners = max_pool(np.abs(spaced(rng, shape)))
    y_again, corners_again = max_pool(max_unpool(y, corners, shape))
    np.testing.assert_array_equal(y_again, y)
    np.testing.assert_array_equal(corners_again, corners)


def test_a_window_of_zeros_has_corner_0_and_unpools_into_it():
    """After a ReLU most windows are like this; a tie must always go to the same corner."""
    y, corners = max_pool(np.zeros((1, 3, 4, 1)))
    assert not corners.any() and not y.any()
    up = max_unpool(np.full_like(y, 5.0), corners, (1, 3, 4, 1))
    np.testing.assert_array_equal(up[0, :, :, 0], [[5, 0, 5, 0], [0, 0, 0, 0], [5, 0, 5, 0]])


def test_by_hand_with_an_odd_size():
    x = np.array([[1.0, 3, 2], [4, 0, 9], [7, 8, 6]])[None, :, :, None]
    y, corners = max_pool(x)
    np.testing.assert_array_equal(y[0, :, :, 0], [[4, 9], [8, 6]])
    np.testing.assert_array_equal(corners[0, :, :, 0], [[2, 2], [1, 0]])
    up = max_unpool(y, corners, x.shape)
    np.testing.assert_array_equal(up[0, :, :, 0], [[0, 0, 0], [4, 0, 9], [0, 8, 6]])


def test_camvid_sizes_come_back():
    """360 -> 180 -> 90 -> 45 -> 23 and back: 45 must come back as 45, not 46."""
    x, shapes = np.zeros((1, 360, 480, 1), np.float32), []
    while x.shape[1] > 23:
        shapes.append(x.shape)
        x, corners = max_pool(x)
    assert x.shape == (1, 23, 30, 1)
    assert [shape[1] for shape in shapes] == [360, 180, 90, 45]
    assert max_unpool(x, corners, shapes[-1]).shape == (1, 45, 60, 1)


@pytest.mark.parametrize("rows", [4, 100])
def test_bands_of_more_rows_change_nothing(monkeypatch, rows):
    x = np.random.default_rng(0).standard_normal((2, 9, 7, 3))
    of_two_rows = pooled_and_back(x)
    monkeypatch.setattr(threads, "BAND_BYTES", rows * x[0, 0].nbytes)
    for actual, expected in zip(pooled_and_back(x), of_two_rows, strict=True):
        np.testing.assert_array_equal(actual, expected)


def pooled_and_back(x):
    y, corners = max_pool(x)
    return y, corners, max_unpool(y, corners, x.shape), max_unpool_backward(x, corners)


def test_nan_and_infinity_are_not_hidden():
    x = np.array([[1.0, np.nan], [2, 3]])[None, :, :, None]
    assert np.isnan(max_pool(x)[0]).all()
    y, corners = max_pool(np.full((1, 2, 2, 1), -np.inf))
    assert y.item() == -np.inf and corners.item() == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_dtype_and_takes_views(dtype):
    x = np.random.default_rng(0).standard_normal((2, 10, 8, 6)).astype(dtype)[:, ::2, ::-1, ::2].swapaxes(1, 2)
    (y, corners), (y_copy, corners_copy) = max_pool(x), max_pool(x.copy())
    np.testing.assert_array_equal(y, y_copy)
    np.testing.assert_array_equal(corners, corners_copy)
    assert corners.dtype == np.uint8
    assert y.dtype == max_unpool(y, corners, x.shape).dtype == max_unpool_backward(x, corners).dtype == dtype


def test_wrong_input_is_named():
    y, corners = max_pool(np.ones((2, 5, 4, 3)))
    with pytest.raises(ValueError, match=r"x is \(2, 3, 2, 2\), and shape \(2, 5, 4, 3\) asks for \(2, 3, 2, 3\)"):
        max_unpool(y[..., :2], corners, (2, 5, 4, 3))
    with pytest.raises(ValueError, match=r"x is \(2, 3, 2, 3\), and shape \(2, 7, 4, 3\) asks for \(2, 4, 2, 3\)"):
        max_unpool(y, corners, (2, 7, 4, 3))
    with pytest.raises(ValueError, match="max_unpool: corners should be an array, got list"):
        max_unpool(y, corners.tolist(), (2, 5, 4, 3))
    with pytest.raises(ValueError, match=r"max_unpool: shape should be a tuple \(N, H, W, C\), got \(5, 4\)"):
        max_unpool(y, corners, (5, 4))
    with pytest.raises(ValueError, match=r"max_unpool: shape should be a tuple \(N, H, W, C\), got \(2, 5, 4, 3, 1\)"):
        max_unpool(y, corners, (2, 5, 4, 3, 1))
    for dtype in ("bool", "int64"):     # narrower than uint8, and wider
        with pytest.raises(ValueError, match=rf"max_pool_backward: corners should be uint8 .*, got {dtype} \(2, 3, 2"):
            max_pool_backward(y, corners.astype(dtype), (2, 5, 4, 3))
    with pytest.raises(ValueError, match=r"max_unpool_backward: corners should be uint8 \(2, 3, 2, 3\), got uint8"):
        max_unpool_backward(np.ones((2, 5, 4, 3)), corners[:1])
    with pytest.raises(ValueError, match=r"max_unpool_backward: corners should be uint8 \(2, 3, 2, 3\), got uint8"):
        max_unpool_backward(np.ones((2, 5, 4, 3)), np.concatenate([corners, corners]))
    with pytest.raises(ValueError, match=r"max_pool: x should be \(N, H, W, C\), got \(5, 4\)"):
        max_pool(np.ones((5, 4)))
