"""What is measured of PyTorch, in its eager mode: the same network and operations, as its users would write them."""

import itertools
import time

import numpy_side
import torch
from numpy_side import CLASSES, IGNORE, pictures
from torch import nn
from torch.nn import functional as F  # noqa: N812, its usual name
from torch.nn.utils.fusion import fuse_conv_bn_eval


def set_up(threads, tf32):
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32


def seconds(function, layout=None, device="cpu"):
    """How long it takes, on a GPU by the GPU's own clock, and what it returns."""
    if device == "cpu":
        start = time.perf_counter()
        result = function()
        return time.perf_counter() - start, result
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    result = function()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1000, result


def peak_memory(layout=None, device="cpu"):
    return numpy_side.peak_memory() if device == "cpu" else torch.cuda.max_memory_reserved() / 1e6


def pair(C, filters, K):
    """A convolution and its batch norm."""
    return nn.ModuleList([nn.Conv2d(C, filters, K, padding=K // 2), nn.BatchNorm2d(filters)])


class SegNetBasic(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.ModuleList(pair(3 if level == 0 else 64, 64, 7) for level in range(4))
        self.decoder = nn.ModuleList(pair(64, 64, 7) for _ in range(4))
        self.classifier = nn.Conv2d(64, CLASSES, 1)

    def forward(self, x):
        remembered = []
        for conv, norm in self.encoder:
            x = F.relu(norm(conv(x)), inplace=True)
            size = x.shape
            x, indices = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
            remembered.append((indices, size))
        for conv, norm in self.decoder:
            indices, size = remembered.pop()
            x = norm(conv(F.max_unpool2d(x, indices, 2, output_size=size)))
        return self.classifier(x)


class SegNet(nn.Module):
    """VGG16's convolutions, by levels, and the same in reverse; the last of all is the classifier."""

    def __init__(self):
        super().__init__()
        channels = (3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512)
        down = [[pair(C, F, 3) for C, F in itertools.pairwise(level)] for level in channels]
        up = [[pair(F, C, 3) for C, F in itertools.pairwise(level)][::-1] for level in channels[::-1]]
        up[-1].pop()
        self.encoder, self.decoder = (nn.ModuleList(map(nn.ModuleList, levels)) for levels in (down, up))
        self.classifier = nn.Conv2d(64, CLASSES, 3, padding=1)

    def forward(self, x):
        remembered = []
        for level in self.encoder:
            for conv, norm in level:
                x = F.relu(norm(conv(x)), inplace=True)
            size = x.shape
            x, indices = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
            remembered.append((indices, size))
        for level in self.decoder:
            indices, size = remembered.pop()
            x = F.max_unpool2d(x, indices, 2, output_size=size)
            for conv, norm in level:
                x = F.relu(norm(conv(x)), inplace=True)
        return self.classifier(x)


class UNet(nn.Module):
    """Three levels and a bottom; on the way up the map from below and that from the side, one behind the other."""

    def __init__(self):
        super().__init__()

        def twice(C, filters):
            return nn.ModuleList([pair(C, filters, 3), pair(filters, filters, 3)])

        self.encoder = nn.ModuleList([twice(3, 64), twice(64, 128), twice(128, 256)])
        self.bottom = twice(256, 512)
        self.decoder = nn.ModuleList(
            nn.ModuleDict({"up": nn.ConvTranspose2d(2 * C, C, 2, stride=2), "after": twice(2 * C, C)})
            for C in (256, 128, 64)
        )
        self.classifier = nn.Conv2d(64, CLASSES, 1)

    def forward(self, x):
        def convolved(x, pairs):
            for conv, norm in pairs:
                x = F.relu(norm(conv(x)), inplace=True)
            return x

        remembered = []
        for level in self.encoder:
            remembered.append(convolved(x, level))
            x = F.max_pool2d(remembered[-1], 2, ceil_mode=True)
        x = convolved(x, self.bottom)
        for level in self.decoder:
            side = remembered.pop()
            x = level["up"](x)[:, :, : side.shape[2], : side.shape[3]]
            x = convolved(torch.cat([x, side], dim=1), level["after"])
        return self.classifier(x)


NETWORKS = {"segnet-basic": SegNetBasic, "segnet": SegNet, "unet": UNet}


def normalised(images, device, layout):
    x = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 255 - 0.5
    return x.contiguous(memory_format=layout)


def training_step(network, N, H, W, layout="contiguous_format", device="cpu"):
    layout, batches = getattr(torch, layout), itertools.cycle([pictures(N, H, W, seed) for seed in range(3)])
    net = NETWORKS[network]().to(device, memory_format=layout)
    decaying, others = ([p for p in net.parameters() if (p.dim() == 4) == is_weight] for is_weight in (True, False))
    groups = [{"params": decaying, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.SGD(groups, lr=0.01, momentum=0.9)
    class_weights = torch.ones(CLASSES, device=device)

    def step():
        images, labels = next(batches)
        logits = net(normalised(images, device, layout))
        its_labels = torch.from_numpy(labels).to(device).long()
        loss = F.cross_entropy(logits, its_labels, class_weights, ignore_index=IGNORE)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.detach()

    return step


def inference(network, N, H, W, layout="contiguous_format", device="cpu"):
    layout, (images, _) = getattr(torch, layout), pictures(N, H, W)
    net = NETWORKS[network]().eval()
    for both in net.modules():
        if isinstance(both, nn.ModuleList) and isinstance(both[-1], nn.BatchNorm2d):
            conv, norm = both                       # batch norm becomes part of the convolution, as in tinysegnet
            both[0], both[1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
    net = net.to(device, memory_format=layout)

    @torch.inference_mode()
    def predict():
        return net(normalised(images, device, layout))

    return predict


def operations(N, H, W, layout="contiguous_format", device="cpu"):
    """Name -> (forward, which returns what backward needs; backward, or None)."""
    layout = getattr(torch, layout)

    def draw(*shape, grad=True):
        a = torch.randn(shape, device=device)
        a = a.contiguous(memory_format=layout) if len(shape) == 4 else a
        return a.requires_grad_(grad)

    x, dy = draw(N, 64, H, W), draw(N, 64, H, W, grad=False)
    gamma, beta = draw(64), draw(64)
    labels = torch.from_numpy(pictures(N, H, W)[1]).to(device).long()
    ones, logits = torch.ones(CLASSES, device=device), draw(N, CLASSES, H, W)
    with torch.no_grad():
        pooled, indices = F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)
    dy_pooled, small = torch.randn_like(pooled), pooled.clone().requires_grad_()

    def differentiated(forward, dy, *inputs):
        return forward, lambda y: torch.autograd.grad(y, inputs, dy)

    def convolution(K, C, filters):
        x_, w, b = draw(N, C, H, W, grad=C > 3), draw(filters, C, K, K), draw(filters)
        inputs = (x_, w, b) if C > 3 else (w, b)
        dy_ = draw(N, filters, H, W, grad=False)
        return differentiated(lambda: F.conv2d(x_, w, b, padding=K // 2), dy_, *inputs)

    net = SegNetBasic().to(device, memory_format=layout)
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-6, momentum=0.9, weight_decay=5e-4)
    return {
        "convolution 7x7, 64 to 64": convolution(7, 64, 64),
        "convolution 7x7, 3 to 64, no dx": convolution(7, 3, 64),
        "convolution 1x1, 64 to 11": convolution(1, 64, CLASSES),
        "batch norm": differentiated(
            lambda: F.batch_norm(x, None, None, gamma, beta, training=True), dy, x, gamma, beta
        ),
        "ReLU": differentiated(lambda: F.relu(x), dy, x),
        "max-pooling": differentiated(
            lambda: F.max_pool2d(x, 2, ceil_mode=True, return_indices=True)[0], dy_pooled, x
        ),
        "unpooling": differentiated(lambda: F.max_unpool2d(small, indices, 2, output_size=x.shape), dy, small),
        "softmax cross-entropy": differentiated(
            lambda: F.cross_entropy(logits, labels, ones, ignore_index=IGNORE), None, logits
        ),
        "SGD": (optimiser.step, None),
    }
