"""python benchmarks/table1.py"""

import argparse
import datetime
import os
import platform
import shlex
import statistics
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

import numpy as np  # noqa: E402

sys.path.append(str(Path(__file__).parents[1]))

import arithmetic  # noqa: E402
import pages  # noqa: E402
import trainings  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from workers import Worker  # noqa: E402

import tinysegnet  # noqa: E402
from tinysegnet import inference, metrics, networks  # noqa: E402
from tinysegnet.data.batches import evaluation_pairs  # noqa: E402
from tinysegnet.metrics.boundary import of_scipy  # noqa: E402
from tinysegnet.ops import fast  # noqa: E402
from tinysegnet.support.errors import InputError, exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_0, at_least_1, height_x_width  # noqa: E402
from tinysegnet.support.threads import workers  # noqa: E402
from tinysegnet.training.loop import predictions  # noqa: E402

DESCRIPTION = """The paper's comparison of decoders, its table 1:  python benchmarks/table1.py

Trains each network on CamVid by one recipe that was tuned for none: Adam, a
cosine, batches of 4, flips. The last epoch is judged, and nothing is chosen on
val. Two are trained at a time, on one thread each, by default in some hours;
each is a run in runs/, and after Ctrl-C the same command goes on. What has been
judged is kept in benchmarks/results/table1.jsonl and is not trained again. Then
each is timed, alone. Writes benchmarks/results/table1.md and table1.png; of
another balancing or seed table1-BALANCING-SEED. Needs SciPy, for BF.
"""
RESULTS = Path(__file__).parent / "results"
KEPT = RESULTS / "table1.jsonl"
RECIPE = "photographs"
PAPER = {       # parameters in millions, storage, ms; on test G, C, mIoU and BF, balanced and not
    "bilinear-interpolation": ("0.625", "0", "24.2", (77.9, 61.1, 43.3, 20.83), (82.7, 52.5, 43.8, 23.08)),
    "segnet-basic": ("1.425", "1", "52.6", (82.7, 62.0, 47.7, 35.78), (84.0, 54.6, 46.3, 36.67)),
    "segnet-basic-encoder-addition": ("1.425", "64", "53.0", (83.4, 63.6, 48.5, 35.92), (84.2, 56.5, 47.7, 36.27)),
    "segnet-basic-single-channel-decoder": ("0.625", "1", "33.1", (81.2, 60.7, 46.1, 31.62), (83.5, 53.9, 45.2, 32.45)),
    "fcn-basic": ("0.65", "11", "24.2", (81.7, 62.4, 47.3, 38.11), (83.9, 55.6, 45.0, 37.33)),
    "fcn-basic-no-addition": ("0.65", "-", "23.8", (80.5, 58.6, 44.1, 31.96), (82.3, 53.9, 44.2, 29.43)),
    "fcn-basic-no-dim-reduction": ("1.625", "64", "44.8", (84.1, 63.4, 50.1, 37.37), (83.5, 57.3, 47.0, 37.13)),
    "fcn-basic-no-addition-no-dim-reduction":
        ("1.625", "0", "43.9", (80.5, 61.6, 45.9, 30.47), (83.7, 54.8, 45.5, 33.17)),
}
POOR = "segnet-basic-replication", "segnet-basic-fixed-index", "segnet-basic-no-pooling"    # without figures there
BALANCING = {"median": 1.0, "natural": 0.0}     # power of median-frequency balancing


def changes_of(name, args):
    """{setting: value} of what is not as in the recipe."""
    return {
        "network": name, "size": args.size, "epochs": args.epochs, "seed": args.seed, "optimiser": "adam", "lr": 1e-3,
        "class_weight_power": BALANCING[args.balancing], "best_by": "last", "judge_every": args.epochs,
    }


def training_of(name, args, data):
    """What trainings.trained needs to know."""
    changes = {"data": data.source} | changes_of(name, args)
    return f"table1-{name}-{args.balancing}-{args.seed}", RECIPE, changes


def key_of(name, args, data):
    """By which its figures are found again."""
    photographs = {split: len(data.samples(split)) for split in splits(data)}
    return {"settings": trainings.settings_of(RECIPE, changes_of(name, args)), "photographs": photographs}


