"""python -m tinysegnet download"""

from tinysegnet.data import download
from tinysegnet.support.signals import stopped_with

SUMMARY = "bring CamVid here, about 150 MB, and verify it"
DESCRIPTION = """Fetch CamVid from the repository of SegNet's authors, with a progress bar. An
interrupted download goes on where it was, if the server allows it, or starts
again. Each folder is verified by its git tree id before any of it appears.
"""


def add_options(option):
    option("--to", default="data/CamVid", metavar="FOLDER", help="default: %(default)s, where train.py looks")


def run(args):
    print(download.LICENCE)
    with stopped_with("run this again to go on"):
        download.download(args.to)
    print(f"CamVid is in {args.to}, complete and verified.")
