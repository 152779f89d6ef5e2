"""python -m tinysegnet train | evaluate | predict | check-data | download; installed, it is `tinysegnet` alone too."""

import argparse
import sys

from tinysegnet.commands import check_data, download, evaluate, predict, train
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.support.errors import exit_in_words
from tinysegnet.support.options import Parser
from tinysegnet.support.program import program

COMMANDS = {
    "train": train, "evaluate": evaluate, "predict": predict, "check-data": check_data, "download": download,
}


def main():
    parser = Parser(prog=program())
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(
            name, help=module.SUMMARY, description=module.DESCRIPTION, epilog=getattr(module, "EPILOG", None),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_options(command.add_argument)
        command.set_defaults(run=module.run)
    args = parser.parse_args()
    keep_freed_memory()
    args.run(args)


def entry():
    """What the command `tinysegnet` calls."""
    if sys.argv[1:2] == ["train"]:
        exit_in_words(main, train.OUT_OF_MEMORY)
    else:
        exit_in_words(main)


if __name__ == "__main__":
    entry()
