"""Train a small network on drawn cells by several losses and labels, and note what each makes of val.

    python lessons/22_two_classes/figures/record.py

takes some ten seconds for each of ten trainings and each seed, on one thread, and writes cells.json, from which
draw.py and the page take their numbers. What is noted there already is not trained again: delete the file to begin
anew. The losses are the right answers that tests/ has.
"""

import json
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np

from lessons.engine import course
from tinysegnet.ops import fast
from tinysegnet.support.backend import keep_freed_memory

train_cells = course.load(Path(__file__).parents[1] / "train_cells.py")
cells, FEW, SOME = train_cells.cells, train_cells.FEW, train_cells.SOME

PATH = Path(__file__).parent / "cells.json"
SEEDS = 0, 1
WEIGHTS = 4, 10             # of background between two cells
SHOWN = 1003                # of val, as the networks of the first seed see it


def trainings():
    """{name: (how cells are labelled, how many a photograph has, operations)}"""
    right = vars(course.load(course.ROOT / "tests" / "planted_right_3.py"))
    losses = train_cells.losses(right)
    return {
        **{f"few, {name}": ("whole", FEW, ops) for name, ops in losses.items()},
        **{f"whole, {name}": ("whole", SOME, ops) for name, ops in losses.items()},
        "seams, cross-entropy": ("seams", SOME, losses["cross-entropy"]),
        **{f"seams, weight {w}": ("seams", SOME, train_cells.with_weight_on_seams(w)) for w in WEIGHTS},
        "rims, cross-entropy": ("rims", SOME, fast),
    }


def noted(labelling, count, ops, seed):
    data = train_cells.in_memory(labelling, count)
    start = time.process_time()
    model = train_cells.trained(data, ops, seed)
    figures = {"seed": seed, "seconds": round(time.process_time() - start, 1)}
    figures |= train_cells.judged(model, data, count)
    if seed == SEEDS[0] and count == SOME:
        p = train_cells.softmax_of(model, cells.scene(SHOWN)[0])
        figures["shown"] = {"p": rows(np.round(15 * p[..., cells.CELL])), "named": rows(p.argmax(axis=2))}
    return figures


def rows(numbers):
    """A map as a word of hexadecimal digits for each row."""
    return ["".join(f"{int(number):x}" for number in row) for row in numbers]


def main():
    keep_freed_memory()
    notes = json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {"shown": SHOWN, "runs": {}}
    for seed in SEEDS:
        for name, training in trainings().items():
            runs = notes["runs"].setdefault(name, [])
            if seed not in [run["seed"] for run in runs]:
                runs.append(noted(*training, seed))
                print(name, {key: runs[-1][key] for key in runs[-1].keys() - {"shown", "tenths"}}, flush=True)
                PATH.write_text(compact(json.dumps(notes, indent=1)) + "\n", encoding="utf-8")


def compact(text):
    """The lists of numbers on one line each."""
    return re.sub(r"\[[^\[\]{}\"]*\]", lambda found: re.sub(r"\s+", " ", found[0]), text)


if __name__ == "__main__":
    main()
