"""python -m tests.campaign"""

import argparse
import contextlib
import datetime
import faulthandler
import importlib
import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(path) for path in (TESTS.parent, TESTS, TESTS.parent / "lessons/13_gpu")]   # as pytest has them
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "TINYSEGNET_THREADS": "1"}

from tinysegnet.support.errors import InputError, exit_in_words  # noqa: E402
from tinysegnet.support.options import at_least_1  # noqa: E402

NAMES = [path.stem for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))]
FOLDER = Path("runs/campaign")
MEGABYTES = 1000            # of memory, that a trial may take at most, unless its module says another number
DESCRIPTION = """Long trials of what must not fail, which pytest never collects.

    python -m tests.campaign NAME [--count N]

Each trial draws by its own number, so that it can be made again: --only NUMBER
(but that the moment of a signal is one of the machine's). What was tried is kept
in runs/campaign/NAME, and the same command goes on from there, also after
Ctrl-C; with another commit it begins anew. A trial fails if it raises, takes
more memory or time than it may, or takes the process with it; that is said at
once, and the others go on. The last line is for docs/reliability.md.
"""


def campaign(name):
    """Its module, which has COUNT, how many trials there are; SECONDS, for each; and trials(), which makes
    trial(number), a function that returns what came out in a few words, or raises. It has a folder of its own. What
    stands in MUST_COME has to come out of some trial. EACH_BY_ITS_NAME: the words name the trial, and none are counted.
    """
    return importlib.import_module(f"tests.campaign.{name}")


def work(name, first, count):
    """Make the trials from the first on, a line of done.jsonl each."""
    module, folder = campaign(name), (FOLDER / name).resolve()
    with open(folder / "done.jsonl", "a", encoding="utf-8") as done, contextlib.chdir(folder / "work"):
        trial = module.trials()
        for number in range(first, count):
            (folder / "now").write_text(str(number))
            faulthandler.dump_traceback_later(module.SECONDS, exit=True)
            begun = time.monotonic()
            try:
                line = {"came": trial(number)}
            except Exception:
                line = {"failed": traceback.format_exc()}
            faulthandler.cancel_dump_traceback_later()
            if (most := megabytes()) > getattr(module, "MEGABYTES", MEGABYTES):
                line = {"failed": f"it took {most:.0f} MB"} | line
            if "failed" in line:
                print(f"{name} {number}: {line['failed'].splitlines()[-1]}", flush=True)
            line |= {"trial": number, "MB": round(most), "seconds": round(time.monotonic() - begun, 3)}
            print(json.dumps(line), file=done, flush=True)
            if most > getattr(module, "MEGABYTES", MEGABYTES):
                sys.exit(1)             # that much it has had from now on: the next trial needs another process


def megabytes():
    """The most memory that this process has had, or one that it has started and that has ended."""
    most = max(resource.getrusage(which).ru_maxrss for which in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return most * (1 if sys.platform == "darwin" else 1024) / 1e6


def tried(folder):
    """The lines of the trials that have been made, the last one of each."""
    path = folder / "done.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    return {line["trial"]: line for line in lines}


def all_of(name, count):
    """Make the trials that have not been made. One that takes its process with it is a failure, and the next goes on
    in another process."""
    folder = FOLDER / name
    if tried(folder) and json.loads((folder / "begun.json").read_text())["commit"] != commit():
        shutil.rmtree(folder)
    (folder / "work").mkdir(parents=True, exist_ok=True)
    if not tried(folder):
        begun = {"commit": commit(), "date": str(datetime.date.today())}
        (folder / "begun.json").write_text(json.dumps(begun))
    while (first := len(tried(folder))) < count:
        command = [sys.executable, "-m", "tests.campaign", name, "--count", str(count), "--from", str(first)]
        now = folder / "now"
        now.unlink(missing_ok=True)
        with open(folder / "stderr", "w") as stderr:
            code = ended(command, stderr)
        why = f"the process ended with {code}: {(folder / 'stderr').read_text()[-2000:]}"
        if code and not now.exists():
            raise InputError(f"no trial could be made, {why}")
        if code and int(now.read_text()) not in tried(folder):
            with open(folder / "done.jsonl", "a", encoding="utf-8") as done:
                print(json.dumps({"trial": int(now.read_text()), "failed": why}), file=done)
            print(f"{name} {now.read_text()}: the process ended with {code}", flush=True)


def ended(command, stderr):
    """The exit code of a process, with which all end that it has started. Ctrl-C ends them too."""
    process = subprocess.Popen(command, stderr=stderr, process_group=0)
    try:
        return process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def commit():
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=TESTS, capture_output=True, text=True).stdout.strip()


def report(name, count):
    """The row of the table, and how many failed."""
    lines = list(tried(FOLDER / name).values())[:count]
    failed = sum("failed" in line for line in lines)
    came = Counter(line["came"] for line in lines if "came" in line)
    if getattr(campaign(name), "EACH_BY_ITS_NAME", False):
        said = "; ".join(came)
    else:
        said = "; ".join(f"{number:,} {what}" for what, number in came.most_common())
    minutes = sum(line.get("seconds", 0) for line in lines) / 60
    command = shlex.join(["python", "-m", "tests.campaign", name, "--count", str(count)])
    most = max(line.get("MB", 0) for line in lines)
    begun = json.loads((FOLDER / name / "begun.json").read_text())
    for what in getattr(campaign(name), "MUST_COME", ()):
        if what not in came:
            failed, said = failed + 1, f"{said}, none {what}"
    when = f"{begun['date']}, {begun['commit']}"
    return failed, f"| `{command}` | {failed:,} | {said} | {most} | {minutes:.0f} | {when} |"


def main():
    parser = argparse.ArgumentParser(
        prog="python -m tests.campaign", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", choices=[name for name in NAMES], metavar="NAME")
    parser.add_argument("--count", type=at_least_1, help="of trials; each campaign has a default")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="make that trial, here and now")
    parser.add_argument("--from", type=int, dest="first", help=argparse.SUPPRESS)        # of a process of `all_of`
    args = parser.parse_args()
    if args.name is None:
        for name in NAMES:
            print(f"{name:<13}{campaign(name).COUNT:>8,}  {campaign(name).__doc__.splitlines()[0]}")
        return
    count = args.count or campaign(args.name).COUNT
    if args.only is not None:
        (FOLDER / args.name / "work").mkdir(parents=True, exist_ok=True)
        with contextlib.chdir(FOLDER / args.name / "work"):
            print(campaign(args.name).trials()(args.only))
    elif args.first is not None:
        work(args.name, args.first, count)
    else:
        all_of(args.name, count)
        failed, row = report(args.name, count)
        print(row)
        sys.exit(1 if failed else 0)


if __name__ == "__main__":
    exit_in_words(main)
