"""Lesson 17: how topological and backward are judged: on small graphs, and on a SegNet of two levels."""

import inspect
import re
import textwrap
from collections.abc import Callable
from functools import cache, partial
from graphlib import TopologicalSorter
from typing import NamedTuple

import numpy as np
from numpy.random import default_rng  # by a --seed another one: see judge_file.py

from lessons.engine import course
from lessons.engine.exercises import DONE, TODO, WRONG, Exercise, Verdict
from lessons.engine.watch import TroubleError, watched
from tinysegnet import networks, ops
from tinysegnet.checker.forwardcheck import ForwardError, check_forward
from tinysegnet.checker.mistakes.table import Table

tape = course.beside(__file__, "tape")
Node, add, multiply = tape.Node, tape.add, tape.multiply
READ = "lessons/17_tape/README.md"


# ---- two other ways to the same answers, to judge by


def ancestors(root):
    nodes = {root}
    while more := {parent for node in nodes for parent in node.parents} - nodes:
        nodes |= more
    return nodes


def topological(root):
    """Python's own: graphlib knows how to sort a graph."""
    return list(TopologicalSorter({node: node.parents for node in ancestors(root)}).static_order())


def backward(root):
    """By the definition, with no order: a node's gradient is the sum of what its uses hand back, so it asks them."""
    uses = {node: [] for node in ancestors(root)}
    for node in uses:
        for place, parent in enumerate(node.parents):
            uses[parent].append((node, place))

    @cache
    def gradient(node):
        return np.ones_like(root.value) if node is root else sum(handed(user)[place] for user, place in uses[node])

    @cache
    def handed(node):
        return node.hand_back(gradient(node))

    return {node: gradient(node) for node in uses}


# ---- small graphs, from three given nodes to a root


class Written:
    """A node that is combined by + and *."""

    def __init__(self, node):
        self.node = node

    def __add__(self, other):
        return Written(add(self.node, other.node))

    def __mul__(self, other):
        return Written(multiply(self.node, other.node))


class Graph(NamedTuple):
    """make(a, b, c) makes of three nodes those that the text has, and returns `loss`."""

    text: str
    make: Callable


def graph(*equations, text=None):
    def make(a, b, c):
        nodes = {"a": Written(a), "b": Written(b), "c": Written(c)}
        for equation in equations:
            name, expression = equation.split(" = ")
            nodes[name] = eval(expression, {}, nodes)
        return nodes["loss"].node

    return Graph(text or ",  ".join(equations), make)


ALONE = Graph("loss = a, a node without parents", lambda a, b, c: a)
GRAPHS = (
    graph("loss = (a * b) * c"),
    graph("d = a + a", "loss = d * b + c"),
    graph("loss = (a * a) * b + c"),
    graph("d = a * b", "loss = (d + c) * (d * c)"),                 # a diamond
    graph("d = a * b", "e = d + c", "loss = e * d"),                # d is near to the loss, and far
    graph("d = a * b", "e = d + c", "loss = d * e"),
    graph("d = a * b", "e = d * c", "f = e + d", "loss = f * d + a"),
    graph("d = a + b", "e = d + c", "loss = (d + e) + a"),
    graph("d = a * b * c", *12 * ["d = d + d"], "loss = d",
          text="d = a * b * c,  then twelve times  d = d + d;  loss is the last d"),
)
ROLES = (0, 1, 2), (1, 2, 0), (2, 0, 1)         # so that each of a, b, c takes all places


def leaves(seed=0, shape=(2, 3)):
    rng = default_rng(seed)
    return tuple(np.where(rng.random(shape) < 0.5, -1, 1) * rng.uniform(0.5, 1.5, shape) for _ in range(3))


# ---- topological


def check_topological(function):
    for graph in (ALONE, *GRAPHS):
        for seed in (0, 1):
            given = [Node(value) for value in leaves(seed)]
            if seed:                            # values are alike, the nodes are not
                given[1].value = given[0].value
            root = graph.make(*given)
            found = function(root)
            if found is None:
                return {"nodes": Verdict(TODO)}
            again = function(root)
            if said := about_order(found, again, root):
                said = textwrap.fill(f"  topological {said}", 79, subsequent_indent="  ")
                return {"nodes": Verdict(WRONG, f"{said}\n  graph  {graph.text}\n  read  {READ}")}
    return {"nodes": Verdict(DONE)}


