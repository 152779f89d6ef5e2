"""The paper's decoder variants: what each is made of, its gradients, and that it is trained and used like any other."""

import re
from pathlib import Path

import numpy as np
import pretend_gpu
import pytest
import tiny_camvid
from test_network import moved
from train_in_process import train_script

import tinysegnet.ops
from tinysegnet import inference, networks
from tinysegnet.networks.blocks import chain, relu
from tinysegnet.networks.more import ABOUT
from tinysegnet.networks.more.blocks import add_lent, lend
from tinysegnet.ops import fast
from tinysegnet.ops.more.conv_transpose2d import bilinear
from tinysegnet.plots import figures
from tinysegnet.support.backend import to_device, to_numpy
from tinysegnet.training import loop, optim
from tinysegnet.training.step import Criterion, train_step

PARAMETERS = {      # at 11 classes, and in millions in the paper's table 1, if it is in there
    "bilinear-interpolation": (626_315, 0.625),
    "segnet-basic": (1_416_587, 1.425),
    "segnet-basic-encoder-addition": (1_416_587, 1.425),
    "segnet-basic-single-channel-decoder": (626_315, 0.625),
    "segnet-basic-replication": (1_416_587, None),
    "segnet-basic-fixed-index": (1_416_587, None),
    "segnet-basic-no-pooling": (1_416_587, None),
    "fcn-basic": (646_883, 0.65),
    "fcn-basic-no-addition": (644_023, 0.65),
    "fcn-basic-no-dim-reduction": (1_661_835, 1.625),
    "fcn-basic-no-addition-no-dim-reduction": (1_661_835, 1.625),
}
every_variant = pytest.mark.parametrize("name", PARAMETERS)
SMALL = {"classes": 3, "filters": 4, "levels": 2, "kernel": 3}


def begun(name, dtype=np.float64):
    network = networks.build(name, **SMALL)
    params, stats = networks.init(network, 0, dtype)
    return network, moved(params, np.random.default_rng(0)), stats


def test_each_has_a_line_and_a_number():
    assert ABOUT.keys() == networks.NETWORKS.keys() == {"segnet", *PARAMETERS}


@every_variant
def test_the_number_of_parameters_is_the_paper_s_within_3_percent(name):
    exactly, millions = PARAMETERS[name]
    network = networks.build(name)
    assert sum(np.prod(shape) for shape in network.shapes.values()) == exactly
    if millions:
        assert abs(exactly / 1e6 / millions - 1) < 0.03
    assert network.levels == (0 if name.endswith("no-pooling") else 4)


def test_the_page_of_networks_has_these_numbers():
    page = (Path(__file__).parents[1] / "docs/networks.md").read_text(encoding="utf-8")
    rows = {name: (int(count.replace(",", "")), float(millions) if millions.strip() else None)
            for name, count, millions in re.findall(r"(?m)^\| \[`(.*?)`\]\(.*?\) \| ([\d,]+) \|(.*?)\|", page)}
    assert rows.pop("segnet") == (29_449_355, None)
    assert rows == PARAMETERS


@every_variant
@pytest.mark.parametrize("size", [(9, 10), (12, 7)])
def test_every_gradient_along_a_direction(name, size):
    """Central differences of a weighted sum of the logits, for one direction of x and of each parameter."""
    network, params, _ = begun(name)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, *size, 3))
    logits, _, cache = network.forward(params, x)
    dy = rng.standard_normal(logits.shape)
    dx, grads = network.backward(dy, cache, need_dx=True)
    assert grads.keys() == params.keys()

    def along(name, direction, step):
        moved_x = x + step * direction if name == "x" else x
        moved_params = params if name == "x" else params | {name: params[name] + step * direction}
        return (network.forward(moved_params, moved_x)[0] * dy).sum()

    scale = max(np.abs(grad).max() for grad in grads.values())
    for name, grad in {"x": dx, **grads}.items():
        direction, step = rng.standard_normal(grad.shape), 1e-6
        direction /= np.linalg.norm(direction)
        slope = (along(name, direction, step) - along(name, direction, -step)) / (2 * step)
        assert abs((grad * direction).sum() - slope) < 1e-6 * scale, name


