"""The fence around the core, and which room may import which: both are what keeps the core small enough to be read."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tinysegnet"
CORE = {
    "ops": ("__init__", "activation", "batchnorm", "conv", "conv_1x1", "loss", "pool"),
    "networks": ("__init__", "blocks", "segnet_basic"),
    "training": ("optim", "step"),
    "metrics": ("confusion",),
    "checker": ("finite_differences", "gradcheck"),
}
FILES = [PACKAGE / room / f"{name}.py" for room, names in CORE.items() for name in names]
DELETABLE = "ops/fast", "ops/more", "networks/more", "look"
LOOSE_AT_MOST = 4
LINES_AT_MOST = 1300

# What a room may import, itself aside. No arrow runs up: this is a list from the ground floor to the roof.
MAY_IMPORT = {
    "support": (),
    "data": ("support",),
    "importers": ("support", "data"),
    "metrics": ("support",),
    "plots": ("support",),
    "ops": ("support",),
    "networks": ("support", "ops"),
    "checker": ("support", "ops"),
    "checkpoint": ("support",),
    "inference": ("support", "ops", "networks", "checkpoint", "data"),
    "export": ("support", "ops", "networks", "checkpoint", "data", "inference"),
    "look": ("support", "ops", "networks", "checkpoint", "data", "inference"),
    "training": ("support", "ops", "networks", "checkpoint", "data", "inference", "metrics"),
    "commands": (
        "support", "ops", "networks", "checkpoint", "data", "inference", "metrics", "plots", "export", "training",
        "importers", "look",
    ),
    "__main__": ("support", "commands"),
}


def imported(path, everywhere=True):
    """The modules of tinysegnet that a file imports; `everywhere`: those imported inside functions too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("tinysegnet."))
        elif isinstance(node, ast.ImportFrom) and (node.level or node.module.partition(".")[0] == "tinysegnet"):
            assert not node.level, f"{path} imports relatively: name the module in full"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if is_module(whole) else node.module


def is_module(name):
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room(module):
    """The folder, or the loose module, that it is in."""
    return module.split(".")[1] if "." in module else module


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_core_imports_the_core_and_support(path):
    allowed = {name_of(file) for file in FILES}
    for module in imported(path, everywhere=False):
        assert module in allowed or room(module) == "support", f"{path} imports {module}"
    folders = {f"tinysegnet.{folder.replace('/', '.')}" for folder in DELETABLE}
    for module in imported(path):
        assert not any(f"{module}.".startswith(f"{folder}.") for folder in folders), f"{path} imports {module}"


def test_the_core_is_small():
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in FILES) < LINES_AT_MOST


