"""A trained network leaves: as ONNX, whose own evaluator computes the same; as .safetensors, and back to the bit."""

import dataclasses
import errno
import json
import math
import os
import re
import shutil
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_more_networks import begun, odd_size

from tinysegnet import __main__, checkpoint, inference, networks
from tinysegnet.data.normalisation import NORMALISATIONS, normalise
from tinysegnet.export import onnx as onnx_export
from tinysegnet.export import safetensors as safetensors_export
from tinysegnet.networks.blocks import chain, pool, unpool
from tinysegnet.support.errors import InputError

onnx = pytest.importorskip("onnx")
safetensors = pytest.importorskip("safetensors.numpy")
from onnx.reference import ReferenceEvaluator  # noqa: E402
from onnx.reference.op_run import OpRun  # noqa: E402

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/export.md").read_text(encoding="utf-8")
every_network = pytest.mark.parametrize("name", networks.NETWORKS)


def small(name="segnet-basic", dtype=np.float32, normalisation="centred"):
    """A small Model, with statistics that are not those before the first step."""
    network, params, stats = begun(name, dtype)
    rng = np.random.default_rng(1)
    params = {name: (a + 0.3 * name.endswith("beta")).astype(dtype) for name, a in params.items()}     # no dead ReLUs
    stats = {name: (a + rng.uniform(0, 0.3, a.shape)).astype(dtype) for name, a in stats.items()}
    arguments = {"classes": 3, "filters": 4} | ({"levels": 2, "kernel": 3} if network.levels < 3 else {})
    arguments = {key: value for key, value in arguments.items() if key in networks.defaults(name)}
    return inference.Model(network, params, stats, {
        "network": {"name": name, **arguments}, "classes": ["sky", "Straße", "car"],
        "palette": [[0, 0, 0], [1, 2, 3], [255, 0, 7]], "size": [20, 28], "normalisation": normalisation,
        "test_scales": None, "statistics": "exact", "epoch": 7,
    })


def photographs(*shape, levels=256):
    """uint8 (N, H, W, 3), grey and without any edge in the upper left part, where every pooling has ties."""
    drawn = np.random.default_rng(0).integers(0, levels, (*shape, 3)) * (255 // (levels - 1))
    drawn[:, : shape[1] // 2, : shape[2] // 2] = 102
    return drawn.astype(np.uint8)


def evaluated(graph, images, **options):
    """The logits (N, H, W, classes) of images (N, H, W, 3) by onnx's own evaluator."""
    x = np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32)
    return ReferenceEvaluator(graph, **options).run(["logits"], {"image": x})[0].transpose(0, 2, 3, 1)


def close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=0, atol=5e-6 * np.abs(expected).max())


@every_network
def test_every_network_gives_the_same_in_onnx_s_evaluator(name):
    model, size = small(name), odd_size(name)
    graph = onnx_export.graph(model, size, batch=2)
    onnx.checker.check_model(graph, full_check=True)
    assert {"MaxUnpool", "ScatterND", "BatchNormalization"}.isdisjoint(node.op_type for node in graph.graph.node)
    images = photographs(2, *size)
    x = normalise(images, np, "centred")
    expected = model.network.predict(model.params, model.stats, x)
    assert expected.std(axis=(0, 1, 2)).min() > 1e-3            # it is alive
    close(evaluated(graph, images), expected)


