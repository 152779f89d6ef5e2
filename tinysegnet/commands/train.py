"""python -m tinysegnet train, and python train.py"""

import argparse
import textwrap
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np

from tinysegnet import checkpoint, metrics, networks, plots
from tinysegnet.data import open_dataset
from tinysegnet.data.batches import evaluation_pairs, training_batches
from tinysegnet.data.folds import dealt_out, k_of_parts
from tinysegnet.data.images import scaled
from tinysegnet.data.survey import checked_surveys
from tinysegnet.inference import size_seen
from tinysegnet.networks.more import ABOUT
from tinysegnet.ops.fast import CONVOLUTIONS
from tinysegnet.support.backend import keep_freed_memory, select
from tinysegnet.support.errors import InputError
from tinysegnet.support.options import (
    Parser,
    at_least_0,
    at_least_1,
    folder_name,
    height_x_width,
    label,
    or_none,
    positive,
)
from tinysegnet.support.progress import bar
from tinysegnet.support.ranks import ALONE
from tinysegnet.support.signals import Stop, stopped_with
from tinysegnet.training import fine_tune, library, loop, parallel, runs
from tinysegnet.training.averaging import averaged
from tinysegnet.training.settings import OFF, PARSERS, RECIPES, assignment, resolve

SUMMARY = "train a network on CamVid, streets or photographs of your own"
DESCRIPTION = """Train SegNet-Basic, or another network.

--data names CamVid's folder, or one with photographs of your own (see README).
Without it, and without a data/CamVid, the network learns from streets: scenes
that are drawn on the spot. After each epoch it is judged on val, at the size
of the annotations, in %: G of all pixels are right, C on average over the
classes; mIoU is the mean intersection over union. A run leaves, in runs/NAME/:

    best.npz         the network of the epoch with the best mIoU on val
    last.npz         where --resume goes on, after Ctrl-C or a crash
    log.jsonl        a line for each step and each epoch
    config.json      settings, versions, and a fingerprint of the data
    curves.png, predictions.png, confusion.png, shares.png
"""
EPILOG = "\n".join(["networks:", *(f"  {name}: {line}" for name, line in ABOUT.items())])
OUT_OF_MEMORY = "use a smaller --batch or --size, or fewer --filters"
SAVE_EVERY = 300    # seconds


def add_options(option):
    option("--data", metavar="FOLDER", help="a data set, or streets (default: data/CamVid if it is there, or streets)")
    option("--ignore", type=label, help="label of pixels that do not count (default: 255, in CamVid 11)")
    option("--fold", type=k_of_parts, metavar="k/K",
           help="for few photographs: of train and val together, in K parts, let part k be val")
    option("--hold-out", type=or_none(str), metavar="BEGINNING",
           help="of these, let val be those whose names begin so, such as one film")
    option("--size", type=height_x_width, metavar="HxW", help="size to train at, as in 180x240 (default: as it is)")
    option("--recipe", choices=RECIPES, metavar="RECIPE",
           help=f"{', '.join(RECIPES)}: see training/settings.py (default: the data's, or that of --ops lessons)")
    option("--epochs", type=at_least_1,
           help="passes over the training set (default: the recipe's); with --resume a higher number, for longer")
    option("--batch", type=at_least_1, help="images per step (default: the recipe's)")
    option("--lr", type=positive, help="learning rate at the start (default: the recipe's)")
    option("--seed", type=at_least_0, help="of the weights, the order, the augmentation, dropout (default: 0)")
    option("--name", type=folder_name, help="the run goes to runs/NAME (default: first)")
    option("--network", choices=networks.NETWORKS, metavar="NAME", help="one of those below (default: segnet-basic)")
    option("--filters", type=at_least_1, help="filters of the network's first level (default: 64)")
    option("--init", metavar="FILE", help="fine-tune: begin with a checkpoint, or with shipped, the network for CamVid")
    option("--init-encoder", metavar="FILE", help="VGG16 for SegNet's encoder, a .safetensors: see docs/networks.md")
    option("--width", type=at_least_1, dest="filters", help=argparse.SUPPRESS)      # its name in version 0.1.0
    option("--set", type=assignment, action="append", default=[], metavar="NAME=VALUE", dest="assignments",
           help="any other setting, as in --set optimiser=adam --set crop=0.5: see training/settings.py")
    option("--ops", choices=("library", "lessons"), help="lessons: with your own functions, small (default: library)")
    option("--conv", choices=CONVOLUTIONS, help="default: auto, for each layer the fastest")
    option("--resume", action="store_true", help="go on with the run of that name, with its settings")
    option("--backend", choices=("numpy", "cupy"), help="processor or GPU (default: numpy)")
    option("--parallel", action="store_true", help="on several processes, started by mpiexec: see docs/parallel.md")
    option("--reproducible", action="store_true", help="with --parallel, sums of the same bits whatever MPI is there")


