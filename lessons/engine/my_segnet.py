"""`python train.py --ops lessons`: SegNet with the functions that the learner has finished, the rest the library's."""

import textwrap
import time
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image, ImageDraw

from lessons.engine import course, judging
from tinysegnet import metrics, ops, optim, plots, runs, training
from tinysegnet.data import balance, streets
from tinysegnet.errors import InputError, writing
from tinysegnet.networks import segnet_basic

SMALL = {"data": "streets", "size": (48, 64), "width": 16, "batch": 4, "epochs": 5}     # 300 steps
PICTURE = Path("my_segnet.png")
STREET = 1_000_003          # one of val
# Those of the library's form. A finished forward has the library's cache too, so that any of them go together.
EXCHANGED = (
    "relu", "relu_backward", "conv2d", "conv2d_backward", "softmax_cross_entropy", "softmax_cross_entropy_backward",
    "max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward", "batch_norm", "batch_norm_backward",
)
# The library calls these through their modules, under these names.
AROUND = {
    "class_weights": (balance, "median_frequency_weights"), "confusion_matrix": (metrics, "confusion_matrix"),
    "global_accuracy": (metrics, "global_accuracy"), "class_average": (metrics, "class_average"),
    "mean_iou": (metrics, "mean_iou"),
}


def finished():
    """The learner's functions that are done, {name: function}."""
    functions, judged, states = {}, {}, {}
    for lesson in course.lessons():
        course.my_file(lesson)
        states[lesson] = course.state(lesson)
        judged[lesson] = {exercise.name: judging.judge(lesson, exercise) for exercise in course.exercises(lesson)}
        done = [name for name, (verdicts, _) in judged[lesson].items() if judging.is_done(verdicts)]
        if done:
            module = course.load(course.my_file(lesson))
            functions |= {name: getattr(module, name) for name in done}
    judging.remember(judged, states)
    return functions


def operations(theirs):
    """The library's operations, with the learner's in the place of those that are finished; and the names of these."""
    mine = SimpleNamespace(**{name: getattr(ops, name) for name in ops.__all__})
    names = [name for name in EXCHANGED if name in theirs]
    for name in names:
        setattr(mine, name, theirs[name])
    if "conv1x1" in theirs or "conv1x1_backward" in theirs:
        names += classifier(mine, theirs)
    return mine, names


def classifier(mine, theirs):
    """Let the learner's 1 x 1 convolution be the classifier. Returns the names of the functions that are used."""
    others = mine.conv2d, mine.conv2d_backward
    forward, backward = theirs.get("conv1x1"), theirs.get("conv1x1_backward")

    def conv2d(x, w, b):
        if len(w) > 1 or forward is None:
            return others[0](x, w, b)
        return forward(x, w[0, 0], b)[0], (x, w)

    def conv2d_backward(dy, cache, need_dx=True):
        x, w = cache
        if len(w) > 1 or backward is None:
            return others[1](dy, cache, need_dx)
        dx, dw, db = backward(dy, (x, w[0, 0]))
        return dx, dw[None, None], db

    mine.conv2d, mine.conv2d_backward = conv2d, conv2d_backward
    return [name for name in ("conv1x1", "conv1x1_backward") if name in theirs]


def around(theirs, settings):
    """Let the learner's take the place of what is around the network: step, rate, class weights, figures. Names."""
    names = [name for name in AROUND if name in theirs]
    for name in names:
        module, library_name = AROUND[name]
        setattr(module, library_name, theirs[name])
    step = f"{settings['optimiser']}_step"
    if step in theirs:
        optim.STEPS[settings["optimiser"]] = theirs[step]
        names.append(step)
    if "cosine_rate" in theirs and settings["schedule"] == "cosine":
        training.learning_rate = lambda kept, done: theirs["cosine_rate"](
            kept["lr"], done, kept["epochs"] * kept["steps"]
        )
        names.append("cosine_rate")
    return names


