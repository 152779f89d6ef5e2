"""The commands as a user types them, in a process of their own."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_camvid
from PIL import Image

from tinysegnet import checkpoint, networks
from tinysegnet.__main__ import COMMANDS
from tinysegnet.data import camvid
from tinysegnet.data import folder as data_folder
from tinysegnet.data.survey import survey
from tinysegnet.support.program import command_line
from tinysegnet.support.signals import Stop
from tinysegnet.training.settings import PARSERS, RECIPES

TRAIN = str(Path(__file__).parents[1] / "train.py")
EVALUATE = "-m", "tinysegnet", "evaluate", "--data", "tiny", "--weights"


def run(folder, *command):
    environment = os.environ | {"PYTHONPATH": str(Path(TRAIN).parent), "COLUMNS": "80"}
    command = [sys.executable, *command]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=99, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a tiny data set and a run of two epochs on it; the finished process."""
    folder = tmp_path_factory.mktemp("work")
    tiny_camvid.make(folder / "tiny")
    command = (TRAIN, "--data", "tiny", "--size", "20x28", "--epochs", "2", "--batch", "2", "--name", "first")
    return folder, run(folder, *command)


def test_a_run_leaves_weights_a_log_and_curves(trained):
    folder, process = trained
    assert process.returncode == 0, process.stderr
    lines = [json.loads(line) for line in (folder / "runs/first/log.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line.get("step")) for line in lines] == [
        (1, 1), (1, 2), (1, 3), (1, None), (2, 1), (2, 2), (2, 3), (2, None),
    ]
    assert lines[7]["loss"] == pytest.approx(np.mean([line["loss"] for line in lines[4:7]]))
    assert lines[7]["loss"] < lines[3]["loss"]
    assert {"G", "C", "mIoU", "seconds"} <= lines[7].keys()
    for name in ("curves", "predictions", "confusion", "shares"):
        with Image.open(folder / f"runs/first/{name}.png") as picture:
            assert picture.size[0] > 600 and len(picture.convert("L").getcolors()) > 10
    meta, groups = checkpoint.load(folder / "runs/first/best.npz")
    assert sum(a.size for a in groups["params"].values()) == 1_416_587
    assert meta["network"] == {"name": "segnet-basic", "classes": 11, "filters": 64, "levels": 4, "kernel": 7}
    assert meta["size"] == [20, 28] and meta["epoch"] in (1, 2)
    assert {path.name for path in (folder / "runs/first").iterdir()} == {
        "best.npz", "last.npz", "log.jsonl", "config.json", "curves.png", "predictions.png", "confusion.png",
        "shares.png",
    }


def test_the_config_is_enough_to_repeat_the_run(trained):
    config = json.loads((trained[0] / "runs/first/config.json").read_text())
    assert config["settings"]["size"] == [20, 28] and config["settings"]["seed"] == 0
    assert config["settings"].keys() == PARSERS.keys() >= RECIPES["photographs"].keys() and config["format"] == 2
    assert config["command"].endswith("train.py --data tiny --size 20x28 --epochs 2 --batch 2 --name first")
    assert config["versions"]["numpy"] == np.__version__ and config["data"]["classes"] == list(camvid.CLASSES)
    train, val = (survey(data_folder.dataset(trained[0] / "tiny"), split) for split in ("train", "val"))
    assert config["data"]["fingerprint"] == train.fingerprint + val.fingerprint


def test_the_terminal_shows_epochs_and_the_table(trained):
    lines = trained[1].stdout.splitlines()
    assert lines.pop(0) == "Data: CamVid in tiny."
    assert lines.pop(0) == "tiny has no classes.txt, so it is taken for CamVid, but 8 of CamVid's 11"
    assert lines.pop(0) == "classes have no pixel: write the names of yours there."
    assert lines.pop(0) == "5 images, seen at 20x28; 2 of val, judged at their own size"
    assert lines.pop(0) == "In training all are brought to 20x28, whatever their proportions; judged, and"
    assert lines.pop(0) == "in use, each keeps its own"
    assert lines.pop(0) == "Each epoch is judged with batch-norm statistics of one pass through all of them"
    assert lines[0].startswith("epoch   1  loss ") and "  val G " in lines[0] and lines[1].startswith("epoch   2")
    assert lines[3].startswith("Epoch ") and " was the best: mIoU " in lines[3]
    assert lines[4] == "runs/first/best.npz gives on val:"
    assert lines[5].split() == ["%", "accuracy", "IoU"] and lines[6].split()[0] == "Sky"
    assert lines[17].startswith("G ") and lines[17].endswith(lines[3].removesuffix(".").rpartition("best: ")[2])
    assert max(map(len, lines)) <= 80
    assert trained[1].stderr == ""              # no terminal, no bars


def test_evaluate_repeats_the_table(trained):
    folder, process = trained
    again = run(folder, *EVALUATE, "runs/first/best.npz")
    assert again.returncode == 0, again.stderr
    which, first, second, *table = again.stdout.splitlines()
    assert which == "Data: CamVid in tiny."
    assert first == "val, 2 images, seen at 20x28; judged at their annotations' size; 2 of other"
    assert second == "proportions keep them, at as many pixels"
    assert table == process.stdout.splitlines()[12:]


@pytest.mark.parametrize(
    "command, sentence",
    [
        ((TRAIN, "--data", "nowhere"), "there is no data set at nowhere: name the folder that holds its train/"),
        ((TRAIN, "--data", "runs", "--name", "other"), "there is no folder runs/train"),
        (("-m", "tinysegnet", "evaluate", "--data", "streets"), "comes with this is for CamVid: leave out --data, or"),
        ((TRAIN, "--data", "tiny", "--name", "first"), "runs/first is already there: continue it with --resume"),
        ((TRAIN, "--data", "tiny", "--name", "many", "--batch", "6"), "the 5 training images: give --batch 5"),
        ((TRAIN, "--name", "none", "--resume"), "there is no run runs/none to resume"),
        ((TRAIN, "--name", "first", "--resume", "--lr", "0.2"), "--lr was 0.1 when runs/first began"),
        ((TRAIN, "--name", "first", "--resume", "--size", "24x32"), "--size was 20x28 when runs/first began"),
        ((TRAIN, "--name", "first", "--resume", "--seed", "1"), "--seed was 0 when runs/first began"),
        ((TRAIN, "--data", "tiny", "--ignore", "3"), "--ignore 3 is the label of Road: give 11 to 255"),
        ((TRAIN, "--ignore", "12"), "--ignore belongs to a data set of your own"),
        ((TRAIN, "--ignore", "256"), "'256' is not a label: write a number from 0 to 255"),
        ((TRAIN, "--data", "tiny", "--name", "small", "--size", "12x16"), "images of 12x16 pixels are too small"),
        ((TRAIN, "--size", "big"), "'big' is not a size: write height x width in pixels, as in 180x240"),
        ((TRAIN, "--epochs", "0"), "'0' is not a whole number from 1 to 999999"),
        ((TRAIN, "--width", "9999999"), "'9999999' is not a whole number from 1 to 999999"),
        ((TRAIN, "--filters", "9999999"), "'9999999' is not a whole number from 1 to 999999"),
        ((TRAIN, "--data", "tiny", "--name", "wide", "--filters", "10000"), "filters should be a whole number from"),
        ((TRAIN, "--set", "gamma=0.5"), "'gamma=0.5' sets nothing: write NAME=VALUE, with one of the names data, "),
        ((TRAIN, "--name", "first", "--resume", "--set", "crop=0.5"), "--set crop was none when runs/first began"),
        ((TRAIN, "--name", "first", "--resume", "--width", "8"), "--filters was 64 when runs/first began"),
        ((TRAIN, "--seed", "-1"), "'-1' is not a whole number of at least 0"),
        ((TRAIN, "--name", ""), "'' is not the name of a folder: write one word"),
        ((TRAIN, "--name", "../other"), "'../other' is not the name of a folder"),
        ((TRAIN, "--ops", "lessons", "--conv", "im2col"), "is for your own NumPy functions: leave out --conv"),
        ((TRAIN, "--ops", "lessons", "--set", "lovasz=1"), "by the loss of lesson 04: leave out --set lovasz"),
        ((TRAIN, "--lr", "nan"), "'nan' is not a number above 0"),
        ((*EVALUATE, "none.npz"), "there is no checkpoint none.npz"),
        ((*EVALUATE, "other.npz"), "was not trained on the classes of CamVid in tiny"),
        ((*EVALUATE, "lacking.npz"), "lacking.npz does not hold the network that it names, see encoder1.conv.b"),
        ((*EVALUATE, "half.npz"), "half.npz holds numbers that are not all float32 or all float64: give another file"),
        ((*EVALUATE, "mixed.npz"), "mixed.npz holds numbers that are not all float32 or all float64"),
        ((*EVALUATE, "even.npz"), "even.npz cannot be used (segnet-basic: kernel should be odd"),
        ((*EVALUATE, "wide.npz"), "wide.npz does not hold the network that it names, see encoder1.conv.w"),
        ((*EVALUATE, "later.npz"), "later.npz holds a network 'segnet-of-tomorrow', unknown to this version: use"),
        ((*EVALUATE, "count.npz"), "count.npz is a network of 2 classes and names 11: give another file"),
        ((*EVALUATE, "input.npz"), "input.npz wants the input 'x / 127 - 1': use the version that wrote it"),
        ((*EVALUATE, "runs/first/best.npz", "--split", "test"), "there is no folder tiny/test"),
        (
            ("-m", "tinysegnet", "evaluate", "--weights", "runs/first/best.npz", "--split", "test"),
            "streets have no test split: take --split val",
        ),
    ],
)
def test_what_the_user_can_mend_is_one_sentence_and_exit_code_2(trained, command, sentence):
    folder, _ = trained
    arguments = {"classes": 2, "filters": 2, "levels": 1}
    params, stats = networks.init(networks.build("segnet-basic", **arguments), 0)
    network = {"name": "segnet-basic", **arguments}
    meta = {
        "network": network, "classes": ["sheep", "grass"], "palette": [[1, 2, 3]] * 2, "size": [24, 32],
        "normalisation": "centred", "test_scales": None, "statistics": "exact",
    }
    checkpoint.save(folder / "other.npz", meta, params=params, stats=stats)
    some = {name: a for name, a in params.items() if name != "encoder1.conv.b"}
    checkpoint.save(folder / "lacking.npz", meta, params=some, stats=stats)
    half = [{name: a.astype(np.float16) for name, a in arrays.items()} for arrays in (params, stats)]
    checkpoint.save(folder / "half.npz", meta, params=half[0], stats=half[1])
    double = {name: a.astype(np.float64) for name, a in stats.items()}
    checkpoint.save(folder / "mixed.npz", meta, params=params, stats=double)
    even = {name: a[:4, :4] if a.ndim == 4 else a for name, a in params.items()}
    checkpoint.save(folder / "even.npz", meta | {"network": network | {"kernel": 4}}, params=even, stats=stats)
    checkpoint.save(folder / "wide.npz", meta | {"network": network | {"filters": 3}}, params=params, stats=stats)
    later = meta | {"network": network | {"name": "segnet-of-tomorrow"}}
    checkpoint.save(folder / "later.npz", later, params=params, stats=stats)
    eleven = meta | {"classes": camvid.CLASSES, "palette": camvid.PALETTE.tolist()}
    checkpoint.save(folder / "count.npz", eleven, params=params, stats=stats)
    checkpoint.save(folder / "input.npz", meta | {"normalisation": "x / 127 - 1"}, params=params, stats=stats)
    process = run(folder, *command)
    said_before = r"(Data: CamVid in \w+\.\n(tiny has no[^.]*\.txt[^.]*\.\n)?)?"
    assert process.returncode == 2 and re.fullmatch(said_before, process.stdout)
    assert sentence in process.stderr and "Traceback" not in process.stderr
    assert {path.name for path in (folder / "runs").iterdir()} == {"first"}


@pytest.mark.parametrize("conv", ["fft", "winograd"])
def test_convolutions_by_tiles_are_not_for_a_gpu(trained, conv):
    process = run(trained[0], TRAIN, "--data", "tiny", "--conv", conv, "--backend", "cupy", "--name", "gpu")
    assert process.returncode == 2 and process.stdout == ""
    sentence = f"--conv {conv} is written for NumPy: train with --backend numpy, or without --conv"
    assert process.stderr == f"error: {sentence}\n"


def test_a_loss_that_is_not_a_number_ends_the_run_and_keeps_what_was_good(trained):
    command = (TRAIN, "--data", "tiny", "--size", "20x28", "--batch", "2", "--lr", "1e30", "--name", "steep")
    process = run(trained[0], *command)
    assert process.returncode == 2 and "Traceback" not in process.stderr
    assert re.match(r"error: the loss became (nan|inf) at step 2, first in .*: train again with a", process.stderr)
    assert process.stderr.count("\n") == 1
    meta, groups = checkpoint.load(trained[0] / "runs/steep/last.npz")
    assert meta["step"] == 0 and all(np.isfinite(a).all() for a in groups["params"].values())
    shutil.rmtree(trained[0] / "runs/steep")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_is_full_loses_nothing(trained, tmp_path):
    """Files may not grow beyond 6 MB here: best.npz may be written, last.npz of an epoch with its velocity may not."""
    tiny_camvid.make(tmp_path / "tiny")
    limited = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, 6_000_000)); "
        f"sys.argv = [{TRAIN!r}, '--data', 'tiny', '--size', '16x16', '--epochs', '1']; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    process = run(tmp_path, "-c", limited)
    assert process.returncode == 2 and "Traceback" not in process.stderr
    assert "last.npz cannot be written (File too large): raise the limit on the size of files" in process.stderr
    assert not list((tmp_path / "runs").glob("*/*.unfinished"))


