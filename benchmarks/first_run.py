"""python benchmarks/first_run.py"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)      # they would force other kernels on NumPy than those of the machine

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

from tinysegnet.support.errors import InputError, exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_1  # noqa: E402

DESCRIPTION = """How long the first run of a newcomer takes, beside another commit:
python benchmarks/first_run.py COMMIT

Trains on streets with the working tree and with that commit in turn, by default
for 3 epochs of the recipe's 6, and prints the seconds of each training, from
`python train.py` to its end, the line of its last epoch, and the ratio of the
shortest. Needs git, and a machine that does nothing else.
"""


def trained(root, folder, epochs):
    """Seconds of a training by the program in `root`, whose run goes to `folder`; and the line of its last epoch."""
    options = ["--data", "streets", "--epochs", str(epochs)]
    begun = time.perf_counter()
    command = [sys.executable, root / "train.py", *options]
    environment = os.environ | {"PYTHONPATH": str(root)}
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if process.returncode:
        raise InputError(f"train.py of {root} failed: {last_line(process)}")
    lines = [line for line in process.stdout.splitlines() if line.startswith("epoch")]
    return time.perf_counter() - begun, lines[-1]


def last_line(process):
    """Of what a process that failed has said."""
    lines = process.stderr.strip().splitlines()
    return lines[-1] if lines else f"it ended with {process.returncode}, without a word"


def check_out(commit, folder):
    """The commit as a work tree in that folder."""
    command = ["git", "worktree", "add", "--detach", folder, commit]
    environment = os.environ | {"LC_ALL": "C"}
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if "invalid reference" in process.stderr:
        raise InputError(f"there is no commit {commit!r} here: name one that `git log` shows")
    if process.returncode:
        raise InputError(f"git cannot check out {commit!r}: {last_line(process)}")


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="to compare with")
    parser.add_argument("--epochs", type=at_least_1, default=3, help="of each training (default: %(default)s)")
    parser.add_argument("--rounds", type=at_least_1, default=2, help="of both (default: %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "other"
        check_out(args.commit, other)
        try:
            times = {"this": [], "other": []}
            for number in range(args.rounds):
                for name, root in (("this", ROOT), ("other", other)):
                    place = Path(folder) / f"{name}-{number}"
                    place.mkdir()
                    seconds, line = trained(root, place, args.epochs)
                    times[name].append(seconds)
                    print(f"{name:<5} {seconds:6.1f} s   {line}", flush=True)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", other], cwd=ROOT, capture_output=True, check=False)
    print(f"ratio of the shortest: {min(times['this']) / min(times['other']):.2f}")


if __name__ == "__main__":
    exit_in_words(main)