def test_how_they_start_and_what_decays():
    params, _ = networks.init(networks.build("fcn-basic-no-addition"), 0)
    start = bilinear(None, (8, 8, 11, 11))
    for level in (1, 2, 3, 4):
        np.testing.assert_array_equal(params[f"decoder{level}.w"], start.astype("float32"))
    network = networks.build("bilinear-interpolation")
    params, _ = networks.init(network, 0)
    assert params["decoder1.conv.w"].shape == (7, 7, 1, 64)
    assert params["decoder1.conv.w"].std() == pytest.approx(np.sqrt(2 / 49), rel=0.05)      # a kernel sees 49 numbers
    for name in PARAMETERS:
        network = networks.build(name)
        assert network.decays == {key for key, shape in network.shapes.items() if len(shape) == 4}


def test_a_map_can_be_lent_to_several_or_to_none_but_not_under_one_name_twice():
    for takers in (0, 2):
        inside = [lend("a"), relu(), *[add_lent("a")] * takers]
        network = chain(*inside)
        x = np.random.default_rng(0).standard_normal((1, 3, 4, 2))
        y, _, cache = network.forward({}, x)
        dx, _ = network.backward(np.ones_like(y), cache, need_dx=True)
        np.testing.assert_array_equal(dx, (x > 0) + float(takers))
    with pytest.raises(ValueError, match="lend: two of one chain are called 'a'"):
        chain(lend("a"), lend("a")).forward({}, x)


@every_variant
def test_prediction_is_the_forward_with_its_statistics_and_any_ops_will_do(name):
    network, params, _ = begun(name)
    x = np.random.default_rng(2).standard_normal((2, 13, 10, 3))
    logits, batch_stats, _ = network.forward(params, x)
    assert logits.shape == (2, 13, 10, 3)
    folded = inference.fold_all(params, batch_stats)
    for ops in (tinysegnet.ops, fast):
        np.testing.assert_allclose(network.predict(params, batch_stats, x, ops), logits, atol=1e-9)
        np.testing.assert_allclose(network.predict(folded, None, x, ops), logits, atol=1e-9)
        np.testing.assert_allclose(network.forward(params, x, ops)[0], logits, atol=1e-9)


@every_variant
def test_a_step_on_a_device(name):
    results = []
    for xp in (np, pretend_gpu):
        network, params, stats = begun(name)
        model = inference.Model(network, to_device(params, xp), to_device(stats, xp), {})
        optimiser = optim.Optimiser(optim.adam_step, optim.start("adam", model.params), decays=network.decays)
        rng = np.random.default_rng(3)
        x, labels = rng.standard_normal((2, 9, 10, 3)), rng.integers(0, 4, (2, 9, 10))
        batch = to_device(x, xp), to_device(labels, xp)
        loss = train_step(model, optimiser, batch, Criterion(xp.ones(3), 3), 1e-3, fast)
        results.append({"loss": loss, **model.params, **model.stats})
    for key, expected in results[0].items():
        np.testing.assert_allclose(to_numpy(results[1][key]), expected, atol=1e-9 * max(1, np.abs(expected).max()))


