"""python -m tinysegnet evaluate | predict | check-data | download; installed, it is `tinysegnet` alone too."""

import argparse
import sys
from pathlib import Path

from tinysegnet.commands import check_data, download, evaluate, predict
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.support.errors import exit_in_words
from tinysegnet.support.options import Parser

COMMANDS = {"evaluate": evaluate, "predict": predict, "check-data": check_data, "download": download}


def main():
    by_name = Path(sys.argv[0]).stem == "tinysegnet"
    prog = "tinysegnet" if by_name else "python -m tinysegnet"
    parser = Parser(prog=prog, description="For training see  python train.py -h")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name, help=module.SUMMARY, description=module.DESCRIPTION,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_options(command.add_argument)
        command.set_defaults(run=module.run)
    args = parser.parse_args()
    keep_freed_memory()
    args.run(args)


def entry():
    """What the command `tinysegnet` calls."""
    exit_in_words(main)


if __name__ == "__main__":
    entry()
