"""Networks with dropout, asked several times: their mean, their uncertainty, and whether they are right where sure."""

import re
import tracemalloc
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pretend_gpu
import pytest
import tiny_camvid
from PIL import Image

from tinysegnet import __main__ as commands
from tinysegnet import checkpoint, inference, metrics, networks
from tinysegnet.commands import evaluate
from tinysegnet.data import camvid
from tinysegnet.data.images import resize_photograph
from tinysegnet.inference import Model
from tinysegnet.ops import fast, softmax
from tinysegnet.plots import overlay
from tinysegnet.support.backend import to_device
from tinysegnet.support.errors import InputError

ARGUMENTS = {"classes": 11, "filters": 4, "levels": 2, "kernel": 3}


def model_of(name, xp=np, **meta):
    network = networks.build(name, **ARGUMENTS)
    params, stats = networks.init(network, 0)
    params["classifier.w"] *= 3         # so that it is sure of something
    meta = {
        "network": {"name": name, **ARGUMENTS}, "classes": list(camvid.CLASSES), "palette": camvid.PALETTE.tolist(),
        "size": [16, 20], "normalisation": "centred", "test_scales": None, "statistics": "exact",
    } | meta
    return Model(network, to_device(params, xp), to_device(stats, xp), meta)


@pytest.fixture
def model():
    return model_of("bayesian-segnet-basic")


PHOTOGRAPH = np.random.default_rng(0).integers(0, 256, (16, 20, 3), dtype=np.uint8)


def each_look(model, photograph, samples):
    """The softmaxes of the looks, one after the other, (samples, H, W, classes)."""
    looks = [
        inference.look(model, photograph, SimpleNamespace(**vars(fast) | {"rng": np.random.default_rng([number, 1])}))
        for number in range(samples)
    ]
    return np.array([softmax(logits)[0] for logits in looks])


@pytest.mark.parametrize("samples", [2, 3, 20])
def test_mean_and_variance_are_those_of_the_looks(model, samples):
    looks = each_look(model, PHOTOGRAPH, samples)
    mean, variance = inference.softmax_statistics(model, PHOTOGRAPH, samples)
    np.testing.assert_allclose(mean[0], looks.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(variance[0], looks.var(axis=0), atol=1e-7)
    labels, uncertainty = inference.monte_carlo(model, PHOTOGRAPH, samples)
    assert labels.dtype == np.uint8 and labels.shape == uncertainty.shape == PHOTOGRAPH.shape[:2]
    np.testing.assert_array_equal(labels, looks.mean(axis=0).argmax(axis=2))
    np.testing.assert_allclose(uncertainty, looks.var(axis=0).mean(axis=2), atol=1e-7)
    assert 0 <= uncertainty.min() and 0.001 < uncertainty.mean() and uncertainty.max() < 1 / 11
    assert len({look.tobytes() for look in looks}) == samples


def test_one_pass_over_the_looks():
    """By hand, and in float32 where looks hardly differ, in whose squares no digits would be left."""
    mean, variance = inference.mean_and_variance(np.array([p]) for p in (0.9, 0.5, 0.7, 0.3))
    np.testing.assert_allclose([mean, variance], [[0.6], [0.05]], rtol=1e-12)
    looks = (0.999 + 1e-4 * np.random.default_rng(0).random((20, 5, 3))).astype(np.float32)
    mean, variance = inference.mean_and_variance(iter(looks))
    assert mean.dtype == variance.dtype == np.float32
    np.testing.assert_allclose(variance, looks.astype(float).var(axis=0), rtol=0.01)
    assert not np.allclose((looks**2).mean(axis=0) - looks.mean(axis=0) ** 2, variance, rtol=0.5, atol=0)


def test_it_is_the_same_every_time_and_for_each_photograph_alone(model):
    first = inference.monte_carlo(model, PHOTOGRAPH, 3)
    inference.monte_carlo(model, PHOTOGRAPH[::-1].copy(), 4)
    for one, again in zip(first, inference.monte_carlo(model, PHOTOGRAPH, 3)):
        np.testing.assert_array_equal(one, again)


def test_of_any_size(model):
    """The mean and the variance are those at the size of the network, brought to the size that is asked for."""
    labels, uncertainty = inference.monte_carlo(model, PHOTOGRAPH, 4, size=(33, 41))
    mean, variance = inference.softmax_statistics(model, PHOTOGRAPH, 4)
    larger = [fast.resize_bilinear(a, (1, 33, 41, 11))[0][0] for a in (mean, variance)]
    np.testing.assert_array_equal(labels, larger[0].argmax(axis=2))
    np.testing.assert_allclose(uncertainty, larger[1].mean(axis=2), atol=1e-7)
    labels, _ = inference.monte_carlo(model, np.tile(PHOTOGRAPH, (2, 2, 1)), 2)
    assert labels.shape == (32, 40)


def test_on_a_device(model):
    expected = inference.monte_carlo(model, PHOTOGRAPH, 3)
    results = inference.monte_carlo(model_of("bayesian-segnet-basic", pretend_gpu), PHOTOGRAPH, 3)
    np.testing.assert_array_equal(results[0], expected[0])
    np.testing.assert_allclose(results[1], expected[1], atol=1e-6)


def test_without_dropout_or_samples_there_is_nothing_to_ask(model):
    plain = model_of("segnet-basic")
    with pytest.raises(InputError, match=r"^segnet-basic has no dropout, so its samples would all be alike: "):
        inference.monte_carlo(plain, PHOTOGRAPH, 2)
    for samples in (1, 0, -3, 2.5, 3.0, "3", None, True):
        should = rf"^samples should be a whole number of at least 2, so that they can differ, got {samples!r}$"
        with pytest.raises(ValueError, match=should):
            inference.monte_carlo(model, PHOTOGRAPH, samples)
    with pytest.raises(ValueError, match=r"^photograph should be an array"):
        inference.monte_carlo(model, PHOTOGRAPH / 255, 2)


def test_one_look_has_the_best_of_its_softmax(model):
    expected = softmax(inference.scores(model, PHOTOGRAPH, (33, 41)))
    labels, uncertainty = inference.one_look(model, PHOTOGRAPH, (33, 41))
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, expected.argmax(axis=2))
    np.testing.assert_allclose(uncertainty, 1 - expected.max(axis=2), atol=1e-6)
    of_several = model_of("bayesian-segnet-basic", test_scales=[1.0, 0.75])
    np.testing.assert_array_equal(inference.one_look(of_several, PHOTOGRAPH, (33, 41))[1], uncertainty)
    with pytest.raises(ValueError, match=r"^size should be \(H, W\)"):
        inference.one_look(model, PHOTOGRAPH, 33)


