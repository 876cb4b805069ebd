"""What the argument `rng` may be, for annotations."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.random import BitGenerator, Generator
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

RNG: TypeAlias = (
    int
    | np.integer[Any]
    | Sequence[int]
    | NDArray[np.integer[Any]]
    | ISeedSequence
    | BitGenerator
    | Generator
    | None
)