def about_order(found, again, root):
    """What is wrong with a list of nodes; None if nothing is."""
    if not isinstance(found, list | tuple):
        return f"should give a list of nodes, gives {type(found).__name__}"
    if strange := [item for item in found if not isinstance(item, Node)]:
        return f"has a {type(strange[0]).__name__} in its list: all of them should be nodes"
    if list(again) != list(found):
        return "gives another list if it is asked again: does a list or set live on from call to call?"
    wanted = ancestors(root)
    if not found:
        return "gives an empty list: root at least belongs into it"
    if set(found) - wanted:
        return "has a node in its list that root was not made from: does a list or set live on from an earlier call?"
    if len(set(found)) < len(found):
        return "has a node twice in its list: it was reached by two ways, and should be there once"
    if root not in found:
        return "leaves out root: it should be the last"
    if missing := wanted - set(found):
        which = "of the given ones" if all(not node.parents for node in missing) else "of those in between"
        return f"leaves out {len(missing)} of {len(wanted)} nodes, {which}"
    places = {node: i for i, node in enumerate(found)}
    early = [(node, parent) for node in found for parent in node.parents if places[parent] > places[node]]
    if early and all(places[parent] > places[node] for node in found for parent in node.parents):
        return "has its list upside down: what was given comes first, root comes last"
    if early:
        node, parent = early[0]
        return f"has the node made by {node.name} before its parent, made by {parent.name}: parents come first"
    return None


# ---- backward, and how it goes wrong


def parents_first(root, last_first=False):
    """Each node after its parents; `last_first`: the walk goes to the last parent before the first."""
    order = {}

    def visit(node):
        if node not in order:
            for parent in node.parents[::-1] if last_first else node.parents:
                visit(parent)
            order[node] = len(order)

    visit(root)
    return list(order)


def children_first(root, last_first=False):
    return parents_first(root, last_first)[::-1]


def walked(root, order=children_first, start=np.ones_like, combine=np.add,
           hand_back=lambda node, dy: node.hand_back(dy)):
    """A walk back through the nodes in some order, which may be a wrong one; it begins with start(root.value)."""
    grads = {root: start(root.value)}
    for node in order(root):
        if node not in grads:
            continue
        for parent, dy in zip(node.parents, hand_back(node, grads[node])):
            grads[parent] = combine(grads[parent], dy) if parent in grads else dy
    return grads


RESULTS = "loss", "a", "b", "c"


def gradients_by(function):
    """backward as a function of three arrays and a graph: the gradients of the root and of the three."""

    def run(a, b, c, graph, roles):
        given = [Node(value) for value in (a, b, c)]
        root = graph.make(*(given[role] for role in roles))
        grads = function(root)
        if grads is None:
            return (None,) * 4
        if not isinstance(grads, dict):
            raise ForwardError(f"  backward should give a dict, gives {type(grads).__name__}", RESULTS)
        if any(not isinstance(node, Node) for node in grads):
            raise ForwardError("  backward gives a dict whose keys are not all nodes", RESULTS)
        missing = [name for name, node in zip(RESULTS, (root, *given)) if node not in grads]
        if missing:
            text = f"  backward gives no gradient for {', '.join(missing)}: the dict should have every node"
            raise ForwardError(f"{text}, root\n  and those in between too", RESULTS)
        return tuple(np.asarray(grads[node]) for node in (root, *given))

    run.__name__ = "backward"
    return run


def entry(walk):
    """A wrong walk as an entry of a table of mistakes."""

    def complete(root):
        return {node: np.zeros_like(node.value) for node in ancestors(root)} | walk(root)

    return lambda *args: dict(zip(RESULTS, gradients_by(complete)(*args)))


def walking(**options):
    return entry(partial(walked, **options))


def add_in_place(old, new):
    return np.add(old, new, out=old)


def as_reached(root, deep=False):
    """Each node where it is first reached from root: level by level, or `deep`, along one way to its end first."""
    order, waiting = [], [root]
    while waiting:
        node, *waiting = waiting
        if node not in order:
            order.append(node)
            waiting = [*node.parents, *waiting] if deep else [*waiting, *node.parents]
    return order


def handed_on_again(root):
    grads = {}

    def visit(node, dy):
        grads[node] = grads.get(node, 0) + dy
        for parent, handed in zip(node.parents, node.hand_back(grads[node])):
            visit(parent, handed)

    visit(root, np.ones_like(root.value))
    return grads


def queued_again(root):
    grads, queue = {root: np.ones_like(root.value)}, [root]
    while queue:
        node = queue.pop(0)
        for parent, handed in zip(node.parents, node.hand_back(grads[node])):
            grads[parent] = grads.get(parent, 0) + handed
            queue.append(parent)
    return grads


def hand_back_by_dict(node, dy):
    handed = dict(zip(node.parents, node.hand_back(dy)))
    return [handed.pop(parent, np.zeros_like(dy)) for parent in node.parents]