@pytest.mark.parametrize("look", [inference.one_look, partial(inference.monte_carlo, samples=2)])
def test_a_photograph_is_seen_at_the_size_that_is_given(model, look):
    large = np.random.default_rng(1).integers(0, 256, (30, 30, 3), dtype=np.uint8)
    squeezed = resize_photograph(large, (12, 24))
    _, expected = look(model, squeezed, size=(30, 30), seen_at=(12, 24))
    _, uncertainty = look(model, large, seen_at=(12, 24))
    np.testing.assert_array_equal(uncertainty, expected)
    assert (look(model, large)[1] != expected).any()


@pytest.mark.parametrize("work, bytes_a_pixel", [
    (lambda model, photograph, values: inference.one_look(model, photograph), 60),
    (lambda model, photograph, values: inference.monte_carlo(model, photograph, 2), 60),
    (lambda model, photograph, values: overlay.uncertainty(values, 11), 30),
])
def test_a_large_photograph_is_done_in_bands(model, work, bytes_a_pixel):
    """Of 11 classes a whole map of floats would have 44 bytes a pixel, and there would be two or three; a coloured one
    of doubles has 32."""
    photograph = np.zeros((2100, 2000, 3), np.uint8)
    values = np.zeros(photograph.shape[:2], np.float32)
    tracemalloc.start()
    try:
        work(model, photograph, values)
        assert tracemalloc.get_traced_memory()[1] < bytes_a_pixel * values.size
    finally:
        tracemalloc.stop()


# ---- right where it is sure?


def test_tenths_by_hand():
    """Twenty pixels, of growing uncertainty; of these four are wrong, and one that does not count is."""
    uncertainty = np.linspace(0.001, 0.02, 21).reshape(3, 7)
    labels = np.zeros((3, 7), np.uint8)
    predicted = labels.astype(np.int64)
    predicted.flat[[11, 17, 18, 20]] = 1
    labels.flat[10], predicted.flat[10] = 255, 1
    counts = metrics.count_by_uncertainty(labels, predicted, uncertainty, 255)
    assert counts.sum(axis=1).tolist() == [20, 16]
    tenths = metrics.accuracy_by_tenth(counts)
    np.testing.assert_allclose(tenths, [1, 1, 1, 1, 1, 0.5, 1, 1, 0, 0.5], atol=1e-12)
    twice = metrics.accuracy_by_tenth(counts + counts)
    np.testing.assert_allclose(twice, tenths, atol=1e-12)


