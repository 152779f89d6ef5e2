"""What ReLU keeps of a feature map, and where a gradient comes back through it."""

import numpy as np
from matplotlib.figure import Figure

from tinysegnet import ops
from tinysegnet.data import streets


def draw():
    photograph, _ = streets.scene(11)
    grey = photograph.mean(axis=2, keepdims=True)[None] / 255                               # (1, H, W, 1)
    edges = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], float)[:, :, None, None] / 4     # dark left, light right
    x, _ = ops.conv2d(grey, edges, np.full(1, -0.02))
    y, cache = ops.relu(x)
    dx = ops.relu_backward(np.ones_like(y), cache)

    figure = Figure(figsize=(10, 2.75), layout="constrained")
    panels = figure.subplots(1, 3)
    reach = np.abs(x).max() / 2
    for axes, title, values, colours, span in (
        (panels[0], "x: edges, red lighter to the right, blue darker", x, "RdBu_r", reach),
        (panels[1], "y = relu(x): only the red is left", y, "RdBu_r", reach),
        (panels[2], "dx of a dy of ones: black 1, white 0", dx, "Greys", 1),
    ):
        axes.imshow(values[0, :, :, 0], cmap=colours, vmin=0 if colours == "Greys" else -span, vmax=span,
                    interpolation="nearest")
        axes.set_title(title, fontsize=9.5, loc="left")
        axes.set_xticks([])
        axes.set_yticks([])
    return {"relu.png": figure}