the_other_order = partial(children_first, last_first=True)
BACKWARD = Table(READ, lambda: ((*leaves(7), graph, roles) for graph in GRAPHS for roles in ROLES))
BACKWARD.mistake("where a node is used twice, the second gradient overwrites the first: they add up, += and not =",
                 overwritten=walking(combine=lambda old, new: new),
                 overwritten_in_the_other_order=walking(combine=lambda old, new: new, order=the_other_order))
BACKWARD.mistake("where a node is used twice, only the first gradient that arrives is kept: they add up",
                 first_kept=walking(combine=lambda old, new: old),
                 first_kept_in_the_other_order=walking(combine=lambda old, new: old, order=the_other_order))
BACKWARD.mistake("where a node is used twice, the larger gradient is kept: they add up",
                 largest_kept=walking(combine=np.maximum))
BACKWARD.mistake("where a node is used twice, the two gradients are averaged: they add up",
                 averaged=walking(combine=lambda old, new: (old + new) / 2))
BACKWARD.mistake("a node hands back when it is first reached, level by level from the root: a gradient that comes by "
                 "a longer way is too late to be handed on", breadth_first=walking(order=as_reached))
BACKWARD.mistake("a node hands back as soon as a gradient first reaches it, before its other uses have answered: "
                 "walk in reverse topological order", depth_first=walking(order=partial(as_reached, deep=True)))
BACKWARD.mistake("a node that is reached a second time hands on all it has collected so far, the first part once "
                 "more: each node should hand back once", handed_on_again=entry(handed_on_again))
BACKWARD.mistake("a node hands back once for each of its uses, and each time all that it has by then: it should hand "
                 "back once, when all of its uses have answered", queued_again=entry(queued_again))
BACKWARD.mistake("if a node is both parents of another, as in a * a, only one of the two gradients counts: a dict "
                 "with the parents as keys has room for one", as_dict=walking(hand_back=hand_back_by_dict))
BACKWARD.mistake("only the first parent of each node is handed a gradient",
                 first_parent=walking(hand_back=lambda node, dy: node.hand_back(dy)[:1]))
BACKWARD.mistake("the gradients go to the wrong parents: hand_back gives them in the order of parents",
                 parents_exchanged=walking(hand_back=lambda node, dy: node.hand_back(dy)[::-1]))
BACKWARD.mistake("the walk begins with the value of root: root's own gradient is 1, whatever its value is",
                 started_with_value=walking(start=np.copy))
BACKWARD.mistake("the walk begins with a gradient of 0, and 0 is all that can come of it: root's own gradient is 1",
                 started_with_zero=walking(start=np.zeros_like))
BACKWARD.mistake("every hand_back is asked with a gradient of ones: it should be the node's own gradient",
                 never_multiplied=walking(hand_back=lambda node, dy: node.hand_back(np.ones_like(dy))))
BACKWARD.mistake("a gradient is changed in place, by +=, and another node had been handed the same array: make a new "
                 "one", shared_array=walking(combine=add_in_place),
                 shared_in_the_other_order=walking(combine=add_in_place, order=the_other_order))


def without_topological(backward):
    """Whether the topological in the file of a backward is still to do."""
    function = getattr(inspect.unwrap(backward), "__globals__", {}).get("topological")
    try:
        return callable(function) and watched(function, READ, course.LIBRARY)(Node(np.ones(1))) is None
    except TroubleError:
        return False


def check_backward(function):
    try:
        if function(Node(np.ones(1))) is None:
            return dict.fromkeys(("gradients", "once", "SegNet"), Verdict(TODO))
        verdicts = {"gradients": check_gradients(function), "once": check_once(function)}
        segnet = check_segnet(function)
    except TroubleError as trouble:
        if without_topological(function):       # it has nothing to walk on yet
            return dict.fromkeys(("gradients", "once", "SegNet"), Verdict(TODO))
        cause = trouble.__cause__
        if isinstance(cause, KeyError) and cause.args and isinstance(cause.args[0], Node):
            why = "it was a node's turn before it was handed anything: does the walk begin at root?"
            raise TroubleError(f"{trouble}\n  {why}") from trouble
        raise
    if segnet.kind == WRONG and verdicts["gradients"].kind == WRONG:
        segnet = verdicts["gradients"]
    return verdicts | {"SegNet": segnet}


def check_gradients(function):
    for graph in GRAPHS:
        for roles in ROLES:
            args = *leaves(), graph, roles
            try:
                check_forward(gradients_by(function), gradients_by(backward), *args, names=RESULTS[1:],
                              results=RESULTS, mistakes=BACKWARD)
            except ForwardError as error:
                return Verdict(WRONG, f"{error}\n  graph  {with_roles(graph.text, roles)}")
    return Verdict(DONE)


