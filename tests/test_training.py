from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tinysegnet import inference, metrics, networks
from tinysegnet.data.images import resize_photograph
from tinysegnet.data.normalisation import CENTRED, LOCAL_RESPONSE, NORMALISATIONS, normalise
from tinysegnet.inference import Model, classify
from tinysegnet.ops import fast
from tinysegnet.ops.fast import ops_with
from tinysegnet.ops.more import resize
from tinysegnet.support.errors import InputError
from tinysegnet.support.ranks import ALONE
from tinysegnet.training import loop, optim
from tinysegnet.training.loop import Functions
from tinysegnet.training.settings import OFF, RECIPES, Settings, from_recipe
from tinysegnet.training.step import Criterion, train_step


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


WEIGHTS = np.linspace(0.5, 2, 11, dtype=np.float32)


def begun(name="segnet-basic", seed=0, size=(18, 26), test_scales=None, **arguments):
    """A Model before its first step, with these arguments of its network."""
    network = networks.build(name, **arguments)
    meta = {
        "classes": "abcdefghijk"[: arguments.get("classes", 11)], "size": size, "normalisation": CENTRED,
        "test_scales": test_scales,
    }
    return Model(network, *networks.init(network, seed), meta)


def sgd(model):
    """Its optimiser, as in the recipes."""
    return optim.Optimiser(optim.sgd_step, optim.start("sgd", model.params), 0.9, 5e-4, model.network.decays)


def step(model, optimiser, images, labels, weights=WEIGHTS, lr=0.1, ops=fast):
    """One step on uint8 images, of whose labels 11 does not count. Returns the loss."""
    batch = normalise(images, model.xp, CENTRED), model.xp.asarray(labels)
    return float(train_step(model, optimiser, batch, Criterion(weights, 11), lr, ops))


def resized(x, height, width):
    y, _ = resize.resize_bilinear(x, (x.shape[0], height, width, x.shape[3]))
    return y


def with_look(model, **changes):
    return replace(model, meta=model.meta | changes)


def test_one_image_is_learnt_by_heart():
    images, labels = street()
    model = begun(classes=4, filters=16, levels=2, kernel=5)
    optimiser = sgd(model)
    losses = [step(model, optimiser, images, labels, np.ones(4, "f"), 0.05) for _ in range(80)]
    assert losses[0] > 1 and losses[-1] < 0.05
    counts = loop.evaluate(model, zip(images, labels), 11)
    assert metrics.global_accuracy(counts) > 0.99 and metrics.mean_iou(counts) > 0.97


def test_ten_steps_are_pinned():
    """A change of any op, of the initial weights or of the optimiser moves these losses."""
    expected = [2.118265, 1.96638, 1.736814, 1.482002, 1.212415, 0.967215, 0.769824, 0.62774, 0.511555, 0.437504]
    images, labels = street(n=2)
    model = begun(filters=8, levels=3, kernel=5)
    optimiser = sgd(model)
    losses = [step(model, optimiser, images, labels) for _ in range(10)]
    np.testing.assert_allclose(losses, expected, rtol=1e-4)


def test_twenty_steps_are_the_same_by_either_convolution():
    """The whole network at a size of several tiles, in float32: within the rounding that twenty steps make of it."""
    images, labels = street(n=2, height=44, width=60)
    losses = {}
    for way in ("fft", "im2col"):
        model = begun(filters=16)
        optimiser = sgd(model)
        losses[way] = [step(model, optimiser, images, labels, lr=0.05, ops=ops_with(conv=way)) for _ in range(20)]
    np.testing.assert_allclose(losses["fft"], losses["im2col"], rtol=1e-3)
    assert losses["fft"][-1] < losses["fft"][0] / 2


def test_running_statistics_keep_nine_tenths():
    images, labels = street(n=2)
    model = begun(filters=2, levels=1)
    _, batch_stats, _ = model.network.forward(model.params, normalise(images, np))
    step(model, sgd(model), images, labels, np.ones(11, "f"))
    for name, value in batch_stats.items():
        first = 1.0 if name.endswith("var") else 0.0
        np.testing.assert_allclose(model.stats[name], 0.9 * first + 0.1 * value, rtol=1e-5, atol=1e-7)


def test_exact_statistics_are_the_mean_over_the_batches():
    batches = [street(n=2, seed=seed) for seed in range(3)]
    model = begun(filters=2, levels=1)
    exact = loop.exact_statistics(model, batches)
    each = [model.network.forward(model.params, normalise(images, np))[1] for images, _ in batches]
    assert exact.keys() == model.stats.keys()
    for name, value in exact.items():
        np.testing.assert_allclose(value, np.mean([stats[name] for stats in each], axis=0), rtol=1e-6)
        assert value.dtype == np.float32


