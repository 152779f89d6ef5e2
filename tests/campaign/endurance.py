"""2,000 steps of a training: no more open files at its end than in the second quarter, and at most 8 MB more."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from statistics import median

import tiny_camvid

from tests.campaign import _run

TRAININGS = (       # what each has that could grow
    ("--recipe", "best"), ("--recipe", "unseen"), ("--recipe", "paper", "--lr", "0.001", "--batch", "2"),
    ("--network", "segnet", "--size", "64x64"), ("--network", "unet"), ("--network", "bayesian-segnet-basic"),
)
COUNT, SECONDS = len(TRAININGS), 1800
EACH_BY_ITS_NAME = True
IMAGES, BATCH, EPOCHS = 40, 2, 100
STEPS = EPOCHS * IMAGES // BATCH
MOST_MORE = 8       # MB; the allocator of the C library gives no exact figure


def trials():
    if not Path("forty").exists():
        tiny_camvid.make(Path("forty"), (("train", IMAGES), ("val", 2)))

    def trial(number):
        options = "--data", "forty", "--filters", "4", "--size", "32x32", "--batch", str(BATCH)
        name, seen = f"endurance-{number}", []
        log, said = Path("runs") / name / "log.jsonl", Path("said")
        shutil.rmtree(log.parent, ignore_errors=True)
        command = _run.command(name, *options, "--epochs", str(EPOCHS), *TRAININGS[number])
        with open(said, "w") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file)
        while process.poll() is None:
            if log.exists() and (now := of_process(process.pid)):
                seen.append((log.read_text().count('"step"'), *now))
            time.sleep(0.1)
        assert process.returncode == 0, said.read_text()
        files, megabytes = usual(seen, 0.25, 0.5)
        files_at_end, megabytes_at_end = usual(seen, 0.9, 1)
        assert files_at_end <= files, f"{files} open files, at the end {files_at_end}"
        assert megabytes_at_end <= megabytes + MOST_MORE, f"{megabytes:.0f} MB, at the end {megabytes_at_end:.0f}"
        return f"{' '.join(TRAININGS[number][:2])}: {megabytes:.0f} MB, at the end {megabytes_at_end:.0f}"

    return trial


def usual(seen, first, last):
    """The medians of open files and of memory between two shares of the steps: now and then a file is open for a
    moment, and a process that is about to end has no memory."""
    some = [counts for steps, *counts in seen if first * STEPS <= steps <= last * STEPS]
    return [median(column) for column in zip(*some, strict=True)]


def of_process(pid):
    """(how many files it has open, how many megabytes it has), or None if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return len(os.listdir(f"/proc/{pid}/fd")), pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError):
        return None
