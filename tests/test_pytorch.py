"""Every op and the whole network against PyTorch, where it is installed: an oracle that we did not write."""

import numpy as np
import pytest
from segnet_written_out import levels_of
from test_training import WEIGHTS, begun, sgd, step, street

from tinysegnet import networks, ops
from tinysegnet.data.normalisation import normalise
from tinysegnet.ops import fast, more
from tinysegnet.ops.fast import ops_with
from tinysegnet.training import optim

torch = pytest.importorskip("torch")
F = torch.nn.functional


def tensor(a):
    """(N, H, W, C) to a leaf of (N, C, H, W); other arrays as they are."""
    a = np.moveaxis(a, -1, 1) if a.ndim == 4 else a
    return torch.tensor(np.ascontiguousarray(a), requires_grad=a.dtype.kind == "f")


def kernel(w):
    return torch.tensor(np.ascontiguousarray(w.transpose(3, 2, 0, 1)), requires_grad=True)


def parameter(w):
    """An array as it is."""
    return torch.tensor(np.ascontiguousarray(w), requires_grad=True)


def nhwc(t):
    a = t.detach().numpy()
    return np.moveaxis(a, 1, -1) if a.ndim == 4 else a


def assert_close(library, expected, tolerance=1e-10):
    """Within tolerance of the largest entry."""
    assert library.shape == expected.shape
    assert np.abs(library - expected).max() <= tolerance * max(np.abs(expected).max(), 1e-3)


SIZES = [(2, 45, 60, 5), (1, 7, 4, 1), (3, 1, 5, 2)]


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("K", [1, 3, 7])
@pytest.mark.parametrize("conv", ["auto", "fft", "im2col"])
def test_conv(shape, K, conv):
    ops = ops_with(conv=conv)
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal(shape), rng.standard_normal((K, K, shape[3], 4)), rng.standard_normal(4)
    y, cache = ops.conv2d(x, w, b)
    dy = rng.standard_normal(y.shape)
    tx, tw, tb = tensor(x), kernel(w), tensor(b)
    ty = F.conv2d(tx, tw, tb, padding=K // 2)
    ty.backward(tensor(dy))
    dx, dw, db = ops.conv2d_backward(dy, cache)
    assert_close(y, nhwc(ty))
    assert_close(dx, nhwc(tx.grad))
    assert_close(dw, tw.grad.numpy().transpose(2, 3, 1, 0))
    assert_close(db, tb.grad.numpy())


@pytest.mark.parametrize("shape", SIZES)
def test_batch_norm(shape):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape))
    gamma, beta = rng.standard_normal((2, shape[3]))
    tx, tgamma, tbeta = tensor(x), tensor(gamma), tensor(beta)
    ty = F.batch_norm(tx, None, None, tgamma, tbeta, training=True, eps=1e-5)
    ty.backward(tensor(dy))
    y, (mean, var), cache = ops.batch_norm(x, gamma, beta)
    assert_close(y, nhwc(ty))
    for gradient, t in zip(ops.batch_norm_backward(dy, cache), (tx, tgamma, tbeta)):
        assert_close(gradient, nhwc(t.grad))
    inference = F.batch_norm(tx, tensor(mean).detach(), tensor(var).detach(), tgamma, tbeta, eps=1e-5)
    assert_close(ops.batch_norm_inference(x, gamma, beta, mean, var), nhwc(inference))


@pytest.mark.parametrize("shape", SIZES)
def test_pooling_and_unpooling(shape):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape)
    tx = tensor(x)
    ty, indices = F.max_pool2d(tx, 2, ceil_mode=True, return_indices=True)
    tup = F.max_unpool2d(ty, indices, 2, output_size=shape[1:3])
    y, corners = ops.max_pool(x)
    up = ops.max_unpool(y, corners, shape)
    assert_close(y, nhwc(ty))
    assert_close(up, nhwc(tup))
    dup = rng.standard_normal(shape)
    tup.backward(tensor(dup))
    assert_close(ops.max_pool_backward(ops.max_unpool_backward(dup, corners), corners, shape), nhwc(tx.grad))


def test_corners_are_pytorch_s_indices_on_ties_too():
    x = np.random.default_rng(0).integers(0, 2, (2, 45, 60, 3)).astype(float)
    _, indices = F.max_pool2d(tensor(x), 2, ceil_mode=True, return_indices=True)
    rows, columns = np.divmod(nhwc(indices), 60)
    np.testing.assert_array_equal(ops.max_pool(x)[1], 2 * (rows % 2) + columns % 2)


def test_relu():
    x, dy = np.random.default_rng(0).standard_normal((2, 2, 5, 4, 3))
    x[0, 0, 0] = 0
    tx = tensor(x)
    F.relu(tx).backward(tensor(dy))
    assert_close(ops.relu_backward(dy, ops.relu(x)[1]), nhwc(tx.grad))


