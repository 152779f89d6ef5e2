"""`python train.py --ops lessons`: SegNet with the functions that the learner has finished, the rest the library's.

train.py takes from here what it takes from tinysegnet/training/library.py otherwise.
"""

import statistics
import textwrap
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image, ImageDraw

from lessons.engine import course, judging, own_files
from tinysegnet import inference, metrics
from tinysegnet.data import streets
from tinysegnet.data.batches import training_batches
from tinysegnet.data.images import scaled
from tinysegnet.data.normalisation import normalise
from tinysegnet.ops.fast import ops_with
from tinysegnet.ops.more.dropout import with_rng
from tinysegnet.plots import overlay
from tinysegnet.support.errors import InputError, writing
from tinysegnet.support.progress import bar
from tinysegnet.support.shapes import ceil_div
from tinysegnet.training import optim
from tinysegnet.training.loop import Functions, new_model, prepare
from tinysegnet.training.step import train_step

# 300 steps
DEFAULTS = {"data": "streets", "size": (48, 64), "filters": 16, "batch": 4, "epochs": 5, "recipe": "lessons"}
PICTURE = Path("my_segnet.png")
STREET = 1_000_003          # one of val
PATIENCE = 2                # seconds, in which a step is timed once more
# Those of the library's form. A finished forward has the library's cache too, so that any of them go together.
EXCHANGED = (
    "relu", "relu_backward", "conv2d", "conv2d_backward", "softmax_cross_entropy", "softmax_cross_entropy_backward",
    "max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward", "batch_norm", "batch_norm_backward",
)
FIGURES = {"G": "global_accuracy", "C": "class_average", "mIoU": "mean_iou"}


def finished_functions():
    """The learner's functions that are done, {name: function}."""
    functions, judged = {}, {}
    for lesson in bar(course.lessons(), "judging your functions"):
        course.my_file(lesson)
        judged[lesson] = {exercise.name: judging.judge(lesson, exercise) for exercise in course.exercises(lesson)}
        done = [name for name, one in judged[lesson].items() if judging.is_done(one.verdicts)]
        if done:
            with own_files.noted(lesson):
                module = course.load(course.my_file(lesson))
            functions |= {name: getattr(module, name) for name in done}
    judging.remember(judged)
    own_files.install()
    return functions


def with_learners(learner, settings):
    """The Functions of a training with the learner's in the place of the library's.

    learner  {name: function}, those that are done
    """
    ops, names = operations(learner)
    replaced = {"ops": ops}
    for name in ("class_weights", "confusion_matrix"):
        if name in learner:
            replaced[name] = learner[name]
            names.append(name)
    if shown := [name for name in FIGURES.values() if name in learner]:
        figures = {figure: learner.get(name, getattr(metrics, name)) for figure, name in FIGURES.items()}
        replaced["figures"] = lambda counts: {figure: function(counts) for figure, function in figures.items()}
        names += shown
    step = f"{settings.optimiser}_step"
    if step in learner:
        replaced[step] = without_decays(learner[step])
        names.append(step)
    if "cosine_rate" in learner and settings.schedule == "cosine":
        replaced["cosine_rate"] = learner["cosine_rate"]
        names.append("cosine_rate")
    return Functions(learner=tuple(names), **replaced)


def operations(learner):
    """The library's operations with the learner's in the place of those that are finished, and the names of these."""
    names = [name for name in EXCHANGED if name in learner]
    ops = ops_with(**{name: learner[name] for name in names})
    if "conv1x1" in learner or "conv1x1_backward" in learner:
        names += classifier(ops, learner)
    return ops, names


def classifier(ops, learner):
    """Let the learner's 1 x 1 convolution be the classifier. Returns the names of the functions that are used."""
    others = SimpleNamespace(**vars(ops))
    forward, backward = learner.get("conv1x1"), learner.get("conv1x1_backward")

    def conv2d(x, w, b):
        if len(w) > 1 or forward is None:
            return others.conv2d(x, w, b)
        return forward(x, w[0, 0], b)[0], (x, w)

    def conv2d_backward(dy, cache, need_dx=True):
        x, w = cache
        if len(w) > 1 or backward is None:
            return others.conv2d_backward(dy, cache, need_dx)
        dx, dw, db = backward(dy, (x, w[0, 0]))
        return dx, dw[None, None], db

    ops.conv2d, ops.conv2d_backward = conv2d, conv2d_backward
    return [name for name in ("conv1x1", "conv1x1_backward") if name in learner]


def without_decays(step):
    """A learner's optimiser, which knows what decays by the dimensions, as lessons 04 and 10 have it."""

    def run(params, grads, state, lr, momentum, weight_decay, decays):
        return step(params, grads, state, lr, momentum, weight_decay)

    return run


def check_settings(given):
    """Raise InputError if the settings that are given do not go with a learner's functions."""
    if (given.get("conv", "auto"), given.get("backend", "numpy")) != ("auto", "numpy"):
        raise InputError("--ops lessons is for your own NumPy functions: leave out --conv and --backend")
    if given.get("init_encoder") is not None:
        raise InputError("--ops lessons trains small networks, and --init-encoder is of a large one: leave it out")
    if given.get("lovasz") is not None:
        raise InputError("--ops lessons trains by the loss of lesson 04: leave out --set lovasz")


