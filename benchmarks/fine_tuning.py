"""python benchmarks/fine_tuning.py"""

import argparse
import datetime
import os
import platform
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

sys.path.append(str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402
import pages  # noqa: E402
from trainings import camvid_at  # noqa: E402

import tinysegnet  # noqa: E402
from tinysegnet import metrics  # noqa: E402
from tinysegnet.data import streets  # noqa: E402
from tinysegnet.data.batches import evaluation_pairs, training_batches  # noqa: E402
from tinysegnet.support.backend import keep_freed_memory  # noqa: E402
from tinysegnet.support.errors import InputError, exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_1  # noqa: E402
from tinysegnet.support.threads import workers  # noqa: E402
from tinysegnet.training import fine_tune, loop  # noqa: E402
from tinysegnet.training.settings import RECIPES, from_recipe, steps_of  # noqa: E402

DESCRIPTION = """Twelve photographs: fine-tuning against training from scratch.

    python benchmarks/fine_tuning.py --data CAMVID

Of CamVid's val, on which the network that comes with the project was not
trained, twelve photographs are learnt, in two classes, vehicle or not, and the
others are judged. Once the training begins with that network (--init shipped),
once with random numbers; both take the same steps. Then the same with drawn
streets. Writes benchmarks/results/fine_tuning.md. Takes some 3 minutes.
"""
RESULTS = Path(__file__).parent / "results"
COUNT, VOID, SEEDS = 12, 255, range(3)
SIZES = {"CamVid": (120, 160), "streets": streets.SIZE}


def few(data, count=COUNT):
    """Of the val of a DataSet with CamVid's classes so many photographs, evenly spread, as train, and the others as
    val. There are two classes, vehicle or not."""
    vehicle, of_val = data.classes.index("Car"), list(data.samples("val"))
    if len(of_val) <= count:
        raise InputError(f"val of {data.name} has {len(of_val)} photographs: give a data set of more than {count}")
    chosen = set(np.linspace(0, len(of_val) - 1, count).round().astype(int).tolist())
    dealt = {
        "train": [of_val[i] for i in sorted(chosen)],
        "val": [sample for i, sample in enumerate(of_val) if i not in chosen],
    }

    def read(sample):
        photograph, labels = data.read(sample)
        return photograph, np.where(labels == data.ignore, VOID, labels == vehicle).astype(np.uint8)

    return replace(
        data, name=f"{count} of {data.name}", classes=("no vehicle", "vehicle"), ignore=VOID,
        palette=data.palette[[0, vehicle]], samples=dealt.__getitem__, read=read,
    )


def reached(data, size, epochs, seed, init):
    """mIoU on val after the last epoch of a training with these settings, in %, and how many seconds of a processor it
    took: these do not depend on what else the machine is doing."""
    steps = steps_of(len(data.samples("train")), RECIPES["photographs"]["batch"])
    given = {"data": data.source, "size": size, "epochs": epochs, "steps": steps, "seed": seed, "init": init}
    settings = from_recipe("photographs", **given, **fine_tune.follow(given))
    start = time.process_time()
    model, all_epochs = loop.train(settings, data)
    for losses in all_epochs:
        list(losses)
    as_they_are = replace(settings, flip=False)
    stats = loop.exact_statistics(model, training_batches(data, as_they_are, epoch=0))
    seconds = time.process_time() - start
    counts = loop.evaluate(replace(model, stats=stats), evaluation_pairs(data, "val"), data.ignore)
    return 100 * metrics.mean_iou(counts), seconds


def report(data, epochs):
    yield "# Twelve photographs: fine-tuning against training from scratch\n"
    versions = f"Python {platform.python_version()}, tinysegnet {tinysegnet.__version__}, numpy {version('numpy')}"
    yield f"{datetime.date.today()}, `python benchmarks/fine_tuning.py --data CAMVID --epochs {epochs}`."
    yield f"{versions}. Threads: {workers()}. By the recipe"
    yield f"photographs {COUNT} of val, evenly spread over it, are learnt in two classes, vehicle or not, and the"
    yield "others judged, after the last epoch and with exact statistics. mIoU in %.\n"
    yield "Of CamVid: the network that comes with the project was not trained on val, but its epoch was chosen"
    yield "there. And what is judged shows the same few roads as what is learnt: on others less would be right."
    yield "Drawn streets that network has never seen.\n"
    titles = " | ".join(f"seed {seed}" for seed in SEEDS)
    yield f"| | {titles} | processor seconds each |\n|---{'|---' * len(SEEDS)}|---|"
    for name, whole in (("CamVid", data), ("streets", streets.dataset())):
        chosen, (height, width) = few(whole), SIZES[name]
        for title, init in (("`--init shipped`", fine_tune.SHIPPED), ("from scratch", None)):
            trainings = [reached(chosen, (height, width), epochs, seed, init) for seed in SEEDS]
            seconds = sum(seconds for _, seconds in trainings) / len(trainings)
            mious = " | ".join(f"{miou:.1f}" for miou, _ in trainings)
            judged = len(chosen.samples("val"))
            yield f"| {name} at {height}x{width}, {judged} judged, {title} | {mious} | {seconds:.0f} |"


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="CAMVID", default="data/CamVid", help="default: %(default)s")
    parser.add_argument("--epochs", type=at_least_1, default=6, help="default: %(default)s")
    args = parser.parse_args()
    keep_freed_memory()
    data = camvid_at(args.data)
    lines = []
    for line in report(data, args.epochs):
        print(line, flush=True)
        lines.append(line)
    (pages.place(RESULTS, parser, args) / "fine_tuning.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    exit_in_words(main)
