"""python benchmarks/gpu_first.py"""

import argparse
import os
import statistics
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

import numpy_side
from workers import Worker

from tinysegnet import networks, ops
from tinysegnet.data.normalisation import NORMALISATIONS, normalise
from tinysegnet.inference import Model
from tinysegnet.ops import fast
from tinysegnet.ops.fast import conv_gpu, ops_with
from tinysegnet.ops.more.resize import resize_bilinear
from tinysegnet.support.backend import copy_to_host, missing_for_cupy, reason, select, to_device, to_numpy
from tinysegnet.support.errors import exit_in_words
from tinysegnet.support.options import at_least_1
from tinysegnet.training import optim
from tinysegnet.training.step import Criterion, train_step

DESCRIPTION = """What to run first where there is a GPU, a line a check:  python benchmarks/gpu_first.py

Every operation and ten training steps give what they give with NumPy; a step
makes the host wait for nothing; and a step at 360x480 is timed beside PyTorch
with cuDNN, if that is installed, with TF32 off and on (our convolutions never
use it), with the memory it took.
The checks of float64 are strict. In float32 the two add up in another order,
and the first input of a ReLU that is nothing but rounding can set ten steps
3e-3 apart.

Ends with 0 if all is right, 1 if a check failed, 3 if there is no GPU.
"""
NO_DEVICE = 3
SIZE = 360, 480


def convolutions(xp, dtype, seed):
    """By both algorithms of a GPU: Winograd's is taken for many channels alone. The images one by one, or together."""
    results, scratch = [], conv_gpu.SCRATCH_BYTES
    for K, C, F in ((3, 256, 130), (3, 5, 7), (5, 6, 3), (7, 64, 64)):
        rng = np.random.default_rng(seed)
        shapes = (2, 21, 33, C), (K, K, C, F), (F,), (2, 21, 33, F)
        x, w, b, dy = (to_device(rng.standard_normal(shape).astype(dtype), xp) for shape in shapes)
        by_winograd = conv_gpu.side_of_tiles(21, 33, K, C, F) == conv_gpu.WINOGRAD
        assert by_winograd == (C == 256), "these shapes were to show both"
        conv_gpu.SCRATCH_BYTES = 1 if seed % 2 else scratch
        y, cache = conv_gpu.conv2d(x, w, b)
        results += [y, *conv_gpu.conv2d_backward(dy, cache)]
        conv_gpu.SCRATCH_BYTES = scratch
    return results


def losses(xp):
    """A loss is copied to the host beside the steps."""
    read = [copy_to_host(xp.asarray(np.float32(value))) for value in (2.5, -1.25)]
    assert [one() for one in read] == [2.5, -1.25]
    return "read by an event"


def operations(xp, dtype, seed):
    """The results of every operation, forward and backward, on arrays of random shapes, and of what is around them."""
    rng = np.random.default_rng(seed)
    (N, H, W, C, F), K = rng.integers((1, 1, 1, 1, 1), (4, 40, 40, 9, 9)).tolist(), int(rng.choice([1, 3, 5, 7]))
    x, dy, dz, w, b, gamma = (
        to_device(rng.standard_normal(shape).astype(dtype), xp)
        for shape in ((N, H, W, C), (N, H, W, C), (N, H, W, F), (K, K, C, F), F, C)
    )
    labels = to_device(rng.integers(0, C + 1, (N, H, W), np.uint8), xp)
    y, of_conv = fast.conv2d(x, w, b)
    z, statistics_of_x, of_norm = fast.batch_norm(x, gamma, gamma)
    pooled, corners = ops.max_pool(x)
    r, of_relu = ops.relu(x)
    loss, of_loss = ops.softmax_cross_entropy(x, labels, gamma, C)
    photograph = rng.integers(0, 256, (1, H, W, 3), np.uint8)[:, :, ::-1]
    return [
        y, *fast.conv2d_backward(dz, of_conv), *ops_with("im2col").conv2d_backward(dz, of_conv),
        z, *statistics_of_x, *fast.batch_norm_backward(dy, of_norm), r, ops.relu_backward(dy, of_relu),
        pooled, corners, ops.max_pool_backward(pooled, corners, x.shape),
        ops.max_unpool(pooled, corners, x.shape), ops.max_unpool_backward(dy, corners),
        ops.softmax(x), loss, ops.softmax_cross_entropy_backward(xp.ones_like(loss), of_loss),
        resize_bilinear(x, (N, 2 * H, W + 3, C))[0], *(normalise(photograph, xp, kind) for kind in NORMALISATIONS),
    ]


def ten_steps(xp, dtype, seed):
    """The losses of ten steps of SegNet-Basic, and all that it has learnt by then.

    Not the biases before a batch norm, which takes them away again: they are nothing but rounding.
    """
    network = networks.build("segnet-basic", classes=numpy_side.CLASSES, filters=16)
    model = Model(network, *(to_device(arrays, xp) for arrays in networks.init(network, seed, dtype)), meta={})
    optimiser = optim.Optimiser(optim.sgd_step, optim.start("sgd", model.params), 0.9, 5e-4, network.decays)
    criterion, losses = Criterion(xp.ones(numpy_side.CLASSES, dtype), numpy_side.IGNORE), []
    for number in range(10):
        images, labels = numpy_side.pictures(2, 45, 60, number)
        batch = normalise(images, xp).astype(dtype), to_device(labels, xp)
        losses.append(train_step(model, optimiser, batch, criterion, 0.1, fast))
    learnt = [a for name, a in model.params.items() if not name.endswith("conv.b")]
    return [*losses, *learnt, *model.stats.values()]


