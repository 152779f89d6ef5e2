"""python benchmarks/runtimes.py"""

import argparse
import datetime
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # before NumPy comes: they would force other kernels on it than those of the machine

sys.path.append(str(Path(__file__).parents[1]))

import arithmetic  # noqa: E402
import numpy as np  # noqa: E402
import trainings  # noqa: E402
from workers import PAUSE, spread  # noqa: E402

import tinysegnet  # noqa: E402
from tinysegnet import inference  # noqa: E402
from tinysegnet.data import open_dataset  # noqa: E402
from tinysegnet.data.images import resize_photograph  # noqa: E402
from tinysegnet.export import onnx  # noqa: E402
from tinysegnet.support.backend import keep_freed_memory  # noqa: E402
from tinysegnet.support.errors import InputError, exit_in_words  # noqa: E402
from tinysegnet.support.threads import workers  # noqa: E402

DESCRIPTION = """Exported networks in other programs, beside tinysegnet:

pip install -e . -r benchmarks/requirements-runtimes.txt
pip install --no-deps --target opencv5 opencv-python-headless==5.0.0.93
python benchmarks/runtimes.py --data CAMVID --opencv5 opencv5

Of the network that comes with the project, on 20 photographs of val at its own
size: the share of pixels whose label is the same, how far logits are apart, and
the time of one image, in turn with tinysegnet's. Of small networks of other
kinds, trained for two epochs on streets (in runs/, some minutes): the same but
for the time. Exit code 1 if too few labels are the same. Writes
benchmarks/results/runtimes.md. Needs a machine that does nothing else.
"""
RESULTS = Path(__file__).parent / "results" / "runtimes.md"
PACKAGES = "onnx", "onnxruntime", "openvino", "cv2"
PHOTOGRAPHS, ROUNDS = 20, 9
SMALL = {           # networks, with their filters
    "segnet": 8, "unet": 8, "fcn-basic": 8, "segnet-basic-encoder-addition": 8,
}
SMALL_SIZE = 90, 120                    # 45x60, 23x30, ... on the way down
LABELS, LABELS_OF_SMALL, LOGITS = 0.9999, 0.999, 1e-4       # what is asked of the shares, and of the medians


def onnxruntime(path, threads):
    """run(x), and what it is called. So with the three below."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["logits"], {"image": x})[0], f"onnxruntime {onnxruntime.__version__}"


def openvino(path, threads):
    import openvino

    wishes = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}     # or bfloat16 on some machines
    compiled = openvino.compile_model(path, "CPU", wishes)
    return lambda x: compiled([x])["logits"], f"OpenVINO {version('openvino')}"


def opencv(path, threads, engine=None):
    import cv2

    cv2.setNumThreads(threads)
    engines = [] if engine is None else [getattr(cv2.dnn, f"ENGINE_{engine}")]
    network = cv2.dnn.readNetFromONNX(path, *engines)

    def run(x):
        network.setInput(x, "image")
        return network.forward("logits")

    return run, f"OpenCV {cv2.__version__}" + (f", {engine.lower()} engine" if engine else "")


def opencv_new(path, threads):
    return opencv(path, threads, "NEW")


def opencv_classic(path, threads):
    return opencv(path, threads, "CLASSIC")


class Runtime:
    """A process that has read the graph in a file: `run(x)` gives the logits and the seconds.

    load    one of the functions above
    folder  a folder of packages that comes before all others
    """

    def __init__(self, load, path, folder=None):
        self.pipe, end = multiprocessing.Pipe()
        arguments = end, load, str(path), workers(), folder
        self.process = multiprocessing.get_context("spawn").Process(target=serve, args=arguments, daemon=True)
        self.process.start()
        self.name = self.answer()

    def run(self, x):
        self.pipe.send(x)
        return self.answer()

    def answer(self):
        answer = self.pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self):
        self.pipe.send(None)
        self.process.join()


def serve(pipe, load, path, threads, folder):
    """What the process of a Runtime does."""
    if folder:
        sys.path.insert(0, folder)
    try:
        run, name = load(path, threads)
        pipe.send(name)
        while (x := pipe.recv()) is not None:
            pipe.send(timed(run, x))
    except Exception as error:
        pipe.send(error)


def timed(function, *arguments):
    """What it returns, and the seconds."""
    start = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - start


def photographs_of(data, size):
    """PHOTOGRAPHS of val, or all if there are fewer, from its whole length: uint8 (H, W, 3) of that size."""
    samples = data.samples("val")
    chosen = np.linspace(0, len(samples) - 1, min(PHOTOGRAPHS, len(samples))).astype(int)
    return [resize_photograph(data.read(samples[i])[0], size) for i in chosen]


def agreement(ours, theirs):
    """Of logits (N, H, W, classes): the share of equal labels; the median difference as a part of our largest."""
    labels = (ours.argmax(axis=3) == theirs.argmax(axis=3)).mean()
    return labels, np.median(np.abs(ours - theirs)) / np.abs(ours).max()


def in_turn(first, second):
    """Seconds of two functions that give them, ROUNDS times each. Each goes twice, and the second time is what counts:
    its own data are then in the processor's caches again."""
    seconds = [], []
    for _ in range(ROUNDS):
        for kept, go in zip(seconds, (first, second)):
            time.sleep(PAUSE)
            go()
            kept.append(go())
    return seconds


