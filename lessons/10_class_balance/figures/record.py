"""Train small networks on streets, which differ in class weights, rate, schedule and optimiser; note how each went.

    python lessons/10_class_balance/figures/record.py

takes some minutes and writes trainings.json, from which draw.py and the page take their numbers. What is noted there
already is not trained again: delete the file to begin anew.
"""

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np

from tinysegnet import metrics
from tinysegnet.data import streets
from tinysegnet.data.batches import evaluation_pairs
from tinysegnet.data.survey import survey
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.support.errors import InputError
from tinysegnet.training import loop
from tinysegnet.training.settings import from_recipe

PATH = Path(__file__).parent / "trainings.json"
EVERY = 6                   # steps whose losses are noted as one mean
USUAL = from_recipe(
    "lessons", data="streets", epochs=8, batch=4, lr=0.1, class_weight_power=0.5, size=(48, 64), filters=16, steps=60,
)
RUNS = (
    *(dict(class_weight_power=power, seed=seed) for power in (0, 0.5, 1) for seed in (0, 1)),
    *(dict(lr=lr, seed=0) for lr in (0.001, 1.0, 2.0, 3.0, 10.0)),
    dict(lr=2.0, class_weight_power=0, seed=0),
    dict(lr=1.0, schedule="constant", seed=0),
    dict(optimiser="adam", lr=0.003, weight_decay=0.02, seed=0),
)


def trained(data, change):
    """What is noted of one training."""
    noted = dict(change, loss=[], G=[], C=[], mIoU=[])
    losses, (model, epochs) = [], loop.train(replace(USUAL, **change), data)
    try:
        for of_epoch in epochs:
            losses.clear()
            for loss in of_epoch:
                losses.append(loss)
            noted["loss"] += [float(f"{part.mean():.4g}") for part in np.split(np.array(losses), len(losses) // EVERY)]
            counts = loop.evaluate(model, evaluation_pairs(data, "val"), data.ignore)
            for name, value in metrics.figures(counts).items():
                noted[name].append(round(100 * float(value), 1))
    except InputError as error:
        return noted | {"losses": [f"{loss:.3g}" for loss in losses], "stopped": str(error)}
    print(change, noted["loss"][-1], noted["G"], noted["C"], noted["mIoU"], flush=True)
    return noted | {
        "accuracy": (100 * metrics.class_accuracy(counts)).round(1).tolist(),
        "iou": (100 * metrics.iou(counts)).round(1).tolist(),
        "called": counts.sum(axis=0).tolist(),          # how many pixels got each name
        "labelled": counts.sum(axis=1).tolist(),
    }


def main():
    keep_freed_memory()
    data = streets.dataset()
    seen = survey(data, "train")
    names = "epochs", "batch", "steps", "size", "filters", "momentum", "lr", "class_weight_power"
    kept = {name: getattr(USUAL, name) for name in names}
    survey_of_train = {"pixels": seen.pixels.tolist(), "image_pixels": seen.image_pixels.tolist()}
    noted = json.loads(PATH.read_text(encoding="utf-8"))["runs"] if PATH.exists() else []
    runs = []
    for change in RUNS:
        before = [run for run in noted if {name: run.get(name) for name in change} == change and only(run, change)]
        with np.errstate(all="ignore"):
            runs.append(before[0] if before else trained(data, change))
        notes = {"every": EVERY, "usual": kept, "train": survey_of_train, "runs": runs}
        PATH.write_text(compact(json.dumps(notes, indent=1)) + "\n", encoding="utf-8")


def only(run, change):
    """Whether a noted run differs from the usual in this change and in nothing else."""
    return not (run.keys() & vars(USUAL).keys()) - change.keys()


def compact(text):
    """The lists of numbers on one line each."""
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s+", " ", found[0]), text)


if __name__ == "__main__":
    main()
