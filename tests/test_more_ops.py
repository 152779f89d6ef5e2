"""The operations of ops/more/: transposed and depthwise convolution, resizing, repeating, joining, dropout."""

from types import SimpleNamespace

import numpy as np
import pytest
from cases import ARGS, FORWARD, NAMES, RIGHT
from generators import images, seeds
from hypothesis import assume, given
from hypothesis import strategies as st

from tinysegnet import ops
from tinysegnet.checker.gradcheck import as_tuple, check_backward
from tinysegnet.ops import conv, fast, more
from tinysegnet.ops.more import resize
from tinysegnet.ops.more.conv_transpose2d import bilinear
from tinysegnet.ops.more.dropout import draw_mask
from tinysegnet.support import threads

plain_and_fast = pytest.mark.parametrize("way", [more, fast])
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
any_kernel = st.integers(1, 9)
odd_kernels = st.sampled_from([1, 3, 5, 7])
filters = st.integers(1, 4)
sides = st.integers(1, 13)
cut_off = st.tuples(st.integers(0, 1), st.integers(0, 1))       # whether the last row and column of a doubled map are


def doubled(shape, cut, channels=None):
    """The shape of a map that was halved to `shape`: a row or a column less where it is cut off."""
    N, H, W, C = shape
    return N, 2 * H - cut[0], 2 * W - cut[1], channels or C


def draw(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]


def draw_transposed(shape, K, F, seed):
    return draw(seed, shape, (K, K, shape[3], F), F)


def draw_depthwise(shape, K, seed):
    return draw(seed, shape, (K, K, shape[3]), shape[3])


def assert_adjoint(y, dy, x, dx):
    """<A x, dy> = <x, A^T dy>, but for rounding."""
    assert abs((y * dy).sum() - (x * dx).sum()) <= 1e-12 * np.linalg.norm(y) * np.linalg.norm(dy)


# ---- conv_transpose2d


def scattered(x, w, b, shape):
    """The definition and nothing else: each pixel puts a kernel around twice its place."""
    (N, H, W, _), K, y = x.shape, len(w), np.zeros(shape) + b
    for n, r, q, i, j in np.ndindex(N, H, W, K, K):
        row, column = 2 * r + i - (K - 1) // 2, 2 * q + j - (K - 1) // 2
        if 0 <= row < shape[1] and 0 <= column < shape[2]:
            y[n, row, column] += x[n, r, q] @ w[i, j]
    return y


