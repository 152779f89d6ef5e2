import numpy as np
import pytest

from tinysegnet.training.optim import adam_step, sgd_step, start


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
    memory = start("adam", params)
    adam_step(params, {"w": np.full((1, 1, 1, 1), 3.0), "b": np.array([-4.0])}, memory, lr=0.1, weight_decay=0.5)
    assert params["w"].item() == pytest.approx(2 - 0.1 * (1 + 0.5 * 2))     # the first step: m / sqrt(s) is the sign
    assert params["b"].item() == pytest.approx(1 + 0.1)                     # a bias does not decay
    adam_step(params, {"w": np.zeros((1, 1, 1, 1)), "b": np.array([2.0])}, memory, lr=0.1, momentum=0.5)
    mean, square = (0.5 * -0.4 + 0.5 * 2) / (1 - 0.5**2), (0.99 * 0.16 + 0.01 * 4) / (1 - 0.99**2)
    assert params["b"].item() == pytest.approx(1.1 - 0.1 * mean / square**0.5)
    assert memory["steps"] == 2


def test_adam_in_place_keeps_float32_and_its_arguments():
    params, grads = {"w": np.ones((3, 3, 2, 2), np.float32)}, {"w": np.full((3, 3, 2, 2), 2, np.float32)}
    w, memory = params["w"], start("adam", params)
    arrays = dict(memory)
    adam_step(params, grads, memory, lr=0.5)
    assert params["w"] is w and np.allclose(w, 0.5)
    assert all(memory[name] is array and array.dtype == np.float32 for name, array in arrays.items())
    assert (grads["w"] == 2).all()


def test_adam_refuses_the_memory_of_another_and_changes_nothing():
    params = {"a": np.ones(2)}
    with pytest.raises(ValueError, match=r"square of a should be float64 \(2,\), got none"):
        adam_step(params, {"a": np.ones(2)}, start("sgd", params), lr=0.1)
    memory = start("adam", params)
    with pytest.raises(ValueError, match=r"gradient of a should be float64 \(2,\), got float64 \(3,\)"):
        adam_step(params, {"a": np.ones(3)}, memory, lr=0.1)
    assert (params["a"] == 1).all() and memory["steps"] == 0
