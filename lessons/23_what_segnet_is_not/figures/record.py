"""Train the networks of this lesson, and note what they make of val.

    python lessons/23_what_segnet_is_not/figures/record.py

takes some twenty minutes on one thread, for two seeds of train_dilated.py and three of pseudo_labels.py, and writes
dilated.json and pseudo.json, from which draw.py and the page take their numbers. `record.py dilated` and `record.py
pseudo` do one of them. What is noted there already is not trained again: delete a file to begin anew.
"""

import json
import os
import re
import sys
from pathlib import Path

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "TINYSEGNET_THREADS": "1"}
sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np

from lessons.engine import course
from tinysegnet.data import streets
from tinysegnet.inference import classify
from tinysegnet.support.backend import keep_freed_memory

FOLDER = Path(__file__).parent
pseudo = course.load(FOLDER.parent / "pseudo_labels.py")
train_dilated = pseudo.train_dilated

SEEDS = {"dilated": (0, 1), "pseudo": (0, 1, 2)}
SHOWN = 14                  # of val, as the networks of the first seed see it
SHOWN_GUESS = 3             # of the streets without labels


def rows(numbers):
    """A map as a word of hexadecimal digits for each row; void is 11, b."""
    return ["".join(f"{int(number):x}" for number in row) for row in numbers]


def noted_of_dilated(data, seed, notes):
    for kind in train_dilated.KINDS:
        model = train_dilated.trained(kind, data, seed)
        run = {"seed": seed, **train_dilated.judged(model, data)}
        if seed == SEEDS["dilated"][0] and kind != "wide":
            run["predicted"] = rows(classify(model, streets.scene(streets.VAL[SHOWN])[0]))
        notes["runs"].setdefault(kind, []).append(run)
        print(kind, seed, {key: run[key] for key in run.keys() - {"predicted"}}, flush=True)


def measured(data):
    """Of each kind of network the parameters, what a forward keeps for one street, and the time of a step."""
    networks = {kind: train_dilated.network(kind, len(data.classes)) for kind in train_dilated.KINDS}
    seconds = train_dilated.seconds_of_a_step(
        {kind: train_dilated.new_trainer(network, data) for kind, network in networks.items()}, data)
    return {kind: {
        "parameters": int(sum(np.prod(shape) for shape in network.shapes.values())),
        "MB": round(train_dilated.kept_megabytes(network), 1), "times": round(seconds[kind] / seconds["pooling"], 2),
    } for kind, network in networks.items()}


def noted_of_pseudo(data, seed, notes):
    right = course.load(course.ROOT / "tests" / "planted_right_3.py").pseudo_labels
    for name, model, guessed in pseudo.trainings(data, seed, right):
        run = {"seed": seed, **train_dilated.judged(model, data)}
        if guessed:
            run["quality"] = pseudo.quality(data, guessed)
        if seed == SEEDS["pseudo"][0]:
            run["predicted"] = rows(classify(model, streets.scene(streets.VAL[SHOWN])[0]))
            if guessed:
                street = sorted(guessed)[SHOWN_GUESS]
                run["guessed"] = {"street": street, "labels": rows(guessed[street])}
        notes["runs"].setdefault(name, []).append(run)
        print(name, seed, {key: run[key] for key in run.keys() - {"predicted", "guessed"}}, flush=True)


def main():
    keep_freed_memory()
    data = streets.dataset()
    for name, note in (("dilated", noted_of_dilated), ("pseudo", noted_of_pseudo)):
        path = FOLDER / f"{name}.json"
        if sys.argv[1:] in ([], [name]):
            notes = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"shown": SHOWN, "runs": {}}
            noted = {run["seed"] for both in notes["runs"].values() for run in both}
            for seed in [seed for seed in SEEDS[name] if seed not in noted]:
                note(data, seed, notes)
                write(path, notes)
            if name == "dilated" and "measured" not in notes:
                notes["measured"] = measured(data)
                write(path, notes)


def write(path, notes):
    text = re.sub(r"\[[^\[\]{}\"]*\]", lambda found: re.sub(r"\s+", " ", found[0]), json.dumps(notes, indent=1))
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
