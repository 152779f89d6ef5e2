import numpy as np
import pytest

import tinysegnet.ops
from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.networks import segnet_basic
from tinysegnet.support.errors import InputError


def test_the_paper_s_number_of_parameters():
    params, stats = segnet_basic.init(0)
    assert sum(a.size for a in params.values()) == 1_416_587
    by_kind = {4: 0, 1: 0}
    for a in params.values():
        by_kind[a.ndim] += a.size
    assert by_kind == {4: 1_415_040, 1: 523 + 1024}
    assert len(stats) == 16 and all(a.shape == (64,) for a in stats.values())
    assert {a.dtype for a in (*params.values(), *stats.values())} == {np.dtype("float32")}


def test_weights_have_the_deviation_of_he_and_depend_on_the_seed_alone():
    params, _ = segnet_basic.init(0)
    assert params["encoder2.conv.w"].std() == pytest.approx(np.sqrt(2 / (49 * 64)), rel=0.02)
    again, other = segnet_basic.init(0)[0], segnet_basic.init(1)[0]
    np.testing.assert_array_equal(params["encoder2.conv.w"], again["encoder2.conv.w"])
    assert (params["encoder2.conv.w"] != other["encoder2.conv.w"]).all()


def no_kink_nearby(params, x):
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

    segnet_basic.forward(params, x, Watch())
    return min(margins) > 2e-3


@pytest.mark.parametrize(
    "size, options",
    [
        ((2, 5, 7), dict(classes=3, width=2, levels=2, kernel=3)),
        ((1, 8, 9), dict(classes=2, width=2, levels=3, kernel=3)),
        ((3, 3, 2), dict(classes=4, width=3, levels=1, kernel=5)),
    ],
)
@pytest.mark.parametrize("conv", ["auto", "fft", "im2col"])
def test_every_parameter_of_a_small_network(size, options, conv):
    ops = tinysegnet.ops.convolving_by(conv)
    for seed in range(200):
        params, _ = segnet_basic.init(seed, **options, dtype=np.float64)
        rng = np.random.default_rng(seed)
        params = {name: a + 0.1 * rng.standard_normal(a.shape) for name, a in params.items()}
        x = rng.standard_normal((*size, 3))
        if no_kink_nearby(params, x):
            break
    else:
        raise RuntimeError("no seed keeps away from the kinks")

    def forward(*arrays):
        logits, _, cache = segnet_basic.forward(dict(zip(params, arrays)), arrays[-1], ops)
        return logits, cache

    def backward(dlogits, cache):
        grads = segnet_basic.backward(dlogits, dict(cache), ops)
        return tuple(grads[name] for name in params)

    check_backward(forward, backward, *params.values(), x, names=tuple(params))


def test_predict_with_the_batch_statistics_is_forward():
    params, _ = segnet_basic.init(0, width=4, levels=3, dtype=np.float64)
    rng = np.random.default_rng(0)
    params = {name: a + 0.1 * rng.standard_normal(a.shape) for name, a in params.items()}       # biases that are not 0
    x = rng.standard_normal((2, 13, 10, 3))
    logits, batch_stats, _ = segnet_basic.forward(params, x)
    np.testing.assert_allclose(segnet_basic.predict(params, batch_stats, x), logits, rtol=1e-9, atol=1e-9)
    assert logits.shape == (2, 13, 10, 11)


def test_batch_statistics_have_the_keys_of_stats():
    params, stats = segnet_basic.init(0, width=2, levels=2)
    _, batch_stats, _ = segnet_basic.forward(params, np.ones((1, 4, 4, 3), np.float32))
    assert batch_stats.keys() == stats.keys()
    assert all(a.shape == stats[name].shape and a.dtype == np.float32 for name, a in batch_stats.items())


def test_ops_can_be_exchanged():
    """A learner's own relu is called at every level, and the backward's too."""
    calls = []

    class Mine:
        def __getattr__(self, name):
            calls.append(name)
            return getattr(tinysegnet.ops, name)

    params, stats = segnet_basic.init(0, width=2, levels=2)
    x = np.random.default_rng(0).standard_normal((1, 5, 4, 3), np.float32)
    logits, _, cache = segnet_basic.forward(params, x, Mine())
    segnet_basic.backward(logits, cache, Mine())
    segnet_basic.predict(params, stats, x, Mine())
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

    params, _ = segnet_basic.init(0, width=2, levels=2)
    logits, _, cache = segnet_basic.forward(params, np.ones((1, 4, 4, 3), np.float32))
    segnet_basic.backward(logits, cache, Watch())
    assert asked == [True, True, True, True, False]


def test_only_corners_pass_from_encoder_to_decoder():
    """Scaling an encoder's values without moving their maxima leaves the decoder's input pattern as it was."""
    params, _ = segnet_basic.init(0, width=4, levels=1, kernel=3, dtype=np.float64)
    x = np.random.default_rng(0).standard_normal((1, 6, 6, 3))
    _, _, cache = segnet_basic.forward(params, x)
    params["encoder1.norm.gamma"] *= 3
    params["encoder1.norm.beta"] *= 3
    _, _, cache_scaled = segnet_basic.forward(params, x)
    np.testing.assert_array_equal(cache["level1"][0], cache_scaled["level1"][0])
    assert cache["level1"][0].dtype == np.uint8
    unpooled, unpooled_scaled = (kept["decoder1.conv"][0] != 0 for kept in (cache, cache_scaled))
    np.testing.assert_array_equal(unpooled, unpooled_scaled)
    assert 0 < unpooled.mean() <= 1 / 4


@pytest.mark.parametrize("run", ["forward", "predict"])
def test_too_small_is_said_in_one_sentence(run):
    params, stats = segnet_basic.init(0, width=2)
    x = np.zeros((1, 16, 15, 3), np.float32)
    with pytest.raises(InputError, match=r"images of 16x15 pixels are too small .* use at least 16x16"):
        segnet_basic.forward(params, x) if run == "forward" else segnet_basic.predict(params, stats, x)
    assert segnet_basic.forward(params, np.zeros((1, 16, 16, 3), np.float32))[0].shape == (1, 16, 16, 11)
