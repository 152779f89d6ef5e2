"""Every network but SegNet-Basic: what it is made of, its gradients, and that it is trained and used like any other."""

import re
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pretend_gpu
import pytest
import tiny_camvid
from test_network import moved
from train_in_process import train_script

import tinysegnet.ops
from lessons.engine import my_segnet
from tinysegnet import inference, networks
from tinysegnet.data import streets
from tinysegnet.networks.blocks import chain, relu
from tinysegnet.networks.more import ABOUT
from tinysegnet.networks.more.blocks import add_lent, lend
from tinysegnet.ops import fast
from tinysegnet.ops.more.conv_transpose2d import bilinear
from tinysegnet.support.backend import to_device, to_numpy
from tinysegnet.training import loop, optim
from tinysegnet.training.settings import from_recipe
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
    "segnet": (29_449_355, None),
    "bayesian-segnet-basic": (1_416_587, None),
    "bayesian-segnet": (29_449_355, None),
    "unet": (7_703_627, None),
}
LEVELS = {"segnet": 5, "bayesian-segnet": 5, "unet": 3, "segnet-basic-no-pooling": 0}       # of the others 4
DEEP = "segnet", "bayesian-segnet", "unet"
every_network = pytest.mark.parametrize("name", PARAMETERS)


def begun(name, dtype=np.float64):
    """A small one, its params and its stats before the first step."""
    arguments = {"classes": 3, "filters": 4}
    if name not in DEEP:
        arguments |= {"levels": 2, "kernel": 3}
    network = networks.build(name, **arguments)
    params, stats = networks.init(network, 0, dtype)
    return network, moved(params, np.random.default_rng(0)), stats


def odd_size(name, one=(9, 10)):
    return tuple(4 * side + 1 for side in one) if name in DEEP else one


def drawing(ops=tinysegnet.ops):
    """These operations, with a generator that always draws the same masks."""
    return SimpleNamespace(**vars(ops) | {"rng": np.random.default_rng(6)})


def test_each_has_a_line_and_a_number():
    assert ABOUT.keys() == networks.NETWORKS.keys() == PARAMETERS.keys()


@every_network
def test_the_number_of_parameters_is_the_paper_s_within_3_percent(name):
    exactly, millions = PARAMETERS[name]
    network = networks.build(name)
    assert sum(np.prod(shape) for shape in network.shapes.values()) == exactly
    if millions:
        assert abs(exactly / 1e6 / millions - 1) < 0.03
    assert network.levels == LEVELS.get(name, 4)


def test_the_page_of_networks_has_these_numbers():
    page = (Path(__file__).parents[1] / "docs/networks.md").read_text(encoding="utf-8")
    rows = {name: (int(count.replace(",", "")), float(millions) if millions.strip() else None)
            for name, count, millions in re.findall(r"(?m)^\| \[`(.*?)`\]\(.*?\) \| ([\d,]+) \|(.*?)\|", page)}
    assert rows == PARAMETERS


@every_network
def test_every_gradient_along_a_direction(name):
    """Central differences of a weighted sum of the logits, for one direction of x and of each parameter."""
    network, params, _ = begun(name)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, *odd_size(name), 3))
    logits, _, cache = network.forward(params, x, drawing())
    dy = rng.standard_normal(logits.shape)
    dx, grads = network.backward(dy, cache, need_dx=True)
    assert grads.keys() == params.keys()

    def along(name, direction, step):
        moved_x = x + step * direction if name == "x" else x
        moved_params = params if name == "x" else params | {name: params[name] + step * direction}
        return (network.forward(moved_params, moved_x, drawing())[0] * dy).sum()

    scale = max(np.abs(grad).max() for grad in grads.values())
    for name, grad in {"x": dx, **grads}.items():
        direction, step = rng.standard_normal(grad.shape), 1e-6
        direction /= np.linalg.norm(direction)
        slope = (along(name, direction, step) - along(name, direction, -step)) / (2 * step)
        assert abs((grad * direction).sum() - slope) < 1e-6 * scale, name


def test_u_net_s_way_up_keeps_numbers_as_large_as_they_are():
    params, _ = networks.init(networks.build("unet"), 0)
    x = np.random.default_rng(0).standard_normal((1, 9, 10, 512)).astype("f")
    y, _ = fast.conv_transpose2d(x, params["decoder3.up.w"], params["decoder3.up.b"], (1, 18, 20, 256))
    assert y.std() == pytest.approx(1, rel=0.02)


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


@pytest.mark.parametrize("name", ["bayesian-segnet-basic", "bayesian-segnet"])
def test_dropout_draws_where_there_is_a_generator_and_needs_one_to_train(name):
    network, params, stats = begun(name)
    x = np.random.default_rng(0).standard_normal((1, *odd_size(name), 3))
    with pytest.raises(ValueError, match=r"^dropout: ops has no rng to draw by: give ops_with\(rng="):
        network.forward(params, x)
    plain = networks.build(name.removeprefix("bayesian-"), **({"levels": 2, "kernel": 3} if "basic" in name else {}),
                           classes=3, filters=4)
    logits = network.predict(params, stats, x)
    np.testing.assert_array_equal(logits, plain.predict(params, stats, x))
    np.testing.assert_array_equal(logits, network.predict(params, stats, x, fast.ops_with(conv="im2col", rng=None)))
    one, again = (network.predict(params, stats, x, drawing()) for _ in range(2))
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - logits).max() > 0.01


