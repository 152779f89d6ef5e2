"""Averaged weights: not the parameters of the last step, but an average over many of the last steps (Polyak and
Juditsky, 1992; exponential, as in Tarvainen and Valpola, 2017). Batch norm's statistics are taken anew for them.

The averages are a part of the optimiser's state, and so are saved, and resumed, with it.
"""

from tinysegnet.support.backend import array_module

COUNT = "averaged"      # in the state: how many steps


def averages_of(params):
    """The averages before the first step, by their names in the optimiser's state."""
    xp = array_module(next(iter(params.values())))
    return {name_of(name): w.copy() for name, w in params.items()} | {COUNT: xp.zeros((), "float32")}


def averaging(update, decay):
    """An optimiser's update that then moves the averages:  average = d * average + (1 - d) * w,  in place.

    decay  d, once enough steps are made: before that it is (steps + 1) / (steps + 10), so that the beginning is
           forgotten
    """
    def update_and_average(params, grads, state, *args):
        update(params, grads, state, *args)
        xp, steps = array_module(state[COUNT]), state[COUNT]
        d = xp.minimum((steps + 1) / (steps + 10), decay)
        for name, w in params.items():
            average = state[name_of(name)]
            average += (1 - d).astype(w.dtype) * (w - average)
        steps += 1

    return update_and_average


def averaged(params, state):
    """The averages, by the names of the params."""
    return {name: state[name_of(name)] for name in params}


def name_of(name):
    return f"{name}.average"
