import tracemalloc

import numpy as np
import pytest
import segnet_written_out
from test_threads import with_threads

import tinysegnet.ops
from tinysegnet import inference, networks
from tinysegnet.checker.finite_differences import numerical_gradient
from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.networks import blocks
from tinysegnet.ops import fast
from tinysegnet.ops.fast import ops_with
from tinysegnet.support.errors import InputError


def begun(seed=0, dtype=np.float32, **arguments):
    """A SegNet-Basic, its params and its stats before the first step."""
    network = networks.build("segnet-basic", **arguments)
    return network, *networks.init(network, seed, dtype)


def moved(params, rng):
    """Biases that are not 0, scales that are not 1."""
    return {name: a + (0.1 * rng.standard_normal(a.shape)).astype(a.dtype) for name, a in params.items()}


def test_the_paper_s_number_of_parameters():
    _, params, stats = begun()
    assert sum(a.size for a in params.values()) == 1_416_587
    by_kind = {4: 0, 1: 0}
    for a in params.values():
        by_kind[a.ndim] += a.size
    assert by_kind == {4: 1_415_040, 1: 523 + 1024}
    assert len(stats) == 16 and all(a.shape == (64,) for a in stats.values())
    assert {a.dtype for a in (*params.values(), *stats.values())} == {np.dtype("float32")}


def test_weights_have_the_deviation_of_he_and_depend_on_the_seed_alone():
    _, params, _ = begun()
    assert params["encoder2.conv.w"].std() == pytest.approx(np.sqrt(2 / (49 * 64)), rel=0.02)
    (_, again, _), (_, other, _) = begun(), begun(1)
    np.testing.assert_array_equal(params["encoder2.conv.w"], again["encoder2.conv.w"])
    assert (params["encoder2.conv.w"] != other["encoder2.conv.w"]).all()


def unused(cache):
    """A copy for one use: backward uses a cache up, and those of its blocks that are lists too."""
    return [list(one) if isinstance(one, list) else one for one in cache]


def no_kink_nearby(network, params, x):
    """Whether no ReLU input is close to 0 and no two maxima of a window close to one another."""
    margins = []

    class Watch:
        def __getattr__(self, name):
            return getattr(tinysegnet.ops, name)

        def relu(self, x):
            margins.append(np.abs(x).min())
            return tinysegnet.ops.relu(x)

        def max_pool(self, x):
            y, corners = tinysegnet.ops.max_pool(x)
            second = np.where(tinysegnet.ops.max_unpool(np.ones_like(y), corners, x.shape) > 0, -1.0, x)
            gap = y - tinysegnet.ops.max_pool(second)[0]
            margins.append(gap[y > 0].min(initial=1))           # a window of zeros stays one
            return y, corners

    network.forward(params, x, Watch())
    return min(margins) > 2e-3


TWO_LEVELS = (2, 5, 7), dict(classes=3, filters=2, levels=2, kernel=3)
THREE_LEVELS = (1, 8, 9), dict(classes=2, filters=2, levels=3, kernel=3)
ONE_LEVEL = (3, 3, 2), dict(classes=4, filters=3, levels=1, kernel=5)


@pytest.mark.parametrize(
    "size, options, conv",
    [
        (*TWO_LEVELS, "auto"), (*THREE_LEVELS, "auto"), (*ONE_LEVEL, "auto"),
        *((*TWO_LEVELS, conv) for conv in ("fft", "winograd", "im2col")),
    ],
)
def test_every_parameter_of_a_small_network(size, options, conv):
    ops = ops_with(conv=conv)
    for seed in range(200):
        network, params, _ = begun(seed, np.float64, **options)
        rng = np.random.default_rng(seed)
        params = moved(params, rng)
        x = rng.standard_normal((*size, 3))
        if no_kink_nearby(network, params, x):
            break
    else:
        raise RuntimeError("no seed keeps away from the kinks")

    def forward(*arrays):
        logits, _, cache = network.forward(dict(zip(params, arrays)), arrays[-1], ops)
        return logits, cache

    def backward(dlogits, cache):
        _, grads = network.backward(dlogits, unused(cache), ops)
        return tuple(grads[name] for name in params)

    check_backward(forward, backward, *params.values(), x, names=tuple(params))


def test_predict_with_the_batch_statistics_is_forward():
    network, params, _ = begun(0, np.float64, filters=4, levels=3)
    rng = np.random.default_rng(0)
    params = moved(params, rng)
    x = rng.standard_normal((2, 13, 10, 3))
    logits, batch_stats, _ = network.forward(params, x)
    np.testing.assert_allclose(network.predict(params, batch_stats, x), logits, rtol=1e-9, atol=1e-9)
    assert logits.shape == (2, 13, 10, 11)