@pytest.mark.parametrize("size", [(2, 2), (3, 5), (4, 3), (5, 6)])
def test_of_equals_the_first_corner_is_the_one(size):
    """Images of black and white alone, whose windows nearly all have ties: each maximum is put back once."""
    model = dataclasses.replace(small(), network=chain(pool("a"), unpool("a")), params={}, stats={})
    images = photographs(2, *size, levels=2)
    expected = model.network.predict({}, None, normalise(images, np))
    assert np.count_nonzero(expected) == 2 * 3 * -(-size[0] // 2) * -(-size[1] // 2)
    np.testing.assert_array_equal(evaluated(onnx_export.graph(model, size, 2), images), expected)


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_the_normalisation_is_in_the_graph(kind):
    model = dataclasses.replace(small(normalisation=kind), network=chain(), params={}, stats={})
    images = photographs(2, 7, 9)
    np.testing.assert_allclose(
        evaluated(onnx_export.graph(model, (7, 9), 2), images), normalise(images, np, kind), rtol=1e-5, atol=1e-6
    )


class ReduceSum(OpRun):
    """As some programs have it: one value after the other is added to a float32."""

    op_domain = ""

    def _run(self, x, axes, **_):
        y = np.moveaxis(x, axes, range(len(axes)))
        y = np.add.accumulate(y.reshape(-1, *y.shape[len(axes) :]), axis=0)[-1]
        return (np.expand_dims(y, tuple(axes)),)


class ReduceMean(ReduceSum):
    def _run(self, x, axes, **_):
        return (super()._run(x, axes)[0] / np.float32(math.prod(x.shape[axis] for axis in axes)),)


def test_the_mean_of_a_large_photograph_keeps_its_digits():
    model = dataclasses.replace(small(normalisation="standardised"), network=chain(), params={}, stats={})
    images = np.random.default_rng(0).integers(0, 256, (1, 540, 720, 3), np.uint8)
    got = evaluated(onnx_export.graph(model, (540, 720), 1), images, new_ops=[ReduceMean, ReduceSum])
    np.testing.assert_allclose(got, normalise(images, np, "standardised"), rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_the_graph_says_of_itself(dtype):
    model = small(dtype=dtype)
    made = onnx_export.graph(model, (9, 10), batch=3)

    def shapes(values):
        return {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}

    assert shapes(made.graph.input) == {"image": [3, 3, 9, 10]}
    assert shapes(made.graph.output) == {"logits": [3, 3, 9, 10]}
    assert [(i.domain, i.version) for i in made.opset_import] == [("", 13)] and made.ir_version == 8
    assert {p.key: json.loads(p.value) for p in made.metadata_props} == {"tinysegnet": model.meta}
    constants = {c.name: onnx.numpy_helper.to_array(c) for c in made.graph.initializer}
    assert {a.dtype.name for a in constants.values()} == {"float32", "int64"}
    w = model.params["classifier.w"].astype(np.float32)
    np.testing.assert_array_equal(constants["classifier.w"], w.transpose(3, 2, 0, 1))
    close(evaluated(made, photographs(3, 9, 10)), model.network.predict(
        model.params, model.stats, normalise(photographs(3, 9, 10), np).astype(dtype)
    ))


def test_more_than_2_gb_does_not_fit(monkeypatch):
    monkeypatch.setattr(onnx_export, "LARGEST", 1000)
    with pytest.raises(InputError, match=r"^an ONNX file holds 2 GB at the most, .*: train one of fewer filters$"):
        onnx_export.graph(small(), (8, 8))


def save(path, model):
    checkpoint.save(path, model.meta, params=model.params, stats=model.stats)


@pytest.fixture
def command(tmp_path, monkeypatch):
    """command(words) runs one of tinysegnet's in a folder with a checkpoint small.npz."""
    monkeypatch.chdir(tmp_path)
    save("small.npz", small())

    def run(words, *more):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["tinysegnet", *words.split(), *more])
            __main__.main()

    return run


def test_the_command_says_what_the_graph_takes_and_gives(command, capsys):
    save("scales.npz", dataclasses.replace(small(), meta=small().meta | {"test_scales": [1.0, 0.75]}))
    command("export --onnx a.onnx --weights small.npz")
    assert capsys.readouterr().out.splitlines() == [
        "a.onnx takes image, float32 (1, 3, 20, 28): RGB, 0 to 255,",
        "and gives logits, float32 (1, 3, 20, 28), one channel a class:",
        "sky, Straße, car",
    ]
    command("export --onnx b.onnx --weights scales.npz --size 9x10 --batch 2")
    assert "float32 (2, 3, 9, 10)" in (said := capsys.readouterr().out) and max(map(len, said.splitlines())) < 80
    assert "It is one look. `predict` and `evaluate` take several: seen at 20x28 and 15x21" in said.replace("\n", " ")
    close(evaluated(onnx.load("b.onnx"), photographs(2, 9, 10)), inference.load("small.npz").network.predict(
        small().params, small().stats, normalise(photographs(2, 9, 10), np)
    ))


@pytest.mark.parametrize("words, sentence", [
    ("export", "^nothing is to be written: name a file by --onnx or --safetensors$"),
    ("export --safetensors a --batch 2", "^--size and --batch belong to a graph: add --onnx FILE, or leave them out$"),
    ("export --onnx small.npz", r"^small\.npz is already there: name another file, or move it away$"),
    ("export --safetensors .", r"^\. is already there"),
    ("export --onnx a.onnx --weights small.npz --size 3x40", "^images of 3x40 pixels are too small .* at least 4x4$"),
    ("export --onnx no/a.onnx --weights small.npz", r"^no/a\.onnx cannot be written \(No such file or directory\)"),
    ("export --safetensors no/a --weights small.npz", r"^no/a cannot be written \(No such file or directory\)"),
    ("export --onnx a.onnx --weights no.npz", r"^there is no checkpoint no\.npz"),
    ("export --onnx a --safetensors no/a --weights small.npz", r"^no/a cannot be written \(No such file or"),
    ("export --onnx a --safetensors ./a", "^--onnx and --safetensors both name a: name two files$"),
    ("export --safetensors a --size 8x8", "^--size and --batch belong to a graph: add --onnx FILE, or leave them out$"),
    ("import-weights no.safetensors a.npz", r"^there is no file 'no\.safetensors': name a \.safetensors$"),
    ("import-weights small.npz a.npz", r"^small\.npz is not a \.safetensors file, or a damaged one \(.*take another$"),
    ("import-weights no.safetensors small.npz", r"^small\.npz is already there"),
])
def test_one_sentence_and_nothing_is_written(command, words, sentence):
    before = Path("small.npz").read_bytes()
    with pytest.raises(InputError, match=sentence):
        command(words)
    assert [path.name for path in Path().iterdir()] == ["small.npz"] and Path("small.npz").read_bytes() == before


@pytest.mark.parametrize("options", [("--onnx", ""), ("--onnx", "", "--safetensors", "a"), ("--safetensors", "")])
def test_a_name_is_never_empty(command, options):
    with pytest.raises(InputError, match=r"^'' is no name of a file: give one$"):
        command("export", *options)


@pytest.mark.parametrize("option", ["--onnx", "--safetensors"])
def test_numbers_too_large_for_32_bits_are_said_before_a_file_is_made(command, option):
    model = small()
    params, stats = (
        {name: a.astype(np.float64) for name, a in arrays.items()} for arrays in (model.params, model.stats)
    )
    params["classifier.b"][0] = 1e300
    save("small.npz", dataclasses.replace(model, params=params, stats=stats))
    with pytest.raises(InputError, match=r"^small\.npz: classifier\.b has numbers too large for 32 bits"):
        command(f"export {option} a --weights small.npz")
    assert not Path("a").exists()


@pytest.mark.parametrize("option", ["--onnx", "--safetensors"])
def test_an_empty_name_of_weights_is_not_the_network_that_comes_with_it(command, option):
    with pytest.raises(InputError, match="there is no checkpoint"):
        command(f"export {option} a", "--weights", "")


def test_of_two_files_both_are_made_or_none(command, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "safetensors.numpy", None)
        with pytest.raises(InputError, match=r"^--safetensors needs a package"):
            command("export --onnx a --safetensors b --weights small.npz")
    assert [path.name for path in Path().iterdir()] == ["small.npz"]
    with pytest.raises(InputError, match=r"^small\.npz/b cannot be written"):
        command("export --onnx a --safetensors small.npz/b --weights small.npz")
    assert [path.name for path in Path().iterdir()] == ["small.npz"]
    command("export --onnx a --safetensors b --weights small.npz")
    assert {path.name for path in Path().iterdir()} == {"small.npz", "a", "b"}


@pytest.mark.parametrize("words", ["--onnx a", "--safetensors a"])
def test_a_full_disk_leaves_nothing(command, monkeypatch, words):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tinysegnet.support.atomic.os.fsync", full)
    with pytest.raises(InputError, match=r"^a cannot be written \(No space left on device\): make room"):
        command(f"export {words} --weights small.npz")
    assert [path.name for path in Path().iterdir()] == ["small.npz"]


@pytest.mark.parametrize("package, words, option", [
    ("onnx", "export --onnx a", "--onnx"), ("safetensors.numpy", "export --safetensors a", "--safetensors"),
    ("safetensors", "import-weights small.npz a.npz", "import-weights"),
])
def test_without_the_package(command, monkeypatch, package, words, option):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError) as raised:
        command(words)
    extra = package.partition(".")[0]
    assert str(raised.value) == f"{option} needs a package: install it with  pip install -e '.[{extra}]'"


