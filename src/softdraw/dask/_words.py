"""The words of a generator for the chunks of an array."""

# mypy: disable-error-code="no-untyped-call, no-any-return, unused-ignore"

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np

import softdraw

from .._random import bit_generator_within, generator_of_seed, pass_over
from ._blocks import Array


class Words:
    """Words of a generator's stream, arranged in C order in a shape."""

    def __init__(self, generator: softdraw.Xoshiro256, shape: tuple[int, ...]) -> None:
        self.generator = generator
        self.shape = shape

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return "softdraw.dask.Words", pickle.dumps(self.generator), self.shape

    def take(self, location: list[tuple[int, int]]) -> Array:
        """The words at a location, the first and last index along each axis."""
        out = np.empty([end - begin for begin, end in location], np.uint64)
        for run, generator in self._runs(out, location):
            run[:] = generator.random_raw(len(run))
        return out

    def draw(self, table: softdraw.AliasTable, location: list[tuple[int, int]]) -> Array:
        """What the words at a location draw from a table."""
        out = np.empty([end - begin for begin, end in location], np.int64)
        for run, generator in self._runs(out, location):
            table.sample(out=run, rng=generator)
        return out

    def _runs(
        self, out: Array, location: list[tuple[int, int]]
    ) -> Iterator[tuple[Array, softdraw.Xoshiro256]]:
        """The parts of out whose words follow each other, and a generator that is there."""
        if out.size == 0:
            return
        generator = copy.copy(self.generator)
        axis = len(self.shape) - 1
        while axis > 0 and out.shape[axis] == self.shape[axis]:
            axis -= 1  # along which the location is whole, so that a run goes on
        runs = out.reshape(-1, math.prod(out.shape[max(axis, 0) :]))
        begins = [begin for begin, _ in location]
        at = 0
        for run, index in zip(runs, np.ndindex(*out.shape[: max(axis, 0)]), strict=True):
            first = 0
            for i, length in enumerate(self.shape):
                first = first * length + begins[i] + (index[i] if i < len(index) else 0)
            generator.advance(first - at)
            at = first + len(run)
            yield run, generator


def generator_of(name: str, seed: Any, count: int) -> softdraw.Xoshiro256:
    """A generator for the words of so many draws; one that is given passes over them."""
    given = bit_generator_within(seed) if isinstance(seed, np.random.Generator) else seed
    if not isinstance(given, np.random.BitGenerator):
        return generator_of_seed(name, given)
    if not isinstance(given, softdraw.Xoshiro256):
        raise TypeError(
            f"{name} must be a seed, or an Xoshiro256, which each chunk can advance to its own "
            f"words; got {type(given).__name__}"
        )
    return pass_over(name, given, count)


def location_of(
    begins: list[int], shape: tuple[int, ...], extra: tuple[int, ...]
) -> list[tuple[int, int]]:
    """The location of the draws from a block of rows, which begins there."""
    rows = [(begin, begin + length) for begin, length in zip(begins, shape, strict=False)]
    return rows + [(0, length) for length in extra]
