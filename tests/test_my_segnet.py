"""Which of the library's functions a learner's own take the place of, in `train.py --ops lessons`."""

import pytest

from lessons.engine import my_segnet
from tinysegnet import metrics, optim, training
from tinysegnet.data import balance
from tinysegnet.networks import segnet_basic

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
