"""The network that comes with the project is what its papers say, and does what docs/results.md says."""

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_camvid
from PIL import Image

from tinysegnet import checkpoint, inference, metrics
from tinysegnet.data import camvid, folder, streets
from tinysegnet.data.batches import evaluation_pairs
from tinysegnet.data.survey import checked_surveys
from tinysegnet.inference import SHIPPED
from tinysegnet.training import loop, settings

ROOT = Path(__file__).parents[1]
RESULTS = (ROOT / "docs/results.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def config():
    return json.loads(SHIPPED.with_name("config.json").read_text())


def log():
    return list(map(json.loads, SHIPPED.with_name("log.jsonl").read_text().splitlines()))


def test_it_is_a_network_for_camvid_of_a_modest_size():
    model = inference.load(SHIPPED)
    assert model.meta["classes"] == list(camvid.CLASSES) == list(streets.dataset().classes)
    assert model.meta["size"] == [270, 360] and model.meta["statistics"] == "exact"
    network = {"name": "segnet-basic", "classes": 11, "filters": 64, "levels": 4, "kernel": 7}
    assert model.meta["network"] == network and sum(a.size for a in model.params.values()) == 1_416_587
    assert SHIPPED.stat().st_size <= 6_000_000


@pytest.mark.parametrize("name, digest", [
    ("camvid.npz", "62528804cd06a3cd9f3155745f69dbb5577599ef5a23f8ca5a5e25fb36b6ae4f"),
    ("streets.npz", "c856d722ee8f7700d58253ed2deac388d576679dd9422bd49b9c0e3015e29a57"),
])
def test_the_files_are_those_that_were_measured(name, digest):
    """What is said of them, in docs/results.md and on the pages, is to be measured anew for others."""
    assert hashlib.sha256(SHIPPED.with_name(name).read_bytes()).hexdigest() == digest


def test_it_was_trained_by_the_recipe(config):
    """Of 76 epochs, which were lengthened to 150: config.json has the command that began."""
    given = {"data": "data/CamVid", "size": (270, 360), "epochs": 150, "judge_every": 10, "steps": 184}
    assert settings.read(config["settings"]) == settings.from_recipe("unseen", **given)
    assert config["command"] == (
        "python train.py --recipe unseen --size 270x360 --name winner --epochs 76 --set judge_every=10"
    )


@pytest.mark.docs       # seconds
def test_it_was_trained_on_camvid_as_released(config, camvid_folder):
    data = folder.dataset(str(camvid_folder))
    train, val = checked_surveys(data)[0]
    assert config["data"]["fingerprint"] == train.fingerprint + val.fingerprint


def test_its_log_is_whole_and_it_is_the_best_epoch(config):
    epochs = [line for line in log() if "seconds" in line]
    assert [line["epoch"] for line in epochs] == list(range(1, config["settings"]["epochs"] + 1))
    assert len(log()) == len(epochs) * (1 + config["settings"]["steps"])
    judged = [line for line in epochs if "mIoU" in line]
    assert [line["epoch"] for line in judged] == [10, 20, 30, 40, 50, 60, 70, 76, 80, 90, 100, 110, 120, 130, 140, 150]
    best = max(judged, key=lambda line: line["mIoU"])
    assert best["epoch"] == checkpoint.load(SHIPPED)[0]["epoch"]


def table_of_the_results():
    """Class -> accuracy and IoU in %, and G, C, mIoU, of the network that comes with the project."""
    section = RESULTS.split("## What it reaches on CamVid")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "|" in line]
    classes = {name: (float(accuracy), float(IoU)) for name, accuracy, IoU, *_ in rows if name in camvid.CLASSES}
    whole = next(row for row in rows if row[0] == "`--recipe unseen`")
    return classes, [float(value) for value in whole[-3:]]


def confusion_matrix_on_val(camvid_folder, every=1):
    """Of one photograph in `every`."""
    data = folder.dataset(str(camvid_folder))
    some = replace(data, samples=lambda split: data.samples(split)[::every])
    return loop.evaluate(inference.load(SHIPPED), evaluation_pairs(some, "val"), data.ignore)


def assert_figures(counts, expected):
    """To 0.2: the last digit may differ with the machine's matrix products."""
    figures = metrics.figures(counts)
    np.testing.assert_allclose([100 * figures[name] for name in ("G", "C", "mIoU")], expected, atol=0.2)


@pytest.mark.docs       # some seconds
def test_it_reaches_on_every_eighth_photograph_what_it_reached_when_all_were_judged(camvid_folder):
    assert_figures(confusion_matrix_on_val(camvid_folder, every=8), [92.9, 77.0, 65.6])


@pytest.mark.long
def test_it_reaches_what_the_results_say(camvid_folder):
    counts = confusion_matrix_on_val(camvid_folder)
    classes, whole = table_of_the_results()
    assert_figures(counts, whole)
    assert len(classes) == len(camvid.CLASSES)
    per_class = 100 * np.stack([metrics.class_accuracy(counts), metrics.iou(counts)], axis=1)
    np.testing.assert_allclose(per_class, [classes[name] for name in camvid.CLASSES], atol=0.2)


@pytest.mark.docs       # seconds
def test_commands_without_weights_take_it(tmp_path):
    def run(*command):
        return subprocess.run(
            [sys.executable, "-m", "tinysegnet", *command], capture_output=True, text=True, cwd=tmp_path, check=True
        )

    photograph, _ = streets.dataset().read(streets.dataset().samples("val")[0])
    Image.fromarray(photograph).save(tmp_path / "photo.jpg")
    assert "Network: the one that comes with tinysegnet" in run("predict", "photo.jpg").stdout
    labels = np.array(Image.open(tmp_path / "predicted/photo_mask.png"))
    assert labels.shape == photograph.shape[:2] and labels.max() < len(camvid.CLASSES)
    assert len(np.unique(labels)) > 3
    tiny_camvid.make(tmp_path / "data/CamVid")
    unnamed, named = run("evaluate").stdout, run("evaluate", "--weights", str(SHIPPED)).stdout
    assert "Network: the one that comes with tinysegnet" in unnamed
    assert unnamed.splitlines()[2:] == named.splitlines()[1:] and "Network" not in named


def test_help_says_which_network_is_taken():
    for name in ("evaluate", "predict"):
        text = subprocess.run([sys.executable, "-m", "tinysegnet", name, "-h"], capture_output=True, text=True).stdout
        assert re.search(r"default:\s+the\s+network\s+that\s+comes", text)
