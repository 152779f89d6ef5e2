"""python benchmarks/drives.py"""

import argparse
import datetime
import os
import platform
import shlex
import statistics
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

sys.path.append(str(Path(__file__).parents[1]))

import arithmetic  # noqa: E402
import pages  # noqa: E402
import trainings  # noqa: E402

import tinysegnet  # noqa: E402
from tinysegnet import inference, metrics  # noqa: E402
from tinysegnet.data import camvid  # noqa: E402
from tinysegnet.data.batches import evaluation_pairs, training_batches  # noqa: E402
from tinysegnet.data.folds import hold_out  # noqa: E402
from tinysegnet.data.images import resize_photograph, scaled  # noqa: E402
from tinysegnet.inference import look  # noqa: E402
from tinysegnet.ops.more.resize import resize_bilinear  # noqa: E402
from tinysegnet.plots.overlay import with_legend  # noqa: E402
from tinysegnet.support.errors import exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_0, at_least_1, height_x_width  # noqa: E402
from tinysegnet.training.loop import exact_statistics  # noqa: E402
from tinysegnet.training.runs import read_config  # noqa: E402
from tinysegnet.training.settings import OFF  # noqa: E402

DESCRIPTION = """What a recipe reaches on a drive that the network has never seen.

CamVid's train and val are frames of three drives. Each drive is held out once:
the network trains on the two others, by the recipe, and the last epoch is
judged on every frame of the third. The three confusion matrices are summed, so
that each frame counts once. No epoch is chosen on any frame.

Two trainings go at a time, on one thread each, by default for hours; each is a
run in runs/, and after Ctrl-C the same command goes on. What has been judged is
kept in benchmarks/results/drives.jsonl and is not trained again. Writes
benchmarks/results/drives.md and dusk.png, a frame as both recipes see it.
"""
RESULTS = Path(__file__).parent / "results"
KEPT = RESULTS / "drives.jsonl"
DRIVES = {"0001TP": "dusk", "0006R0": "day", "0016E5": "day"}
ONE_LOOK = "one look"
LOOKS = {           # (at which scale, if in a mirror) of those whose sum decides
    ONE_LOOK: [(1.0, False)],
    "and in a mirror": [(1.0, False), (1.0, True)],
    "and at 0.75": [(scale, mirrored) for scale in (1.0, 0.75) for mirrored in (False, True)],
    "and at 1.25": [(scale, mirrored) for scale in (1.0, 0.75, 1.25) for mirrored in (False, True)],
}
RECIPES_COMPARED = "best", "unseen"


class Job(NamedTuple):
    """A training with one drive held out."""

    drive: str
    size: tuple
    epochs: int
    seed: int
    title: str          # of the recipe, or of what is changed in it
    recipe: str
    changes: dict       # {setting: value} of the recipe, besides those by which all are judged alike

    @property
    def name(self):
        return "drives-{}x{}-{}-{}-{}-{}".format(*self.size, self.epochs, self.title, self.drive, self.seed)

    @property
    def key(self):
        """By which its results are found again."""
        return {"title": self.title, "settings": trainings.settings_of(self.recipe, self.all_changes)}

    @property
    def all_changes(self):
        return {"hold_out": self.drive, "size": self.size, "epochs": self.epochs, "seed": self.seed, "best_by": "last",
                "judge_every": self.epochs, "test_scales": None} | self.changes


def kept(job):
    """{how it was judged: confusion matrix} of a Job that has been judged before; {} if it has not."""
    counts = trainings.kept(KEPT, job.key).get("counts", {})
    return {how: np.array(values) for how, values in counts.items()}


def judged(job, data, looks):
    """{how it was judged: confusion matrix on the drive held out} of a Job: kept, or trained and judged now."""
    if results := kept(job):
        return results
    best = trainings.trained(job.name, job.recipe, {"data": data.source} | job.all_changes, quietly=True)
    results = {}
    for which, model in models(best, hold_out(data, job.drive)).items():
        for how, counts in in_looks(model, hold_out(data, job.drive), looks).items():
            results[how + which] = counts
    trainings.keep(KEPT, job.key, {"counts": {how: counts.tolist() for how, counts in results.items()}})
    line = f"{job.name}: mIoU {percent(results[ONE_LOOK]):.1f} in one look\n"
    print(line, end="", flush=True)         # with its end in one piece, as two jobs may print at a time
    return results


def models(best, data):
    """{"": the Model of a finished run}, and of one with averaged weights also {", last weights": that without}."""
    result = {"": inference.load(best)}
    if read_config(best.parent)["settings"].average is not None:
        last = inference.load(best.with_name("last.npz"))
        settings = read_config(best.parent)["settings"]
        settings = replace(settings, flip=False, scale=None, crop=None, jitter=None, **OFF)
        stats = exact_statistics(last, training_batches(data, settings, epoch=0))
        result[", last weights"] = replace(last, stats=stats)
    return result


def in_looks(model, data, looks):
    """{how: confusion matrix} on val, of each of the looks, {how: (scale, mirrored) of those whose sum decides}."""
    classes = len(data.classes)
    results = {how: np.zeros((classes, classes), np.int64) for how in looks}
    for photograph, labels in evaluation_pairs(data, "val"):
        logits = {}
        for scale, mirrored in {one for several in looks.values() for one in several}:
            resized = resize_photograph(photograph, scaled(model.meta["size"], scale))
            seen = look(model, resized[:, ::-1])[:, :, ::-1] if mirrored else look(model, resized)
            logits[scale, mirrored] = resize_bilinear(seen, (1, *labels.shape, classes))[0][0]
        for how, several in looks.items():
            predicted = sum(logits[one] for one in several).argmax(axis=2)
            results[how] += metrics.confusion_matrix(labels, predicted, classes, data.ignore)
    return results


