"""Recipes, and the settings of a run: a recipe, what the command line says besides, and what the data decide."""

from pathlib import Path

from tinysegnet import runs
from tinysegnet.errors import InputError
from tinysegnet.inputs import CENTRED, LOCAL_RESPONSE

# What is not of every day. `schedule` is constant, or cosine (down to 0 at the last step); `optimiser` one of optim.py;
# `balance` the power of the median-frequency class weights, 0 for none; `flip`, `scale`, `crop` and `light` those of
# data.augment; `input` one of inputs.py; `test_scales` how a trained network looks at a photograph, see
# training.classify; `select` the figure on val by which the best epoch is chosen.
RECIPES = {
    "streets": dict(
        epochs=9, batch=2, optimiser="sgd", lr=0.06, schedule="cosine", momentum=0.9, weight_decay=5e-4, balance=0.7,
        flip=False, scale=None, crop=None, light=None, input=CENTRED, test_scales=None, select="mIoU",
    ),
    "photographs": dict(
        epochs=100, batch=4, optimiser="sgd", lr=0.1, schedule="cosine", momentum=0.9, weight_decay=5e-4, balance=0.5,
        flip=True, scale=None, crop=None, light=None, input=CENTRED, test_scales=None, select="mIoU",
    ),
    # The authors', but for the biases' rate (theirs is twice as high).
    "paper": dict(
        epochs=100, batch=12, optimiser="sgd", lr=0.1, schedule="constant", momentum=0.9, weight_decay=5e-4, balance=1,
        flip=False, scale=None, crop=None, light=None, input=LOCAL_RESPONSE, test_scales=None, select="G",
    ),
    # What the network that comes with this project was trained by, on CamVid at 270x360.
    "best": dict(
        epochs=140, batch=2, optimiser="adam", lr=7e-4, schedule="cosine", momentum=0.9, weight_decay=0.02,
        balance=0.25, flip=True, scale=(0.75, 1.25), crop=2/3, light=0.3, input=CENTRED, test_scales=(1, 0.75),
        select="mIoU",
    ),
}


def settle(args, data, train, val):
    """The settings of a run, a plain dict: the recipe, what the command line says, and what the data set decides.

    args        the command line; after --resume those settings again
    train, val  the Survey of each split

    Raises InputError if they do not go with the data.
    """
    name = args.recipe or data.recipe
    said = {key: value for key, value in vars(args).items() if key not in ("name", "resume")}
    if not args.resume:         # a run that goes on keeps what it began with, whatever its recipe says by now
        said = {"ignore": None, **RECIPES[name], **{key: value for key, value in said.items() if value is not None}}
    settings = said | {"recipe": name, "data": data.source}
    if "size" not in settings:
        if len(train.sizes | val.sizes) > 1:
            raise InputError(f"the images of {data.name} are not of one size: give one to all with --size HxW")
        settings["size"], = train.sizes
    if settings["batch"] > train.images:
        few = train.images
        raise InputError(f"a batch of {settings['batch']} is more than the {few} training images: give --batch {few}")
    settings["steps"] = -(-train.images // settings["batch"])
    return settings


def settings_kept(parser):
    """The command line of a run that goes on: what it leaves out is as it was. InputError if it says otherwise."""
    path = Path("runs") / parser.parse_args().name
    kept = runs.read_config(path)["settings"]
    parser.set_defaults(**kept)
    args = parser.parse_args()
    for name, value in kept.items():
        if getattr(args, name) != value and name not in ("data", "backend"):    # those may have moved
            was = "x".join(map(str, value)) if name == "size" else value
            raise InputError(f"--{name} was {was} when {path} began: leave it out, or start another --name")
    return args