def test_where_nothing_can_be_written(tmp_path):
    tiny_camvid.make(tmp_path / "tiny")
    (tmp_path / "runs").write_text("not a folder")
    process = run(tmp_path, TRAIN, "--data", "tiny", "--size", "16x16", "--epochs", "1")
    assert process.returncode == 2 and "runs/first cannot be written" in process.stderr
    assert "a part of that path is a file: name a folder, or move it away" in process.stderr
    assert "Traceback" not in process.stderr


def test_help_is_documentation(trained):
    shown = {}
    for command in ((TRAIN,), ("-m", "tinysegnet"), *(("-m", "tinysegnet", name) for name in COMMANDS)):
        process = run(trained[0], *command, "-h")
        assert process.returncode == 0 and max(map(len, process.stdout.splitlines())) <= 80
        shown[command[-1]] = process.stdout
    assert all(f"\n    {name}" in shown["tinysegnet"] for name in COMMANDS)
    text = shown[TRAIN]
    assert text.partition("\n\n")[2] == shown["train"].partition("\n\n")[2] and "networks:" in text
    options = "data ignore size recipe epochs batch lr seed name filters set ops conv resume backend".split()
    for option in options:
        assert f"--{option}" in text
    pictures = "curves.png", "predictions.png", "confusion.png", "shares.png"
    for file in ("best.npz", "last.npz", "log.jsonl", "config.json", *pictures):
        assert file in text