PROGRAM = '''
import numpy as np
from tinysegnet import networks, ops
from tinysegnet.checker.gradcheck import check_backward
from tinysegnet.metrics.confusion import confusion_matrix, mean_iou
from tinysegnet.training import optim
from tinysegnet.training.step import train_step

rng = np.random.default_rng(0)
def draw(*shape): return rng.standard_normal(shape)
def away_from_0(*shape): return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.5, shape)
def distinct(*shape): return rng.permutation(np.prod(shape)).reshape(shape) * 0.1

x, corners, shape = distinct(2, 5, 4, 3), np.zeros((2, 3, 2, 3), np.uint8), (2, 5, 4, 3)
labels, weights = rng.integers(0, 4, (2, 4, 5)), np.array([0.5, 1.0, 2.0])
def pool(x):
    y, corners = ops.max_pool(x)
    return y, (corners, x.shape)
def unpool(x): return ops.max_unpool(x, corners, shape), corners
def loss(logits): return ops.softmax_cross_entropy(logits, labels, weights, 3)
check_backward(ops.conv2d, ops.conv2d_backward, draw(2, 4, 5, 3), draw(3, 3, 3, 2), draw(2))
check_backward(ops.conv2d, ops.conv2d_backward, draw(2, 4, 5, 3), draw(1, 1, 3, 2), draw(2))
names = "x", "gamma", "beta"
check_backward(ops.batch_norm, ops.batch_norm_backward, draw(2, 4, 5, 3), draw(3), draw(3), names=names)
check_backward(ops.relu, ops.relu_backward, away_from_0(2, 4, 5, 3), names=("x",))
check_backward(pool, lambda dy, cache: ops.max_pool_backward(dy, *cache), x, names=("x",))
check_backward(unpool, ops.max_unpool_backward, draw(2, 3, 2, 3), names=("x",))
check_backward(loss, ops.softmax_cross_entropy_backward, draw(2, 4, 5, 3), names=("logits",))

class Model:
    network = networks.build("segnet-basic", classes=3, filters=8, levels=2, kernel=3)
    params, stats = networks.init(network, seed=0)
images = rng.standard_normal((2, 3, 4, 3)).repeat(4, axis=1).repeat(4, axis=2).astype("f")
labels = (images[..., 0] > 0).astype(int) + (images[..., 1] > 0)
optimiser = optim.Optimiser(optim.sgd_step, optim.start("sgd", Model.params), decays=Model.network.decays)
losses = [float(train_step(Model, optimiser, (images, labels), (np.ones(3), 255), 0.1)) for _ in range(20)]
assert losses[-1] < losses[0] / 2, losses
predicted = Model.network.predict(Model.params, Model.stats, images).argmax(axis=3)
assert mean_iou(confusion_matrix(labels, predicted, 3, 255)) > 0.5
try:
    networks.build("segnet")
except ModuleNotFoundError as error:
    assert str(error) == "No module named 'tinysegnet.networks.more'"
else:
    raise AssertionError("segnet is not of the core")
print("healthy")
'''


def test_the_core_stands_alone(tmp_path):
    """Its files, and those of support/ that they need, in an empty folder: each op is checked, a network is trained.

    A network that is not of the core is missed when it is asked for, and no earlier.
    """
    needed = {module.rpartition(".")[2] for path in FILES for module in imported(path) if room(module) == "support"}
    needed |= {
        module.rpartition(".")[2] for name in needed for module in imported(PACKAGE / "support" / f"{name}.py")
    }
    for path in [*FILES, PACKAGE / "__init__.py", *(PACKAGE / "support" / f"{name}.py" for name in needed)]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    assert len(needed) <= 4, f"the core needs {sorted(needed)}"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    (tmp_path / "program.py").write_text(PROGRAM)
    process = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert process.stdout == "healthy\n", process.stderr


def test_few_modules_lie_loose():
    loose = {path.name for path in PACKAGE.glob("*.py")}
    assert len(loose) <= LOOSE_AT_MOST, loose


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_one_way(path):
    here = room(name_of(path))
    for module in imported(path):
        there = room(module)
        if here == "tinysegnet" or there in ("tinysegnet", here):       # the package itself holds its version
            continue
        assert there in MAY_IMPORT[here], f"{here} imports {module}"


def test_every_room_is_in_the_list_below_those_that_import_it():
    rooms = list(MAY_IMPORT)
    assert {room(name_of(path)) for path in MODULES} == {*rooms, "tinysegnet"}
    for here, others in MAY_IMPORT.items():
        assert all(rooms.index(other) < rooms.index(here) for other in others)
    assert all((PACKAGE / folder).is_dir() for folder in DELETABLE)


def test_no_circle():
    """Not even by way of an import inside a function, but for the one that puts a failed check into words."""
    graph = {name_of(path): set(imported(path)) - {name_of(path)} for path in MODULES}
    graph["tinysegnet.checker.gradcheck"].discard("tinysegnet.checker.report")
    order, under_way = [], []

    def visit(module):
        assert module not in under_way, f"a circle: {' -> '.join([*under_way[under_way.index(module):], module])}"
        if module not in order:
            under_way.append(module)
            for other in sorted(graph.get(module, ())):
                visit(other)
            order.append(under_way.pop())

    for module in graph:
        visit(module)


def test_ops_do_not_import_each_other():
    """The files of the core's ops stand alone, so that each can be read alone."""
    for path in FILES:
        if path.parent.name == "ops" and path.stem != "__init__":
            assert not [module for module in imported(path) if room(module) == "ops"]
