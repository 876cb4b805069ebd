from collections.abc import Sequence
from typing import Any, Literal, SupportsIndex, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._typing import RNG

_Size: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
_Invalid: TypeAlias = Literal["raise", "skip"]

@overload
def sample_logits(
    logits: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    size: _Size,
    rng: RNG = None,
    words: None = None,
    invalid: _Invalid = "raise",
    return_logprobs: Literal[False] = False,
    workers: SupportsIndex | None = None,
) -> NDArray[np.int64]: ...
@overload
def sample_logits(
    logits: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    size: _Size,
    rng: RNG = None,
    words: None = None,
    invalid: _Invalid = "raise",
    return_logprobs: Literal[True],
    workers: SupportsIndex | None = None,
) -> tuple[NDArray[np.int64], NDArray[Any]]: ...

# Without size: numbers for 1-D logits, which types cannot tell from others, otherwise arrays.
@overload
def sample_logits(
    logits: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    size: None = None,
    rng: RNG = None,
    words: ArrayLike | None = None,
    invalid: _Invalid = "raise",
    return_logprobs: Literal[True],
    workers: SupportsIndex | None = None,
) -> tuple[Any, Any]: ...
@overload
def sample_logits(
    logits: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    top_k: ArrayLike | None = None,
    top_p: ArrayLike | None = None,
    min_p: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    size: _Size | None = None,
    rng: RNG = None,
    words: ArrayLike | None = None,
    invalid: _Invalid = "raise",
    return_logprobs: bool = False,
    workers: SupportsIndex | None = None,
) -> Any: ...
