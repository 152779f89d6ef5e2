"""Lesson 12: how the six findings are judged."""

import textwrap

from lessons.engine import course
from lessons.engine.exercises import DONE, TODO, WRONG, Exercise, Verdict
from lessons.engine.planted import GRADIENTS, SIX, culprit


def answers():
    return tuple(culprit(letter) for letter in SIX)


def check(function):
    """A verdict on each letter."""
    found = function()
    if not isinstance(found, tuple | list) or len(found) != len(SIX):
        return dict.fromkeys(SIX, Verdict(WRONG, "  culprits should return A, B, C, D, E, F: six pairs, or None"))
    return {letter: verdict(letter, pair) for letter, pair in zip(SIX, found)}


def verdict(letter, pair):
    if pair is None:
        return Verdict(TODO)
    if not isinstance(pair, tuple | list) or len(pair) != 2 or not all(isinstance(word, str) for word in pair):
        return wrong(letter, 'should be a pair of words like ("conv2d_backward", "db")')
    name, gradient = pair
    if name not in GRADIENTS:
        return wrong(letter, f"there is no {name}: the backwards are {', '.join(GRADIENTS)}")
    if gradient not in GRADIENTS[name]:
        return wrong(letter, f"{name} does not return {gradient}: it returns {', '.join(GRADIENTS[name])}")
    if (name, gradient) != culprit(letter):
        return wrong(letter, f"the {gradient} of {name} is right there: check_backward finds nothing wrong with it")
    return Verdict(DONE)


def wrong(letter, text):
    return Verdict(WRONG, textwrap.fill(f"{letter}: {text}", 79, initial_indent="  ", subsequent_indent="     "))


EXERCISES = (
    Exercise(
        "culprits", check,
        answer=answers, read="tinysegnet/checker/mistakes/batchnorm.py", forbidden=course.LESSONS / "engine",
        race=lambda: (),
        differs="backwards are right in these places: what was planted there are known mistakes of "
                "tinysegnet/checker/mistakes",
        hints=("Take one network and go through its six backwards, one after the other, as the page does with "
               "network(77). For five of them the checker says nothing.",
               "The arrays can be small and random, a few pixels and channels; the checker's names are those of the "
               "arguments that have a gradient. For the loss give some labels the value of ignore, and others not.",
               'ops = network("A"), and then check_backward(ops.relu, ops.relu_backward, x, names=("x",))'),
    ),
)