def functions(settings, data):
    """Say whose functions this training uses, and what it will take. Returns its Functions."""
    mixed = with_learners(finished_functions(), settings)
    whose = f"yours: {', '.join(mixed.learner)}" if mixed.learner else "none of the functions is yours yet"
    print(textwrap.fill(f"{whose}; the rest is the library's", 79), flush=True)
    for line in filter(None, map(course.of_another_number, course.lessons())):
        print(textwrap.fill(line, 79), flush=True)
    afford(mixed, settings, data)
    return mixed


def afford(mixed, settings, data):
    """Say what all will take, and the memory of a larger step than usual. InputError if that is too much."""
    usual = {name: DEFAULTS[name] for name in ("size", "filters", "batch")}
    is_usual = {name: getattr(settings, name) for name in usual} == usual
    if not is_usual:
        small = DEFAULTS["size"]
        seen = scaled(settings.size, max(settings.crop or 1, settings.late_crop or 0))
        megabytes = peak(mixed, replace(settings, size=small, crop=None), data) * np.prod(seen) / np.prod(small)
        free = free_megabytes()
        print(f"a step at {seen[0]}x{seen[1]} needs about {megabytes:,.0f} MB", flush=True)
        if free and megabytes > free:
            way_out = "use a smaller --size, --batch or --filters"
            raise InputError(f"a step needs more memory than the {free:,.0f} MB that are free: {way_out}")
    a_step = seconds_of(lambda: one_step(mixed, settings, data))
    a_look = seconds_of(lambda: one_look(mixed, settings, data))
    seconds = settings.epochs * (settings.steps * a_step + len(data.samples("val")) * a_look)
    print(f"a step takes {a_step:.2f} s, a photograph of val {a_look:.2f} s: {duration(seconds)} in all", flush=True)


def seconds_of(run):
    """That it takes: of three times the middle one. One that takes long, a convolution by loops say, runs once."""
    seconds = []
    while len(seconds) < 3 and sum(seconds) < PATIENCE:
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def duration(seconds):
    """About so long, to one digit or two."""
    if seconds < 90:
        return f"about {max(10, 10 * round(seconds / 10))} seconds"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3600:,.0f} hours"


def one_look(mixed, settings, data):
    photograph, labels = data.read(data.samples("val")[0])
    inference.classify(new_model(settings, data), photograph, labels.shape, mixed.ops)


def one_step(mixed, settings, data):
    model = new_model(settings, data)
    even = SimpleNamespace(pixels=np.ones(len(data.classes)), image_pixels=np.ones(len(data.classes)))
    trainer = prepare(model, optim.start(settings.optimiser, model.params), settings, data, even, mixed)
    images, labels = next(training_batches(data, settings, epoch=1))
    batch = normalise(images, np, settings.normalisation), labels
    train_step(model, trainer.optimiser, batch, trainer.criterion, 0.01, with_rng(mixed.ops, 0))


def peak(mixed, settings, data):
    """MB that a step has in use at most."""
    tracemalloc.start()
    try:
        one_step(mixed, settings, data)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def free_megabytes():
    """What the machine has left, None where it cannot be asked."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return None


def finished(run, functions):
    """Put what the network now sees in one street beside what it saw after the runs before, in my_segnet.png."""
    data = streets.dataset()
    model = inference.load(run.path / "best.npz")
    photograph, labels = data.read(STREET)
    predicted = inference.classify(model, photograph, ops=functions.ops, seen_at=model.meta["size"])
    folder = course.MINE / "panels"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        numbers = [int(path.stem) for path in folder.glob("*.png") if path.stem.isdecimal()]
        panel(data.colours(predicted), caption(run, functions)).save(folder / f"{1 + max(numbers, default=-1):04}.png")
        before = [Image.open(path) for path in sorted(folder.glob("*.png"))]
        all_of_them = [panel(photograph, "a street"), panel(data.colours(labels), "its classes"), *before]
        overlay.with_legend(sheet(all_of_them), zip(data.palette, data.classes)).save(PICTURE)
    print(f"the same street as you see it now: {PICTURE}")


def caption(run, functions):
    by = run.settings.best_by
    figure = "" if by == "last" else f", {by} {100 * run.best:.0f} %"
    return f"{run.path.name}: {len(functions.learner)} of its functions yours{figure}"


def panel(picture, text):
    height, width = picture.shape[:2]
    image = Image.new("RGB", (2 * width + 8, 2 * height + 26), "white")
    image.paste(Image.fromarray(picture).resize((2 * width, 2 * height), Image.Resampling.NEAREST), (4, 20))
    ImageDraw.Draw(image).text((4, 4), text, fill="black")
    return image


def sheet(panels, columns=4):
    width, height = panels[0].size
    rows = ceil_div(len(panels), columns)
    image = Image.new("RGB", (width * min(columns, len(panels)), height * rows), "white")
    for i, picture in enumerate(panels):
        image.paste(picture, (i % columns * width, i // columns * height))
    return image


def run_name():
    """lessons-1, lessons-2, ...: a run of its own each time."""
    number = 1
    while (Path("runs") / f"lessons-{number}").exists():
        number += 1
    return f"lessons-{number}"
