"""Which of the library's functions a learner's own take the place of, in `train.py --ops lessons`."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_camvid
from train_in_process import train_script

from lessons.engine import course, judging, my_segnet
from tinysegnet import metrics, ops
from tinysegnet.data import balance, folder, streets
from tinysegnet.ops import fast
from tinysegnet.support.errors import InputError
from tinysegnet.training import loop, optim
from tinysegnet.training.loop import Functions
from tinysegnet.training.settings import from_recipe

SETTINGS = from_recipe("photographs", data="tiny", size=(24, 32), steps=7)
LIBRARY = {
    "class_weights": balance.median_frequency_weights, "confusion_matrix": metrics.confusion_matrix,
    "global_accuracy": metrics.global_accuracy, "class_average": metrics.class_average, "mean_iou": metrics.mean_iou,
}
MODULES = balance, metrics, metrics.confusion, optim, loop, ops, fast


@pytest.fixture(autouse=True)
def nothing_is_overwritten():
    """In the modules of the library, whatever a learner has finished."""
    before = [dict(vars(module)) for module in MODULES]
    yield
    for module, names in zip(MODULES, before):
        assert vars(module) == names, module


def learners(name):
    """A function of that name, a learner's."""
    def function(*args, **options):
        return name, args

    return function


@pytest.mark.parametrize("name", LIBRARY)
def test_weights_and_figures_are_exchanged(name):
    none = my_segnet.with_learners({}, SETTINGS)
    assert none.learner == () and none._replace(ops=fast) == Functions()
    assert vars(none.ops) == vars(fast.ops_with())
    function = learners(name)
    mixed = my_segnet.with_learners({name: function}, SETTINGS)
    assert mixed.learner == (name,)
    others = {field for field in Functions._fields if getattr(mixed, field) is not getattr(none, field)}
    if name in ("class_weights", "confusion_matrix"):
        assert others == {"ops", "learner", name} and getattr(mixed, name) is function
    else:
        assert others == {"ops", "learner", "figures"}
        counts, figure = np.array([[3, 1], [2, 4]]), {"global_accuracy": "G", "class_average": "C", "mean_iou": "mIoU"}
        assert mixed.figures(counts) == none.figures(counts) | {figure[name]: (name, (counts,))}
    assert vars(mixed.ops) == vars(none.ops)


def test_the_rate_is_exchanged_where_it_is_a_cosine():
    learner = {"cosine_rate": lambda *args: args}
    constant = my_segnet.with_learners(learner, replace(SETTINGS, schedule="constant"))
    assert constant.learner == () and constant.cosine_rate is loop.cosine_rate
    mixed = my_segnet.with_learners(learner, SETTINGS)
    assert mixed.learner == ("cosine_rate",)
    settings = replace(SETTINGS, lr=0.1, epochs=3)
    assert loop.rate(loop.Trainer(None, None, None, settings, mixed), 4) == (0.1, 4, 21)


@pytest.mark.parametrize("optimiser, other", [("sgd", "adam"), ("adam", "sgd")])
def test_the_step_of_the_optimiser_is_exchanged(optimiser, other):
    """It is called as lessons 04 and 10 have it, with no names of what decays."""
    learner = {"sgd_step": learners("sgd"), "adam_step": learners("adam")}
    mixed = my_segnet.with_learners(learner, replace(SETTINGS, optimiser=optimiser))
    assert mixed.learner == (f"{optimiser}_step",)
    assert getattr(mixed, f"{other}_step") is optim.STEPS[other]
    params = {"w": np.ones((3, 3, 3, 2), np.float32)}
    state = optim.start(optimiser, params)
    assert ("steps" in state) == (optimiser == "adam")
    called = getattr(mixed, f"{optimiser}_step")(params, "grads", state, 0.1, 0.9, 0.5, {"w"})
    assert called == (optimiser, (params, "grads", state, 0.1, 0.9, 0.5))


