"""One source on two libraries: the stand-in of lesson 13 everywhere, CuPy where there is a GPU."""

import ast
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pretend_gpu
import pytest
import what_cupy_has
from cases import ARGS, FORWARD, RIGHT

import tinysegnet
from tinysegnet import inference, networks, ops
from tinysegnet.data.normalisation import normalise
from tinysegnet.inference import Model
from tinysegnet.ops import conv, fast
from tinysegnet.ops.fast import conv_gpu
from tinysegnet.ops.more.resize import resize_bilinear
from tinysegnet.support import backend
from tinysegnet.support.backend import array_module, to_device, to_numpy
from tinysegnet.support.errors import InputError
from tinysegnet.training import loop, optim
from tinysegnet.training.settings import from_recipe
from tinysegnet.training.step import Criterion, train_step

PACKAGE = Path(tinysegnet.__file__).parent


def assert_same(actual, expected, xp, exactly=False):
    """But for rounding: the stand-in, like a GPU, has all at once what NumPy adds band by band.

    exactly  on the stand-in without it, as nothing is added up
    """
    assert type(actual).__module__.partition(".")[0] == xp.__name__, "the result left the device"
    assert actual.dtype == expected.dtype and actual.shape == np.shape(expected)
    rounding, least = (16 * np.finfo(actual.dtype.name).eps, 1e-2) if xp is pretend_gpu else (1e-4, 1e-3)
    tolerance = rounding * max(np.abs(expected).max(), least)     # some gradients are nothing but rounding
    if exactly and xp is pretend_gpu:
        tolerance = 0
    assert np.abs(to_numpy(actual).astype(np.float64) - expected).max() <= tolerance


def on_device(args, xp):
    return [xp.asarray(a) if isinstance(a, np.ndarray) else a for a in args]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("op", FORWARD)
def test_op_and_its_backward(op, dtype, xp):
    args = [a.astype(dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in ARGS[op]]
    y, *middle, cache = FORWARD[op](*args)
    dy = np.random.default_rng(0).standard_normal(np.shape(y)) + np.zeros(np.shape(y))
    dy = np.asarray(dy, dtype)
    y_device, *middle_device, cache_device = FORWARD[op](*on_device(args, xp))
    added_up = "conv2d", "batch_norm", "conv_transpose2d", "depthwise_conv2d"
    exactly = op.removesuffix("_backward") not in added_up
    assert_same(y_device, y, xp, exactly)
    for actual, expected in zip(middle_device, middle):
        for a, b in zip(actual, expected):
            assert_same(a, b, xp)
    gradients, gradients_device = RIGHT[op](dy, cache), RIGHT[op](xp.asarray(dy), cache_device)
    if not isinstance(gradients, tuple):
        gradients, gradients_device = (gradients,), (gradients_device,)
    for actual, expected in zip(gradients_device, gradients):
        assert_same(actual, expected, xp, exactly)


def test_softmax_inference_and_resize(xp):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 7, 3), np.float32)
    four = rng.uniform(0.5, 2, (4, 3)).astype(np.float32)
    assert_same(ops.softmax(xp.asarray(x)), ops.softmax(x), xp, exactly=True)
    assert_same(ops.batch_norm_inference(*on_device((x, *four), xp)), ops.batch_norm_inference(x, *four), xp)
    assert_same(resize_bilinear(xp.asarray(x), (2, 9, 4, 3))[0], resize_bilinear(x, (2, 9, 4, 3))[0], xp, exactly=True)


