"""What is wrong with a data set, or could be, in one form: for a person, for a program, and for a training."""

from dataclasses import dataclass, replace

from tinysegnet.support.errors import InputError


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with so many files, or could be."""

    kind: str           # in a word or two, the same for all of its kind
    count: int          # of files, or of what the kind is about
    first: str          # the first of these files
    sentence: str       # says what it is and what to do, for that file
    refused: bool       # whether a training refuses the data set for it

    def __str__(self):
        of_one_file = self.sentence.startswith(self.first)
        return f"{self.sentence} ({self.count - 1} more like it)" if of_one_file and self.count > 1 else self.sentence


class FileError(InputError):
    """A file of a data set that cannot be used as it is. The message names it and says what to do.

    kind    of Problem
    first   its path
    stored  the numbers (256,) of the labels in it, if that is what it is about
    """

    def __init__(self, kind, path, sentence, stored=None):
        super().__init__(f"{path} {sentence}")
        self.kind, self.path, self.stored = kind, str(path), stored


class Problems(dict):
    """{kind: Problem}: one of a kind, with the first file and how many there are."""

    def add(self, kind, first, sentence, count=1, refused=True):
        """Count one more, or so many."""
        if kind in self:
            self[kind] = replace(self[kind], count=self[kind].count + count)
        else:
            self[kind] = Problem(kind, count, str(first), sentence, refused)

    def add_all(self, others):
        for one in others.values():
            self.add(one.kind, one.first, one.sentence, one.count, one.refused)
