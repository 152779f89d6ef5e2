import numpy as np
import pytest
from generators import images, seeds, spaced
from hypothesis import given

from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.ops import batch_norm, batch_norm_backward, batch_norm_inference, conv2d, fold_batch_norm
from tinysegnet.ops.batchnorm import EPS

pytestmark = pytest.mark.usefixtures("bands_of_two_rows")
NAMES = ("x", "gamma", "beta")


def draw(shape, seed):
    """x is spread so that no channel is nearly constant: there 1 / std bends too sharply for a finite difference."""
    rng = np.random.default_rng(seed)
    x = spaced(rng, shape, gap=4 / np.prod(shape)) + rng.standard_normal(shape[3])
    return x, rng.uniform(0.5, 2, shape[3]), rng.standard_normal(shape[3])


@given(images, seeds)
def test_gradients(shape, seed):
    check_backward(batch_norm, batch_norm_backward, *draw(shape, seed), names=NAMES, seed=seed)


@given(images, seeds)
def test_mean_beta_and_deviation_gamma(shape, seed):
    x, gamma, beta = draw(shape, seed)
    y, (mean, var), _ = batch_norm(x, gamma, beta)
    np.testing.assert_allclose(mean, x.mean(axis=(0, 1, 2)), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(var, x.var(axis=(0, 1, 2)), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), beta, atol=1e-10)
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), gamma * np.sqrt(var / (var + EPS)), rtol=1e-9, atol=1e-12)


def test_by_hand():
    """Of -1 and 1 the mean is 0 and the variance 1, to which 1e-5 is added."""
    x, gamma, beta = np.array([-1.0, 1.0]).reshape(1, 1, 2, 1), np.array([2.0]), np.array([3.0])
    y, (mean, var), _ = batch_norm(x, gamma, beta)
    assert (mean.item(), var.item()) == (0, 1)
    np.testing.assert_allclose(y.ravel(), [3 - 2 / 1.00001**0.5, 3 + 2 / 1.00001**0.5], rtol=1e-12)


@given(images, seeds)
def test_dx_has_no_part_that_shifts_or_stretches(shape, seed):
    """y does not change when a channel of x is shifted, so dx sums to 0; the same for stretching, but for EPS."""
    x, gamma, beta = draw(shape, seed)
    y, (_, var), cache = batch_norm(x, gamma, beta)
    dy = np.random.default_rng(seed).standard_normal(y.shape)
    dx, dgamma, _ = batch_norm_backward(dy, cache)
    scale = np.abs(dx).sum() + 1e-9
    assert np.abs(dx.sum(axis=(0, 1, 2))).max() <= 1e-10 * scale
    x_hat, _, inv_std = cache
    stretched = gamma * inv_std * dgamma * EPS / (var + EPS)
    np.testing.assert_allclose((dx * x_hat).sum(axis=(0, 1, 2)), stretched, atol=1e-10 * scale)


@given(images, seeds)
def test_inference_with_the_batch_statistics_is_training(shape, seed):
    x, gamma, beta = draw(shape, seed)
    y, (mean, var), _ = batch_norm(x, gamma, beta)
    np.testing.assert_allclose(batch_norm_inference(x, gamma, beta, mean, var), y, rtol=1e-9, atol=1e-9)


@given(images, seeds)
def test_folded_into_a_convolution(shape, seed):
    x, *_ = draw(shape, seed)
    rng = np.random.default_rng(seed)
    w, (b, gamma, beta, mean) = rng.standard_normal((3, 3, shape[3], 2)), rng.standard_normal((4, 2))
    var = rng.uniform(0.1, 2, 2)
    expected = batch_norm_inference(conv2d(x, w, b)[0], gamma, beta, mean, var)
    y, _ = conv2d(x, *fold_batch_norm(w, b, gamma, beta, mean, var))
    np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9)


def test_constant_channel_gives_beta():
    x = np.full((2, 3, 4, 1), 7.0)
    y, _, cache = batch_norm(x, np.array([2.0]), np.array([0.5]))
    np.testing.assert_array_equal(y, np.full_like(x, 0.5))
    assert np.isfinite(batch_norm_backward(np.ones_like(x), cache)[0]).all()


def test_float32_statistics_of_a_whole_image_keep_their_digits():
    """With one long float32 sum over these 345,600 pixels the variance is off by 1e-4, and the mean by 7e-6."""
    x = np.random.default_rng(0).normal(100, 1, (2, 360, 480, 3)).astype(np.float32)
    _, (mean, var), _ = batch_norm(x, np.ones(3, "f"), np.zeros(3, "f"))
    assert mean.dtype == var.dtype == np.float32
    np.testing.assert_allclose(mean, x.mean(axis=(0, 1, 2), dtype=np.float64), rtol=2e-6)
    np.testing.assert_allclose(var, x.var(axis=(0, 1, 2), dtype=np.float64), rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_non_contiguous_input(dtype):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 8, 6, 4)).astype(dtype)[:, ::-2, :, ::2].swapaxes(1, 2)
    gamma, beta = rng.standard_normal((2, 4)).astype(dtype)[:, ::2]
    y, stats, cache = batch_norm(x, gamma, beta)
    y_copy, stats_copy, cache_copy = batch_norm(x.copy(), gamma.copy(), beta.copy())
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(y, y_copy, rtol=tolerance, atol=tolerance)
    for actual, expected in zip(batch_norm_backward(x, cache), batch_norm_backward(x.copy(), cache_copy)):
        assert actual.dtype == dtype
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=10 * tolerance)


def test_wrong_input_is_named():
    x, gamma, beta = draw((2, 4, 5, 3), seed=0)
    with pytest.raises(ValueError, match=r"batch_norm: gamma should be \(C,\) with C = 3, got \(2,\)"):
        batch_norm(x, gamma[:2], beta)
    with pytest.raises(ValueError, match="beta should be float64 like x, got float32"):
        batch_norm(x, gamma, beta.astype("f"))
    with pytest.raises(ValueError, match=r"batch_norm_inference: var should be \(C,\) with C = 3, got \(1,\)"):
        batch_norm_inference(x, gamma, beta, beta, gamma[:1])
    _, _, cache = batch_norm(x, gamma, beta)
    with pytest.raises(ValueError, match=r"dy should be \(N, H, W, C\) with N = 2.*, got \(1, 4, 5, 3\)"):
        batch_norm_backward(x[:1], cache)
