"""Bayesian SegNet (Kendall, Badrinarayanan and Cipolla, BMVC 2017): dropout around the deepest levels, in training and
afterwards. Then each look is that of another network, and where they differ, it does not know: inference.monte_carlo.
"""

from tinysegnet.networks.blocks import unpool
from tinysegnet.networks.more import decoders, segnet


def bayesian_segnet_basic(classes=11, filters=64, levels=4, kernel=7):
    """SegNet-Basic with dropout 0.5 after the two deepest poolings, and after the batch norms of the decoders of these
    levels. 1,416,587 parameters."""
    return decoders.network(classes, filters, levels, kernel, up=lambda name: [unpool(name)], dropping=2)


def bayesian_segnet(classes=11, filters=64):
    """SegNet with dropout 0.5 after the three deepest poolings, and at the end of the decoders of these levels.
    29,449,355 parameters."""
    return segnet.network(classes, filters, dropping=3)