def percent(counts):
    return 100 * metrics.mean_iou(counts)


def of_drives(title, recipe, changes, seed, args):
    """The three Jobs of a recipe."""
    return [Job(drive, args.size, args.epochs, seed, title, recipe, changes) for drive in DRIVES]


def summary(jobs, table, how):
    """[mIoU of the sum, mIoU of each drive], in %, of the Jobs of the drives."""
    counts = [table[job.name][how] for job in jobs]
    return [percent(sum(counts)), *map(percent, counts)]


def header(title, args):
    yield f"# {title}\n"
    command = shlex.join(["python", *sys.argv])
    yield f"{datetime.date.today()}, `{command}`. {arithmetic.processor()};"
    yield f"Python {platform.python_version()}, tinysegnet {tinysegnet.__version__}, numpy {version('numpy')}."
    yield "{} epochs at {}x{}; the last one, judged at 360x480. mIoU in %.\n".format(args.epochs, *args.size)


def report(compared, table, args):
    """The lines of the page.  compared: {recipe: [its Jobs with one seed, with the next, ...]}"""
    yield from header("Drives that the network has never seen", args)
    yield f"| recipe | seed | all three | {' | '.join(f'{drive}, {light}' for drive, light in DRIVES.items())} |"
    yield "|---" * (len(DRIVES) + 3) + "|"
    means, spreads = [], []
    for recipe, runs in compared.items():
        values = [summary(jobs, table, ONE_LOOK) for jobs in runs]
        for jobs, row in zip(runs, values):
            yield f"| {recipe} | {jobs[0].seed} | {' | '.join(f'{value:.1f}' for value in row)} |"
        pooled = [row[0] for row in values]
        means.append(statistics.mean(pooled))
        spreads.append(max(pooled) - min(pooled))
    yield "\nIn one look. All three: of the sum of their confusion matrices.\n"
    if len(means) > 1:
        first, *_, last = compared
        between = f"; between seeds at most {max(spreads):.1f}" if len(args.seeds) > 1 else ""
        yield f"{last} less {first}: {means[-1] - means[0]:+.1f}{between}.\n"
    hows = [how for runs in compared.values() for how in table[runs[0][0].name]]
    yield f"| in several looks, all three | {' | '.join(compared)} |"
    yield "|---" * (len(compared) + 1) + "|"
    for how in dict.fromkeys(hows):
        cells = [mean_of(runs, table, how) for runs in compared.values()]
        yield f"| {how} | {' | '.join(cells)} |"
    yield "\nThe mean of the seeds.\n"
    yield f"| IoU by class, one look | {' | '.join(compared)} |"
    yield "|---" * (len(compared) + 1) + "|"
    pooled = [sum(table[job.name][ONE_LOOK] for jobs in runs for job in jobs) for runs in compared.values()]
    for name, values in zip(camvid.CLASSES, zip(*(100 * metrics.iou(counts) for counts in pooled))):
        yield f"| {name} | {' | '.join(f'{value:.1f}' for value in values)} |"


def mean_of(runs, table, how):
    if how not in table[runs[0][0].name]:
        return ""
    return f"{statistics.mean(summary(jobs, table, how)[0] for jobs in runs):.1f}"


def draw_dusk(compared, data, folder):
    """The middle frame of the drive at dusk as each recipe's first network sees it, none of which has seen the drive:
    dusk.png in that folder, if all of them are still in runs/. Nothing of the frame itself is in it."""
    networks = {recipe: Path("runs", runs[0][0].name, "best.npz") for recipe, runs in compared.items()}
    if not all(path.exists() for path in networks.values()):
        return
    frames = hold_out(data, next(iter(DRIVES))).samples("val")
    photograph, labels = data.read(frames[len(frames) // 2])
    seen = [data.palette[inference.classify(inference.load(path), photograph, labels.shape)]
            for path in networks.values()]
    gap = np.full((len(labels), 8, 3), 255, np.uint8)
    picture = Image.fromarray(np.hstack([seen[0], gap, seen[-1]]).astype(np.uint8))
    with_legend(picture, zip(data.palette, data.classes)).save(folder / "dusk.png")


def write(page, lines):
    lines = list(lines)
    print(*lines, sep="\n", flush=True)
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data/CamVid", metavar="FOLDER", help="CamVid (default: %(default)s)")
    parser.add_argument("--size", type=height_x_width, default=(180, 240), metavar="HxW", help="default: 180x240")
    parser.add_argument("--epochs", type=at_least_1, default=40, help="default: %(default)s")
    parser.add_argument("--seeds", type=at_least_0, nargs="+", default=[0, 1], metavar="SEED", help="default: 0 1")
    args = parser.parse_args()
    data = trainings.camvid_at(args.data)
    compared = {
        recipe: [of_drives(recipe, recipe, {}, seed, args) for seed in args.seeds] for recipe in RECIPES_COMPARED
    }
    jobs = [job for runs in compared.values() for jobs in runs for job in jobs]
    table = all_judged(sorted(jobs, key=lambda job: job.seed), data, LOOKS)      # so that one seed is soon whole
    folder = pages.place(RESULTS, parser, args)
    write(folder / "drives.md", report(compared, table, args))
    draw_dusk(compared, data, folder)


def all_judged(jobs, data, looks):
    """{name of a Job: its results}"""
    by_name = {job.name: job for job in jobs}
    return trainings.two_at_a_time(lambda name: judged(by_name[name], data, looks), list(by_name))


if __name__ == "__main__":
    exit_in_words(main)
