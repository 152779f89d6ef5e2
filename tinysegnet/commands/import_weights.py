"""python -m tinysegnet import-weights"""

from tinysegnet import checkpoint
from tinysegnet.commands.options import check_new
from tinysegnet.export import safetensors

SUMMARY = "a checkpoint from a .safetensors that export wrote"
DESCRIPTION = """Make a checkpoint, as --weights takes it, of a .safetensors that `export` wrote,
whose arrays may have been changed since. See docs/export.md.
"""


def add_options(option):
    option("file", metavar="FILE.safetensors", help="needs pip install -e '.[safetensors]'")
    option("out", metavar="OUT.npz", help="the checkpoint")


def run(args):
    check_new(args.out)
    meta, params, stats = safetensors.load(args.file)
    checkpoint.save(args.out, meta, params=params, stats=stats)
    print(f"{args.out} is a checkpoint of {meta['network']['name']}, {len(meta['classes'])} classes: see --weights")
