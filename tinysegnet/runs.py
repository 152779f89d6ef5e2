"""A run: a folder under runs/, and in it all that is needed to repeat the training, to continue it and to judge it.

    config.json      the settings, the command, the versions, and a fingerprint of the data
    log.jsonl        a line for each step and each epoch
    last.npz         the network and the optimiser as they were last saved, and how far they are
    best.npz         the network of the epoch with the best mIoU on val (or G, if the recipe selects by it)
    curves.png, predictions.png, confusion.png
"""

import json
import os
import platform
import shlex
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

try:
    import fcntl
except ImportError:     # Windows
    fcntl = None

from tinysegnet import atomic, checkpoint, metrics, optim, training
from tinysegnet.backend import to_device
from tinysegnet.errors import InputError, writing
from tinysegnet.inputs import INPUTS
from tinysegnet.networks import segnet_basic

SHIPPED = Path(__file__).parent / "weights" / "camvid.npz"
ITS_OWN = "Network: the one that comes with tinysegnet, trained on CamVid."
WHICH_WEIGHTS = "a checkpoint, such as runs/first/best.npz (default: the network that comes with this, for CamVid)"


def read_config(path):
    """The config.json of a run folder. Raises InputError if there is no run, or none that can be continued."""
    file = path / "config.json"
    if not path.is_dir():
        raise InputError(f"there is no run {path} to resume: leave out --resume, or give the --name of one")
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        config["settings"]["size"] = tuple(config["settings"]["size"])
        config["data"]["fingerprint"]
        return config
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} is missing or damaged: delete the folder {path} and start again") from error


