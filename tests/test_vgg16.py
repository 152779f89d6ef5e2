"""SegNet's encoder from VGG16: from a .safetensors with the names of torchvision and timm."""

import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_camvid
from test_more_networks import drawing
from train_in_process import train_script

from tinysegnet import checkpoint, networks
from tinysegnet.data import streets
from tinysegnet.data.normalisation import CENTRED, IMAGENET, normalise
from tinysegnet.ops import fast
from tinysegnet.support.errors import InputError
from tinysegnet.training import fine_tune, loop, vgg16
from tinysegnet.training.settings import from_recipe

safetensors = pytest.importorskip("safetensors.numpy")
WIDTHS = 64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0           # 0: pooling
ROOT = Path(__file__).parents[1]


def weights(with_norm=False, dtype=np.float32):
    """Random ones by the names of torchvision."""
    rng, arrays, N, C = np.random.default_rng(0), {}, 0, 3
    for F in WIDTHS:
        if F:
            arrays[f"features.{N}.weight"] = (rng.standard_normal((F, C, 3, 3)) * np.sqrt(2 / (9 * C))).astype(dtype)
            arrays[f"features.{N}.bias"] = rng.standard_normal(F).astype(dtype) / 10
            if with_norm:
                for kind, start in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
                    values = start + rng.uniform(-0.2, 0.2, F)
                    arrays[f"features.{N + 1}.{kind}"] = values.astype(dtype)
                arrays[f"features.{N + 1}.num_batches_tracked"] = np.array(7)
            C = F
        N += (2 + with_norm) if F else 1
    return arrays | {"classifier.0.bias": rng.standard_normal(4096).astype(dtype)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vgg16")
    safetensors.save_file(weights(), folder / "vgg16.safetensors")
    safetensors.save_file(weights(with_norm=True), folder / "vgg16_bn.safetensors")
    return folder


def settings(file, **given):
    given = {"network": "segnet", "normalisation": IMAGENET, "data": "tiny"} | given
    return from_recipe("photographs", size=(32, 36), steps=3, init_encoder=str(file), **given)


class Model:
    """As much of one as is needed."""

    xp = np

    def __init__(self, dtype=np.float32, name="segnet"):
        self.network = networks.build(name)
        self.params, self.stats = networks.init(self.network, 1, dtype)


@pytest.mark.parametrize("name", vgg16.NETWORKS)
def test_kernels_are_turned_and_the_rest_is_as_it_was(folder, name):
    model, before = Model(name=name), Model(name=name)
    fine_tune.begin(model, settings(folder / "vgg16.safetensors", network=name))
    arrays = weights()
    w = model.params["encoder3.2.conv.w"]
    for i, j, c, f in ((0, 1, 2, 3), (2, 0, 255, 17)):
        assert w[i, j, c, f] == arrays["features.12.weight"][f, c, i, j]
    np.testing.assert_array_equal(model.params["encoder5.3.conv.b"], arrays["features.28.bias"])
    changed = {key for key in model.params if (model.params[key] != before.params[key]).any()}
    assert changed == {key for key in model.params if key.startswith("encoder") and ".conv." in key}
    assert all((model.stats[key] == before.stats[key]).all() for key in model.stats)


def test_batch_norms_are_taken_if_they_are_there(folder):
    model = Model()
    fine_tune.begin(model, settings(folder / "vgg16_bn.safetensors"))
    arrays = weights(with_norm=True)
    np.testing.assert_array_equal(model.params["encoder2.1.norm.gamma"], arrays["features.8.weight"])
    np.testing.assert_array_equal(model.params["encoder2.1.norm.beta"], arrays["features.8.bias"])
    np.testing.assert_array_equal(model.stats["encoder5.3.norm.mean"], arrays["features.41.running_mean"])
    np.testing.assert_array_equal(model.stats["encoder5.3.norm.var"], arrays["features.41.running_var"])
    assert model.params["decoder5.1.norm.gamma"].tolist() == [1] * 512


def torch_features(torch, with_norm):
    """VGG16's `features`, in float64, with weights of torch's own."""
    torch.manual_seed(0)
    layers, C = [], 3
    for F in WIDTHS:
        if F:
            layers += [torch.nn.Conv2d(C, F, 3, padding=1), *[torch.nn.BatchNorm2d(F)] * with_norm, torch.nn.ReLU()]
            C = F
        else:
            layers.append(torch.nn.MaxPool2d(2))
    features = torch.nn.Sequential(*layers).double()
    for layer in layers:
        if isinstance(layer, torch.nn.BatchNorm2d):
            for values in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                values.data += 0.3 * torch.rand_like(values)
    return features.eval()


@pytest.mark.parametrize("with_norm", [False, True])
def test_the_encoder_is_torch_s_by_way_of_the_three_lines_on_the_page(tmp_path, monkeypatch, with_norm):
    """The last pooled map of both, in float64; a plain VGG16 has no batch norm, so ours hands on what it is given."""
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    whole = torch.nn.Module()
    whole.features = torch_features(torch, with_norm)
    torch.save(whole.state_dict(), "vgg16.pth")
    page = (ROOT / "docs/networks.md").read_text(encoding="utf-8")
    exec(re.search(r"```python\n(import torch, .*?)```", page, re.DOTALL)[1])
    model = Model(np.float64)
    fine_tune.begin(model, settings("vgg16.safetensors"))
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
    x = normalise(images, np, IMAGENET).astype(np.float64)
    pooled, ops = [], drawing(fast)

    def max_pool(x):
        pooled.append(fast.max_pool(x)[0])
        return fast.max_pool(x)

    ops.max_pool = max_pool
    if not with_norm:
        ops.fold_batch_norm = lambda w, b, *of_norm: (w, b)
    model.network.predict(model.params, model.stats, x, ops)
    with torch.no_grad():
        expected = whole.features(torch.tensor(x.transpose(0, 3, 1, 2))).numpy().transpose(0, 2, 3, 1)
    assert len(pooled) == 5 and expected.shape == (2, 2, 3, 512) and expected.std() > 1e-3
    np.testing.assert_allclose(pooled[-1], expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_the_normalisation_is_torchvision_s():
    pixels = np.array([[[[0, 0, 0], [255, 255, 255], [124, 116, 104]]]], np.uint8)
    x = normalise(pixels, np, IMAGENET)
    assert x.dtype == np.float32
    expected = [[-2.117904, -2.035714, -1.804444], [2.248908, 2.428571, 2.64], [0.005565, -0.004902, 0.00819]]
    np.testing.assert_allclose(x[0, 0], expected, atol=2e-5)


def spoilt(folder, **changes):
    arrays = weights()
    for name, array in changes.items():
        name = name.replace("__", ".")
        if array is None:
            del arrays[name]
        else:
            arrays[name] = array
    safetensors.save_file(arrays, folder / "spoilt.safetensors")


@pytest.mark.parametrize("changes, sentence", [
    ({"features__7__weight": None}, r"spoilt\.safetensors has no features\.7\.weight: give VGG16"),
    ({"features__0__bias": np.zeros(32, "f")}, r"features\.0\.bias should be \(64,\), and is \(32,\): give VGG16"),
    ({"features__2__weight": np.zeros((3, 3, 64, 64), "f")},
     r"features\.2\.weight should be \(64, 64, 3, 3\), and is \(3, 3, 64, 64\)"),
    ({"features__0__bias": np.zeros(64, int)}, r"features\.0\.bias is I64: save it as one of F16, F32, F64"),
    ({"features__0__bias": np.full(64, np.nan, "f")}, r"features\.0\.bias has values that cannot be"),
    ({"features__1__weight": np.ones(64, "f")}, r"has no features\.1\.bias"),
    ({"features__0__bias": np.full(64, 1e300)}, r"features\.0\.bias has values that cannot be: take another file$"),
])
def test_what_is_wrong_in_the_file_is_named(tmp_path, changes, sentence):
    spoilt(tmp_path, **changes)
    with pytest.raises(InputError, match=sentence):
        vgg16.read(tmp_path / "spoilt.safetensors")


def test_a_negative_variance_is_refused(tmp_path):
    arrays = weights(with_norm=True)
    arrays["features.1.running_var"][3] = -1e-3
    safetensors.save_file(arrays, tmp_path / "bn.safetensors")
    with pytest.raises(InputError, match=r"features\.1\.running_var has values that cannot be"):
        vgg16.read(tmp_path / "bn.safetensors")


def test_a_training_in_memory_begins_with_it_too(folder, monkeypatch):
    monkeypatch.setattr(streets, "TRAIN", range(2))
    model, _ = loop.train(settings(folder / "vgg16.safetensors", data="streets"), streets.dataset())
    np.testing.assert_array_equal(model.params["encoder1.1.conv.b"], weights()["features.0.bias"])


def test_floats_of_other_sizes_are_taken(tmp_path):
    spoilt(tmp_path, features__0__bias=np.full(64, 0.5, np.float16), features__2__bias=np.full(64, 1 / 3))
    model = Model()
    fine_tune.begin(model, settings(tmp_path / "spoilt.safetensors"))
    assert model.params["encoder1.1.conv.b"][0] == 0.5 and model.params["encoder1.2.conv.b"][0] == np.float32(1 / 3)
    assert {a.dtype for a in model.params.values()} == {np.dtype("float32")}


@pytest.mark.parametrize("name, content, sentence", [
    ("vgg16.pth", b"PK", r"^vgg16\.pth is of PyTorch: make it a \.safetensors by the three lines in docs/networks\.md"),
    ("a.safetensors", b"", r"^a\.safetensors is not a \.safetensors file, or a damaged one \("),
    ("a.safetensors", b"PK\3\4" + bytes(99), r"^a\.safetensors is not a \.safetensors file, or a damaged one \("),
    ("a.safetensors", None, r"^there is no file 'a\.safetensors': name VGG16's weights"),
])
def test_another_file(tmp_path, monkeypatch, name, content, sentence):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        vgg16.read(name)


def test_a_file_that_may_not_be_read_is_there_all_the_same(folder, monkeypatch):
    """safetensors would say that there is no such file, and not which."""
    def refused(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("tinysegnet.support.safetensors.open", refused, raising=False)
    with pytest.raises(PermissionError, match=r"vgg16\.safetensors"):
        vgg16.read(folder / "vgg16.safetensors")


def test_without_the_package(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(InputError, match=r"needs a package: install it with  pip install -e '\.\[safetensors\]'$"):
        vgg16.read(folder / "vgg16.safetensors")


@pytest.mark.parametrize("given, sentence", [
    ({"network": "segnet-basic"}, r"is for SegNet, and not for segnet-basic: add --network segnet or bayesian-segnet$"),
    ({"network": "unet"}, "is for SegNet, and not for unet"),
    ({"filters": 16}, r"is for VGG16's 64 filters: leave out --filters 16$"),
    ({"normalisation": CENTRED}, r"needs the normalisation imagenet: leave out --set normalisation=centred$"),
])
def test_settings_that_do_not_go_with_it(folder, given, sentence):
    with pytest.raises(InputError, match=f"^--init-encoder {sentence}"):
        vgg16.encoder_for(vars(settings(folder / "vgg16.safetensors", **given)))


@pytest.mark.docs       # seconds
def test_a_run_begins_with_it_and_goes_on_without_the_file(folder, tmp_path, monkeypatch):
    tiny_camvid.make(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    train = train_script(monkeypatch)
    file = tmp_path / "vgg16.safetensors"
    file.write_bytes((folder / "vgg16.safetensors").read_bytes())

    def stops(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinysegnet.training.loop.train_step", stops)
    options = "--data", "tiny", "--network", "segnet", "--filters", "64", "--size", "32x36", "--epochs", "1"
    for wrong, sentence in (
        (["--init-encoder", str(file)], "is for SegNet, and not for segnet-basic"),
        (["--network", "segnet", "--filters", "64", "--init-encoder", ""], "there is no file ''"),
        (["--ops", "lessons", "--init-encoder", str(file)], "^--ops lessons trains small networks"),
    ):
        with pytest.raises(InputError, match=sentence):
            train("--data", "missing", *wrong)              # before the data are looked at
    with pytest.raises(KeyboardInterrupt):
        train(*options, "--init-encoder", str(file))
    meta, groups = checkpoint.load("runs/first/last.npz")
    assert meta["normalisation"] == IMAGENET
    np.testing.assert_array_equal(groups["params"]["encoder1.1.conv.b"], weights()["features.0.bias"])
    config = json.loads(Path("runs/first/config.json").read_text(encoding="utf-8"))
    assert config["init_encoder_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    Path("runs/first/last.npz").unlink()                    # as if the power had failed before it was written
    with pytest.raises(KeyboardInterrupt):
        train("--resume")
    _, groups = checkpoint.load("runs/first/last.npz")
    np.testing.assert_array_equal(groups["params"]["encoder1.1.conv.b"], weights()["features.0.bias"])
    file.unlink()
    with pytest.raises(KeyboardInterrupt):
        train("--resume")
    with pytest.raises(InputError, match=r"--init-encoder was .*vgg16\.safetensors when .* began: leave it out"):
        train("--resume", "--init-encoder", "other.safetensors")
