"""SegNet out of nothing but NumPy, in one file. Read it from top to bottom, then run it:

    python lessons/segnet_in_one_file.py

Semantic segmentation tells of every pixel what it is a pixel of: sky, house, tree, pavement, road or car. SegNet
(Badrinarayanan, Kendall and Cipolla, TPAMI 2017) has two halves. The encoder looks for patterns and halves the picture,
here twice: of every four numbers it keeps the largest and notes in which corner that stood. The decoder doubles the
picture again and puts each of its own numbers back into the corner noted, so that edges come back to where they were.

It first proves its gradients. Then 500 steps of training, on streets that it draws itself, bring it to 90 % of the
pixels right in 32 streets that it has never seen (37 % by the nearest mean colour): 20 seconds on one core (Zen 4).

Maps are (N, H, W, C): image, row, column, channel. dy has the shape of y and says how the loss (section 6) changes as
each number of y grows: its gradient. An operation is two functions: a forward, which gives y and a cache of what will
be needed again, and a backward, which is given dy and that cache, and gives the same of what went in.
"""
import numpy as np

# ---- 1. Streets, so that there is something to learn -----------------------------------------------------------------
# Colour alone does not tell the classes apart: houses and cars have any, road and pavement share theirs.
CLASSES = "sky", "house", "tree", "pavement", "road", "car"
HEIGHT, WIDTH = 32, 48
def street(seed):
    """A picture, float32 (HEIGHT, WIDTH, 3), and the class of each of its pixels, integers (HEIGHT, WIDTH)."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:HEIGHT, :WIDTH]
    picture, labels = np.empty((HEIGHT, WIDTH, 3)), np.empty((HEIGHT, WIDTH), int)
    def paint(where, name, colour):
        picture[where], labels[where] = colour, CLASSES.index(name)
    horizon, middle, road = rng.uniform(11, 16), rng.uniform(18, 30), rng.uniform(0.9, 1.3)
    below = row - horizon                               # so many rows below the horizon; the road grows with them
    paint(below <= 0, "sky", rng.uniform(0.5, 0.9) + rng.uniform(0, 0.3) * np.array([-0.5, 0, 1]))
    paint(below > 0, "pavement", rng.uniform(0.4, 0.7))
    paint(abs(column - middle) < road * below, "road", rng.uniform(0.3, 0.6))
    for foot in np.sort(rng.uniform(1, 14, 16)):        # so many rows below it things stand; the far ones first
        side, kind, colour = rng.choice([-1, 1]), rng.choice(("house", "house", "tree", "car")), rng.uniform(0, 1, 3)
        across, above = side * (column - middle) / foot, (foot - below) / foot      # near ones are larger
        if kind == "house":
            wall = (across > road + 0.5) & (above > 0) & (above < rng.uniform(1.5, 4))
            paint(wall, "house", colour)
            paint(wall & (row % 4 < 2) & (column % 4 < 2), "house", colour / 2)     # windows
        elif kind == "tree":
            across, size = across - road - 0.3, rng.uniform(0.4, 0.8)
            paint((abs(across) < 0.1) & (above > 0) & (above < 1), "tree", [0.3, 0.2, 0.1])
            paint(across**2 + (above - 1 - size) ** 2 < size**2, "tree", colour * [0.5, 0.3, 0.4] + [0, 0.3, 0])
        else:
            across = abs(across - road + 0.5)
            paint((across < 0.45) & (above > 0) & (above < 0.5), "car", colour)
            paint((across < 0.35) & (above >= 0.5) & (above < 0.8), "car", colour / 2)              # its window
            paint((across > 0.2) & (across < 0.4) & (above > 0) & (above < 0.15), "car", 0.1)       # its wheels
    return (rng.uniform(0.7, 1.2) * picture + rng.normal(-0.5, 0.05, picture.shape)).astype(np.float32), labels

def streets(seeds):
    return [np.stack(arrays) for arrays in zip(*map(street, seeds))]      # (N, HEIGHT, WIDTH, 3), (N, HEIGHT, WIDTH)

# ---- 2. Convolution: what stands around each pixel? ------------------------------------------------------------------
# y[n, r, q, f] = b[f] + sum over i, j, c of x[n, r + i - K//2, q + j - K//2, c] * w[i, j, c, f], where x = 0 outside.
# The K x K neighbourhood of each pixel becomes one row of a matrix ("im2col"). The rest is a product of two matrices.
def conv2d(x, w, b):
    """x (N, H, W, C), w (K, K, C, F), b (F,) -> y (N, H, W, F)"""
    columns = im2col(x, len(w))                                             # (N*H*W, K*K*C)
    y = columns @ w.reshape(-1, len(b)) + b
    return y.reshape(*x.shape[:3], len(b)), (columns, x.shape, w)
def conv2d_backward(dy, cache):
    """y = columns @ w gives dw = columns^T @ dy and dcolumns = dy @ w^T. b was added to every pixel."""
    columns, shape, w = cache
    dy = dy.reshape(-1, w.shape[3])                                         # (N*H*W, F)
    dcolumns = dy @ w.reshape(-1, w.shape[3]).T
    return col2im(dcolumns, shape, len(w)), (columns.T @ dy).reshape(w.shape), dy.sum(axis=0)

def im2col(x, K):
    N, H, W, C = x.shape
    padded = np.pad(x, ((0, 0), (K // 2, K // 2), (K // 2, K // 2), (0, 0)))
    columns = np.empty((N, H, W, K, K, C), x.dtype)
    for i, j in np.ndindex(K, K):
        columns[:, :, :, i, j] = padded[:, i : i + H, j : j + W]
    return columns.reshape(N * H * W, K * K * C)

def col2im(columns, shape, K):
    """The backward of im2col: a number that was copied into several rows gets the sum of their gradients."""
    N, H, W, C = shape
    columns = columns.reshape(N, H, W, K, K, C)
    padded = np.zeros((N, H + K - 1, W + K - 1, C), columns.dtype)
    for i, j in np.ndindex(K, K):
        padded[:, i : i + H, j : j + W] += columns[:, :, :, i, j]
    return padded[:, K // 2 : K // 2 + H, K // 2 : K // 2 + W]

# ---- 3. Batch norm: so that training keeps its pace, a channel gets mean 0 and variance 1, and then a scale and shift
# y = gamma * x_hat + beta  with  x_hat = (x - mean) / sqrt(var + EPS)  over all pixels (Ioffe and Szegedy, 2015).
EPS, PIXELS = 1e-5, (0, 1, 2)           # PIXELS are the axes N, H, W
def batch_norm(x, gamma, beta, stats=None):
    """y, (mean, var), cache. mean and var (C,) are those of x, or after training those that are given."""
    mean, var = stats or (x.mean(axis=PIXELS), x.var(axis=PIXELS))
    inv_std = 1 / np.sqrt(var + EPS)
    x_hat = (x - mean) * inv_std
    return gamma * x_hat + beta, (mean, var), (x_hat, gamma, inv_std)
def batch_norm_backward(dy, cache):
    """x moves y directly, through the mean, and through the variance: three terms. (Not for stats that were given.)"""
    x_hat, gamma, inv_std = cache
    dx = gamma * inv_std * (dy - dy.mean(axis=PIXELS) - x_hat * (dy * x_hat).mean(axis=PIXELS))
    return dx, (dy * x_hat).sum(axis=PIXELS), dy.sum(axis=PIXELS)

# ---- 4. ReLU: two convolutions in a row are no more than one, unless there is a bend between them --------------------
def relu(x):
    return np.maximum(x, 0), x > 0
def relu_backward(dy, positive):
    return dy * positive

# ---- 5. Pooling that remembers: the idea of SegNet -------------------------------------------------------------------
# The corners of a 2 x 2 window are 0 1 above 2 3. Pooling keeps the largest number and the corner where it stood: of
# 1 5 above 2 0 it keeps 5 and corner 1. Unpooling makes 0 5 above 0 0 of them: what was at an edge is there again.
def max_pool(x):
    """x (N, H, W, C), H and W even -> y and corners (N, H/2, W/2, C)"""
    windows = np.stack([x[:, k // 2 :: 2, k % 2 :: 2] for k in range(4)], axis=3)       # (N, H/2, W/2, 4, C)
    return windows.max(axis=3), windows.argmax(axis=3)

def max_unpool(x, corners):
    """x and corners (N, H/2, W/2, C) -> y (N, H, W, C)"""
    N, h, w, C = x.shape
    y = np.empty((N, 2 * h, 2 * w, C), x.dtype)
    for k in range(4):
        y[:, k // 2 :: 2, k % 2 :: 2] = x * (corners == k)
    return y
def max_unpool_backward(dy, corners):       # not the largest dy, but the one in the corner
    return sum(dy[:, k // 2 :: 2, k % 2 :: 2] * (corners == k) for k in range(4))

max_pool_backward = max_unpool          # of (dy, corners): only the largest number moved y, so it gets all of dy

# ---- 6. The loss: how surprising is the truth? -----------------------------------------------------------------------
# Softmax makes probabilities of scores: p[k] = exp(z[k]) / sum over j of exp(z[j]). The loss is -log p[true class],
# a mean over all pixels. By z[k] its derivative is p[k] - (1 if k is the true class, else 0).
def softmax_cross_entropy(logits, labels):
    """logits (N, H, W, classes), labels (N, H, W) -> a number"""
    shifted = logits - logits.max(axis=3, keepdims=True)                    # so that exp never overflows
    log_p = shifted - np.log(np.exp(shifted).sum(axis=3, keepdims=True))
    one_hot = labels[..., None] == np.arange(logits.shape[3])
    return -log_p[one_hot].mean(), (log_p, one_hot)
def softmax_cross_entropy_backward(dloss, cache):
    log_p, one_hot = cache
    return dloss * (np.exp(log_p) - one_hot) / one_hot[..., 0].size

# ---- 7. The network, and the same way back ---------------------------------------------------------------------------
PARTS = "conv.w", "conv.b", "norm.gamma", "norm.beta"       # what a convolution and its batch norm learn

def init(seed, filters, kernel):
    """The parameters before training. With such weights numbers neither grow nor fade from map to map (He, 2015)."""
    rng, params = np.random.default_rng(seed), {}
    for name, C in ("encoder1", 3), ("encoder2", filters), ("decoder2", filters), ("decoder1", filters):
        w = rng.normal(0, np.sqrt(2 / (kernel * kernel * C)), (kernel, kernel, C, filters))
        arrays = w, np.zeros(filters), np.ones(filters), np.zeros(filters)
        params |= {f"{name}.{part}": array for part, array in zip(PARTS, arrays)}
    params["classifier.w"] = rng.normal(0, np.sqrt(2 / filters), (1, 1, filters, len(CLASSES)))     # scores, pixelwise
    params["classifier.b"] = np.zeros(len(CLASSES))
    return {name: array.astype(np.float32) for name, array in params.items()}

def forward(params, x, stats=None):
    """x (N, H, W, 3), H and W divisible by 4 -> logits (N, H, W, classes), the statistics of batch norm, cache"""
    batch_stats, cache = {}, {}
    def conv_norm(name, x):
        w, b, gamma, beta = (params[f"{name}.{part}"] for part in PARTS)
        y, cache[f"{name}.conv"] = conv2d(x, w, b)
        y, batch_stats[name], cache[f"{name}.norm"] = batch_norm(y, gamma, beta, stats and stats[name])
        return y
    for level in 1, 2:
        x, cache[f"relu{level}"] = relu(conv_norm(f"encoder{level}", x))
        x, cache[f"corners{level}"] = max_pool(x)
    for level in 2, 1:      # all that a decoder hears from the encoder of its level: corners. No ReLU, as in the paper
        x = conv_norm(f"decoder{level}", max_unpool(x, cache[f"corners{level}"]))
    logits, cache["classifier"] = conv2d(x, params["classifier.w"], params["classifier.b"])
    return logits, batch_stats, cache

def backward(dlogits, cache):
    """The gradient of the loss by each parameter: forward, read from its last line to its first."""
    grads = {}
    def conv_norm(name, dy):
        dy, dgamma, dbeta = batch_norm_backward(dy, cache[f"{name}.norm"])
        dx, dw, db = conv2d_backward(dy, cache[f"{name}.conv"])
        grads.update({f"{name}.{part}": grad for part, grad in zip(PARTS, (dw, db, dgamma, dbeta))})
        return dx
    dx, grads["classifier.w"], grads["classifier.b"] = conv2d_backward(dlogits, cache["classifier"])
    for level in 1, 2:
        dx = max_unpool_backward(conv_norm(f"decoder{level}", dx), cache[f"corners{level}"])
    for level in 2, 1:
        dx = max_pool_backward(dx, cache[f"corners{level}"])
        dx = conv_norm(f"encoder{level}", relu_backward(dx, cache[f"relu{level}"]))
    return grads

def loss_and_gradients(params, x, labels):
    logits, batch_stats, cache = forward(params, x)
    loss, loss_cache = softmax_cross_entropy(logits, labels)
    return loss, backward(softmax_cross_entropy_backward(1.0, loss_cache), cache), batch_stats

# ---- 8. The proof: move one parameter, and see what the loss does ----------------------------------------------------
def check_gradients(h=1e-6):
    """Is each entry of each gradient (loss(p + h) - loss(p - h)) / 2h? In float64, with a tiny network, and with an h
    that moves nothing past a bend. (A bias before a batch norm is taken away again: its gradient is 0.)"""
    params = {name: p.astype(np.float64) for name, p in init(seed=0, filters=2, kernel=3).items()}
    batch = [arrays[:, 12:20, 20:28] for arrays in streets([0, 1])]
    _, grads, _ = loss_and_gradients(params, *batch)
    for name, p in params.items():
        worst = 0.0
        for entry in np.ndindex(p.shape):
            p[entry] += h
            more, _, _ = loss_and_gradients(params, *batch)
            p[entry] -= 2 * h
            less, _, _ = loss_and_gradients(params, *batch)
            p[entry] += h
            worst = np.maximum(worst, abs(grads[name][entry] - (more - less) / (2 * h)))
        print(f"  {name:20}{p.size:3} entries, off by {worst:.0e} at most")
        assert worst < 1e-7, f"the gradient of {name} is wrong"

# ---- 9. Training: a step downhill for each batch ---------------------------------------------------------------------
def sgd_step(params, grads, velocity, lr, momentum=0.9):
    """v = momentum * v + lr * g,  w = w - v,  in place. The velocity v keeps the share momentum of the last step."""
    for name, w in params.items():
        velocity[name] = momentum * velocity.get(name, 0) + lr * grads[name]
        w -= velocity[name]

def train_step(params, stats, velocity, x, labels, lr):
    """Changes params, stats and velocity, and gives the loss before the step."""
    loss, grads, batch_stats = loss_and_gradients(params, x, labels)
    sgd_step(params, grads, velocity, lr)
    for name, new in batch_stats.items():               # averages: what is seen in one image must not depend on others
        stats[name] = tuple(0.9 * old + 0.1 * now for old, now in zip(stats.get(name, new), new))
    return loss

def train(steps=500, batch=4, lr=0.2):
    (pictures, labels), (unseen, truth) = streets(range(400)), streets(range(1_000_000, 1_000_032))
    params, stats, velocity = init(seed=0, filters=16, kernel=5), {}, {}
    for step in range(1, steps + 1):
        some = np.arange(step * batch, (step + 1) * batch) % len(pictures)     # the steps become smaller and smaller:
        loss = train_step(params, stats, velocity, pictures[some], labels[some], lr * (1 - step / steps))
        if step % (steps // 5) == 0:
            predicted = forward(params, unseen, stats)[0].argmax(axis=3)
            print(f"  step {step:3}   loss {loss:.2f}   right {(predicted == truth).mean():.1%}", flush=True)
    return unseen[0], truth[0], predicted[0]

def show(picture, truth, predicted):
    print(f"\n{'a street':26}{'its classes':26}what SegNet sees")
    grey = (np.clip(picture.mean(axis=2) + 0.5, 0, 0.99) * 10).astype(int)
    for row in range(0, HEIGHT, 3):                     # and every second column: a character is higher than wide
        signs = (" .:-=+*#%@", grey), (" #&-.O", truth), (" #&-.O", predicted)
        print("  ".join("".join(sign[k] for k in a[row, ::2]) for sign, a in signs).rstrip())
    print("sky is blank, house #, tree &, pavement -, road ., car O")

if __name__ == "__main__":
    print("Gradients against finite differences:")
    check_gradients()
    print("Every gradient is right.\n\nTraining: loss of a batch, pixels right of 32 unseen streets")
    show(*train())
