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
MEGABYTES = 1000            # of memory, that a trial may take at most
DESCRIPTION = """Long trials of what must not fail, which pytest never collects.

    python -m tests.campaign NAME [--count N]

Each trial draws by its own number, so that it can be made again: --only NUMBER.
What was tried is kept in runs/campaign/NAME, and the same command goes on from
there, also after Ctrl-C. A trial fails if it raises, takes more memory or time
than it may, or takes the process with it; that is said at once, and the others
go on. The last line is for the table in docs/reliability.md.
"""


def campaign(name):
    """Its module, which has COUNT, how many trials there are; SECONDS, for each; and trials(), which makes
    trial(number), a function that returns what came out in a few words, or raises. It has a folder of its own."""
    return importlib.import_module(f"tests.campaign.{name}")


def work(name, first, count):
    """Make the trials from the first on, a line of done.jsonl each."""
    module, folder = campaign(name), (FOLDER / name).resolve()
    with open(folder / "done.jsonl", "a", encoding="utf-8") as done, contextlib.chdir(folder / "work"):
        trial = module.trials()
        for number in range(first, count):
            (folder / "now").write_text(str(number))
            faulthandler.dump_traceback_later(module.SECONDS, exit=True)
            try:
                line = {"came": trial(number)}
            except Exception:
                line = {"failed": traceback.format_exc()}
            faulthandler.cancel_dump_traceback_later()
            if (most := megabytes()) > MEGABYTES and "failed" not in line:
                line = {"failed": f"the process took {most:.0f} MB"}
            if "failed" in line:
                print(f"{name} {number}: {line['failed'].splitlines()[-1]}", flush=True)
            print(json.dumps({"trial": number, **line, "MB": round(most)}), file=done, flush=True)


def megabytes():
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def tried(folder):
    """The lines of the trials that have been made, the last one of each."""
    path = folder / "done.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    return {line["trial"]: line for line in lines}


def all_of(name, count):
    """Make the trials that have not been made. One that takes its process with it is a failure, and the next goes on
    in another process."""
    folder = FOLDER / name
    (folder / "work").mkdir(parents=True, exist_ok=True)
    while (first := len(tried(folder))) < count:
        command = [sys.executable, "-m", "tests.campaign", name, "--count", str(count), "--from", str(first)]
        begun, now = time.monotonic(), folder / "now"
        now.unlink(missing_ok=True)
        with open(folder / "stderr", "w") as stderr:
            code = subprocess.run(command, stderr=stderr).returncode
        with open(folder / "seconds", "a") as file:
            print(time.monotonic() - begun, file=file)
        if code == 130:
            raise KeyboardInterrupt
        why = f"the process ended with {code}: {(folder / 'stderr').read_text()[-2000:]}"
        if code and not now.exists():
            raise InputError(f"no trial could be made, {why}")
        if code:
            with open(folder / "done.jsonl", "a", encoding="utf-8") as done:
                print(json.dumps({"trial": int(now.read_text()), "failed": why}), file=done)
            print(f"{name} {now.read_text()}: the process ended with {code}", flush=True)


def report(name, count):
    """The row of the table, and how many failed."""
    lines = list(tried(FOLDER / name).values())[:count]
    failed = sum("failed" in line for line in lines)
    came = Counter(line["came"] for line in lines if "came" in line)
    said = ", ".join(f"{number:,} {what}" for what, number in came.most_common())
    minutes = sum(map(float, (FOLDER / name / "seconds").read_text().split())) / 60
    command = shlex.join(["python", "-m", "tests.campaign", name, "--count", str(count)])
    most = max(line.get("MB", 0) for line in lines)
    return failed, f"| `{command}` | {failed:,} | {said} | {most} | {minutes:.0f} | {datetime.date.today()} |"


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
