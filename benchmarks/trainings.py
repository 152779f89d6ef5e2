"""Trainings that a benchmark is made of: each is a run of train.py in runs/, and is not made twice."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Lock

from tinysegnet import checkpoint
from tinysegnet.data import open_dataset
from tinysegnet.support.errors import InputError, writing
from tinysegnet.training.runs import read_config
from tinysegnet.training.settings import RECIPES, as_text, option_of

TRAIN = Path(__file__).parents[1] / "train.py"
AT_A_TIME = 2
running = set()             # the processes of train.py
one_at_a_time = Lock()      # of jobs that end together, as they write


def camvid_at(path):
    """The data set. Raises InputError if it is not CamVid, of which the page will speak."""
    data, _ = open_dataset(path)
    if not data.name.startswith("CamVid"):
        raise InputError(f"this is of CamVid, and there is {data.name}: name CamVid's folder by --data")
    return data


def check_kept(name, recipe, changes):
    """Raise InputError if runs/NAME is there and was trained with other settings than the recipe, so changed."""
    path = Path("runs") / name
    if path.exists():
        kept = read_config(path)["settings"]
        differing = [key for key, value in (RECIPES[recipe] | changes).items() if getattr(kept, key) != value]
        if differing:
            raise InputError(f"{path} was trained with another {differing[0]}: delete that folder, or ask for the same")


def trained(name, recipe, changes, quietly=False):
    """The path of the network of runs/NAME, trained now unless it is there, or to its end if it was interrupted.

    changes  what is not as in the recipe, {setting: value}
    quietly  on one thread and without its progress, as one of several at a time

    Raises InputError if what is there was trained with other settings. If the training fails, or is stopped, SystemExit
    with the status of train.py, which has said why; quietly, that is said here, with the name of the run.
    """
    check_kept(name, recipe, changes)
    path = Path("runs") / name
    best = path / "best.npz"
    if not is_finished(path):
        options = [word for key, value in changes.items() for word in as_option(key, value)]
        resume = ["--resume"] if path.exists() else []
        command = [sys.executable, TRAIN, "--recipe", recipe, *options, "--name", name, *resume]
        one_thread = {"TINYSEGNET_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} if quietly else {}
        streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE} if quietly else {}
        process = subprocess.Popen(command, env=os.environ | one_thread, **streams)
        running.add(process)
        _, said = process.communicate()
        running.discard(process)
        if process.returncode:
            if said:
                print(f"{path}: {said.decode(errors='replace').splitlines()[-1]}", file=sys.stderr)
            raise SystemExit(process.returncode)
    return best


def settings_of(recipe, changes):
    """{setting: value} of a recipe that is so changed, as JSON gives them back. By them its results are found; what no
    recipe names, as the number of filters, is not among them."""
    return json.loads(json.dumps(RECIPES[recipe] | changes))


def kept(file, key):
    """The line that was last added to a file with that key, {name: value}; {} if none was."""
    found = {}
    if file.exists():
        for number, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            try:
                line = json.loads(text)
            except ValueError as error:
                raise InputError(f"{file}, line {number}: this is no JSON: delete the line") from error
            if key.items() <= line.items():
                found = line
    return found


def keep(file, key, results):
    """Add key and results to a file, as a line of JSON."""
    with one_at_a_time, writing(file), open(file, "a", encoding="utf-8") as lines:
        print(json.dumps(key | results), file=lines)


def two_at_a_time(judged, jobs):
    """{job: judged(job)}. What goes wrong with one stops the others, which save; the same command goes on with them."""
    with ThreadPoolExecutor(AT_A_TIME) as threads:
        futures = {threads.submit(judged, job): job for job in jobs}
        try:
            results = {futures[done]: done.result() for done in as_completed(futures)}
        except BaseException:
            for future in futures:
                future.cancel()
            stop()
            raise
    return {job: results[job] for job in jobs}


def is_finished(path):
    """Whether a run has come to its end. (Of a small data set best.npz has exact statistics before, too.)"""
    if not (path / "best.npz").exists() or checkpoint.load(path / "best.npz")[0]["statistics"] == "running":
        return False
    return checkpoint.load(path / "last.npz")[0]["epoch"] > read_config(path)["settings"].epochs


def stop():
    """Let those that are running end: they finish their step and save."""
    for process in list(running):
        process.terminate()


def as_option(key, value):
    """A setting as train.py takes it, in words of the command line."""
    *option, name = option_of(key).split()
    return [*option, f"{name}={as_text(key, value)}"]
