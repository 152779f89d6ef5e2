"""Train a small network with each of six decoders on streets, and note how it errs along edges and elsewhere.

    python lessons/19_decoders_compared/figures/record.py

takes some six minutes for each of two seeds, on one thread, and writes decoders.json, from which draw.py and the page
take their numbers. What is noted there already is not trained again: delete the file to begin anew.
"""

import json
import os
import re
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "TINYSEGNET_THREADS": "1"}
sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np

from tinysegnet import metrics
from tinysegnet.data import streets
from tinysegnet.inference import classify
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.training import loop
from tinysegnet.training.settings import from_recipe

PATH = Path(__file__).parent / "decoders.json"
NETWORKS = (
    "bilinear-interpolation", "segnet-basic-replication", "segnet-basic-fixed-index", "segnet-basic", "fcn-basic",
    "segnet-basic-encoder-addition",
)
SEEDS = 0, 1
SETTINGS = from_recipe(
    "streets", data="streets", epochs=8, batch=4, lr=3e-3, size=streets.SIZE, filters=16, steps=60,
)
EDGE = 2                    # a pixel is at an edge if another class is so many pixels away, or nearer
SHOWN = 14                  # of val, as the networks of the first seed see it


def at_edges(labels, reach=EDGE):
    """Where another class is near, void or not. bool (H, W)"""
    padded, near = np.pad(labels, reach, mode="edge"), np.zeros(labels.shape, bool)
    for i in range(2 * reach + 1):
        for j in range(2 * reach + 1):
            near |= padded[i : i + labels.shape[0], j : j + labels.shape[1]] != labels
    return near


def noted(name, seed, data, pairs):
    """What is noted of one training: figures on val in %, all pixels and those at edges and elsewhere."""
    start = time.process_time()
    model, epochs = loop.train(replace(SETTINGS, network=name, seed=seed), data)
    losses = [float(np.mean(list(of_epoch))) for of_epoch in epochs]
    classes = len(data.classes)
    whole, edges = np.zeros((2, classes, classes), int)
    for photograph, labels in pairs:
        predicted = classify(model, photograph)
        whole += metrics.confusion_matrix(labels, predicted, classes, data.ignore)
        near = np.where(at_edges(labels), labels, data.ignore)
        edges += metrics.confusion_matrix(near, predicted, classes, data.ignore)
    figures = {key: round(100 * float(value), 1) for key, value in metrics.figures(whole).items()}
    shares = {
        "at edges": round(100 * float(metrics.global_accuracy(edges)), 1),
        "elsewhere": round(100 * float(metrics.global_accuracy(whole - edges)), 1),
    }
    seconds = round(time.process_time() - start)
    print(name, seed, f"loss {losses[-1]:.3f}", figures, shares, f"{seconds} s", flush=True)
    found = {"seed": seed, "loss": [float(f"{loss:.3g}") for loss in losses], **figures, **shares,
             "iou": (100 * metrics.iou(whole)).round(1).tolist(), "seconds": seconds}
    return found | ({"predicted": rows(classify(model, pairs[SHOWN][0]))} if seed == SEEDS[0] else {})


def rows(predicted):
    """A picture of classes as a word of hexadecimal digits for each row."""
    return ["".join(f"{k:x}" for k in row) for row in predicted]


def main():
    keep_freed_memory()
    data = streets.dataset()
    pairs = [data.read(sample) for sample in data.samples("val")]
    names = "epochs", "batch", "lr", "class_weight_power", "size", "filters"
    settings = {name: getattr(SETTINGS, name) for name in names}
    runs = json.loads(PATH.read_text(encoding="utf-8"))["runs"] if PATH.exists() else {}
    for seed in SEEDS:
        for name in NETWORKS:
            if all(run["seed"] != seed for run in runs.setdefault(name, [])):
                runs[name].append(noted(name, seed, data, pairs))
                notes = {"settings": settings, "edge": EDGE, "shown": SHOWN, "runs": runs}
                PATH.write_text(compact(json.dumps(notes, indent=1)) + "\n", encoding="utf-8")


def compact(text):
    """The lists of numbers on one line each."""
    return re.sub(r"\[[^\[\]{}\"]*\]", lambda found: re.sub(r"\s+", " ", found[0]), text)


if __name__ == "__main__":
    main()