@pytest.mark.parametrize("conv_name", ["auto", "winograd", "im2col"])
@pytest.mark.parametrize("K", [3, 7])
def test_a_device_has_a_convolution_of_its_own(monkeypatch, xp, conv_name, K):
    """Where NumPy would have one of those by tiles, which are written for its arrays. Very large maps go by columns."""
    rng = np.random.default_rng(0)
    args = [rng.standard_normal(shape, np.float32) for shape in ((1, 40, 50, 32), (K, K, 32, 2), (2,))]
    functions, args_device = fast.ops_with(conv_name), on_device(args, xp)
    assert fast.fastest_conv(*args[:2]) not in (conv, conv_gpu)
    assert fast.fastest_conv(*args_device[:2]) is conv_gpu
    expected, its_cache = conv.conv2d(*args)
    for largest in (2000, 1999):
        monkeypatch.setattr(fast, "LARGEST_ON_GPU", 32 * largest)
        by_columns = conv_name == "im2col" or largest < 2000
        with monkeypatch.context() as patch:
            patch.setattr(conv_gpu if by_columns else conv, "im2col" if not by_columns else "transform", None)
            y, cache = functions.conv2d(*args_device)
        gradients = functions.conv2d_backward(xp.asarray(expected), cache)
        pairs = [(y, expected), *zip(gradients, conv.conv2d_backward(expected, its_cache), strict=True)]
        for actual, wanted in pairs:
            assert actual.dtype == "float32"
            np.testing.assert_allclose(to_numpy(actual), wanted, atol=2e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("dtype, rounding", [(np.float32, 1e-5), (np.float64, 1e-13)])
@pytest.mark.parametrize("shape", [(2, 5, 7, 3), (1, 1, 1, 2), (3, 33, 40, 5)])
def test_a_device_has_a_batch_norm_of_its_own(xp, shape, dtype, rounding):
    """Its kernels are fused by CuPy, and by no other library. A mean of 100 shows a variance that loses digits."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal(shape) + 100, rng.standard_normal(shape)
    args = [a.astype(dtype) for a in (x, *rng.standard_normal((2, shape[3])))]
    y, statistics, cache = ops.batch_norm(*args)
    y_device, statistics_device, cache_device = fast.batch_norm(*on_device(args, xp))
    gradients = fast.batch_norm_backward(xp.asarray(dy.astype(dtype)), cache_device)
    actual = [y_device, *statistics_device, *cache_device, *gradients]
    expected = [y, *statistics, *cache, *ops.batch_norm_backward(dy.astype(dtype), cache)]
    for a, b in zip(actual, expected, strict=True):
        assert a.dtype == dtype and a.shape == b.shape
        np.testing.assert_allclose(to_numpy(a), b, atol=rounding * max(np.abs(b).max(), 30 * np.abs(y).max()))


def model_on(xp, test_scales=None, **arguments):
    """A Model of eleven classes before its first step, with its arrays there."""
    network = networks.build("segnet-basic", **arguments)
    params, stats = (to_device(arrays, xp) for arrays in networks.init(network, 0))
    meta = {"classes": "abcdefghijk", "size": (8, 12), "normalisation": "centred", "test_scales": test_scales}
    return Model(network, params, stats, meta)


def sgd(model):
    return optim.Optimiser(optim.sgd_step, optim.start("sgd", model.params), 0.9, 5e-4, model.network.decays)


def test_a_training_step_and_a_prediction(xp):
    """The same seed, batch and step: loss, parameters, statistics and prediction are NumPy's."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 13, 18, 3), np.uint8)
    labels = rng.integers(0, 12, (2, 13, 18), np.uint8)
    weights = np.linspace(0.5, 3, 11, dtype=np.float32)
    results = []
    for library in (np, xp):
        model = model_on(library, filters=8, levels=3, kernel=5)
        x = normalise(images, library)
        loss = Criterion(to_device(weights, library), 11)
        loss = train_step(model, sgd(model), (x, to_device(labels, library)), loss, 0.1, fast)
        folded = inference.fold_all(model.params, model.stats, fast)
        logits = [model.network.predict(*arrays, x, fast) for arrays in ((model.params, model.stats), (folded, None))]
        results.append((loss, model, *logits))
    (loss, model, *logits), (loss_device, model_device, *logits_device) = results
    assert model.xp is np and model_device.xp is xp
    assert_same(loss_device, loss, xp)
    for actual, expected in zip(logits_device, logits, strict=True):
        assert_same(actual, expected, xp)
    for actual, expected in ((model_device.params, model.params), (model_device.stats, model.stats)):
        for name in expected:
            assert_same(actual[name], expected[name], xp)


@pytest.mark.parametrize("optimiser", optim.STEPS)
def test_a_step_waits_for_nothing_and_an_epoch_for_one_loss_a_step(optimiser):
    batches = [(np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 8, 8), np.uint8))] * 3
    settings = from_recipe("photographs", data="tiny", size=(8, 8), steps=3, optimiser=optimiser)
    model = model_on(pretend_gpu, filters=2, levels=2, kernel=3)
    even, data = SimpleNamespace(pixels=np.ones(11), image_pixels=np.ones(11)), SimpleNamespace(ignore=11)
    opt_state = optim.start(optimiser, model.params)
    trainer = loop.prepare(model, opt_state, settings, data, even, loop.Functions())
    x, labels = normalise(batches[0][0], pretend_gpu), to_device(batches[0][1], pretend_gpu)
    before = len(pretend_gpu.waits)
    train_step(model, trainer.optimiser, (x, labels), trainer.criterion, 0.1, fast)
    assert len(pretend_gpu.waits) == before
    assert len(list(loop.train_steps(trainer, batches, 0))) == 3
    assert len(pretend_gpu.waits) == before + 3


