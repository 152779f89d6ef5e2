"""SegNet-Basic (Badrinarayanan, Kendall and Cipolla, TPAMI 2017, section 3)."""

from tinysegnet.networks.blocks import chain, conv, conv_norm, pool, relu, unpool


def segnet_basic(classes=11, filters=64, levels=4, kernel=7):
    """The network as a list, from the image (N, H, W, 3) to the logits (N, H, W, classes).

        encoder 1 .. 4   conv 7 x 7, 64 filters -> batch norm -> ReLU -> max-pool, whose corners are kept
        decoder 4 .. 1   unpool into the corners of that level -> conv 7 x 7, 64 filters -> batch norm      (no ReLU)
        classifier       conv 1 x 1 to the classes

    1,416,587 parameters with the default arguments. H and W are at least 2**levels.
    """
    blocks = []
    for level in range(1, levels + 1):
        C = 3 if level == 1 else filters
        blocks += [*conv_norm(f"encoder{level}", C, filters, kernel), relu(), pool(f"level{level}")]
    for level in range(levels, 0, -1):
        blocks += [unpool(f"level{level}"), *conv_norm(f"decoder{level}", filters, filters, kernel)]
    return chain(*blocks, conv("classifier", filters, classes, K=1))
