"""Generators of odd kinds, what they give, and a table that shows their words."""

import numpy as np
from numpy.random import Generator
from numpy.random.bit_generator import ISpawnableSeedSequence

from softdraw import AliasTable, Xoshiro256

MASK = 2**64 - 1


def lanes(generator):
    """The states of the eight lanes, as lists of four integers."""
    return generator.state["state"]["s"].T.tolist()


class Seeds(ISpawnableSeedSequence):
    """A seed sequence that always gives the words with which it was made."""

    def __init__(self, words):
        self.words = words

    def generate_state(self, n_words, dtype=np.uint32):
        return self.words

    def spawn(self, n_children):
        return [Seeds(self.words)] * n_children


def stream(generator):
    halves = Generator(generator).integers(0, 2**32, size=5, dtype=np.uint32)
    return halves.tolist() + generator.random_raw(50).tolist()


class Child(Xoshiro256):
    pass


# A draw is the first 20 bits of its word.
TABLE = AliasTable(np.ones(2**20))