def test_input_is_centred():
    x = normalise(np.array([[[[0, 255, 51]]]], np.uint8), np)
    np.testing.assert_allclose(x, [[[[-0.5, 0.5, -0.3]]]], rtol=1e-6)
    assert x.dtype == np.float32


SETTINGS = from_recipe(
    "photographs", data="tiny", size=(18, 26), steps=3, lr=0.1, schedule="constant", epochs=2, class_weight_power=0.0,
)


def trainer(settings=SETTINGS, functions=None, **arguments):
    """Of a new model; all classes weigh 1, and 11 does not count."""
    model, even = begun(**arguments), SimpleNamespace(pixels=np.ones(11), image_pixels=np.ones(11))
    opt_state = optim.start(settings.optimiser, model.params)
    data = SimpleNamespace(ignore=11)
    return loop.prepare(model, opt_state, settings, data, even, functions or Functions())


def test_local_response_normalisation_by_hand():
    image = np.array([[[[0, 0, 0], [100, 0, 200]]]], np.uint8)
    factor = (1 + 1e-4 / 5 * (100**2 + 200**2)) ** -0.75
    expected = [[[[0, 0, 0], [100 * factor, 0, 200 * factor]]]]
    x = normalise(image, np, LOCAL_RESPONSE)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x, expected, rtol=1e-6)


def test_every_recipe_says_all():
    assert len({tuple(sorted(recipe.keys() - OFF.keys())) for recipe in RECIPES.values()}) == 1
    assert {recipe["normalisation"] for recipe in RECIPES.values()} <= set(NORMALISATIONS)
    assert {recipe["best_by"] for recipe in RECIPES.values()} <= {"mIoU", "G"}
    assert {recipe["optimiser"] for recipe in RECIPES.values()} == set(optim.STEPS)
    for recipe in RECIPES:
        assert isinstance(from_recipe(recipe, data="tiny", size=(18, 26), steps=1), Settings)


def test_an_epoch_yields_each_loss():
    batches = [street(n=2), street(n=2, seed=1), street(n=1, seed=2)]
    yielded = list(loop.train_steps(trainer(filters=4, levels=2), batches, 0))
    model = begun(filters=4, levels=2)
    optimiser = sgd(model)
    assert yielded == [step(model, optimiser, *batch, np.ones(11, "f")) for batch in batches]
    assert list(loop.train_steps(trainer(filters=4, levels=2), [], 0)) == []


def test_the_optimiser_and_its_numbers_come_from_the_settings():
    seen = []

    def adam(params, grads, state, *numbers):
        assert grads.keys() == params.keys() and "steps" in state
        seen.append(numbers)

    settings = replace(SETTINGS, schedule="cosine", momentum=0.5, weight_decay=0.25, lr=2.0, optimiser="adam")
    one = trainer(settings, Functions(sgd_step=None, adam_step=adam), filters=2, levels=1)
    list(loop.train_steps(one, [street()] * 4, 2))
    rates = [1 + np.cos(np.pi * done / 6) for done in (2, 3, 4, 5)]                     # 6 steps in all
    np.testing.assert_allclose([numbers[:3] for numbers in seen], [(rate, 0.5, 0.25) for rate in rates])
    assert {frozenset(decays) for *_, decays in seen} == {frozenset(one.model.network.decays)}


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("losses", [[1.0, 2.0, None], [1.0, None, 2.0], [None]])
def test_a_loss_that_is_not_a_number_stops_the_epoch(losses, value):
    losses = [value if loss is None else loss for loss in losses]
    coming = iter(losses)

    def softmax_cross_entropy(*args):
        return np.asarray(next(coming), np.float32), fast.softmax_cross_entropy(*args)[1]

    ops = ops_with(softmax_cross_entropy=softmax_cross_entropy)
    steps = loop.train_steps(trainer(functions=Functions(ops=ops), filters=2, levels=1), [street()] * len(losses), 40)
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
    one = trainer(filters=4, levels=2)
    one.model.params[name][...] = value
    with np.errstate(all="ignore"), pytest.raises(InputError, match=rf"at step 1, first in {culprit}: train again"):
        list(loop.train_steps(one, [street(), street()], 0))


@pytest.mark.parametrize("network, name, culprit", [
    ("fcn-basic", "decoder3.w", "decoder3"), ("unet", "decoder2.up.w", "decoder2.up"),
    ("segnet-basic-single-channel-decoder", "decoder2.conv.w", "decoder2.conv"),
])
def test_the_layers_of_the_other_networks_are_named_too(network, name, culprit):
    one = trainer(name=network, filters=4)
    one.model.params[name][...] = 3e38
    with np.errstate(all="ignore"), pytest.raises(InputError, match=rf"first in the output of {culprit}: train again"):
        list(loop.train_steps(one, [street()], 0))


