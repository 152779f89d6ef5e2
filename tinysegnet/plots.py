"""Pictures of a run."""

import json
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator


def curves(log_path, png_path):
    """Draw log.jsonl: left the loss, of every step and the mean of every epoch, right G, C and mIoU on val."""
    lines = [json.loads(line) for line in Path(log_path).read_text().splitlines()]
    steps = [line for line in lines if "step" in line]
    epochs = [line for line in lines if "mIoU" in line]
    steps_per_epoch = len(steps) / len(epochs)
    ends = [line["epoch"] for line in epochs]               # training is judged at the end of an epoch,
    middles = [end - 0.5 for end in ends]                   # but its mean loss belongs to the middle

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([(i + 1) / steps_per_epoch for i in range(len(steps))], [line["loss"] for line in steps],
              color="#b8c4d6", linewidth=0.8, label="each step")
    left.plot(middles, [line["loss"] for line in epochs], color="#1f3b63", marker=".", label="mean of the epoch")
    left.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    left.legend(frameon=False)
    for name, colour in (("G", "#5b8c6a"), ("C", "#d08c3f"), ("mIoU", "#a03048")):
        right.plot(ends, [100 * line[name] for line in epochs], color=colour, marker=".", label=name)
    right.set(xlabel="epoch", ylabel="% on val", ylim=(0, 100))
    right.legend(frameon=False, loc="upper left", ncols=3)
    for axes in (left, right):
        axes.set_xlim(0, ends[-1] * 1.02)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.savefig(png_path, dpi=110)
