"""Train SegNet-Basic with and without dropout on streets, and note what each is sure of, and whether it is right there.

    python lessons/20_not_knowing/figures/record.py

takes some six minutes for each of two seeds, on one thread, and writes not_knowing.json, from which draw.py and the
page take their numbers. The trained networks stay in runs/not_knowing/: what is there is not trained again.
"""

import json
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "TINYSEGNET_THREADS": "1"}
sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np

from lessons.engine import course
from tinysegnet import checkpoint, inference, metrics
from tinysegnet.data import streets
from tinysegnet.data.batches import training_batches
from tinysegnet.ops import fast
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.training import loop
from tinysegnet.training.settings import from_recipe

unseen = course.beside(__file__, "unseen")

PATH = Path(__file__).parent / "not_knowing.json"
TRAINED = course.ROOT / "runs" / "not_knowing"
PLAIN, BAYESIAN = "segnet-basic", "bayesian-segnet-basic"
SEEDS = 0, 1
SETTINGS = from_recipe(
    "streets", data="streets", epochs=12, batch=4, lr=3e-3, size=streets.SIZE, filters=24, steps=60,
)
MEANS_OF = 1, 2, 5, 10, 20      # looks with dropout, whose mean decides
SAMPLES = MEANS_OF[-1]          # whose variance is taken
EDGE = 2                        # a pixel is at an edge if another class is so many pixels away, or nearer
SHOWN = 9                       # of val, as the networks of the first seed see it
SOFTMAX, MEAN, VARIANCE, WITHIN = "one look", "mean", "variance", "within looks"


def trained(name, seed, data):
    """A trained Model with the statistics of the whole training set, as train.py leaves it."""
    path = TRAINED / f"{name}-{seed}.npz"
    if not path.exists():
        settings = replace(SETTINGS, network=name, seed=seed)
        model, epochs = loop.train(settings, data)
        for number, losses in enumerate(epochs, start=1):
            print(f"{name} {seed} epoch {number:2} loss {np.mean(list(losses)):.3f}", flush=True)
        stats = loop.exact_statistics(model, training_batches(data, settings, epoch=0))
        TRAINED.mkdir(parents=True, exist_ok=True)
        checkpoint.save(path, model.meta | {"statistics": "exact"}, params=model.params, stats=stats)
    return inference.load(path)


def without_dropout(model, seed, data):
    """The same parameters, with statistics of maps in which nothing was dropped."""
    ops = SimpleNamespace(**vars(fast) | {"dropout": lambda x, mask: (x, mask)})
    stats = loop.exact_statistics(model, training_batches(data, replace(SETTINGS, seed=seed), epoch=0), ops)
    return replace(model, stats=stats)


def looks_at(model, photograph):
    """The softmaxes of looks with dropout, (SAMPLES, H, W, classes): inference.monte_carlo has the same, one by one."""
    looks = (inference.look(model, photograph, inference.drawing(fast, n)) for n in range(SAMPLES))
    return np.stack([fast.softmax(logits)[0] for logits in looks])


def seen(model, photograph):
    """What is seen in one picture: {how uncertainty is measured: of each pixel how much, and its class}, the classes
    that the means of some looks name, and those of the single looks; the last two are empty without dropout."""
    named, doubt = inference.one_look(model, photograph)
    doubts = {SOFTMAX: (doubt, named)}
    if model.meta["network"]["name"] == PLAIN:
        return doubts, {}, []
    looks = looks_at(model, photograph)
    mean = looks.mean(axis=0)
    named = mean.argmax(axis=2)
    doubts[MEAN] = 1 - mean.max(axis=2), named
    doubts[VARIANCE] = looks.var(axis=0).mean(axis=2), named
    doubts[WITHIN] = (looks * (1 - looks)).mean(axis=(0, 3)), named
    return doubts, {n: looks[:n].mean(axis=0).argmax(axis=2) for n in MEANS_OF}, looks.argmax(axis=3)


def at_edges(labels, reach=EDGE):
    """Where another class is near, void or not. bool (H, W)"""
    padded, near = np.pad(labels, reach, mode="edge"), np.zeros(labels.shape, bool)
    for i in range(2 * reach + 1):
        for j in range(2 * reach + 1):
            near |= padded[i : i + labels.shape[0], j : j + labels.shape[1]] != labels
    return near


def percent(share):
    return round(100 * float(share), 1)