def in_file(path):
    """{name: array}, and the metadata, of a .safetensors: read by its definition, without the package."""
    content = Path(path).read_bytes()
    end = 8 + struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:end])
    metadata, arrays = header.pop("__metadata__"), {}
    for name, about in header.items():
        values = content[end:][slice(*about["data_offsets"])]
        arrays[name] = np.frombuffer(values, {"F32": "<f4", "F64": "<f8"}[about["dtype"]]).reshape(about["shape"])
    return arrays, metadata


@every_network
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_exported_comes_back_to_the_bit(tmp_path, name, dtype):
    model = small(name, dtype)
    first = next(iter(model.params))
    model.params[first].flat[:3] = -0.0, 1e-40, np.finfo(np.float32).max        # 1e-40 is denormal in float32
    safetensors_export.save(tmp_path / "a", model)
    meta, params, stats = safetensors_export.load(tmp_path / "a")
    assert list(meta.items()) == list(model.meta.items())
    for got, expected in ((params, model.params), (stats, model.stats)):
        assert list(got) == list(expected)
        for key, array in expected.items():
            assert got[key].dtype == dtype and got[key].shape == array.shape
            assert got[key].tobytes() == array.tobytes(), key
    arrays, metadata = in_file(tmp_path / "a")
    assert metadata.keys() == {"tinysegnet"} and arrays.keys() == {
        re.sub(r"norm\.(mean|var)$", r"norm.running_\1", key) for key in model.params | model.stats
    }
    checkpoint.save(tmp_path / "a.npz", model.meta, params=model.params, stats=model.stats)
    checkpoint.save(tmp_path / "b.npz", meta, params=params, stats=stats)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("name, kernel, axes, shape", [
    ("segnet-basic", "encoder1.conv.w", (3, 2, 0, 1), (4, 3, 3, 3)),
    ("segnet-basic-single-channel-decoder", "decoder1.conv.w", (3, 2, 0, 1), (4, 1, 3, 3)),
    ("fcn-basic", "decoder1.w", (2, 3, 0, 1), (3, 3, 8, 8)),
    ("unet", "decoder2.up.w", (2, 3, 0, 1), (16, 8, 2, 2)),
])
def test_kernels_are_in_the_layout_of_pytorch(tmp_path, name, kernel, axes, shape):
    """safetensors 0.8.0 writes the memory of a transposed array as it lies, in silence; in_file sees that."""
    model = small(name)
    safetensors_export.save(tmp_path / "a", model)
    stored = in_file(tmp_path / "a")[0][kernel]
    assert stored.shape == shape
    np.testing.assert_array_equal(stored, model.params[kernel].transpose(axes))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_by_the_commands_there_and_back(command, capsys, dtype):
    model = small()
    params, stats = (
        {name: a.astype(dtype) / 3 for name, a in arrays.items()} for arrays in (model.params, model.stats)
    )
    save("small.npz", dataclasses.replace(model, params=params, stats=stats))
    command("export --safetensors a.safetensors --weights small.npz")
    command("import-weights a.safetensors b.npz")
    assert capsys.readouterr().out.splitlines() == [
        "a.safetensors: 18 parameters, 8 running statistics",
        "b.npz is a checkpoint of segnet-basic, 3 classes: see --weights",
    ]
    assert Path("b.npz").read_bytes() == Path("small.npz").read_bytes()
    with pytest.raises(InputError, match=r"a\.safetensors is not a checkpoint .*: import-weights makes one of it$"):
        inference.load("a.safetensors")
    command("export --safetensors c.safetensors --weights b.npz")
    assert Path("c.safetensors").read_bytes() == Path("a.safetensors").read_bytes()