def main():
    """What `python train.py` does."""
    about = argparse.RawDescriptionHelpFormatter
    parser = Parser(description=DESCRIPTION, epilog=EPILOG, formatter_class=about)
    add_options(parser.add_argument)
    args = parser.parse_args()
    keep_freed_memory()
    run(args)


def given_settings(args):
    """{name: value} of the settings that the command line names. Raises InputError if one has two values."""
    given = {name: value for name, value in vars(args).items() if name in PARSERS and value is not None}
    for name, value in args.assignments:
        if given.setdefault(name, value) != value:
            raise InputError(f"--set {name}: it is given twice, with two values: leave one out")
    return given


def functions_of(ops):
    """Whose functions the network is made of: the library's, or those that the learner has written."""
    if ops != "lessons":
        return library
    try:
        from lessons.engine import my_segnet  # only in a clone, and only when it is asked for
    except ModuleNotFoundError as error:
        if error.name.partition(".")[0] != "lessons":
            raise
        way_out = "use  python train.py  in the project's clone"
        raise InputError(f"--ops lessons needs the course, which is not here: {way_out}") from error
    return my_segnet


def run(args):
    if args.parallel:
        with parallel.begun(args.reproducible, OUT_OF_MEMORY) as ranks:
            run_on(args, ranks)
    elif args.reproducible:
        raise InputError("--reproducible is for --parallel; a run without it has the same bits anyway: leave it out")
    else:
        run_on(args, ALONE)


def run_on(args, ranks):
    resume, asked = args.resume, given_settings(args)
    if resume and not args.name and asked.get("ops") == "lessons":
        raise InputError("--resume takes runs/first unless it is told which: add its --name, as in --name lessons-1")
    path = Path("runs", args.name or library.run_name())
    kept = ranks.from_first(runs.kept_settings(path, asked) if resume and ranks.rank == 0 else None)
    source = functions_of(kept.ops if kept else asked.get("ops", "library"))
    given = vars(kept) if kept else source.DEFAULTS | asked
    source.check_settings(given)
    if args.parallel:
        parallel.check_settings(given)
    if not resume:
        given |= fine_tune.follow(asked)
    xp = select(given.get("backend", "numpy"))
    data, why = open_dataset(given.get("data"), given.get("ignore"))
    data, how = dealt_out(data, given.get("fold"), given.get("hold_out"))
    if not resume:
        path = Path("runs", args.name or source.run_name())
        if ranks.rank == 0:
            runs.check_new(path)                # before the data are read, which takes its time
    import_module("tinysegnet.plots.figures")           # if Matplotlib is missing, that is known now
    print(why, flush=True)
    if how:
        print(f"Val: {how}, of train and val together.", flush=True)
    with stopped_with("the run is as it was" if resume else "nothing was saved yet"):
        (train, val), remarks = checked_surveys(data, watch=lambda samples: bar(samples, "reading"))
    for remark in remarks:
        print(textwrap.fill(f"{remark}.", 79, break_long_words=False, break_on_hyphens=False))     # paths stay whole
    settings = replace(kept, data=data.source) if kept else resolve(given, data, train, val)
    functions = source.functions(settings, data)
    fingerprint = train.fingerprint + val.fingerprint
    if args.parallel:
        functions = parallel.spread(functions, ranks)
        parallel.check_alike(ranks, settings, fingerprint)
    epochs_before = drawn = None
    with (parallel.Follower if ranks.rank else runs.Run)(path, settings, data, xp) as run:
        if resume:
            epochs_before = run.resume(fingerprint, train.images)
        else:
            drawn = run.begin(fingerprint)
        parallel.hand_out(run, ranks)
        trainer = loop.prepare(run.model, run.opt_state, settings, data, train, functions)
        say_what_is_seen(run.model, settings, train, val)
        say_what_it_begins_with(settings.init, drawn)
        say_how_it_goes_on(run, trainer, epochs_before)
        with Stop(ranks) as stop, np.errstate(over="ignore", invalid="ignore"):         # a NaN is explained in words
            while run.epoch <= settings.epochs:
                while run.step < settings.steps:
                    train_until_stopped(run, trainer, stop)
                end_epoch(run, trainer, stop)
            finish(run, trainer, stop, train)
    source.finished(run, functions)


