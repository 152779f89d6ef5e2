"""lessons/segnet_in_one_file.py: it stands alone, is short, is right, and does what it says."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lessons.engine import course
from tinysegnet import networks, ops
from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.training import optim

PATH = Path(__file__).parents[1] / "lessons" / "segnet_in_one_file.py"
TEXT = PATH.read_text(encoding="utf-8")
IGNORE = 255


@pytest.fixture(scope="module")
def one():
    return course.load(PATH)


@pytest.fixture(scope="module")
def theirs(one):
    """The library's network of the same shape, parameters for both in float64, and a batch."""
    network = networks.build("segnet-basic", classes=len(one.CLASSES), filters=4, levels=2, kernel=3)
    params, _ = networks.init(network, seed=1, dtype=np.float64)
    rng = np.random.default_rng(2)
    params = {name: p + 0.1 * rng.standard_normal(p.shape) for name, p in params.items()}
    x = rng.standard_normal((2, 8, 12, 3))
    return network, params, x, rng.integers(0, len(one.CLASSES), x.shape[:3])


def test_it_needs_numpy_alone_and_is_short():
    trees = [node for node in ast.walk(ast.parse(TEXT)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in trees] == ["import numpy as np"]
    assert "import" not in TEXT.replace("import numpy as np", "")
    assert len(TEXT.splitlines()) <= 250


def test_it_is_the_library_to_the_ninth_digit(one, theirs):
    network, params, x, labels = theirs
    logits, stats, cache = network.forward(params, x)
    loss, loss_cache = ops.softmax_cross_entropy(logits, labels, np.ones(len(one.CLASSES)), IGNORE)
    _, grads = network.backward(ops.softmax_cross_entropy_backward(np.ones_like(loss), loss_cache), cache)
    got_loss, got_grads, got_stats = one.loss_and_gradients(params, x, labels)
    assert np.allclose(one.forward(params, x)[0], logits, rtol=0, atol=1e-9)
    assert abs(got_loss - loss) < 1e-9
    assert got_grads.keys() == grads.keys() == params.keys()
    for name in grads:
        assert np.allclose(got_grads[name], grads[name], rtol=0, atol=1e-9), name
    for name, (mean, var) in got_stats.items():
        assert np.allclose(mean, stats[f"{name}.norm.mean"]) and np.allclose(var, stats[f"{name}.norm.var"])


def test_after_training_it_predicts_as_the_library_does(one, theirs):
    network, params, x, _ = theirs
    rng = np.random.default_rng(3)
    stats = {name: rng.uniform(0.5, 2, shape) for name, shape in network.stats.items()}
    blocks = "encoder1", "encoder2", "decoder2", "decoder1"
    given = {name: (stats[f"{name}.norm.mean"], stats[f"{name}.norm.var"]) for name in blocks}
    assert np.allclose(one.forward(params, x, given)[0], network.predict(params, stats, x), rtol=0, atol=1e-9)


def test_its_parameters_are_those_of_the_library(one):
    params = one.init(seed=0, filters=5, kernel=3)
    network = networks.build("segnet-basic", classes=len(one.CLASSES), filters=5, levels=2, kernel=3)
    assert {name: p.shape for name, p in params.items()} == network.shapes
    assert {p.dtype for p in params.values()} == {np.dtype("float32")}


def test_its_pooling_breaks_ties_as_the_library_does(one):
    x = np.random.default_rng(4).integers(0, 2, (2, 6, 4, 3)).astype(float)
    for got, expected in zip(one.max_pool(x), ops.max_pool(x)):
        assert np.array_equal(got, expected)


def test_its_operations_have_right_gradients(one):
    rng = np.random.default_rng(5)
    x = rng.permutation(2 * 4 * 6 * 3).reshape(2, 4, 6, 3) * 0.1 + 0.05 - 7
    corners, labels = rng.integers(0, 4, (2, 2, 3, 3)), rng.integers(0, 3, (2, 4, 6))

    def loss(x):
        value, cache = one.softmax_cross_entropy(x, labels)
        return np.asarray(value), cache

    check_backward(one.conv2d, one.conv2d_backward, x, rng.standard_normal((3, 3, 3, 2)), rng.standard_normal(2))
    check_backward(lambda x, w, b: one.batch_norm(x, w, b)[::2], one.batch_norm_backward, x, x[0, 0, 0], x[1, 0, 0],
                   names=("x", "gamma", "beta"))
    check_backward(one.relu, one.relu_backward, x, names=("x",))
    check_backward(one.max_pool, one.max_pool_backward, x, names=("x",))
    check_backward(lambda x: (one.max_unpool(x, corners), corners), one.max_unpool_backward, x[:, :2, :3], names=("x",))
    check_backward(loss, one.softmax_cross_entropy_backward, x, names=("x",))


def test_its_own_check_finds_a_wrong_gradient(one, monkeypatch, capsys):
    right = one.batch_norm_backward

    def wrong(dy, cache):
        dx, dgamma, dbeta = right(dy, cache)
        return dx, dgamma, dbeta * 1.001

    monkeypatch.setattr(one, "batch_norm_backward", wrong)
    with pytest.raises(AssertionError, match=r"the gradient of \w+\.norm\.beta is wrong"):
        one.check_gradients()
    assert "off by" in capsys.readouterr().out


def test_a_few_steps_make_the_loss_fall(one):
    x, labels = (arrays[:, ::2, ::2] for arrays in one.streets(range(2)))
    params, stats, velocity = one.init(seed=0, filters=8, kernel=3), {}, {}
    losses = [one.train_step(params, stats, velocity, x, labels, lr=0.1) for _ in range(20)]
    assert losses[-1] < losses[0] / 2
    assert {p.dtype for p in params.values()} == {np.dtype("float32")}


def test_its_step_is_that_of_the_library(one):
    rng = np.random.default_rng(6)
    ours, velocity = {"w": rng.standard_normal(5)}, {}
    params, state = {"w": ours["w"].copy()}, {"w": np.zeros(5)}
    for _ in range(3):
        grads = {"w": rng.standard_normal(5)}
        one.sgd_step(ours, grads, velocity, 0.1)
        optim.sgd_step(params, grads, state, 0.1)
    assert np.allclose(ours["w"], params["w"])


def test_a_street_is_always_the_same_and_all_classes_are_about(one):
    x, labels = one.streets(range(20))
    assert x.shape == (20, one.HEIGHT, one.WIDTH, 3) and x.dtype == np.float32 and x.std() > 0.1
    assert np.array_equal(one.street(3)[0], x[3]) and not np.array_equal(x[3], x[4])
    assert (np.bincount(labels.ravel(), minlength=len(one.CLASSES)) > 0.03 * labels.size).all()


def test_what_is_shown_fits_into_80_columns(one, capsys):
    picture, truth = one.street(0)
    one.show(picture, truth, truth)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 20 and max(map(len, lines)) <= 80
    assert lines[2][26:50] == lines[2][52:].ljust(24)


def test_the_nearest_mean_colour_is_as_bad_as_its_first_lines_say(one):
    x, labels = one.streets(range(100))
    unseen, truth = one.streets(range(1_000_000, 1_000_032))
    means = np.stack([x[labels == k].mean(axis=0) for k in range(len(one.CLASSES))])
    nearest = ((unseen[..., None, :] - means) ** 2).sum(axis=-1).argmin(axis=-1)
    promised = int(re.search(r"\((\d+) % by the nearest mean colour\)", TEXT)[1])
    assert abs(100 * (nearest == truth).mean() - promised) <= 1


@pytest.mark.docs       # seconds
def test_its_training_begins_to_learn(one, capsys):
    _, truth, predicted = one.train(steps=50)
    shares = [float(share) for share in re.findall(r"right ([\d.]+)%", capsys.readouterr().out)]
    assert predicted.shape == truth.shape and len(shares) == 5 and shares[-1] > 65


@pytest.mark.long
def test_it_reaches_what_its_first_lines_say(tmp_path):
    process = subprocess.run([sys.executable, PATH], cwd=tmp_path, capture_output=True, text=True, check=True,
                             env=os.environ | {"OPENBLAS_NUM_THREADS": "1"})
    promised = int(re.search(r"(\d+) % of the\npixels right", TEXT)[1])
    reached = [float(share) for share in re.findall(r"right ([\d.]+)%", process.stdout)]
    assert "Every gradient is right." in process.stdout and not process.stderr
    assert reached[0] < reached[-1] - 5 and abs(reached[-1] - promised) <= 1      # rounding differs by processor
    assert max(map(len, process.stdout.splitlines())) <= 80
    assert not [*tmp_path.iterdir()]
