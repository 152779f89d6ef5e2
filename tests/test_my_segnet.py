"""Which of the library's functions a learner's own take the place of, in `train.py --ops lessons`."""

import numpy as np

from lessons.engine import my_segnet
from tinysegnet import metrics, optim, training
from tinysegnet.data import balance


def test_what_is_around_the_network_is_exchanged_too(monkeypatch):
    for module, name in ((balance, "median_frequency_weights"), (metrics, "mean_iou"), (training, "learning_rate")):
        monkeypatch.setattr(module, name, getattr(module, name))        # is put back after the test
    monkeypatch.setattr(optim, "STEPS", dict(optim.STEPS))
    theirs = {
        "class_weights": lambda pixels, image_pixels, power: "weights", "mean_iou": lambda counts: 0.5,
        "cosine_rate": lambda lr, done, steps: (lr, done, steps), "sgd_step": "theirs", "adam_step": "theirs",
    }
    settings = {"optimiser": "sgd", "schedule": "cosine", "lr": 0.1, "epochs": 3, "steps": 7}
    names = my_segnet.around(theirs, settings)
    assert names == ["class_weights", "mean_iou", "sgd_step", "cosine_rate"]
    assert balance.median_frequency_weights(1, 2, 3) == "weights"
    assert metrics.figures(np.eye(2))["mIoU"] == 0.5
    assert training.learning_rate(settings, 4) == (0.1, 4, 21)
    assert optim.STEPS == {"sgd": "theirs", "adam": optim.adam_step}
    assert my_segnet.around({}, settings) == []
    assert my_segnet.around({"cosine_rate": None}, settings | {"schedule": "constant"}) == []