def measured(model, photographs, runtimes, in_time=True):
    """Yields of each runtime its name; the share of labels that are ours; the median difference of the logits, of the
    photograph where it is largest; and our seconds and its own for one image, unless not in_time."""
    ours = [inference.look(model, photograph) for photograph in photographs]
    inputs = [np.ascontiguousarray(photograph.transpose(2, 0, 1)[None], np.float32) for photograph in photographs]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        onnx.save(path, model, photographs[0].shape[:2])
        for load, packages in runtimes:
            runtime = Runtime(load, path, packages)
            theirs = (runtime.run(x)[0].transpose(0, 2, 3, 1) for x in inputs)
            labels, medians = zip(*map(agreement, ours, theirs))
            seconds = in_turn(
                lambda: timed(inference.look, model, photographs[0])[1],
                lambda: runtime.run(inputs[0])[1],  # noqa: B023, called at once
            ) if in_time else []
            runtime.close()
            yield runtime.name, np.mean(labels), max(medians), *seconds


def report(data, runtimes, amiss):
    """The lines of the page, each as soon as it is measured. What does not agree as it must is added to `amiss`."""
    model = inference.load()
    size = tuple(model.meta["size"])
    photographs = photographs_of(data, size)
    yield f"# Exported networks in other programs\n\n{circumstances(data, len(runtimes) > 3)}\n"
    title = "{} photographs of val, {}x{}".format(len(photographs), *size)
    yield f"## The network that comes with the project: {title}\n"
    yield "| | labels that are ours | logits apart | one image | tinysegnet, in turn | ratio |"
    yield "|---|---|---|---|---|---|"
    for name, labels, apart, ours, theirs in measured(model, photographs, runtimes):
        ratio = statistics.median(ours) / statistics.median(theirs)
        yield f"| {name} | {percent(labels)} | {apart:.0e} | {spread(theirs)} | {spread(ours)} | {ratio:.2f} |"
        if labels < LABELS or apart >= LOGITS:
            amiss.append(name)
    title = "{} photographs of val, {}x{}".format(len(photographs), *SMALL_SIZE)
    yield f"\n## Small networks, after two epochs of streets: {title}\n"
    yield "| | filters | | labels that are ours | logits apart |\n|---|---|---|---|---|"
    for network, filters in SMALL.items():
        model = inference.load(trained(network, filters))
        for name, labels, apart in measured(model, photographs_of(data, SMALL_SIZE), runtimes, in_time=False):
            yield f"| {network} | {filters} | {name} | {percent(labels)} | {apart:.0e} |"
            if labels < LABELS_OF_SMALL or apart >= LOGITS:
                amiss.append(f"{name}, {network}")
    yield (
        "\n*Logits apart*: the median difference as a part of the largest logit, of the photograph where it is largest."
        "\nSingle logits may differ by more: where two corners of a window are equal but for rounding, the maximum is"
        "\nput back into the one or the other."
    )


def trained(network, filters):
    """The path of a small one, trained now unless it is there."""
    return trainings.trained(f"runtimes-{network}", "streets", {
        "data": "streets", "network": network, "filters": filters, "size": SMALL_SIZE, "epochs": 2,
    }, quietly=True)


def percent(share):
    """Rounded down, so that 100 is all."""
    return f"{np.floor(1e5 * share) / 1e3:.3f} %"


def circumstances(data, with_opencv5):
    command = "python benchmarks/runtimes.py" + " --data CAMVID" * (data.source != "streets")
    command += " --opencv5 opencv5" * with_opencv5
    packages = f"tinysegnet {tinysegnet.__version__}, numpy {version('numpy')}, onnx {version('onnx')}"
    return (
        f"{datetime.date.today()}, `{command}`, on {data.name.partition(' in ')[0]}. "
        f"{arithmetic.processor()}, {os.cpu_count()} processors; "
        f"Python {platform.python_version()}, {packages}; {arithmetic.blas_kernels()}.\n"
        "Medians (lowest to highest); a ratio below 1 means that tinysegnet is faster."
    )


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="FOLDER", help="CamVid (default: data/CamVid, or streets)")
    parser.add_argument("--opencv5", metavar="FOLDER", help="where OpenCV 5 is (default: it is left out)")
    args = parser.parse_args()
    for package in PACKAGES:
        if not find_spec(package):
            raise InputError(f"{package} is not installed: pip install -r benchmarks/requirements-runtimes.txt")
    if args.opencv5 and not (Path(args.opencv5) / "cv2").is_dir():
        raise InputError(f"there is no cv2 in {args.opencv5}: see benchmarks/requirements-runtimes.txt")
    runtimes = [(onnxruntime, None), (openvino, None), (opencv, None)]
    if args.opencv5:
        runtimes += [(opencv_new, args.opencv5), (opencv_classic, args.opencv5)]
    data, why = open_dataset(args.data)
    print(why)
    keep_freed_memory()
    lines, amiss = [], []
    for line in report(data, runtimes, amiss):
        print(line, flush=True)
        lines.append(line)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if amiss:
        print(f"\nNot as it must be: {'; '.join(amiss)}")
        sys.exit(1)


if __name__ == "__main__":
    exit_in_words(main)