@pytest.mark.parametrize("name, where", [
    ("bayesian-segnet-basic", ["level3", "level4", "decoder4", "decoder3"]),
    ("bayesian-segnet", ["level3", "level4", "level5", "decoder5", "decoder4", "decoder3"]),
])
def test_where_the_dropouts_are(name, where):
    """After these poolings, and at the end of the decoders of these levels, half of the values are 0."""
    network = networks.build(name, filters=2)
    params, _ = networks.init(network, 0)
    trace = []

    def watched(op):
        def run(*args):
            y, *rest = getattr(fast, op)(*args)
            trace.append((op, y.shape, float(args[1].mean()) if op == "dropout" else None))
            return y, *rest
        return run

    def max_unpool(x, corners, shape):
        trace.append(("max_unpool", shape, None))
        return fast.max_unpool(x, corners, shape)

    ops = drawing(fast)
    ops.max_pool, ops.batch_norm, ops.dropout = watched("max_pool"), watched("batch_norm"), watched("dropout")
    ops.max_unpool = max_unpool
    network.forward(params, np.ones((1, 64, 96, 3), "f"), ops)
    levels, found, way = network.levels, [], "level"
    sizes = {(64 >> level): level for level in range(levels + 1)}
    for (before, *_), (op, shape, mean) in pairwise(trace):
        if before == "max_unpool":
            way = "decoder"
        if op == "dropout":
            assert before == ("max_pool" if way == "level" else "batch_norm") and mean == pytest.approx(1, abs=0.3)
            found.append(f"{way}{sizes[shape[1]] + (way == 'decoder')}")
    assert found == where


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


@every_network
def test_prediction_is_the_forward_with_its_statistics_and_any_ops_will_do(name):
    network, params, _ = begun(name)
    x = np.random.default_rng(2).standard_normal((2, *odd_size(name, (13, 10)), 3))
    logits, batch_stats, _ = network.forward(params, x, drawing())
    assert logits.shape == x.shape and batch_stats.keys() == network.stats.keys()
    folded = inference.fold_all(params, batch_stats)
    for ops in (tinysegnet.ops, fast):
        np.testing.assert_allclose(network.predict(params, batch_stats, x, drawing(ops)), logits, atol=1e-9)
        np.testing.assert_allclose(network.predict(folded, None, x, drawing(ops)), logits, atol=1e-9)
        np.testing.assert_allclose(network.forward(params, x, drawing(ops))[0], logits, atol=1e-9)


@every_network
def test_a_step_on_a_device(name):
    results = []
    for xp in (np, pretend_gpu):
        network, params, stats = begun(name)
        model = inference.Model(network, to_device(params, xp), to_device(stats, xp), {})
        optimiser = optim.Optimiser(optim.adam_step, optim.start("adam", model.params), decays=network.decays)
        rng, shape = np.random.default_rng(3), (2, *odd_size(name))
        x, labels = rng.standard_normal((*shape, 3)), rng.integers(0, 4, shape)
        batch = to_device(x, xp), to_device(labels, xp)
        loss = train_step(model, optimiser, batch, Criterion(xp.ones(3), 3), 1e-3, drawing(fast))
        results.append({"loss": loss, **model.params, **model.stats})
    for key, expected in results[0].items():
        np.testing.assert_allclose(to_numpy(results[1][key]), expected, atol=1e-9 * max(1, np.abs(expected).max()))