def say_what_it_begins_with(init, drawn):
    """A line on --init; drawn: the names of the arrays that are not the file's, None if the run has begun before."""
    if init is not None and drawn is not None:
        source = "the network that comes with tinysegnet" if init == fine_tune.SHIPPED else init
        others = f", whose classes are others: so {', '.join(drawn)} begin at random" if drawn else ", with all of it"
        print(textwrap.fill(f"It begins with {source}{others}.", 79))


def say_how_it_goes_on(run, trainer, epochs_before):
    """A line on a run that is longer now than it was to be, None if it is not."""
    if epochs_before is not None:
        text = f"{run.path} is to have {run.settings.epochs} epochs now, and not {epochs_before}."
        if run.settings.schedule == "cosine":
            done = run.step + (run.epoch - 1) * run.settings.steps
            shorter = trainer._replace(settings=replace(run.settings, epochs=epochs_before))
            now, before = loop.rate(trainer, done), loop.rate(shorter, done)
            text += f" The learning rate goes on along the cosine of all of them: {now:.2g}, where it was {before:.2g}."
        if run.settings.late_crop is not None:
            text += " The last quarter, in which late_crop is in force, is now that of all of them."
        print(textwrap.fill(text, 79))


def say_what_is_seen(model, settings, train, val):
    height, width = settings.size
    part = "in parts of {}x{}, ".format(*scaled(settings.size, settings.crop)) if settings.crop else ""
    said = f"{train.images} images, seen {part}at {height}x{width}; {val.images} of val, judged at their own size"
    print(textwrap.fill(said, 79))
    if any(size_seen(model, size) != tuple(settings.size) for size in train.sizes + val.sizes):
        print(textwrap.fill(f"In training all are brought to {height}x{width}, whatever their proportions; judged, and "
                            "in use, each keeps its own", 79))
    if has_exact_statistics(settings):
        print("Each epoch is judged with batch-norm statistics of one pass through all of them")
    if settings.backend == "cupy":
        print("The first step compiles what the GPU will run: up to a minute, and only the first time")


def train_until_stopped(run, trainer, stop):
    """Train to the end of the epoch, or until a signal comes or it is time to save."""
    settings = run.settings
    batches = training_batches(run.data, settings, run.epoch, run.step, trainer.functions.ranks)
    batches = stop.until(batches, seconds=SAVE_EVERY)
    done = run.step + (run.epoch - 1) * settings.steps
    with bar(desc=f"epoch {run.epoch}/{settings.epochs}", total=settings.steps, initial=run.step) as progress:
        for loss in loop.train_steps(trainer, batches, done):
            run.log_step(loss)
            progress.set_postfix(loss=shown(loss))
            progress.update()
    run.save()
    stop.leave_if_asked(run)


def shown(loss):
    """A loss in few characters, however large."""
    return f"{loss:.3f}" if loss < 10_000 else f"{loss:.3g}"


def evaluate_on_val(model, run, trainer, stop):
    """The confusion matrix on val."""
    ranks = trainer.functions.ranks
    pairs = evaluation_pairs(run.data, "val", ranks)
    if ranks.size == 1:                         # of several each may have another number of them
        pairs = stop.until(pairs)
    pairs = bar(pairs, "  val", len(ranks.share(run.data.samples("val"))), unit="img")
    counts = loop.evaluate(model, pairs, run.data.ignore, trainer.functions)
    stop.leave_if_asked(run)
    return counts


def draw(model, run, trainer, counts):
    plots.figures.confusion(counts, run.data.classes, run.path / "confusion.png")
    examples = loop.examples(model, run.data, trainer.functions.ops)
    plots.figures.predictions(examples, run.data, run.path / "predictions.png")