def begin(settings, classes):
    """Say whose functions this training uses, and what it will take. Returns them, and how many are the learner's."""
    theirs = finished()
    mine, names = operations(theirs)
    names += around(theirs, settings)
    said = f"yours: {', '.join(names)}" if names else "none of the functions is yours yet"
    print(textwrap.fill(f"{said}; the rest is the library's", 79), flush=True)
    afford(mine, settings, classes)
    return mine, len(names)


def afford(mine, settings, classes):
    """Time one step, and estimate the memory of a larger one than usual. InputError if it needs too much."""
    height, width = settings["size"]
    usual = {name: SMALL[name] for name in ("size", "width", "batch")}
    is_usual = {name: settings[name] for name in usual} == usual
    if not is_usual:
        small = SMALL["size"]
        megabytes = peak(mine, settings, classes, small) * height * width / (small[0] * small[1])
        free = free_megabytes()
        print(f"a step at {height}x{width} needs about {megabytes:,.0f} MB", flush=True)
        if free and megabytes > free:
            way_out = "use a smaller --size, --batch or --width"
            raise InputError(f"a step needs more memory than the {free:,.0f} MB that are free: {way_out}")
    start = time.perf_counter()
    step(mine, settings, classes, settings["size"])
    seconds = time.perf_counter() - start
    minutes = seconds * settings["epochs"] * settings["steps"] / 60
    if not is_usual or minutes > 3:             # a convolution by loops, for instance, takes hours
        print(f"a step takes {seconds:.2f} s: about {minutes:,.0f} minutes in all", flush=True)


def step(mine, settings, classes, size):
    params, stats = segnet_basic.init(0, classes, settings["width"])
    memory = optim.start(settings["optimiser"], params)
    images = np.zeros((settings["batch"], *size, 3), np.uint8)
    labels = np.zeros(images.shape[:3], np.uint8)
    training.train_step(params, stats, memory, images, labels, np.ones(classes, "f"), classes, 0.01, ops=mine)


def peak(mine, settings, classes, size):
    """MB that a step has in use at most."""
    tracemalloc.start()
    try:
        step(mine, settings, classes, size)
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


def add_panel(run, count):
    """Put what the network now sees in one street beside what it saw after the runs before, in my_segnet.png."""
    data = streets.dataset()
    params, stats, about = runs.load_network(run.path / "best.npz", np)
    photograph, labels = data.read(STREET)
    predicted = training.classify(params, stats, about, photograph, *labels.shape)
    folder = course.MINE / "panels"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        caption = f"{run.path.name}: {count} of its functions yours, mIoU {100 * run.best:.0f} %"
        name = f"{len(list(folder.glob('*.png'))):04}.png"
        panel(data.colours(predicted), caption).save(folder / name)
        before = [Image.open(path) for path in sorted(folder.glob("*.png"))]
        all_of_them = [panel(photograph, "a street"), panel(data.colours(labels), "its classes"), *before]
        plots.with_legend(sheet(all_of_them), zip(data.palette, data.classes)).save(PICTURE)
    print(f"the same street as you see it now: {PICTURE}")


def panel(picture, caption):
    height, width = picture.shape[:2]
    image = Image.new("RGB", (2 * width + 8, 2 * height + 26), "white")
    image.paste(Image.fromarray(picture).resize((2 * width, 2 * height), Image.Resampling.NEAREST), (4, 20))
    ImageDraw.Draw(image).text((4, 4), caption, fill="black")
    return image


def sheet(panels, columns=4):
    width, height = panels[0].size
    rows = -(-len(panels) // columns)
    image = Image.new("RGB", (width * min(columns, len(panels)), height * rows), "white")
    for i, picture in enumerate(panels):
        image.paste(picture, (i % columns * width, i // columns * height))
    return image


def next_name():
    """lessons-1, lessons-2, ...: a run of its own each time."""
    number = 1
    while (Path("runs") / f"lessons-{number}").exists():
        number += 1
    return f"lessons-{number}"
