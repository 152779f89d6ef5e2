"""SegNet-Basic with an auxiliary classifier on a decoder level, which only training looks at (GoogLeNet, 2015)."""

from tinysegnet.networks.blocks import Block, chain, conv, conv_norm, pool, relu, unpool


def segnet_basic_auxiliary(classes=11, filters=64, levels=4, kernel=7):
    """SegNet-Basic with a 1 x 1 convolution to the classes from what the last but one decoder gives."""
    blocks = []
    for level in range(1, levels + 1):
        C = 3 if level == 1 else filters
        blocks += [*conv_norm(f"encoder{level}", C, filters, kernel), relu(), pool(f"level{level}")]
    for level in range(levels, 0, -1):
        blocks += [unpool(f"level{level}"), *conv_norm(f"decoder{level}", filters, filters, kernel)]
        if level == 2:
            blocks.append(beside(conv("auxiliary", filters, classes, K=1)))
    return chain(*blocks, conv("classifier", filters, classes, K=1))


def beside(classifier):
    """The map goes on as it is. In training what the classifier makes of it goes to ops.auxiliary, if that is there,
    which gives back the gradient of its loss."""
    def forward(params, x, ops, kept):
        logits, _, cache = classifier.forward(params, x, ops, kept)
        judge = getattr(ops, "auxiliary", None)
        return x, {}, (cache, judge(logits) if judge else 0 * logits)

    def backward(dy, cache, ops, need_dx):
        cache, dlogits = cache
        dx, grads = classifier.backward(dlogits, cache, ops, need_dx=True)
        return dy + dx, grads

    def predict(params, stats, x, ops, kept):
        return x

    return Block(classifier.params, {}, forward, backward, predict)