def test_batch_statistics_have_the_keys_of_stats():
    network, params, stats = begun(filters=2, levels=2)
    _, batch_stats, _ = network.forward(params, np.ones((1, 4, 4, 3), np.float32))
    assert batch_stats.keys() == stats.keys()
    assert all(a.shape == stats[name].shape and a.dtype == np.float32 for name, a in batch_stats.items())


def test_ops_can_be_exchanged():
    """A learner's own relu is called at every level, and the backward's too."""
    calls = []

    class Mine:
        def __getattr__(self, name):
            calls.append(name)
            return getattr(tinysegnet.ops, name)

    network, params, stats = begun(filters=2, levels=2)
    x = np.random.default_rng(0).standard_normal((1, 5, 4, 3), np.float32)
    logits, _, cache = network.forward(params, x, Mine())
    network.backward(logits, cache, Mine())
    network.predict(params, stats, x, Mine())
    assert [calls.count(name) for name in ("relu", "relu_backward", "conv2d", "conv2d_backward")] == [4, 2, 10, 5]
    assert calls.count("max_unpool") == 4 and calls.count("fold_batch_norm") == 4


def test_the_image_gets_no_gradient():
    """The first convolution is the largest, and nobody asks for its dx."""
    asked = []

    class Watch:
        def __getattr__(self, name):
            return getattr(tinysegnet.ops, name)

        def conv2d_backward(self, dy, cache, need_dx=True):
            asked.append(need_dx)
            return tinysegnet.ops.conv2d_backward(dy, cache, need_dx)

    network, params, _ = begun(filters=2, levels=2)
    logits, _, cache = network.forward(params, np.ones((1, 4, 4, 3), np.float32))
    network.backward(logits, cache, Watch())
    assert asked == [True, True, True, True, False]


def test_only_corners_pass_from_encoder_to_decoder():
    """Scaling an encoder's values without moving their maxima leaves the decoder's input pattern as it was."""
    network, params, _ = begun(0, np.float64, filters=4, levels=1, kernel=3)
    x = np.random.default_rng(0).standard_normal((1, 6, 6, 3))
    unpooled, corners = [], []

    def max_unpool(x, at, shape):
        corners.append(at)
        unpooled.append(tinysegnet.ops.max_unpool(x, at, shape))
        return unpooled[-1]

    network.forward(params, x, ops_with(max_unpool=max_unpool))
    params["encoder1.norm.gamma"] *= 3
    params["encoder1.norm.beta"] *= 3
    network.forward(params, x, ops_with(max_unpool=max_unpool))
    np.testing.assert_array_equal(*corners)
    assert corners[0].dtype == np.uint8
    np.testing.assert_array_equal(unpooled[0] != 0, unpooled[1] != 0)
    assert (unpooled[0] != unpooled[1]).any() and 0 < (unpooled[0] != 0).mean() <= 1 / 4


@pytest.mark.parametrize("run", ["forward", "predict"])
def test_too_small_is_said_in_one_sentence(run):
    network, params, stats = begun(filters=2)
    x = np.zeros((1, 16, 15, 3), np.float32)
    with pytest.raises(InputError, match=r"images of 16x15 pixels are too small .* use at least 16x16"):
        network.forward(params, x) if run == "forward" else network.predict(params, stats, x)
    assert network.forward(params, np.zeros((1, 16, 16, 3), np.float32))[0].shape == (1, 16, 16, 11)


SIZES = (2, 21, 26), (1, 9, 13), (3, 17, 8)


