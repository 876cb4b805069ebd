from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeAlias, TypeVar, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import Self

from ._sampler import Sampler
from ._typing import RNG

_Size: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
_Integer: TypeAlias = int | np.integer[Any]
_Out = TypeVar(
    "_Out", bound=NDArray[np.int64] | NDArray[np.int32] | NDArray[np.uint32] | NDArray[np.int16]
)

@final
class AliasTable:
    def __new__(cls, weights: ArrayLike, /) -> Self: ...
    @classmethod
    def from_logits(
        cls, logits: ArrayLike, /, *, temperature: float | np.floating[Any] | np.integer[Any] = 1.0
    ) -> Self: ...
    @overload
    def sample(
        self,
        size: None = None,
        *,
        rng: RNG = None,
        out: None = None,
        workers: SupportsIndex | None = None,
    ) -> int: ...
    @overload
    def sample(
        self,
        size: _Size,
        *,
        rng: RNG = None,
        out: None = None,
        workers: SupportsIndex | None = None,
    ) -> NDArray[np.int64]: ...
    @overload
    def sample(
        self,
        size: _Size | None = None,
        *,
        rng: RNG = None,
        out: _Out,
        workers: SupportsIndex | None = None,
    ) -> _Out: ...
    @overload
    def map(
        self,
        words: _Integer,
        /,
        *,
        out: None = None,
        workers: SupportsIndex | None = None,
    ) -> int: ...
    @overload
    def map(
        self,
        words: ArrayLike,
        /,
        *,
        out: _Out,
        workers: SupportsIndex | None = None,
    ) -> _Out: ...
    @overload
    def map(
        self,
        words: ArrayLike,
        /,
        *,
        out: None = None,
        workers: SupportsIndex | None = None,
    ) -> NDArray[np.int64]: ...
    def sampler(self, rng: RNG = None) -> Sampler: ...
    def probabilities(self) -> NDArray[np.float64]: ...
    def units(self) -> NDArray[np.uint64]: ...
    @property
    def buckets(self) -> NDArray[np.uint64]: ...
    @property
    def bits(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[int, Any]) -> Self: ...