@plain_and_fast
@given(images, any_kernel, filters, cut_off, seeds)
def test_transposed_equals_its_definition(way, shape, K, F, cut, seed):
    args = *draw_transposed(shape, K, F, seed), doubled(shape, cut, F)
    np.testing.assert_allclose(way.conv_transpose2d(*args)[0], scattered(*args), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("K", range(1, 10))
@pytest.mark.parametrize("cut", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_transposed_of_every_kernel_and_shape(K, cut):
    for shape in ((2, 3, 4, 2), (1, 1, 1, 3), (1, 1, 5, 1)):
        args = *draw_transposed(shape, K, 3, 0), doubled(shape, cut, 3)
        y, cache = more.conv_transpose2d(*args)
        np.testing.assert_allclose(y, scattered(*args), rtol=1e-12, atol=1e-12)
        gradients = more.conv_transpose2d_backward(draw(1, y.shape)[0], cache)
        assert [gradient.shape for gradient in gradients] == [a.shape for a in args[:3]]


@given(images, st.integers(1, 5), st.integers(1, 2), cut_off, seeds)
def test_transposed_gradients(shape, K, F, cut, seed):
    args = *draw_transposed(shape, K, F, seed), doubled(shape, cut, F)
    check_backward(more.conv_transpose2d, more.conv_transpose2d_backward, *args, seed=seed)


@plain_and_fast
@given(images, any_kernel, filters, cut_off, seeds)
def test_transposed_backward_is_the_adjoint(way, shape, K, F, cut, seed):
    """Without its bias it is linear in x and in w."""
    x, w, _ = draw_transposed(shape, K, F, seed)
    y, cache = way.conv_transpose2d(x, w, np.zeros(F), doubled(shape, cut, F))
    [dy] = draw(seed + 1, y.shape)
    dx, dw, _ = way.conv_transpose2d_backward(dy, cache)
    assert_adjoint(y, dy, x, dx)
    assert_adjoint(y, dy, w, dw)


def test_transposed_by_hand():
    """Two pixels, 1 and 10, and a kernel of 3: its middle is on them, and they meet in between."""
    x, w = np.array([[1.0, 10]])[None, :, :, None], np.zeros((3, 3, 1, 1))
    w[1, :, 0, 0] = 2, 3, 4
    y, _ = more.conv_transpose2d(x, w, np.array([0.5]), (1, 1, 4, 1))
    np.testing.assert_array_equal(y[0, 0, :, 0], [3.5, 4 + 20 + 0.5, 30.5, 40.5])


@pytest.mark.parametrize("K", [1, 3, 5, 7])
def test_it_is_what_the_ordinary_convolution_of_every_second_pixel_does_to_gradients(K):
    """conv2d and then [::2, ::2]: its dx, of an odd K and with the channels of w exchanged."""
    shape, whole = (2, 3, 5, 4), (2, 5, 10, 3)
    dy, w = draw(0, shape, (K, K, 3, 4))
    spread = np.zeros((*whole[:3], 4))
    spread[:, ::2, ::2] = dy
    dx, _, _ = ops.conv2d_backward(spread, (np.zeros(whole), w))
    y, _ = more.conv_transpose2d(dy, w.swapaxes(2, 3).copy(), np.zeros(3), whole)
    np.testing.assert_allclose(y, dx, atol=1e-12)


@given(images, st.sampled_from([4, 6, 8]), seeds)
def test_a_bilinear_kernel_resizes_inside_the_map(shape, K, seed):
    """At the border it sees zeros, and resize_bilinear the pixel of the edge."""
    assume(min(shape[1:3]) > 2)
    C, to = shape[3], doubled(shape, (0, 0))
    [x] = draw(seed, shape)
    w = bilinear(None, (K, K, C, C))
    y, expected = more.conv_transpose2d(x, w, np.zeros(C), to)[0], more.resize_bilinear(x, to)[0]
    np.testing.assert_allclose(y[:, 1:-1, 1:-1], expected[:, 1:-1, 1:-1], rtol=1e-12, atol=1e-12)
    assert not np.allclose(y, expected)


# ---- depthwise_conv2d


def one_channel_after_the_other(x, w, b):
    """The definition and nothing else."""
    (N, H, W, _), K, y = x.shape, len(w), np.zeros(x.shape) + b
    for n, r, q, i, j in np.ndindex(N, H, W, K, K):
        row, column = r + i - K // 2, q + j - K // 2
        if 0 <= row < H and 0 <= column < W:
            y[n, r, q] += x[n, row, column] * w[i, j]
    return y


@plain_and_fast
@given(images, odd_kernels, seeds)
def test_depthwise_equals_its_definition(way, shape, K, seed):
    args = draw_depthwise(shape, K, seed)
    np.testing.assert_allclose(
        way.depthwise_conv2d(*args)[0], one_channel_after_the_other(*args), rtol=1e-12, atol=1e-12
    )


@given(images, st.sampled_from([1, 3]), seeds)
def test_depthwise_gradients(shape, K, seed):
    args = draw_depthwise(shape, K, seed)
    check_backward(more.depthwise_conv2d, more.depthwise_conv2d_backward, *args, seed=seed)


@plain_and_fast
@given(images, odd_kernels, seeds)
def test_depthwise_backward_is_the_adjoint(way, shape, K, seed):
    x, w, b = draw_depthwise(shape, K, seed)
    y, cache = way.depthwise_conv2d(x, w, 0 * b)
    [dy] = draw(seed + 1, y.shape)
    dx, dw, _ = way.depthwise_conv2d_backward(dy, cache)
    assert_adjoint(y, dy, x, dx)
    assert_adjoint(y, dy, w, dw)


def test_depthwise_by_hand():
    x = np.array([[1.0, 2, 3], [4, 5, 6]])[None, :, :, None]
    x = np.concatenate([x, 10 * x], axis=3)
    w = np.zeros((3, 3, 2))
    w[1, 0], w[2, 1] = (1, 0), (0, 2)           # the pixel to the left in channel 0, twice that below in channel 1
    y, _ = more.depthwise_conv2d(x, w, np.array([0.5, 0]))
    np.testing.assert_array_equal(y[0, :, :, 0], [[0.5, 1.5, 2.5], [0.5, 4.5, 5.5]])
    np.testing.assert_array_equal(y[0, :, :, 1], [[80, 100, 120], [0, 0, 0]])


@pytest.mark.parametrize("rows_per_band", [2, 4])
def test_bands_change_nothing(monkeypatch, rows_per_band):
    x, w, b = draw_depthwise((2, 7, 5, 3), 5, 0)
    whole = one_channel_after_the_other(x, w, b), *more.depthwise_conv2d_backward(x, (x, w))
    monkeypatch.setattr(threads, "BAND_BYTES", rows_per_band * 5 * 3 * 8)
    assert len(threads.row_bands(x)) == 2 * -(-7 // rows_per_band)
    y, cache = more.depthwise_conv2d(x, w, b)
    for actual, expected in zip((y, *more.depthwise_conv2d_backward(x, cache)), whole, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


@plain_and_fast
@pytest.mark.parametrize("op, x, w", [
    ("conv_transpose2d", (1, 180, 240, 3), (4, 4, 3, 3)), ("depthwise_conv2d", (1, 360, 480, 3), (3, 3, 3)),
])
def test_float32_bias_gradient_of_a_whole_image_keeps_its_digits(way, op, x, w):
    dy = np.random.default_rng(0).uniform(0, 1, (1, 360, 480, 3)).astype(np.float32)
    _, _, db = getattr(way, f"{op}_backward")(dy, (np.zeros(x, np.float32), np.zeros(w, np.float32)))
    np.testing.assert_allclose(db, dy.sum(axis=(0, 1, 2), dtype=np.float64), rtol=1e-6)


# ---- the fast ways


@both_dtypes
@pytest.mark.parametrize("shape, K, F, by_columns", [
    ((1, 18, 17, 32), 6, 3, False), ((2, 12, 13, 32), 6, 3, True), ((1, 23, 22, 3), 9, 4, False),
    ((1, 17, 18, 31), 5, 2, True), ((1, 5, 7, 3), 1, 2, False), ((2, 40, 30, 3), 4, 3, True),
])
def test_the_fast_transposed_is_the_plain_one(monkeypatch, shape, K, F, by_columns, dtype):
    taken = []
    fastest = fast.fastest_conv
    monkeypatch.setattr(fast, "fastest_conv", lambda x, w: taken.append(fastest(x, w)) or taken[-1])
    args = *(a.astype(dtype) for a in draw_transposed(shape, K, F, 0)), doubled(shape, (1, 0), F)
    assert_alike(fast, "conv_transpose2d", args, dtype)
    assert [way is conv for way in taken] == [by_columns] * 2


@both_dtypes
@pytest.mark.parametrize("shape, K, goes_by_full_kernel", [
    ((1, 23, 22, 4), 5, True), ((2, 25, 21, 3), 7, True), ((1, 22, 22, 4), 5, False), ((1, 30, 30, 33), 3, False),
])
def test_the_fast_depthwise_is_the_plain_one(monkeypatch, shape, K, goes_by_full_kernel, dtype):
    args = [a.astype(dtype) for a in draw_depthwise(shape, K, 0)]
    assert fast.goes_by_full_kernel(*args[:2]) == goes_by_full_kernel
    assert_alike(fast, "depthwise_conv2d", args, dtype)


def assert_alike(way, op, args, dtype):
    """The y, the cache and the gradients of the plain op."""
    (y, cache), (expected, its_cache) = (getattr(module, op)(*args) for module in (way, more))
    dy = draw(1, y.shape)[0].astype(dtype)
    gradients, others = (getattr(module, f"{op}_backward")(dy, cache) for module in (way, more))
    assert all(a is b for a, b in zip(cache, its_cache, strict=True))
    for actual, right in zip((y, *gradients), (expected, *others), strict=True):
        assert actual.dtype == dtype and actual.shape == right.shape
        rounding = 2e-5 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(actual, right, atol=rounding * np.abs(right).max())


# ---- resizing and repeating


def four_neighbours(x, shape):
    """The definition by plain loops: each centre between four pixels, and that of the edge where there is none."""
    (_, H, W, _), y = x.shape, np.zeros(shape)
    for n, r, q, c in np.ndindex(shape):
        row, column = (r + 0.5) * H / shape[1] - 0.5, (q + 0.5) * W / shape[2] - 0.5
        for i in (int(np.floor(row)), int(np.floor(row)) + 1):
            for j in (int(np.floor(column)), int(np.floor(column)) + 1):
                near = (1 - abs(row - i)) * (1 - abs(column - j))
                y[n, r, q, c] += near * x[n, min(max(i, 0), H - 1), min(max(j, 0), W - 1), c]
    return y


@given(images, sides, sides, seeds)
def test_resize_equals_its_definition(shape, height, width, seed):
    [x], to = draw(seed, shape), (shape[0], height, width, shape[3])
    np.testing.assert_allclose(more.resize_bilinear(x, to)[0], four_neighbours(x, to), rtol=1e-12, atol=1e-12)


def linear(op):
    """An op of (x, shape): its forward, and its backward, by their names."""
    return getattr(more, op), getattr(more, f"{op}_backward")


@given(images, sides, sides, seeds)
def test_resize_backward_is_its_gradient_and_the_adjoint(shape, height, width, seed):
    [x], to = draw(seed, shape), (shape[0], height, width, shape[3])
    check_backward(*linear("resize_bilinear"), x, to, names=("x",), seed=seed)
    y, cache = more.resize_bilinear(x, to)
    [dy] = draw(seed + 1, to)
    assert_adjoint(y, dy, x, more.resize_bilinear_backward(dy, cache))


def test_resize_by_hand():
    x = np.array([[1.0, 5]])[None, :, :, None]
    np.testing.assert_array_equal(more.resize_bilinear(x, (1, 1, 4, 1))[0][0, 0, :, 0], [1, 2, 4, 5])
    np.testing.assert_array_equal(more.resize_bilinear(x, (1, 2, 1, 1))[0][0, :, 0, 0], [3, 3])


@given(images, cut_off, seeds)
def test_repeating_equals_its_definition_and_its_backward_is_the_adjoint(shape, cut, seed):
    [x], to = draw(seed, shape), doubled(shape, cut)
    y, cache = more.upsample_nearest(x, to)
    assert y.shape == to
    for n, r, q, c in np.ndindex(to):
        assert y[n, r, q, c] == x[n, r // 2, q // 2, c]
    check_backward(*linear("upsample_nearest"), x, to, names=("x",), seed=seed)
    [dy] = draw(seed + 1, to)
    assert_adjoint(y, dy, x, more.upsample_nearest_backward(dy, cache))


# ---- two maps become one


@given(images, st.integers(1, 4), seeds)
def test_concatenating_and_adding(shape, B, seed):
    a, b, c = draw(seed, shape, (*shape[:3], B), shape)
    y, A = more.concatenate(a, b)
    assert A == shape[3] and y.shape == (*shape[:3], A + B)
    for n, r, q in np.ndindex(shape[:3]):
        assert [*y[n, r, q]] == [*a[n, r, q], *b[n, r, q]]
        assert [*more.add(a, c)[n, r, q]] == [one + other for one, other in zip(a[n, r, q], c[n, r, q])]
    da, db = more.concatenate_backward(y, A)
    np.testing.assert_array_equal(da, a)
    np.testing.assert_array_equal(db, b)
    assert not np.shares_memory(da, y) and not np.shares_memory(db, y)


# ---- dropout


def draw_dropout(shape, seed, rate=0.3):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape), draw_mask(rng, shape, rate, np.float64)


@given(images, seeds)
def test_dropout_gradients_and_adjoint(shape, seed):
    x, mask = draw_dropout(shape, seed)
    check_backward(more.dropout, more.dropout_backward, x, mask, names=("x",), seed=seed)
    y, cache = more.dropout(x, mask)
    [dy] = draw(seed + 1, shape)
    assert_adjoint(y, dy, x, more.dropout_backward(dy, cache))


def test_dropout_by_hand():
    x, mask = np.array([[1.0, -2, 3, 4]], "f"), np.array([[0.0, 2, 2, 0]], "f")
    y, cache = more.dropout(x, mask)
    assert y.dtype == np.float32 and y.tolist() == [[0, -4, 6, 0]]
    assert more.dropout_backward(np.array([[10.0, 20, 30, 40]], "f"), cache).tolist() == [[0, 40, 60, 0]]


@both_dtypes
@pytest.mark.parametrize("rate", [0.0, 0.25, 0.5, 0.9])
def test_a_mask_leaves_out_so_many_and_keeps_the_mean(rate, dtype):
    mask = draw_mask(np.random.default_rng(0), (50, 40, 50), rate, dtype)
    assert mask.dtype == dtype and np.unique(mask).tolist() == sorted({0 if rate else 1, dtype(1) / dtype(1 - rate)})
    assert (mask == 0).mean() == pytest.approx(rate, abs=0.005)
    assert mask.mean() == pytest.approx(1, abs=0.02)


def test_at_a_rate_of_0_nothing_is_left_out_even_where_0_is_drawn():
    """One of 16 million numbers is 0."""
    rng = SimpleNamespace(random=np.zeros)
    assert (draw_mask(rng, (2, 3), 0.0, np.float64) == 1).all()


def test_masks_depend_on_the_generator_alone():
    one, again, other = (draw_mask(np.random.default_rng(seed), (7, 9), 0.5, np.float64) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    of_float32 = draw_mask(np.random.default_rng(1), (7, 9), 0.5, np.float32)
    np.testing.assert_array_equal(of_float32, one)


# ---- all of them


EVERY = [f"{name.removesuffix('_backward')}_backward" for name in more.__all__ if not name.endswith("_backward")]


@pytest.mark.parametrize("op", EVERY)
def test_each_is_checked_as_the_others_are(op):
    check_backward(FORWARD[op], RIGHT[op], *ARGS[op], names=NAMES[op])


@both_dtypes
@pytest.mark.parametrize("op", EVERY)
def test_each_keeps_the_dtype_and_takes_views_and_results_own_their_memory(op, dtype):
    """As PyTorch's (N, C, H, W), looked at as (N, H, W, C); and every second entry, from the end."""
    def other(a):
        spread = np.zeros([2 * size for size in a.shape[::-1]], a.dtype)
        view = spread[(slice(None, None, -2),) * a.ndim].T
        view[...] = a
        return view

    args = [a.astype(dtype) if isinstance(a, np.ndarray) else a for a in ARGS[op]]
    views = [other(a) if isinstance(a, np.ndarray) else a for a in args]
    (y, cache), (y_other, cache_other) = FORWARD[op](*args), FORWARD[op](*views)
    dy = draw(0, y.shape)[0].astype(dtype)
    gradients, others = as_tuple(RIGHT[op](dy, cache)), as_tuple(RIGHT[op](other(dy), cache_other))
    for actual, expected in zip((y_other, *others), (y, *gradients), strict=True):
        assert actual.dtype == expected.dtype == dtype
        rounding = 1e-5 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(actual, expected, rtol=rounding, atol=rounding)
    for result in (y, *gradients):
        assert result is dy or result.base is None or result.base.size == result.size


X, W4, W3, B = draw(0, (2, 4, 5, 3), (4, 4, 3, 2), (3, 3, 3), 2)
DOUBLED = 2, 8, 9, 2
NOT_4D, LIST = r"should be \(N, H, W, C\), got \(4, 5, 3\)", "should be an array, got list"
SINGLE, NOT_DOUBLED = "should be float64 like", r"shape should be \(2, 8, 10, 2\), or H or W one less, got"
EVEN = "the kernel size K should be odd, so that it has a centre, got"


@plain_and_fast
@pytest.mark.parametrize("op, args, message", [
    ("conv_transpose2d", (X[0], W4, B, DOUBLED), f"x {NOT_4D}"),
    ("conv_transpose2d", (X, W4[:3], B, DOUBLED), r"w should be \(K, K, C, F\) with C = 3, got \(3, 4, 3, 2\)"),
    ("conv_transpose2d", (X, W4[:, :, :2], B, DOUBLED), r"w should be \(K, K, C, F\) with C = 3, got \(4, 4, 2, 2\)"),
    ("conv_transpose2d", (X, W4, B[:1], DOUBLED), r"b should be \(F,\) with .*F = 2, got \(1,\)"),
    ("conv_transpose2d", (X, W4, B, (2, 8, 11, 2)), rf"{NOT_DOUBLED} \(2, 8, 11, 2\)"),
    ("conv_transpose2d", (X, W4, B, (2, 8, 9, 3)), rf"{NOT_DOUBLED} \(2, 8, 9, 3\)"),
    ("conv_transpose2d", (X, W4, B, (8, 9)), rf"{NOT_DOUBLED} \(8, 9\)"),
    ("conv_transpose2d", (X, W4.astype("f"), B, DOUBLED), f"w {SINGLE} x, got float32"),
    ("conv_transpose2d", (X, W4, B.astype("f"), DOUBLED), f"b {SINGLE} x, got float32"),
    ("conv_transpose2d", (X.astype(int), W4, B, DOUBLED), "x should be float32 or float64, got int64"),
    ("conv_transpose2d", (X.tolist(), W4, B, DOUBLED), f"x {LIST}"),
    ("conv_transpose2d", (X, W4.tolist(), B, DOUBLED), f"w {LIST}"),
    ("conv_transpose2d", (X[:0], W4, B, DOUBLED), r"x should be \(N, H, W, C\), got \(0, 4, 5, 3\)"),
    ("conv_transpose2d_backward", (np.ones((2, 8, 9, 1)), (X, W4)), r"dy should be \(N, h, w, F\) with .*F = 2, got"),
    ("conv_transpose2d_backward", (np.ones((2, 8, 7, 2)), (X, W4)), rf"{NOT_DOUBLED} \(2, 8, 7, 2\)"),
    ("conv_transpose2d_backward", (np.ones((2, 8, 9, 2), "f"), (X, W4)), f"dy {SINGLE} x, got float32"),
    ("depthwise_conv2d", (X[0], W3, W3[0, 0]), f"x {NOT_4D}"),
    ("depthwise_conv2d", (X, W3[:2, :2], W3[0, 0]), f"{EVEN} 2"),
    ("depthwise_conv2d", (X, W3[:2], W3[0, 0]), r"w should be \(K, K, C\) with C = 3, got \(2, 3, 3\)"),
    ("depthwise_conv2d", (X, W3[..., :2], W3[0, 0]), r"w should be \(K, K, C\) with C = 3, got \(3, 3, 2\)"),
    ("depthwise_conv2d", (X, W4, W3[0, 0]), r"w should be \(K, K, C\) with C = 3, got \(4, 4, 3, 2\)"),
    ("depthwise_conv2d", (X, W3, W3[0, 0, :2]), r"b should be \(C,\) with .*C = 3, got \(2,\)"),
    ("depthwise_conv2d", (X, W3.astype("f"), W3[0, 0]), f"w {SINGLE} x, got float32"),
    ("depthwise_conv2d", (X.tolist(), W3, W3[0, 0]), f"x {LIST}"),
    ("depthwise_conv2d", (X, W3.tolist(), W3[0, 0]), f"w {LIST}"),
    ("depthwise_conv2d", (X, np.ones((6, 6, 3)), W3[0, 0]), f"{EVEN} 6"),
    ("depthwise_conv2d", (X[0], np.ones((5, 5, 3)), W3[0, 0]), f"x {NOT_4D}"),
    ("depthwise_conv2d_backward", (X[:, :3], (X, W3)), r"dy should be \(2, 4, 5, 3\), got \(2, 3, 5, 3\)"),
    ("depthwise_conv2d_backward", (X.astype("f"), (X, W3)), f"dy {SINGLE} x, got float32"),
    ("resize_bilinear", (X[0], (2, 8, 9, 3)), f"x {NOT_4D}"),
    ("resize_bilinear", (X, (8, 9)), r"shape should be \(2, H, W, 3\), got \(8, 9\)"),
    ("resize_bilinear", (X, (2, 8, 9, 3, 3)), r"shape should be \(2, H, W, 3\), got \(2, 8, 9, 3, 3\)"),
    ("resize_bilinear", (X, (2, 8, 9, 2)), r"shape should be \(2, H, W, 3\), got \(2, 8, 9, 2\)"),
    ("resize_bilinear", (X, (3, 8, 9, 3)), r"shape should be \(2, H, W, 3\), got \(3, 8, 9, 3\)"),
    ("resize_bilinear", (X, (2, 0, 9, 3)), r"shape should be \(2, H, W, 3\), got \(2, 0, 9, 3\)"),
    ("resize_bilinear", (X.astype(int), (2, 8, 9, 3)), "x should be float32 or float64, got int64"),
    ("resize_bilinear_backward", (X[0], X.shape), f"dy {NOT_4D}"),
    ("resize_bilinear_backward", (np.ones((3, 8, 9, 2)), X.shape), r"dy should be \(2, 8, 9, 3\), got \(3, 8, 9, 2\)"),
    ("upsample_nearest", (X[0], (2, 8, 9, 3)), f"x {NOT_4D}"),
    ("upsample_nearest", (X, (2, 9, 9, 3)), r"shape should be \(2, 8, 10, 3\), or H or W one less, got \(2, 9, 9, 3\)"),
    ("upsample_nearest", (X.tolist(), (2, 8, 9, 3)), f"x {LIST}"),
    ("upsample_nearest_backward", (X[0], (2, 2, 3, 3)), f"dy {NOT_4D}"),
    ("upsample_nearest_backward", (np.ones((2, 8, 10, 1)), X.shape), r"shape should be \(2, 8, 10, 3\), or H or W"),
    ("upsample_nearest_backward", (np.ones((2, 4, 6, 3)), X.shape), r"shape should be \(2, 8, 10, 3\), or H or W"),
    ("add", (X, X[..., :2]), r"b should be \(N, H, W, C\) with .*C = 3, got \(2, 4, 5, 2\)"),
    ("add", (X, X.astype("f")), f"b {SINGLE} a, got float32"),
    ("concatenate", (X, X[:, :3]), r"b should be \(N, H, W, B\) with .*H = 4.*, got \(2, 3, 5, 3\)"),
    ("concatenate", (X, X.astype("f")), f"b {SINGLE} a, got float32"),
    ("dropout", (X, X[..., :2]), r"mask should be \(2, 4, 5, 3\), got \(2, 4, 5, 2\)"),
    ("dropout", (X, X > 0), "mask should be float64 like x, got bool"),
    ("dropout", (X.tolist(), X), f"x {LIST}"),
    ("dropout_backward", (X[:1], X), r"dy should be \(2, 4, 5, 3\), got \(1, 4, 5, 3\)"),
    ("concatenate_backward", (X[0], 2), r"dy should be \(N, H, W, F\), got \(4, 5, 3\)"),
])
def test_wrong_input_is_named(way, op, args, message):
    with pytest.raises(ValueError, match=rf"^{op}: {message}"):
        getattr(way, op)(*args)


def test_what_does_not_fit_is_said_by_the_operation_that_was_called():
    """Also where the fast depthwise convolution goes by an ordinary one."""
    x, three = np.ones((1, 30, 30, 3)), np.ones(3)
    for w, b, what in (
        (np.ones((5, 5, 2)), three, "w should be"), (np.ones((5, 4, 3)), three, "w should be"),
        (np.ones((5, 5, 3), "float32"), three, "w should be float64"), (np.ones((6, 6, 3)), three, "odd"),
        (np.ones((5, 5, 4)), np.ones(4), "w should be"), (np.ones((8, 8, 3)), three, "odd"),
        (np.ones((5, 5, 3)), three[:2], "b should be"), (np.ones((5, 5, 3)), np.ones(4), "b should be"),
    ):
        with pytest.raises(ValueError, match=f"^depthwise_conv2d: .*{what}"):
            fast.depthwise_conv2d(x, w, b)
    with pytest.raises(ValueError, match=r"^depthwise_conv2d: w should be float32 like x"):
        fast.depthwise_conv2d(x.astype("float32"), np.ones((5, 5, 3)), three)
    for dy in (x[:, 1:], np.ones((1, 31, 30, 3))):
        with pytest.raises(ValueError, match=r"^depthwise_conv2d_backward: dy should be"):
            fast.depthwise_conv2d_backward(dy, (x, np.ones((5, 5, 3))))
    for F in (2, 3):
        message = rf"^concatenate_backward: dy should have more than the 3 channels of a, got {F}"
        with pytest.raises(ValueError, match=message):
            more.concatenate_backward(np.ones((1, 30, 30, F)), 3)
    for shape in (None, 5):
        with pytest.raises(ValueError, match=r"^upsample_nearest: shape should be"):
            more.upsample_nearest(x, shape)
    for K in (2, 5):
        with pytest.raises(ValueError, match=f"^bilinear: the kernel size K should be even and at least 4, got {K}"):
            bilinear(None, (K, K, 3, 3))


def test_resizing_goes_band_by_band_and_leaves_none_out(monkeypatch):
    x, shape = np.random.default_rng(0).standard_normal((2, 5, 4, 3)), (2, 17, 9, 3)
    y, cache = more.resize_bilinear(x, shape)
    dx = more.resize_bilinear_backward(y, cache)
    monkeypatch.setattr(resize, "FORWARD_ROWS", 3)
    monkeypatch.setattr(resize, "BACKWARD_ROWS", 3)
    np.testing.assert_allclose(more.resize_bilinear(x, shape)[0], y, rtol=1e-12)
    np.testing.assert_allclose(more.resize_bilinear_backward(y, cache), dx, rtol=1e-12)
    for of_the_same_size in more.resize_bilinear(x, x.shape)[0], more.resize_bilinear_backward(x, x.shape):
        np.testing.assert_array_equal(of_the_same_size, x)


@pytest.mark.parametrize("conv_name", fast.CONVOLUTIONS)
def test_the_convolution_that_is_chosen_is_theirs_too(monkeypatch, conv_name):
    """Where im2col is asked for, no tile is cut, neither for a transposed nor for a depthwise convolution."""
    rng = np.random.default_rng(0)
    x, b, functions = rng.standard_normal((1, 40, 30, 3)), np.zeros(3), fast.ops_with(conv_name)
    expected = [more.conv_transpose2d(x, rng.standard_normal((8, 8, 3, 3)), b, (1, 80, 60, 3))]
    expected.append(more.depthwise_conv2d(x, rng.standard_normal((7, 7, 3)), b))
    if conv_name == "im2col":
        monkeypatch.setattr(fast.conv_fft, "conv2d", None)
        monkeypatch.setattr(fast.conv_fft, "conv2d_backward", None)
    for name, (y, cache) in zip(("conv_transpose2d", "depthwise_conv2d"), expected):
        shape = [y.shape] if name == "conv_transpose2d" else []
        np.testing.assert_allclose(getattr(functions, name)(x, cache[1], b, *shape)[0], y, atol=1e-9)
        wanted = getattr(more, f"{name}_backward")(y, cache)
        for actual, gradient in zip(getattr(functions, f"{name}_backward")(y, cache), wanted):
            np.testing.assert_allclose(actual, gradient, atol=1e-9 * max(1, np.abs(gradient).max()))
