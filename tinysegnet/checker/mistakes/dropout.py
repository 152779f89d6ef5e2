"""Known wrong answers of dropout and dropout_backward."""

import numpy as np

from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops.more import dropout
from tinysegnet.ops.more.dropout import draw_mask

READ = "tinysegnet/ops/more/dropout.py"


def cases():
    """With rates other than 1/2, of which 1 - rate is another number."""
    rng = np.random.default_rng(0)
    for shape, rate in ((2, 4, 5, 3), 0.3), ((3, 7, 6, 2), 0.2):
        yield rng.standard_normal(shape), draw_mask(rng, shape, rate, float)


def kept(a, mask):
    """a where the mask keeps it, and 0 elsewhere."""
    return a * (mask > 0)


def first_of(mask, *axes):
    """The mask's first image, row, ... for all."""
    return np.broadcast_to(mask[tuple(slice(1) if axis in axes else slice(None) for axis in range(4))], mask.shape)


backward = Table(READ, cases, ["dx"], dropout)


@backward.formula
def right_dx(dy, x, mask):
    dx = dy * mask
    return dx


backward.mistake("dy is handed on everywhere, but what was dropped had no part in y: multiply by the mask",
                 no_mask=lambda dy, x, mask: dy)
backward.mistake("where x was kept dx is dy as it is: y was made larger there by 1 / (1 - rate), and so is dx",
                 not_made_larger=lambda dy, x, mask: kept(dy, mask))
backward.mistake("dy is multiplied by the mask twice: the mask has the 1 / (1 - rate) already",
                 mask_twice=lambda dy, x, mask: dy * mask**2)
backward.mistake("dy is divided by the mask where x was kept: the backward does not undo the forward, it multiplies by "
                 "the same mask", divided=lambda dy, x, mask: kept(dy, mask) / mask.max())
backward.mistake("what was kept is divided by rate: the mask has 1 / (1 - rate) there",
                 over_rate=lambda dy, x, mask: kept(dy, mask) / (1 - 1 / mask.max()))
backward.mistake("what was kept is divided by the share that happened to be kept: the mask has 1 / (1 - rate) already",
                 over_the_share_kept=lambda dy, x, mask: kept(dy, mask) / (mask > 0).mean())
backward.mistake("the mask is the wrong way round: dy passes where x was dropped",
                 turned_round=lambda dy, x, mask: dy * (mask == 0))
backward.mistake("nothing is dropped, and all is made larger by 1 / (1 - rate): dx is 0 where x was dropped",
                 larger_everywhere=lambda dy, x, mask: dy * mask.max())
backward.mistake("where x was dropped dx is dy: it had no part in y, so dx is 0 there",
                 dropped_handed_on=lambda dy, x, mask: np.where(mask > 0, dy * mask, dy))
backward.mistake("dy is multiplied by 1 - mask: y was x * mask", one_minus_mask=lambda dy, x, mask: dy * (1 - mask))
backward.mistake("dx is dy times the output: the slope of x * mask is the mask, whatever x was",
                 times_output=lambda dy, x, mask: dy * x * mask)
backward.mistake("dx is x * mask, the forward once more: dy belongs in the place of x",
                 forward_again=lambda dy, x, mask: x * mask)
backward.mistake("dx is the slope alone, the mask: multiply it by dy", only_the_mask=lambda dy, x, mask: mask)
backward.mistake("the mask is added to dy: the chain rule multiplies", mask_added=lambda dy, x, mask: dy + mask)
backward.mistake("the sign is turned round: the slope of x * mask is the mask", sign=lambda dy, x, mask: -dy * mask)
backward.mistake("every image has the mask of the first: each has its own",
                 first_image_for_all=lambda dy, x, mask: dy * first_of(mask, 0))
backward.mistake("every channel has the mask of the first: each number of a pixel has its own",
                 first_channel_for_all=lambda dy, x, mask: dy * first_of(mask, 3))
backward.mistake("every pixel has the mask of the first: each has its own",
                 first_pixel_for_all=lambda dy, x, mask: dy * first_of(mask, 1, 2))


forward = Table(READ, cases, ["y"], dropout)


@forward.formula
def right_y(x, mask):
    y = x * mask
    return y


forward.mistake("y is x: multiply it by the mask", unchanged=lambda x, mask: x)
forward.mistake("what is kept is x as it is: it should be made larger by 1 / (1 - rate), which the mask has there",
                not_made_larger=kept)
forward.mistake("x is multiplied by the mask twice: the mask has the 1 / (1 - rate) already",
                mask_twice=lambda x, mask: x * mask**2)
forward.mistake("what is kept is made smaller by 1 - rate: it should be made larger by 1 / (1 - rate)",
                made_smaller=lambda x, mask: kept(x, mask) / mask.max())
forward.mistake("nothing is dropped, and all is made smaller by 1 - rate: that is how networks are used whose dropout "
                "made nothing larger in training; here y is x * mask",
                as_if_used=lambda x, mask: x / mask.max())
forward.mistake("what is kept is divided by rate: the mask has 1 / (1 - rate) there",
                over_rate=lambda x, mask: kept(x, mask) / (1 - 1 / mask.max()))
forward.mistake("what is kept is divided by the share that happened to be kept: the mask has 1 / (1 - rate) already",
                over_the_share_kept=lambda x, mask: kept(x, mask) / (mask > 0).mean())
forward.mistake("the mask is the wrong way round: y is x where the mask is 0, and 0 elsewhere",
                turned_round=lambda x, mask: x * (mask == 0))
forward.mistake("nothing is dropped, and all is made larger by 1 / (1 - rate): y is 0 where the mask is 0",
                larger_everywhere=lambda x, mask: x * mask.max())
forward.mistake("what the mask drops is left as it is: it should be 0",
                dropped_left=lambda x, mask: np.where(mask > 0, x * mask, x))
forward.mistake("y is the mask: multiply x by it", only_the_mask=lambda x, mask: mask)
forward.mistake("x is multiplied by 1 - mask: multiply it by the mask", one_minus_mask=lambda x, mask: x * (1 - mask))
forward.mistake("the mask is added to x: multiply by it", mask_added=lambda x, mask: x + mask)
forward.mistake("y has only what is kept, in a row (x[mask > 0]): it should have the shape of x, with 0 where x is "
                "dropped", only_what_is_kept=lambda x, mask: x[mask > 0])
forward.mistake("every image has the mask of the first: each has its own",
                first_image_for_all=lambda x, mask: x * first_of(mask, 0))
forward.mistake("every channel has the mask of the first: each number of a pixel has its own",
                first_channel_for_all=lambda x, mask: x * first_of(mask, 3))
forward.mistake("every pixel has the mask of the first: each has its own",
                first_pixel_for_all=lambda x, mask: x * first_of(mask, 1, 2))
