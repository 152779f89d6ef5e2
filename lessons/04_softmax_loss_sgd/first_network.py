"""A classifier of single pixels, trained on streets twice: the first network of lesson 04."""

import numpy as np

from tinysegnet import metrics, ops
from tinysegnet.data import streets
from tinysegnet.data.camvid import VOID
from tinysegnet.training import optim

train, val = ([streets.scene(seed) for seed in seeds] for seeds in (streets.TRAIN[:40], streets.VAL[:20]))


def features(scenes):
    colour = np.stack([photograph for photograph, _ in scenes]) / 255 - 0.5         # (N, H, W, 3)
    N, H, W, _ = colour.shape
    row, column = np.meshgrid(np.linspace(-0.5, 0.5, H), np.linspace(-0.5, 0.5, W), indexing="ij")
    place = np.broadcast_to(np.stack([row, column], axis=2), (N, H, W, 2))
    x = np.concatenate([colour, place], axis=3)                                     # (N, H, W, 5)
    return np.concatenate([x, x * x], axis=3).astype(np.float32)                    # (N, H, W, 10)


def truth(scenes):
    return np.stack([labels for _, labels in scenes])                               # (N, H, W)


def fit(class_weights, steps=200):
    x, labels = features(train), truth(train)
    params = {"w": np.zeros((1, 1, 10, 11), np.float32), "b": np.zeros(11, np.float32)}
    velocity, losses = {name: np.zeros_like(a) for name, a in params.items()}, []
    for step in range(steps):
        some = np.arange(4 * step, 4 * step + 4) % len(x)                           # four streets at a time
        logits, seen = ops.conv2d(x[some], params["w"], params["b"])
        loss, cache = ops.softmax_cross_entropy(logits, labels[some], class_weights, VOID)
        dlogits = ops.softmax_cross_entropy_backward(np.float32(1), cache)
        _, dw, db = ops.conv2d_backward(dlogits, seen, need_dx=False)
        optim.sgd_step(params, {"w": dw, "b": db}, velocity, lr=2.0, momentum=0.9, weight_decay=0.0)
        losses.append(float(loss))
    return params, losses


def judge(params):
    """The confusion matrix: how many pixels of class i were called class j. From it come all the figures."""
    logits, _ = ops.conv2d(features(val), params["w"], params["b"])
    return metrics.confusion_matrix(truth(val), logits.argmax(axis=3), classes=11, ignore=VOID)


plain, from_log_11 = fit(np.ones(11, np.float32))

pixels = np.bincount(truth(train)[truth(train) != VOID], minlength=11)              # how many each class has
class_weights = (np.median(pixels) / pixels).astype(np.float32)                     # rarer than the middle: above 1
weighted, losses = fit(class_weights)
