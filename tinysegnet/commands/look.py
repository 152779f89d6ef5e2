"""python -m tinysegnet look"""

from pathlib import Path

from tinysegnet import inference
from tinysegnet.commands.options import ITS_OWN, add_weights
from tinysegnet.look.views import Network, Views
from tinysegnet.support.errors import InputError
from tinysegnet.support.options import port

SUMMARY = "a page to look inside a network"
DESCRIPTION = """Serve a page, to this machine alone, that shows what a network computes in a
photograph, map by map: where its corners travel, how a value comes to be, and
what an output pixel depends on.
"""
STREETS = inference.SHIPPED.with_name("streets.npz")
OF_STREETS = "Network: a small one that comes with tinysegnet, trained on such drawn streets."


def add_options(option):
    add_weights(option, "the one that comes with this, for CamVid; of streets, one that was trained on streets")
    option("--port", type=port, default=8008, metavar="N", help="of this machine (default: %(default)s)")
    option("--export", metavar="DIR", help="write the page of the streets as files that need no program, and end")


def run(args):
    if args.weights is not None:
        views = Views(*[Network(inference.load(args.weights), f"Network: {Path(args.weights).name}.")] * 2)
    else:
        views = Views(Network(inference.load(), ITS_OWN), Network(inference.load(STREETS), OF_STREETS))
    if args.export is not None:
        from tinysegnet.look import static

        static.write(args.export, views)
        size = sum(path.stat().st_size for path in Path(args.export).iterdir())
        return print(f"{args.export} has the page, {size / 1e6:.1f} MB: open its index.html")
    try:
        from tinysegnet.look import server
    except ModuleNotFoundError as error:
        raise InputError("look needs two packages: install them with  pip install -e '.[look]'") from error
    server.serve(views, args.port, ready)


def ready(port):
    print(f"Open http://127.0.0.1:{port}/ in a browser. Ctrl-C ends it.", flush=True)
