"""python -m tinysegnet check-data"""

from pathlib import Path

from tinysegnet.data import folder
from tinysegnet.data.survey import survey
from tinysegnet.support.errors import InputError
from tinysegnet.support.options import label
from tinysegnet.support.progress import bar

SUMMARY = "what a data set holds, and every file that is bad"
DESCRIPTION = """Read every photograph and annotation of FOLDER, which has train/, trainannot/,
val/, valannot/ and perhaps test/, testannot/ and a classes.txt; print how many
there are of which size, how often each class occurs, and a sentence for every
file that a training could not use. Exit code 2 if there is one.
"""


def add_options(option):
    option("folder", metavar="FOLDER", help="the data set")
    option("--ignore", type=label, help="label of pixels that do not count (default: 255, in CamVid 11)")


def run(args):
    data = folder.dataset(args.folder, args.ignore)
    source = "" if (Path(args.folder) / "classes.txt").is_file() else " (there is no classes.txt)"
    print(f"{data.name}: {len(data.classes)} classes{source}, {data.ignore} for pixels that do not count")
    splits = ["train", "val"]
    if (Path(args.folder) / "test").is_dir():
        splits.append("test")
    surveys = {split: survey(data, split, lambda samples: bar(samples, "reading", unit="img")) for split in splits}
    for split, what in surveys.items():
        sizes = ", ".join(f"{count} of {H}x{W}" for (H, W), count in what.sizes.most_common(4))
        others = what.images - sum(count for _, count in what.sizes.most_common(4))
        print(f"{split:6} {sizes or 'no image that can be used'}" + (f", {others} of other sizes" if others else ""))
    width = max(26, *map(len, data.classes))
    print(f"\n{'% of pixels':{width}}" + "".join(f"{split:>9}" for split in splits))
    rows = list(zip(data.classes, *(what.pixels for what in surveys.values())))
    for name, *pixels in [*rows, ("(do not count)", *(what.void for what in surveys.values()))]:
        shares = (share(n, what.pixels.sum() + what.void) for n, what in zip(pixels, surveys.values()))
        print(f"{name:{width}}" + "".join(f"{text:>9}" for text in shares))
    for name in surveys["train"].missing(data.classes):
        print(f"No pixel of train is {name}: it cannot be learnt.")
    for split in splits:
        annotations = {annotation for _, annotation in data.samples(split)}
        for path in sorted(Path(args.folder, f"{split}annot").glob("*.png")):
            if path not in annotations and not path.name.startswith("."):
                print(f"{path} belongs to no photograph.")
    bad = [sentence for what in surveys.values() for sentence in what.bad]
    if bad:
        print("\nTo be mended or removed:\n" + "\n".join(bad))
        raise InputError(f"{len(bad)} to mend: train.py will not take this data set as it is")
    print("Every file can be used.")


def share(pixels, total):
    return f"{100 * pixels / total:.2f}" if pixels else "-"
