"""Lesson 12: bugs that train. Write your findings here, and ask:  python -m pytest lessons/12_bugs_that_train"""


def culprits():
    """What is wrong in each of the networks A to F of lessons.engine.planted: an operation's backward and one of its
    gradients, as in ("conv2d_backward", "db").

    None is: not found yet. Find them by check_backward, not in here.
    """
    A = None
    B = None
    C = None
    D = None
    E = None
    F = None
    return A, B, C, D, E, F
