"""python -m lessons.plant"""

import argparse
import re
import sys

from lessons.engine import course
from lessons.engine.planted import GRADIENTS, culprit
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError, exit_in_words, writing
from tinysegnet.support.options import at_least_0

DESCRIPTION = """Hide a bug for a friend:  python -m lessons.plant --seed 7

writes mine/planted.py: a small network in which one gradient of one operation is wrong, and whose loss falls all the
same. The same number, the same bug. The friend guesses:

    python -m lessons.plant --guess relu_backward dx

and is told yes (exit status 0) or no (1).
"""
PAGE = '''"""One gradient of one operation is wrong here, and the loss falls all the same. Which one is it?

    python mine/planted.py                                  trains the network, beside what a healthy one reaches
    python -m lessons.plant --guess relu_backward dx        says whether that is what is wrong

In between, ask the checker about one operation after the other. In Python, in the folder of the repository:

    >>> import numpy as np
    >>> from mine.planted import ops
    >>> from tinysegnet.checker.gradcheck import check_backward
    >>> x = np.random.default_rng(0).standard_normal((2, 5, 6, 3))
    >>> check_backward(ops.relu, ops.relu_backward, x, names=("x",))

If that says nothing, ReLU is right. How to ask about the others: lessons/12_bugs_that_train/README.md
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lessons.engine import planted
from tinysegnet.support.errors import exit_in_words

ops = planted.network({seed})

if __name__ == "__main__":
    exit_in_words(lambda: planted.compare(ops))
'''


def file():
    return course.MINE / "planted.py"


def seed_of(text):
    """The number that a file was planted with, None if that is not what this command has written."""
    seed = number_in(text)
    is_whole = seed is not None and course.but_for_numbers(text) == course.but_for_numbers(page(seed))
    return seed if is_whole else None


def number_in(text):
    """The number of the network that a file says, None if it says none."""
    match = re.search(r"(?m)^ops = planted\.network\((\d{1,18})\)\s*$", text)
    return int(match[1]) if match else None


def page(seed):
    return PAGE.replace("{seed}", str(seed))


def plant(seed):
    if file().exists() and seed_of(file().read_text(encoding="utf-8", errors="replace")) is None:
        raise InputError(f"{file()} is there and was not written by this command, or has been changed: move it away")
    with writing(course.MINE):
        course.MINE.mkdir(exist_ok=True)
    atomic.write(file(), page(seed).encode())
    print(f"{file()} has a bug: a friend, in whose mine/ it lies, finds in it what to do")


def is_right(name, gradient):
    """Whether that is what is wrong in mine/planted.py."""
    if name not in GRADIENTS:
        raise InputError(f"there is no {name} to guess: choose one of {', '.join(GRADIENTS)}")
    if gradient not in GRADIENTS[name]:
        raise InputError(f"{name} gives no {gradient}: choose {' or '.join(GRADIENTS[name])}")
    if not file().exists():
        raise InputError(f"there is no {file()}: have one written, python -m lessons.plant --seed 7")
    seed = number_in(file().read_text(encoding="utf-8", errors="replace"))
    if seed is None:
        raise InputError(f"{file()} does not say which network it is: have it written again")
    return culprit(seed) == (name, gradient)


def main():
    parser = argparse.ArgumentParser(
        "python -m lessons.plant", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    option = parser.add_mutually_exclusive_group(required=True).add_argument
    option("--seed", type=at_least_0, metavar="N", help="which bug: a whole number")
    option("--guess", nargs=2, metavar=("BACKWARD", "GRADIENT"), help="ask whether that is it")
    args = parser.parse_args()
    if args.guess is None:
        plant(args.seed)
        return
    name, gradient = args.guess
    if not is_right(name, gradient):
        print(f"no: {gradient} of {name} is right")
        sys.exit(1)
    print(f"yes: {gradient} of {name} is what is wrong")


if __name__ == "__main__":
    exit_in_words(main)
