"""Pictures of a run."""

import json
from pathlib import Path

from matplotlib.figure import Figure


def curves(log_path, png_path):
    """Draw log.jsonl: left the loss, of every step and the mean of every epoch, right G, C and mIoU on val."""
    lines = [json.loads(line) for line in Path(log_path).read_text().splitlines()]
    steps = [line for line in lines if "step" in line]
    epochs = [line for line in lines if "mIoU" in line]
    per_epoch = len(steps) / max(1, len(epochs))

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    numbers = [e["epoch"] for e in epochs]
    left.plot([(i + 1) / per_epoch for i in range(len(steps))], [s["loss"] for s in steps], color="#b8c4d6", lw=0.8)
    left.plot(numbers, [e["loss"] for e in epochs], color="#1f3b63", marker=".", label="mean of the epoch")
    left.set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    left.legend(frameon=False)
    for name, colour in (("G", "#7a9e7e"), ("C", "#d08c3f"), ("mIoU", "#a03048")):
        right.plot(numbers, [100 * e[name] for e in epochs], color=colour, marker=".", label=name)
    right.set(xlabel="epoch", ylabel="% on val", ylim=(0, 100))
    right.legend(frameon=False, loc="lower right")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.savefig(png_path, dpi=110)
