"""A real training, of a network that is done in a moment: train.py as a process."""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import tiny_camvid

from tinysegnet import checkpoint

TRAIN = Path(__file__).parents[2] / "train.py"
OPTIONS = "--data", "tiny", "--filters", "2", "--size", "24x32", "--batch", "2", "--recipe", "best"


def command(name, *options):
    """That trains runs/NAME in the working directory, or goes on there."""
    begun = (Path("runs") / name / "config.json").exists()
    return [sys.executable, str(TRAIN), *(["--resume"] if begun else OPTIONS + options), "--name", name]


def made(name, *options):
    """The folder of a run, trained to its end in the working directory, or found there."""
    if not Path("tiny").exists():
        tiny_camvid.make(Path("tiny"))
    path = Path("runs") / name
    if not (path / "finished").exists():
        subprocess.run(command(name, *options), check=True, capture_output=True)
        (path / "finished").touch()
    return path


def content(path):
    """What a run leaves, to the bit, without what says how long it took."""
    found = {}
    for file in ("last.npz", "best.npz"):
        meta, groups = checkpoint.load(path / file)
        found[file] = {name: value for name, value in meta.items() if name not in ("seconds", "log_bytes")}
        found |= {
            (file, group, name): a.tobytes() for group, arrays in groups.items() for name, a in arrays.items()
        }
    for i, line in enumerate((path / "log.jsonl").read_text(encoding="utf-8").splitlines()):
        found["log", i] = {name: value for name, value in json.loads(line).items() if name != "seconds"}
    return found


def differing(one, other):
    """Of what is not the same in two contents, the names."""
    return [str(name) for name in one.keys() | other.keys() if one.get(name) != other.get(name)]


def ended_by(number, seconds, command):
    """(exit code, what was said) of a process that gets a signal so many seconds after its first line."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    first = process.stdout.readline()
    timer = threading.Timer(seconds, process.send_signal, [number])
    timer.start()
    said, _ = process.communicate()
    timer.cancel()
    return process.returncode, first + said


def epochs_done(said):
    """The epochs that a run has said to be done."""
    return [*map(int, re.findall(r"^epoch +(\d+) ", said, flags=re.MULTILINE))]


def check_is_beyond(epoch, path):
    """A checkpoint goes on after an epoch that was said to be done, or something was lost."""
    meta, _ = checkpoint.load(path)
    assert meta["epoch"] > epoch, f"epoch {epoch} was said to be done, and {path.name} is in {meta['epoch']}"
