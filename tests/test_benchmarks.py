"""The benchmarks measure what they say: the same work on both sides. Their speed is nothing for a test."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pretend_gpu
import pytest
import tiny_camvid
from PIL import Image
from test_readme import section

from tinysegnet import checkpoint, inference, metrics, networks, ops
from tinysegnet.data import folder, folds, open_dataset, streets
from tinysegnet.data.batches import evaluation_pairs
from tinysegnet.ops import fast
from tinysegnet.support.errors import InputError
from tinysegnet.training import loop
from tinysegnet.training.settings import RECIPES, from_recipe

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def sides(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(BENCHMARKS)
    import numpy_side
    import torch_side

    return numpy_side, torch_side


@pytest.mark.parametrize("layout", ["contiguous_format", "channels_last"])
def test_both_have_the_same_operations_and_all_of_them_run(sides, layout):
    numpy_side, torch_side = sides
    of_library, of_torch = numpy_side.operations(1, 18, 21), torch_side.operations(1, 18, 21, layout=layout)
    assert list(of_library) == list(of_torch)
    for operations, side in ((of_library, numpy_side), (of_torch, torch_side)):
        for forward, backward in operations.values():
            seconds, cache = side.seconds(forward)
            assert seconds > 0
            if backward:
                assert side.seconds(lambda: backward(cache))[0] > 0  # noqa: B023, called at once


NETWORKS = ("segnet-basic", 1_416_587), ("segnet", 29_449_355), ("unet", 7_703_627)


@pytest.mark.parametrize("name, count", NETWORKS)
def test_both_have_the_same_network(sides, name, count):
    """With the library's parameters, PyTorch's gives the library's logits."""
    import torch

    _, torch_side = sides
    network = networks.build(name)
    params, stats = networks.init(network, 0, dtype=np.float64)
    net = torch_side.NETWORKS[name]().double().eval()
    with torch.no_grad():
        for (key, param), value in zip(net.named_parameters(), params.values(), strict=True):     # in the same order
            transposed = isinstance(net.get_submodule(key.rpartition(".")[0]), torch.nn.ConvTranspose2d)
            axes = (2, 3, 0, 1) if transposed else (3, 2, 0, 1)         # (C, F, K, K), or (F, C, K, K)
            param.copy_(torch.tensor(value.transpose(axes) if value.ndim == 4 else value))
        x = np.random.default_rng(0).standard_normal((2, 37, 45, 3))
        logits = net(torch.tensor(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(network.predict(params, stats, x), logits, atol=1e-9)
    assert sum(a.size for a in params.values()) == count


def test_steps_and_inference_run(sides):
    """Steps train: on pictures of noise the loss comes down from what it is on the first of three."""
    numpy_side, torch_side = sides
    for network, H, W in (("segnet-basic", 16, 17), ("segnet", 32, 33), ("unet", 8, 9)):
        assert numpy_side.inference(network, 2, H, W)().shape == (2, H, W, 11)
        assert torch_side.inference(network, 2, H, W)().shape == (2, 11, H, W)
    for side in sides:
        step = side.training_step("segnet-basic", 2, 16, 17)
        losses = [float(step()) for _ in range(61)]
        assert losses[60] < losses[0] - 0.1


def test_the_most_memory_is_of_the_process_itself_and_never_falls(sides):
    large = np.ones(40_000_000)         # 320 MB, which are not the child's
    program = "import numpy, numpy_side as n; a = n.peak_memory(); numpy.ones(10**7); print(a, n.peak_memory())"
    command = [sys.executable, "-c", program]
    environment = os.environ | {"PYTHONPATH": str(BENCHMARKS.parent)}
    process = subprocess.run(command, cwd=BENCHMARKS, env=environment, capture_output=True, text=True, check=True)
    before, after = map(float, process.stdout.split())
    assert before < large.nbytes / 2**20 and after > before + 60, (before, after)


def test_inference_has_a_row_for_each_network_of_both(sides, monkeypatch):
    import cpu
    import inference
    import workers as measuring

    asked = []

    class Fake:
        def __init__(self, *args, **options):
            self.side, self.layout = args[0], options.get("layout")

        def whole(self, *work):
            asked.append(work)
            return (0.2, 0.3, 0.4), (0.6, 0.5, 0.9)

        def prepare(self, *work):
            asked.append(work)

        def time(self):
            return [1.0]

        def peak_memory(self):
            return 100.0 if self.side == "numpy_side" else 250.0 if self.layout == "channels_last" else 300.0

        def close(self):
            pass

    for module, name in ((inference, "Comparison"), (inference, "Worker"), (cpu, "Worker"), (measuring, "Worker")):
        monkeypatch.setattr(module, name, Fake)
    text = "\n".join(inference.report(inference.NETWORKS, (32, 48), rounds=3))
    assert "| segnet | 0.30 s (0.20 to 0.40) | 0.60 s (0.50 to 0.90) | 0.50 | 100 | 250 | 112 |" in text
    assert re.findall(r"(?m)^\| ([a-z-]+) \|", text) == [*inference.NETWORKS]
    assert {work[:3] for work in asked} == {("inference", name, 1) for name in inference.NETWORKS}
    assert all(name in sides[1].NETWORKS for name in inference.NETWORKS)


def test_uncertainty_has_the_figures_of_evaluate_and_a_picture(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import uncertainty
    from test_uncertainty import model_of

    tiny_camvid.make(tmp_path / "tiny")
    model = model_of("bayesian-segnet-basic", size=[20, 28], epoch=3)
    checkpoint.save(tmp_path / "b.npz", model.meta, params=model.params, stats=model.stats)
    monkeypatch.setattr(uncertainty, "RESULTS", tmp_path)
    monkeypatch.chdir(tmp_path)
    options = "--weights", str(tmp_path / "b.npz"), "--data", str(tmp_path / "tiny"), "--samples", "3"
    monkeypatch.setattr("sys.argv", ["uncertainty.py", *options])
    uncertainty.main()
    assert not (tmp_path / "uncertainty.md").exists()               # of 20 samples are the pages in results/
    text = Path("runs/uncertainty.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"(?m)^\| (.+?) \| (.+) \|$", text))
    assert "bayesian-segnet-basic after 3 epochs at 20x28, judged on val of CamVid" in text
    for figures, tenths in (("the mean of 3 samples", "variance of the samples"),
                            ("one look without dropout", "softmax of one look")):
        right = [float(share) for share in rows[tenths].split(" | ")]
        assert len(right) == 10 and np.mean(right) == pytest.approx(float(rows[figures].split(" | ")[0]), abs=0.1)
    with Image.open("runs/uncertainty.png") as picture:
        assert picture.width > 1000 and len(picture.convert("RGB").getcolors(1 << 20)) > 100


def test_the_best_peer_is_the_one_compared_with(sides):
    import workers as measuring

    class Fake:
        def __init__(self, *seconds):
            self.left = iter(seconds)

        def time(self, name):
            return [next(self.left)]

    library = Fake(1.0, 2.0, 3.0)
    slow, fast = Fake(7.0, 7.0), Fake(8.0, 6.5, 5.0, 6.0, 4.0)
    ((of_library, of_torch),) = measuring.interleaved(library, [slow, fast], None, rounds=3)
    assert of_library == (1.0, 2.0, 3.0) and of_torch == (5.0, 6.0, 4.0)
    row = measuring.row("step", (of_library, of_torch))
    assert row == "| step | 2.00 s (1.00 to 3.00) | 5.00 s (4.00 to 6.00) | 0.40 |"


def test_the_arithmetic_is_that_of_the_network(sides):
    import arithmetic

    direct, tiled = arithmetic.convolutions_of_a_step(1, 16, 17)
    pixels = [16 * 17, 8 * 9, 4 * 5, 2 * 3]
    channels = [2 * 3 + 3 * 64, 2 * 3 * 64, 2 * 3 * 64, 2 * 3 * 64]         # y and dw; y, dw and dx
    assert direct == sum(2 * 49 * 64 * p * c for p, c in zip(pixels, channels))
    direct, tiled = arithmetic.convolutions_of_a_step(1, 360, 480)
    assert 6 < direct / tiled < 12


@pytest.fixture
def gpu_first(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import gpu_first

    return gpu_first


@pytest.mark.parametrize("run", ["convolutions", "operations", "ten_steps"])
def test_the_first_checks_of_a_gpu_pass_on_the_stand_in(gpu_first, run):
    for dtype, tolerance in (("float32", 1e-2 if run == "ten_steps" else 1e-4), ("float64", 1e-9)):
        said = gpu_first.parity(getattr(gpu_first, run), pretend_gpu, dtype, tolerance, 1 if run == "ten_steps" else 2)
        assert said.startswith("at most ")
    assert gpu_first.losses(pretend_gpu) == "read by an event"


def test_the_first_checks_fail_where_they_should(gpu_first):
    def off_by(difference, dtype="float64"):
        return lambda xp, *_: [xp.asarray(np.ones(3)), xp.asarray(np.full(3, 2 + (xp is not np) * difference, dtype))]

    def judged(run):
        return gpu_first.parity(run, pretend_gpu, "float64", 1e-3, 2)

    assert judged(off_by(1e-4)) == "at most 5.0e-05 apart, at seed 1 in array 1"
    for difference in (1e-2, np.nan):
        with pytest.raises(AssertionError, match=r"at seed 1 in array 1: more than 1e-03"):
            judged(off_by(difference))
    with pytest.raises(AssertionError, match="seed 0, array 0"):                    # an array that has come to the host
        judged(lambda xp, *_: [np.ones(3)])
    with pytest.raises(AssertionError, match="seed 0, array 0"):                    # one of another dtype
        judged(lambda xp, *_: [xp.asarray(np.ones(3, "float64" if xp is np else "float32"))])
    with pytest.raises(AssertionError, match="seed 0, array 0"):                    # and shape
        judged(lambda xp, *_: [xp.asarray(np.ones(3 if xp is np else 1))])


@pytest.mark.parametrize("fails, status", [(False, 0), (True, 1)])
def test_a_check_that_fails_stops_no_other_and_none_is_begun_too_late(gpu_first, monkeypatch, capsys, fails, status):
    clock = [0.0]

    def check(seconds, wrong):
        clock[0] += seconds
        if wrong:
            raise AssertionError("too far\napart")
        return "fine"

    checks = [("one", check, 1, fails), ("two", check, 9, False), ("three", check, 1, False)]
    monkeypatch.setattr(gpu_first, "checks", lambda cupy: iter(checks))
    monkeypatch.setattr(gpu_first, "select", lambda name: name)
    monkeypatch.setattr(gpu_first, "missing_for_cupy", lambda: None)
    monkeypatch.setattr(gpu_first.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr("sys.argv", ["gpu_first.py", "--seconds", "10"])
    with pytest.raises(SystemExit) as ended:
        gpu_first.main()
    assert ended.value.code == status
    assert capsys.readouterr().out.splitlines() == [
        f"one: {'FAILED, AssertionError: too far apart' if fails else 'fine'}  [1 s]",
        "two: fine  [9 s]", "three: not begun: no time left  [0 s]",
    ]


def test_without_a_gpu_the_first_checks_end_with_3(tmp_path):
    process = run_without("cupy", "gpu_first.py", tmp_path)
    assert process.returncode == 3 and process.stdout.startswith("there is no GPU to check: CuPy cannot be imported")
    assert process.stdout.count("\n") == 1 and not process.stderr and "--backend" not in process.stdout


@pytest.fixture
def counting(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import counting_gpu
    import launches

    return counting_gpu, launches


def test_a_step_asks_little_of_a_gpu(counting):
    """At batch 4 and 360x480: launches, and bytes beside those of the plain operations."""
    _, launches = counting
    network = networks.build("segnet-basic")
    on_gpu, plain = (launches.counted(namespace, network, 4, 360, 480) for namespace in (fast, ops))

    def all_of(table, *names):
        return sum(counts for name, counts in table.items() if not names or name in names)

    assert all_of(on_gpu)[0] <= 1000 < 13_000 < all_of(plain)[0]
    of_conv, of_norm = (("conv2d", "conv2d_backward"), ("batch_norm", "batch_norm_backward"))
    assert all_of(on_gpu, *of_conv)[1] <= 0.17 * all_of(plain, *of_conv)[1]
    assert all_of(on_gpu, *of_norm)[1] <= all_of(plain, *of_norm)[1] / 3
    assert all_of(on_gpu)[1] <= 0.22 * all_of(plain)[1]
    assert all_of(plain, *of_conv)[2] > 1.4e12 > 2.6e11 > all_of(on_gpu, *of_conv)[2]
    of_results = section("On a GPU")
    rows = [row for row in launches.report(network, 4, 360, 480) if row.startswith(("| conv", "| batch", "| all"))]
    rows += [row for row in launches.report(networks.build("segnet"), 4, 360, 480) if row.startswith("| all")]
    assert len(rows) == 6 and all(row in of_results for row in rows)


def test_what_is_counted(counting):
    """By hand, in kernels and bytes of float32."""
    gpu, _ = counting
    a, b, stack = (gpu.empty(shape, "float32") for shape in ((4, 5), (5, 6), (7, 5, 6)))

    def of(do):
        gpu.reset()
        result = do()
        return (*gpu.totals().astype(int).tolist(), result.shape, str(result.dtype))

    assert of(lambda: a + 1) == (1, 160, 0, (4, 5), "float32")
    assert of(lambda: (a > 0) * a) == (2, 80 + 20 + 20 + 160, 0, (4, 5), "float32")
    assert of(lambda: a[:, ::2].sum(axis=0)) == (1, 4 * 12 + 12, 0, (3,), "float32")
    assert of(lambda: a @ b) == (1, 4 * (20 + 30 + 24), 240, (4, 6), "float32")
    assert of(lambda: b.T @ a.T) == (1, 4 * (20 + 30 + 24), 240, (6, 4), "float32")
    assert of(lambda: a @ stack) == (4, 4 * (20 + 210 + 168), 1680, (7, 4, 6), "float32")
    assert of(lambda: stack.swapaxes(1, 2) @ stack) == (2, 4 * (420 + 420 + 252), 2520, (7, 6, 6), "float32")
    assert of(lambda: a[:, :3] @ b[:3]) == (2, 4 * (24 + 12 + 18 + 24), 144, (4, 6), "float32")
    assert of(lambda: stack.reshape(35, 6)) == (0, 0, 0, (35, 6), "float32")
    assert of(lambda: stack.swapaxes(0, 1).reshape(35, 6)) == (1, 8 * 210, 0, (35, 6), "float32")
    assert of(lambda: gpu.pad(stack, ((0, 0), (1, 1), (0, 0)))) == (2, 4 * (294 + 420), 0, (7, 7, 6), "float32")
    joined = of(lambda: gpu.concatenate([stack, gpu.empty((7, 5, 2), "float32")], axis=2))
    assert joined == (2, 2 * 4 * 280, 0, (7, 5, 8), "float32")
    large, million = gpu.empty((2, 10**6), "float64"), 10**6      # by strips: a row below, and what is right of it
    padded = of(lambda: gpu.pad(large, ((0, 1), (0, 2 * million))))
    assert padded == (3, 8 * (4 + 3 + 6) * million, 0, (3, 3 * million), "float64")
    turned = stack.swapaxes(0, 2)
    assert of(lambda: turned.astype("float64").reshape(35, 6)) == (2, 12 * 210 + 16 * 210, 0, (35, 6), "float64")
    fused = gpu.fuse()(lambda x, y: (x * y + x, x - y))
    assert of(lambda: fused(a, a)[0]) == (1, 4 * 80, 0, (4, 5), "float32")


@pytest.mark.docs       # seconds
def test_no_benchmark_needs_the_package_to_be_installed(tmp_path):
    """A fresh clone: with -S Python does not look for what is installed in place, and all else is on its path."""
    environment = {"PYTHONPATH": str(Path(np.__file__).parents[1]), "PATH": ""}
    scripts = [path for path in BENCHMARKS.glob("*.py") if "exit_in_words(main" in path.read_text()]
    assert {script.stem for script in scripts} == {
        "boundary", "cpu", "drives", "fine_tuning", "first_run", "formats", "gpu", "gpu_first", "inference",
        "ingredients", "launches", "parallel", "runtimes", "table1", "uncertainty", "winograd_error",
    }
    for script in scripts:
        command = [sys.executable, "-S", script, "--help"]
        process = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert process.returncode == 0, process.stderr
        assert process.stdout.startswith("usage:")


@pytest.mark.parametrize(
    "script, missing, sentence",
    [("gpu.py", "cupy", "error: this benchmark needs a GPU"), ("cpu.py", "torch", "error: PyTorch is not installed"),
     ("boundary.py", "scipy", "error: boundary F1 needs SciPy: pip install -e '.[boundary]'\n"),
     ("table1.py", "scipy", "error: boundary F1 needs SciPy: pip install -e '.[boundary]'\n"),
     ("runtimes.py", "onnx", "error: onnx is not installed: pip install -r benchmarks/requirements-runtimes.txt\n")],
)
def test_what_is_not_installed_is_said(tmp_path, script, missing, sentence):
    process = run_without(missing, script, tmp_path)
    assert process.returncode == 2
    assert process.stderr.startswith(sentence) and process.stderr.count("\n") == 1


def run_without(package, script, folder):
    """The process of that benchmark, where there is no such package."""
    code = (
        f"import sys, runpy; sys.modules[{package!r}] = None; sys.argv = [{script!r}]; "
        f"sys.path.insert(0, {str(BENCHMARKS)!r}); runpy.run_path({str(BENCHMARKS / script)!r}, run_name='__main__')"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)


@pytest.fixture
def boundary(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import boundary

    return boundary


def test_what_each_choice_about_boundaries_does(boundary):
    """By hand, where 1.5 pixels are near: a line that is drawn twice, a class that is only called, a void."""
    def of(labels, predicted, choice):
        return boundary.of_image(labels, predicted, 3, 9, **boundary.CHOICES[choice])

    usual, distances, truth_alone, unmasked, all_three = boundary.CHOICES
    labels, predicted = np.zeros((2, 120, 160), np.uint8)
    labels[:, 80:] = predicted[:, 80:] = predicted[:, 78] = 1       # one line; lines 0, 1 and 2 from it
    np.testing.assert_allclose(of(labels, predicted, usual), [240 / 480, 240 / 480, np.nan])
    np.testing.assert_allclose(of(labels, predicted, distances), [0.8, 0.8, np.nan])        # of 2 / 3 and 1
    np.testing.assert_array_equal(of(labels, predicted, usual), metrics.boundary_f1(labels, predicted, 3, 9))
    predicted = labels.copy()
    predicted[100:, 150:] = 2
    np.testing.assert_allclose(of(labels, predicted, usual), of(labels, predicted, distances))
    assert of(labels, predicted, usual)[2] == 0 < of(labels, predicted, usual)[1] < 1
    assert np.isnan(of(labels, predicted, truth_alone)[2])
    labels[100:, :50] = 9
    assert of(labels, predicted, truth_alone)[0] > of(labels, predicted, unmasked)[0]
    assert of(labels, labels, usual)[0] == of(labels, labels, unmasked)[0] == 1
    assert np.isnan(of(labels, predicted, all_three)[2]) and boundary.by_distance(*2 * [labels == 7], 2) is np.nan


def test_the_page_about_boundaries_is_of_what_the_network_predicts(boundary, tmp_path, monkeypatch, capsys):
    """On a tiny CamVid, with a prediction that is the truth but for a pixel to the right."""
    tiny_camvid.make(tmp_path / "tiny")
    monkeypatch.setattr(boundary, "RESULTS", tmp_path)
    monkeypatch.setattr(boundary, "predictions", lambda model, pairs: ((y, np.roll(y, 1, axis=1)) for _, y in pairs))
    monkeypatch.setattr("sys.argv", ["boundary.py", "--data", str(tmp_path / "tiny")])
    boundary.main()
    text = (tmp_path / "boundary.md").read_text()
    assert capsys.readouterr().out == text and str(tmp_path) not in text and "on val (2 images)" in text
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    choices, classes = rows[2:7], dict((name, cells) for name, *cells in rows[9:])
    assert [row[0] for row in choices] == list(boundary.CHOICES) and len(classes) == 11
    pairs = evaluation_pairs(open_dataset(tmp_path / "tiny")[0], "val")
    of_images = [metrics.boundary_f1(y, np.roll(y, 1, axis=1), 11, 11) for _, y in pairs]
    bf, of_class = metrics.mean_boundary_f1(of_images)
    assert choices[0][1] == f"{100 * bf:.1f}" and classes["Sky"][0] == f"{100 * of_class[0]:.1f}"
    assert classes["Pole"] == ["-", "-"]
    assert all(float(row[2]) == pytest.approx(float(row[1]) - 100 * bf, abs=0.1) for row in choices[1:])


def test_the_section_about_boundaries_is_that_of_the_benchmark():
    page = (BENCHMARKS / "results/boundary.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("|")]
    text, bf = section("Boundaries"), rows[2].split("|")[2].strip()
    assert len(rows) == 20 and "\n".join(rows[:7]) in text and "\n".join(rows[7:]) in text
    assert f"BF {bf} on val" in " ".join(text.split())


@pytest.fixture
def fine_tuning(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import fine_tuning

    return fine_tuning


def test_twelve_photographs_of_val_are_learnt_and_the_others_judged(fine_tuning, tmp_path):
    tiny_camvid.make(tmp_path / "tiny", (("train", 1), ("val", 23)))
    data = folder.dataset(tmp_path / "tiny")
    chosen = fine_tuning.few(data)
    of_val = data.samples("val")
    assert chosen.samples("train") == of_val[::2] and chosen.samples("val") == of_val[1::2]
    assert [len(split) for split in map(chosen.samples, ("train", "val"))] == [12, 11]
    (_, labels), (_, two) = data.read(of_val[3]), chosen.read(of_val[3])
    assert {*labels.ravel()} == {0, 3, 8, 11} and two.dtype == np.uint8
    assert (two[labels == 8] == 1).all() and (two[labels == 11] == 255).all() and (two[labels < 8] == 0).all()
    with pytest.raises(InputError, match=r"^val of CamVid in .*tiny has 23 photographs: give a data set of more than"):
        fine_tuning.few(data, 23)


@pytest.mark.docs       # seconds
def test_fine_tuning_is_set_against_training_from_scratch(fine_tuning, tmp_path, monkeypatch, capsys):
    tiny_camvid.make(tmp_path / "tiny", (("train", 1), ("val", 14)))
    monkeypatch.setattr(streets, "VAL", range(10, 23))
    monkeypatch.setattr(fine_tuning, "RESULTS", tmp_path)
    monkeypatch.setattr(fine_tuning, "SEEDS", range(1))
    monkeypatch.setattr(fine_tuning, "SIZES", {"CamVid": (24, 32), "streets": (24, 32)})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["fine_tuning.py", "--data", str(tmp_path / "tiny"), "--epochs", "1"])
    begun, begin = [], fine_tuning.fine_tune.begin
    monkeypatch.setattr(fine_tuning.fine_tune, "begin", lambda *args: begun.append(args[1].init) or begin(*args))
    fine_tuning.main()
    page = Path("runs/fine_tuning.md").read_text()
    said = "With another --epochs than usual: this page goes to runs/\n"
    assert capsys.readouterr().out == page + said and begun == ["shipped", None] * 2
    lines = [line for line in page.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [first for first, *_ in rows[1:]] == [
        f"{name} at 24x32, {count} judged, {how}" for name, count in (("CamVid", 2), ("streets", 1))
        for how in ("`--init shipped`", "from scratch")
    ]
    assert all(0 < float(miou) < 100 and float(seconds) >= 0 for _, miou, seconds in rows[1:])


def test_the_section_about_fine_tuning_is_that_of_the_benchmark():
    """And it is what it is there to show: on every seed fine-tuning is better."""
    page = (BENCHMARKS / "results/fine_tuning.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) == 6 and "\n".join(rows) in (BENCHMARKS.parent / "docs/results.md").read_text(encoding="utf-8")
    figures = [[float(cell) for cell in row.split("|")[2:5]] for row in rows[2:]]
    assert all(tuned > anew for pair in (figures[:2], figures[2:]) for tuned, anew in zip(*pair))


@pytest.mark.docs       # seconds
def test_ingredients_are_trained_once_each_and_judged(tmp_path, monkeypatch, capfd):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.syspath_prepend(BENCHMARKS.parent)
    monkeypatch.chdir(tmp_path)
    import ingredients

    tiny_camvid.make(tmp_path / "data/CamVid")
    monkeypatch.setattr(ingredients, "RESULTS", tmp_path)
    assert all(change.keys() <= RECIPES["best"].keys() for change in ingredients.WITHOUT.values())
    monkeypatch.setattr(ingredients, "WITHOUT", {
        "the recipe": {}, "no flips": {"flip": False, "batch": 1}, "one look": {"test_scales": None},
    })
    tables = []
    for _ in range(2):
        monkeypatch.setattr("sys.argv", ["ingredients.py", "--size", "24x32", "--epochs", "1"])
        ingredients.main()
        tables.append(Path("runs/ingredients.md").read_text())
    out = capfd.readouterr().out
    assert tables[0] == tables[1] and out.count("Epoch 1 was the last") == 2
    configs = [json.loads(Path(f"runs/ingredients-{i}/config.json").read_text())["settings"] for i in range(2)]
    assert {key for key in configs[0] if configs[0][key] != configs[1][key]} == {"flip", "batch", "steps"}
    whole, other, _ = [line.split("|")[2:-1] for line in tables[0].splitlines()[-3:]]
    for row, said in zip((whole, other), re.findall(r"(?m)^G (.*)  C (.*)  mIoU (.*)$", out)):
        assert [cell.strip() for cell in row[:3]] == list(said)             # what train.py printed at its end
        assert abs(float(whole[2]) - float(row[2]) - float(row[3])) < 0.11
    monkeypatch.setattr("sys.argv", ["ingredients.py", "--size", "24x32", "--epochs", "2"])
    with pytest.raises(InputError, match="runs/ingredients-0 was trained with another epochs: delete that folder"):
        ingredients.main()


@pytest.mark.parametrize(
    "statistics, epoch, finished", [("running", 3, False), ("exact", 2, False), ("exact", 3, True)]
)
def test_a_training_of_few_images_is_not_finished_for_its_exact_statistics(
    tmp_path, monkeypatch, statistics, epoch, finished
):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import trainings

    said = {"best.npz": {"statistics": statistics}, "last.npz": {"epoch": epoch}}
    (tmp_path / "best.npz").touch()
    monkeypatch.setattr(trainings.checkpoint, "load", lambda path: (said[path.name], {}))
    monkeypatch.setattr(trainings, "read_config", lambda path: {"settings": SimpleNamespace(epochs=2)})
    assert trainings.is_finished(tmp_path) == finished
    (tmp_path / "best.npz").unlink()
    assert not trainings.is_finished(tmp_path)


@pytest.fixture
def table1(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.syspath_prepend(BENCHMARKS.parent)
    import table1

    return table1


def test_what_crosses_is_the_paper_s_storage(table1):
    """In multiples of SegNet-Basic's corners. The paper counts the added maps of EncoderAddition alone."""
    for name, (_, of_paper, *_) in table1.PAPER.items():
        crossing = table1.storage(networks.build(name, filters=64, classes=11))
        expected = {"-": 0, "64": 64}.get(of_paper) or int(of_paper.replace("-", "0"))
        assert crossing == pytest.approx(expected + (name == "segnet-basic-encoder-addition")), name


def test_ranks_and_their_correlation(table1):
    assert table1.ranks([3.0, 1.0, 3.0, 7.0]).tolist() == [2.5, 1, 2.5, 4]
    assert table1.rank_correlation([1, 2, 3], [5, 50, 51]) == pytest.approx(1)
    assert table1.rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    assert table1.rank_correlation([1, 2, 3, 4], [2, 1, 4, 3]) == pytest.approx(0.6)        # 1 - 6 * 4 / (4 * 15)


@pytest.mark.docs       # seconds
def test_table_1_is_trained_once_and_judged(table1, tmp_path, monkeypatch, capfd):
    tiny_camvid.make(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(table1, "RESULTS", tmp_path)
    monkeypatch.setattr(table1, "KEPT", tmp_path / "table1.jsonl")
    monkeypatch.setattr(table1, "inference_of", lambda name: ([0.25], 100.0))
    tables = []
    for _ in range(2):
        only = "--only", "fcn-basic", "segnet-basic", "bilinear-interpolation"
        monkeypatch.setattr("sys.argv", ["table1.py", "--data", "tiny", "--size", "24x32", "--epochs", "1", *only])
        table1.main()
        tables.append(Path("runs/table1.md").read_text())
    assert tables[0] == tables[1] and capfd.readouterr().out.count(" on val\n") == 3
    lines = [line for line in tables[0].splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert [row[0] for row in rows] == ["", *only[1:]]
    assert rows[2][1:5] == ["1.417 (1.425)", "1 (1)", "250 (52.6)", "100"]
    assert rows[2][-1] == "82.7 / 62.0 / 47.7 / 35.78"
    assert "Rank correlation of mIoU on val with the paper's on test, of 3 networks: " in tables[0]
    assert Path("runs/table1.png").stat().st_size > 5000 and not (tmp_path / "table1.md").exists()
    args = SimpleNamespace(size=(24, 32), epochs=1, seed=0, balancing="median")
    data = open_dataset("tiny")[0]
    figures = table1.kept("fcn-basic", args, data)
    cells = [" / ".join(f"{value:.1f}" for value in of_split.values()) for of_split in figures.values()]
    assert rows[1][-3:-1] == cells and [*figures] == ["train", "val"]
    others = "--size", "24x32", "--epochs", "2", "--only", "fcn-basic"
    monkeypatch.setattr("sys.argv", ["table1.py", "--data", "tiny", *others])
    with pytest.raises(InputError, match="runs/table1-fcn-basic-median-0 was trained with another epochs"):
        table1.main()
    for split in ("test", "testannot"):
        shutil.copytree(Path("tiny", split.replace("test", "val")), Path("tiny", split))
    assert table1.kept("fcn-basic", args, open_dataset("tiny")[0]) is None     # another split has come
    with_test = table1.all_judged(["fcn-basic"], args, data)["fcn-basic"]
    assert with_test == figures | {"test": figures["val"]}
    for path in ("runs", "tiny/test", "tiny/testannot"):
        shutil.rmtree(path)
    data = open_dataset("tiny")[0]
    assert table1.all_judged(["fcn-basic"], args, data)["fcn-basic"] == figures and not Path("runs").exists()
    monkeypatch.setitem(table1.trainings.RECIPES["photographs"], "flip", False)
    assert table1.kept("fcn-basic", args, data) is None         # it is another recipe now


def test_a_line_that_was_cut_is_named(table1, tmp_path):
    table1.trainings.keep(tmp_path / "kept.jsonl", {"a": 1}, {"b": 2})
    table1.trainings.keep(tmp_path / "kept.jsonl", {"a": 1}, {"b": 3})
    assert table1.trainings.kept(tmp_path / "kept.jsonl", {"a": 1})["b"] == 3
    assert not table1.trainings.kept(tmp_path / "kept.jsonl", {"a": 2})
    with open(tmp_path / "kept.jsonl", "a") as file:
        file.write('{"a": 1, "b')
    with pytest.raises(InputError, match=r"kept.jsonl, line 3: this is no JSON: delete the line"):
        table1.trainings.kept(tmp_path / "kept.jsonl", {"a": 1})


def test_both_balancings_have_their_figures_of_the_paper(table1):
    balanced, natural = (SimpleNamespace(balancing=balancing) for balancing in table1.BALANCING)
    assert table1.of_test("fcn-basic", balanced) == (81.7, 62.4, 47.3, 38.11)
    assert table1.of_test("fcn-basic", natural) == (83.9, 55.6, 45.0, 37.33)
    args = SimpleNamespace(size=(24, 32), epochs=1, seed=3, balancing="natural")
    name, recipe, changes = table1.training_of("fcn-basic", args, SimpleNamespace(source="tiny"))
    assert (name, changes["class_weight_power"], changes["seed"]) == ("table1-fcn-basic-natural-3", 0.0, 3)
    assert changes["best_by"] == "last" and recipe in RECIPES


def test_figures_of_table_1_are_those_of_evaluate(table1, tmp_path):
    tiny_camvid.make(tmp_path / "tiny")
    data, _ = open_dataset(str(tmp_path / "tiny"))
    model = loop.new_model(from_recipe("photographs", data="tiny", size=(24, 32), steps=1, filters=2), data)
    figures = table1.judge(model, data, "val")
    pairs = loop.predictions(model, evaluation_pairs(data, "val"))
    bf, _ = metrics.mean_boundary_f1([metrics.boundary_f1(*pair, len(data.classes), data.ignore) for pair in pairs])
    expected = metrics.figures(loop.evaluate(model, evaluation_pairs(data, "val"), data.ignore)) | {"BF": bf}
    assert figures == pytest.approx({name: 100 * value for name, value in expected.items()}) and figures["BF"] > 0


def test_another_balancing_or_seed_has_a_page_of_its_own(table1, tmp_path, monkeypatch):
    figures = {"G": 80, "C": 60, "mIoU": 40, "BF": 30}
    tiny_camvid.make(tmp_path / "tiny")
    monkeypatch.setattr(table1, "RESULTS", tmp_path)
    monkeypatch.setattr(table1, "inference_of", lambda name: ([0.25], 100.0))
    monkeypatch.setattr(table1, "all_judged", lambda names, args, data: {"fcn-basic": {"val": figures}})
    for options, name in ((("--balancing", "natural"), "table1-natural-0"), (("--seed", "1"), "table1-median-1")):
        monkeypatch.setattr("sys.argv", ["table1.py", "--data", str(tmp_path / "tiny"), *options])
        table1.main()
        assert "| 80.0 / 60.0 / 40.0 / 30.0 |" in (tmp_path / f"{name}.md").read_text()
        assert (tmp_path / f"{name}.png").stat().st_size > 5000
    assert not (tmp_path / "table1.md").exists()


def test_table_1_is_of_camvid(table1, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["table1.py", "--data", "streets"])
    with pytest.raises(InputError, match=r"^this is of CamVid, and there is streets: name CamVid's folder by --data"):
        table1.main()


@pytest.mark.docs       # seconds
def test_a_training_that_fails_or_is_stopped_is_said_and_stops_the_others(table1, tmp_path, monkeypatch, capfd):
    """Pictures too small for any. Then one is interrupted, and gone on with."""
    tiny_camvid.make(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    args = SimpleNamespace(size=(8, 8), epochs=1, seed=0, balancing="median")
    with pytest.raises(SystemExit) as ended:
        table1.all_judged(list(table1.PAPER), args, open_dataset("tiny")[0])
    assert ended.value.code == 2
    said = capfd.readouterr().err.splitlines()
    assert 1 <= len(said) < 8 and all(line.startswith("runs/table1-") and "too small" in line for line in said)

    import trainings

    of_one = "stopped", "photographs", {"data": "tiny", "size": (24, 32), "epochs": 500, "batch": 2, "filters": 2}
    Thread(target=lambda: (wait_for(Path("runs/stopped/log.jsonl")), trainings.stop())).start()
    with pytest.raises(SystemExit) as ended:
        trainings.trained(*of_one, quietly=True)
    assert ended.value.code == 143 and Path("runs/stopped/last.npz").exists()
    assert "stopped and saved" in capfd.readouterr().err
    commands = []

    class Finished:
        returncode = 0

        def __init__(self, command, **options):
            commands.append(command)

        def communicate(self):
            return None, b""

    monkeypatch.setattr(trainings.subprocess, "Popen", Finished)
    assert trainings.trained(*of_one, quietly=True) == Path("runs/stopped/best.npz")
    assert commands[0][-1] == "--resume"


@pytest.fixture
def drives(monkeypatch, tmp_path):
    """On a tiny CamVid of which three photographs are of each drive; nothing has been judged yet."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.syspath_prepend(BENCHMARKS.parent)
    import drives

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(drives, "RESULTS", tmp_path)
    monkeypatch.setattr(drives, "KEPT", tmp_path / "drives.jsonl")
    tiny_camvid.make(tmp_path / "tiny", (("train", 6), ("val", 3)))
    for number, drive in enumerate(drives.DRIVES):
        for split in ("train", "val"):
            for path in [*Path("tiny", split).iterdir(), *Path("tiny", f"{split}annot").iterdir()]:
                if int(path.stem[:3]) % 3 == number:
                    path.rename(path.with_name(f"{drive}_{path.stem}.png"))
    return drives


def test_each_drive_is_held_out_once_and_judged_once(drives, tmp_path, monkeypatch, capsys):
    """By networks that were made up: runs of one epoch are in test_what_has_been_judged_is_not_trained_again."""
    trained = []

    def train(name, recipe, changes, quietly):
        trained.append((name, recipe, changes))
        path = tmp_path / name
        path.mkdir()
        settings = from_recipe(recipe, steps=1, **changes | {"filters": 2})
        model = loop.new_model(settings, drives.trainings.camvid_at("tiny"))
        checkpoint.save(path / "best.npz", model.meta | {"test_scales": (1, 0.75)}, params=model.params,
                        stats=model.stats)
        (path / "config.json").write_text("{}")
        return path / "best.npz"

    monkeypatch.setattr(drives.trainings, "trained", train)
    monkeypatch.setattr(drives, "read_config", lambda path: {"settings": SimpleNamespace(average=None)})
    argv = ["drives.py", "--data", "tiny", "--size", "24x32", "--epochs", "3"]
    pages = []
    for _ in range(2):
        monkeypatch.setattr("sys.argv", argv)
        drives.main()
        pages.append(Path("runs/drives.md").read_text())
    assert pages[0] == pages[1] and len(trained) == 6 * len(drives.RECIPES_COMPARED)
    assert {changes["hold_out"] for _, _, changes in trained} == set(drives.DRIVES)
    assert {changes["seed"] for _, _, changes in trained} == {0, 1}
    assert all(changes["best_by"] == "last" and changes["judge_every"] == 3 for _, _, changes in trained)
    data, pooled, sums = drives.trainings.camvid_at("tiny"), {}, dict.fromkeys(drives.LOOKS, 0)
    for drive in drives.DRIVES:
        model = inference.load(tmp_path / f"drives-24x32-3-best-{drive}-0" / "best.npz")
        held = folds.hold_out(data, drive)
        assert len(held.samples("val")) == 3
        results = drives.kept(drives.Job(drive, (24, 32), 3, 0, "best", "best", {}))
        for how, scales in (("one look", None), ("and in a mirror", (1,)), ("and at 0.75", (1, 0.75))):
            looking = replace(model, meta=model.meta | {"test_scales": scales})
            expected = loop.evaluate(looking, evaluation_pairs(held, "val"), data.ignore)
            assert np.abs(results[how] - expected).sum() <= 4           # of 2304: ties may fall either way
            sums[how] = sums[how] + results[how]
        pooled[drive] = 100 * metrics.mean_iou(results["one look"])
    row = next(line for line in pages[0].splitlines() if line.startswith("| best | 0 |"))
    numbers = [float(cell) for cell in row.split("|")[3:-1]]
    assert numbers == pytest.approx([100 * metrics.mean_iou(sums["one look"]), *pooled.values()], abs=0.051)


@pytest.mark.docs       # some seconds
def test_what_has_been_judged_is_not_trained_again(drives, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(drives, "DRIVES", {"0001TP": "dusk"})
    argv = ["drives.py", "--data", "tiny", "--size", "24x32", "--epochs", "1", "--seeds", "0"]
    pages = []
    for _ in range(2):
        monkeypatch.setattr("sys.argv", argv)
        drives.main()
        pages.append(Path("runs/drives.md").read_text())
    assert pages[0] == pages[1] and capfd.readouterr().out.count(" in one look\n") == len(drives.RECIPES_COMPARED)
    assert len(list(Path("runs").glob("*/"))) == len(drives.RECIPES_COMPARED)
    with Image.open("runs/dusk.png") as picture:              # two frames of 24x32 side by side, and a legend
        left, right = (np.asarray(picture)[:24, x : x + 32].reshape(-1, 3) for x in (0, 40))
    colours = {tuple(colour) for colour in drives.trainings.camvid_at("tiny").palette}
    assert {tuple(colour) for half in (left, right) for colour in half} <= colours
    averaged, = [line for line in pages[0].splitlines() if line.startswith("| one look, last weights |")]
    assert averaged.split("|")[2].isspace() and float(averaged.split("|")[3]) >= 0      # best has no averages
    monkeypatch.setitem(drives.trainings.RECIPES["best"], "lr", 0.5)
    assert drives.kept(drives.Job("0001TP", (24, 32), 1, 0, "unseen", "unseen", {}))
    assert not drives.kept(drives.Job("0001TP", (24, 32), 1, 0, "best", "best", {}))    # it is another recipe now


def test_the_drives_are_camvid_s(drives, monkeypatch):
    monkeypatch.setattr("sys.argv", ["drives.py", "--data", "streets"])
    with pytest.raises(InputError, match=r"^this is of CamVid, and there is streets: name CamVid's folder by --data"):
        drives.main()


@pytest.fixture
def formats(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import formats

    return formats


@pytest.mark.parametrize("makes, code, said, good, verdict", [
    ("grey", 0, [], True, "read rightly"),
    ("grey", 2, ["a file is bad"], False, "refused"),                   # this one must be read
    ("grey", 1, [], False, "ended with 1, and the files are read"),     # a traceback
    ("one lower", 0, [], False, "100.0 % of the pixels are read wrongly, in silence"),
    ("one lower", 0, ["no pixel is 0"], True, "100.0 % of the pixels are read wrongly, remarked upon"),
    ("one lower", 2, ["a file is bad"], True, "refused"),
    ("void as 1", 0, [], False, "6.0 % of the pixels are read wrongly, in silence"),        # 51x51 of 180x240
])
def test_a_set_is_right_if_its_labels_are_or_something_is_said(
    formats, tmp_path, monkeypatch, makes, code, said, good, verdict
):
    saves = {
        "grey": formats.grey,
        "one lower": lambda path, labels: formats.grey(path, np.maximum(labels, 1) - 1),
        "void as 1": lambda path, labels: formats.grey(path, np.where(labels == 255, np.uint8(1), labels)),
    }
    labels = (0, 255) if makes == "void as 1" else (1, 2)
    one = formats.Set("a set", formats.program(saves[makes]), labels, right=makes == "grey")
    monkeypatch.setattr(formats, "check_data", lambda folder: (code, said))
    is_good, lines = formats.judged(one, tmp_path)
    assert (is_good, lines[0]) == (good, verdict)
    assert lines[1 : 1 + len(said)] == said and lines[-1].startswith("  ")


def test_what_is_in_a_label_file_is_told_as_it_is_there(formats, tmp_path):
    path, labels = tmp_path / "a.png", np.array([[0, 1, 2]], np.uint8)
    ways = (
        (formats.grey, "PNG L, 8 bit: 0 1 2"),
        (formats.sixteen_bits, "PNG I;16, 16 bit: 0 1 2"),
        (formats.one_bit, "PNG 1, 1 bit: 0 1"),
        (formats.coloured, "PNG RGB, 8 bit: 60,160,60 90,150,230 220,40,40"),
        (formats.jpeg, "JPEG L"),
        (partial(formats.palette, entries=2), "PNG P, 1 bit: 0=60,160,60 1=220,40,40"),         # Pillow cuts the 2
        (partial(formats.palette, entries=3), "PNG P, 2 bit: 0=60,160,60 1=220,40,40 2=90,150,230"),
    )
    for save, expected in ways:
        save(path, labels)
        assert formats.on_disk(path) == expected


def test_a_tool_that_is_missing_is_named(formats, monkeypatch):
    monkeypatch.setattr("sys.argv", ["formats.py"])
    monkeypatch.setattr(formats, "find_spec", lambda tool: None)
    with pytest.raises(InputError, match=r"^cv2 is not installed: pip install -r benchmarks/requirements-form"):
        formats.main()


def wait_for(path):
    for _ in range(600):
        if path.exists() and path.stat().st_size:
            return
        time.sleep(0.1)


def test_a_runtime_of_other_labels_is_told_from_one_of_ours(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import runtimes

    pytest.importorskip("onnx")
    model = inference.load()
    tiny_camvid.make(tmp_path / "tiny")

    class Fake:
        """OpenVINO has the classes in another order, and OpenCV is off by a little."""

        def __init__(self, load, path, folder):
            self.name = load.__name__

        def run(self, x):
            photograph = np.ascontiguousarray(x[0].transpose(1, 2, 0), np.uint8)       # summed up in the same order
            logits = inference.look(model, photograph).transpose(0, 3, 1, 2)
            others = {"openvino": logits[:, ::-1], "opencv": logits + 2e-4 * np.abs(logits).max()}
            return others.get(self.name, logits), 1.0

        def close(self):
            pass

    model.meta["size"] = [20, 28]
    monkeypatch.setattr(inference, "load", lambda path=None: model)
    monkeypatch.setattr(runtimes, "Runtime", Fake)
    monkeypatch.setattr(runtimes, "PACKAGES", ())
    monkeypatch.setattr(runtimes, "SMALL", {"unet": 2})
    monkeypatch.setattr(runtimes, "SMALL_SIZE", (20, 28))
    monkeypatch.setattr(runtimes, "PHOTOGRAPHS", 1)
    monkeypatch.setattr(runtimes, "ROUNDS", 1)
    monkeypatch.setattr(runtimes, "RESULTS", tmp_path / "page.md")
    monkeypatch.setattr(runtimes, "trained", lambda network, filters: None)
    monkeypatch.setattr("sys.argv", ["runtimes.py", "--data", str(tmp_path / "tiny")])
    with pytest.raises(SystemExit) as stop:
        runtimes.main()
    assert stop.value.code == 1
    said, page = capsys.readouterr().out, (tmp_path / "page.md").read_text(encoding="utf-8")
    assert page in said
    assert said.endswith("\nNot as it must be: openvino; opencv; openvino, unet; opencv, unet\n")
    assert "| onnxruntime | 100.000 % | 0e+00 | 1.00 s (1.00 to 1.00) |" in page
    assert "| opencv | 100.000 % | 2e-04 |" in page and "| unet | 2 | onnxruntime | 100.000 % | 0e+00 |" in page
    assert float(re.search(r"\| openvino \| ([\d.]+) % \|", page)[1]) < 50
