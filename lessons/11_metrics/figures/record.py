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
from tinysegnet.data import streets
from tinysegnet.inference import classify
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.training import loop
from tinysegnet.training.settings import from_recipe

PATH = Path(__file__).parent / "network.json"
SETTINGS = from_recipe(
    "lessons", data="streets", epochs=24, batch=4, lr=0.1, schedule="constant", class_weight_power=0.5, size=(48, 64),
    filters=16, steps=60,
)
OTHERS = range(2_000_000, 2_000_040)        # streets that belong to no split
SHOWN = 11                                  # of val
DRAWS = 400


def per_image(model, pairs):
    """Counts of each image by itself, (images, 12, 11): the last row is what void was called."""
    classes = len(model.meta["classes"])
    counts = []
    for photograph, labels in pairs:
        predicted = seen(model, photograph, labels)
        all_pixels = metrics.confusion_matrix(labels, predicted, classes + 1, ignore=255)
        counts.append(all_pixels[:, :classes])
    return np.array(counts)


def seen(model, photograph, labels):
    return classify(model, photograph, labels.shape, seen_at=SETTINGS.size)


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
    pairs = [data.read(sample) for sample in (*data.samples("val"), *OTHERS)]
    history = []
    model, epochs = loop.train(SETTINGS, data)
    for of_epoch in epochs:
        losses = list(of_epoch)
        history.append(per_image(model, pairs))
        shown = in_percent(history[-1][:40, :11].sum(axis=0))
        print(len(history), round(float(np.mean(losses)), 3), shown, flush=True)
    history = np.array(history)
    photograph, labels = pairs[SHOWN]
    names = "epochs", "batch", "lr", "schedule", "class_weight_power", "size", "filters", "seed"
    notes = {
        "settings": {name: getattr(SETTINGS, name) for name in names},
        "mIoU of each epoch on val": [in_percent(counts[:40, :11].sum(axis=0))["mIoU"] for counts in history],
        "chosen": chosen(history[8:, :, :11]),
        "shown": SHOWN,
        "predicted": rows(seen(model, photograph, labels)),
        "counts": history[-1][:40].tolist(),
    }
    text = re.sub(r"\[[^\[\]{}\"]*\]", lambda found: re.sub(r"\s+", " ", found[0]), json.dumps(notes, indent=1))
    PATH.write_text(text + "\n", encoding="utf-8")


def rows(predicted):
    """A picture of classes as a word of hexadecimal digits for each row."""
    return ["".join(f"{k:x}" for k in row) for row in predicted]


if __name__ == "__main__":
    main()