@pytest.fixture
def train(tmp_path, monkeypatch):
    tiny_camvid.make(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    return train_script(monkeypatch)


@every_network
def test_a_learner_and_the_count_of_launches_have_what_each_needs(name, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    import launches

    arguments = {"filters": 2} | ({} if name in DEEP else {"levels": 1, "kernel": 3})
    assert launches.counted(fast, networks.build(name, **arguments), 1, 32, 33)["conv2d"][0] > 0
    settings = from_recipe("lessons", data="streets", size=(32, 40), steps=1, batch=1, network=name, filters=2)
    my_segnet.one_step(my_segnet.with_learners({}, settings), settings, streets.dataset())


@every_network
def test_each_is_trained_resumed_and_used_by_its_name(train, monkeypatch, name):
    """Stopped by an error in the second of its four steps, and gone on with."""
    step, steps = loop.train_step, []

    def fails(*args):
        steps.append(1)
        if len(steps) == 2:
            raise KeyboardInterrupt
        return step(*args)

    options = "--data", "tiny", "--network", name, "--size", "32x36", "--epochs", "1", "--batch", "2", "--filters", "2"
    with monkeypatch.context() as patch:
        patch.setattr(loop, "train_step", fails)
        with pytest.raises(KeyboardInterrupt):
            train(*options)
    train("--resume")
    model = inference.load("runs/first/best.npz")
    assert model.meta["network"]["name"] == name
    predicted = inference.classify(model, np.full((41, 50, 3), 90, np.uint8))
    assert predicted.shape == (41, 50) and predicted.max() < 11


def torch_logits(torch, name, params, x):
    """The network of that name as the paper describes it, in PyTorch. params by our names, kernels (F, C, K, K)."""
    F, masks = torch.nn.functional, np.random.default_rng(6)

    def dropout(x):
        """Half of the values are left out, those that the masks of `drawing` leave out."""
        if not name.startswith("bayesian"):
            return x
        N, C, H, W = x.shape
        kept = masks.random((N, H, W, C), np.float32) >= 0.5
        return x * torch.tensor(2.0 * kept.transpose(0, 3, 1, 2))

    def conv(x, layer, groups=1):
        w = params[f"{layer}.w"]
        return F.conv2d(x, w, params[f"{layer}.b"], padding=w.shape[2] // 2, groups=groups)

    def conv_norm(x, layer, groups=1):
        gamma, beta = params[f"{layer}.norm.gamma"], params[f"{layer}.norm.beta"]
        return F.batch_norm(conv(x, f"{layer}.conv", groups), None, None, gamma, beta, training=True)

    def conv_norm_relu(x, *layers):
        for layer in layers:
            x = F.relu(conv_norm(x, layer))
        return x

    if name == "unet":
        maps = []
        for level in (1, 2, 3):
            maps.append(conv_norm_relu(x, f"encoder{level}.1", f"encoder{level}.2"))
            x = F.max_pool2d(maps[-1], 2, ceil_mode=True)
        x = conv_norm_relu(x, "bottom.1", "bottom.2")
        for level in (3, 2, 1):
            side = maps.pop()
            x = F.conv_transpose2d(x, params[f"decoder{level}.up.w"], params[f"decoder{level}.up.b"], stride=2)
            x = torch.cat([x[:, :, : side.shape[2], : side.shape[3]], side], dim=1)
            x = conv_norm_relu(x, f"decoder{level}.1", f"decoder{level}.2")
        return conv(x, "classifier")
    if name in ("segnet", "bayesian-segnet"):
        layers = {1: (1, 2), 2: (1, 2), 3: (1, 2, 3), 4: (1, 2, 3), 5: (1, 2, 3)}
        kept = {}
        for level in (1, 2, 3, 4, 5):
            x = conv_norm_relu(x, *(f"encoder{level}.{i}" for i in layers[level]))
            size = x.shape[2:]
            x, where = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
            kept[level] = where, size
            x = dropout(x) if level >= 3 else x
        for level in (5, 4, 3, 2):
            where, size = kept[level]
            x = F.max_unpool2d(x, where, 2, output_size=size)
            x = conv_norm_relu(x, *(f"decoder{level}.{i}" for i in layers[level]))
            x = dropout(x) if level >= 3 else x
        where, size = kept[1]
        return conv(conv_norm_relu(F.max_unpool2d(x, where, 2, output_size=size), "decoder1.1"), "classifier")
    maps, indices = [], []
    for level in (1, 2):
        x = F.relu(conv_norm(x, f"encoder{level}"))
        maps.append(x)
        if not name.endswith("no-pooling"):
            x, where = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
            indices.append(where)
        x = dropout(x)
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
        x = dropout(x)
    return x if reduces else conv(x, "classifier")


@every_network
@pytest.mark.parametrize("size", [(22, 17), (13, 24)])
def test_each_is_pytorch_s(name, size):
    """Logits and every gradient, in float64, within 1e-9."""
    torch = pytest.importorskip("torch")
    network, params, _ = begun(name)
    rng = np.random.default_rng(4)
    x = rng.standard_normal((2, *odd_size(name, size), 3))
    logits, _, cache = network.forward(params, x, drawing(fast))
    dy = rng.standard_normal(logits.shape)
    dx, grads = network.backward(dy, cache, fast, need_dx=True)

    def axes(name):
        """In PyTorch a kernel is (F, C, K, K), and that of a transposed convolution (C, F, K, K)."""
        transposed = name.startswith("decoder") and "conv" not in name
        return (2, 3, 0, 1) if transposed else (3, 2, 0, 1)

    tensors = {}
    for key, a in params.items():
        a = a.transpose(axes(key)) if a.ndim == 4 else a
        tensors[key] = torch.tensor(np.ascontiguousarray(a), requires_grad=True)
    tx = torch.tensor(np.ascontiguousarray(x.transpose(0, 3, 1, 2)), requires_grad=True)
    expected = torch_logits(torch, name, tensors, tx)
    expected.backward(torch.tensor(dy.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(logits, expected.detach().numpy().transpose(0, 2, 3, 1), atol=1e-9)
    np.testing.assert_allclose(dx, tx.grad.numpy().transpose(0, 2, 3, 1), atol=1e-9)
    for key, t in tensors.items():
        grad = t.grad.numpy()
        grad = grad.transpose(np.argsort(axes(key))) if grad.ndim == 4 else grad
        np.testing.assert_allclose(grads[key], grad, atol=1e-9 * max(1, np.abs(grad).max()), err_msg=key)