def test_matplotlib_is_imported_when_something_is_drawn():
    """A mistyped option need not wait for it."""
    imported = run(Path(TRAIN).parent, "-X", "importtime", "-m", "tinysegnet", "-h").stderr
    assert "tinysegnet.inference" in imported and "matplotlib" not in imported


def test_help_is_the_same_without_docstrings():
    """python -OO drops them, and what a user reads must not be among them."""
    commands = [
        "train.py", "tinysegnet/__main__.py", "lessons/plant.py", "lessons/grade.py", "lessons/book.py",
        "lessons/15_fast_convolution/race.py", "benchmarks/cpu.py", "benchmarks/gpu.py", "benchmarks/ingredients.py",
        "benchmarks/formats.py",
    ]
    ask = (             # all in one process: it is the imports that take time
        "import contextlib, runpy, sys\n"
        "sys.path.append('benchmarks')\n"
        f"for command in {commands}:\n"
        "    sys.argv = [command, '-h']\n"
        "    with contextlib.suppress(SystemExit):\n"
        "        runpy.run_path(command, run_name='__main__')\n"
    )
    plain, without = run(Path(TRAIN).parent, "-c", ask), run(Path(TRAIN).parent, "-OO", "-c", ask)
    assert plain.stdout.count("usage: ") == len(commands) and plain.stdout == without.stdout
    for sentence in ("A run leaves, in runs/NAME/:", "Hide a bug for a friend", "THIS RUNS THE CODE OF STRANGERS"):
        assert sentence in without.stdout


