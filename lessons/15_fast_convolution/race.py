"""python lessons/15_fast_convolution/race.py"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from matplotlib.figure import Figure

from lessons.engine import course, my_segnet
from lessons.engine.figures import BLUE, GREEN, GREY, INK, RED, save
from tinysegnet.ops import conv
from tinysegnet.ops.fast import conv_fft
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.support.errors import exit_in_words, writing
from tinysegnet.support.options import height_x_width

DESCRIPTION = """One convolution, forward and backward, done in all the ways of the course, on your machine.

    python lessons/15_fast_convolution/race.py

times them in turn, those of yours that are done among them, and PyTorch where it is installed, and draws mine/race.png.
benchmarks/cpu.py does it more carefully, for whole training steps: each in a process and with memory of its own.
"""
CHANNELS, K, T, ROUNDS = 64, 7, 30, 3
LOOPS = "six loops"
COLOURS = {LOOPS: GREY, "im2col": BLUE, "tiles": GREEN, "PyTorch": RED}       # by how a name begins


def entrants(x, w, b, dy, learner):
    """{name: a function that goes forward and backward once}; learner has the learner's functions, by name."""
    def step(forward, backward, *more):
        return lambda: backward(dy, forward(x, w, b, *more)[-1])

    exercises = {
        "im2col, yours": ("conv2d", "conv2d_backward"),
        "tiles, yours": ("conv2d_by_tiles", "conv2d_by_tiles_backward", T),
    }
    ready = {
        name: step(learner[forward], learner[backward], *more)
        for name, (forward, backward, *more) in exercises.items() if forward in learner and backward in learner
    }
    columns = 4 * x.nbytes * K * K / 1e6        # x as columns, in MB, and what comes of them
    if (free := my_segnet.free_megabytes()) and columns > free and ready.pop("im2col, yours", None):
        print(f"your im2col does not race: it would need about {columns:,.0f} MB, and {free:,.0f} are free")
    return ready | {
        "im2col, the library's": step(conv.conv2d, conv.conv2d_backward),
        "tiles, the library's": step(conv_fft.conv2d, conv_fft.conv2d_backward),
    } | pytorch(x, w, b, dy)


def pytorch(x, w, b, dy):
    """PyTorch in both of its layouts, the later of which is usually the faster; nothing if it is not installed."""
    try:
        import torch
    except ImportError:
        return {}

    def step(layout):
        images, kernel, bias, upstream = (
            torch.from_numpy(np.ascontiguousarray(a)).contiguous(memory_format=layout) if a.ndim == 4 else
            torch.from_numpy(a) for a in (x.transpose(0, 3, 1, 2), w.transpose(3, 2, 0, 1), b, dy.transpose(0, 3, 1, 2))
        )
        leaves = [a.requires_grad_() for a in (images, kernel, bias)]

        def run():
            y = torch.nn.functional.conv2d(images, kernel, bias, padding=K // 2)
            return torch.autograd.grad(y, leaves, upstream)

        return run

    return {"PyTorch": step(torch.contiguous_format), "PyTorch, NHWC": step(torch.channels_last)}


def six_loops(x, w):
    """y of one image in lists, pixel by pixel and number by number."""
    H, W, C, F = len(x) - K + 1, len(x[0]) - K + 1, len(x[0][0]), len(w[0][0][0])
    y = [[[0.0] * F for _ in range(W)] for _ in range(H)]
    for r in range(H):
        for q in range(W):
            for f in range(F):
                for i in range(K):
                    for j in range(K):
                        for c in range(C):
                            y[r][q][f] += x[r + i][q + j][c] * w[i][j][c][f]
    return y


def seconds(step):
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def race(size, learner):
    """{name: median seconds}. That of the loops is reckoned: nobody waits for it."""
    rng = np.random.default_rng(0)
    x, dy = (rng.standard_normal((1, *size, CHANNELS), np.float32) for _ in range(2))
    w, b = rng.standard_normal((K, K, CHANNELS, CHANNELS), np.float32), rng.standard_normal(CHANNELS, np.float32)
    corner = x[0, : K + 2, : K + 2, :8].tolist(), w[:, :, :8, :8].tolist()          # 3 x 3 pixels, 8 of the channels
    larger = x.size / (3 * 3 * 8) * CHANNELS / 8
    steps, times = entrants(x, w, b, dy, learner), {}
    for _ in range(1 + ROUNDS):                     # in turn, the first time to warm up
        for name, step in steps.items():
            time.sleep(0.05)                        # for the threads of the one before to fall asleep
            times.setdefault(name, []).append(seconds(step))
    loops = min(seconds(lambda: six_loops(*corner)) for _ in range(ROUNDS))
    medians = {LOOPS: 3 * loops * larger} | {name: statistics.median(some[1:]) for name, some in times.items()}
    return dict(sorted(medians.items(), key=lambda item: -item[1]))


def in_words(duration):
    for unit, length in (("hours", 3600), ("minutes", 60), ("s", 1)):
        if duration >= 2 * length or (unit == "s" and duration >= 1):
            return f"{duration / length:.1f} {unit}"
    return f"{1000 * duration:.0f} ms"


def chart(times, title):
    """Bars, on a scale on which each mark is ten times the one before."""
    figure = Figure(figsize=(10, 1.5 + 0.55 * len(times)))
    axes = figure.add_axes((0.2, 0.5 / figure.get_figheight(), 0.77, 1 - 1.15 / figure.get_figheight()))
    shortest = min(times.values())
    for place, (name, duration) in enumerate(times.items()):
        colour = next(colour for kind, colour in COLOURS.items() if name.startswith(kind))
        axes.barh(place, duration, color=colour, height=0.68)
        ratio = duration / shortest
        many = f", {ratio:,.{0 if ratio >= 100 else 1}f} times the shortest" if ratio > 1 else ""
        text = f"{in_words(duration)}{' (reckoned)' if name == LOOPS else ''}{many}"
        inside = duration > 300 * shortest
        axes.text(duration * (0.9 if inside else 1.12), place, text, fontsize=10, va="center", color=INK,
                  ha="right" if inside else "left")
    axes.set(xscale="log", xlim=(shortest / 3, 3 * max(times.values())), ylim=(len(times) - 0.4, -0.6))
    axes.set_yticks(range(len(times)), times, fontsize=10.5, color=INK)
    axes.xaxis.set_major_formatter(lambda duration, _: f"{duration:g} s")
    axes.minorticks_off()
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    figure.text(0.02, 1 - 0.35 / figure.get_figheight(), title, fontsize=12, weight="bold", color=INK)
    return figure


def title(size):
    height, width = size
    return f"A {K}x{K} convolution of {CHANNELS} channels to {CHANNELS}, {height}x{width}, forward and backward"


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=height_x_width, default=(180, 240), metavar="HxW", help="default: 180x240")
    args = parser.parse_args()
    keep_freed_memory()
    learner = my_segnet.finished_functions()
    print(title(args.size), flush=True)
    times = race(args.size, learner)
    for name, duration in times.items():
        print(f"  {name:<22}{in_words(duration):>14}{'  (reckoned from a corner)' if name == LOOPS else ''}")
    path = course.MINE / "race.png"
    with writing(path):
        course.MINE.mkdir(exist_ok=True)
        save(chart(times, title(args.size)), path)
    print(f"as a chart: {path}")


if __name__ == "__main__":
    exit_in_words(main)
