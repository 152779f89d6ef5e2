"""What crosses between host and device in a training step; and what waiting for a loss does to the device."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch

from lessons.engine.figures import BLUE, GREEN, GREY, INK, RED
from tinysegnet import networks

AMBER = "#c47f00"
PREPARE, ORDER, COMPUTE = 2, 1, 4           # made up, in units of time: what a step takes
STEPS = 8


def draw():
    return {"crossings.png": crossings(), "waiting.png": waiting()}


def crossings(N=12, H=360, W=480):
    """The two memories, and what goes from one to the other. The sizes are those of the arrays."""
    images, labels = np.zeros((N, H, W, 3), np.uint8).nbytes, np.zeros((N, H, W), np.uint8).nbytes
    weights = sum(a.nbytes for a in networks.init(networks.build("segnet-basic"), seed=0)[0].values())

    figure = Figure(figsize=(10, 5.1))
    axes = figure.add_axes((0.005, 0.005, 0.99, 0.99))
    axes.set(xlim=(0, 100), ylim=(0, 51))
    axes.axis("off")

    def box(x, y, wide, tall, colour, face="white", width=1.6):
        axes.add_patch(FancyBboxPatch((x, y), wide, tall, boxstyle="round,pad=0,rounding_size=1", facecolor=face,
                                      edgecolor=colour, lw=width))

    def says(x, y, text, size=10.3, colour=INK, **options):
        axes.text(x, y, text, fontsize=size, color=colour, **{"ha": "center", "va": "center"} | options)

    def arrow(start, end, colour, width=2.2):
        axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=17, color=colour, lw=width,
                                       shrinkA=0, shrinkB=0))

    box(1.5, 2, 29, 47, BLUE, "#f3f6fb", 2)
    box(69.5, 2, 29, 47, GREEN, "#f2f8f4", 2)
    says(16, 46, "host", 13, BLUE, weight="bold")
    says(16, 43, "processor, NumPy arrays", 9.5, BLUE)
    says(84, 46, "device", 13, GREEN, weight="bold")
    says(84, 43, "GPU, CuPy arrays", 9.5, GREEN)
    for y, text in ((33.5, "read PNGs, shuffle,\naugment: uint8"), (17.5, "print the loss,\nstop if it is NaN"),
                    (5, "best.npz on the disk")):
        box(4, y, 24, 6.6 if "\n" in text else 5, BLUE)
        says(16, y + (3.3 if "\n" in text else 2.5), text)
    for y, text in ((34.3, "x / 255 - 0.5"), (28.3, "forward"), (22.3, "loss"), (16.3, "backward"), (10.3, "sgd_step")):
        box(72, y, 24, 4.6, GREEN)
        says(84, y + 2.3, text)
    for y in (34.3, 28.3, 22.3, 16.3):
        arrow((84, y - 0.1), (84, y - 1.4), GREEN, 1.5)
    arrow((28.3, 36.8), (71.7, 36.8), INK)
    says(50, 39.6, "1  the batch in, at every step", 11, weight="bold")
    says(50, 34.2, f"photographs {images / 1e6:.1f} MB, labels {labels / 1e6:.1f} MB")
    arrow((71.7, 24.2), (28.3, 21.2), RED)
    says(50, 26.3, "2  the loss out", 11, weight="bold")
    says(50, 19.2, "4 bytes, and the host waits for them", colour=RED)
    arrow((71.7, 11.6), (28.3, 7.6), INK)
    says(50, 12.8, "3  the weights out, after an epoch", 11, weight="bold")
    says(50, 5.6, f"{weights / 1e6:.1f} MB")
    says(84, 5.4, "gradients and caches:\nthey never leave", 9.3, "#4a5a52")
    return figure


def schedule(every):
    """(start, end, kind) of what the host and the device do, if the losses are read after every so many steps."""
    host, device, now, free = [], [], 0, 0
    for step in range(STEPS):
        host += [(now, now + PREPARE, "prepare"), (now + PREPARE, now + PREPARE + ORDER, "order")]
        now += PREPARE + ORDER
        start = max(now, free)
        free = start + COMPUTE
        device.append((start, free, "compute"))
        if (step + 1) % every == 0:
            host.append((now, free, "wait"))
            now = free
    return host, device


def waiting():
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True)
    colours = {"prepare": BLUE, "order": AMBER, "wait": GREY, "compute": GREEN}
    for axes, every, title in ((panels[0], 1, "the loss is read after every step"),
                               (panels[1], 4, "four losses are read after every fourth step")):
        host, device = schedule(every)
        end = device[-1][1]
        for y, lane in ((1, host), (0, device)):
            for start, stop, kind in lane:
                axes.barh(y, stop - start, left=start, height=0.62, color=colours[kind], edgecolor="white", lw=1.2)
        for number, (start, stop, _) in enumerate(device):
            axes.text((start + stop) / 2, 0, f"step {number}", ha="center", va="center", color="white", fontsize=9)
        for start, stop, kind in host:
            if kind == "wait" and stop - start > 1:
                axes.text((start + stop) / 2, 1, "waits", ha="center", va="center", color=INK, fontsize=9)
        axes.axvline(end, color=RED, lw=1.5, ymin=0.02, ymax=0.98)
        axes.text(end + 0.4, 0.5, f"{STEPS} steps\nafter {end}", color=RED, fontsize=10, va="center")
        axes.set_yticks([1, 0], ["host", "device"], fontsize=11)
        axes.set(xlim=(0, 63), ylim=(-0.5, 1.5))
        axes.set_title(title, loc="left", fontsize=11.5, color=INK)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(left=False)
    panels[1].set_xlabel("time, in made-up units: this is drawn, and not measured", color=INK, fontsize=10.5)
    names = {"prepare": "prepares the next batch: 2", "order": "orders the operations of a step: 1",
             "compute": "computes a step: 4", "wait": "waits"}
    handles = [Patch(facecolor=colours[kind], label=text) for kind, text in names.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9.8)
    return figure
