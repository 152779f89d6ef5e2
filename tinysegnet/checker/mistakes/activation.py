"""Known wrong answers of relu and relu_backward."""

import numpy as np

from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops.activation import relu

READ = "tinysegnet/ops/activation.py"


def cases():
    rng = np.random.default_rng(0)
    for shape in ((2, 4, 5, 3), (3, 7, 6, 2)):
        yield (rng.standard_normal(shape),)


backward = Table(READ, cases, ["dx"], relu)


@backward.formula
def right_dx(dy, x):
    dx = dy * (x > 0)
    return dx


backward.mistake("dy is handed on everywhere, but where x was negative it could not move the output",
                 no_mask=lambda dy, x: dy)
backward.mistake("the mask is the wrong way round: dy passes where x was positive",
                 mask_turned_round=lambda dy, x: dy * (x < 0))
backward.mistake("dy passes where dy is positive, and must pass where x was",
                 mask_from_dy=lambda dy, x: dy * (dy > 0))
backward.mistake("dx is dy times the output: the slope of ReLU is 1 where x was positive, whatever the value",
                 relu_of_product=lambda dy, x: dy * np.maximum(x, 0))
backward.mistake("dx is the slope alone: multiply it by dy", only_the_mask=lambda dy, x: (x > 0).astype(x.dtype))
backward.mistake("a hundredth of dy passes where x was negative: that is the leaky ReLU; here it is 0",
                 leaky=lambda dy, x: np.where(x > 0, dy, 0.01 * dy))
backward.mistake("dx is 0 where dy is negative too: only the sign of x matters",
                 both_masks=lambda dy, x: dy * (x > 0) * (dy > 0))
backward.mistake("the sign is turned round: the slope of ReLU is 1 where x was positive, not -1",
                 sign=lambda dy, x: -dy * (x > 0))
backward.mistake("the slope is added to dy: the chain rule multiplies", slope_added=lambda dy, x: dy + (x > 0))

backward.mistake("a tenth of dy passes where x was negative: that is a leaky ReLU; here it is 0",
                 leaky_by_a_tenth=lambda dy, x: np.where(x > 0, dy, 0.1 * dy))
backward.mistake("dx is minus dy where x was negative: that is the slope of the absolute value; here it is 0",
                 of_absolute_value=lambda dy, x: np.where(x > 0, dy, -dy))
backward.mistake("dx is 1 where x was negative: there x could not move the output, so it is 0",
                 ones_where_negative=lambda dy, x: np.where(x > 0, dy, 1))
backward.mistake("dx is x where x was negative: there x could not move the output, so it is 0",
                 x_where_negative=lambda dy, x: np.where(x > 0, dy, x))
backward.mistake("dx is x where dy is positive: it should be dy where x was positive",
                 exchanged=lambda dy, x: x * (dy > 0))
backward.mistake("dx is divided by the number of entries: the loss has taken its mean already",
                 divided=lambda dy, x: dy * (x > 0) / dy.size)
backward.mistake("the sign of dy is lost: multiply dy as it is", sign_lost=lambda dy, x: np.abs(dy) * (x > 0))


forward = Table(READ, cases, ["y"], relu)


@forward.formula
def right_y(x):
    y = np.maximum(x, 0)
    return y


forward.mistake("y is the absolute value of x: where x is negative, y should be 0", absolute_value=lambda x: np.abs(x))
forward.mistake("y is the smaller of x and 0, and must be the larger", minimum=lambda x: np.minimum(x, 0))
forward.mistake("y is 1 where x is positive: it should be x itself there", the_mask=lambda x: (x > 0).astype(x.dtype))
forward.mistake("y is x: what is negative should have become 0", unchanged=lambda x: x)
forward.mistake("y is minus x where x is negative: the sign is the wrong way round",
                turned_round=lambda x: np.maximum(-x, 0))
forward.mistake("y keeps a hundredth of what is negative: that is the leaky ReLU; here it is 0",
                leaky=lambda x: np.where(x > 0, x, 0.01 * x))
forward.mistake("y is cut off at 1: ReLU has no upper end", cut_at_one=lambda x: np.clip(x, 0, 1))
forward.mistake("y is the square of x where x is positive: it should be x itself there",
                squared=lambda x: np.maximum(x, 0) ** 2)
forward.mistake("y keeps a tenth of what is negative: that is a leaky ReLU; here it is 0",
                leaky_by_a_tenth=lambda x: np.where(x > 0, x, 0.1 * x))
forward.mistake("y keeps a fifth of what is negative: that is a leaky ReLU; here it is 0",
                leaky_by_a_fifth=lambda x: np.where(x > 0, x, 0.2 * x))
forward.mistake("y is twice x where x is positive, as x + |x| gives it: it should be x itself there",
                twice=lambda x: x + np.abs(x))
forward.mistake("y is exp(x) - 1 where x is negative: that is the ELU; here it is 0",
                elu=lambda x: np.where(x > 0, x, np.exp(x) - 1))
forward.mistake("y is log(1 + exp(x)): that is the softplus; ReLU is x or 0", softplus=lambda x: np.log1p(np.exp(x)))
forward.mistake("y is 1 / (1 + exp(-x)): that is the sigmoid; ReLU is x or 0", sigmoid=lambda x: 1 / (1 + np.exp(-x)))
forward.mistake("y is the hyperbolic tangent of x: ReLU is x or 0", tanh=lambda x: np.tanh(x))
forward.mistake("y is 1 where x is negative: it should be 0 there", ones=lambda x: np.where(x > 0, x, 1))
