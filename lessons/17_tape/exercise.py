"""Lesson 17: a tape. Write your answers here, and ask:  python -m pytest lessons/17_tape

A node, as in lessons/17_tape/tape.py, has

    node.value          a NumPy array
    node.parents        a tuple of the nodes that it was made from; empty for what was given
    node.hand_back(dy)  a tuple: for each parent, in the same order, a gradient like its value

Nodes can be keys of a dict and members of a set.
"""

import numpy as np


def topological(root):
    """All nodes that root was made from, and root: a list, each once, and each after all of its parents.

    root   a node
    nodes  a list of nodes; the last one is root
    """
    nodes = None
    return nodes


def backward(root):
    """The gradient of root with respect to every node that it was made from.

    root   a node; its own gradient is 1 (an array of ones, like its value)
    grads  a dict: for each node of topological(root) the gradient, an array like node.value

    Ask each node once to hand back. Change no array in place: two nodes may have been handed the same one.
    """
    grads = None
    return grads
