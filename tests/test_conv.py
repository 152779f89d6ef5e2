import numpy as np
import pytest
from generators import images, seeds
from hypothesis import given
from hypothesis import strategies as st

from tinysegnet import ops
from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.ops import col2im, conv, conv_1x1, fast, im2col
from tinysegnet.ops.fast import conv_fft, conv_gpu, winograd

pytestmark = pytest.mark.usefixtures("bands_of_two_rows")
every_way = pytest.mark.parametrize("way", [conv, conv_fft, winograd, conv_gpu, conv_1x1])
kernels = st.sampled_from([1, 3, 5, 7])
filters = st.integers(1, 4)


def draw(shape, K, F, seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape), rng.standard_normal((K, K, shape[3], F)), rng.standard_normal(F)


def six_loops(x, w, b):
    """The definition and nothing else: image, row, column, and the three sums."""
    N, H, W, C = x.shape
    K, _, _, F = w.shape
    y = np.empty((N, H, W, F))
    for n, r, q in np.ndindex(N, H, W):
        y[n, r, q] = b
        for i, j, c in np.ndindex(K, K, C):
            row, column = r + i - K // 2, q + j - K // 2
            if 0 <= row < H and 0 <= column < W:
                y[n, r, q] += x[n, row, column, c] * w[i, j, c]
    return y


def kernel_of(way, K):
    """The kernel size K, or the only one that it can do."""
    return {conv_1x1: 1, winograd: 3}.get(way, K)


@every_way
@given(images, kernels, filters, seeds)
def test_equals_six_loops(way, shape, K, F, seed):
    x, w, b = draw(shape, kernel_of(way, K), F, seed)
    rounding = 1e-10 if way in (conv_fft, winograd, conv_gpu) else 1e-12
    np.testing.assert_allclose(way.conv2d(x, w, b)[0], six_loops(x, w, b), rtol=rounding, atol=rounding)


@every_way
@given(images, st.sampled_from([1, 3, 5]), filters, seeds)
def test_gradients(way, shape, K, F, seed):
    check_backward(way.conv2d, way.conv2d_backward, *draw(shape, kernel_of(way, K), F, seed), seed=seed)


