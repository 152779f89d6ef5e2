"""SegNet-Basic with other decoders (Badrinarayanan, Kendall and Cipolla, TPAMI 2017, section 3.1 and table 1).

All have SegNet-Basic's encoder, and differ in what the decoder is told of it. Each function is a network of its name.
"""

from tinysegnet.networks.blocks import chain, conv, conv_norm, pool, relu, unpool
from tinysegnet.networks.more.blocks import add_lent, dropout, lend, single_channel_conv_norm, unpool_fixed, upsample


def encoder(filters, levels, kernel, lending=False, pooling=True, dropping=0):
    """SegNet-Basic's. With `lending` the map of each level, before it is pooled, can be asked for by its name; and
    `dropping` of the deepest levels end in dropout."""
    blocks = []
    for level in range(1, levels + 1):
        blocks += [*conv_norm(f"encoder{level}", 3 if level == 1 else filters, filters, kernel), relu()]
        blocks += [lend(f"level{level}")] * lending + [pool(f"level{level}")] * pooling
        blocks += [dropout()] * (level > levels - dropping)
    return blocks


def network(classes, filters, levels, kernel, *, up, single_channel=False, **of_encoder):
    """up(name) is the list of blocks that bring the map of a level back to its size."""
    blocks = encoder(filters, levels, kernel, **of_encoder)
    for level in range(levels, 0, -1):
        name = f"decoder{level}"
        blocks += up(f"level{level}")
        if single_channel:
            blocks += single_channel_conv_norm(name, filters, kernel)
        else:
            blocks += conv_norm(name, filters, filters, kernel)
        blocks += [add_lent(f"level{level}")] * of_encoder.get("lending", False)
        blocks += [dropout()] * (level > levels - of_encoder.get("dropping", 0))
    return chain(*blocks, conv("classifier", filters, classes, K=1))


def bilinear_interpolation(classes=11, filters=64, levels=4, kernel=7):
    """Bilinear upsampling, then kernels that see one channel. Nothing crosses but sizes. 626,315 parameters."""
    return network(
        classes, filters, levels, kernel, up=lambda name: [upsample(name, "resize_bilinear")], single_channel=True
    )


def segnet_basic_single_channel_decoder(classes=11, filters=64, levels=4, kernel=7):
    """SegNet-Basic whose decoder's kernels see one channel each. 626,315 parameters."""
    return network(classes, filters, levels, kernel, up=lambda name: [unpool(name)], single_channel=True)


def segnet_basic_encoder_addition(classes=11, filters=64, levels=4, kernel=7):
    """SegNet-Basic to which each level's map of the encoder, before it is pooled, is added after the level's unpooling,
    convolution and batch norm. 1,416,587 parameters."""
    return network(classes, filters, levels, kernel, up=lambda name: [unpool(name)], lending=True)


def segnet_basic_replication(classes=11, filters=64, levels=4, kernel=7):
    """SegNet-Basic that upsamples by repeating pixels. Found poor in the paper. 1,416,587 parameters."""
    return network(classes, filters, levels, kernel, up=lambda name: [upsample(name, "upsample_nearest")])


def segnet_basic_fixed_index(classes=11, filters=64, levels=4, kernel=7):
    """SegNet-Basic that unpools into first corners. Found poor in the paper. 1,416,587 parameters."""
    return network(classes, filters, levels, kernel, up=lambda name: [unpool_fixed(name)])


def segnet_basic_no_pooling(classes=11, filters=64, levels=4, kernel=7):
    """SegNet-Basic whose maps are all as large as the image. Found poor in the paper. 1,416,587 parameters."""
    return network(classes, filters, levels, kernel, up=lambda name: [], pooling=False)
