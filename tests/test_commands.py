"""The commands as a user types them, in a process of their own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_camvid
from PIL import Image

from tinysegnet import checkpoint, training
from tinysegnet.data import camvid
from tinysegnet.networks import segnet_basic

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
    with Image.open(folder / "runs/first/curves.png") as picture:
        assert picture.size[0] > 600 and len(picture.convert("L").getcolors()) > 10
    params, _, about = checkpoint.load(folder / "runs/first/best.npz")
    assert sum(a.size for a in params.values()) == 1_416_587
    assert about["size"] == [20, 28] and about["epoch"] in (1, 2)


def test_the_terminal_shows_epochs_and_the_table(trained):
    lines = trained[1].stdout.splitlines()
    assert lines.pop(0) == "Data: CamVid in tiny."
    assert lines.pop(0) == "5 images, seen at 20x28; 2 of val, judged at their own size"
    assert lines[0].startswith("epoch   1  loss ") and "  val G " in lines[0] and lines[1].startswith("epoch   2")
    assert lines[3].startswith("Epoch ") and lines[4] == "runs/first/best.npz gives on val:"
    assert lines[5].split() == ["%", "accuracy", "IoU"] and lines[6].split()[0] == "Sky"
    assert lines[17].startswith("G ") and " mIoU " in lines[17]
    assert max(map(len, lines)) <= 80
    assert re.search("img/s|s/img", trained[1].stderr) and "loss=" in trained[1].stderr


def test_evaluate_repeats_the_table(trained):
    folder, process = trained
    again = run(folder, *EVALUATE, "runs/first/best.npz")
    assert again.returncode == 0, again.stderr
    which, first, *table = again.stdout.splitlines()
    assert which == "Data: CamVid in tiny."
    assert first == "val, 2 images, seen at 20x28 and judged at the size of their annotations"
    assert table == process.stdout.splitlines()[7:]


def test_the_same_seed_gives_the_same_bits(trained):
    folder, _ = trained
    command = (TRAIN, "--data", "tiny", "--size", "20x28", "--epochs", "2", "--batch", "2", "--name", "again")
    assert run(folder, *command).returncode == 0
    first, again = (checkpoint.load(folder / "runs" / name / "best.npz") for name in ("first", "again"))
    for ours, theirs in zip(first[:2], again[:2]):
        assert all((ours[name] == theirs[name]).all() for name in theirs)
    assert (folder / "runs/first/log.jsonl").read_text().count("\n") == 8


@pytest.mark.parametrize(
    "command, sentence",
    [
        ((TRAIN, "--data", "nowhere"), "there is no CamVid at nowhere: name the folder with its train/ and val/"),
        ((TRAIN, "--data", "runs", "--name", "other"), "there is no folder runs/train"),
        ((TRAIN, "--data", "tiny", "--name", "first"), "runs/first is already there"),
        ((TRAIN, "--data", "tiny", "--name", "small", "--size", "12x16"), "images of 12x16 pixels are too small"),
        ((TRAIN, "--size", "big"), "'big' is not a size: write height x width in pixels, as in 180x240"),
        ((TRAIN, "--epochs", "0"), "'0' is not a whole number of at least 1"),
        ((TRAIN, "--seed", "-1"), "'-1' is not a whole number of at least 0"),
        ((TRAIN, "--name", ""), "'' is not the name of a folder: write one word"),
        ((TRAIN, "--name", "../other"), "'../other' is not the name of a folder"),
        ((TRAIN, "--lr", "nan"), "'nan' is not a number above 0"),
        ((*EVALUATE, "none.npz"), "there is no checkpoint none.npz"),
        ((*EVALUATE, "other.npz"), "was not trained on CamVid's"),
        ((*EVALUATE, "lacking.npz"), "lacking.npz does not hold the parameters of a SegNet-Basic"),
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
    params, stats = segnet_basic.init(0, classes=2, width=2, levels=1)
    about = {"classes": ["sheep", "grass"], "size": [24, 32], "input": training.INPUT, "statistics": "exact"}
    checkpoint.save(folder / "other.npz", params, stats, about)
    some = {name: a for name, a in params.items() if name != "encoder1.conv.b"}
    checkpoint.save(folder / "lacking.npz", some, stats, about | {"classes": camvid.CLASSES})
    checkpoint.save(folder / "input.npz", params, stats, about | {"classes": camvid.CLASSES, "input": "x / 127 - 1"})
    process = run(folder, *command)
    assert process.returncode == 2 and process.stdout == ""
    assert sentence in process.stderr and "Traceback" not in process.stderr
    assert {path.name for path in (folder / "runs").iterdir()} <= {"first", "again"}


def test_help_is_documentation(trained):
    for command in ((TRAIN, "-h"), ("-m", "tinysegnet", "-h"), ("-m", "tinysegnet", "evaluate", "-h")):
        process = run(trained[0], *command)
        assert process.returncode == 0 and max(map(len, process.stdout.splitlines())) <= 80
    text = run(trained[0], TRAIN, "-h").stdout
    for option in ("--data", "--size", "--epochs", "--batch", "--lr", "--seed", "--name", "--backend"):
        assert option in text
    assert "best.npz" in text and "log.jsonl" in text and "curves.png" in text
