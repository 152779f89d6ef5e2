import numpy as np
import pytest
from generators import images, seeds, spaced
from hypothesis import given

from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.ops import relu, relu_backward


@given(images, seeds)
def test_gradient(shape, seed):
    check_backward(relu, relu_backward, spaced(np.random.default_rng(seed), shape), names=("x",), seed=seed)


def test_by_hand():
    x = np.array([-2.0, -0.0, 0.0, 3.0])
    y, cache = relu(x)
    np.testing.assert_array_equal(y, [0, 0, 0, 3])
    np.testing.assert_array_equal(relu_backward(np.array([5.0, 6.0, 7.0, 8.0]), cache), [0, 0, 0, 8])


def test_nan_is_not_hidden():
    assert np.isnan(relu(np.array([np.nan]))[0]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_dtype_and_takes_views(dtype):
    x = np.random.default_rng(0).standard_normal((4, 6)).astype(dtype)[::2, ::-1].T
    y, cache = relu(x)
    assert y.dtype == relu_backward(x, cache).dtype == dtype
    np.testing.assert_array_equal(y, np.where(x > 0, x, 0))
    np.testing.assert_array_equal(relu_backward(x, cache), np.where(x > 0, x, 0))


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match="relu: x should be float32 or float64, got int64"):
        relu(np.arange(3))
    _, cache = relu(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"relu_backward: dy should be \(2, 3\), got \(3, 2\)"):
        relu_backward(np.ones((3, 2)), cache)