def said(**arguments):
    """The meta of a network with other arguments, as JSON."""
    meta = small().meta
    return json.dumps(meta | {"network": meta["network"] | arguments})


def test_a_file_of_many_levels_takes_little_memory_and_is_refused(tmp_path):
    """Such a network takes few bytes; a picture that it can halve so often has more than 60 million pixels."""
    arguments = {"classes": 3, "filters": 1, "kernel": 1, "levels": 13}
    network = networks.build("segnet-basic", **arguments)
    params, stats = networks.init(network, 0)
    meta = small().meta | {"network": {"name": "segnet-basic", **arguments}}
    tracemalloc.start()
    safetensors_export.save(tmp_path / "a", inference.Model(network, params, stats, meta))
    with pytest.raises(InputError, match=r"a is of a network that halves its maps 13 times: give another file$"):
        safetensors_export.load(tmp_path / "a")
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()



@pytest.mark.parametrize("changes, sentence", [
    ({"encoder2.conv.w": None}, r"^a lacks encoder2\.conv\.w, and its network has: give one that  python "),
    ({"encoder9.conv.b": np.zeros(4, "f")}, r"^a has encoder9\.conv\.b, which its network has not: give one"),
    ({"encoder1.conv.w": np.zeros((3, 3, 3, 4), "f")},
     r"encoder1\.conv\.w should be \(4, 3, 3, 3\), and is \(3, 3, 3, 4\)"),
    ({"classifier.b": np.zeros(3, np.float16)}, r"^a: classifier\.b is F16: save it as one of F32, F64$"),
    ({"classifier.b": np.zeros(3)}, "^a holds numbers that are not all float32 or all float64"),
    ({"classifier.b": np.array([0, np.nan, 0], "f")}, r"^a: classifier\.b has values that cannot be: take another"),
    ({"encoder1.norm.running_var": np.full(4, -1, "f")}, r"running_var has values that cannot be"),
    ({"metadata": {}}, "^a does not say which network it holds, and with which classes: give one"),
    ({"metadata": {"tinysegnet": "{"}}, "^a does not say rightly which network it holds: give one"),
    ({"metadata": {"tinysegnet": "[1]"}}, "^a does not say rightly which network it holds: give one"),
    ({"metadata": {"tinysegnet": json.dumps(small().meta | {"network": {"name": "vnet", "classes": 3}})}},
     "^a holds a network 'vnet', unknown to this version"),
    ({"metadata": {"tinysegnet": said(levels=9)}}, r"^a lacks decoder3\.conv\.b, and its network has: give one"),
    ({"metadata": {"tinysegnet": said(levels=99)}}, r"^a is of a network that halves its maps 99 times: give another"),
    ({"metadata": {"tinysegnet": json.dumps(small().meta | {"size": [2**16, 4]})}}, "^a does not say rightly which"),
    ({"metadata": {"tinysegnet": said(filters=9999)}}, "^a is too small for the network that it names: give one"),
    ({"metadata": {"tinysegnet": json.dumps(small().meta | {"normalisation": "odd"})}}, "^a wants the input 'odd'"),
])
def test_what_is_wrong_in_a_safetensors_is_named(tmp_path, monkeypatch, changes, sentence):
    monkeypatch.chdir(tmp_path)
    safetensors_export.save("a", small())
    arrays, metadata = in_file("a")
    metadata = changes.get("metadata", metadata)
    arrays = {name: a for name, a in (arrays | changes).items() if a is not None and name != "metadata"}
    safetensors.save_file(arrays, "a", metadata)
    with pytest.raises(InputError, match=sentence):
        safetensors_export.load("a")