def noted(name, seed, data, pairs):
    """What is noted of one network; shares and mIoU are in %."""
    model = trained(name, seed, data)
    labels = np.stack([labels for _, labels in pairs])
    of_val = [seen(model, photograph) for photograph, _ in pairs]
    strange = {kind: [change(photograph) for photograph, _ in pairs] for kind, change in unseen.UNSEEN.items()}
    of_strange = {kind: [seen(model, picture) for picture, _ in pictures] for kind, pictures in strange.items()}

    predicted = {SOFTMAX: stacked(of_val, SOFTMAX)[1]}
    predicted |= {str(n): np.stack([means[n] for _, means, _ in of_val]) for n in of_val[0][1]}
    if name == BAYESIAN:
        other = without_dropout(model, seed, data)
        predicted["its own statistics"] = np.stack([inference.classify(other, photograph) for photograph, _ in pairs])
    counts = {key: metrics.confusion_matrix(labels, classes, len(data.classes), data.ignore)
              for key, classes in predicted.items()}
    found = {"seed": seed, "mIoU": {key: percent(metrics.mean_iou(one)) for key, one in counts.items()},
             "G": {key: percent(metrics.global_accuracy(one)) for key, one in counts.items()}, "doubts": {}}

    for key in of_val[0][0]:
        doubts, named = stacked(of_val, key)
        note, least_sure = on_val(doubts, named, labels, data.ignore)
        for kind, pictures in strange.items():
            there = np.stack([mask for _, mask in pictures])
            doubts_there, named_there = stacked(of_strange[kind], key)
            note["mean"][kind] = rounded(doubts_there[there].mean())
            note[kind] = {
                "before": percent((doubts[there] > least_sure).mean()),
                "least sure": percent((doubts_there[there] > least_sure).mean()),
                "called": [percent((named_there[there] == k).mean()) for k in range(len(data.classes))],
            }
        upside_down = labels[:, ::-1]
        right = (named_there == upside_down)[upside_down != data.ignore]
        note["upside down"]["right"] = percent(right.mean())
        found["doubts"][key] = note
    print(name, seed, found["mIoU"], {key: note["tenths"] for key, note in found["doubts"].items()}, flush=True)
    if name == BAYESIAN and seed == SEEDS[0]:
        found["shown"] = {kind: maps(pictures[SHOWN]) for kind, pictures in {"street": of_val, **of_strange}.items()}
    return found


def stacked(pictures, key):
    """The uncertainties and the classes of all pictures, (N, H, W) both."""
    return [np.stack([doubts[key][i] for doubts, _, _ in pictures]) for i in (0, 1)]


def on_val(doubts, named, labels, ignore):
    """What is noted of uncertainties of val, and which one nine of ten pixels are below."""
    counted, edges = labels != ignore, np.stack([at_edges(one) for one in labels])
    wrong, least_sure = (named != labels) & counted, np.quantile(doubts[counted], 0.9)
    bins = sum(metrics.count_by_uncertainty(*three, ignore) for three in zip(labels, named, doubts))
    places = {"all": counted, "right": counted & ~wrong, "wrong": wrong, "at edges": counted & edges,
              "elsewhere": counted & ~edges}
    return {
        "tenths": [percent(share) for share in metrics.accuracy_by_tenth(bins)],
        "wrong": percent(wrong.sum() / counted.sum()),
        "of the wrong in the least sure tenth": percent((doubts > least_sure)[wrong].mean()),
        "mean": {where: rounded(doubts[mask].mean()) for where, mask in places.items()},
    }, least_sure


def rounded(number):
    return float(f"{number:.3g}")


def maps(picture):
    """What is drawn of one picture: the classes of two looks and of the mean, and uncertainties in fifteenths."""
    doubts, _, looks = picture
    (variance, named), (softmax, _) = doubts[VARIANCE], doubts[SOFTMAX]
    shares = np.sqrt(variance / (0.5 / 11))         # as plots.overlay.uncertainty has it
    levels = [(15 * np.minimum(values, 1)).round().astype(int) for values in (shares, softmax)]
    return {"looks": [rows(looks[0]), rows(looks[1])], MEAN: rows(named), VARIANCE: rows(levels[0]),
            SOFTMAX: rows(levels[1])}


def rows(numbers):
    """A map as a word of hexadecimal digits for each row."""
    return ["".join(f"{number:x}" for number in row) for row in numbers]


def main():
    keep_freed_memory()
    data = streets.dataset()
    pairs = [data.read(sample) for sample in data.samples("val")]
    names = "epochs", "batch", "lr", "class_weight_power", "size", "filters"
    settings = {name: getattr(SETTINGS, name) for name in names}
    runs = {name: [noted(name, seed, data, pairs) for seed in SEEDS] for name in (PLAIN, BAYESIAN)}
    notes = {"settings": settings, "samples": SAMPLES, "edge": EDGE, "shown": SHOWN, "runs": runs}
    PATH.write_text(compact(json.dumps(notes, indent=1)) + "\n", encoding="utf-8")


def compact(text):
    """The lists of numbers on one line each."""
    return re.sub(r"\[[^\[\]{}\"]*\]", lambda found: re.sub(r"\s+", " ", found[0]), text)


if __name__ == "__main__":
    main()