def test_a_file_of_an_old_number_is_trained_with(tmp_path, monkeypatch, capsys):
    relu = course.LESSONS / "02_relu"
    old = f"77{relu.name[2:]}.py"
    monkeypatch.setattr(course, "MINE", tmp_path / "mine")
    monkeypatch.setattr(course, "lessons", lambda: [relu])
    monkeypatch.setattr(judging, "praise", lambda *_: [])       # it takes long
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(my_segnet, "afford", lambda *_: None)
    course.MINE.mkdir()
    (course.MINE / old).write_text("import numpy as np\n\n\ndef relu(x):\n    return np.maximum(x, 0), x > 0\n")
    assert my_segnet.functions(SETTINGS, None).learner == ("relu",)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == [f"mine/{old} is read as lesson 02's: rename it to mine/02_relu.py"]
    assert [path.name for path in course.MINE.glob("*.py")] == [old]


@pytest.mark.parametrize("name", my_segnet.EXCHANGED)
def test_an_operation_is_exchanged_and_no_other(name):
    function = learners(name)
    mixed = my_segnet.with_learners({name: function}, SETTINGS)
    assert mixed.learner == (name,)
    assert vars(mixed.ops) == vars(fast.ops_with()) | {name: function}


def conv1x1(x, w, b):
    return x @ w + b, (x, w)


def conv1x1_backward(dy, cache):
    x, w = cache
    return dy @ w.T, np.tensordot(x, dy, axes=((0, 1, 2), (0, 1, 2))), dy.sum(axis=(0, 1, 2))