@every_way
@given(images, kernels, filters, seeds)
def test_backward_is_the_adjoint(way, shape, K, F, seed):
    """Without its bias a convolution is linear in x and in w: <A x, dy> = <x, A^T dy>."""
    x, w, _ = draw(shape, kernel_of(way, K), F, seed)
    y, cache = way.conv2d(x, w, np.zeros(F))
    dy = np.random.default_rng(seed + 1).standard_normal(y.shape)
    dx, dw, _ = way.conv2d_backward(dy, cache)
    scale = np.linalg.norm(y) * np.linalg.norm(dy)
    assert abs((y * dy).sum() - (x * dx).sum()) <= 1e-12 * scale
    assert abs((y * dy).sum() - (w * dw).sum()) <= 1e-12 * scale


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), kernels, seeds)
def test_col2im_is_the_adjoint_of_im2col(H, W, C, K, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((H + K - 1, W + K - 1, C))
    columns = rng.standard_normal((H, W, K * K * C))
    forth, back = (im2col(x, K) * columns).sum(), (x * col2im(columns, K)).sum()
    assert abs(forth - back) <= 1e-12 * np.linalg.norm(im2col(x, K)) * np.linalg.norm(columns)


def test_im2col_by_hand():
    x = np.arange(9.0).reshape(3, 3, 1)
    expected = [[[0, 1, 2, 3, 4, 5, 6, 7, 8]]]
    np.testing.assert_array_equal(im2col(x, 3), expected)
    np.testing.assert_array_equal(im2col(x, 1)[..., 0], x[..., 0])


@pytest.mark.parametrize("rows_per_band", [1, 2, 3])
def test_bands_change_nothing(monkeypatch, rows_per_band):
    x, w, b = draw((2, 7, 5, 3), 3, 4, seed=0)
    y, cache = conv.conv2d(x, w, b)
    dy = np.random.default_rng(1).standard_normal(y.shape)
    whole = y, *conv.conv2d_backward(dy, cache)
    monkeypatch.setattr(conv, "BAND_BYTES", rows_per_band * 5 * 3 * 3 * 3 * 8)
    assert len(list(conv.bands_with_halo(x, 3))) == 2 * -(-7 // rows_per_band)
    y, cache = conv.conv2d(x, w, b)
    for actual, expected in zip((y, *conv.conv2d_backward(dy, cache)), whole):
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


def test_columns_never_exceed_a_band(monkeypatch):
    """Forward and backward each gather all columns once, but never more than a band of them at a time."""
    sizes = []
    gather = conv.im2col
    monkeypatch.setattr(conv, "im2col", lambda x, K: sizes.append(gather(x, K).nbytes) or gather(x, K))
    monkeypatch.setattr(conv, "BAND_BYTES", 2**16)
    x, w, b = draw((1, 64, 32, 4), 3, 2, seed=0)
    y, cache = conv.conv2d(x, w, b)
    conv.conv2d_backward(y, cache)
    assert max(sizes) <= 2**16
    assert sum(sizes) == 2 * y[..., 0].size * 3 * 3 * 4 * 8


def test_the_real_network_needs_a_few_mb_of_columns_at_a_time():
    """At K = 7 all columns of one 360 x 480 map of 64 channels are 2.2 GB."""
    x = np.broadcast_to(np.float32(0), (4, 360, 480, 64))
    pieces = list(conv.bands_with_halo(x, 7))
    assert max(rows.stop - rows.start for _, rows, _ in pieces) * 480 * 49 * 64 * 4 <= 8 * 2**20
    assert sum(rows.stop - rows.start for _, rows, _ in pieces) == 4 * 360


@every_way
def test_float32_bias_gradient_of_a_whole_image_keeps_its_digits(way):
    """One long float32 sum over 345,600 pixels is off by more than 1e-5."""
    dy = np.random.default_rng(0).uniform(0, 1, (2, 360, 480, 3)).astype(np.float32)
    w = np.zeros((kernel_of(way, 1), kernel_of(way, 1), 3, 3), np.float32)
    _, _, db = way.conv2d_backward(dy, (dy, w), need_dx=False)
    np.testing.assert_allclose(db, dy.sum(axis=(0, 1, 2), dtype=np.float64), rtol=1e-6)


@every_way
@pytest.mark.parametrize("memory", [(0, 2, 1, 3), (0, 3, 1, 2), (3, 1, 0, 2)])
def test_arrays_in_any_order_of_memory(way, memory):
    """As PyTorch's (N, C, H, W) is, looked at as (N, H, W, C)."""
    x, w, b = draw((2, 12, 16, 4), kernel_of(way, 3), 4, seed=0)
    y, cache = way.conv2d(x, w, b)
    dy = np.random.default_rng(1).standard_normal(y.shape)

    def other(a):
        return np.ascontiguousarray(a.transpose(memory)).transpose(np.argsort(memory))

    y_other, cache_other = way.conv2d(other(x), other(w), b)
    np.testing.assert_allclose(y_other, y, atol=1e-12)
    for actual, expected in zip(way.conv2d_backward(other(dy), cache_other), way.conv2d_backward(dy, cache)):
        np.testing.assert_allclose(actual, expected, atol=1e-11)


@every_way
def test_dx_only_if_needed(way):
    x, w, b = draw((2, 4, 5, 3), kernel_of(way, 3), 2, seed=0)
    y, cache = way.conv2d(x, w, b)
    all_three = way.conv2d_backward(y, cache)
    assert all_three[0].flags.owndata and all_three[0].flags.c_contiguous      # and holds no larger array alive
    dx, dw, db = way.conv2d_backward(y, cache, need_dx=False)
    assert dx is None
    np.testing.assert_array_equal(dw, all_three[1])
    np.testing.assert_array_equal(db, all_three[2])


@every_way
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_non_contiguous_input(way, dtype):
    x, w, b = (a.astype(dtype) for a in draw((2, 8, 10, 6), kernel_of(way, 3), 4, seed=0))
    views = x[:, ::2, ::-2, ::2], w[..., ::2, :].swapaxes(0, 1), b[::-1]
    y, cache = way.conv2d(*views)
    y_copy, cache_copy = way.conv2d(*(a.copy() for a in views))
    rounding = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(y, y_copy, rtol=rounding, atol=rounding)
    assert way is not conv or (y == y_copy).all()
    dy = np.random.default_rng(1).standard_normal((2, 5, 4, 4)).astype(dtype).swapaxes(1, 2)
    for actual, expected in zip(way.conv2d_backward(dy, cache), way.conv2d_backward(dy.copy(), cache_copy)):
        np.testing.assert_allclose(actual, expected, rtol=rounding, atol=rounding)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda x, w, b: (x[0], w, b), r"x should be \(N, H, W, C\), got \(4, 5, 3\)"),
        (lambda x, w, b: (x[None], w, b), r"x should be \(N, H, W, C\), got \(1, 2, 4, 5, 3\)"),
        (lambda x, w, b: (x, w[:, :, :2], b), r"w should be \(K, K, C, F\) with C = 3, got \(3, 3, 2, 2\)"),
        (lambda x, w, b: (x, w[:2], b), r"w should be \(K, K, C, F\) with C = 3, got \(2, 3, 3, 2\)"),
        (lambda x, w, b: (x, w[:2, :2], b), "K should be odd, so that it has a centre, got 2"),
        (lambda x, w, b: (x, np.tile(w, (2, 2, 1, 1)), b), "K should be odd, so that it has a centre, got 6"),
        (lambda x, w, b: (x, w, b[:1]), r"b should be \(F,\) with F = 2, got \(1,\)"),
        (lambda x, w, b: (x[:0], w, b), r"x should be \(N, H, W, C\), got \(0, 4, 5, 3\)"),
        (lambda x, w, b: (x, w.astype("f"), b), "w should be float64 like x, got float32"),
        (lambda x, w, b: (x.astype(int), w, b), "x should be float32 or float64, got int64"),
        (lambda x, w, b: (x.tolist(), w, b), "x should be an array, got list"),
    ],
)
@pytest.mark.parametrize("way", [conv, conv_fft, conv_gpu, ops, fast])
def test_wrong_input_is_named(way, change, message):
    with pytest.raises(ValueError, match=message):
        way.conv2d(*change(*draw((2, 4, 5, 3), 3, 2, seed=0)))