def test_with_dropout_too():
    one = trainer(name="bayesian-segnet-basic", filters=4, levels=2)
    one.model.params["decoder2.conv.w"][...] = 1e38
    with np.errstate(all="ignore"), pytest.raises(InputError, match=r"first in the output of decoder2\.conv: train"):
        list(loop.train_steps(one, [street()], 0))


def test_no_two_steps_draw_by_the_same_seed():
    """Nor does one draw by what the data are drawn by, [seed, epoch, number]."""
    settings = [SimpleNamespace(seed=seed, steps=5) for seed in (0, 1, 7)]
    seeds = [loop.step_seed(one, done) for one in settings for done in range(20)]
    seeds += [[one.seed, epoch, number] for one in settings for epoch in range(1, 5) for number in range(9)]
    assert len({np.random.default_rng(seed).bytes(8) for seed in seeds}) == len(seeds) == 3 * (20 + 36)


def test_evaluation_judges_at_the_size_of_the_labels():
    """A network run at half size gives a prediction for every pixel of the annotation, from the statistics given."""
    model = begun(size=(9, 13), filters=2, levels=1)
    model = replace(model, stats={name: np.full(2, 0.3, np.float32) for name in model.stats})
    images, _ = street(height=9, width=13)
    _, labels = street(height=18, width=26)
    logits = model.network.predict(model.params, model.stats, normalise(images, np), fast)
    predicted = resized(logits, 18, 26).argmax(axis=3)
    expected = np.zeros((11, 11), int)
    for label, answer in zip(labels.ravel(), predicted.ravel()):
        if label != 11:
            expected[label, answer] += 1
    assert len(np.unique(predicted)) > 2
    np.testing.assert_array_equal(loop.evaluate(model, zip(images, labels), 11), expected)


def test_what_several_looks_see_is_summed():
    """At each scale as it is and in a mirror, and turned back: the sum of the logits decides."""
    model = begun(size=(12, 16), test_scales=[1, 0.75], filters=2, levels=1)
    photograph = street()[0][0]                                     # 18x26
    total = 0
    for size in ((12, 16), (9, 12)):
        for way in (1, -1):
            seen = resize_photograph(photograph, size)[:, ::way]
            logits = model.network.predict(model.params, model.stats, normalise(seen[None], np))
            total += resized(logits, 36, 52)[0, :, ::way]
    predicted = classify(model, photograph, (36, 52), seen_at=(12, 16))
    assert predicted.dtype == np.uint8
    assert (predicted == total.argmax(axis=2)).mean() > 0.999       # but for ties in rounding
    np.testing.assert_allclose(
        inference.scores(model, photograph, (36, 52), seen_at=(12, 16)), total, atol=1e-4 * np.abs(total).max()
    )
    once = classify(with_look(model, test_scales=None), photograph, (36, 52), seen_at=(12, 16))
    assert (once != predicted).any()
    mirrored = classify(model, photograph[:, ::-1], (36, 52), seen_at=(12, 16))
    assert (mirrored[:, ::-1] == predicted).mean() > 0.999
    seen = "seen at 12x16 and 9x12, as it is and in a mirror (test-time augmentation)"
    assert inference.how_seen(model.meta) == seen
    assert inference.how_seen(model.meta | {"test_scales": None}) == "seen at 12x16"


def test_bilinear_resizing_by_hand():
    x = np.array([[0.0, 4.0]], np.float32)[None, :, :, None]
    np.testing.assert_array_equal(resized(x, 1, 4)[0, 0, :, 0], [0, 1, 3, 4])
    np.testing.assert_array_equal(resized(x.swapaxes(1, 2), 4, 1)[0, :, 0, 0], [0, 1, 3, 4])
    assert resized(x, 3, 5).dtype == np.float32 and resized(x, 3, 5).shape == (1, 3, 5, 1)


def test_a_large_result_comes_in_bands(monkeypatch):
    x = np.random.default_rng(0).standard_normal((2, 5, 4, 3))
    whole = resized(x, 17, 9)
    monkeypatch.setattr(resize, "BAND_PIXELS", 30)                  # three rows of nine
    bands = list(resize.resized_bands(x, 17, 9))
    assert [band.shape for band in bands] == [(2, 3, 9, 3)] * 5 + [(2, 2, 9, 3)]
    np.testing.assert_allclose(np.concatenate(bands, axis=1), whole, rtol=1e-12)
    as_it_is = list(resize.resized_bands(whole, 17, 9))             # in the same bands, to be added to others
    assert [band.shape for band in as_it_is] == [band.shape for band in bands]
    np.testing.assert_array_equal(np.concatenate(as_it_is, axis=1), whole)
    smaller = np.concatenate(list(resize.resized_bands(x, 4, 3)), axis=1)
    np.testing.assert_allclose(smaller, resized(x, 4, 3), rtol=1e-12)
    monkeypatch.setattr(resize, "BAND_PIXELS", 5)                   # less than a row
    assert [band.shape for band in resize.resized_bands(x, 17, 9)] == [(2, 1, 9, 3)] * 17