def end_epoch(run, trainer, stop):
    """Judge the network as it is now, in one look, and keep it if it is the best so far; if it is to be judged now."""
    if run.epoch % run.settings.judge_every and run.epoch < run.settings.epochs:
        line, _ = run.end_epoch({})
        if trainer.functions.ranks.rank == 0:
            say_epoch(line)
        return
    judged = replace(run.model, meta=run.meta())
    if run.settings.average is not None:
        judged = replace(judged, params=averaged(judged.params, run.opt_state))
    if has_exact_statistics(run.settings):
        judged = with_exact_statistics(judged, run, trainer, stop)
    in_one_look = replace(judged, meta=judged.meta | {"test_scales": None})
    counts = evaluate_on_val(in_one_look, run, trainer, stop)
    values = trainer.functions.figures(counts)
    line, is_best = run.end_epoch(values, judged)
    if trainer.functions.ranks.rank:
        return
    plots.figures.curves(run.log_path, run.path / "curves.png")
    if is_best:
        draw(in_one_look, run, trainer, counts)
    say_epoch(line, f"val {metrics.summary(values)}  ")


def has_exact_statistics(settings):
    """Whether each epoch is judged with them: the running ones are not those of averaged weights."""
    return settings.statistics == "exact" or settings.average is not None


def say_epoch(line, on_val=""):
    """line: of the log"""
    print(f"epoch {line['epoch']:3}  loss {shown(line['loss'])}  {on_val}{line['seconds']:.0f} s", flush=True)


def finish(run, trainer, stop, train):
    """Take the exact batch-norm statistics of the best network, and judge it as it will be used.

    train  the Survey of the training set
    """
    ranks = trainer.functions.ranks
    best = parallel.same_model(run.best_model(), ranks)
    if best.meta["statistics"] == "running":
        best = with_exact_statistics(best, run, trainer, stop)
    counts = evaluate_on_val(best, run, trainer, stop)
    if ranks.rank:
        return
    plots.figures.curves(run.log_path, run.path / "curves.png")       # again: a crash may have come before
    checkpoint.save(run.path / "best.npz", best.meta, params=best.params, stats=best.stats)
    draw(best, run, trainer, counts)
    say_which_epoch_is_kept(run, best.meta["epoch"])
    print(metrics.table(counts, run.data.classes, trainer.functions.figures))
    plots.figures.shares(train.pixels, metrics.iou(counts), run.data.classes, run.path / "shares.png")
    say_if_one_class_is_everywhere(counts, run)


def say_which_epoch_is_kept(run, epoch):
    by, exact = run.settings.best_by, has_exact_statistics(run.settings)
    text = f"Epoch {epoch} was the last" if by == "last" else f"Epoch {epoch} was the best: {by} {100 * run.best:.1f}"
    if exact:
        print(f"\n{text}.")
    elif by == "last":
        print(f"\n{text}. With batch-norm statistics")
    else:
        print(f"\n{text} with running batch-norm statistics. With those")
    looks = ", in several looks" if run.settings.test_scales else ""
    print(f"{'' if exact else 'of the whole training set '}{run.path / 'best.npz'} gives on val{looks}:")


def say_if_one_class_is_everywhere(counts, run):
    """What to try if the network has one answer to everything, where val has other classes too."""
    predicted, true = counts.any(axis=0), counts.any(axis=1)
    if predicted.sum() == 1 and (true & ~predicted).any():
        advice = "train for more --epochs, or with a lower --lr"
        if run.settings.class_weight_power < 1:
            advice += ", or give rare classes more weight: --set class_weight_power=1"
        print(textwrap.fill(f"Every pixel of val is called {run.data.classes[predicted.argmax()]}: {advice}.", 79))


def with_exact_statistics(model, run, trainer, stop):
    """The Model with the batch-norm statistics of one pass through the training set as it is."""
    as_they_are = replace(run.settings, flip=False, scale=None, crop=None, jitter=None, **OFF)
    ranks = trainer.functions.ranks
    batches = training_batches(run.data, as_they_are, epoch=0, ranks=ranks)
    batches = bar(stop.until(batches), "batch-norm statistics", run.settings.steps)
    stats = loop.exact_statistics(model, batches, trainer.functions.ops, ranks)
    stop.leave_if_asked(run)
    return replace(model, stats=stats, meta=model.meta | {"statistics": "exact"})
