"""python benchmarks/winograd_error.py"""

import argparse
import datetime
import os
import platform
import shlex
import sys
from importlib.metadata import version
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

sys.path.append(str(Path(__file__).parents[1]))

import arithmetic  # noqa: E402
import numpy as np  # noqa: E402
import pages  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

import tinysegnet  # noqa: E402
from tinysegnet import networks  # noqa: E402
from tinysegnet.data import streets  # noqa: E402
from tinysegnet.data.normalisation import normalise  # noqa: E402
from tinysegnet.inference import Model  # noqa: E402
from tinysegnet.ops import conv  # noqa: E402
from tinysegnet.ops.fast import conv_fft, ops_with, winograd  # noqa: E402
from tinysegnet.support.backend import keep_freed_memory  # noqa: E402
from tinysegnet.support.errors import exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_1  # noqa: E402
from tinysegnet.training import optim  # noqa: E402
from tinysegnet.training.step import Criterion, train_step  # noqa: E402

DESCRIPTION = """What Winograd's convolution rounds, and what that does to a training:
python benchmarks/winograd_error.py

The error of y, dx and dw in float32, against float64, by columns (im2col), by
Fourier's tiles, and by Winograd's of 2, 4 and 6 values a side; the same at each
depth of SegNet; and its loss over some hundred steps from one seed with each.
Writes benchmarks/results/winograd.md and winograd.png. Takes some 8 minutes.
"""
RESULTS = Path(__file__).parent / "results"
SIZE, BATCH, CLASSES, IGNORE = (64, 96), 2, 11, 11
WAYS = {
    "im2col": (conv, None), "Fourier": (conv_fft, None),
    "F(2x2)": (winograd, 2), "F(4x4)": (winograd, 4), "F(6x6)": (winograd, 6),
}
COLOURS = dict(zip(WAYS, ("#1c2733", "#2b6cb0", "#3c7d4f", "#d08c3f", "#b83232")))


def by(way):
    """conv2d and conv2d_backward by one of WAYS."""
    module, m = WAYS[way]

    def with_tiles_of_m(function):
        def run(*args, **options):
            before, winograd.M = winograd.M, m or winograd.M        # the library's own is always 4
            try:
                return function(*args, **options)
            finally:
                winograd.M = before
        return run

    return with_tiles_of_m(module.conv2d), with_tiles_of_m(module.conv2d_backward)


def ops_by(way, **others):
    conv2d, conv2d_backward = by(way)
    return ops_with(conv2d=conv2d, conv2d_backward=conv2d_backward, **others)


def error(actual, expected):
    """The largest error, in parts of the largest value."""
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


def errors_of_a_convolution(channels):
    """{way: the errors of y, dx and dw}, with as many filters as channels; x is as after a ReLU, w as at the start."""
    rng = np.random.default_rng(channels)
    x = np.maximum(rng.standard_normal((1, 48, 60, channels)), 0)
    w = rng.standard_normal((3, 3, channels, channels)) * np.sqrt(2 / (9 * channels))
    b, dy = np.zeros(channels), rng.standard_normal(x.shape)
    x, w, b, dy = (a.astype(np.float32) for a in (x, w, b, dy))
    wide = [a.astype(np.float64) for a in (x, w, b, dy)]
    expected = conv.conv2d(*wide[:3])[0], *conv.conv2d_backward(wide[3], (wide[0], wide[1]))[:2]
    found = {}
    for way in WAYS:
        conv2d, conv2d_backward = by(way)
        actual = conv2d(x, w, b)[0], *conv2d_backward(dy, (x, w))[:2]
        found[way] = [error(a, e) for a, e in zip(actual, expected)]
    return found


def scenes(seed):
    """A batch of streets, small enough to be quick: photographs and labels."""
    pairs = [streets.scene(1000 * seed + i, *SIZE) for i in range(BATCH)]
    return np.stack([photograph for photograph, _ in pairs]), np.stack([labels for _, labels in pairs])


def new_model(filters, dtype=np.float32):
    network = networks.build("segnet", classes=CLASSES, filters=filters)
    return Model(network, *networks.init(network, seed=0, dtype=dtype), meta={})


def gradients(model, ops, dtype):
    """The logits of one batch, and {name: the gradient of its loss} of all parameters."""
    images, labels = scenes(0)
    x = normalise(images, np).astype(dtype)
    logits, _, cache = model.network.forward(model.params, x, ops)
    loss, loss_cache = ops.softmax_cross_entropy(logits, labels, np.ones(CLASSES), IGNORE)
    _, grads = model.network.backward(ops.softmax_cross_entropy_backward(np.ones_like(loss), loss_cache), cache, ops)
    return logits, grads


def remembering(corners, signs):
    """max_pool and relu that note their corners, and where x was positive, in these lists; or, if the lists are full,
    take them from there, whatever x is."""
    full = bool(corners)
    next_corners, next_signs = iter(corners), iter(signs)

    def max_pool(x):
        if full:
            given = next(next_corners)
            return tinysegnet.ops.max_unpool_backward(x, given), given
        y, found = tinysegnet.ops.max_pool(x)
        corners.append(found)
        return y, found

    def relu(x):
        if full:
            given = next(next_signs)
            return x * given, given
        y, positive = tinysegnet.ops.relu(x)
        signs.append(positive)
        return y, positive

    return {"max_pool": max_pool, "relu": relu}