def test_another_kernel_than_3x3_is_refused_by_winograd():
    for K in (1, 5):
        x, w, b = draw((2, 4, 5, 3), K, 2, seed=0)
        with pytest.raises(ValueError, match=f"conv2d: the kernel size K should be 3 for winograd, got {K}"):
            winograd.conv2d(x, w, b)
        with pytest.raises(ValueError, match=f"conv2d_backward: the kernel size K should be 3 for winograd, got {K}"):
            winograd.conv2d_backward(np.zeros((2, 4, 5, 2)), (x, w))


def test_another_kernel_than_1x1_is_refused():
    with pytest.raises(ValueError, match="the kernel size K should be 1 for conv_1x1, got 3"):
        conv_1x1.conv2d(*draw((2, 4, 5, 3), 3, 2, seed=0))


@every_way
def test_wrong_dy_is_named(way):
    y, cache = way.conv2d(*draw((2, 4, 5, 3), kernel_of(way, 3), 2, seed=0))
    with pytest.raises(ValueError, match=r"dy should be \(N, H, W, F\) with .*F = 2, got \(2, 4, 5, 1\)"):
        way.conv2d_backward(y[..., :1], cache)
    with pytest.raises(ValueError, match="dy should be float64 like x, got float32"):
        way.conv2d_backward(y.astype("f"), cache)
