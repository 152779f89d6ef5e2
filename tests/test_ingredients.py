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
from tinysegnet.data.oversampling import balanced_order
from tinysegnet.data.paste import paste
from tinysegnet.data.relight import relight
from tinysegnet.ops import fast
from tinysegnet.ops.fast import ops_with
from tinysegnet.support.errors import InputError
from tinysegnet.training import library, loop, optim
from tinysegnet.training.auxiliary import auxiliary
from tinysegnet.training.averaging import averaged, averages_of, averaging
from tinysegnet.training.hard_pixels import with_hard_pixels
from tinysegnet.training.label_smoothing import with_label_smoothing
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


def test_what_is_pasted_keeps_its_outline_and_its_place():
    photograph, labels = np.full((4, 6, 3), 10, np.uint8), np.zeros((4, 6), np.uint8)
    donor = np.full((4, 6, 3), 200, np.uint8), np.zeros((4, 6), np.uint8)
    donor[1][1:3, 2], donor[1][0, 0], donor[1][3, 5] = 2, 3, VOID
    pasted, truth = paste(photograph, labels, donor, [2, 1])
    assert (truth == 2).sum() == 2 and (truth[1:3, 2] == 2).all() and set(np.unique(truth)) == {0, 2}
    np.testing.assert_array_equal(pasted[..., 1], np.where(truth == 2, 200, 10))
    larger = np.repeat(np.repeat(donor[0], 2, 0), 2, 1), np.repeat(np.repeat(donor[1], 2, 0), 2, 1)
    for one, other in zip(paste(photograph, labels, larger, [2]), (pasted, truth)):
        np.testing.assert_array_equal(one, other)
    assert labels.max() == 0 and photograph.max() == 10             # what was given is as it was


def settings(**given):
    usual = dict(batch=2, size=(24, 32), seed=0, flip=False, scale=None, crop=None, jitter=None, epochs=4)
    return SimpleNamespace(**usual | OFF | given)


@pytest.fixture
def data(tmp_path):
    return folder.dataset(tiny_camvid.make(tmp_path / "tiny", (("train", 6), ("val", 2))))


def labels_of(data, epoch=1, **given):
    return np.concatenate([labels for _, labels in training_batches(data, settings(**given), epoch)])


def test_about_half_of_the_pictures_get_something_pasted(data):
    """Of which one in six is their own donor, and stays as it is."""
    differ = 0
    for epoch in range(1, 21):
        for before, after in zip(labels_of(data, epoch), labels_of(data, epoch, paste=("Car",))):
            differ += (before != after).any()
            np.testing.assert_array_equal(after[after != 8], before[after != 8])
    assert 35 < differ < 65                                         # of 120; 50 on average
    with pytest.raises(InputError, match=r"^--set paste: there is no class Cat: name some of Sky, Building, Pole"):
        labels_of(data, paste=("Cat",))


def test_of_each_group_equally_many():
    names = [f"{name}{i}" for name, count in (("a", 2), ("b", 7), ("c", 3)) for i in range(count)]
    samples = [(SimpleNamespace(name=name), None) for name in names]
    order = balanced_order(samples, ("a", "b"), np.random.default_rng(0))
    assert len(order) == 12 and [sum(lo <= i < hi for i in order) for lo, hi in ((0, 2), (2, 9), (9, 12))] == [4, 4, 4]
    assert sorted(i for i in order if i < 2) == [0, 0, 1, 1] and len({i for i in order if 2 <= i < 9}) == 4
    assert sorted(balanced_order(samples, ("x",), np.random.default_rng(0))) == list(range(12))


def test_a_picture_that_comes_twice_is_not_augmented_twice_alike(data):
    images = [images for images, _ in training_batches(data, settings(oversample=("000", "00"), jitter=0.3), 1)]
    assert len({image.tobytes() for image in np.concatenate(images)}) == 6


@pytest.mark.parametrize("epoch, size", [(1, (12, 16)), (3, (12, 16)), (4, (24, 32))])
def test_crops_are_larger_in_the_last_quarter_of_the_epochs(data, epoch, size):
    given = settings(crop=0.5, late_crop=1.0)
    assert {images.shape[1:3] for images, _ in training_batches(data, given, epoch)} == {size}


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


# losses


WAYS = {
    "smoothing": lambda ops: with_label_smoothing(ops, 0.1), "hard pixels": lambda ops: with_hard_pixels(ops, 0.5),
    "lovasz": lambda ops: with_lovasz(ops, 0.7),
    "all": lambda ops: with_lovasz(with_label_smoothing(with_hard_pixels(ops, 0.5), 0.1), 0.7),
}


@pytest.mark.parametrize("setting", ["label_smoothing", "hard_pixels", "lovasz"])
def test_a_setting_of_the_loss_arrives(setting):
    logits, labels, weights = batch(4)
    losses = []
    for changes in ({}, {setting: 0.5}):
        settings = from_recipe("best", data="streets", size=(24, 32), steps=10, **changes)
        losses.append(library.functions(settings, None).ops.softmax_cross_entropy(logits, labels, weights, VOID)[0])
    assert abs(losses[0] - losses[1]) > 1e-3