def kept(name, args, data):
    """{split: {"G", "C", "mIoU", "BF"}} in %, of a network that has been judged before; None if it has not."""
    return trainings.kept(KEPT, key_of(name, args, data)).get("figures")


def judged(name, args, data):
    """{split: {"G", "C", "mIoU", "BF"}} in %, of that network: kept, or trained and judged now."""
    figures = kept(name, args, data)
    if figures is None:
        model = inference.load(trainings.trained(*training_of(name, args, data), quietly=True))
        figures = {split: judge(model, data, split) for split in splits(data)}
        results = {"figures": figures, "date": str(datetime.date.today()), "tinysegnet": tinysegnet.__version__}
        trainings.keep(KEPT, key_of(name, args, data), results)
        line = f"{name}: mIoU {figures['val']['mIoU']:.1f} on val\n"
        print(line, end="", flush=True)         # with its end in one piece, as two may print at a time
    return figures


def judge(model, data, split):
    """{"G", "C", "mIoU", "BF"} in %."""
    classes, counts, outlines = len(data.classes), 0, []
    for labels, predicted in predictions(model, evaluation_pairs(data, split)):
        counts += metrics.confusion_matrix(labels, predicted, classes, data.ignore)
        outlines.append(metrics.boundary_f1(labels, predicted, classes, data.ignore))
    bf, _ = metrics.mean_boundary_f1(outlines)
    return {name: 100 * float(value) for name, value in (metrics.figures(counts) | {"BF": bf}).items()}


def all_judged(names, args, data):
    """{name: figures}"""
    for name in names:
        if kept(name, args, data) is None:
            trainings.check_kept(*training_of(name, args, data))        # now, and not after hours
    return trainings.two_at_a_time(lambda name: judged(name, args, data), names)


def splits(data):
    """Those that there are: CamVid's test split may be kept apart."""
    try:
        data.samples("test")
    except InputError:
        return ["train", "val"]
    return ["train", "val", "test"]


def storage(network):
    """The bits that cross from encoder to decoder, in multiples of those of SegNet-Basic's corners: 2 for each value of
    a pooled map, and 32 for each value of a map that is added."""
    def bits(network):
        corners, crossing = [], []

        def max_pool(x):
            y, its_corners = fast.max_pool(x)
            corners.append(its_corners)
            return y, its_corners

        def max_unpool(x, its_corners, shape):
            if any(its_corners is one for one in corners):
                crossing.append(2 * its_corners.size)
            return fast.max_unpool(x, its_corners, shape)

        def add(a, lent):
            crossing.append(32 * lent.size)
            return fast.add(a, lent)

        watching = SimpleNamespace(**vars(fast) | {"max_pool": max_pool, "max_unpool": max_unpool, "add": add})
        params, stats = networks.init(network, seed=0)
        network.predict(params, stats, np.zeros((1, 32, 32, 3), np.float32), watching)
        return sum(crossing)

    return bits(network) / bits(networks.build("segnet-basic"))


def inference_of(name):
    """Seconds of some runs on one image of 360x480, on all threads, and the MB that the process had at most."""
    worker = Worker("numpy_side", workers(), keep_memory=True)
    worker.prepare("inference", name, 1, 360, 480)
    seconds = [worker.time()[0] for _ in range(5)]
    megabytes = worker.peak_memory()
    worker.close()
    return seconds, megabytes


def of_test(name, args):
    """G, C, mIoU and BF of the paper on test."""
    return PAPER[name][3 if args.balancing == "median" else 4]


def ranks(values):
    """1 for the smallest; equal values have the mean of their ranks."""
    values = np.array(values)
    return np.array([(values < v).sum() + ((values == v).sum() + 1) / 2 for v in values])


