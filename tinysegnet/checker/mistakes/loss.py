"""Known wrong answers of softmax, softmax_cross_entropy and softmax_cross_entropy_backward."""

from functools import wraps
from types import SimpleNamespace

import numpy as np

from tinysegnet.checker.mistakes.table import Table
from tinysegnet.ops.loss import log_softmax, softmax, softmax_cross_entropy

READ = "tinysegnet/ops/loss.py"


def logits_alone():
    rng = np.random.default_rng(0)
    for shape in ((2, 4, 5, 3), (3, 7, 6, 4)):
        yield (rng.standard_normal(shape),)


def shifted(logits):
    """The exponentials as most write them, after the largest logit of each pixel is taken away."""
    return np.exp(logits - logits.max(axis=-1, keepdims=True))


of_softmax = Table(READ, logits_alone, ["p"], softmax)


@of_softmax.formula
def right_p(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return p


of_softmax.mistake("the sum goes over everything: it goes over the classes of one pixel, the last axis",
                   over_everything_shifted=lambda logits: shifted(logits) / shifted(logits).sum())
of_softmax.mistake("the sum goes over the images: it goes over the classes, the last axis",
                   over_images_shifted=lambda logits: shifted(logits) / shifted(logits).sum(axis=0))
of_softmax.mistake("the sum goes over the rows of the image: it goes over the classes, the last axis",
                   over_rows_shifted=lambda logits: shifted(logits) / shifted(logits).sum(axis=1, keepdims=True))
of_softmax.mistake("the largest logit is taken away above the line and not below it: shift both",
                   shift_in_one_place=lambda logits: shifted(logits) / np.exp(logits).sum(axis=-1, keepdims=True))
of_softmax.mistake("the logits are divided by the largest: subtract it",
                   divided_by_the_largest=lambda logits: softmax(logits / logits.max(axis=-1, keepdims=True)))


@of_softmax.mistake("the logits themselves, less the largest, are divided by their sum: take their exponentials first")
def without_exponential_shifted(logits):
    less = logits - logits.max(axis=-1, keepdims=True)
    return less / less.sum(axis=-1, keepdims=True)


of_softmax.mistake("the sum goes over everything: it goes over the classes of one pixel, the last axis",
                   over_everything=lambda logits: np.exp(logits) / np.exp(logits).sum())
of_softmax.mistake("the sum goes over the images: it goes over the classes, the last axis",
                   over_images=lambda logits: np.exp(logits) / np.exp(logits).sum(axis=0))
of_softmax.mistake("the sum goes over the rows of the image: it goes over the classes, the last axis",
                   over_rows=lambda logits: np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
of_softmax.mistake("the sum goes over the pixels: it goes over the classes, the last axis",
                   over_pixels=lambda logits: np.exp(logits) / np.exp(logits).sum(axis=(0, 1, 2)))
of_softmax.mistake("the exponentials are not divided by their sum", not_divided=np.exp, shifted_and_not_divided=shifted)
of_softmax.mistake("the exponentials are divided by their mean, and must be divided by their sum",
                   mean_for_sum=lambda logits: np.exp(logits) / np.exp(logits).mean(axis=-1, keepdims=True))
of_softmax.mistake("this is log p: take the exponential", logarithm=log_softmax)
of_softmax.mistake("the logits themselves are divided by their sum: take their exponentials first",
                   without_exponential=lambda logits: logits / logits.sum(axis=-1, keepdims=True))
of_softmax.mistake("the sign of the logits is turned round: the largest must give the largest p",
                   minus=lambda logits: softmax(-logits))
of_softmax.mistake("each class has a sigmoid of its own: the classes of a pixel share one sum",
                   sigmoid=lambda logits: 1 / (1 + np.exp(-logits)))
of_softmax.mistake("p is 1 for the largest logit and 0 for the others: that is argmax; softmax leaves something to "
                   "each", the_best=lambda logits: (logits == logits.max(axis=-1, keepdims=True)).astype(logits.dtype))
of_softmax.mistake("the powers are those of 2: take the exponential", base_2=lambda logits: softmax(logits * np.log(2)))
of_softmax.mistake("the sum goes over the columns of the image: it goes over the classes, the last axis",
                   over_columns=lambda logits: np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True))
of_softmax.mistake("the sum goes over rows and columns: it goes over the classes, the last axis",
                   over_the_image=lambda logits: np.exp(logits) / np.exp(logits).sum(axis=(1, 2), keepdims=True))
of_softmax.mistake("the exponentials are divided by the root of the sum of their squares: divide by their sum",
                   by_length=lambda logits: shifted(logits) / np.linalg.norm(shifted(logits), axis=-1, keepdims=True))
of_softmax.mistake("this is minus log p: take the exponential", minus_logarithm=lambda logits: -log_softmax(logits))
of_softmax.mistake("the softmax is taken twice", twice=lambda logits: softmax(softmax(logits)))


def cases():
    rng = np.random.default_rng(0)
    for N, H, W, classes in ((2, 4, 5, 3), (3, 7, 6, 5)):
        labels = rng.integers(0, classes + 1, (N, H, W))            # the last value is the one to ignore
        yield rng.standard_normal((N, H, W, classes)), labels, rng.uniform(0.5, 2, classes), classes


def parts(logits, labels, class_weights, ignore):
    """What the loss is made of: in each pixel -log p of the label and the weight, both 0 where it is ignored."""
    labelled, p = labels != ignore, softmax(logits)
    one_hot = (labels[..., None] == np.arange(logits.shape[-1])) & labelled[..., None]
    surprise = -np.take_along_axis(log_softmax(logits), np.where(labelled, labels, 0)[..., None], axis=-1)[..., 0]
    return SimpleNamespace(
        logits=logits, labels=labels, class_weights=class_weights, one_hot=one_hot, labelled=labelled, p=p,
        difference=p - one_hot, surprise=surprise * labelled, weights=(one_hot * class_weights).sum(axis=-1),
        count=np.count_nonzero(labelled),
    )


def of(wrong):
    """wrong(the parts) as a function of the arguments."""
    return wraps(wrong)(lambda *args: wrong(parts(*args)))


forward = Table(READ, cases, ["loss"], softmax_cross_entropy)


@forward.formula
def right_loss(logits, labels, class_weights, ignore):
    log_p, one_hot = log_softmax(logits), parts(logits, labels, class_weights, ignore).one_hot
    labelled = labels != ignore
    loss = -(class_weights * one_hot * log_p).sum() / labelled.sum()
    return loss


forward.mistake("it adds up -log p of every class: only that of the label counts",
                all_classes=of(lambda at: -(at.weights * log_softmax(at.logits).sum(axis=-1)).sum() / at.count))
forward.mistake("the sum is divided by the number of classes too: divide by that of the labelled pixels alone",
                mean_of_classes=of(lambda at: (at.weights * at.surprise).sum() / at.count / at.logits.shape[-1]))
forward.mistake("the sum is divided by all pixels times all classes: divide by the number of the labelled pixels",
                mean_of_all_entries=of(lambda at: (at.weights * at.surprise).sum() / at.logits.size))


@forward.mistake("the largest logit is taken away in the sum of the exponentials and not in front of it: shift both")
@of
def shifted_in_one_place(at):
    return (at.weights * (at.surprise - at.logits.max(axis=-1) * at.labelled)).sum() / at.count


forward.mistake("the class weight is multiplied in twice",
                weighted_twice=of(lambda at: (at.weights**2 * at.surprise).sum() / at.count))


@forward.mistake("a pixel has the weight of the class with the largest logit: it should have that of its label")
@of
def weight_of_the_answer(at):
    return (at.class_weights[at.logits.argmax(axis=-1)] * at.surprise).sum() / at.count


forward.mistake("the sum is divided by the number of all pixels: divide by that of the labelled ones",
                void_in_the_divisor=of(lambda at: (at.weights * at.surprise).sum() / at.labels.size))
forward.mistake("the sum is divided by the sum of the weights: the authors divide by the number of labelled pixels",
                divided_by_weights=of(lambda at: (at.weights * at.surprise).sum() / at.weights.sum()))
forward.mistake("the sum is not divided by the number of labelled pixels",
                not_divided=of(lambda at: (at.weights * at.surprise).sum()))
forward.mistake("the class weights are left out", no_class_weights=of(lambda at: at.surprise.sum() / at.count))
forward.mistake("the sign is turned round: the loss is minus the logarithm",
                sign=of(lambda at: -(at.weights * at.surprise).sum() / at.count))
forward.mistake("the logarithm is that to base 2: the loss has the natural one",
                base_2=of(lambda at: (at.weights * at.surprise).sum() / at.count / np.log(2)))
forward.mistake("the logarithm is that to base 10: the loss has the natural one",
                base_10=of(lambda at: (at.weights * at.surprise).sum() / at.count / np.log(10)))
forward.mistake("the logarithm is missing: the loss adds up -p, and must add up -log p",
                probability=of(lambda at: -(at.weights * np.exp(-at.surprise)).sum() / at.count))
forward.mistake("the loss adds up 1 - p, and must add up -log p",
                one_less_probability=of(lambda at: (at.weights * (1 - np.exp(-at.surprise))).sum() / at.count))
forward.mistake("the loss is the squared difference of p and the one-hot labels: cross-entropy is -log p of the label",
                squared_error=of(lambda at: (at.weights * (at.difference**2).sum(axis=-1)).sum() / at.count))


@forward.mistake("the loss adds up minus the logit of the label: the logarithm of the sum of all exponentials is "
                 "missing")
@of
def no_softmax(at):
    logit = np.take_along_axis(at.logits, np.where(at.labelled, at.labels, 0)[..., None], axis=-1)[..., 0]
    return -(at.weights * logit).sum() / at.count


def void_as(label, logits, labels, class_weights, ignore):
    at = parts(logits, np.where(labels == ignore, label, labels), class_weights, ignore=-1)
    return (at.weights * at.surprise).sum() / labels.size


forward.mistake("pixels to be ignored are taken for the first class: they should count in nothing",
                void_as_the_first_class=lambda *args: void_as(0, *args))
forward.mistake("pixels to be ignored are taken for the last class: they should count in nothing",
                void_as_the_last_class=lambda logits, *args: void_as(logits.shape[-1] - 1, logits, *args))


@forward.mistake("the loss is the mean over the images of their means: one mean is taken, over the labelled pixels of "
                 "all images")
@of
def mean_of_images(at):
    return ((at.weights * at.surprise).sum(axis=(1, 2)) / at.labelled.sum(axis=(1, 2))).mean()


@forward.mistake("the class weights multiply the logits: they multiply -log p of the label")
def weighted_logits(logits, labels, class_weights, ignore):
    at = parts(logits * class_weights, labels, class_weights, ignore)
    return at.surprise.sum() / at.count


forward.mistake("the sum is divided by the number of images: divide by the number of labelled pixels",
                divided_by_images=of(lambda at: (at.weights * at.surprise).sum() / len(at.labels)))
forward.mistake("the sum is divided by the number of all pixels too: divide by that of the labelled pixels alone",
                divided_by_all_too=of(lambda at: (at.weights * at.surprise).sum() / at.count / at.labels.size))
forward.mistake("the sum is divided by the number of images too: divide by that of the labelled pixels alone",
                divided_by_images_too=of(lambda at: (at.weights * at.surprise).sum() / at.count / len(at.labels)))
forward.mistake("the sum is divided by the pixels of one image: divide by the number of labelled pixels",
                divided_by_one_image=of(lambda at: (at.weights * at.surprise).sum() / at.labels[0].size))
forward.mistake("the sum is divided by the number of labelled pixels and 1 more: 1 is for no labelled pixel at all",
                divided_by_one_more=of(lambda at: (at.weights * at.surprise).sum() / (at.count + 1)))
forward.mistake("the sum is divided by the number of labelled pixels twice",
                divided_twice=of(lambda at: (at.weights * at.surprise).sum() / at.count**2))
forward.mistake("the sum is divided by the sum of all class weights too: divide by the number of labelled pixels alone",
                divided_by_all_weights=of(
                    lambda at: (at.weights * at.surprise).sum() / at.count / at.class_weights.sum()))
forward.mistake("it adds up -p log p of every class, which is the entropy: take -log p of the label",
                entropy=of(lambda at: -(at.weights * (at.p * log_softmax(at.logits)).sum(axis=-1)).sum() / at.count))
forward.mistake("it adds up the squares of -log p: add up -log p itself",
                squared=of(lambda at: (at.weights * at.surprise**2).sum() / at.count))
forward.mistake("the loss is that of the class with the largest logit: take -log p of the label",
                of_the_answer=of(lambda at: -(at.weights * log_softmax(at.logits).max(axis=-1)).sum() / at.count))
forward.mistake("only the first image counts: add up over all images",
                first_image=of(lambda at: (at.weights * at.surprise)[0].sum() / at.count))
forward.mistake("the weights are divided by their mean: the authors take them as they are", weights_of_mean_one=of(
                    lambda at: (at.weights * at.surprise).sum() / at.count / at.class_weights.mean()))


def back(wrong):
    """wrong(dloss, the parts) as a function of dloss and the arguments; each pixel's weight has an axis for classes."""

    @wraps(wrong)
    def run(dloss, *args):
        at = parts(*args)
        at.weights, at.labelled = at.weights[..., None], at.labelled[..., None]
        return wrong(dloss, at)

    return run


backward = Table(READ, cases, ["dlogits"], softmax_cross_entropy)


@backward.formula
def right_dlogits(dloss, logits, labels, class_weights, ignore):
    p, one_hot = softmax(logits), labels[..., None] == np.arange(logits.shape[-1])
    of_labels, count = (one_hot * class_weights).sum(axis=-1), (labels != ignore).sum()
    weights = of_labels / count
    dlogits = dloss * weights[..., None] * (p - one_hot)
    return dlogits


@backward.mistake("the class with the largest p stands for p, as 0 and 1: take p itself")
@back
def best_class_for_p(dloss, at):
    best = at.logits == at.logits.max(axis=-1, keepdims=True)
    return dloss * (best - at.p + at.difference) * at.weights / at.count


backward.mistake("in every class 1 is taken away: only that of the label has it",
                 one_taken_from_all=back(lambda dloss, at: dloss * (at.p - 1) * at.weights / at.count))
backward.mistake("it is p - one_hot alone: the weight of the pixel is left out, which has its class weight and the "
                 "count in it", no_weights=back(lambda dloss, at: dloss * at.difference))
backward.mistake("the weights only say which pixels count: multiply by them",
                 weights_as_a_mask=back(lambda dloss, at: dloss * at.difference * at.labelled))


@backward.mistake("the weight of the pixel multiplies one_hot alone: it belongs to p too")
@back
def weights_on_one_hot(dloss, at):
    return dloss * (at.p + (at.difference - at.p) * at.weights / at.count)


@backward.mistake("it is multiplied by p (1 - p): p - one_hot has been through the softmax already")
@back
def through_the_softmax_twice(dloss, at):
    return dloss * at.difference * at.p * (1 - at.p) * at.weights / at.count


backward.mistake("this is the derivative with respect to p: the softmax is still between p and the logits",
                 by_p=back(lambda dloss, at: dloss * (at.difference - at.p) / at.p * at.weights / at.count))
backward.mistake("the gradient is p alone: the label's own logit has a path of its own into the loss, take the "
                 "one-hot away", one_hot_left_out=back(lambda dloss, at: dloss * at.p * at.weights / at.count))
backward.mistake("only the logit of the label has a gradient: the others are in the sum of the exponentials",
                 only_the_label=back(lambda dloss, at: dloss * at.difference * at.one_hot * at.weights / at.count))


@backward.mistake("log p stands where p belongs: take the exponential of what the cache holds")
@back
def logarithm_for_p(dloss, at):
    return dloss * (np.log(at.p) - at.one_hot) * at.weights / at.count


backward.mistake("the logits stand where p belongs: take their softmax",
                 logits_for_p=back(lambda dloss, at: dloss * (at.logits - at.one_hot) * at.weights / at.count))
backward.mistake("the gradient is divided by the number of labelled pixels twice: the weights of the pixels have that "
                 "already", divided_twice=back(lambda dloss, at: dloss * at.difference * at.weights / at.count**2))
backward.mistake("the class weights are in the loss but not in its gradient",
                 no_class_weights=back(lambda dloss, at: dloss * at.difference * at.labelled / at.count))
backward.mistake("ignored pixels are counted in the divisor: divide by the number of labelled pixels",
                 void_counted=back(lambda dloss, at: dloss * at.difference * at.weights / at.labels.size))
backward.mistake("the gradient is divided by the sum of the weights, and the loss by the number of labelled pixels",
                 divided_by_weights=back(lambda dloss, at: dloss * at.difference * at.weights / at.weights.sum()))
backward.mistake("the gradient is not divided by the number of labelled pixels, as the loss is",
                 not_divided=back(lambda dloss, at: dloss * at.difference * at.weights))
backward.mistake("the sign is turned round: it is p - one_hot, what the network said less what was there",
                 sign=back(lambda dloss, at: -dloss * at.difference * at.weights / at.count))
backward.mistake("dloss is left out: multiply by the upstream gradient, even though training starts with 1",
                 dloss_left_out=back(lambda dloss, at: at.difference * at.weights / at.count))


@backward.mistake("ignored pixels get a gradient, but nothing they say can move the loss")
@back
def ignored_pixels_pushed(dloss, at):
    return dloss * at.difference * np.where(at.labelled, at.weights, 1) / at.count


backward.mistake("the gradient is divided by the number of all pixels too: the weights have the count in them already",
                 divided_by_all_pixels_too=back(
                     lambda dloss, at: dloss * at.difference * at.weights / at.count / at.labels.size))
backward.mistake("the gradient is divided by the number of images: the weights have the count in them, and that is all",
                 divided_by_images=back(
                     lambda dloss, at: dloss * at.difference * at.weights / at.count / len(at.labels)))
backward.mistake("the gradient is divided by the number of classes: the weights have the count in them, and that is "
                 "all", divided_by_classes=back(
                     lambda dloss, at: dloss * at.difference * at.weights / at.count / at.logits.shape[-1]))
backward.mistake("the gradient is multiplied by 2, as that of a squared error: it is p - one_hot",
                 twice=back(lambda dloss, at: 2 * dloss * at.difference * at.weights / at.count))
backward.mistake("p - one_hot is squared: take it as it is", squared=back(
                     lambda dloss, at: dloss * at.difference**2 * at.weights / at.count))
backward.mistake("the weights of the pixels are squared: multiply by them once", weights_squared=back(
                     lambda dloss, at: dloss * at.difference * (at.weights / at.count) ** 2))
backward.mistake("each pixel has the mean of all weights: it has its own", mean_of_weights=back(
                     lambda dloss, at: dloss * at.difference * at.weights.mean() / at.count))
backward.mistake("each pixel has the sum of all weights: it has its own", sum_of_weights=back(
                     lambda dloss, at: dloss * at.difference * at.weights.sum() / at.count))
backward.mistake("it is minus one_hot times the weight of the pixel: p, what the network said, is missing",
                 p_left_out=back(lambda dloss, at: dloss * (at.difference - at.p) * at.weights / at.count))
backward.mistake("only the first image has a gradient, the others have 0: do all images", first_image=back(
                     lambda dloss, at: dloss * at.difference * at.weights / at.count
                     * (np.arange(len(at.p)) == 0)[:, None, None, None]))


@backward.mistake("the exponential is taken twice: the cache has log p, so np.exp of it is p")
@back
def exponential_twice(dloss, at):
    return dloss * (np.exp(at.p) - at.one_hot) * at.weights / at.count


@backward.mistake("p is divided by its sum over all pixels: it adds up to 1 in each pixel already")
@back
def over_everything(dloss, at):
    return dloss * (at.p / at.p.sum() - at.one_hot) * at.weights / at.count


@backward.mistake("the weight of the pixel multiplies p alone: it belongs to one_hot too")
@back
def weights_on_p(dloss, at):
    return dloss * (at.p * at.weights / at.count - at.one_hot)
