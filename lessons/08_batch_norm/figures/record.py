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

from tinysegnet import metrics, optim, training  # noqa: E402
from tinysegnet.data import streets  # noqa: E402
from tinysegnet.data.camvid import VOID  # noqa: E402
from tinysegnet.data.normalisation import normalise  # noqa: E402
from tinysegnet.networks import segnet_basic  # noqa: E402

SETTINGS = {"height": 48, "width": 64, "filters": 16, "images": 240, "epochs": 6, "batch": 4, "lr": 0.05, "seed": 0}
SHOWN = 3           # which street of val is in the figure


def scenes(seeds):
    pairs = [streets.scene(seed, SETTINGS["height"], SETTINGS["width"]) for seed in seeds]
    return np.stack([photograph for photograph, _ in pairs]), np.stack([labels for _, labels in pairs])


def train(images, labels):
    """params, and the running averages that the training has kept."""
    pixels = np.bincount(labels[labels != VOID], minlength=11)
    class_weights = np.sqrt(np.median(pixels) / pixels).astype(np.float32)
    params, running = segnet_basic.init(SETTINGS["seed"], width=SETTINGS["filters"])
    velocity = optim.start("sgd", params)
    for epoch in range(SETTINGS["epochs"]):
        order = np.random.default_rng([SETTINGS["seed"], epoch]).permutation(len(images))
        for some in np.split(order, len(order) // SETTINGS["batch"]):
            lr = SETTINGS["lr"]
            loss = training.train_step(params, running, velocity, images[some], labels[some], class_weights, VOID, lr)
        print(f"epoch {epoch + 1}  loss {float(loss):.2f}", flush=True)
    return params, running


def seen(x):
    return normalise(x, np)


def by_batches(params, images, batch):
    """Classes by the statistics of the batch that an image comes in."""
    batches = [images[i : i + batch] for i in range(0, len(images), batch)]
    return np.concatenate([segnet_basic.forward(params, seen(x))[0].argmax(axis=3) for x in batches])


def by_statistics(params, stats, images):
    return segnet_basic.predict(params, stats, seen(images)).argmax(axis=3)


def main():
    images, labels = scenes(streets.TRAIN[: SETTINGS["images"]])
    val, truth = scenes(streets.VAL)
    params, running = train(images, labels)
    batches = ((images[i : i + SETTINGS["batch"]], None) for i in range(0, len(images), SETTINGS["batch"]))
    exact = training.exact_statistics(params, batches)
    _, untouched = segnet_basic.init(SETTINGS["seed"], width=SETTINGS["filters"])
    answers = {
        "never taken": by_statistics(params, untouched, val),
        "its own": by_batches(params, val, 1),
        "its batch's": by_batches(params, val, SETTINGS["batch"]),
        "running averages": by_statistics(params, running, val),
        "the exact pass": by_statistics(params, exact, val),
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
        with_dark, with_light = (by_batches(params, val[[i, *company]], 4)[0] for company in (dark, light))
        moved.append((with_dark != with_light).mean())
    record["moved by company"] = round(100 * float(np.mean(moved)), 1)
    record["streets so asked"] = len(others)
    print("moved by company", record["moved by company"], "of", len(others))
    (HERE / "statistics.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
