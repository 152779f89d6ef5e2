"""SegNet (Badrinarayanan, Kendall and Cipolla, TPAMI 2017, section 3): VGG16's 13 convolutions down, 13 up."""

from tinysegnet.networks.blocks import chain, conv, conv_norm, pool, relu, unpool
from tinysegnet.networks.more.blocks import dropout

CONVOLUTIONS = 2, 2, 3, 3, 3        # of each level, as in VGG16 (Simonyan and Zisserman, 2015, configuration D)
WIDER = 1, 2, 4, 8, 8               # so many times the filters of the first level


def segnet(classes=11, filters=64):
    """The network as a list, from the image (N, H, W, 3) to the logits (N, H, W, classes).

        encoder 1 .. 5   2, 2, 3, 3, 3 times conv 3 x 3 -> batch norm -> ReLU, then max-pool, whose corners are kept
        decoder 5 .. 1   unpool into the corners of that level, then the level's convolutions in reverse, likewise
        classifier       the last of them, conv 3 x 3 to the classes alone

    The levels have 64, 128, 256, 512 and 512 filters; a decoder's last convolution goes down to those of the next.
    29,449,355 parameters with the default arguments. H and W are at least 2**5 = 32.
    """
    return network(classes, filters)


def network(classes, filters, dropping=0):
    """So many of the deepest levels end in dropout, on the way down and on the way up."""
    blocks, C = [], 3
    for level in range(1, 6):
        for i in range(CONVOLUTIONS[level - 1]):
            blocks += [*conv_norm(f"encoder{level}.{i + 1}", C, WIDER[level - 1] * filters, 3), relu()]
            C = WIDER[level - 1] * filters
        blocks += [pool(f"level{level}"), *[dropout()] * (level > 5 - dropping)]
    for level in range(5, 0, -1):
        blocks.append(unpool(f"level{level}"))
        for i in range(CONVOLUTIONS[level - 1] - 1):
            blocks += [*conv_norm(f"decoder{level}.{i + 1}", C, C, 3), relu()]
        if level > 1:
            last = f"decoder{level}.{CONVOLUTIONS[level - 1]}"
            blocks += [*conv_norm(last, C, WIDER[level - 2] * filters, 3), relu()]
            C = WIDER[level - 2] * filters
        blocks += [dropout()] * (level > 5 - dropping)
    return chain(*blocks, conv("classifier", C, classes, K=3))
