"""python -m lessons.teaching.gradescope"""

import argparse
import os
import zipfile
from pathlib import Path

from lessons import grade
from lessons.engine import course, points
from lessons.engine.grading import Limits
from tinysegnet.support.errors import exit_in_words, writing
from tinysegnet.support.options import at_least_0, at_least_1

DESCRIPTION = """Make an autograder for Gradescope:

    python -m lessons.teaching.gradescope --lessons 02 06 --out autograder.zip

The zip holds setup.sh, run_autograder, and in course/ a copy of the lessons
and the library that are here. For each submission Gradescope runs the judge of
lessons.grade on that copy. Before the zip is written the judge is tried here,
by the same seed and in the same memory.
"""
HERE = Path(__file__).parent
COPIED = (
    "pyproject.toml", "README.md", "LICENSE", "LICENSE-weights", "tinysegnet/**/*.py", "lessons/**/*.py",
    "lessons/**/*.json",        # the judge of lesson 12 reads how its networks learned
)


def files():
    """{name in the zip: path} of what does not depend on the options."""
    copied = [path for pattern in COPIED for path in sorted(course.ROOT.glob(pattern))]
    return {name: HERE / name for name in ("setup.sh", "run_autograder")} | {
        f"course/{path.relative_to(course.ROOT).as_posix()}": path for path in copied}


def options(args):
    """What lessons.grade is called with, a word on each line; the folder is then course/."""
    words = ["--megabytes", args.megabytes, *(["--lessons", *args.lessons] if args.lessons else [])]
    words += ["--seed", args.seed] if args.seed is not None else []
    words += ["--points", "../points.csv"] if args.points else []
    return "".join(f"{word}\n" for word in words)


def write(path, args):
    contents = {name: file.read_bytes().replace(b"\r\n", b"\n") for name, file in files().items()}     # git on Windows
    contents["options.txt"] = options(args).encode()
    if args.points:
        contents["points.csv"] = args.points.read_bytes()
    with writing(path), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, (2000, 1, 1, 0, 0, 0))    # so that the same course is the same zip
            mode = 0o755 if name in ("setup.sh", "run_autograder") else 0o644
            entry.create_system, entry.external_attr = 3, mode << 16       # Unix, wherever it is made
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, content)


def main():
    parser = argparse.ArgumentParser(
        "python -m lessons.teaching.gradescope", description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = parser.add_argument
    option("--out", type=Path, required=True, metavar="ZIP", help="the autograder, to be uploaded")
    option("--lessons", nargs="+", metavar="NN", help="only these, 02 06 for instance (default: all)")
    option("--points", type=Path, metavar="CSV", help="as for lessons.grade")
    option("--seed", type=at_least_0, metavar="N", help="draw the cases anew (default: as known to all)")
    option("--megabytes", type=at_least_1, default=2000, help="of memory for a lesson, less than the container has "
                                                              "(default: %(default)s)")
    args = parser.parse_args()
    if args.points:
        points.read(args.points)
    limits = Limits(grade.SECONDS, args.megabytes, "-" if args.seed is None else str(args.seed))
    lessons = grade.chosen_lessons(args.lessons)
    grade.trials(lessons, limits, os.cpu_count())
    write(args.out, args)
    print(f"{args.out}, for {len(lessons)} {'lesson' if len(lessons) == 1 else 'lessons'}: upload it to Gradescope")


if __name__ == "__main__":
    exit_in_words(main)
