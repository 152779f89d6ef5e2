"""python benchmarks/screening.py"""

import argparse
import statistics

import drives  # first: it puts this clone on the path
from drives import LOOKS, ONE_LOOK, all_judged, of_drives, summary, write

from tinysegnet.support.errors import exit_in_words
from tinysegnet.support.options import at_least_0, at_least_1, height_x_width

DESCRIPTION = """Which ingredients help on a drive that the network has never seen.

--recipe best is changed by each of eleven ingredients, or not, in a design of
12 recipes (Plackett and Burman, 1946): each ingredient is in six of them, and
any two are together in three. Its effect is the mean of the six with it less
that of the six without, so that all trainings count for each. Each recipe is
judged as by benchmarks/drives.py, in one look, and as there the same command
goes on after Ctrl-C. Writes benchmarks/results/screening.md.
"""
RARE = "Pole", "SignSymbol", "Pedestrian", "Bicyclist"
INGREDIENTS = {
    "light": {"relight": 0.5, "jitter": None},
    "scale": {"scale": (0.5, 2.0)},
    "warm-up": {"warm_up": 2},
    "paste": {"paste": RARE},
    "oversample": {"oversample": tuple(drives.DRIVES)},
    "auxiliary": {"network": "segnet-basic-auxiliary", "auxiliary": 0.4},
    "smoothing": {"label_smoothing": 0.1},
    "lovasz": {"lovasz": 0.5},
    "hard-pixels": {"hard_pixels": 0.5},
    "late-crop": {"late_crop": 1.0},
    "standardised": {"normalisation": "standardised"},
}
FIRST = "++-+++---+-"       # of the design; the next ten rows are this one moved on by one each; the last has none


def design():
    """The ingredients of each of the 12 recipes, by Plackett and Burman."""
    names = list(INGREDIENTS)
    rows = [[name for i, name in enumerate(names) if FIRST[(i - shift) % 11] == "+"] for shift in range(11)]
    return [*rows, []]


def effects(values):
    """{ingredient: the mean of the recipes with it less that of those without}

    values  of the rows of the design
    """
    rows = list(zip(design(), values, strict=True))
    return {name: statistics.mean(value for row, value in rows if name in row)
            - statistics.mean(value for row, value in rows if name not in row) for name in INGREDIENTS}


def standard_error(effects):
    """Of effects, if most of them are none: Lenth's pseudo standard error (1989)."""
    sizes = [abs(effect) for effect in effects]
    first = 1.5 * statistics.median(sizes)
    return 1.5 * statistics.median(size for size in sizes if size <= 2.5 * first)


def report(recipes, table, args):
    """recipes: the Jobs of each row of the design"""
    yield from drives.header("Which ingredients help on a drive never seen", args)
    values = [summary(jobs, table, ONE_LOOK) for jobs in recipes]
    columns = "all three", *drives.DRIVES
    yield f"| ingredient | {' | '.join(columns)} |\n|---|---|---|---|---|"
    by_column = [effects(column) for column in zip(*values)]
    for name in sorted(INGREDIENTS, key=by_column[0].get, reverse=True):
        yield f"| {name} | {' | '.join(f'{effect[name]:+.1f}' for effect in by_column)} |"
    errors = [f"{standard_error(effect.values()):.1f}" for effect in by_column]
    yield f"| standard error (Lenth) | {' | '.join(errors)} |"
    yield "\nPoints of mIoU: the six recipes with it less the six without. One seed, one look.\n"
    yield f"| recipe: best with | {' | '.join(columns)} |\n|---|---|---|---|---|"
    for row, numbers in zip(design(), values):
        yield f"| {', '.join(row) or 'none of them'} | {' | '.join(f'{number:.1f}' for number in numbers)} |"


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="data/CamVid", metavar="FOLDER", help="CamVid (default: %(default)s)")
    parser.add_argument("--size", type=height_x_width, default=(120, 160), metavar="HxW", help="default: 120x160")
    parser.add_argument("--epochs", type=at_least_1, default=20, help="default: %(default)s")
    parser.add_argument("--seed", type=at_least_0, default=0, help="default: %(default)s")
    args = parser.parse_args()
    data = drives.camvid_at(args.data)
    recipes = []
    for row in design():
        changes = {setting: value for name in row for setting, value in INGREDIENTS[name].items()}
        recipes.append(of_drives("_".join(row) or "all_off", "best", changes, args.seed, args))
    table = all_judged([job for jobs in recipes for job in jobs], data, {ONE_LOOK: LOOKS[ONE_LOOK]})
    write("screening.md", report(recipes, table, args))


if __name__ == "__main__":
    exit_in_words(main)
