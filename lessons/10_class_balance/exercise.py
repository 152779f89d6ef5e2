"""Lesson 10: class weights, rate, Adam. Write your answers here, and ask:  python -m pytest lessons/10_class_balance"""

import math

import numpy as np

BETA2 = 0.99       # how much of the mean square Adam keeps at each step
EPS = 1e-8


def class_weights(pixels, image_pixels, power=1.0):
    """weight[c] = (median of the frequencies / freq[c]) ** power,  freq[c] = pixels[c] / image_pixels[c].

    A class without a pixel has no frequency: it is left out of the median, and its weight is 0.

    pixels        (classes,), integers: how many pixels each class has
    image_pixels  (classes,), integers: how many pixels the images have in which the class occurs
    weights       (classes,), float64
    """
    weights = None
    return weights


def cosine_rate(lr, done, steps):
    """The learning rate of the next step: half a cosine, from lr before the first step down to 0 after the last.

    lr     a number, the rate of the first step
    done   how many steps have been made before this one: 0 to steps - 1
    steps  how many steps the training has in all
    rate   a number
    """
    rate = None
    return rate


def adam_step(params, grads, memory, lr, momentum=0.9, weight_decay=0.0):
    """The mean m of the gradients over the root of their mean square s.

    t = t + 1
    m = momentum * m + (1 - momentum) * g
    s = BETA2 * s + (1 - BETA2) * g * g
    update = (m / (1 - momentum**t)) / (sqrt(s / (1 - BETA2**t)) + EPS), and + weight_decay * w if w has four dimensions
    w = w - lr * update

    It changes the arrays in params and in memory, in place, and leaves those in grads as they are.

    params, grads  dicts of arrays with the same keys: w and g of each
    memory         m of each under its name, s of each under that name + ".square" (as in memory["w.square"]), and t, an
                   array of one number and no axes, under "steps"
    """
    return NotImplemented           # leave this line out when you have written yours: there is nothing to return