def test_the_examples_are_spread_over_val():
    """Of seven pictures the first, the last and two between, each with its own truth, judged at the truth's size."""
    model = begun(size=(4, 6), filters=2, levels=1)
    pictures = [street(height=8, width=10, seed=seed) for seed in range(7)]
    data = SimpleNamespace(samples=lambda split: range(7), read=lambda i: (pictures[i][0][0], pictures[i][1][0]))
    seen = list(loop.examples(model, data))
    for (photograph, labels, predicted), i in zip(seen, (0, 2, 4, 6), strict=True):
        np.testing.assert_array_equal(photograph, pictures[i][0][0])
        np.testing.assert_array_equal(labels, pictures[i][1][0])
        np.testing.assert_array_equal(predicted, classify(model, photograph))      # with the proportions that it has
    data.samples = lambda split: range(2)
    assert len(list(loop.examples(model, data))) == 2


def test_the_rate_knows_how_many_steps_there_were():
    data, settings = pictures_to_learn(2), replace(SETTINGS, filters=2, batch=1, epochs=2, steps=2, schedule="cosine")
    asked = []

    def cosine_rate(lr, done, steps):
        asked.append((done, steps))
        return lr

    for epoch in loop.train(settings, data, Functions(cosine_rate=cosine_rate))[1]:
        list(epoch)
    assert asked == [(0, 4), (1, 4), (2, 4), (3, 4)]


def test_dropout_is_on_when_exact_statistics_are_taken():
    model, (images, _) = begun("bayesian-segnet-basic", filters=4), street(2)
    exact = loop.exact_statistics(model, [(images, None)])
    x = normalise(images, np, CENTRED)

    def of(**others):
        drawing = ops_with(rng=ALONE.generator(0), **others)
        return model.network.forward(model.params, x, drawing)[1]

    assert all((exact[name] == value).all() for name, value in of().items())
    assert any((exact[name] != value).any() for name, value in of(dropout=lambda x, mask: (x, mask)).items())


def pictures_to_learn(count):
    pictures = [street(seed=seed) for seed in range(count)]
    return SimpleNamespace(
        classes=tuple("abcdefghijk"), palette=np.zeros((11, 3), np.uint8), ignore=11, name="pictures",
        samples=lambda split: range(count), read=lambda i: (pictures[i][0][0], pictures[i][1][0]),
    )


def test_a_training_in_memory_goes_epoch_by_epoch():
    data, settings = pictures_to_learn(5), replace(SETTINGS, filters=4, batch=2)
    model, epochs = loop.train(settings, data)
    losses = [list(epoch) for epoch in epochs]
    assert [len(each) for each in losses] == [3, 3]
    assert np.mean(losses[1]) < np.mean(losses[0])
    assert model.meta["network"] == {"name": "segnet-basic", "classes": 11, "filters": 4, "levels": 4, "kernel": 7}
    again, epochs = loop.train(settings, data)
    assert next(next(epochs)) == losses[0][0]               # whoever asks for less
    assert list(next(epochs)) == losses[1]                  # has the rest of the epoch made all the same
    for name, value in model.params.items():
        np.testing.assert_array_equal(again.params[name], value)


def test_a_training_in_memory_is_of_what_its_settings_name():
    data, settings = pictures_to_learn(2), replace(SETTINGS, filters=2, batch=1, epochs=1)
    first = [next(next(loop.train(replace(settings, lovasz=part), data)[1])) for part in (None, 1, 50)]
    assert first[0] < first[1] < first[2]
    with pytest.raises(ValueError, match="averaged weights are for runs that have a folder"):
        loop.train(replace(settings, average=0.9), data)


def test_a_training_is_of_the_functions_that_are_given():
    """None of them is taken from elsewhere: a weight of 0 for all, and steps that go nowhere."""
    data, settings = pictures_to_learn(2), replace(SETTINGS, filters=2, batch=1, epochs=1, schedule="cosine")
    rates = []
    functions = Functions(
        ops=ops_with(softmax_cross_entropy=lambda logits, labels, weights, ignore: (weights.sum(), (logits, labels)),
                     softmax_cross_entropy_backward=lambda dloss, cache: np.zeros_like(cache[0])),
        class_weights=lambda pixels, image_pixels, power: np.full(len(pixels), 0.5),
        cosine_rate=lambda lr, done, total: (lr, done, total),
        sgd_step=lambda params, grads, state, lr, *numbers: rates.append(lr),
    )
    _, epochs = loop.train(settings, data, functions)
    assert list(next(epochs)) == [5.5, 5.5] and rates == [(0.1, 0, 3), (0.1, 1, 3)]