def code(word):
    """The block of Python in docs/export.md that has that word."""
    return next(block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if word in block)


def test_the_module_on_the_page_is_segnet_basic(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    model, names = inference.load(), {}
    safetensors_export.save("segnet.safetensors", model)
    exec(code("nn.Module"), names)
    images = photographs(2, 45, 60)
    x = normalise(images, np, model.meta["normalisation"]).astype(np.float64)
    with torch.no_grad():
        standardised = names["standardised"](torch.tensor(images.transpose(0, 3, 1, 2), dtype=torch.float64))
        got = names["network"].double()(torch.tensor(x.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(standardised.numpy().transpose(0, 2, 3, 1), x, rtol=0, atol=1e-5)
    params, stats = ({name: a.astype(np.float64) for name, a in group.items()} for group in (model.params, model.stats))
    expected = model.network.predict(params, stats, x)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    np.testing.assert_array_equal(got.argmax(axis=3), expected.argmax(axis=3))


@pytest.mark.parametrize("package", ["onnxruntime", "cv2"])
def test_the_lines_on_the_page_see_what_we_see(tmp_path, monkeypatch, package):
    """In a photograph without flat parts: there, which corner was the largest is a matter of rounding."""
    pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    model, names = inference.load(), {}
    blots = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8))
    blots.resize((61, 45), Image.Resampling.BICUBIC).save("photo.png")
    photograph = np.array(Image.open("photo.png"))
    onnx_export.save("segnet.onnx", model, (45, 61))
    assert code(package).count("(360, 270)") == (package == "cv2")
    exec(code(package).replace("(360, 270)", "(61, 45)"), names)
    expected = inference.look(model, photograph).argmax(axis=3)[0]
    assert len(np.unique(expected)) > 3 and (names["labels"] == expected).mean() > 0.999


@pytest.mark.docs       # seconds
def test_the_way_from_labels_to_a_program(tmp_path, monkeypatch):
    """The commands and the program of docs/labels-to-program.md, on labelme's photographs, small and of one epoch."""
    monkeypatch.chdir(tmp_path)
    for film in "abc":
        shutil.copytree(ROOT / "tests/data/import/labelme", f"outlined/{film}")
    Image.open(next(Path("outlined").rglob("*.png"))).convert("RGB").save("photo.jpg")
    page = (ROOT / "docs/labels-to-program.md").read_text(encoding="utf-8")
    commands, program = re.findall(r"```(?:python)?\n(.*?)```", page, re.DOTALL)
    for command in commands.splitlines():
        words = command.replace("240x320", "48x64").replace("--epochs 20", "--epochs 1").split()[1:]
        subprocess.run([sys.executable, *words], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    assert {path.name for path in Path().iterdir()} == {
        "outlined", "photo.jpg", "mine", "mine.png", "runs", "seen", "mine.onnx",
    }
    pytest.importorskip("onnxruntime")
    names = {}
    exec(program, names)
    assert names["labels"].shape == (48, 64) and Image.open("labels.png").size == Image.open("photo.jpg").size