def parity(run, xp, dtype, tolerance, seeds):
    """In words, how far what it returns is from what NumPy has, relative to the largest entry of each array."""
    worst = (0.0, 0, 0)
    for seed in range(seeds):
        for i, (actual, expected) in enumerate(zip(run(xp, dtype, seed), run(np, dtype, seed), strict=True)):
            if isinstance(actual, np.ndarray) or (actual.dtype, actual.shape) != (expected.dtype, expected.shape):
                raise AssertionError(f"seed {seed}, array {i}: {type(actual)} {actual.dtype} {actual.shape}")
            far = np.abs(to_numpy(actual).astype(float) - expected).max() / max(np.abs(expected).max(), 1)
            worst = max(worst, (float(np.nan_to_num(far, nan=np.inf)), seed, i))
    difference, seed, i = worst
    said = f"at most {difference:.1e} apart, at seed {seed} in array {i}"
    if not difference <= tolerance:
        raise AssertionError(f"{said}: more than {tolerance:.0e}")
    return said


def waits(cupy):
    """A step must be ordered without a single wait: CuPy raises an error at the first that it notices."""
    import cupyx

    model = numpy_side.new_model("segnet-basic", cupy)
    optimiser = optim.Optimiser(optim.sgd_step, optim.start("sgd", model.params), 0.9, 5e-4, model.network.decays)
    images, labels = numpy_side.pictures(4, *SIZE)
    batch = normalise(images, cupy), to_device(labels, cupy)
    criterion = Criterion(cupy.ones(numpy_side.CLASSES, "float32"), numpy_side.IGNORE)
    train_step(model, optimiser, batch, criterion, 0.1, fast)       # compiles, and copies matrices of transforms
    start = time.perf_counter()
    with cupyx.allow_synchronize(False):
        loss = train_step(model, optimiser, batch, criterion, 0.1, fast)
    ordered = time.perf_counter()
    float(loss)
    ordered, done = (1000 * (moment - start) for moment in (ordered, time.perf_counter()))
    return f"none that CuPy notices; ordered in {ordered:.1f} ms, done in {done:.1f} ms"


def race(batch, tf32):
    """In words, the milliseconds of a training step, and beside PyTorch, if it is there."""
    sides = {"tinysegnet": ("numpy_side", {"backend": "cupy"})}
    if find_spec("torch"):
        layouts = {"channels last": "channels_last", "contiguous": "contiguous_format"}
        sides |= {f"cuDNN {name}": ("torch_side", {"layout": code, "device": "cuda"}) for name, code in layouts.items()}
    said, medians = [], []
    for name, (module, options) in sides.items():
        worker = Worker(module, tf32=tf32, **options)
        try:
            worker.prepare("training_step", "segnet-basic", batch, *SIZE)
            medians.append(statistics.median(sum(worker.time()) for _ in range(7)))
            said.append(f"{name} {1000 * medians[-1]:.1f} ms and {worker.peak_memory() / 1000:.1f} GB")
        finally:
            worker.close()                  # or it would keep its memory of the GPU
    ratio = f"; ratio {medians[0] / min(medians[1:]):.2f}" if medians[1:] else ""
    return ", ".join(said) + ratio


def checks(cupy):
    """Name, function and arguments of each, the most important first."""
    device = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
    yield "device", lambda: f"{device}, cupy {cupy.__version__}, numpy {np.__version__}"
    yield "losses", losses, cupy
    for dtype, tolerances in (("float32", (1e-4, 1e-4, 1e-2)), ("float64", (1e-10, 1e-10, 1e-8))):
        for run, tolerance, seeds in zip((convolutions, operations, ten_steps), tolerances, (2, 8, 2)):
            yield f"{run.__name__}, {dtype}", parity, run, cupy, dtype, tolerance, seeds
    yield "waits in a step", waits, cupy
    for batch in (4, 12):
        for tf32 in (False, True):
            yield f"step, batch {batch}, TF32 {'on' if tf32 else 'off'}", race, batch, tf32


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seconds", type=at_least_1, default=400, help="after which no further check is begun (default: %(default)s)"
    )
    args = parser.parse_args()
    os.environ["CUPY_TF32"] = "0"       # for the processes of a race it is set anew
    if missing := missing_for_cupy():
        sentence, error = missing
        print(f"there is no GPU to check: {sentence} ({reason(error)})")
        sys.exit(NO_DEVICE)
    cupy = select("cupy")
    begun, failed = time.perf_counter(), False
    for name, check, *arguments in checks(cupy):
        start = time.perf_counter()
        try:
            said = check(*arguments) if start - begun < args.seconds else "not begun: no time left"
        except Exception as error:      # whatever it is, the others are still to be tried
            failed, said = True, f"FAILED, {type(error).__name__}: {' '.join(str(error).split())[-400:]}"
        print(f"{name}: {said}  [{time.perf_counter() - start:.0f} s]", flush=True)
    sys.exit(int(failed))


if __name__ == "__main__":
    exit_in_words(main, "use a GPU with more memory")
