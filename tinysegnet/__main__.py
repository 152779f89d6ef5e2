"""python -m tinysegnet evaluate | predict | check-data | download"""

import argparse

from tinysegnet.commands import check_data, download, evaluate, predict
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.support.errors import exit_in_words

COMMANDS = {"evaluate": evaluate, "predict": predict, "check-data": check_data, "download": download}


def main():
    parser = argparse.ArgumentParser(prog="python -m tinysegnet", description="For training see  python train.py -h")
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


if __name__ == "__main__":
    exit_in_words(main)
