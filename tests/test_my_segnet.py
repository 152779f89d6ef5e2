"""Which of the library's functions a learner's own take the place of, in `train.py --ops lessons`."""

from collections import Counter

import numpy as np
import pytest
import tiny_camvid
from train_in_process import train_script

from lessons.engine import course, my_segnet
from tinysegnet import metrics, ops
from tinysegnet.data import balance
from tinysegnet.networks import segnet_basic
from tinysegnet.training import loop as training
from tinysegnet.training import optim

SETTINGS = {"optimiser": "sgd", "schedule": "cosine", "lr": 0.1, "epochs": 3, "steps": 7}


@pytest.fixture(autouse=True)
def put_back_afterwards(monkeypatch):
    for module, name in (*my_segnet.AROUND.values(), (training, "learning_rate")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setattr(optim, "STEPS", dict(optim.STEPS))


@pytest.mark.parametrize("name, module, library_name", [
    ("class_weights", balance, "median_frequency_weights"), ("confusion_matrix", metrics, "confusion_matrix"),
    ("global_accuracy", metrics, "global_accuracy"), ("class_average", metrics, "class_average"),
    ("mean_iou", metrics, "mean_iou"),
])
def test_weights_and_figures_are_exchanged(name, module, library_name):
    before = getattr(module, library_name)
    assert my_segnet.around({}, SETTINGS) == [] and getattr(module, library_name) is before
    assert my_segnet.around({name: "theirs"}, SETTINGS) == [name]
    assert getattr(module, library_name) == "theirs"


def test_the_rate_is_exchanged_where_it_is_a_cosine():
    theirs = {"cosine_rate": lambda *args: args}
    assert my_segnet.around(theirs, SETTINGS | {"schedule": "constant"}) == []
    assert my_segnet.around(theirs, SETTINGS) == ["cosine_rate"]
    assert training.learning_rate(SETTINGS, 4) == (0.1, 4, 21)


@pytest.mark.parametrize("optimiser, other", [("sgd", "adam"), ("adam", "sgd")])
def test_the_step_of_the_optimiser_is_exchanged(optimiser, other):
    theirs = {"sgd_step": "their sgd", "adam_step": "their adam"}
    kept = optim.STEPS[other]
    assert my_segnet.around(theirs, SETTINGS | {"optimiser": optimiser}) == [f"{optimiser}_step"]
    assert optim.STEPS == {optimiser: f"their {optimiser}", other: kept}
    params, _ = segnet_basic.init(0, width=2, levels=1, kernel=3)
    assert ("steps" in optim.start(optimiser, params)) == (optimiser == "adam")


def conv1x1(x, w, b):
    return x @ w + b, (x, w)


def conv1x1_backward(dy, cache):
    x, w = cache
    return dy @ w.T, np.tensordot(x, dy, axes=((0, 1, 2), (0, 1, 2))), dy.sum(axis=(0, 1, 2))


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_training_calls_all_that_it_says_is_the_learner_s(tmp_path, monkeypatch, capsys, optimiser):
    calls, step = Counter(), f"{optimiser}_step"

    def counted(name, function):
        def called(*args, **options):
            calls[name] += 1
            return function(*args, **options)

        return called

    theirs = {name: getattr(ops, name) for name in my_segnet.EXCHANGED}
    theirs |= {"conv1x1": conv1x1, "conv1x1_backward": conv1x1_backward, step: getattr(optim, step)}
    theirs |= {name: getattr(module, library_name) for name, (module, library_name) in my_segnet.AROUND.items()}
    theirs["cosine_rate"] = lambda lr, done, steps: 0.5 * lr * (1 + np.cos(np.pi * done / steps))
    monkeypatch.setattr(my_segnet, "finished", lambda: {name: counted(name, theirs[name]) for name in theirs})
    monkeypatch.setattr(my_segnet, "afford", lambda *args: None)        # it calls them too
    monkeypatch.setattr(course, "MINE", tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    tiny_camvid.make(tmp_path / "tiny")
    train = train_script(monkeypatch)
    recipe = {"sgd": "photographs", "adam": "best"}[optimiser]
    options = "--size", "24x32", "--width", "2", "--batch", "2", "--epochs", "1"
    train("--ops", "lessons", "--data", "tiny", "--recipe", recipe, *options)
    said = " ".join(capsys.readouterr().out.split())
    assert set(calls) == set(theirs) and all(name in said for name in theirs)