@pytest.mark.parametrize("name", WAYS)
@given(seeds)
def test_gradients_of_the_losses(name, seed):
    ops, (logits, labels, weights) = WAYS[name](ops_with()), batch(seed)

    def loss(logits):
        return ops.softmax_cross_entropy(logits, labels, weights, VOID)

    check_backward(loss, ops.softmax_cross_entropy_backward, logits, names=("logits",), mistakes=None, seed=seed)


@pytest.mark.parametrize("name", WAYS)
def test_without_a_labelled_pixel_a_loss_is_0_and_so_is_its_gradient(name):
    ops, (logits, labels, weights) = WAYS[name](ops_with()), batch(0)
    logits = logits.astype(np.float32)
    for void, is_zero in ((np.full_like(labels, VOID), True), (labels, False)):
        loss, cache = ops.softmax_cross_entropy(logits, void, weights, VOID)
        dlogits = ops.softmax_cross_entropy_backward(np.ones((), np.float32), cache)
        assert loss.dtype == dlogits.dtype == np.float32 and (loss == 0) == (not dlogits.any()) == is_zero


def test_label_smoothing_by_loops():
    (logits, labels, weights), e = batch(1), 0.1
    total, count = 0.0, 0
    for place in np.ndindex(labels.shape):
        if (label := labels[place]) != VOID:
            log_p = logits[place] - np.log(np.exp(logits[place]).sum())
            total -= (1 - e) * weights[label] * log_p[label] + e / CLASSES * (weights * log_p).sum()
            count += 1
    loss, _ = with_label_smoothing(fast, e).softmax_cross_entropy(logits, labels, weights, VOID)
    assert loss == pytest.approx(total / count, rel=1e-12)


def test_hard_pixels_are_those_that_are_least_known():
    logits, labels, weights = batch(2)
    p = np.exp(logits) / np.exp(logits).sum(axis=3, keepdims=True)
    known = sorted((p[place][label], place) for place, label in np.ndenumerate(labels) if label != VOID)
    hard = np.full_like(labels, VOID)
    for _, place in known[: len(known) // 2]:
        hard[place] = labels[place]
    share = (len(known) // 2 - 0.5) / (len(known) - 1)
    loss, _ = with_hard_pixels(fast, share).softmax_cross_entropy(logits, labels, weights, VOID)
    assert loss == pytest.approx(fast.softmax_cross_entropy(logits, hard, weights, VOID)[0], rel=1e-12)


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


def test_the_rate_rises_for_some_epochs_and_then_follows_the_cosine():
    given = from_recipe("best", data="streets", size=(24, 32), steps=10, epochs=4, warm_up=2, lr=1.0)
    rates = [loop.rate(SimpleNamespace(settings=given, functions=loop.Functions()), done) for done in range(40)]
    cosine = [loop.cosine_rate(1.0, done, 40) for done in range(40)]
    np.testing.assert_allclose(rates[:20], np.array(cosine[:20]) * np.arange(1, 21) / 20)
    assert rates[20:] == cosine[20:]


def test_the_auxiliary_classifier_learns_and_the_encoder_learns_from_it():
    """Its gradients are those of two losses: the sum over both, and a prediction does not know it."""
    network = networks.build("segnet-basic-auxiliary", classes=3, filters=4, levels=2, kernel=3)
    params, stats = networks.init(network, 0, np.float64)
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((2, 9, 10, 3)), rng.integers(0, 3, (2, 9, 10))
    criterion = Criterion(np.ones(3), 255)
    ops = ops_with(auxiliary=auxiliary(fast, labels, criterion, 0.4))
    logits, _, cache = network.forward(params, x, ops)
    _, grads = network.backward(np.zeros_like(logits), cache, ops)      # of the auxiliary loss alone
    seen = []

    def loss_of(params):
        watching = ops_with(auxiliary=lambda logits: seen.append(logits) or 0 * logits)
        network.forward(params, x, watching)
        return 0.4 * fast.softmax_cross_entropy(seen.pop(), labels[:, ::2, ::2], *criterion)[0]

    for name in ("auxiliary.w", "encoder1.conv.w", "decoder2.norm.gamma"):
        direction = rng.standard_normal(params[name].shape)
        up, down = (loss_of(params | {name: params[name] + step * direction}) for step in (1e-6, -1e-6))
        assert (grads[name] * direction).sum() == pytest.approx((up - down) / 2e-6, rel=1e-5, abs=1e-9)
    assert not grads["decoder1.conv.w"].any()
    plain = networks.build("segnet-basic", classes=3, filters=4, levels=2, kernel=3)
    np.testing.assert_array_equal(network.predict(params, stats, x), plain.predict(params, stats, x))


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