@pytest.fixture
def train(tmp_path, monkeypatch):
    tiny_camvid.make(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    for picture in ("curves", "confusion", "predictions"):
        monkeypatch.setattr(figures, picture, lambda *args: None)
    return train_script(monkeypatch)


@every_variant
def test_each_is_trained_resumed_and_used_by_its_name(train, monkeypatch, name):
    """Stopped by an error in the second of its four steps, and gone on with."""
    step, steps = loop.train_step, []

    def fails(*args):
        steps.append(1)
        if len(steps) == 2:
            raise KeyboardInterrupt
        return step(*args)

    options = "--data", "tiny", "--network", name, "--size", "16x20", "--epochs", "1", "--batch", "2", "--filters", "2"
    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", fails)
        with pytest.raises(KeyboardInterrupt):
            train(*options)
    train("--resume")
    model = inference.load("runs/first/best.npz")
    assert model.meta["network"]["name"] == name
    predicted = inference.classify(model, np.full((31, 40, 3), 90, np.uint8))
    assert predicted.shape == (31, 40) and predicted.max() < 11


def torch_logits(F, name, params, x):
    """The network of that name as the paper describes it, in PyTorch. params by our names, kernels (F, C, K, K)."""
    def conv(x, layer, groups=1):
        w = params[f"{layer}.w"]
        return F.conv2d(x, w, params[f"{layer}.b"], padding=w.shape[2] // 2, groups=groups)

    def conv_norm(x, layer, groups=1):
        gamma, beta = params[f"{layer}.norm.gamma"], params[f"{layer}.norm.beta"]
        return F.batch_norm(conv(x, f"{layer}.conv", groups), None, None, gamma, beta, training=True)

    maps, indices = [], []
    for level in (1, 2):
        x = F.relu(conv_norm(x, f"encoder{level}"))
        maps.append(x)
        if not name.endswith("no-pooling"):
            x, where = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
            indices.append(where)
    reduces = name in ("fcn-basic", "fcn-basic-no-addition")
    if reduces:
        x = conv(x, "reduction")
    for level in (2, 1):
        remembered = maps[level - 1]
        size = remembered.shape[2:]
        if name.startswith("fcn"):
            x = F.conv_transpose2d(x, params[f"decoder{level}.w"], params[f"decoder{level}.b"], stride=2, padding=3)
            x = x[:, :, : size[0], : size[1]]
            if "no-addition" not in name:
                x = x + (conv(remembered, f"reduction{level}") if reduces else remembered)
            continue
        if name == "bilinear-interpolation":
            x = F.interpolate(x, size, mode="bilinear", align_corners=False)
        elif name.endswith("replication"):
            x = F.interpolate(x, scale_factor=2, mode="nearest")[:, :, : size[0], : size[1]]
        elif name.endswith("fixed-index"):
            spread = F.conv_transpose2d(x, x.new_ones(x.shape[1], 1, 1, 1), stride=2, groups=x.shape[1])
            x = F.pad(spread, (0, size[1] - spread.shape[3], 0, size[0] - spread.shape[2]))
        elif not name.endswith("no-pooling"):
            x = F.max_unpool2d(x, indices[level - 1], 2, output_size=size)
        of_one_channel = name in ("bilinear-interpolation", "segnet-basic-single-channel-decoder")
        x = conv_norm(x, f"decoder{level}", groups=x.shape[1] if of_one_channel else 1)
        if name.endswith("encoder-addition"):
            x = x + remembered
    return x if reduces else conv(x, "classifier")


@every_variant
@pytest.mark.parametrize("size", [(22, 17), (13, 24)])
def test_each_is_pytorch_s(name, size):
    """Logits and every gradient, in float64, within 1e-9."""
    torch = pytest.importorskip("torch")
    network, params, _ = begun(name)
    rng = np.random.default_rng(4)
    x = rng.standard_normal((2, *size, 3))
    logits, _, cache = network.forward(params, x, fast)
    dy = rng.standard_normal(logits.shape)
    dx, grads = network.backward(dy, cache, fast, need_dx=True)

    def axes(name):
        """In PyTorch a kernel is (F, C, K, K), and that of a transposed convolution (C, F, K, K)."""
        return (2, 3, 0, 1) if name.startswith("decoder") and "conv" not in name else (3, 2, 0, 1)

    tensors = {}
    for key, a in params.items():
        a = a.transpose(axes(key)) if a.ndim == 4 else a
        tensors[key] = torch.tensor(np.ascontiguousarray(a), requires_grad=True)
    tx = torch.tensor(np.ascontiguousarray(x.transpose(0, 3, 1, 2)), requires_grad=True)
    expected = torch_logits(torch.nn.functional, name, tensors, tx)
    expected.backward(torch.tensor(dy.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(logits, expected.detach().numpy().transpose(0, 2, 3, 1), atol=1e-9)
    np.testing.assert_allclose(dx, tx.grad.numpy().transpose(0, 2, 3, 1), atol=1e-9)
    for key, t in tensors.items():
        grad = t.grad.numpy()
        grad = grad.transpose(np.argsort(axes(key))) if grad.ndim == 4 else grad
        np.testing.assert_allclose(grads[key], grad, atol=1e-9 * max(1, np.abs(grad).max()), err_msg=key)
