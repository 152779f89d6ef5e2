"""Options that several commands have."""

ITS_OWN = "Network: the one that comes with tinysegnet, trained on CamVid."


def add_weights(option):
    usual = "the network that comes with this, for CamVid"
    option("--weights", metavar="FILE", help=f"a checkpoint, such as runs/first/best.npz (default: {usual})")


def add_backend(option):
    option("--backend", choices=("numpy", "cupy"), default="numpy", help="processor or GPU (default: %(default)s)")