@pytest.mark.parametrize("conv", ["auto", "fft", "im2col"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("levels, kernel", [(1, 5), (2, 7), (3, 3)])
@pytest.mark.parametrize("size", SIZES)
def test_it_is_what_is_written_out_line_by_line_to_the_bit(size, levels, kernel, dtype, conv):
    ops, rng = ops_with(conv=conv), np.random.default_rng(0)
    network, params, stats = begun(1, dtype, classes=5, filters=6, levels=levels, kernel=kernel)
    params, x = moved(params, rng), rng.standard_normal((*size, 3)).astype(dtype)
    stats = {name: a + rng.uniform(0, 1, a.shape).astype(dtype) for name, a in stats.items()}
    logits, batch_stats, cache = network.forward(params, x, ops)
    expected, expected_stats, expected_cache = segnet_written_out.forward(params, x, ops)
    assert logits.dtype == dtype
    same(logits, expected)
    same(batch_stats, expected_stats)
    dlogits = rng.standard_normal(logits.shape).astype(dtype)
    dx, grads = network.backward(dlogits, unused(cache), ops)
    _, expected_grads = segnet_written_out.backward(dlogits, dict(expected_cache), ops)
    assert dx is None
    same(grads, expected_grads)
    dx, grads = network.backward(dlogits, cache, ops, need_dx=True)
    expected_dx, expected_grads = segnet_written_out.backward(dlogits, expected_cache, ops, need_dx=True)
    same(dx, expected_dx)
    same(grads, expected_grads)
    expected = segnet_written_out.predict(params, stats, x, ops)
    same(network.predict(params, stats, x, ops), expected)
    same(network.predict(inference.fold_all(params, stats, ops), None, x, ops), expected)


def same(actual, expected):
    """To the bit: arrays, or dicts of them with the same keys in any order."""
    if isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        for name in expected:
            same(actual[name], expected[name])
    else:
        assert actual.dtype == expected.dtype and actual.shape == expected.shape
        assert actual.tobytes() == expected.tobytes()


def test_it_needs_no_more_memory_than_what_is_written_out(monkeypatch):
    """At its peak: caches go as they are used, and no gradient is held longer than the next one takes. On one thread,
    as what two have at hand at one moment is chance."""
    with_threads(1, monkeypatch)
    network, params, stats = begun()
    x = np.random.default_rng(0).standard_normal((1, 90, 120, 3), np.float32)

    def step(network):
        logits, _, cache = network.forward(params, x, fast)
        network.backward(logits, cache, fast)

    assert peak(lambda: step(network)) <= 1.05 * peak(lambda: step(segnet_written_out))
    of_blocks = peak(lambda: network.predict(params, stats, x, fast))
    assert of_blocks <= 1.05 * peak(lambda: segnet_written_out.predict(params, stats, x, fast))


def peak(do):
    tracemalloc.start()
    try:
        do()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_cache_serves_once():
    network, params, _ = begun(filters=2, levels=2)
    logits, _, cache = network.forward(params, np.ones((1, 4, 4, 3), np.float32))
    network.backward(logits, cache)
    assert cache == []
    with pytest.raises(ValueError, match="this cache has been used up: call forward again"):
        network.backward(logits, cache)


def test_two_blocks_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two blocks have a parameter of the same name"):
        blocks.chain(blocks.conv("a", 3, 2, 3), blocks.relu(), blocks.conv("a", 2, 2, 3))
    with pytest.raises(ValueError, match="two blocks have a parameter of the same name"):
        blocks.chain(*blocks.conv_norm("a", 3, 2, 3), blocks.relu(), *blocks.conv_norm("a", 2, 2, 3))


@pytest.mark.parametrize(
    "name, arguments, message",
    [
        ("segment", {}, r"there is no network 'segment': choose one of segnet-basic, segnet"),
        ("segnet-basic", {"width": 8}, r"no argument 'width': it takes classes, filters, levels, kernel"),
        ("segnet-basic", {"kernel": 4}, r"segnet-basic: kernel should be odd, so that it has a centre, got 4"),
        ("segnet-basic", {"levels": 10000}, r"levels should be a whole number from 1 to 9999, got 10000"),
        ("segnet-basic", {"levels": 0}, r"levels should be a whole number from 1 to 9999, got 0"),
        ("segnet-basic", {"filters": 0}, r"filters should be a whole number from 1 to 9999, got 0"),
        ("segnet-basic", {"filters": "8"}, r"filters should be a whole number from 1 to 9999, got '8'"),
        ("segnet-basic", {"filters": True}, r"filters should be a whole number from 1 to 9999, got True"),
        ("segnet-basic", {"classes": 2.0}, r"classes should be a whole number from 1 to 9999, got 2\.0"),
    ],
)
def test_a_network_that_cannot_be_built_is_said(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        networks.build(name, **arguments)


def test_what_is_right_at_the_edge_can_be_built():
    assert networks.build("segnet-basic", levels=12, filters=1, classes=1, kernel=1).levels == 12


@pytest.mark.parametrize("conv", ["fft", "im2col"])
def test_the_image_s_gradient_is_there_if_it_is_asked_for(conv):
    ops, rng = ops_with(conv=conv), np.random.default_rng(0)
    for seed in range(200):
        network, params, _ = begun(seed, np.float64, classes=2, filters=2, levels=1, kernel=3)
        params, x = moved(params, rng), rng.standard_normal((1, 4, 5, 3))
        if no_kink_nearby(network, params, x):
            break
    else:
        raise RuntimeError("no seed keeps away from the kinks")
    logits, _, cache = network.forward(params, x, ops)
    dlogits = rng.standard_normal(logits.shape)
    dx, _ = network.backward(dlogits, cache, ops, need_dx=True)
    truth = numerical_gradient(lambda x: (network.forward(params, x, ops)[0] * dlogits).sum(), x)
    np.testing.assert_allclose(dx, truth, rtol=1e-5, atol=1e-6 * np.abs(truth).max())


def test_the_weights_of_convolutions_decay_and_nothing_else():
    network, params, _ = begun(filters=2)
    assert network.decays == {name for name, a in params.items() if a.ndim == 4}
    assert network.decays == {name for name in params if name.endswith(".w")} and len(network.decays) == 9


def test_shapes_are_those_of_what_is_drawn():
    network, params, stats = begun(classes=3, filters=5, levels=2, kernel=3)
    assert network.shapes == {name: a.shape for name, a in params.items()} and [*network.shapes] == [*params]
    assert network.stats == {name: a.shape for name, a in stats.items()} and network.levels == 2


def test_two_poolings_of_one_name_are_refused():
    """The second would put its corners in the place of the first's, and both unpoolings would take them."""
    twice = blocks.chain(blocks.pool("a"), blocks.pool("a"))
    with pytest.raises(ValueError, match="pool: two of one chain are called 'a'"):
        twice.forward({}, np.zeros((1, 8, 8, 2), np.float32))


def test_segnet_is_the_paper_s():
    """Badrinarayanan et al., section 3: VGG16's 13 convolutions, 13 in the decoder, of 3 x 3; 29.45 M parameters."""
    network = networks.build("segnet")
    kernels = [shape for shape in network.shapes.values() if len(shape) == 4]
    assert len(kernels) == 26 and {shape[:2] for shape in kernels} == {(3, 3)}
    filters = [shape[3] for shape in kernels]
    assert filters[:13] == [64, 64, 128, 128, 256, 256, 256, *[512] * 6]
    assert filters[13:] == [*[512] * 5, 256, 256, 256, 128, 128, 64, 64, 11]
    assert [shape[2] for shape in kernels] == [3, *filters[:-1]]
    assert sum(np.prod(shape) for shape in network.shapes.values()) == 29_449_355
    assert network.levels == 5


def test_segnet_has_the_operations_of_the_paper_in_their_order():
    """Section 3: batch norm and ReLU after each convolution but the last, five poolings and their unpoolings."""
    calls = []

    class Watch:
        def __getattr__(self, name):
            calls.append(name)
            return getattr(tinysegnet.ops, name)

    network = networks.build("segnet", classes=2, filters=1)
    params, _ = networks.init(network, 0)
    network.forward(params, np.zeros((1, 32, 32, 3), np.float32), Watch())
    layer = ["conv2d", "batch_norm", "relu"]
    expected = []
    for convolutions in (2, 2, 3, 3, 3):
        expected += convolutions * layer + ["max_pool"]
    for convolutions in (3, 3, 3, 2, 2):
        expected += ["max_unpool"] + convolutions * layer
    assert calls == expected[:-2]               # the last is a convolution alone


def test_every_gradient_of_a_small_segnet_along_a_direction():
    """Central differences of a weighted sum of the logits, for one direction of each parameter; odd sizes. By the
    plain operations test_more_networks has it."""
    rng, ops = np.random.default_rng(0), ops_with(conv="winograd")
    network = networks.build("segnet", filters=2, classes=3)
    params = moved(networks.init(network, 0, np.float64)[0], rng)
    x = rng.standard_normal((2, 35, 33, 3))
    logits, _, cache = network.forward(params, x, ops)
    dy = rng.standard_normal(logits.shape)
    _, grads = network.backward(dy, cache, ops)
    assert list(grads) and grads.keys() == params.keys()

    def along(name, direction, step):
        return (network.forward(params | {name: params[name] + step * direction}, x, ops)[0] * dy).sum()

    scale = max(np.abs(grad).max() for grad in grads.values())
    for name, grad in grads.items():
        direction, step = rng.standard_normal(grad.shape), 1e-6
        direction /= np.linalg.norm(direction)
        slope = (along(name, direction, step) - along(name, direction, -step)) / (2 * step)
        assert abs((grad * direction).sum() - slope) < 1e-6 * scale, name