def test_tenths_are_those_of_the_pixels_put_in_order():
    rng = np.random.default_rng(0)
    uncertainty = rng.random((300, 200)) ** 6
    labels = rng.integers(0, 3, uncertainty.shape)
    predicted = np.where(rng.random(uncertainty.shape) < 1 - uncertainty, labels, 3)
    counts = metrics.count_by_uncertainty(labels, predicted, uncertainty, 1)
    counted = labels != 1
    in_order = (labels == predicted)[counted][uncertainty[counted].argsort()]
    expected = [part.mean() for part in np.array_split(in_order, 10)]
    np.testing.assert_allclose(metrics.accuracy_by_tenth(counts), expected, atol=1e-3)


def test_what_is_equally_sure_is_spread_evenly_and_nothing_is_nan():
    labels = np.array([[0, 0, 0, 1]])
    counts = metrics.count_by_uncertainty(labels, np.zeros((1, 4), int), np.zeros((1, 4)), 255)
    np.testing.assert_allclose(metrics.accuracy_by_tenth(counts), np.full(10, 0.75))
    assert np.isnan(metrics.accuracy_by_tenth(0 * counts)).all()
    with pytest.raises(ValueError, match=r"should be alike, got \(1, 4\), \(1, 4\) and \(4,\)"):
        metrics.count_by_uncertainty(labels, labels, np.zeros(4), 255)


def test_the_least_sure_are_counted_too():
    """Half are not sure at all, and wrong."""
    predicted, uncertainty = np.array([[0, 0, 1, 1]]), np.array([[0, 0.5, 1, 1]])
    counts = metrics.count_by_uncertainty(np.zeros((1, 4), int), predicted, uncertainty, 255)
    np.testing.assert_allclose(metrics.accuracy_by_tenth(counts), [1] * 5 + [0] * 5)


@pytest.mark.parametrize("shapes", ["122", "211", "121", "212", "112", "221"])
def test_uncertainties_of_another_shape_are_refused(shapes):
    labels, predicted, uncertainty = (np.zeros((1, int(n))) for n in shapes)
    with pytest.raises(ValueError, match=r"should be alike, got \(1, {}\), \(1, {}\) and \(1, {}\)".format(*shapes)):
        metrics.count_by_uncertainty(labels, predicted, uncertainty, 255)


# ---- the commands


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tiny_camvid.make(tmp_path / "tiny")
    for name in ("segnet-basic", "bayesian-segnet-basic"):
        model = model_of(name, size=[20, 28])
        checkpoint.save(f"{name}.npz", model.meta, params=model.params, stats=model.stats)

    def run(*options, weights="bayesian-segnet-basic.npz"):
        monkeypatch.setattr("sys.argv", ["tinysegnet", *options, "--weights", weights])
        commands.main()
        return capsys.readouterr().out

    return run


def test_predict_adds_a_picture(command):
    Image.fromarray(PHOTOGRAPH).save("photo.png")
    command("predict", "photo.png", "--out", "plain")
    command("predict", "photo.png", "--out", "out", "--samples", "5")
    pictures = [Image.open(f"out/photo_{kind}.png") for kind in ("mask", "overlay", "uncertainty")]
    labels, uncertainty = inference.monte_carlo(inference.load("bayesian-segnet-basic.npz"), PHOTOGRAPH, 5)
    np.testing.assert_array_equal(np.array(pictures[0]), labels)
    left = (pictures[2].width - 20) // 2
    drawn = np.array(pictures[2])[:16, left : left + 20].astype(int).sum(axis=2)
    assert np.corrcoef(np.argsort(np.argsort(uncertainty.ravel())), np.argsort(np.argsort(drawn.ravel())))[0, 1] > 0.95
    with pytest.raises(FileNotFoundError):
        Image.open("plain/photo_uncertainty.png")


