"""Values that remember how they were made: all of a tape but the walk back, which is the exercise.

The operations of a network have the names and the form of those in tinysegnet.ops, but take and return nodes. So this
module can be the `ops` of the library's network. Their cache is in the node; in its place they return None.
"""

from tinysegnet import ops


class Node:
    """A value, and what it takes to send a gradient from it to the nodes that it was made from.

    value      a NumPy array
    parents    those nodes, in the order of the operation's arguments; none for what was given: weights, photographs
    hand_back  hand_back(dy) -> a tuple: for each parent the gradient with respect to its value
    name       of the operation, for people
    """

    def __init__(self, value, parents=(), hand_back=lambda dy: (), name="given"):
        self.value, self.parents, self.hand_back, self.name = value, parents, hand_back, name

    @property
    def shape(self):
        return self.value.shape

    def __repr__(self):
        return f"<node: {self.name}>"


def add(a, b):
    return Node(a.value + b.value, (a, b), lambda dy: (dy, dy), "add")


def multiply(a, b):
    return Node(a.value * b.value, (a, b), lambda dy: (dy * b.value, dy * a.value), "multiply")


def conv2d(x, w, b):
    y, cache = ops.conv2d(x.value, w.value, b.value)
    return Node(y, (x, w, b), lambda dy: ops.conv2d_backward(dy, cache), "conv2d"), None


def batch_norm(x, gamma, beta):
    y, statistics, cache = ops.batch_norm(x.value, gamma.value, beta.value)
    return Node(y, (x, gamma, beta), lambda dy: ops.batch_norm_backward(dy, cache), "batch_norm"), statistics, None


def relu(x):
    y, cache = ops.relu(x.value)
    return Node(y, (x,), lambda dy: (ops.relu_backward(dy, cache),), "relu"), None


def max_pool(x):
    """The node, and the corners for unpooling: these are no node, as no gradient goes through them."""
    y, corners = ops.max_pool(x.value)
    return Node(y, (x,), lambda dy: (ops.max_pool_backward(dy, corners, x.shape),), "max_pool"), corners


def max_unpool(x, corners, shape):
    y = ops.max_unpool(x.value, corners, shape)
    return Node(y, (x,), lambda dy: (ops.max_unpool_backward(dy, corners),), "max_unpool")


def softmax_cross_entropy(logits, labels, class_weights, ignore):
    loss, cache = ops.softmax_cross_entropy(logits.value, labels, class_weights, ignore)
    return Node(loss, (logits,), lambda dloss: (ops.softmax_cross_entropy_backward(dloss, cache),), "loss"), None