def test_a_loss_is_copied_when_it_is_there_and_waited_for_before_a_parameter_moves():
    """The copy and its event are in the queue before the backward, and the host waits for that event alone."""
    queue = []

    class Event:
        def record(self):
            queue.append("event")

        def synchronize(self):
            queue.append("wait for the event")

    class Loss:
        dtype, nbytes = np.dtype("float32"), 4

        def reshape(self, n):
            return self

        def get(self, out, blocking):
            assert not blocking
            queue.append("copy")
            out[0] = 2.5

    Loss.__module__ = "pretended_cuda"
    cuda = SimpleNamespace(Event=Event, alloc_pinned_memory=bytearray)
    sys.modules["pretended_cuda"] = SimpleNamespace(cuda=cuda)
    try:
        ops = SimpleNamespace(softmax_cross_entropy=lambda *args: (Loss(), None))
        guard = loop.Guard(ops, SimpleNamespace(step=lambda *args: queue.append("step")))
        guard.ops.softmax_cross_entropy()
        queue.append("backward")
        guard.step({}, {}, 0.1)
    finally:
        del sys.modules["pretended_cuda"]
    assert queue == ["copy", "event", "backward", "wait for the event", "step"] and guard.loss == 2.5


def test_a_loss_is_copied_to_the_host(xp):
    assert backend.copy_to_host(xp.asarray(np.float32(2.5)))() == 2.5


def test_evaluation_on_the_device(xp):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (2, 8, 12, 3), np.uint8), rng.integers(0, 12, (2, 16, 24), np.uint8)
    here, there = (model_on(library, [1, 0.75], filters=4, levels=2) for library in (np, xp))
    actual, expected = (loop.evaluate(model, zip(images, labels), 11) for model in (there, here))
    np.testing.assert_array_equal(actual, expected)
    scores = inference.scores(there, images[0], (16, 24))
    assert_same(scores, inference.scores(here, images[0], (16, 24)), xp)
    batches = [(images, labels)] * 2
    exact = loop.exact_statistics(there, batches)
    for name, expected in loop.exact_statistics(here, batches).items():
        assert_same(exact[name], expected, xp)


@pytest.mark.parametrize(
    "what, use",
    [
        ("does not turn into", lambda a: np.asarray(a)),
        ("a NumPy array", lambda a: a + np.ones(3)),
        ("a NumPy array", lambda a: a.__setitem__(slice(None), np.ones(3))),
        ("a NumPy array", lambda a: pretend_gpu.maximum(a, np.ones(3))),
        ("no where=", lambda a: a.sum(where=a > 0)),
    ],
)
def test_the_stand_in_refuses_what_cupy_refuses(what, use):
    with pytest.raises(TypeError, match=what):
        use(pretend_gpu.asarray(np.zeros(3)))
    with pytest.raises(AttributeError, match="errstate"):
        pretend_gpu.errstate  # noqa: B018


