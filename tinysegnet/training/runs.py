"""A run: a folder under runs/, and in it all that is needed to repeat the training, to continue it and to judge it.

    config.json      the settings, the command, the versions, and a fingerprint of the data
    log.jsonl        a line for each step and each epoch
    last.npz         the network and the optimiser as they were last saved, and how far they are
    best.npz         the network of the epoch with the best mIoU on val (or what best_by names)
    curves.png, predictions.png, confusion.png, shares.png
"""

import json
import os
import platform
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import PIL

import tinysegnet
from tinysegnet import checkpoint, inference
from tinysegnet.support import atomic, locks
from tinysegnet.support.backend import to_device
from tinysegnet.support.errors import InputError, say, writing
from tinysegnet.support.program import command_line
from tinysegnet.support.shapes import check_size
from tinysegnet.training import fine_tune, settings
from tinysegnet.training.loop import is_finite, new_model, start

MAY_CHANGE = "data", "backend", "epochs"        # of the settings, from one --resume to the next
FORMAT = 2      # of config.json; that of version 0.1.0 has no number


def read_config(path):
    """The config.json of a run folder, its settings as Settings. Raises InputError if there is none to go on with."""
    file = path / "config.json"
    if not path.is_dir():
        raise InputError(f"there is no run {path} to resume: leave out --resume, or give the --name of one")
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        given, form = config["settings"], config.get("format", 1)
        if not (isinstance(given, dict) and config["data"]["fingerprint"] and config["data"]["name"]):
            raise ValueError("no settings or no data")
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file} is missing or damaged: delete the folder {path} and start again") from error
    if form not in (1, FORMAT):
        raise InputError(f"{file} is of format {form!r}: resume it with the version that began it")
    try:
        config["settings"] = settings.read(given) if form == FORMAT else settings.read_of_0_1(given)
    except ValueError as error:
        raise InputError(f"{file} cannot be used, {error}: resume it with the version that began it") from error
    return config


def kept_settings(path, given):
    """The Settings with which a run goes on: those with which it began, but data and backend may have moved, and there
    may be more epochs. Raises InputError if others are given."""
    kept = read_config(path)["settings"]
    moved = {}
    for name, value in given.items():
        if name in ("data", "backend") or (name == "epochs" and value > kept.epochs):
            moved[name] = value
        elif name == "epochs" and value < kept.epochs:
            way_out = "leave it out, or give a higher number to go on for longer"
            raise InputError(f"{path} has --epochs {kept.epochs}, which can grow and not shrink to {value}: {way_out}")
        elif value != getattr(kept, name):
            was = settings.as_text(name, getattr(kept, name))
            option = settings.option_of(name)
            raise InputError(f"{option} was {was} when {path} began: leave it out, or start another --name")
    return replace(kept, **moved)


def check_new(path):
    """Raise InputError if there is a run in that folder, or anything else: better before the data are read."""
    if path.exists() and not no_step_made(path):
        way_out = "continue it with --resume, give this run another --name, or delete that folder"
        raise InputError(f"{path} is already there: {way_out}")


def no_step_made(path):
    """Whether the folder is that of a run which ended, for want of memory perhaps, before there was anything."""
    begun = (path / "config.json").is_file() and (path / "log.jsonl").is_file()
    return begun and (path / "log.jsonl").stat().st_size == 0 and not (path / "best.npz").exists()


