"""Train a small network a little with each known mistake, and in full with none and with those of A to F.

    python lessons/12_bugs_that_train/figures/record.py

takes some minutes and writes falls.json, which says what can be planted, and trainings.json, from which draw.py and the
page take their numbers. What is noted there already is not trained again: delete a file to begin it anew.
"""

import itertools
import json
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np

from lessons.engine import planted
from tinysegnet import metrics
from tinysegnet.ops.fast import ops_with
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.support.errors import InputError

FALLS, TRAININGS = (Path(__file__).parent / name for name in ("falls.json", "trainings.json"))
SHORT, SIZE = 40, (24, 32)      # steps with each mistake, and how large the streets are then
MEAN_OF = 5                     # of those, the first and the last so many losses are noted, as one mean each
EVERY = 10                      # steps of a full training whose losses are noted as one mean
SEEDS = 0, 1


def fall(operations):
    """The loss at first and after some steps; None for what is not a number."""
    losses = []
    _, epochs = planted.trained(operations, size=SIZE)
    try:
        for loss in itertools.islice(next(epochs), SHORT):
            losses.append(loss)
    except InputError:
        return [mean(losses[:MEAN_OF]), None]
    return [mean(losses[:MEAN_OF]), mean(losses[-MEAN_OF:])]


def full(operations, seed):
    """What is noted of one training: the losses, and the figures on val in %."""
    model, epochs = planted.trained(operations, seed)
    losses = [loss for of_epoch in epochs for loss in of_epoch]
    counts = planted.val_counts(model)
    figures = {name: round(100 * float(value), 1) for name, value in metrics.figures(counts).items()}
    noted = {"seed": seed, "loss": [mean(part) for part in np.split(np.array(losses), len(losses) // EVERY)], **figures}
    return noted | {"iou": (100 * metrics.iou(counts)).round(1).tolist()}


def mean(losses):
    return float(f"{np.mean(losses):.4g}")


def main():
    keep_freed_memory()
    np.seterr(all="ignore")
    falls = json.loads(FALLS.read_text(encoding="utf-8"))["losses"] if FALLS.exists() else {}
    mistakes = {f"{name} {wrong.__name__}": (name, wrong) for name, wrong in planted.plantable()}
    for key in ("healthy", *mistakes):
        if key not in falls:
            falls[key] = fall(ops_with() if key == "healthy" else planted.with_mistake(*mistakes[key]))
            print(key, *falls[key], flush=True)
            write(FALLS, {"steps": SHORT, "size": SIZE, "mean of": MEAN_OF, "losses": falls})
    runs = json.loads(TRAININGS.read_text(encoding="utf-8"))["runs"] if TRAININGS.exists() else {}
    for seed in SEEDS:
        for name in ("healthy", *planted.SIX):
            if all(run["seed"] != seed for run in runs.setdefault(name, [])):
                runs[name].append(full(ops_with() if name == "healthy" else planted.network(name), seed))
                print(name, seed, {figure: runs[name][-1][figure] for figure in ("G", "C", "mIoU")}, flush=True)
                write(TRAININGS, {"steps": planted.STEPS, "every": EVERY, "settings": planted.DEFAULTS, "runs": runs})


def write(path, notes):
    """The lists of numbers on one line each."""
    text = re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s+", " ", found[0]), json.dumps(notes, indent=1))
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
