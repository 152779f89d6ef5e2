"""python -m tinysegnet COMMAND, see COMMANDS. Installed, it is `tinysegnet` alone too.
"""

import argparse
import sys
from importlib import import_module

from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.support.errors import exit_in_words
from tinysegnet.support.options import Parser
from tinysegnet.support.program import program

COMMANDS = "train", "evaluate", "predict", "look", "export", "import-weights", "check-data", "import-data", "download"


def main():
    parser = Parser(prog=program())
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    asked = [name for name in COMMANDS if name in sys.argv[1:2]]
    for name in asked or COMMANDS:              # one alone, if it can be: it begins sooner
        module = module_of(name)
        command = commands.add_parser(
            name, help=module.SUMMARY, description=module.DESCRIPTION, epilog=getattr(module, "EPILOG", None),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_options(command.add_argument)
        command.set_defaults(run=module.run)
    args = parser.parse_args()
    keep_freed_memory()
    args.run(args)


def module_of(command):
    return import_module(f"tinysegnet.commands.{command.replace('-', '_')}")


def entry():
    """What the command `tinysegnet` calls."""
    if sys.argv[1:2] == ["train"]:
        exit_in_words(main, module_of("train").OUT_OF_MEMORY)
    else:
        exit_in_words(main)


if __name__ == "__main__":
    entry()
