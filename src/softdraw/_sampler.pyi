from collections.abc import Sequence
from typing import NoReturn, SupportsIndex, final, overload

import numpy as np
from numpy.typing import NDArray

@final
class Sampler:
    def __new__(cls, *arguments: object) -> NoReturn: ...
    @overload
    def __call__(self, size: None = None) -> int: ...
    @overload
    def __call__(self, size: SupportsIndex | Sequence[SupportsIndex]) -> NDArray[np.int64]: ...
