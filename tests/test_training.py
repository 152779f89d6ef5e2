from types import SimpleNamespace

import numpy as np
import pytest

from tinysegnet import metrics
from tinysegnet.data import normalisation as inputs
from tinysegnet.data.augment import resize_photograph
from tinysegnet.networks import segnet_basic
from tinysegnet.ops import convolving_by
from tinysegnet.ops.more.resize import resize_bilinear
from tinysegnet.support.errors import InputError
from tinysegnet.training import loop as training
from tinysegnet.training import optim, recipes


def street(n=1, height=18, width=26, seed=0):
    """Bands of three classes with a rectangle of a fourth, in colours with noise."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((n, height, width), np.uint8)
    labels[:, 6:] = 1
    labels[:, 12:] = 2
    labels[:, 4:9, 10:16] = 3
    labels[:, 13:16, 2:7] = 0                          # not the same seen in a mirror
    labels[:, 0, 0] = 11
    colours = rng.integers(0, 256, (12, 3))
    images = np.clip(colours[labels] + rng.normal(0, 20, (n, height, width, 3)), 0, 255).astype(np.uint8)
    return images, labels


def looking_at(*size, test_scales=None):
    return {"classes": "abcdefghijk", "size": size, "input": inputs.CENTRED, "test_scales": test_scales}


WEIGHTS = np.linspace(0.5, 2, 11, dtype=np.float32)


def start(seed=0, **options):
    params, stats = segnet_basic.init(seed, **options)
    return params, stats, {name: np.zeros_like(a) for name, a in params.items()}


def test_one_image_is_learnt_by_heart():
    images, labels = street()
    params, stats, velocity = start(classes=4, width=16, levels=2, kernel=5)
    losses = [
        float(training.train_step(params, stats, velocity, images, labels, np.ones(4, "f"), 11, 0.05))
        for _ in range(80)
    ]
    assert losses[0] > 1 and losses[-1] < 0.05
    counts = training.evaluate(params, stats, looking_at(18, 26) | {"classes": "abcd"}, zip(images, labels), 11)
    assert metrics.global_accuracy(counts) > 0.99 and metrics.mean_iou(counts) > 0.97


def test_ten_steps_are_pinned():
    """A change of any op, of the initial weights or of the optimiser moves these losses."""
    expected = [2.118265, 1.96638, 1.736814, 1.482002, 1.212415, 0.967215, 0.769824, 0.62774, 0.511555, 0.437504]
    images, labels = street(n=2)
    params, stats, velocity = start(width=8, levels=3, kernel=5)
    losses = [
        float(training.train_step(params, stats, velocity, images, labels, WEIGHTS, 11, 0.1)) for _ in range(10)
    ]
    np.testing.assert_allclose(losses, expected, rtol=1e-4)


def test_twenty_steps_are_the_same_by_either_convolution():
    """The whole network at a size of several tiles, in float32: within the rounding that twenty steps make of it."""
    images, labels = street(n=2, height=44, width=60)
    losses = {}
    for way in ("fft", "im2col"):
        params, stats, velocity = start(width=16)
        state = params, stats, velocity, images, labels, WEIGHTS, 11, 0.05
        losses[way] = [float(training.train_step(*state, ops=convolving_by(way))) for _ in range(20)]
    np.testing.assert_allclose(losses["fft"], losses["im2col"], rtol=1e-3)
    assert losses["fft"][-1] < losses["fft"][0] / 2


def test_running_statistics_keep_nine_tenths():
    images, labels = street(n=2)
    params, stats, velocity = start(width=2, levels=1)
    _, batch_stats, _ = segnet_basic.forward(params, training.normalise(images, np))
    training.train_step(params, stats, velocity, images, labels, np.ones(11, "f"), 11, 0.1)
    for name, value in batch_stats.items():
        first = 1.0 if name.endswith("var") else 0.0
        np.testing.assert_allclose(stats[name], 0.9 * first + 0.1 * value, rtol=1e-5, atol=1e-7)


def test_exact_statistics_are_the_mean_over_the_batches():
    batches = [street(n=2, seed=seed) for seed in range(3)]
    params, _, _ = start(width=2, levels=1)
    exact = training.exact_statistics(params, batches)
    each = [segnet_basic.forward(params, training.normalise(images, np))[1] for images, _ in batches]
    for name, value in exact.items():
        np.testing.assert_allclose(value, np.mean([stats[name] for stats in each], axis=0), rtol=1e-6)
        assert value.dtype == np.float32


def test_input_is_centred():
    x = training.normalise(np.array([[[[0, 255, 51]]]], np.uint8), np)
    np.testing.assert_allclose(x, [[[[-0.5, 0.5, -0.3]]]], rtol=1e-6)
    assert x.dtype == np.float32


SETTINGS = {"lr": 0.1, "schedule": "constant", "momentum": 0.9, "weight_decay": 5e-4, "epochs": 2, "steps": 3,
            "input": inputs.CENTRED, "optimiser": "sgd"}


def test_local_response_normalisation_by_hand():
    image = np.array([[[[0, 0, 0], [100, 0, 200]]]], np.uint8)
    factor = (1 + 1e-4 / 5 * (100**2 + 200**2)) ** -0.75
    expected = [[[[0, 0, 0], [100 * factor, 0, 200 * factor]]]]
    x = inputs.normalise(image, np, inputs.LOCAL_RESPONSE)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, expected, rtol=1e-6)


def test_every_recipe_says_all():
    assert len({tuple(sorted(recipe)) for recipe in recipes.RECIPES.values()}) == 1
    assert {recipe["input"] for recipe in recipes.RECIPES.values()} <= set(inputs.INPUTS)
    assert {recipe["select"] for recipe in recipes.RECIPES.values()} <= {"mIoU", "G"}
    assert {recipe["optimiser"] for recipe in recipes.RECIPES.values()} == set(optim.STEPS)


def test_an_epoch_yields_each_loss():
    batches = [street(n=2), street(n=2, seed=1), street(n=1, seed=2)]
    weights = np.ones(11, np.float32)
    yielded = list(training.train_steps(*start(width=4, levels=2), batches, weights, 11, SETTINGS, 0))
    params, stats, velocity = start(width=4, levels=2)
    assert yielded == [
        float(training.train_step(params, stats, velocity, *batch, weights, 11, 0.1)) for batch in batches
    ]
    assert list(training.train_steps(params, stats, velocity, [], weights, 11, SETTINGS, 0)) == []


def test_the_optimiser_and_its_numbers_come_from_the_settings(monkeypatch):
    seen = []
    monkeypatch.setattr(training, "train_step", lambda *args: seen.append((*args[-6:-3], args[-1])) or np.asarray(1.0))
    settings = SETTINGS | {"schedule": "cosine", "momentum": 0.5, "weight_decay": 0.25, "lr": 2.0, "optimiser": "adam"}
    list(training.train_steps({}, {}, {}, [street()] * 4, None, 11, settings, 2))
    rates = [1 + np.cos(np.pi * done / 6) for done in (2, 3, 4, 5)]                     # 6 steps in all
    np.testing.assert_allclose([numbers for *numbers, _ in seen], [(rate, 0.5, 0.25) for rate in rates])
    assert {step for *_, step in seen} == {optim.adam_step}


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("losses", [[1.0, 2.0, None], [1.0, None, 2.0], [None]])
def test_a_loss_that_is_not_a_number_stops_the_epoch(monkeypatch, losses, value):
    losses = [value if loss is None else loss for loss in losses]
    coming = iter(losses)
    monkeypatch.setattr(training, "train_step", lambda *args: np.asarray(next(coming)))
    steps = training.train_steps(*start(width=2, levels=1), [street()] * len(losses), None, 11, SETTINGS, 40)
    bad = losses.index(value)
    for loss in losses[:bad]:
        assert next(steps) == loss
    message = rf"the loss became {value} at step {41 + bad}, first in the loss itself: train again with a lower --lr"
    with pytest.raises(InputError, match=message):
        next(steps)


@pytest.mark.parametrize(
    "name, value, culprit",
    [
        ("encoder2.conv.b", np.nan, "the parameter encoder2.conv.b, after the step before"),
        ("encoder2.conv.w", 1e38, "the output of encoder2.conv"),
        ("decoder1.norm.gamma", 3e38, "the output of decoder1.norm"),
        ("classifier.w", 3e38, "the output of classifier"),
    ],
)
def test_the_first_layer_with_a_nan_is_named(name, value, culprit):
    """The parameters are those from before the step: the step itself has spoilt all of them."""
    params, stats, velocity = start(width=4, levels=2)
    params[name][...] = value
    with np.errstate(all="ignore"), pytest.raises(InputError, match=rf"at step 1, first in {culprit}: train again"):
        list(training.train_steps(params, stats, velocity, [street(), street()], np.ones(11, "f"), 11, SETTINGS, 0))


def test_evaluation_judges_at_the_size_of_the_labels():
    """A network run at half size gives a prediction for every pixel of the annotation, from the statistics given."""
    params, _, _ = start(width=2, levels=1)
    stats = {name: np.full(2, 0.3, np.float32) for name in start(width=2, levels=1)[1]}
    images, _ = street(height=9, width=13)
    _, labels = street(height=18, width=26)
    logits = segnet_basic.predict(params, stats, training.normalise(images, np))
    predicted = resize_bilinear(logits, 18, 26).argmax(axis=3)
    expected = np.zeros((11, 11), int)
    for label, answer in zip(labels.ravel(), predicted.ravel()):
        if label != 11:
            expected[label, answer] += 1
    assert len(np.unique(predicted)) > 2
    found = training.evaluate(params, stats, looking_at(9, 13), zip(images, labels), 11)
    np.testing.assert_array_equal(found, expected)


def test_what_several_looks_see_is_summed():
    """At each scale as it is and in a mirror, and turned back: the sum of the logits decides."""
    params, stats, _ = start(width=2, levels=1)
    photograph = street()[0][0]                                     # 18x26
    total = 0
    for size in ((12, 16), (9, 12)):
        for step in (1, -1):
            seen = resize_photograph(photograph, size)[:, ::step]
            logits = segnet_basic.predict(params, stats, training.normalise(seen[None], np))
            total += resize_bilinear(logits, 36, 52)[0, :, ::step]
    about = looking_at(12, 16, test_scales=[1, 0.75])
    predicted = training.classify(params, stats, about, photograph, 36, 52)
    assert (predicted == total.argmax(axis=2)).mean() > 0.999       # but for ties in rounding
    once = training.classify(params, stats, about | {"test_scales": None}, photograph, 36, 52)
    assert (once != predicted).any()
    mirrored = training.classify(params, stats, about, photograph[:, ::-1], 36, 52)
    assert (mirrored[:, ::-1] == predicted).mean() > 0.999
    assert training.how_seen(about) == "seen at 12x16 and 9x12, as it is and in a mirror"
    assert training.how_seen(looking_at(12, 16)) == "seen at 12x16"


def test_bilinear_resizing_by_hand():
    x = np.array([[0.0, 4.0]], np.float32)[None, :, :, None]
    np.testing.assert_array_equal(resize_bilinear(x, 1, 4)[0, 0, :, 0], [0, 1, 3, 4])
    np.testing.assert_array_equal(resize_bilinear(x.swapaxes(1, 2), 4, 1)[0, :, 0, 0], [0, 1, 3, 4])
    assert resize_bilinear(x, 3, 5).dtype == np.float32 and resize_bilinear(x, 3, 5).shape == (1, 3, 5, 1)


def test_a_large_result_comes_in_bands(monkeypatch):
    from tinysegnet.ops.more import resize

    x = np.random.default_rng(0).standard_normal((2, 5, 4, 3))
    whole = resize_bilinear(x, 17, 9)
    monkeypatch.setattr(resize, "BAND_PIXELS", 30)                  # three rows of nine
    bands = list(resize.resized_bands(x, 17, 9))
    assert [band.shape for band in bands] == [(2, 3, 9, 3)] * 5 + [(2, 2, 9, 3)]
    np.testing.assert_allclose(np.concatenate(bands, axis=1), whole, rtol=1e-12)
    as_it_is = list(resize.resized_bands(whole, 17, 9))             # in the same bands, to be added to others
    assert [band.shape for band in as_it_is] == [band.shape for band in bands]
    np.testing.assert_array_equal(np.concatenate(as_it_is, axis=1), whole)


def test_the_examples_are_spread_over_val():
    """Of seven pictures the first, the last and two between, each with its own truth, judged at the truth's size."""
    params, stats, _ = start(width=2, levels=1)
    pictures = [street(height=8, width=10, seed=seed) for seed in range(7)]
    data = SimpleNamespace(samples=lambda split: range(7), read=lambda i: (pictures[i][0][0], pictures[i][1][0]))
    seen = list(training.examples(params, stats, looking_at(4, 6), data))
    for (photograph, labels, predicted), i in zip(seen, (0, 2, 4, 6), strict=True):
        np.testing.assert_array_equal(photograph, pictures[i][0][0])
        np.testing.assert_array_equal(labels, pictures[i][1][0])
        again = training.classify(params, stats, looking_at(4, 6), photograph, 8, 10)
        np.testing.assert_array_equal(predicted, again)
    data.samples = lambda split: range(2)
    assert len(list(training.examples(params, stats, looking_at(4, 6), data))) == 2