def with_roles(text, roles):
    """A text in which a, b and c have the names of those that take their places."""
    parts = re.split(r"\b([abc])\b", text)             # every other part is such a letter
    parts[1::2] = ["abc"[roles["abc".index(letter)]] for letter in parts[1::2]]
    return "".join(parts)


def check_once(function):
    """Does each node hand back once, and is nothing that was given changed?"""
    for graph in GRAPHS:
        given = [Node(value) for value in leaves()]
        root, asked = graph.make(*given), {}
        nodes = ancestors(root)
        before = {node: node.value.copy() for node in nodes}
        for node in nodes:
            node.hand_back = counting(node, asked)
        function(root)
        if any(not np.array_equal(node.value, before[node]) for node in nodes):
            return Verdict(WRONG, f"  backward changes the value of a node\n  graph  {graph.text}")
        most = max(asked, key=asked.get, default=None)
        if most and asked[most] > 1:
            text = "once is enough,\n  when all its uses have answered"
            text = f"  backward asks a node {asked[most]} times to hand back: {text}\n  graph  {graph.text}"
            return Verdict(WRONG, text)
    return Verdict(DONE)


def counting(node, asked):
    hand_back = node.hand_back

    def run(dy):
        if node.parents:
            asked[node] = asked.get(node, 0) + 1
        return hand_back(dy)

    return run


def network():
    """A SegNet of two levels and its loss, as a node; the nodes of its parameters; and the library's gradients."""
    rng = default_rng(0)
    segnet = networks.build("segnet-basic", classes=3, filters=4, levels=2, kernel=3)
    params, _ = networks.init(segnet, 0, float)
    x, labels, ignore = rng.standard_normal((2, 7, 8, 3)), rng.integers(0, 4, (2, 7, 8)), 3
    class_weights = rng.uniform(0.5, 2, 3)
    nodes = {name: Node(a) for name, a in params.items()}
    logits, _, _ = segnet.forward(nodes, Node(x), ops=tape)
    loss, _ = tape.softmax_cross_entropy(logits, labels, class_weights, ignore)

    logits, _, of_network = segnet.forward(params, x)
    value, of_loss = ops.softmax_cross_entropy(logits, labels, class_weights, ignore)
    dlogits = ops.softmax_cross_entropy_backward(np.ones_like(value), of_loss)
    _, grads = segnet.backward(dlogits, of_network)
    return loss, nodes, grads


def check_segnet(function):
    loss, nodes, right = network()
    grads = function(loss)
    if not isinstance(grads, dict):
        return Verdict(WRONG, f"  backward should give a dict, gives {type(grads).__name__}")
    for name in right:                          # in the order in which the network's backward finds them
        found = grads.get(nodes[name])
        if not isinstance(found, np.ndarray) or found.shape != right[name].shape:
            return Verdict(WRONG, f"  in a SegNet of two levels there is no gradient like {name}")
        if np.abs(found - right[name]).max() > 1e-12:
            return Verdict(WRONG, f"  in a SegNet of two levels the gradient of {name} is not the one that\n"
                                  "  the network's backward gives; it is the first, seen from the loss, that is wrong")
    return Verdict(DONE)


EXERCISES = (
    Exercise(
        "topological",
        check_topological,
        answer=topological,
        hints=(
            "A node may go into the list when all its parents are there. So before it, see to its parents; and before "
            "those, to theirs.",
            "A function inside the function can call itself: visit(node) does nothing if node has been seen, else it "
            "visits every parent, and then puts node at the end of the list.",
            "nodes, seen = [], set(), both inside topological; then def visit(node):",
        ),
        differs="networks are lists, and so have their order already (the time is that of Python's graphlib)",
        read="lessons/17_tape/tape.py",
        forbidden=course.LIBRARY / "networks",
        race=lambda: (network()[0],),
    ),
    Exercise(
        "backward",
        check_backward,
        answer=backward,
        hints=(
            "Walk through topological(root) from its end. When it is a node's turn, all its uses have handed back, and "
            "its gradient is complete.",
            "node.hand_back(grads[node]) is a tuple as long as node.parents: zip the two. A parent that has a gradient "
            "already gets the sum, in a new array; one that has none gets this one.",
            "grads = {root: np.ones_like(root.value)}, then for node in reversed(topological(root)):",
        ),
        differs="has no tape: a network is a list of blocks, and its backward goes up the list (the time is that of a "
                "recursion, from the leaves)",
        read="tinysegnet/networks/blocks.py",
        forbidden=course.LIBRARY / "networks",
        race=lambda: (network()[0],),
    ),
)
