"""Train a small SegNet on streets, and see what it says with the statistics of each kind.

    python lessons/08_batch_norm/figures/record.py

writes statistics.json: the settings, the figures on val, and one street as each kind sees it.
It takes under two minutes.
"""

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2]))

from tinysegnet import metrics  # noqa: E402
from tinysegnet.data import streets  # noqa: E402
from tinysegnet.data.camvid import VOID  # noqa: E402
from tinysegnet.data.normalisation import normalise  # noqa: E402
from tinysegnet.ops import fast  # noqa: E402
from tinysegnet.training import loop, optim  # noqa: E402
from tinysegnet.training.settings import from_recipe  # noqa: E402
from tinysegnet.training.step import Criterion, train_step  # noqa: E402

SETTINGS = {"height": 48, "width": 64, "filters": 16, "images": 240, "epochs": 6, "batch": 4, "lr": 0.05, "seed": 0}
SHOWN = 3           # which street of val is in the figure


def scenes(seeds):
    pairs = [streets.scene(seed, SETTINGS["height"], SETTINGS["width"]) for seed in seeds]
    return np.stack([photograph for photograph, _ in pairs]), np.stack([labels for _, labels in pairs])


def new_model():
    size = SETTINGS["height"], SETTINGS["width"]
    steps = SETTINGS["images"] // SETTINGS["batch"]
    given = {"data": "streets", "size": size, "steps": steps, "filters": SETTINGS["filters"], "seed": SETTINGS["seed"]}
    return loop.new_model(from_recipe("lessons", **given), streets.dataset())


def train(images, labels):
    """A Model, whose stats are the running averages that the training has kept."""
    pixels = np.bincount(labels[labels != VOID], minlength=11)
    loss = Criterion(np.sqrt(np.median(pixels) / pixels).astype(np.float32), VOID)
    model = new_model()
    optimiser = optim.Optimiser(optim.sgd_step, optim.start("sgd", model.params), weight_decay=5e-4)
    for epoch in range(SETTINGS["epochs"]):
        order = np.random.default_rng([SETTINGS["seed"], epoch]).permutation(len(images))
        for some in np.split(order, len(order) // SETTINGS["batch"]):
            batch = seen(images[some]), labels[some]
            value = train_step(model, optimiser, batch, loss, SETTINGS["lr"], fast)
        print(f"epoch {epoch + 1}  loss {float(value):.2f}", flush=True)
    return model


def seen(x):
    return normalise(x, np)


def by_batches(model, images, batch):
    """Classes by the statistics of the batch that an image comes in."""
    batches = [seen(images[i : i + batch]) for i in range(0, len(images), batch)]
    return np.concatenate([model.network.forward(model.params, x, fast)[0].argmax(axis=3) for x in batches])


def by_statistics(model, stats, images):
    return model.network.predict(model.params, stats, seen(images), fast).argmax(axis=3)


def main():
    images, labels = scenes(streets.TRAIN[: SETTINGS["images"]])
    val, truth = scenes(streets.VAL)
    model = train(images, labels)
    batches = ((images[i : i + SETTINGS["batch"]], None) for i in range(0, len(images), SETTINGS["batch"]))
    exact = loop.exact_statistics(model, batches)
    answers = {
        "never taken": by_statistics(model, new_model().stats, val),
        "its own": by_batches(model, val, 1),
        "its batch's": by_batches(model, val, SETTINGS["batch"]),
        "running averages": by_statistics(model, model.stats, val),
        "the exact pass": by_statistics(model, exact, val),
    }
    record = {"settings": SETTINGS, "figures": {}, "street": {}}
    for name, predicted in answers.items():
        counts = metrics.confusion_matrix(truth, predicted, 11, VOID)
        figures = {key: round(100 * value, 1) for key, value in metrics.figures(counts).items()}
        most = np.bincount(predicted.ravel(), minlength=11).max() / predicted.size
        record["figures"][name] = figures | {"commonest class": round(100 * most, 1)}
        record["street"][name] = ["".join("0123456789a"[k] for k in row) for row in predicted[SHOWN]]
        print(name, record["figures"][name])
    brightness = val.mean(axis=(1, 2, 3))
    dark, light = np.argsort(brightness)[:3], np.argsort(brightness)[-3:]
    others = [i for i in range(len(val)) if i not in (*dark, *light)]
    moved = []
    for i in others:
        with_dark, with_light = (by_batches(model, val[[i, *company]], 4)[0] for company in (dark, light))
        moved.append((with_dark != with_light).mean())
    record["moved by company"] = round(100 * float(np.mean(moved)), 1)
    record["streets so asked"] = len(others)
    print("moved by company", record["moved by company"], "of", len(others))
    (HERE / "statistics.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
