"""Train a small network on streets, and note how it errs on streets of val and on others that it has not seen.

    python lessons/11_metrics/figures/record.py

takes some minutes and writes network.json, from which draw.py and the page take their numbers.
"""

import json
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np

from tinysegnet import metrics
from tinysegnet.data import balance, streets
from tinysegnet.data.batches import training_batches
from tinysegnet.data.survey import survey
from tinysegnet.networks import segnet_basic
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.training import loop as training
from tinysegnet.training import optim
from tinysegnet.training.recipes import RECIPES

PATH = Path(__file__).parent / "network.json"
SETTINGS = RECIPES["streets"] | dict(
    epochs=24, batch=4, lr=0.1, schedule="constant", balance=0.5, size=(48, 64), width=16, steps=60, seed=0,
)
OTHERS = range(2_000_000, 2_000_040)        # streets that belong to no split
SHOWN = 11                                  # of val
DRAWS = 400


def per_image(params, stats, about, pairs):
    """Counts of each image by itself, (images, 12, 11): the last row is what void was called."""
    classes = len(about["classes"])
    counts = []
    for photograph, labels in pairs:
        predicted = training.classify(params, stats, about, photograph, *labels.shape)
        all_pixels = metrics.confusion_matrix(labels, predicted, classes + 1, ignore=255)
        counts.append(all_pixels[:, :classes])
    return np.array(counts)


def in_percent(counts):
    """The three figures of a matrix."""
    return {name: round(100 * float(value), 2) for name, value in metrics.figures(counts).items()}


def chosen(history):
    """Choose the epoch with the best mIoU on ten streets, and look at ten others: its mean mIoU on both, in %.

    history  (epochs, images, 11, 11)
    """
    rng, here, there = np.random.default_rng(0), [], []
    for _ in range(DRAWS):
        drawn = rng.permutation(history.shape[1])[:20]
        few, other = (history[:, part].sum(axis=1) for part in (drawn[:10], drawn[10:]))
        best = np.argmax([metrics.mean_iou(counts) for counts in few])
        here.append(metrics.mean_iou(few[best]))
        there.append(metrics.mean_iou(other[best]))
    here, there = (round(100 * float(np.mean(values)), 2) for values in (here, there))
    return {"draws": DRAWS, "on the ten": here, "on ten others": there}


def main():
    keep_freed_memory()
    data = streets.dataset()
    seen = survey(data, "train")
    class_weights = balance.median_frequency_weights(seen.pixels, seen.image_pixels, SETTINGS["balance"])
    params, stats = segnet_basic.init(SETTINGS["seed"], len(data.classes), SETTINGS["width"])
    memory = optim.start(SETTINGS["optimiser"], params)
    about = {"size": SETTINGS["size"], "input": SETTINGS["input"], "test_scales": None, "classes": data.classes}
    pairs = [data.read(sample) for sample in (*data.samples("val"), *OTHERS)]
    history = []
    for epoch in range(1, SETTINGS["epochs"] + 1):
        done = (epoch - 1) * SETTINGS["steps"]
        losses = list(training.train_steps(
            params, stats, memory, training_batches(data, SETTINGS, epoch), class_weights.astype("f"), data.ignore,
            SETTINGS, done,
        ))
        history.append(per_image(params, stats, about, pairs))
        print(epoch, round(float(np.mean(losses)), 3), in_percent(history[-1][:40, :11].sum(axis=0)), flush=True)
    history = np.array(history)
    photograph, labels = pairs[SHOWN]
    kept = {name: SETTINGS[name] for name in ("epochs", "batch", "lr", "schedule", "balance", "size", "width", "seed")}
    notes = {
        "settings": kept,
        "mIoU of each epoch on val": [in_percent(counts[:40, :11].sum(axis=0))["mIoU"] for counts in history],
        "chosen": chosen(history[8:, :, :11]),
        "shown": SHOWN,
        "predicted": rows(training.classify(params, stats, about, photograph, *labels.shape)),
        "counts": history[-1][:40].tolist(),
    }
    text = re.sub(r"\[[^\[\]{}\"]*\]", lambda found: re.sub(r"\s+", " ", found[0]), json.dumps(notes, indent=1))
    PATH.write_text(text + "\n", encoding="utf-8")


def rows(predicted):
    """A picture of classes as a word of hexadecimal digits for each row."""
    return ["".join(f"{k:x}" for k in row) for row in predicted]


if __name__ == "__main__":
    main()
