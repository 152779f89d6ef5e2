"""Lesson 23: the dilated convolution of its scripts, what is said of wrong ones, and its networks and pseudo-labels."""

import inspect
import json
from dataclasses import replace
from types import SimpleNamespace

import every_exercise
import numpy as np
import planted_right_3
import pytest

from lessons.engine import course
from lessons.engine.exercises import DONE, WRONG
from tinysegnet import inference, networks, ops
from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.data import streets
from tinysegnet.data.batches import training_batches
from tinysegnet.data.camvid import VOID
from tinysegnet.look.receptive_field import receptive_field
from tinysegnet.ops import fast
from tinysegnet.support.errors import InputError
from tinysegnet.training import loop

LESSON = course.LESSONS / "23_what_segnet_is_not"
FIGURES = LESSON / "figures"
pseudo = course.load(LESSON / "pseudo_labels.py")
train_dilated = pseudo.train_dilated
DILATED, PSEUDO = (json.loads((FIGURES / f"{name}.json").read_text(encoding="utf-8")) for name in ("dilated", "pseudo"))
EXERCISES = every_exercise.by_name()


def arrays(N=2, H=7, W=8, C=3, F=2, K=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, H, W, C)), rng.standard_normal((K, K, C, F)), rng.standard_normal(F)


@pytest.mark.parametrize("d", [1, 2, 3, 9])
@pytest.mark.parametrize("size", [(6, 6), (5, 7), (1, 4)])
def test_what_is_interleaved_is_put_back(size, d):
    x = np.arange(2 * size[0] * size[1] * 3.0).reshape(2, *size, 3)
    parts = train_dilated.interleaved(x, d)
    assert parts.shape == (2 * d * d, -(-size[0] // d), -(-size[1] // d), 3)
    np.testing.assert_array_equal(train_dilated.put_back(parts, d, x.shape[:3]), x)
    every = x[0, d - 1 :: d, ::d]                   # the last but d - 1 of the first image
    np.testing.assert_array_equal(parts[d * (d - 1), : len(every), : every.shape[1]], every)


@pytest.mark.parametrize("d", [1, 2, 3, 9])
@pytest.mark.parametrize("K", [1, 3, 5])
def test_interleaved_images_give_the_dilated_convolution(K, d):
    x, w, b = arrays(K=K)
    y, cache = train_dilated.dilated_conv2d(x, w, b, d)
    for right in planted_right_3.dilated_conv2d, planted_right_3.dilated_conv2d__interleaved:
        np.testing.assert_allclose(y, right(x, w, b, d)[0], atol=1e-10)
    if d == 1:
        np.testing.assert_allclose(y, ops.conv2d(x, w, b)[0], atol=1e-12)
    check_backward(lambda x, w, b: train_dilated.dilated_conv2d(x, w, b, d), train_dilated.dilated_conv2d_backward,
                   *arrays(N=1, H=5, W=6, C=2, K=K), names=("x", "w", "b"))
    dy = np.cos(np.arange(y.size)).reshape(y.shape)
    for one, other in zip(train_dilated.dilated_conv2d_backward(dy, cache),
                          planted_right_3.dilated_conv2d_backward(dy, cache), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


def said(name, function):
    function.__name__ = name
    verdicts = EXERCISES[name].check(function)
    return {part: verdict.kind for part, verdict in verdicts.items()}, " ".join(
        " ".join(verdict.text for verdict in verdicts.values()).split())


def forward(read=lambda i, K, d: i * d, margin=lambda K, d: d * (K // 2), kernel=lambda w: w, columns=None):
    """A dilated convolution that may read elsewhere, have another margin, or another kernel."""

    def run(x, w, b, dilation):
        (N, H, W, C), K, p = x.shape, len(w), margin(len(w), dilation)
        padded = np.zeros((N, H + 2 * K * (dilation + 1), W + 2 * K * (dilation + 1), C), x.dtype)
        padded[:, p : p + H, p : p + W] = x
        y, turned = np.zeros((N, H, W, len(b)), x.dtype) + b, kernel(w)
        for i, j in np.ndindex(K, K):
            r, q = read(i, K, dilation), (columns or read)(j, K, dilation)
            y += padded[:, r : r + H, q : q + W] @ turned[i, j]
        return y, (x, w, dilation)

    return run


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        (forward(margin=lambda K, d: K // 2), "the margin is K//2, as in conv2d"),
        (forward(read=lambda i, K, d: i, margin=lambda K, d: K // 2), "dilation is not used: that is conv2d"),
        (forward(columns=lambda j, K, d: j + (d - 1) * (K // 2)), "only rows are dilated"),
        (forward(read=lambda i, K, d: i + (d - 1) * (K // 2), columns=lambda j, K, d: j * d), "only columns are"),
        (forward(kernel=lambda w: w[::-1, ::-1]), "the kernel is rotated by 180 degrees"),
        (forward(read=lambda i, K, d: i * (d + 1), margin=lambda K, d: (d + 1) * (K // 2)),
         "there are `dilation` pixels between two weights"),
        (forward(margin=lambda K, d: 0), "all of the margin is below and to the right"),
    ],
)
def test_a_wrong_forward_is_told_why(wrong, sentence):
    kinds, text = said("dilated_conv2d", wrong)
    assert kinds == {"y": WRONG, "cache": DONE} and f"mistake {sentence}" in text


def backward(**wrong):
    """The right backward, of which some gradients are another function's of (dy, x, w, d)."""

    def run(dy, cache):
        right = dict(zip(("dx", "dw", "db"), planted_right_3.dilated_conv2d_backward(dy, cache)))
        return tuple({**right, **{name: function(dy, *cache) for name, function in wrong.items()}}.values())

    return run


def overwritten(dy, x, w, d):
    (N, H, W, C), p = x.shape, d * (len(w) // 2)
    padded = np.zeros((N, H + 2 * p, W + 2 * p, C), x.dtype)
    for i, j in np.ndindex(w.shape[:2]):
        padded[:, i * d : i * d + H, j * d : j * d + W] = dy @ w[i, j].T
    return padded[:, p : p + H, p : p + W]


@pytest.mark.parametrize(
    "wrong, name, sentence",
    [
        (lambda dy, x, w, d: ops.conv2d_backward(dy, (x, w))[0], "dx", "in dx dilation is not used"),
        (lambda dy, x, w, d: ops.conv2d_backward(dy, (x, w))[1], "dw", "in dw dilation is not used"),
        (overwritten, "dx", "where windows overlap, only the last place of the kernel counts in dx"),
        (lambda dy, x, w, d: train_dilated.dilated_conv2d(dy, w.swapaxes(2, 3), w[0, 0, :, 0] * 0, d)[0], "dx",
         "dx is the dilated convolution of dy with w as it stands"),
        (lambda dy, x, w, d: dy[:, ::d, ::d].sum(axis=(0, 1, 2)), "db", "db is the sum over every dilation-th row"),
    ],
)
def test_a_wrong_gradient_is_told_why(wrong, name, sentence):
    kinds, text = said("dilated_conv2d_backward", backward(**{name: wrong}))
    assert kinds == {"dx": DONE, "dw": DONE, "db": DONE} | {name: WRONG} and f"mistake {sentence}" in text


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        (lambda p, t, ignore: np.where(p.max(-1) > t, p.argmax(-1), ignore).astype(np.uint8),
         "mistake a pixel that has just the threshold is left out"),
        (lambda p, t, ignore: (p.argmax(-1) * (p.max(-1) >= t)).astype(np.uint8), "said to be of class 0, and that is"),
        (lambda p, t, ignore: np.where(p.max(-1) >= t, p.argmax(-1), ignore), "should be uint8"),
        (lambda p, t, ignore: np.where(fast.softmax(p).max(-1) >= t, p.argmax(-1), ignore).astype(np.uint8),
         "mistake it is a softmax of p"),
        (lambda p, t, ignore: np.where(p.max(-1) >= t, p.argmax(-1), p.shape[-1]).astype(np.uint8),
         "mistake pixels that are not sure have the number behind the last class"),
    ],
)
def test_wrong_pseudo_labels_are_told_why(wrong, sentence):
    kinds, text = said("pseudo_labels", wrong)
    assert kinds == {"labels": WRONG} and sentence in text


def test_the_networks_have_the_same_parameters_and_their_convolutions_have_holes():
    made = {kind: train_dilated.network(kind, 11) for kind in train_dilated.KINDS if kind != "wide"}
    assert len({sum(np.prod(shape) for shape in network.shapes.values()) for network in made.values()}) == 1
    params, _ = networks.init(made["dilated"], seed=0, dtype=np.float64)
    x = np.random.default_rng(0).standard_normal((2, 9, 10, 3))
    logits, batch_stats, cache = made["dilated"].forward(params, x, fast)
    right = train_dilated.network("dilated", 11, (
        planted_right_3.dilated_conv2d, planted_right_3.dilated_conv2d_backward))
    again, _, other_cache = right.forward(params, x, fast)
    np.testing.assert_allclose(logits, again, atol=1e-9)
    assert np.abs(logits - made["neither"].forward(params, x, fast)[0]).max() > 0.1
    np.testing.assert_allclose(made["dilated"].predict(params, batch_stats, x, fast), logits, atol=1e-2)   # but for eps
    _, grads = made["dilated"].backward(np.ones_like(logits), cache, fast)
    _, others = right.backward(np.ones_like(logits), other_cache, fast)
    assert grads.keys() == params.keys()
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, others[name], atol=1e-6)


def test_what_is_kept_is_counted_once():
    kept = {kind: train_dilated.kept_megabytes(train_dilated.network(kind, 11)) for kind in train_dilated.KINDS}
    assert kept["dilated"] == kept["neither"] > 2 * kept["pooling"]
    one_map = 96 * 128 * train_dilated.FILTERS * 4 / 1e6
    assert 12 * one_map < kept["dilated"] < 20 * one_map            # x and x_hat of six layers, and masks


def test_the_figure_shows_the_fields_that_it_names():
    draw = course.load(FIGURES / "draw.py")
    for title, stack in draw.STACKS:
        seen = draw.ways(stack) > 0
        rows = np.flatnonzero(seen.any(axis=1))
        side = {(1, 1, 1): 7, (1, 2, 4): 15, (2, 2, 2): 13}.get(stack, 18)
        assert rows[-1] - rows[0] + 1 == side and seen.sum() == (49 if stack == (2, 2, 2) else side**2), title
        assert f"{side} x {side}" in title or stack == (2, 2, 2)


def few_streets():
    """Twelve of the streets, at hand as often as they are asked for."""
    data = streets.dataset()
    return replace(data, samples=lambda split: range(12) if split == "train" else streets.VAL[:2])


def test_the_labels_of_the_others_are_never_read(monkeypatch):
    """Of a training with pseudo-labels, every street but the labelled ones has what the function gave it."""
    monkeypatch.setattr(pseudo, "LABELLED", 2)
    monkeypatch.setattr(streets, "TRAIN", range(12))
    trained_on = []

    def noting(data, seed):
        trained_on.append([(street, data.read(street)[1]) for street in data.samples("train")])
        return "model"

    monkeypatch.setattr(pseudo, "trained", noting)
    monkeypatch.setattr(pseudo, "probabilities", lambda model, photograph: np.full((*photograph.shape[:2], 11), 0.05))
    thresholds = set()

    def guess(p, threshold, ignore):
        thresholds.add(threshold)
        return np.full(p.shape[:2], 3, np.uint8)

    found = [*pseudo.trainings(few_streets(), 0, guess)]
    assert thresholds == {0, 0.9} and {street for street, _ in trained_on[-1]} == {*range(12)}
    assert [name for name, _, _ in found] == [*PSEUDO["runs"]]
    few, others = pseudo.split(0)
    assert len(few) == 2 and len(others) == 10 and sorted(few + others) == [*range(12)]
    for (_, _, guessed), pairs in zip(found, trained_on, strict=True):
        for street, labels in pairs:
            if street in few or not guessed:
                np.testing.assert_array_equal(labels, streets.scene(street)[1])
            else:
                assert (labels == 3).all()
    assert {street for street, _ in trained_on[0]} == {*few}
    assert sum(street in few for street, _ in trained_on[1]) == len(trained_on[1]) / 2


def test_the_trainings_make_all_their_steps_and_end_with_exact_statistics(monkeypatch):
    losses, data = [], replace(few_streets(), samples=lambda split: range(4) if split == "train" else streets.VAL[:1])
    train_steps = loop.train_steps

    def counted(*args):
        for loss in train_steps(*args):
            losses.append(float(loss))
            yield loss

    monkeypatch.setattr(loop, "train_steps", counted)
    settings = replace(train_dilated.SETTINGS, epochs=2, steps=2)
    monkeypatch.setattr(train_dilated, "SETTINGS", settings)
    monkeypatch.setattr(pseudo, "SETTINGS", replace(settings, epochs=1, steps=3))
    monkeypatch.setattr(pseudo, "STEPS", 3)
    for train, steps in (lambda: train_dilated.trained("dilated", data, 0), 4), (lambda: pseudo.trained(data, 0), 3):
        losses.clear()
        model = train()
        assert len(losses) == steps
        exact = loop.exact_statistics(model, training_batches(data, settings, epoch=0))
        for name, a in exact.items():
            np.testing.assert_allclose(model.stats[name], a, rtol=1e-4, atol=1e-6, err_msg=name)
    photograph = streets.scene(0)[0]
    p = pseudo.probabilities(model, photograph)
    np.testing.assert_allclose(p, fast.softmax(inference.look(model, photograph)[0]))
    seen = []
    monkeypatch.setattr(loop, "evaluate", lambda model, pairs, ignore: seen.extend(pairs) or np.eye(11, dtype=int))
    assert train_dilated.judged(model, data)["mIoU"] == 100 and len(seen) == 1


def test_the_trainings_are_those_that_the_page_describes():
    page = " ".join((LESSON / "README.md").read_text(encoding="utf-8").split())
    settings, dilations = train_dilated.SETTINGS, train_dilated.DILATIONS["dilated"]
    assert f"by {settings.epochs * settings.steps} steps of Adam, two streets each" in page and settings.batch == 2
    assert f"dilations {', '.join(map(str, dilations))}." in page
    assert f"networks of {train_dilated.FILTERS} filters" in page
    assert f"{pseudo.STEPS} steps of Adam for each" in page and f"and {pseudo.FILTERS} filters was trained" in page
    blocks = train_dilated.network("dilated", 11)
    assert sum(name.endswith(".gamma") for name in blocks.shapes) == len(dilations)
    x, kept = np.full((1, 24, 32, 3), 0.1), []
    params, _ = networks.init(blocks, 0, np.float64)
    blocks.forward(params, x, SimpleNamespace(**vars(fast) | {
        "relu": lambda x: kept.append(x.shape[3]) or fast.relu(x)}))
    assert kept == [train_dilated.FILTERS] * len(dilations)


def test_the_quality_of_pseudo_labels_by_hand():
    truth = np.array([[0, 0, 1, 2], [1, VOID, 2, 2]], np.uint8)
    guessed = np.array([[0, 1, 1, VOID], [1, 0, VOID, 0]], np.uint8)
    data = replace(streets.dataset(), classes=("A", "B", "C"), read=lambda street: (None, truth))
    assert pseudo.quality(data, {7: guessed}) == {
        "kept": 75.0, "right": 60.0, "kept of class": [100.0, 100.0, 33.3], "right of class": [50.0, 100.0, 0.0],
    }


def test_the_scripts_take_what_is_done(monkeypatch, tmp_path):
    monkeypatch.setattr(course, "MINE", tmp_path)
    assert train_dilated.learners_functions() is train_dilated.BY_THE_LIBRARY
    with pytest.raises(InputError, match=r"^mine/23_what_segnet_is_not\.py: pseudo_labels is not done, python -m"):
        pseudo.learners_function()
    names = [exercise.name for exercise in course.exercises(LESSON)]
    sources = [inspect.getsource(getattr(planted_right_3, name)) for name in names]
    (tmp_path / "23_what_segnet_is_not.py").write_text("import numpy as np\n\n\n" + "\n\n".join(sources))
    assert [function.__name__ for function in train_dilated.learners_functions()] == names[:2]
    assert pseudo.learners_function().__name__ == "pseudo_labels"


def ious(runs, name):
    return np.array([run["iou"][streets.dataset().classes.index(name)] for run in runs])


def test_what_the_page_says_of_pooling_and_holes():
    pooling, dilated, neither, wide = (DILATED["runs"][kind] for kind in train_dilated.KINDS)
    assert [run["seed"] for run in pooling + dilated + neither + wide] == [0, 1] * 4
    for name in "mIoU", "C", "G":
        assert min(run[name] for run in dilated) > max(run[name] for run in neither)
        assert min(run[name] for run in neither) > max(run[name] for run in pooling)
    assert min(run["mIoU"] for run in wide) > max(run["mIoU"] for run in dilated)
    assert DILATED["measured"]["wide"]["times"] < DILATED["measured"]["dilated"]["times"]
    assert ious(neither, "Pole").min() - ious(pooling, "Pole").max() > 20
    assert (ious(neither, "Road") < ious(pooling, "Road")).all()
    assert np.mean(ious(neither, "Pavement") - ious(pooling, "Pavement")) < 0
    gain = {name: ious(dilated, name) - ious(neither, name) for name in ("Pole", "Pavement", "Car", "Bicyclist")}
    assert gain.pop("Pole").max() < 5 and all(16 <= one.min() and one.max() < 26 for one in gain.values())


def test_an_output_pixel_sees_what_the_page_says():
    sides = {}
    for kind in train_dilated.KINDS[:3]:
        if kind == "pooling":
            network = train_dilated.network(kind, 11)
            model = SimpleNamespace(network=network, folded=networks.init(network, 0)[0])
            fields = [receptive_field(model, streets.SIZE, row, 60) for row in range(40, 56)]
            sides[kind] = {bottom - top for top, _, bottom, _ in fields}
        else:
            sides[kind] = {1 + 2 * sum(train_dilated.DILATIONS[kind])}
    assert sides == {"pooling": {30, 38}, "dilated": {29}, "neither": {13}}


def test_what_the_page_says_of_pseudo_labels():
    few, everything, sure, truth = PSEUDO["runs"].values()
    assert [run["seed"] for run in few] == [0, 1, 2]
    for one, other, third, fourth in zip(few, everything, sure, truth, strict=True):
        assert one["mIoU"] < third["mIoU"] < fourth["mIoU"] and other["mIoU"] < third["mIoU"]


@pytest.mark.long
def test_a_training_gives_what_is_noted_of_it():
    """But for rounding, which differs from one machine to the next, and grows in a training."""
    again = train_dilated.judged(train_dilated.trained("pooling", streets.dataset(), 0), streets.dataset())
    assert abs(again["mIoU"] - DILATED["runs"]["pooling"][0]["mIoU"]) < 5