def test_the_colours_end_where_two_classes_are_as_likely():
    picture = np.array(overlay.uncertainty(np.array([[0, 0.5 / 4 / 4, 0.5 / 4, 1.0]]), classes=4))
    left = (picture.shape[1] - 4) // 2
    dark, middle, bright, beyond = picture[0, left : left + 4].astype(int)
    assert dark.sum() < 50 and (bright == beyond).all() and bright.sum() > 600
    bar = picture[1 + overlay.MARGIN, overlay.MARGIN : -overlay.MARGIN].astype(int)
    assert (bar[0] == dark).all() and (bar[-1] == bright).all() and picture.shape[1] >= 240
    assert np.abs(bar[len(bar) // 2] - middle).max() <= 6       # a quarter of the highest stands under the middle
    assert (np.diff(bar.sum(axis=1)) >= 0).mean() > 0.95


def test_the_numbers_under_the_bar(monkeypatch):
    drawn = []

    class Draw:
        def text(self, place, text, *rest, anchor="la"):
            drawn.append((place[0], text, anchor))

    monkeypatch.setattr(overlay.ImageDraw, "Draw", lambda picture: Draw())
    overlay.uncertainty(np.zeros((5, 400)), classes=5)
    assert drawn == [(8, "0: looks agree", "la"), (392, "0.100 or more", "ra")]


def test_evaluate_says_both_and_the_tenths(command):
    out = command("evaluate", "--data", "tiny", "--samples", "4")
    said = "val, 2 images, seen at 20x28, 4 times with dropout; judged at their annotations' size; 2"
    assert f" {said} of other proportions keep them, at as many pixels" in " ".join(out.split())
    model, counts, without, bins, bins_without = inference.load("bayesian-segnet-basic.npz"), 0, 0, 0, 0
    for path in Path("tiny/val").glob("*.png"):
        photograph, labels = (np.array(Image.open(f"tiny/{folder}/{path.name}")) for folder in ("val", "valannot"))
        predicted, variance = inference.monte_carlo(model, photograph, 4, labels.shape)
        counts = counts + metrics.confusion_matrix(labels, predicted, 11, 11)
        bins = bins + metrics.count_by_uncertainty(labels, predicted, variance, 11)
        in_one, doubt = inference.one_look(model, photograph, labels.shape)
        without = without + metrics.confusion_matrix(labels, in_one, 11, 11)
        bins_without = bins_without + metrics.count_by_uncertainty(labels, in_one, doubt, 11)
    assert f"\n{metrics.table(counts, camvid.CLASSES)}\n" in out
    assert f"\nOne look without dropout: {metrics.summary(metrics.figures(without))}\n" in out
    for name, expected in (("4 looks, by variance", bins), ("one look, by its softmax", bins_without)):
        (numbers,) = re.findall(rf"(?m)^{name} +((?: *[\d.]+){{10}})$", out)
        tenths = 100 * metrics.accuracy_by_tenth(expected)
        assert np.ptp(tenths) > 0.5
        np.testing.assert_allclose([float(n) for n in numbers.split()], tenths, atol=0.051)
    falls = metrics.accuracy_by_tenth(bins)
    assert ("That of the looks does not" in out) == (falls[-1] >= falls[0])
    assert max(map(len, out.splitlines())) < 80
    assert "dropout" not in command("evaluate", "--data", "tiny")
    pytest.importorskip("scipy")
    with_outlines = command("evaluate", "--data", "tiny", "--samples", "4", "--bf")
    assert out.partition("\n\n")[2] == with_outlines.partition("\n\n")[2] and "  BF " in with_outlines


def test_tenths_are_apart_and_one_without_pixels_is_a_line():
    line = "".join(map(evaluate.tenth, (1.0, 0.99951, 0.9994, 1 / 3, 0.0, float("nan"))))
    assert line == "  100  100 99.9 33.3  0.0    -"


def test_where_nothing_is_labelled_nothing_is_concluded(command):
    for path in Path("tiny/valannot").glob("*.png"):
        Image.fromarray(np.full_like(np.array(Image.open(path)), 11)).save(path)
    out = command("evaluate", "--data", "tiny", "--samples", "2")
    assert re.search(r"(?m)^2 looks, by variance( +-){10}$", out) and "does not" not in out


@pytest.mark.parametrize("name", ["predict", "evaluate"])
def test_samples_without_dropout_are_refused_before_anything_is_read(command, name):
    options = ("predict", "missing.png") if name == "predict" else ("evaluate", "--data", "tiny", "--split", "test")
    with pytest.raises(InputError, match="segnet-basic has no dropout"):
        command(*options, "--samples", "3", weights="segnet-basic.npz")