def test_loss():
    rng = np.random.default_rng(0)
    logits, labels, weights = rng.standard_normal((2, 45, 60, 11)), rng.integers(0, 12, (2, 45, 60)), rng.random(11)
    tlogits = tensor(logits)
    total = F.cross_entropy(tlogits, torch.tensor(labels), torch.tensor(weights), ignore_index=11, reduction="sum")
    tloss = total / np.count_nonzero(labels != 11)
    (0.7 * tloss).backward()
    loss, cache = ops.softmax_cross_entropy(logits, labels, weights, 11)
    assert loss == pytest.approx(tloss.item(), rel=1e-12)
    assert_close(ops.softmax_cross_entropy_backward(np.asarray(0.7), cache), nhwc(tlogits.grad))


DOUBLED = [((2, 9, 7, 3), (18, 13)), ((1, 5, 6, 2), (9, 12)), ((3, 1, 4, 1), (1, 7)), ((1, 11, 30, 5), (22, 60))]


@pytest.mark.parametrize("shape, size", DOUBLED)
@pytest.mark.parametrize("K", [1, 3, 4, 6, 9])
@pytest.mark.parametrize("way", [more, fast])
def test_conv_transpose2d(shape, size, K, way):
    """PyTorch cuts off as much at both ends, and adds to the end what output_padding says; what is more is cut off."""
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal(shape), rng.standard_normal((K, K, shape[3], 4)), rng.standard_normal(4)
    dy = rng.standard_normal((shape[0], *size, 4))
    y, cache = way.conv_transpose2d(x, w, b, dy.shape)
    tx, tb, tw = tensor(x), tensor(b), parameter(w.transpose(2, 3, 0, 1))
    padding = (K - 1) // 2
    lacking = [max(0, there - (2 * (n - 1) + K - 2 * padding)) for n, there in zip(shape[1:3], size)]
    ty = F.conv_transpose2d(tx, tw, tb, stride=2, padding=padding, output_padding=lacking)
    ty = ty[:, :, : size[0], : size[1]]
    ty.backward(tensor(dy))
    dx, dw, db = way.conv_transpose2d_backward(dy, cache)
    assert_close(y, nhwc(ty))
    assert_close(dx, nhwc(tx.grad))
    assert_close(dw, tw.grad.numpy().transpose(2, 3, 0, 1))
    assert_close(db, tb.grad.numpy())


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("K", [1, 3, 7])
@pytest.mark.parametrize("way", [more, fast])
def test_depthwise_conv2d(shape, K, way):
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal(shape), rng.standard_normal((K, K, shape[3])), rng.standard_normal(shape[3])
    y, cache = way.depthwise_conv2d(x, w, b)
    dy = rng.standard_normal(y.shape)
    tx, tb, tw = tensor(x), tensor(b), parameter(w.transpose(2, 0, 1)[:, None])
    ty = F.conv2d(tx, tw, tb, padding=K // 2, groups=shape[3])
    ty.backward(tensor(dy))
    dx, dw, db = way.depthwise_conv2d_backward(dy, cache)
    assert_close(y, nhwc(ty))
    assert_close(dx, nhwc(tx.grad))
    assert_close(dw, tw.grad.numpy()[:, 0].transpose(1, 2, 0))
    assert_close(db, tb.grad.numpy())


@pytest.mark.parametrize("size", [(9, 7), (36, 28), (20, 5), (17, 13), (4, 3), (1, 1)])
@pytest.mark.parametrize("shape", [(2, 9, 7, 3), (1, 1, 5, 2)])
def test_resize_bilinear(shape, size):
    x, dy = (np.random.default_rng(0).standard_normal(s) for s in (shape, (shape[0], *size, shape[3])))
    tx = tensor(x)
    expected = F.interpolate(tx, size, mode="bilinear", align_corners=False)
    expected.backward(tensor(dy))
    y, cache = more.resize_bilinear(x, dy.shape)
    assert_close(y, nhwc(expected))
    assert_close(more.resize_bilinear_backward(dy, cache), nhwc(tx.grad))


@pytest.mark.parametrize("shape, size", DOUBLED)
def test_upsample_nearest(shape, size):
    x, dy = (np.random.default_rng(0).standard_normal(s) for s in (shape, (shape[0], *size, shape[3])))
    tx = tensor(x)
    ty = F.interpolate(tx, scale_factor=2, mode="nearest")[:, :, : size[0], : size[1]]
    ty.backward(tensor(dy))
    y, cache = more.upsample_nearest(x, dy.shape)
    assert_close(y, nhwc(ty))
    assert_close(nhwc(F.interpolate(tx, size, mode="nearest")), y)
    assert_close(more.upsample_nearest_backward(dy, cache), nhwc(tx.grad))


def test_concatenate_and_add():
    rng = np.random.default_rng(0)
    a, b, c, dy = (rng.standard_normal((2, 5, 7, channels)) for channels in (3, 4, 4, 7))
    ta, tb, tc = tensor(a), tensor(b), tensor(c)
    ty = torch.cat([ta, tb + tc], dim=1)
    ty.backward(tensor(dy))
    y, cache = more.concatenate(a, more.add(b, c))
    assert_close(y, nhwc(ty))
    da, dsum = more.concatenate_backward(dy, cache)
    for gradient, t in zip((da, dsum, dsum), (ta, tb, tc)):
        assert_close(gradient, nhwc(t.grad))


def torch_network(params, x):
    """SegNet-Basic once more, in PyTorch."""
    levels = levels_of(params)
    kept = []

    def conv_and_norm(x, block):
        w = params[f"{block}.conv.w"]
        x = F.conv2d(x, w, params[f"{block}.conv.b"], padding=w.shape[2] // 2)
        return F.batch_norm(x, None, None, params[f"{block}.norm.gamma"], params[f"{block}.norm.beta"], training=True)

    for level in range(1, levels + 1):
        x = F.relu(conv_and_norm(x, f"encoder{level}"))
        size = x.shape[2:]
        x, indices = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
        kept.append((indices, size))
    for level in range(levels, 0, -1):
        indices, size = kept.pop()
        x = conv_and_norm(F.max_unpool2d(x, indices, 2, output_size=size), f"decoder{level}")
    return F.conv2d(x, params["classifier.w"], params["classifier.b"])


@pytest.mark.parametrize(
    "size, options", [((2, 45, 60), {}), ((1, 17, 33), dict(filters=8, levels=3, kernel=5, classes=2))]
)
@pytest.mark.parametrize("conv", ["auto", "fft", "im2col"])
def test_the_whole_network(size, options, conv):
    """Loss and every gradient of the paper's network, at an odd size, in float64: within 1e-9."""
    network = networks.build("segnet-basic", **options)
    params, _ = networks.init(network, 0, np.float64)
    classes = options.get("classes", 11)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((*size, 3))
    labels = rng.integers(0, classes + 1, size)
    weights = rng.uniform(0.2, 5, classes)

    logits, _, cache = network.forward(params, x, ops_with(conv=conv))
    loss, loss_cache = ops.softmax_cross_entropy(logits, labels, weights, classes)
    dlogits = ops.softmax_cross_entropy_backward(np.ones_like(loss), loss_cache)
    dx, grads = network.backward(dlogits, cache, ops_with(conv=conv), need_dx=True)

    tparams = {name: kernel(a) if a.ndim == 4 else tensor(a) for name, a in params.items()}
    tx = tensor(x)
    tlogits = torch_network(tparams, tx)
    total = F.cross_entropy(
        tlogits, torch.tensor(labels), torch.tensor(weights), ignore_index=classes, reduction="sum"
    )
    tloss = total / np.count_nonzero(labels != classes)
    tloss.backward()

    assert_close(logits, nhwc(tlogits), 1e-9)
    assert_close(dx, nhwc(tx.grad), 1e-9)
    assert loss == pytest.approx(tloss.item(), rel=1e-9)
    assert grads.keys() == params.keys()
    for name, t in tparams.items():
        expected = t.grad.numpy().transpose(2, 3, 1, 0) if t.ndim == 4 else t.grad.numpy()
        assert_close(grads[name], expected, 1e-9)


def test_adam_is_adamw():
    rng = np.random.default_rng(3)
    params = {"w": rng.standard_normal((3, 3, 2, 4))}
    tw = torch.tensor(params["w"].copy(), requires_grad=True)
    state = optim.start("adam", params)
    adamw = torch.optim.AdamW([tw], lr=0.01, betas=(0.9, optim.BETA2), eps=optim.EPS, weight_decay=0.1)
    for _ in range(20):
        g = rng.standard_normal((3, 3, 2, 4))
        tw.grad = torch.tensor(g)
        adamw.step()
        optim.adam_step(params, {"w": g}, state, 0.01, 0.9, 0.1)
    np.testing.assert_allclose(params["w"], tw.detach().numpy(), rtol=1e-9)


@pytest.mark.parametrize("conv", ["auto", "fft", "im2col"])
def test_ten_steps_of_training(conv):
    """Forward, loss, backward, momentum and decay together: the losses pinned in test_training.py are PyTorch's."""
    images, labels = street(n=2)
    model = begun(filters=8, levels=3, kernel=5)
    optimiser = sgd(model)
    tparams = {name: kernel(a) if a.ndim == 4 else tensor(a) for name, a in model.params.items()}
    decaying = [t for t in tparams.values() if t.ndim == 4]
    others = [t for t in tparams.values() if t.ndim == 1]
    groups = [{"params": decaying, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0.0}]
    torch_sgd = torch.optim.SGD(groups, lr=0.1, momentum=0.9)
    x = tensor(normalise(images, np)).detach()
    for _ in range(10):
        logits = torch_network(tparams, x)
        total = F.cross_entropy(
            logits, torch.tensor(labels).long(), torch.tensor(WEIGHTS), ignore_index=11, reduction="sum"
        )
        loss = total / np.count_nonzero(labels != 11)
        torch_sgd.zero_grad()
        loss.backward()
        torch_sgd.step()
        library_loss = step(model, optimiser, images, labels, ops=ops_with(conv=conv))
        assert library_loss == pytest.approx(loss.item(), rel=1e-4)