class Run:
    """The folder of a training and the state that it moves on.

    params, stats, memory    the network, and what the optimiser remembers
    epoch                    the one under way, from 1
    step                     how many steps of it are made
    best                     the best mIoU (or G) on val so far, -1 before the first
    """

    def __init__(self, path, settings, data, xp):
        """The state of a start. See `begin` and `resume`."""
        self.path, self.settings, self.data, self.xp = Path(path), settings, data, xp
        self.log_path = self.path / "log.jsonl"
        network = segnet_basic.init(settings["seed"], len(data.classes), settings["width"])
        self.params, self.stats = (to_device(arrays, xp) for arrays in network)
        self.memory = optim.start(settings["optimiser"], self.params)
        self.epoch, self.step, self.best = 1, 0, -1.0
        self.since = time.monotonic()       # when this epoch began, or would have, had there been no interruption

    def begin(self, fingerprint):
        """Make the folder. Raises InputError if it is there or cannot be made, or the images are too small."""
        if self.path.exists() and not self.no_step_made():
            way_out = "continue it with --resume, give this run another --name, or delete that folder"
            raise InputError(f"{self.path} is already there: {way_out}")
        smallest_part = min(self.settings["crop"] or 1, *(self.settings["test_scales"] or [1]))
        segnet_basic.check_size(self.params, *self.settings["size"], smallest_part)
        packages = {name: version(name) for name in ("tinysegnet", "numpy", "pillow")}
        if self.xp is not np:
            packages["cupy"] = self.xp.__version__
        config = {
            "settings": self.settings,
            "command": shlex.join(["python", *sys.argv]),
            "data": {"name": self.data.name, "classes": self.data.classes, "fingerprint": fingerprint},
            "versions": {"python": platform.python_version(), **packages},
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
            "begun": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        }
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self.lock = self.locked()
        atomic.write(self.path / "config.json", json.dumps(config, indent=2).encode() + b"\n")
        self.save()

    def no_step_made(self):
        """Whether the folder is that of a run which ended, for want of memory perhaps, before there was anything."""
        begun = (self.path / "config.json").is_file() and self.log_path.is_file()
        return begun and self.log_path.stat().st_size == 0 and not (self.path / "best.npz").exists()

    def locked(self):
        """An open file that keeps other processes out of the folder. Raises InputError if one is in it."""
        file = open(self.log_path, "a")
        if fcntl:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise InputError(f"another process is at work in {self.path}: stop it, or wait for its end") from error
        return file

    def resume(self, fingerprint):
        """Take up the state of last.npz. Raises InputError if it is not that of this run, or the data are others."""
        began_on = read_config(self.path)["data"]
        if began_on["fingerprint"] != fingerprint:
            way_out = "put them back, or start another --name"
            raise InputError(f"{self.path} began on other data ({began_on['name']}): {way_out}")
        last = self.path / "last.npz"
        if not self.log_path.is_file():
            raise InputError(f"{self.log_path} is missing: put it back, or start another --name")
        self.lock = self.locked()
        if not last.exists() and self.no_step_made():
            return self.save()
        about, groups = checkpoint.load(last)
        params, stats, memory = groups["params"], groups["stats"], groups.get("memory", {})
        segnet_basic.check_complete(params, stats, len(self.data.classes), last)
        if {name: a.shape for name, a in memory.items()} != {name: a.shape for name, a in self.memory.items()}:
            raise InputError(f"{last} holds no optimiser of its recipe to go on with: start another --name")
        if about["best"] >= 0:
            load_network(self.path / "best.npz", self.xp)       # better to know now than after the last epoch
        if self.log_path.stat().st_size < about["log_bytes"]:
            raise InputError(f"{self.log_path} has lost lines since {last} was saved: start another --name")
        with writing(self.log_path):
            os.truncate(self.log_path, about["log_bytes"])      # what was done after that is done again
        self.params, self.stats, self.memory = (to_device(arrays, self.xp) for arrays in (params, stats, memory))
        self.epoch, self.step, self.best = about["epoch"], about["step"], about["best"]
        self.since = time.monotonic() - about["seconds"]

    def log(self, **line):
        with writing(self.log_path), open(self.log_path, "a", encoding="utf-8") as file:
            print(json.dumps(line), file=file)

    def log_step(self, loss):
        self.step += 1
        self.log(epoch=self.epoch, step=self.step, loss=loss)

    def about(self, **more):
        """What a checkpoint says of itself."""
        return {
            "classes": self.data.classes, "palette": self.data.palette.tolist(), "size": self.settings["size"],
            "input": self.settings["input"], "test_scales": self.settings["test_scales"],
            "statistics": "running", "epoch": self.epoch, **more,
        }

    def save(self):
        """Write last.npz. Raises InputError, and leaves the one before, if a parameter is no longer a number."""
        for name, a in self.params.items():
            if not training.is_finite(a):
                where = f"step {self.step} of epoch {self.epoch}"
                again = "train again with a lower --lr and another --name"
                raise InputError(f"{name} is no longer finite after {where}: {again}")
        with writing(self.log_path), open(self.log_path, "rb+") as file:
            os.fsync(file.fileno())         # last.npz counts on it
        seconds, log_bytes = time.monotonic() - self.since, self.log_path.stat().st_size
        about = self.about(step=self.step, best=self.best, seconds=seconds, log_bytes=log_bytes)
        checkpoint.save(self.path / "last.npz", about, params=self.params, stats=self.stats, memory=self.memory)

    def end_epoch(self, counts):
        """Log the epoch, judged on val, and go on to the next. Returns its line in the log, and if it is the best."""
        figures = {name: float(value) for name, value in metrics.figures(counts).items()}
        line = {"epoch": self.epoch, "loss": self.mean_loss(), "seconds": time.monotonic() - self.since, **figures}
        self.log(**line)
        is_best = figures[self.settings["select"]] > self.best
        if is_best:
            self.best = figures[self.settings["select"]]
            checkpoint.save(self.path / "best.npz", self.about(), params=self.params, stats=self.stats)
        self.epoch, self.step, self.since = self.epoch + 1, 0, time.monotonic()
        self.save()
        return line, is_best

    def mean_loss(self):
        """Of the epoch under way. The log has all its steps, those before an interruption too."""
        lines = map(json.loads, self.log_path.read_text(encoding="utf-8").splitlines())
        return float(np.mean([line["loss"] for line in lines if line["epoch"] == self.epoch and "step" in line]))


def load_network(path, xp):
    """params, stats and what is known about a trained network, by default the one that comes with the project.

    Raises InputError if it is not one for this program.
    """
    path = path or SHIPPED
    about, groups = checkpoint.load(path)
    segnet_basic.check_complete(groups["params"], groups["stats"], len(about["classes"]), path)
    if about["input"] not in INPUTS:
        raise InputError(f"{path} wants the input {about['input']!r}: use the version that wrote it")
    return to_device(groups["params"], xp), to_device(groups["stats"], xp), about
