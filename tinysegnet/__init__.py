"""SegNet-Basic from scratch: every operation by hand, forward and backward, on NumPy or CuPy.

The notation, once for the whole project:

    x, y            what goes into an op and what comes out
    w, b            weights and bias of a convolution
    gamma, beta     scale and shift of a batch norm
    dy              the gradient of the loss with respect to y (the upstream gradient); dx, dw, db, ... likewise

    (N, H, W, C)    images and activations: image, row, column, channel. A letter of its own counts each:  n r q c
    (K, K, C, F)    convolution weights: kernel row, kernel column, channel in, filter out:                i j c f
    (N, H, W)       labels, integers

Where to find what: the ops in tinysegnet.ops, the network in tinysegnet.networks, the gradient checker in
tinysegnet.checker, a training step, SGD and Adam in tinysegnet.training, the figures in tinysegnet.metrics, CamVid in
tinysegnet.data. To use a trained network: tinysegnet.inference.

An op keeps the dtype of its input: float32 to train, float64 to check gradients.
"""

__version__ = "0.2.0"
