"""A training on a disk that is full, read-only, without locks or fsync, or loses its power. Linux, and root's rights.

The first two are a tmpfs. The power fails on an ext4 in a file: what has been written to that file at some moment is
what is on the disk, without all that the system still holds in memory. A system without locks, and one that does not
sync folders, are simulated: the calls fail as they do there.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import chdir, contextmanager
from pathlib import Path

import numpy as np

from tests.campaign import _run
from tinysegnet import checkpoint

EPOCHS = "--epochs", "12"
FULL, READ_ONLY, POWER_LOST = (
    f"{what}, and gone on with to the bit" for what in ("full, said", "read-only, said", "power lost")
)
PATCHES = {
    "no locks": """
        import fcntl
        def flock(*_):
            open("refused", "w").close()
            raise OSError(errno.ENOLCK, "No locks available")
        fcntl.flock = flock
    """,
    "no fsync of folders": """
        import stat
        fsync = os.fsync
        def of_files(descriptor):
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                open("refused", "w").close()
                raise OSError(errno.EINVAL, "Invalid argument")
            fsync(descriptor)
        os.fsync = of_files
    """,
}


@contextmanager
def mounted(*options):
    """The folder disk/, with a file system of those options of mount."""
    disk = Path("disk").resolve()
    disk.mkdir(exist_ok=True)
    subprocess.run(["mount", *options, disk], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def run(folder, command):
    """(exit code, what was said)"""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def command(folder, *options):
    """That trains in a folder, or goes on there, with the data set beside it."""
    with_data = [str(Path("tiny").resolve()) if word == "tiny" else word for word in _run.OPTIONS]
    begun = (folder / "runs/run/config.json").exists()
    return [sys.executable, str(_run.TRAIN), *(["--resume"] if begun else [*with_data, *options]), "--name", "run"]


def to_the_end(folder, whole):
    """Go on with a run in a folder, and see that it comes to the end that it would have come to."""
    code, said = run(folder, command(folder, *EPOCHS))
    assert code == 0, said
    assert not _run.differing(_run.content(folder / "runs/run"), whole)


def full(rng, whole):
    size = int(rng.integers(40, 400))       # kB: too little for the first file, or the third, or the pictures
    with mounted("-t", "tmpfs", "-o", f"size={size}k", "tmpfs") as disk:
        code, said = run(disk, command(disk, *EPOCHS))
        assert code in (0, 2), said
        for path in disk.rglob("*.npz"):
            checkpoint.load(path)
        if code == 0:
            return "room enough"
        assert re.search(r"error: .*cannot be written \(No space left on device\)", said), said
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        to_the_end(disk, whole)
        return FULL


def read_only(rng, whole):
    with mounted("-t", "tmpfs", "-o", "size=64m", "tmpfs") as disk:
        words = command(disk, *EPOCHS)
        with chdir(disk):
            _run.ended_by(signal.SIGINT, rng.uniform(0.3, 1), words)
        before = files(disk)
        assert disk / "runs/run/last.npz" in before
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        code, said = run(disk, command(disk, *EPOCHS))
        assert code == 2 and "error: " in said and "Read-only file system" in said and "Traceback" not in said, said
        assert files(disk) == before
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        to_the_end(disk, whole)
        return READ_ONLY


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def simulated(patch):
    def trial(rng, whole):
        folder = Path("simulated").resolve()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        go_on = "del sys.argv[0]; runpy.run_path(sys.argv[0], None, '__main__')"
        script = f"import errno, os, runpy, sys\n{textwrap.dedent(patch)}\n{go_on}"
        words = command(folder, *EPOCHS)
        code, said = run(folder, [words[0], "-c", script, *words[1:]])
        assert code == 0 and "Traceback" not in said, said
        assert (folder / "refused").exists() and not _run.differing(_run.content(folder / "runs/run"), whole)
        return "no lock or no fsync, and trained to its end"

    return trial


def power(rng, whole):
    image, copy = Path("image"), Path("copy")
    with open(image, "wb") as file:
        file.truncate(2**25)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    with mounted("-o", "loop", str(image)) as disk:
        process = subprocess.Popen(
            command(disk, *EPOCHS), cwd=disk, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        said = process.stdout.readline()
        time.sleep(rng.uniform(0.2, 2))
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        shutil.copyfile(image, copy)        # the disk as it is at this moment
        process.kill()
        said += process.communicate()[0]
    promised = max([0, *map(int, re.findall(r"^epoch +(\d+) ", said, flags=re.MULTILINE))])
    with mounted("-o", "loop", str(copy)) as disk:
        saved = [*disk.rglob("*.npz")]
        for path in saved:
            checkpoint.load(path)
        if promised:
            assert checkpoint.load(disk / "runs/run/last.npz")[0]["epoch"] > promised
        to_the_end(disk, whole)
    return POWER_LOST if saved else "power lost before there was a checkpoint, and begun again"


MUST_COME = POWER_LOST, FULL, READ_ONLY
DRAWN, ONCE = (full, read_only, power), tuple(map(simulated, PATCHES.values()))
COUNT, SECONDS = 200, 120


def trials():
    subprocess.run(["umount", "--lazy", "disk"], capture_output=True)       # of a trial that was ended
    whole = _run.content(_run.made("whole", *EPOCHS))

    def trial(number):
        kind = ONCE[number] if number < len(ONCE) else DRAWN[number % len(DRAWN)]
        return kind(np.random.default_rng(number), whole)

    return trial
