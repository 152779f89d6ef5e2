"""python -m tinysegnet check-data"""

import json
import os
import textwrap
from dataclasses import asdict
from pathlib import Path

from tinysegnet import plots
from tinysegnet.data import folder
from tinysegnet.data.balance import median_frequency_weights
from tinysegnet.data.doctor import diagnose
from tinysegnet.data.problems import Problem, Problems
from tinysegnet.data.survey import survey
from tinysegnet.support.errors import InputError, of_file, writing
from tinysegnet.support.options import LONGEST_SIDE, label, png_file
from tinysegnet.support.progress import bar
from tinysegnet.training.settings import RECIPES

SUMMARY = "what a data set holds, and what is wrong with it"
DESCRIPTION = """Read every photograph and annotation of FOLDER, which has train/, trainannot/,
val/, valannot/ and perhaps test/, testannot/ and a classes.txt; print how many
there are of which size, how often each class occurs, and a line for each kind
of what is wrong or could be. Exit code 2 if a training would refuse it.
"""
SMALLEST, BATCH = 16, RECIPES["photographs"]["batch"]      # a segnet-basic halves a picture four times


def add_options(option):
    option("folder", metavar="FOLDER", help="the data set")
    option("--ignore", type=label, help="label of pixels that do not count (default: 255, in CamVid 11)")
    option("--picture", type=png_file, metavar="FILE.png", help="draw some photographs, their labels, and the classes")
    option("--strict", action="store_true", help="exit code 2 for what could be wrong, too")
    option("--json", action="store_true", help="print it for programs: ok, classes, splits, problems")


def run(args):
    try:
        if args.picture:
            if os.path.dirname(os.path.realpath(args.picture)) in {*folders_of(args.folder)}:
                text = f"--picture {args.picture} would be among the files of the data set"
                raise InputError(f"{text}: name another place")
            with writing(args.picture):
                Path(args.picture).parent.stat()        # said now, and not after all files
        data = folder.dataset(args.folder, args.ignore)
        surveys, problems = surveys_of(data)
    except (InputError, OSError) as error:
        if args.json:
            sentence = of_file(error) if isinstance(error, OSError) else str(error)
            print_json((), {}, [Problem("data set", 1, args.folder, sentence, refused=True)], ok=False)
        raise
    refused = [problem for problem in problems if problem.refused]
    ok = not (problems if args.strict else refused)
    if args.json:
        print_json(data.classes, surveys, problems, ok)
    else:
        print_tables(data, surveys)
        print_problems("To be mended", refused)
        print_problems("Could be wrong", [problem for problem in problems if not problem.refused])
    if args.picture and "train" in surveys and surveys["train"].images:
        draw(data, surveys["train"], args.picture)
    if refused:
        raise InputError(f"{count(refused)} to mend: train.py will not take this data set as it is")
    if not ok:
        raise InputError(f"{count(problems)} that could be wrong, and --strict was asked for")
    if not args.json:
        print("\nEvery file can be used.")


def folders_of(source):
    return (os.path.realpath(Path(source, f"{split}{end}")) for split in folder.SPLITS for end in ("", "annot"))


def draw(data, train, path):
    """The contact sheet, with the weights that a training takes if it is told nothing else."""
    power = RECIPES[data.recipe]["class_weight_power"]
    weights = median_frequency_weights(train.pixels, train.image_pixels, power)
    plots.contact_sheet.draw(data, train, weights, rf"(median of all $f$ / $f$)$^{{{power}}}$", path)


def surveys_of(data):
    """{split: Survey} of the splits that can be read, and the list of Problems."""
    surveys, problems = {}, []
    for split in folder.SPLITS:
        if split == "test" and not Path(data.source, split).is_dir():
            continue
        try:
            surveys[split] = survey(data, split, lambda samples: bar(samples, "reading", unit="img"))
        except InputError as error:
            refused = split != "test"           # which no training opens
            problems.append(Problem("split", 1, str(Path(data.source, split)), str(error), refused))
    return surveys, problems + diagnose(data, surveys) + of_training(data, surveys)


def of_training(data, surveys):
    """The Problems that an option of a training mends."""
    sizes = set().union(*(one.sizes for split, one in surveys.items() if split != "test"))
    small = [size for size in sizes if min(size) < SMALLEST]
    problems = Problems()
    if small:
        text = "Images of {}x{} are too small to be halved four times: train with a --size of 16x16 or more"
        problems.add("too small", data.source, text.format(*min(small)), refused=False)
    elif len(sizes) > 1:
        text = f"The images are of {len(sizes)} sizes: train with --size HxW, to which all are brought"
        problems.add("sizes", data.source, text, refused=False)
    elif any(max(size) > LONGEST_SIDE for size in sizes):
        text = "The images are {}x{}, too large for a network: train with a smaller --size HxW"
        problems.add("too large", data.source, text.format(*max(sizes)), refused=False)
    if "train" in surveys and 0 < (few := surveys["train"].images) < BATCH:
        text = f"train has {few} image{'s' * (few > 1)}, fewer than a batch of {BATCH}: train with --batch {few}"
        problems.add("fewer than a batch", data.source, text, refused=False)
    return list(problems.values())


def print_tables(data, surveys):
    """How many images of which sizes, and the share of each class."""
    source = "" if Path(data.source, "classes.txt").exists() else " (there is no classes.txt)"
    print(f"{data.name}: {len(data.classes)} classes{source}, {data.ignore} for pixels that do not count")
    for split, one in surveys.items():
        sizes = ", ".join(f"{count} of {H}x{W}" for (H, W), count in one.sizes.most_common(4))
        others = one.images - sum(count for _, count in one.sizes.most_common(4))
        sizes = (sizes or "no image that can be used") + (f", {others} of other sizes" if others else "")
        print(textwrap.fill(f"{split:6} {sizes}", 79, subsequent_indent=" " * 7))
    surveys = {split: one for split, one in surveys.items() if one.images}
    if not surveys:
        return
    width = max(26, *map(len, data.classes))
    print(f"\n{'% of pixels':{width}}" + "".join(f"{split:>9}" for split in surveys))
    rows = list(zip(data.classes, *(one.pixels for one in surveys.values())))
    for name, *pixels in [*rows, ("(do not count)", *(one.void for one in surveys.values()))]:
        shares = (share(n, one.pixels.sum() + one.void) for n, one in zip(pixels, surveys.values()))
        print(f"{name:{width}}" + "".join(f"{text:>9}" for text in shares))


def share(pixels, total):
    return f"{100 * pixels / total:.2f}" if pixels else "-"


def print_problems(title, problems):
    if problems:
        print(f"\n{title}:")
    for problem in problems:
        print(textwrap.fill(str(problem), 79, initial_indent="- ", subsequent_indent="  ", break_long_words=False,
                            break_on_hyphens=False))


def print_json(classes, surveys, problems, ok):
    splits = {
        split: {"images": one.images, "pixels": one.pixels.tolist(), "void": one.void} for split, one in surveys.items()
    }
    said = {"ok": ok, "classes": list(classes), "splits": splits, "problems": [asdict(one) for one in problems]}
    print(json.dumps(said, indent=2))       # in ASCII, for any terminal


def count(problems):
    return sum(problem.count for problem in problems)