class Run:
    """The folder of a training and the state that it moves on. Use it in a `with`: from `begin` or `resume` to its end
    no other process can have the folder.

    model        the network, as it is now
    opt_state    of the optimiser
    epoch        the one under way, from 1
    step         how many steps of it are made
    best         the best mIoU (or what best_by names) on val so far, -1 before the first; the number of the epoch, if
                 the last one is to be kept
    """

    def __init__(self, path, settings, data, xp):
        """A run before its first step, of which nothing is on the disk yet: call `begin` or `resume` next."""
        self.path, self.settings, self.data, self.xp = Path(path), settings, data, xp
        self.log_path = self.path / "log.jsonl"
        self.model = new_model(settings, data, xp)
        self.opt_state = start(settings, self.model.params)
        self.epoch, self.step, self.best, self.lock = 1, 0, -1.0, None
        self.since = time.monotonic()       # the epoch's beginning, shifted by the time spent before an interruption

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.lock:
            self.lock.close()

    def begin(self, fingerprint):
        """Make the folder. Returns the names of the arrays that begin as the seed has drawn them.

        Raises InputError if it is there or cannot be made, the images are too small, or what the network should begin
        with is not there: then there is no folder that was not there before.
        """
        check_new(self.path)
        crop = min(self.settings.crop or 1, self.settings.late_crop or 1)
        scale = min(self.settings.test_scales or [1])
        halved = (1, "them"), (crop, "a part of them"), (scale, f"them, seen at {scale} of their size,")
        check_size(self.model.network.levels, *self.settings.size, *min(halved, key=lambda share: share[0]))
        drawn = fine_tune.begin(self.model, self.settings)
        self.opt_state = start(self.settings, self.model.params)        # averages begin at these weights
        packages = {"tinysegnet": tinysegnet.__version__, "numpy": np.__version__, "pillow": PIL.__version__}
        if self.xp is not np:
            packages["cupy"] = self.xp.__version__
        config = {
            "format": FORMAT,
            "settings": asdict(self.settings),
            "command": command_line(),
            "data": {"name": self.data.name, "classes": self.data.classes, "fingerprint": fingerprint},
            "versions": {"python": platform.python_version(), **packages},
            "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
            "begun": time.strftime("%Y-%m-%d %H:%M:%S %z"),
            **fine_tune.fingerprint(self.settings),
        }
        with writing(self.path):
            is_new = not self.path.exists()
            self.path.mkdir(parents=True, exist_ok=True)
        try:
            self.lock = self.locked()
            (self.path / "last.npz").unlink(missing_ok=True)     # of the run before, which made no step
            atomic.write(self.path / "config.json", json.dumps(config, indent=2).encode() + b"\n")
            self.save()
        except (Exception, KeyboardInterrupt, SystemExit):
            if is_new:
                self.take_away()
            raise
        return drawn

    def take_away(self):
        """Remove the folder that `begin` has made, unless another process came in between, and has the lock."""
        with suppress(OSError):             # such as that it is not empty
            if self.lock:
                if not locks.fcntl:
                    self.lock.close()       # Windows removes no file that is open
                for name in ("last.npz", "config.json", "log.jsonl"):       # the one that is locked at the end
                    (self.path / name).unlink(missing_ok=True)
            self.path.rmdir()

    def locked(self):
        """An open file that keeps other processes out of the folder. Raises InputError if one is in it.

        Where the file system has no locks, that is said, and nobody is kept out.
        """
        with writing(self.log_path):
            file = open(self.log_path, "a")
        try:
            if locks.taken(file):
                file.close()
                raise InputError(f"another process is at work in {self.path}: stop it, or wait for its end")
        except OSError as error:
            say(f"{self.path} cannot be locked here ({error.strerror or error}): start no second process in it")
        return file

    def resume(self, fingerprint, images):
        """Take up the state of last.npz. Raises InputError if it is not that of this run, or the data are others.

        images  how many there are to train on
        Returns how many epochs it was to have before it was lengthened, if that is done now.
        """
        config = read_config(self.path)
        began_on = config["data"]
        if began_on["fingerprint"] != fingerprint:
            way_out = "put them back, or start another --name"
            raise InputError(f"{self.path} began on other data ({began_on['name']}): {way_out}")
        if self.settings.steps != settings.steps_of(images, self.settings.batch):
            text = f"has {self.settings.steps} steps and a batch of {self.settings.batch} for {images} images"
            raise InputError(f"{self.path}/config.json {text}: put back what it began with, or start another --name")
        last = self.path / "last.npz"
        if not self.log_path.is_file():
            raise InputError(f"{self.log_path} is missing: put it back, or start another --name")
        self.lock = self.locked()
        for left in self.path.glob("*.unfinished"):         # by a process that was killed
            left.unlink()
        if not last.exists() and no_step_made(self.path):
            self.save_the_beginning(config)
        meta, groups = checkpoint.load(last)
        params, stats, opt_state = groups["params"], groups["stats"], groups.get("opt_state", {})
        if meta["network"] != self.model.meta["network"]:
            raise InputError(f"{last} and config.json have different networks: put that of the run back")
        inference.check_arrays(self.model.network, params, stats, last)
        if {name: a.shape for name, a in opt_state.items()} != {name: a.shape for name, a in self.opt_state.items()}:
            raise InputError(f"{last} holds no optimiser of its recipe to go on with: start another --name")
        if meta["best"] >= 0:
            self.best_model()       # better to know now than after the last epoch
        if self.log_path.stat().st_size < meta["log_bytes"]:
            raise InputError(f"{self.log_path} has lost lines since {last} was saved: start another --name")
        with writing(self.log_path):
            os.truncate(self.log_path, meta["log_bytes"])       # what was done after that is done again
        self.logged()           # better to know now, too
        params, stats, self.opt_state = (to_device(arrays, self.xp) for arrays in (params, stats, opt_state))
        self.model = replace(self.model, params=params, stats=stats)
        self.epoch, self.step, self.best = meta["epoch"], meta["step"], meta["best"]
        self.since = time.monotonic() - meta["seconds"]
        before = config["settings"]
        if self.settings != before:
            self.write_settings()
        return before.epochs if self.settings.epochs > before.epochs else None

    def write_settings(self):
        """Write into config.json the settings of now, and where the run was when it was lengthened, if it is now."""
        path = self.path / "config.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        kept, epochs = config["settings"], self.settings.epochs
        if epochs > kept["epochs"]:
            from_to = {"from": kept["epochs"], "to": epochs, "in_epoch": self.epoch, "step": self.step}
            config["lengthened"] = [*config.get("lengthened", []), from_to]
        kept |= {name: getattr(self.settings, name) for name in MAY_CHANGE}
        atomic.write(path, json.dumps(config, indent=2).encode() + b"\n")

    def save_the_beginning(self, config):
        """Write the first last.npz of a run that ended before it was there."""
        for name, sha256 in fine_tune.fingerprint(self.settings).items():
            if config.get(name, sha256) != sha256:
                option = settings.option_of(name.removesuffix("_sha256"))
                way_out = "put it back, or start another --name"
                raise InputError(f"the file of {option} is not the one that {self.path} began with: {way_out}")
        fine_tune.begin(self.model, self.settings)
        self.opt_state = start(self.settings, self.model.params)
        self.save()

    def best_model(self):
        """The Model in best.npz. Raises InputError if it cannot be used."""
        return inference.load_on(self.xp, self.path / "best.npz")

    def log(self, **line):
        with writing(self.log_path), open(self.log_path, "a", encoding="utf-8") as file:
            print(json.dumps(line), file=file)

    def log_step(self, loss):
        self.step += 1
        self.log(epoch=self.epoch, step=self.step, loss=loss)

    def meta(self, **more):
        """That of the model, in this epoch."""
        return self.model.meta | {"epoch": self.epoch} | more

    def save(self):
        """Write last.npz. Raises InputError, and leaves the one before, if a parameter is no longer a number."""
        for name, a in self.model.params.items():
            if not is_finite(a):
                where = f"step {self.step} of epoch {self.epoch}"
                again = "train again with a lower --lr and another --name"
                raise InputError(f"{name} is no longer finite after {where}: {again}")
        with writing(self.log_path), open(self.log_path, "rb+") as file:
            os.fsync(file.fileno())         # last.npz counts on it
        seconds, log_bytes = time.monotonic() - self.since, self.log_path.stat().st_size
        meta = self.meta(step=self.step, best=self.best, seconds=seconds, log_bytes=log_bytes)
        arrays = {"params": self.model.params, "stats": self.model.stats, "opt_state": self.opt_state}
        checkpoint.save(self.path / "last.npz", meta, **arrays)

    def end_epoch(self, figures, judged=None):
        """Log the epoch, and go on to the next. Returns its line in the log, and if it is the best, or as good as the
        best.

        figures  {"mIoU": ...} on val, by the names of the paper; {} if it was not judged
        judged   the Model that has reached them, which is kept if it is the best
        """
        figures = {name: float(value) for name, value in figures.items()}
        line = {"epoch": self.epoch, "loss": self.mean_loss(), "seconds": time.monotonic() - self.since, **figures}
        self.log(**line)
        values = figures | {"last": self.epoch} if figures else {}
        is_best = values.get(self.settings.best_by, -2) >= self.best    # of equals the later: it has learnt for longer
        if is_best:
            self.best = values[self.settings.best_by]
            checkpoint.save(self.path / "best.npz", judged.meta, params=judged.params, stats=judged.stats)
        self.epoch, self.step, self.since = self.epoch + 1, 0, time.monotonic()
        self.save()
        return line, is_best

    def mean_loss(self):
        """Of the epoch under way. The log has all its steps, those before an interruption too."""
        steps = (line for line in self.logged() if "step" in line)
        return float(np.mean([line["loss"] for line in steps if line["epoch"] == self.epoch]))

    def logged(self):
        """The lines of the log, dicts. Raises InputError if it is damaged."""
        try:
            lines = [json.loads(line) for line in self.log_path.read_text(encoding="utf-8").splitlines()]
            whole = all(line.keys() >= {"epoch", "loss"} for line in lines)
        except (ValueError, AttributeError):
            whole = False
        if not whole:
            raise InputError(f"{self.log_path} is damaged: put it back, or start another --name")
        return lines
