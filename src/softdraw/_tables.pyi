from collections.abc import Iterator
from typing import Any, SupportsIndex, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import Self

from ._alias import AliasTable, _Integer, _Out, _Size
from ._logits import _Invalid
from ._typing import RNG

@final
class AliasTables:
    def __new__(
        cls, weights: ArrayLike, indptr: ArrayLike, /, *, workers: SupportsIndex | None = None
    ) -> Self: ...
    @classmethod
    def from_logits(
        cls,
        logits: ArrayLike,
        indptr: ArrayLike,
        /,
        *,
        temperature: ArrayLike = 1.0,
        workers: SupportsIndex | None = None,
    ) -> Self: ...
    @overload
    def sample(
        self,
        rows: _Integer,
        /,
        size: None = None,
        *,
        rng: RNG = None,
        invalid: _Invalid = "raise",
        out: None = None,
        workers: SupportsIndex | None = None,
    ) -> int: ...
    @overload
    def sample(
        self,
        rows: ArrayLike,
        /,
        size: _Size | None = None,
        *,
        rng: RNG = None,
        invalid: _Invalid = "raise",
        out: _Out,
        workers: SupportsIndex | None = None,
    ) -> _Out: ...
    @overload
    def sample(
        self,
        rows: ArrayLike,
        /,
        size: _Size,
        *,
        rng: RNG = None,
        invalid: _Invalid = "raise",
        out: None = None,
        workers: SupportsIndex | None = None,
    ) -> NDArray[np.int64]: ...
    @overload
    def sample(
        self,
        rows: ArrayLike,
        /,
        size: None = None,
        *,
        rng: RNG = None,
        invalid: _Invalid = "raise",
        out: None = None,
        workers: SupportsIndex | None = None,
    ) -> NDArray[np.int64]: ...
    @overload
    def map(
        self,
        rows: _Integer,
        words: _Integer,
        /,
        *,
        invalid: _Invalid = "raise",
        out: None = None,
        workers: SupportsIndex | None = None,
    ) -> int: ...
    @overload
    def map(
        self,
        rows: ArrayLike,
        words: ArrayLike,
        /,
        *,
        invalid: _Invalid = "raise",
        out: _Out,
        workers: SupportsIndex | None = None,
    ) -> _Out: ...
    @overload
    def map(
        self,
        rows: ArrayLike,
        words: ArrayLike,
        /,
        *,
        invalid: _Invalid = "raise",
        out: None = None,
        workers: SupportsIndex | None = None,
    ) -> NDArray[np.int64]: ...
    def probabilities(self) -> NDArray[np.float64]: ...
    def units(self) -> NDArray[np.uint64]: ...
    @property
    def nonempty(self) -> NDArray[np.bool_]: ...
    @property
    def indptr(self) -> NDArray[np.int64]: ...
    @property
    def buckets(self) -> NDArray[np.uint64]: ...
    @property
    def records(self) -> NDArray[np.uint64]: ...
    @property
    def nbytes(self) -> int: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, row: SupportsIndex, /) -> AliasTable: ...
    @overload
    def __getitem__(self, row: slice[Any, Any, Any], /) -> Self: ...
    def __iter__(self) -> Iterator[AliasTable | None]: ...
    def __reversed__(self) -> Iterator[AliasTable | None]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[int, Any]) -> Self: ...
