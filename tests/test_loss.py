import numpy as np
import pytest
from generators import seeds
from hypothesis import given
from hypothesis import strategies as st

from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.ops import softmax, softmax_cross_entropy, softmax_cross_entropy_backward

shapes = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.integers(1, 6))     # N, H, W, classes
ignored = st.sampled_from(["last", "inside", "255", "none"])


def draw(shape, ignore, seed):
    rng = np.random.default_rng(seed)
    classes = shape[3]
    ignore = {"last": classes, "inside": classes // 2, "255": 255, "none": -1}[ignore]
    labels = rng.integers(0, classes, shape[:3])
    if ignore >= 0:
        labels[rng.random(shape[:3]) < 0.3] = ignore
    return 3 * rng.standard_normal(shape), labels, rng.uniform(0.2, 5, classes), ignore


@given(shapes, ignored, seeds)
def test_gradient(shape, ignore, seed):
    arguments = draw(shape, ignore, seed)
    check_backward(softmax_cross_entropy, softmax_cross_entropy_backward, *arguments, names=("logits",), seed=seed)


@given(shapes, ignored, seeds)
def test_equals_three_loops(shape, ignore, seed):
    logits, labels, class_weights, ignore = draw(shape, ignore, seed)
    total, count = 0.0, 0
    for n, r, q in np.ndindex(labels.shape):
        label = labels[n, r, q]
        if label != ignore:
            scores = logits[n, r, q]
            total -= class_weights[label] * np.log(np.exp(scores[label]) / np.exp(scores).sum())
            count += 1
    loss, _ = softmax_cross_entropy(logits, labels, class_weights, ignore)
    np.testing.assert_allclose(loss, total / max(count, 1), rtol=1e-10, atol=1e-12)


@given(shapes, seeds)
def test_softmax_is_a_distribution_that_no_shift_changes(shape, seed):
    logits = np.random.default_rng(seed).standard_normal(shape)
    p = softmax(logits)
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-12)
    np.testing.assert_allclose(softmax(logits + 100), p, rtol=1e-10)


@pytest.mark.parametrize("classes", [1, 2, 11])
def test_zero_logits_give_log_of_the_number_of_classes(classes):
    labels = np.random.default_rng(0).integers(0, classes, (2, 3, 4))
    loss, _ = softmax_cross_entropy(np.zeros((2, 3, 4, classes)), labels, np.ones(classes), 255)
    assert loss == pytest.approx(np.log(classes), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logits_of_a_thousand(dtype):
    """exp(1000) is infinite in both dtypes."""
    logits = np.array([[[[1000, -1000], [-1000, 1000]]]], dtype)
    labels = np.array([[[0, 0]]])
    loss, cache = softmax_cross_entropy(logits, labels, np.ones(2), 255)
    assert isinstance(loss, np.ndarray) and loss.shape == () and loss.dtype == dtype and loss == 1000
    dlogits = softmax_cross_entropy_backward(np.ones((), dtype), cache)
    np.testing.assert_array_equal(dlogits, np.array([[[[0, 0], [-0.5, 0.5]]]], dtype))
    assert dlogits.dtype == dtype


def test_void_pixels_change_nothing():
    logits, labels, class_weights, ignore = draw((2, 4, 5, 3), "last", seed=0)
    void = labels == ignore
    assert void.any()
    loss, cache = softmax_cross_entropy(logits, labels, class_weights, ignore)
    assert not softmax_cross_entropy_backward(np.ones(()), cache)[void].any()
    logits[void] += 50 * np.random.default_rng(1).standard_normal((np.count_nonzero(void), 3))
    assert softmax_cross_entropy(logits, labels, class_weights, ignore)[0] == loss


def test_no_labelled_pixel_is_no_loss_and_no_gradient():
    loss, cache = softmax_cross_entropy(np.ones((1, 2, 2, 3)), np.full((1, 2, 2), 11), np.ones(3), 11)
    assert loss == 0
    assert not softmax_cross_entropy_backward(np.ones(()), cache).any()


def test_divided_by_the_count_and_not_by_the_weights():
    """Twice the weights, twice the loss: dividing by their sum would take that away."""
    logits, labels, class_weights, ignore = draw((2, 4, 5, 3), "last", seed=0)
    once, twice = (softmax_cross_entropy(logits, labels, w, ignore)[0] for w in (class_weights, 2 * class_weights))
    assert twice == pytest.approx(2 * once, rel=1e-12)


@pytest.mark.parametrize("label_type", [np.uint8, np.int64])
def test_takes_views_and_any_integers(label_type):
    logits, labels, class_weights, ignore = draw((2, 4, 6, 3), "last", seed=0)
    views = logits[:, ::-1].swapaxes(1, 2), labels[:, ::-1].swapaxes(1, 2).astype(label_type)
    loss, cache = softmax_cross_entropy(*views, class_weights, ignore)
    straight, cache_straight = softmax_cross_entropy(logits, labels, class_weights, ignore)
    assert loss == pytest.approx(straight, rel=1e-12)
    np.testing.assert_allclose(
        softmax_cross_entropy_backward(loss, cache).swapaxes(1, 2)[:, ::-1],
        softmax_cross_entropy_backward(straight, cache_straight), rtol=1e-12,
    )


def test_wrong_input_is_named():
    logits, labels, class_weights, ignore = draw((2, 4, 5, 3), "last", seed=0)
    for wrong, shape in ((labels[:1], "1, 4, 5"), (np.concatenate([labels, labels]), "4, 4, 5")):
        with pytest.raises(ValueError, match=rf"labels should be integers of shape \(2, 4, 5\), got int64 \({shape}\)"):
            softmax_cross_entropy(logits, wrong, class_weights, ignore)
    with pytest.raises(ValueError, match=r"labels should be integers .*, got float64"):
        softmax_cross_entropy(logits, labels.astype(float), class_weights, ignore)
    with pytest.raises(ValueError, match=r"class_weights should be \(K,\) with K = 3, got \(2,\)"):
        softmax_cross_entropy(logits, labels, class_weights[:2], ignore)
    with pytest.raises(ValueError, match="labels and class_weights should be arrays"):
        softmax_cross_entropy(logits, labels.tolist(), class_weights, ignore)
    _, cache = softmax_cross_entropy(logits, labels, class_weights, ignore)
    with pytest.raises(ValueError, match=r"dloss should be \(\), got \(1,\)"):
        softmax_cross_entropy_backward(np.ones(1), cache)