def rank_correlation(a, b):
    """Spearman's: 1 if both put the networks in one order, -1 in opposite ones, about 0 if they have nothing to do."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def report(table, args):
    """The lines of the page.  table: {name: {split: {"G", "C", "mIoU", "BF"}}}"""
    height, width = args.size
    balance = "median-frequency balancing" if args.balancing == "median" else "no balancing of the classes"
    yield "# The paper's decoders\n"
    command = shlex.join(["python", *sys.argv])
    yield f"{datetime.date.today()}, `{command}`; of each training the day is in table1.jsonl."
    packages = f"tinysegnet {tinysegnet.__version__}, numpy {version('numpy')}"
    yield f"{arithmetic.processor()}; Python {platform.python_version()}, {packages}."
    yield f"{args.epochs} epochs at {height}x{width}, Adam, cosine, batch 4, flips, {balance}, seed {args.seed};"
    yield "the last epoch, judged at the annotations' own size. In brackets the paper's figures (its table 1).\n"
    present = [split for split in ("train", "val", "test") if split in next(iter(table.values()))]
    columns = ["M parameters", "storage", "ms", "MB", *present, "paper, test"]
    yield f"| | {' | '.join(columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for name, figures in table.items():
        network = networks.build(name)
        millions = sum(np.prod(shape) for shape in network.shapes.values()) / 1e6
        seconds, megabytes = inference_of(name)
        paper = PAPER.get(name)
        of_paper = [f" ({value})" for value in paper[:3]] if paper else ["", "", ""]
        test = of_test(name, args) if paper else ()
        cells = [
            f"{millions:.3f}{of_paper[0]}", f"{storage(network):.0f}{of_paper[1]}",
            f"{1000 * statistics.median(seconds):.0f}{of_paper[2]}", f"{megabytes:.0f}",
            *(" / ".join(f"{value:.1f}" for value in figures[split].values()) for split in present),
            " / ".join(map(str, test)),
        ]
        yield f"| {name} | {' | '.join(cells)} |"
    yield "\nG / C / mIoU / BF, in %. Storage is what the decoder is given of the encoder, in multiples of"
    yield "SegNet-Basic's; EncoderAddition needs the corners too, which the paper does not count there."
    yield "Milliseconds and memory are of one image of 360x480, here on all processors, in the paper on a GPU."
    both = [name for name in table if name in PAPER]
    if len(both) > 2:
        theirs = [of_test(name, args)[2] for name in both]
        for split in present:
            correlation = rank_correlation([table[name][split]["mIoU"] for name in both], theirs)
            of_how_many = f"with the paper's on test, of {len(both)} networks"
            yield f"\nRank correlation of mIoU on {split} {of_how_many}: {correlation:+.2f}."


def draw(table, args):
    """mIoU of each network on val, and the paper's on test, as two columns of points."""
    figure = Figure(figsize=(8, 0.5 * len(table) + 1.2), layout="constrained")
    axes = figure.subplots()
    for row, (name, figures) in enumerate(reversed(table.items())):
        axes.plot(figures["val"]["mIoU"], row, "o", color="tab:blue", label="here, on val" if row == 0 else None)
        if name in PAPER:
            label = "the paper, on test" if row == 0 else None
            axes.plot(of_test(name, args)[2], row, "s", color="tab:orange", label=label)
    axes.set_yticks(range(len(table)), list(reversed(table)))
    axes.set_xlabel("mIoU in %")
    axes.grid(axis="x", alpha=0.4)
    axes.legend(loc="best")
    return figure


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data/CamVid", metavar="FOLDER", help="CamVid (default: %(default)s)")
    parser.add_argument("--size", type=height_x_width, default=(180, 240), metavar="HxW", help="default: 180x240")
    parser.add_argument("--epochs", type=at_least_1, default=30, help="default: %(default)s")
    parser.add_argument(
        "--only", nargs="+", choices=[*PAPER, *POOR], default=list(PAPER), metavar="NAME",
        help=f"of {', '.join([*PAPER, *POOR])} (default: all but the last three)",
    )
    parser.add_argument("--balancing", choices=BALANCING, default="median", help="default: %(default)s")
    parser.add_argument("--seed", type=at_least_0, default=0, help="default: %(default)s")
    args = parser.parse_args()
    of_scipy()                              # what is missing is said now, and not after hours
    data = trainings.camvid_at(args.data)
    table = all_judged(args.only, args, data)
    lines = []
    for line in report(table, args):
        print(line, flush=True)
        lines.append(line)
    name = "table1" if (args.balancing, args.seed) == ("median", 0) else f"table1-{args.balancing}-{args.seed}"
    only = () if name == "table1" else ("only",)            # that page is whole
    folder = pages.place(RESULTS, parser, args, ("data", "balancing", "seed", *only))
    (folder / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw(table, args).savefig(folder / f"{name}.png", dpi=120)


if __name__ == "__main__":
    exit_in_words(main)