def errors_by_depth(filters):
    """Of a whole SegNet, {way: {layer: error of its dw}} with each way's own corners and signs, the same with those of
    float64, and {way: (share of the corners, and of the signs, that are others than in float64)}."""
    truth = [], []
    logits, expected = gradients(new_model(filters, np.float64), ops_by("im2col", **remembering(*truth)), np.float64)
    layers = [name for name in expected if name.endswith(".w")]

    def errors(way, remembered):
        its_logits, grads = gradients(new_model(filters), ops_by(way, **remembering(*remembered)), np.float32)
        return {"logits": error(its_logits, logits)} | {name: error(grads[name], expected[name]) for name in layers}

    def share(found, right):
        return float(np.mean(np.concatenate([(a != b).ravel() for a, b in zip(found, right)])))

    own, given, others = {}, {}, {}
    for way in WAYS:
        its_own = [], []
        own[way], given[way] = errors(way, its_own), errors(way, truth)
        others[way] = tuple(map(share, its_own, truth))
    return own, given, others


def losses(way, filters, steps):
    """The loss of each step of a training from one seed."""
    model, ops = new_model(filters), ops_by(way)
    optimiser = optim.Optimiser(
        optim.adam_step, optim.start("adam", model.params), 0.9, 2e-4, model.network.decays
    )
    criterion = Criterion(np.ones(CLASSES, np.float32), IGNORE)
    found = []
    for step in range(steps):
        images, labels = scenes(step % 50)
        batch = normalise(images, np), labels
        found.append(float(train_step(model, optimiser, batch, criterion, 1e-3, ops)))
        if step % 50 == 49:
            print(f"  {way}, step {step + 1}: loss {found[-1]:.3f}", flush=True)
    return found


def report(filters, steps):
    """The lines of the report, and the loss of each step by each way."""
    head = row("", WAYS), "|---" * (1 + len(WAYS)) + "|"
    lines = [
        "# What Winograd's convolution rounds, and what that does to a training\n",
        f"{datetime.date.today()}, `{shlex.join(['python', *sys.argv])}`. {arithmetic.processor()}; Python "
        f"{platform.python_version()}, tinysegnet {tinysegnet.__version__}, numpy {version('numpy')}; "
        f"{arithmetic.blas_kernels()}.\n",
        "## One convolution\n",
        "The largest error in float32 of y, dx and dw, in millionths of the largest value; 48x60, one image.\n",
        *head,
    ]
    for channels in (16, 64, 256, 512):
        found = errors_of_a_convolution(channels)
        lines.append(row(f"{channels} channels", (", ".join(f"{1e6 * e:.1f}" for e in found[way]) for way in WAYS)))
    own, given, others = errors_by_depth(filters)
    lines += [
        f"\n## All of SegNet\n\nThe same with {filters} filters at the first level, two streets of {SIZE[0]}x"
        f"{SIZE[1]}, before any step, in millionths: first with each way's own corners and signs (where the maximum of "
        "a window is, and where the input of a ReLU is positive), then with those of float64 given to all.\n",
        *head, row("corners that differ from float64, of a million", (f"{1e6 * others[way][0]:.1f}" for way in WAYS)),
        row("signs that differ, of a million", (f"{1e6 * others[way][1]:.1f}" for way in WAYS)),
    ]
    for title, table in (("its own", own), ("given", given)):
        for layer in ("logits", "classifier.w", "decoder3.1.conv.w", "encoder5.3.conv.w", "encoder3.1.conv.w",
                      "encoder1.1.conv.w"):
            what = layer if layer == "logits" else f"dw of {layer.removesuffix('.w').removesuffix('.conv')}"
            lines.append(row(f"{what}, {title}", (f"{1e6 * table[way][layer]:.1f}" for way in WAYS)))
    curves = {way: losses(way, filters, steps) for way in WAYS}
    lines += [
        f"\n## {steps} steps\n\nAdam, rate 0.001, from one seed; the loss, and at which step it first differs from "
        "that by im2col by more than 0.001.\n",
        *head,
        row("loss, mean of the first 20 steps", (f"{np.mean(curves[way][:20]):.3f}" for way in WAYS)),
        row("loss, mean of the last 20 steps", (f"{np.mean(curves[way][-20:]):.3f}" for way in WAYS)),
        row("differs from step", (first_difference(curves[way], curves["im2col"]) for way in WAYS)),
        "\n![Two plots over the steps of the training. Left the loss by each of the five ways, as a mean of 10 steps. "
        "Right, on a logarithmic scale, by how much the loss of each step differs from that by im2col.](winograd.png)",
    ]
    return lines, curves


def row(title, cells):
    return f"| {title} | " + " | ".join(cells) + " |"


def first_difference(curve, other):
    differs = np.flatnonzero(np.abs(np.subtract(curve, other)) > 1e-3)
    return str(differs[0] + 1) if len(differs) else "none"


def draw(curves):
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for way, curve in curves.items():
        left.plot(np.convolve(curve, np.ones(10) / 10, "valid"), color=COLOURS[way], linewidth=1, label=way)
        if way != "im2col":
            difference = np.abs(np.subtract(curve, curves["im2col"]))
            steps = range(1, len(curve) + 1)            # on a logarithmic scale: it happens in the first ones
            right.loglog(steps, np.maximum(difference, 1e-8), color=COLOURS[way], linewidth=0.8, label=way)
    left.set(xlabel="step", ylabel="loss, mean of 10 steps", ylim=(0, None))
    right.set(xlabel="step", ylabel="difference from the loss by im2col")
    left.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    return figure


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--filters", type=at_least_1, default=16, help="of the first level (default: %(default)s)")
    parser.add_argument("--steps", type=at_least_1, default=300, help="of each training (default: %(default)s)")
    args = parser.parse_args()
    keep_freed_memory()
    lines, curves = report(args.filters, args.steps)
    print("\n".join(lines))
    folder = pages.place(RESULTS, parser, args)
    (folder / "winograd.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    draw(curves).savefig(folder / "winograd.png", dpi=120)


if __name__ == "__main__":
    exit_in_words(main)