def test_the_command_of_an_installed_package(trained):
    """The same as python -m tinysegnet, under its own name."""
    project = tomllib.loads((Path(TRAIN).parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, function = project["scripts"]["tinysegnet"].partition(":")
    call = f"import sys; sys.argv[0] = 'bin/tinysegnet'; from {module} import {function}; {function}()"
    helped, wrong = run(trained[0], "-c", call, "-h"), run(trained[0], "-c", call, "evaluate", "--weights", "none.npz")
    assert helped.returncode == 0 and helped.stdout.startswith("usage: tinysegnet [-h] COMMAND ...\n")
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: there is no checkpoint none.npz")
    assert run(trained[0], "-m", "tinysegnet", "-h").stdout == helped.stdout.replace(": t", ": python -m t", 1)


@pytest.mark.parametrize("called", ["python -m tinysegnet train", "tinysegnet train", "python train.py"])
def test_a_training_says_how_to_go_on_as_it_was_called(trained, monkeypatch, capsys, called):
    """And config.json has what was typed."""
    words = called.removeprefix("python ").split()
    path = {"-m": "/lib/tinysegnet/__main__.py", "tinysegnet": "/bin/tinysegnet", "train.py": "train.py"}[words[0]]
    options = words[-1:] if words[-1] == "train" else []
    monkeypatch.setattr(sys, "argv", [path, *options, "--name", "a b"])
    stop = Stop()
    stop.number = 2
    with pytest.raises(SystemExit):
        stop.leave_if_asked(SimpleNamespace(path=Path("runs/night")))
    assert capsys.readouterr().err == f"stopped and saved: go on with  {called} --name night --resume\n"
    assert command_line() == f"{called} --name 'a b'"


def test_python_m_tinysegnet_trains_as_train_py_does(trained):
    options = "--data", "tiny", "--size", "20x28", "--epochs", "2", "--batch", "2"
    process = run(trained[0], "-m", "tinysegnet", "train", *options, "--name", "again")
    assert process.returncode == 0, process.stderr
    first, again = ((trained[0] / "runs" / name / "best.npz").read_bytes() for name in ("first", "again"))
    assert first == again
    config = json.loads((trained[0] / "runs/again/config.json").read_text())
    assert config["command"] == f"python -m tinysegnet train {' '.join(options)} --name again"
    shutil.rmtree(trained[0] / "runs/again")


@pytest.mark.parametrize("command", [("-m", "tinysegnet", "train"), (TRAIN,)])
def test_a_full_memory_in_training_names_what_makes_it_smaller(trained, command):
    call = f"import runpy, sys; sys.argv = {['x', *command[2:], '--data', 'tiny']!r}; sys.argv[0] = {command[0]!r}\n"
    call += "from tinysegnet.commands import train\ndef run(args): raise MemoryError\ntrain.run = run\n"
    call += "from tinysegnet.__main__ import entry\n"
    call += "entry()" if command[0] == "-m" else "runpy.run_path(sys.argv[0], run_name='__main__')"
    process = run(trained[0], "-c", call)
    assert (process.returncode, process.stdout) == (2, "")
    assert process.stderr == (
        "error: out of memory: use a smaller --batch or --size, or fewer --filters (no details)\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminal here")
def test_on_a_terminal_there_are_bars_of_80_columns(trained):
    import pty
    import struct
    from fcntl import ioctl
    from termios import TIOCSWINSZ

    master, slave = pty.openpty()
    ioctl(slave, TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    command = [sys.executable, TRAIN, "--data", "tiny", "--size", "20x28", "--epochs", "1", "--name", "shown"]
    environment = os.environ | {"PYTHONPATH": str(Path(TRAIN).parent)}
    environment.pop("COLUMNS", None)
    process = subprocess.Popen(command, cwd=trained[0], env=environment, stdout=slave, stderr=slave, close_fds=True)
    os.close(slave)
    output = b""
    try:
        while chunk := os.read(master, 1 << 16):
            output += chunk
    except OSError:         # how Linux says that the other side is closed
        pass
    assert process.wait() == 0
    shown = [line.rstrip() for line in output.decode().replace("\n", "\r").split("\r")]
    assert max(map(len, shown)) <= 80
    assert any("epoch 1/1" in line and "loss=" in line for line in shown)
    assert any("val" in line and "img" in line for line in shown)
    assert sum(line.startswith("epoch   1") for line in shown) == 1


def test_a_terminal_without_unicode(trained, tmp_path):
    """Names of a data set may be in any script; a stream of cp1252 shows what it can."""
    tiny_camvid.make(tmp_path / "tiny")
    names = [f"{name}-\N{SNOWMAN}" for name in camvid.CLASSES]
    lines = (f"{name} {r} {g} {b}" for name, (r, g, b) in zip(names, camvid.PALETTE))
    (tmp_path / "tiny" / "classes.txt").write_text("\n".join(lines), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(TRAIN).parent), "PYTHONIOENCODING": "cp1252"}
    options = ("--data", "tiny", "--ignore", "11", "--size", "16x16", "--epochs", "1")
    for command in ((TRAIN, *options), ("-m", "tinysegnet", "check-data", "tiny", "--ignore", "11")):
        process = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, timeout=99, check=False
        )
        assert process.returncode == 0, process.stderr
        assert b"Sky-\\u2603" in process.stdout
