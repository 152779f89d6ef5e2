"""Ingredients of a recipe that are outside the core: data augmentation, losses, rates and averages."""

from types import SimpleNamespace

import numpy as np
import pytest
import tiny_camvid
from generators import seeds
from hypothesis import given
from PIL import Image, ImageFilter

from tinysegnet import networks
from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.data import folder
from tinysegnet.data.batches import training_batches
from tinysegnet.data.normalisation import STANDARDISED, normalise
from tinysegnet.data.relight import relight
from tinysegnet.ops import fast
from tinysegnet.training import library, loop, optim
from tinysegnet.training.averaging import averaged, averages_of, averaging
from tinysegnet.training.lovasz import lovasz_softmax, with_lovasz
from tinysegnet.training.settings import OFF, from_recipe
from tinysegnet.training.step import Criterion, train_step

VOID, CLASSES = 4, 4


def batch(seed, shape=(2, 3, 4)):
    """Logits, labels of which some do not count, class weights."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES + 1, shape)
    return rng.standard_normal((*shape, CLASSES)), labels, rng.uniform(0.5, 2, CLASSES)


# what is seen


def test_a_relit_photograph_is_another_one_each_time_and_the_same_of_one_seed():
    rng = np.random.default_rng(0)
    photograph = rng.integers(0, 256, (24, 32, 3), np.uint8)
    before = photograph.copy()
    relit = [relight(photograph, 0.5, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(photograph, before)
    np.testing.assert_array_equal(relit[0], relit[1])
    assert (relit[0] != relit[2]).any() and relit[0].dtype == np.uint8 and relit[0].shape == photograph.shape


def test_light_becomes_darker_and_brighter_redder_and_bluer_and_most_of_the_order_stays():
    grey = np.repeat(np.linspace(40, 200, 64).astype(np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    means, warmth, noise = [], [], []
    for seed in range(300):
        relit = relight(grey, 0.5, np.random.default_rng(seed)).astype(float)
        means.append(relit.mean())
        warmth.append(relit[..., 0].mean() / max(relit[..., 2].mean(), 1))
        noise.append(relit[:, 32].std())
        columns = relit.mean(axis=(0, 2))
        assert (np.diff(columns[::8]) > -2).all()                   # brighter stays brighter
    assert min(means) < 60 and max(means) > 170 and 90 < np.median(means) < 140
    assert min(warmth) < 0.8 and max(warmth) > 1.25 and abs(np.median(warmth) - 1) < 0.1
    assert 0 < np.median(noise) < 10


def drawn(gamma=0, exposure=0, contrast=0, warmth=0, blur=0, noise=0, blurred=False):
    """A generator that draws these, from -1 to 1, blur and noise from 0 on."""
    each = iter([np.array([gamma, exposure, contrast, warmth]), np.array([blur, noise])])
    return SimpleNamespace(
        uniform=lambda low, high, count: next(each), random=lambda: 0.0 if blurred else 1.0,
        standard_normal=np.random.default_rng(0).standard_normal,
    )


def test_each_part_of_a_light_by_hand():
    photograph = np.random.default_rng(0).integers(60, 140, (9, 10, 3), np.uint8)
    x, s = photograph / 255, 0.5
    by_hand = {
        "gamma": x ** np.exp(s), "exposure": x * np.exp(s), "contrast": (x - x.mean()) * np.exp(s) + x.mean(),
        "warmth": x * np.exp([s / 3, 0, -s / 3]),
    }
    for part, expected in by_hand.items():
        np.testing.assert_allclose(relight(photograph, s, drawn(**{part: 1})), 255 * expected, atol=0.51, err_msg=part)
    np.testing.assert_array_equal(relight(photograph, s, drawn()), photograph)
    image = Image.fromarray(photograph).filter(ImageFilter.GaussianBlur(0.8))
    np.testing.assert_array_equal(relight(photograph, s, drawn(blur=0.8, blurred=True)), np.asarray(image))
    noisy = relight(np.full((60, 80, 3), 128, np.uint8), s, drawn(noise=1)).astype(float)
    assert noisy.std() == pytest.approx(255 * 0.05 * s, rel=0.05)


def settings(**given):
    usual = dict(batch=2, size=(24, 32), seed=0, flip=False, scale=None, crop=None, jitter=None, epochs=4)
    return SimpleNamespace(**usual | OFF | given)


@pytest.fixture
def data(tmp_path):
    return folder.dataset(tiny_camvid.make(tmp_path / "tiny", (("train", 6), ("val", 2))))


@pytest.mark.parametrize("epoch, size", [(1, (12, 16)), (3, (12, 16)), (4, (24, 32))])
def test_crops_are_larger_in_the_last_quarter_of_the_epochs(data, epoch, size):
    given = settings(crop=0.5, late_crop=1.0)
    assert {images.shape[1:3] for images, _ in training_batches(data, given, epoch)} == {size}


def test_a_training_varies_its_photographs_as_its_settings_say(monkeypatch):
    given = []

    def augment(photograph, labels, size, ignore, rng, *varied):
        given.append((size, ignore, *varied))
        return photograph, labels

    def read(sample):
        return np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)

    monkeypatch.setattr("tinysegnet.data.batches.augment", augment)
    data = SimpleNamespace(samples=lambda split: [0], ignore=7, read=read)
    varied = {"flip": True, "scale": (0.5, 2), "crop": 0.5, "jitter": 0.3, "relight": 0.7, "late_crop": None}
    list(training_batches(data, SimpleNamespace(batch=1, size=(4, 4), seed=0, epochs=4, **varied), 1))
    assert given == [((4, 4), 7, True, (0.5, 2), 0.5, 0.3, 0.7)]


def test_a_standardised_input_does_not_know_brightness_and_contrast():
    rng = np.random.default_rng(0)
    image = rng.integers(60, 120, (1, 8, 9, 3), np.uint8)
    x = normalise(image, np, STANDARDISED)
    assert x.dtype == np.float32 and np.abs(x.mean(axis=(1, 2))).max() < 1e-4
    np.testing.assert_allclose(x.std(axis=(1, 2)), 1, atol=0.06)
    both = normalise(np.concatenate([image, 2 * image - 20]), np, STANDARDISED)
    np.testing.assert_allclose(both[1], both[0], atol=0.06)
    np.testing.assert_allclose(both[0], x[0], rtol=1e-5, atol=1e-6)                 # each image by itself
    assert np.isfinite(normalise(np.full_like(image, 7), np, STANDARDISED)).all()


def test_the_loss_is_that_of_softmax_and_its_share_of_lovasz():
    logits, labels, weights = batch(4)
    plain = fast.softmax_cross_entropy(logits, labels, weights, VOID)[0]
    both = with_lovasz(fast, 0.7).softmax_cross_entropy(logits, labels, weights, VOID)[0]
    assert both - plain == pytest.approx(0.7 * lovasz_softmax(fast.softmax(logits), labels, VOID)[0])


def test_a_standardised_input_loses_no_digits_to_long_sums():
    """One sum over all pixels of a bright photograph is off by some tenths of a grey value in float32."""
    noise = np.random.default_rng(0).integers(-1, 2, (1, 360, 480, 3))
    for image in (np.full((1, 360, 480, 3), 201, np.uint8), (201 + noise).astype(np.uint8)):
        centred = image - image.mean(axis=(1, 2), keepdims=True)
        expected = centred / (image.std(axis=(1, 2), keepdims=True) + 1)            # in float64
        np.testing.assert_allclose(normalise(image, np, STANDARDISED), expected, atol=1e-4)


# the loss


def test_a_setting_of_the_loss_arrives():
    logits, labels, weights = batch(4)
    losses = []
    for changes in ({}, {"lovasz": 0.5}):
        settings = from_recipe("best", data="streets", size=(24, 32), steps=10, **changes)
        losses.append(library.functions(settings, None).ops.softmax_cross_entropy(logits, labels, weights, VOID)[0])
    assert abs(losses[0] - losses[1]) > 1e-3


@given(seeds)
def test_the_gradient_of_the_loss(seed):
    ops, (logits, labels, weights) = with_lovasz(fast, 0.7), batch(seed)

    def loss(logits):
        return ops.softmax_cross_entropy(logits, labels, weights, VOID)

    check_backward(loss, ops.softmax_cross_entropy_backward, logits, names=("logits",), mistakes=None, seed=seed)


def test_without_a_labelled_pixel_the_loss_is_0_and_so_is_its_gradient():
    ops, (logits, labels, weights) = with_lovasz(fast, 0.7), batch(0)
    logits = logits.astype(np.float32)
    for void, is_zero in ((np.full_like(labels, VOID), True), (labels, False)):
        loss, cache = ops.softmax_cross_entropy(logits, void, weights, VOID)
        dlogits = ops.softmax_cross_entropy_backward(np.ones((), np.float32), cache)
        assert loss.dtype == dlogits.dtype == np.float32 and (loss == 0) == (not dlogits.any()) == is_zero


def test_lovasz_of_a_decided_network_is_one_less_the_iou():
    """Where each probability is 0 or 1, the extension is what it extends; of classes that the batch has."""
    rng = np.random.default_rng(3)
    labels, predicted = rng.integers(0, 3, (2, 5, 6)), rng.integers(0, CLASSES, (2, 5, 6))
    labels[0, 0] = VOID
    p = np.eye(CLASSES)[predicted]
    counted = labels != VOID
    ious = [((labels == k) & (predicted == k))[counted].sum() / ((labels == k) | (predicted == k))[counted].sum()
            for k in range(3)]
    assert lovasz_softmax(p, labels, VOID)[0] == pytest.approx(1 - np.mean(ious), rel=1e-12)


# how a training goes


def test_averages_by_hand():
    params = {"w": np.array([1.0, 2.0], np.float32)}
    grads = {"w": np.array([1.0, -2.0], np.float32)}
    state = optim.start("sgd", params) | averages_of(params)
    update, expected = averaging(optim.sgd_step, 0.5), params["w"].astype(float)
    for step in range(12):
        update(params, grads, state, 0.1, 0.9, 0.0, set())
        d = min((step + 1) / (step + 10), 0.5)
        expected = d * expected + (1 - d) * params["w"]
    np.testing.assert_allclose(averaged(params, state)["w"], expected, rtol=1e-5)
    assert averaged(params, state)["w"].dtype == np.float32 and (averaged(params, state)["w"] != params["w"]).all()


def test_a_step_with_averages_moves_the_weights_as_one_without():
    network = networks.build("segnet-basic", classes=3, filters=2, levels=1, kernel=3)
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((1, 4, 6, 3)).astype("f"), rng.integers(0, 3, (1, 4, 6))
    after = []
    for average in (None, 0.99):
        params, stats = networks.init(network, 0)
        state = loop.start(SimpleNamespace(optimiser="adam", average=average), params)
        update = averaging(optim.adam_step, average) if average else optim.adam_step
        optimiser = optim.Optimiser(update, state, decays=network.decays)
        model = SimpleNamespace(network=network, params=params, stats=stats)
        train_step(model, optimiser, (x, labels), Criterion(np.ones(3), 255), 0.1, fast)
        after.append(params)
    for name, w in after[0].items():
        np.testing.assert_array_equal(after[1][name], w)