@pytest.mark.parametrize("learner", [{"conv1x1": conv1x1}, {"conv1x1_backward": conv1x1_backward}])
@pytest.mark.parametrize("K", [1, 3])
def test_a_1x1_convolution_is_the_classifier(learner, K):
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((2, 4, 5, 3)), rng.standard_normal((K, K, 3, 6)), rng.standard_normal(6)
    mixed = my_segnet.with_learners(learner, SETTINGS)
    assert mixed.learner == tuple(learner)
    (y, cache), (expected, its_cache) = mixed.ops.conv2d(x, w, b), ops.conv2d(x, w, b)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    pairs = zip(mixed.ops.conv2d_backward(y, cache), ops.conv2d_backward(y, its_cache), strict=True)
    for actual, expected in pairs:
        assert actual.shape == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_training_calls_all_that_it_says_is_the_learner_s(tmp_path, monkeypatch, capsys, optimiser):
    calls, step = Counter(), f"{optimiser}_step"

    def counted(name, function):
        def called(*args, **options):
            calls[name] += 1
            return function(*args, **options)

        return called

    learner = {name: getattr(ops, name) for name in my_segnet.EXCHANGED}
    learner |= {"conv1x1": conv1x1, "conv1x1_backward": conv1x1_backward, step: getattr(optim, step)}
    learner |= LIBRARY
    learner["cosine_rate"] = lambda lr, done, steps: 0.5 * lr * (1 + np.cos(np.pi * done / steps))
    finished = {name: counted(name, learner[name]) for name in learner}
    monkeypatch.setattr(my_segnet, "finished_functions", lambda: finished)
    monkeypatch.setattr(my_segnet, "afford", lambda *args: None)        # it calls them too
    monkeypatch.setattr(course, "MINE", tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    tiny_camvid.make(tmp_path / "tiny")
    train = train_script(monkeypatch)
    recipe = {"sgd": "photographs", "adam": "best"}[optimiser]
    options = "--size", "24x32", "--filters", "2", "--batch", "2", "--epochs", "1"
    with pytest.raises(InputError, match=r"^--resume takes runs/first unless .*: add its --name, as in"):
        train("--ops", "lessons", "--resume")
    train("--ops", "lessons", "--data", "tiny", "--recipe", recipe, *options)
    said = " ".join(capsys.readouterr().out.split())
    assert set(calls) == set(learner) and all(name in said for name in learner)


@pytest.mark.parametrize("best_by, best, figure", [
    ("mIoU", 0.5, ", mIoU 50 %"), ("G", 0.874, ", G 87 %"), ("last", 5, ""),       # of which `best` is the epoch
])
def test_the_caption_has_the_figure_that_the_epoch_was_kept_for(best_by, best, figure):
    run = SimpleNamespace(path=Path("runs/lessons-1"), settings=replace(SETTINGS, best_by=best_by), best=best)
    assert my_segnet.caption(run, Functions()) == f"lessons-1: 0 of its functions yours{figure}"


def test_what_learners_train_takes_the_optimiser_of_lesson_04():
    """And the rate it was chosen for, whatever `python train.py` takes on streets."""
    settings = from_recipe(**my_segnet.DEFAULTS, steps=60)
    assert (settings.recipe, settings.optimiser, settings.lr) == ("lessons", "sgd", 0.06)
    learner = {"sgd_step": lambda *args: None, "adam_step": lambda *args: None}
    assert my_segnet.with_learners(learner, settings).learner == ("sgd_step",)


@pytest.mark.parametrize("steps, looks, said", [
    ([1, 0.1, 0.1], [1, 0.01, 0.01], "a step takes 0.10 s, a photograph of val 0.01 s: about 30 seconds in all"),
    ([0.4, 0.9, 0.5], [3], "a step takes 0.50 s, a photograph of val 3.00 s: about 12 minutes in all"),
    ([60], [1, 1], "a step takes 60.00 s, a photograph of val 1.00 s: about 5 hours in all"),       # of loops: once
])
def test_what_a_training_will_take_counts_its_steps_and_its_looks(monkeypatch, capsys, steps, looks, said):
    """5 epochs of 60 steps and 40 looks; of three times the middle one, as the first has to begin things."""
    settings = from_recipe(**my_segnet.DEFAULTS, steps=60)
    clock = [0.0]

    def passes(seconds):
        clock[0] += seconds.pop(0)

    monkeypatch.setattr(my_segnet.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(my_segnet, "one_step", lambda *args: passes(steps))
    monkeypatch.setattr(my_segnet, "one_look", lambda *args: passes(looks))
    my_segnet.afford(Functions(), settings, streets.dataset())
    assert capsys.readouterr().out == f"{said}\n" and not steps and not looks


def test_what_a_training_will_take_is_timed_by_its_own_functions(tmp_path, monkeypatch, capsys):
    """In a step and in a look at val."""
    calls = Counter()

    def relu(x):
        calls[x.shape[1:3]] += 1
        return ops.relu(x)

    mixed = my_segnet.with_learners({"relu": relu}, SETTINGS)
    settings = replace(SETTINGS, filters=2)
    my_segnet.afford(mixed, settings, folder.dataset(tiny_camvid.make(tmp_path / "tiny")))
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2 and said[0].startswith("a step at 24x32 needs about ") and said[1].endswith(" in all")
    assert set(calls) == {(24, 32), (12, 16), (6, 8), (3, 4), (48, 64)}


def test_a_step_of_parts_is_measured_by_whole_pictures(tmp_path, capsys):
    """A part of the small ones on which it is measured could be too small to be halved."""
    data, small = folder.dataset(tiny_camvid.make(tmp_path / "tiny")), replace(SETTINGS, size=(160, 208), filters=2)
    megabytes = {}
    for crop, late, size in ((0.3, None, "48x62"), (0.3, 0.5, "80x104"), (None, None, "160x208"), (0.3, 1, "160x208")):
        my_segnet.afford(Functions(), replace(small, crop=crop, late_crop=late), data)
        said = capsys.readouterr().out
        assert said.startswith(f"a step at {size} needs about ")
        megabytes[crop, late] = int(said.split("about ")[1].split()[0])
    assert megabytes[0.3, None] < megabytes[0.3, 0.5] < megabytes[None, None]
    assert megabytes[0.3, 1] == pytest.approx(megabytes[None, None], abs=1)         # rounded to whole ones
