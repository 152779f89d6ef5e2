"""python -m tinysegnet import-data"""

import shlex
import textwrap

from tinysegnet.commands.check_data import print_problems
from tinysegnet.importers import (
    camvid32,
    cityscapes,
    coco,
    colours,
    datumaro_camvid,
    label_studio,
    labelme,
    sunrgbd,
    voc,
)
from tinysegnet.importers.writing import import_data
from tinysegnet.support.options import at_least_0, between, choice
from tinysegnet.support.program import program
from tinysegnet.support.signals import stopped_with

KINDS = {
    "colours": colours, "camvid32": camvid32, "voc": voc, "labelme": labelme, "coco": coco, "sunrgbd": sunrgbd,
    "datumaro-camvid": datumaro_camvid, "cityscapes": cityscapes, "label-studio": label_studio,
}
SUMMARY = "make a data set of one in another tool's format"
DESCRIPTION = """Make FOLDER, a data set as tinysegnet reads it, of one in another tool's format
in SOURCE, which stays as it is. What cannot be taken is listed.
"""
EPILOG = "KIND, and what is looked for in SOURCE:\n" + "".join(
    f"\n  {kind}\n{textwrap.indent(module.LAYOUT, ' ' * 6)}\n" for kind, module in KINDS.items()
)


def add_options(option):
    option("kind", metavar="KIND", type=choice(*KINDS), help="the format, see below")
    option("source", metavar="SOURCE", help="the folder that has the data set")
    option("folder", metavar="FOLDER", help="the folder that is to have it")
    option("--classes", metavar="FILE", help="names of the classes, one a line, in the order that their labels are "
           "to have; pixels of no class do not count, unless background is one of them")
    option("--val", type=between(0, 0.9), default=0.2, metavar="SHARE",
           help="of the photographs, if SOURCE does not say which are val (default: %(default)s)")
    option("--seed", type=at_least_0, default=0, metavar="N", help="of the choice of these (default: %(default)s)")


def run(args):
    with stopped_with("nothing was written"):
        done = import_data(KINDS[args.kind].read, args.source, args.folder, args.val, args.seed, args.classes)
    counts = ", ".join(f"{count} {split}" for split, count in done.counts.items())
    said = f"{args.folder}: {counts}; {len(done.classes)} classes: {', '.join(done.classes)}"
    print(textwrap.fill(said, 79, subsequent_indent="  ", break_on_hyphens=False))
    if done.how:
        print(textwrap.fill(f"Val was chosen here: {done.how}.", 79, break_on_hyphens=False))
    if args.val and "val" not in done.counts:
        print("There is no val, as there is one photograph: add another, or say --val 0.")
    if done.saved:
        print(f"Saved anew, as PNG: {done.saved} photograph{'s' * (done.saved > 1)}.")
    if done.unused:
        said = f"No pixel is {', '.join(done.unused)}: to leave that out, name the others by --classes FILE."
        print(textwrap.fill(said, 79, break_on_hyphens=False))
    print_problems("Not taken", [problem for problem in done.problems.values() if problem.refused])
    print_problems("Could be wrong", [problem for problem in done.problems.values() if not problem.refused])
    print(f"\nNow see what is in it:\n{program()} check-data {shlex.quote(args.folder)}")
