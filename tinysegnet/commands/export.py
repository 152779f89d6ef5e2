"""python -m tinysegnet export"""

import os
import textwrap
from pathlib import Path

from tinysegnet import inference
from tinysegnet.commands.options import ITS_OWN, add_weights, check_new
from tinysegnet.export import onnx, safetensors
from tinysegnet.support import atomic
from tinysegnet.support.errors import InputError
from tinysegnet.support.options import at_least_1, height_x_width

SUMMARY = "a trained network as a file for other programs"
DESCRIPTION = """Write a network as an ONNX graph, which onnxruntime, OpenVINO and OpenCV
compute, or its arrays as a .safetensors, which PyTorch and import-weights read.
See docs/export.md.
"""


def add_options(option):
    option("--onnx", metavar="FILE", help="the graph (needs pip install -e '.[onnx]')")
    option("--safetensors", metavar="FILE", help="the arrays (needs pip install -e '.[safetensors]')")
    add_weights(option)
    option("--size", type=height_x_width, metavar="HxW", help="of the graph's images (default: as it was trained)")
    option("--batch", type=at_least_1, metavar="N", help="images that the graph takes at a time (default: 1)")


def run(args):
    if args.onnx is None and args.safetensors is None:
        raise InputError("nothing is to be written: name a file by --onnx or --safetensors")
    if args.onnx is None and (args.size or args.batch):
        raise InputError("--size and --batch belong to a graph: add --onnx FILE, or leave them out")
    if args.onnx and args.safetensors and os.path.realpath(args.onnx) == os.path.realpath(args.safetensors):
        raise InputError(f"--onnx and --safetensors both name {args.onnx}: name two files")
    for path in (args.onnx, args.safetensors):
        if path is not None:
            check_new(path)
    contents, lines = {}, [ITS_OWN] if args.weights is None else []
    if args.onnx:
        model = inference.load(args.weights)
        size, batch = args.size or tuple(model.meta["size"]), args.batch or 1
        contents[args.onnx] = onnx.graph(model, size, batch).SerializeToString()
        lines += described(args.onnx, model, size, batch)
    if args.safetensors:
        model = inference.as_saved(args.weights)
        contents[args.safetensors] = safetensors.content(model)
        lines.append(f"{args.safetensors}: {len(model.params)} parameters, {len(model.stats)} running statistics")
    write_all(contents)
    print("\n".join(lines))


def write_all(contents):
    """Write {path: bytes}, all of them or none."""
    written = []
    try:
        for path, content in contents.items():
            atomic.write(path, content)
            written.append(path)
    except BaseException:
        for path in written:
            Path(path).unlink()
        raise


def described(path, model, size, batch):
    """Lines that say what the graph in that file takes and gives, and what it leaves out."""
    classes = model.meta["classes"]
    H, W = size
    yield f"{path} takes {onnx.IMAGE}, float32 ({batch}, 3, {H}, {W}): RGB, 0 to 255,"
    yield f"and gives {onnx.LOGITS}, float32 ({batch}, {len(classes)}, {H}, {W}), one channel a class:"
    yield textwrap.fill(", ".join(classes), 79)
    if model.meta["test_scales"]:
        left_out = f"It is one look. `predict` and `evaluate` take several: {inference.how_seen(model.meta)}."
        yield textwrap.fill(left_out, 79)