@pytest.mark.parametrize("use, sentence", [
    (lambda a: pretend_gpu.vecdot(a, a), "pretend_gpu has no vecdot: CuPy 14.2.0 has none"),
    (lambda a: np.vecdot(a, a), "pretend_gpu has no vecdot: "),
    (lambda a: pretend_gpu.block([a, a]), "pretend_gpu has no block: "),
    (lambda a: pretend_gpu.longdouble, "pretend_gpu has no longdouble: "),
    (lambda a: a.setflags(write=False), "pretend_gpu has no ndarray.setflags: "),
    (lambda a: a.max(initial=0), "max has no initial= in CuPy 14.2.0: it takes axis, out, keepdims"),
    (lambda a: a.max(0, None, False, 0), "max has at most 3 arguments without a name in CuPy 14.2.0: it takes"),
    (lambda a: pretend_gpu.maximum.reduce(a, initial=0), "reduce has no initial= in CuPy 14.2.0: it takes "),
    (lambda a: pretend_gpu.stack([a, a], 0, None, None), "stack has at most 3 arguments without a name"),
    (lambda a: pretend_gpu.sum(a, initial=1), "sum has no initial= in CuPy 14.2.0: it takes a, axis,"),
    (lambda a: pretend_gpu.clip(a, min=0), "clip has no min= in CuPy 14.2.0: it takes a, a_min, a_max, out"),
])
def test_the_stand_in_refuses_what_cupy_has_not(use, sentence):
    with pytest.raises((AttributeError, TypeError), match=sentence):
        use(pretend_gpu.asarray(np.ones(3)))


def test_the_stand_in_takes_what_cupy_has():
    a = pretend_gpu.asarray(np.array([3.0, 1.0]))
    assert a.max(axis=0, keepdims=True).shape == (1,) and float(pretend_gpu.einsum("i,i", a, a, optimize=True)) == 10
    assert a.reshape(1, 1, 2).shape == (1, 1, 2) and pretend_gpu.broadcast_arrays(a, a[:1])[1].shape == (2,)
    assert pretend_gpu.pi == np.pi and pretend_gpu.float32 is np.float32 and float(np.clip(a, 2, 9).sum()) == 5


def test_the_list_of_what_cupy_has_is_that_of_the_installed_one():
    pytest.importorskip("cupy", reason="CuPy is not installed", exc_type=ImportError)
    version, *lines = what_cupy_has.lines()
    if (version, np.__version__) != (pretend_gpu.VERSION, "2.4.6"):
        pytest.skip(f"the list is of {pretend_gpu.VERSION} beside NumPy 2.4.6")
    assert lines == pretend_gpu.LINES


def test_the_stand_in_counts_what_the_host_waits_for():
    a = pretend_gpu.asarray(np.zeros(3))
    waits = (lambda: float(a.sum()), lambda: bool(a[0] > 0), a.get, lambda: a[a > 0], lambda: a.__setitem__(a > 0, 1.0))
    for number, use in enumerate(waits, start=1 + len(pretend_gpu.waits)):
        use()
        assert len(pretend_gpu.waits) == number


def test_mixing_from_the_left_is_refused_too():
    with pytest.raises(TypeError):
        np.ones(3) + pretend_gpu.asarray(np.zeros(3))


