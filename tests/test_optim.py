import numpy as np
import pytest

from tinysegnet.training.optim import Optimiser, adam_step, sgd_step, start


def test_two_steps_by_hand():
    params = {"w": np.full((1, 1, 1, 1), 2.0), "b": np.array([1.0])}
    velocity = {name: np.zeros_like(a) for name, a in params.items()}
    grads = {"w": np.full((1, 1, 1, 1), 3.0), "b": np.array([4.0])}
    sgd_step(params, grads, velocity, lr=0.1, momentum=0.5, weight_decay=0.01)
    assert params["w"].item() == pytest.approx(2 - 0.1 * (3 + 0.01 * 2))
    assert params["b"].item() == pytest.approx(1 - 0.1 * 4)                 # a bias does not decay
    w = params["w"].item()
    sgd_step(params, grads, velocity, lr=0.1, momentum=0.5, weight_decay=0.01)
    assert velocity["w"].item() == pytest.approx(0.5 * 0.302 + 0.1 * (3 + 0.01 * w))
    assert params["w"].item() == pytest.approx(w - velocity["w"].item())


def test_in_place_and_keeps_float32():
    w = np.ones((3, 3, 2, 2), np.float32)
    params, velocity = {"w": w}, {"w": np.zeros_like(w)}
    grads = {"w": np.ones_like(w)}
    sgd_step(params, grads, velocity, lr=0.5, weight_decay=1.0)
    assert params["w"] is w and w.dtype == np.float32 and (w == 0).all()
    assert (grads["w"] == 1).all()


def test_a_gradient_that_does_not_belong_changes_nothing():
    params = {"a": np.ones(2), "b": np.ones(3)}
    velocity = {name: np.zeros_like(a) for name, a in params.items()}
    for grads, message in (
        ({"a": np.ones(2)}, r"gradient of b should be float64 \(3,\), got none"),
        ({"a": np.ones(2), "b": np.ones(2)}, r"gradient of b should be float64 \(3,\), got float64 \(2,\)"),
        ({"a": np.ones(2), "b": np.ones(3, "f")}, r"gradient of b should be float64 \(3,\), got float32"),
    ):
        with pytest.raises(ValueError, match=message):
            sgd_step(params, grads, velocity, lr=0.1)
    with pytest.raises(ValueError, match="velocity of a should be"):
        sgd_step(params, {"a": np.ones(2), "b": np.ones(3)}, {}, lr=0.1)
    assert (params["a"] == 1).all() and (params["b"] == 1).all()


def test_two_steps_of_adam_by_hand():
    params = {"w": np.full((1, 1, 1, 1), 2.0), "b": np.array([1.0])}
    state = start("adam", params)
    adam_step(params, {"w": np.full((1, 1, 1, 1), 3.0), "b": np.array([-4.0])}, state, lr=0.1, weight_decay=0.5)
    assert params["w"].item() == pytest.approx(2 - 0.1 * (1 + 0.5 * 2))     # the first step: m / sqrt(s) is the sign
    assert params["b"].item() == pytest.approx(1 + 0.1)                     # a bias does not decay
    adam_step(params, {"w": np.zeros((1, 1, 1, 1)), "b": np.array([2.0])}, state, lr=0.1, momentum=0.5)
    mean, square = (0.5 * -0.4 + 0.5 * 2) / (1 - 0.5**2), (0.99 * 0.16 + 0.01 * 4) / (1 - 0.99**2)
    assert params["b"].item() == pytest.approx(1.1 - 0.1 * mean / square**0.5)
    assert state["steps"] == 2


def test_adam_in_place_keeps_float32_and_its_arguments():
    params, grads = {"w": np.ones((3, 3, 2, 2), np.float32)}, {"w": np.full((3, 3, 2, 2), 2, np.float32)}
    w, state = params["w"], start("adam", params)
    arrays = dict(state)
    adam_step(params, grads, state, lr=0.5)
    assert params["w"] is w and np.allclose(w, 0.5)
    assert all(state[name] is array and array.dtype == np.float32 for name, array in arrays.items())
    assert (grads["w"] == 2).all()


def test_adam_refuses_the_state_of_another_and_changes_nothing():
    params = {"a": np.ones(2)}
    with pytest.raises(ValueError, match=r"square of a should be float64 \(2,\), got none"):
        adam_step(params, {"a": np.ones(2)}, start("sgd", params), lr=0.1)
    state = start("adam", params)
    with pytest.raises(ValueError, match=r"gradient of a should be float64 \(2,\), got float64 \(3,\)"):
        adam_step(params, {"a": np.ones(3)}, state, lr=0.1)
    assert (params["a"] == 1).all() and state["steps"] == 0


@pytest.mark.parametrize("optimiser, update", [("sgd", sgd_step), ("adam", adam_step)])
def test_what_is_named_decays_and_nothing_else(optimiser, update):
    """By name: a matrix that is named, and a kernel that is not. No gradient: what moves has decayed."""
    params = {"matrix": np.full((2, 3), 2.0), "kernel": np.ones((1, 1, 2, 2)), "bias": np.ones(3)}
    grads = {name: np.zeros_like(a) for name, a in params.items()}
    Optimiser(update, start(optimiser, params), 0.9, 0.5, {"matrix"}).step(params, grads, lr=0.1)
    np.testing.assert_allclose(params["matrix"], 2 * (1 - 0.1 * 0.5))
    assert (params["kernel"] == 1).all() and (params["bias"] == 1).all()
    Optimiser(update, start(optimiser, params), 0.9, 0.5).step(params, grads, lr=0.1)       # by the dimensions
    np.testing.assert_allclose(params["kernel"], 1 - 0.1 * 0.5)
    np.testing.assert_allclose(params["matrix"], 2 * (1 - 0.1 * 0.5))


@pytest.mark.parametrize("optimiser, update", [("sgd", sgd_step), ("adam", adam_step)])
def test_an_optimiser_has_its_numbers_at_hand(optimiser, update):
    rng = np.random.default_rng(0)
    params = {"w": rng.standard_normal((3, 3, 2, 2)), "b": rng.standard_normal(2)}
    others, grads = {name: a.copy() for name, a in params.items()}, {name: a + 1 for name, a in params.items()}
    state, its_own = start(optimiser, params), start(optimiser, params)
    for _ in range(3):
        Optimiser(update, its_own, 0.5, 0.25, {"b"}).step(params, grads, 0.1)
        update(others, grads, state, 0.1, momentum=0.5, weight_decay=0.25, decays={"b"})
    for name in params:
        np.testing.assert_array_equal(params[name], others[name])
