"""What a table of known wrong answers is."""

import numpy as np

from tinysegnet.checker.edits import Formula


class Table:
    """Known wrong answers of one function, a backward or a forward.

    read      the file to read again
    cases     cases() gives generic arguments: all sizes differ, so that no two mistakes look alike
    results   the names of what the function returns
    forward   of a backward, the op that it belongs to: nobody who computes something else has made these mistakes
    mistakes  functions of dy and the arguments, or of the arguments alone, that return {"dw": the wrong answer}; each
              has its `sentence`, which names the mistake
    formulas  the right answer in plain NumPy, once for each way of writing it whose slips are others
    axes      what those of a result are, for results of so many: ("channel",) for vectors
    """

    def __init__(self, read, cases=tuple, results=(), forward=None, mistakes=(), formulas=(), axes=()):
        self.read, self.cases, self.results, self.forward = read, cases, tuple(results), forward
        self.mistakes, self.formulas, self.axes = list(mistakes), list(formulas), axes

    def formula(self, function):
        """List a right answer, to be edited: @backward.formula above a function. See edits.Formula."""
        self.formulas.append(Formula(function))
        return function

    def mistake(self, sentence, /, *names, **answers):
        """List a function that returns the wrong answer. It is decorated,

            @backward.mistake("the kernel is not rotated", "dx")
            def dx_not_rotated(dy, x, w, b):
                return ...

        or, if it is no more than an expression, given by its name:

            backward.mistake("the kernel is not rotated", "dx", dx_not_rotated=lambda dy, x, w, b: ...)

        names  of what it returns, several for a tuple: by default the one result. What returns a dict has named it, and
               of these names are those that count: by default all.
        """
        names = names or (self.results if len(self.results) == 1 else ())

        def listed(answer, called=None):
            def wrong(*args):
                found = answer(*args)
                if isinstance(found, dict):
                    return {name: found[name] for name in names or found}
                return dict(zip(names, found if len(names) > 1 else (found,), strict=True))

            wrong.__name__, wrong.sentence = called or answer.__name__, sentence
            self.mistakes.append(wrong)
            return answer

        if not answers:
            return listed
        for called, answer in answers.items():
            listed(answer, called)
        return None


def alone(n, a):
    """An array like a, in which all images but one are 0."""
    one = np.zeros_like(a)
    one[n] = a[n]
    return one