def test_array_module_needs_no_import():
    assert array_module(np.zeros(1)) is np and array_module(np.float32(1)) is np
    assert array_module(pretend_gpu.asarray(np.zeros(1))) is pretend_gpu
    modules = "tinysegnet.training.runs, tinysegnet.inference, tinysegnet.__main__"
    code = f"import sys, {modules}; sys.exit('cupy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def names_used():
    """Every name asked of `xp`, or of array_module(...), anywhere in the package."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                owner = node.value
                if isinstance(owner, ast.Name) and owner.id == "xp":
                    yield node.attr
                if isinstance(owner, ast.Call) and getattr(owner.func, "id", "") == "array_module":
                    yield node.attr


def test_every_name_used_exists_in_cupy():
    used = set(names_used())
    assert {"zeros", "empty", "maximum", "exp", "sqrt"} <= used
    assert not {name for name in used if hasattr(np, name)} - pretend_gpu.CUPY.keys()
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed", exc_type=ImportError)
    assert not {name for name in used if not hasattr(cupy, name)}


def test_without_cupy_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(InputError, match=r"CuPy cannot be imported: install it with .*--backend numpy"):
        backend.select("cupy")


@pytest.mark.parametrize(
    "failure, message",
    [
        ("cudaErrorNoDevice: no CUDA-capable device is detected", "CuPy finds no GPU"),
        ("cudaErrorInsufficientDriver: driver too old\nmore", "CuPy cannot use the GPU: .*driver too old"),
        ("libcublas.so.13: cannot open shared object file", "CuPy lacks a part of CUDA: .*libcublas"),
        ("CuPy failed to load libnvrtc.so.13: OSError: ...", r"CuPy lacks a part of CUDA: .*\[cuda13\].*libnvrtc"),
        ("Failed to find CUDA headers.\nPlease install", r"CuPy lacks a part of CUDA: .*find CUDA headers"),
        ("CUDA_PATH is not set", "CuPy lacks a part of CUDA: .*CUDA_PATH"),
        ("Failed to auto-detect CUDA root directory", "CuPy lacks a part of CUDA: .*CUDA root"),
    ],
)
@pytest.mark.parametrize("kind", [RuntimeError, ImportError])
@pytest.mark.parametrize("where", ["ones", "add", "matmul", "get"])
def test_without_device_driver_or_libraries_too(monkeypatch, where, kind, failure, message):
    """Whether it fails at the first array, at a kernel, at cuBLAS, or only when the result is wanted."""
    def step(name):
        if name == where:
            raise kind(failure)
        return Cupy()

    class Cupy:
        __add__, __matmul__ = (lambda self, other, name=name: step(name) for name in ("add", "matmul"))

        def get(self):
            return step("get")

        @staticmethod
        def ones(shape, dtype):
            return step("ones")

    monkeypatch.setitem(sys.modules, "cupy", Cupy)
    with pytest.raises(InputError, match=message) as caught:
        backend.select("cupy")
    assert "--backend numpy" in str(caught.value) and "\n" not in str(caught.value)


def test_a_cupy_that_is_broken_says_why(monkeypatch, tmp_path):
    """Its message begins with a ruled box, and its cause has the reason."""
    (tmp_path / "cupy.py").write_text(
        "raise ImportError('\\n====\\nFailed to import CuPy.\\n====') from ImportError('numpy 1.26 is too old')"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    with pytest.raises(InputError, match=r"cannot be imported: .*\(numpy 1.26 is too old\)$"):
        backend.select("cupy")
    assert backend.reason(ImportError("\n====\nFailed to import CuPy.\n====")) == "Failed to import CuPy."


def test_select_knows_two_names():
    assert backend.select("numpy") is np
    with pytest.raises(InputError, match="unknown backend 'torch': choose numpy or cupy"):
        backend.select("torch")


@pytest.mark.parametrize("optimiser", optim.STEPS)
def test_optimisers_update_in_place_on_the_device(xp, optimiser):
    w = xp.asarray(np.ones((1, 1, 2, 2), np.float32))
    params = {"w": w}
    state = optim.start(optimiser, params)
    for _ in range(2):
        optim.STEPS[optimiser](params, {"w": xp.ones_like(w)}, state, 0.25, momentum=0.0, weight_decay=0.0)
    assert params["w"] is w and {a.dtype for a in state.values()} == {np.dtype("float32")}
    np.testing.assert_allclose(to_numpy(w), np.full((1, 1, 2, 2), 0.5), rtol=1e-5)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has the setting")
def test_freed_memory_is_kept():
    """In a process of its own: after a large array has gone, another one costs hardly a page fault."""
    code = """
import resource, numpy, tinysegnet.support.backend
tinysegnet.support.backend.keep_freed_memory()
numpy.ones(10_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
numpy.ones(10_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(output) < 500            # of the 20,000 pages of that array
