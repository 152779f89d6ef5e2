"""Train a small SegNet-Basic on few labelled streets, and with what it says itself of many others."""

import argparse
import itertools
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "TINYSEGNET_THREADS": "1"}
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from lessons.engine import course, judging
from tinysegnet import inference, networks
from tinysegnet.data import streets
from tinysegnet.data.batches import training_batches
from tinysegnet.ops import fast
from tinysegnet.support.backend import keep_freed_memory
from tinysegnet.support.errors import InputError, exit_in_words
from tinysegnet.support.progress import bar
from tinysegnet.training import loop

train_dilated = course.beside(__file__, "train_dilated")

DESCRIPTION = """A small SegNet-Basic on ten labelled streets, on these and the
pseudo-labels of 230 others, and on 240 labelled ones, each by as many steps.

    python lessons/23_what_segnet_is_not/pseudo_labels.py

takes 10 to 20 minutes, on one thread. The pseudo-labels are those of
pseudo_labels in mine/23_what_segnet_is_not.py.
"""
LABELLED = 10               # streets; what is known of the others is the photograph
THRESHOLDS = 0.0, 0.9
STEPS, FILTERS = 600, 12
SETTINGS = replace(train_dilated.SETTINGS, epochs=1, steps=STEPS)        # one cosine over all steps


def split(seed):
    """The seeds of the labelled streets, and of the others: another ten for each seed."""
    order = [int(i) for i in np.random.default_rng(seed).permutation(streets.TRAIN)]
    return order[:LABELLED], order[LABELLED:]


def with_labels(data, labels_of, samples):
    """The data set with other labels of some streets, {seed: labels}, and these samples to train on, some repeated."""

    def read(sample):
        photograph, labels = data.read(sample)
        return photograph, labels_of.get(sample, labels)

    return replace(data, read=read, samples=lambda split: samples if split == "train" else data.samples(split))


def trained(data, seed):
    """A Model of SegNet-Basic after STEPS steps, with the statistics of what it was trained on."""
    settings = replace(SETTINGS, seed=seed)
    network = networks.build("segnet-basic", classes=len(data.classes), filters=FILTERS)
    trainer = train_dilated.new_trainer(network, data, settings)
    epochs = (training_batches(data, settings, epoch) for epoch in itertools.count(1))
    batches = itertools.islice(itertools.chain.from_iterable(epochs), STEPS)
    for _ in bar(loop.train_steps(trainer, batches, 0), "training", STEPS):
        pass
    model = trainer.model
    return replace(model, stats=loop.exact_statistics(model, training_batches(data, settings, epoch=0)))


def probabilities(model, photograph):
    """The softmax of each pixel, (H, W, classes)."""
    return fast.softmax(inference.look(model, photograph)[0])


def trainings(data, seed, pseudo_labels, thresholds=THRESHOLDS):
    """Yield (name, Model, {seed of a street: its pseudo-labels}) of one training after the other.

    With pseudo-labels every second street of an epoch is one of the labelled ones, again and again: else their labels,
    which are right, would be lost among those that are not.
    """
    few, others = split(seed)
    teacher = trained(with_labels(data, {}, few * (len(streets.TRAIN) // LABELLED)), seed)
    yield "only the labelled", teacher, {}
    p_of = {street: probabilities(teacher, data.read(street)[0]) for street in others}
    for threshold in thresholds:
        guessed = {street: pseudo_labels(p, threshold, data.ignore) for street, p in p_of.items()}
        samples = few * (len(others) // LABELLED) + others
        name = f"and pseudo-labels, from {threshold}" if threshold else "and pseudo-labels, all"
        yield name, trained(with_labels(data, guessed, samples), seed), guessed
    yield "all true labels", trained(with_labels(data, {}, few + others), seed), {}


def quality(data, guessed):
    """Of pseudo-labels: how many % of all pixels have one, how many % of these are right, where the truth is not void;
    and the same two of each class, by its true pixels."""
    classes = len(data.classes)
    matrix, pixels, said, there = np.zeros((classes, classes + 1), int), 0, 0, np.arange(classes)
    for street, labels in guessed.items():
        truth = data.read(street)[1]
        known = truth != data.ignore
        called = np.where(labels == data.ignore, classes, labels)
        counts = np.bincount(truth[known].astype(int) * (classes + 1) + called[known], minlength=matrix.size)
        matrix += counts.reshape(matrix.shape)
        pixels, said = pixels + truth.size, said + (labels != data.ignore).sum()
    right, kept = matrix[there, there], matrix[:, :classes].sum(axis=1)
    percent = train_dilated.percent
    return {
        "kept": percent(said / pixels), "right": percent(right.sum() / kept.sum()),
        "kept of class": [percent(k / max(n, 1)) for k, n in zip(kept, matrix.sum(axis=1))],
        "right of class": [percent(r / max(k, 1)) for r, k in zip(right, kept)],
    }


def learners_function():
    lesson = course.LESSONS / "23_what_segnet_is_not"
    exercise = next(one for one in course.exercises(lesson) if one.name == "pseudo_labels")
    if not judging.is_done(judging.judge(lesson, exercise).verdicts):
        path = course.my_file(lesson)
        raise InputError(f"mine/{path.name}: {exercise.name} is not done, python -m lessons 23 says why")
    return course.load(course.my_file(lesson)).pseudo_labels


def main():
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    keep_freed_memory()
    data, function, start = streets.dataset(), learners_function(), time.perf_counter()
    for name, model, guessed in trainings(data, args.seed, function):
        if guessed:
            of = quality(data, guessed)
            print(f"pseudo-labels on {of['kept']} % of the pixels, of which {of['right']} % are right")
        figures = train_dilated.judged(model, data)
        print(f"{name:30}G {figures['G']:5.1f}   C {figures['C']:5.1f}   mIoU {figures['mIoU']:5.1f}   "
              f"{time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    exit_in_words(main)
