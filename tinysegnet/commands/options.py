"""Options that several commands have."""

from tinysegnet.support.options import at_least_2

ITS_OWN = "Network: the one that comes with tinysegnet, trained on CamVid."


def add_weights(option):
    usual = "the network that comes with this, for CamVid"
    option("--weights", metavar="FILE", help=f"a checkpoint, such as runs/first/best.npz (default: {usual})")


def add_samples(option):
    option("--samples", type=at_least_2, metavar="N", help="a network with dropout looks N times, in one size")


def add_backend(option):
    option("--backend", choices=("numpy", "cupy"), default="numpy", help="processor or GPU (default: %(default)s)")
