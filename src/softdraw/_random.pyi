from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.random import BitGenerator, Generator
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray
from typing_extensions import Self

# What the argument `rng` may be.
_RNG: TypeAlias = (
    int
    | np.integer[Any]
    | Sequence[int]
    | NDArray[np.integer[Any]]
    | ISeedSequence
    | BitGenerator
    | Generator
    | None
)

def generator_of_seed(name: str, seed: object) -> Xoshiro256: ...
def bit_generator_within(generator: Generator) -> BitGenerator: ...
def pass_over(given: Xoshiro256, count: int) -> Xoshiro256: ...

class Lock:
    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...
    def release(self) -> None: ...
    def __enter__(self) -> Literal[True]: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class Xoshiro256(BitGenerator):
    def __init__(
        self,
        seed: int
        | np.integer[Any]
        | Sequence[int]
        | NDArray[np.integer[Any]]
        | ISeedSequence
        | None = None,
    ) -> None: ...
    @property
    def seed_seq(self) -> ISeedSequence: ...
    @property
    def state(self) -> dict[str, Any]: ...
    @state.setter
    def state(self, value: Mapping[str, Any]) -> None: ...
    def spawn(self, n_children: int) -> list[Self]: ...
    def jumped(self, jumps: int = 1) -> Self: ...
    def advance(self, delta: int) -> Self: ...
