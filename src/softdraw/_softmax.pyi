from collections.abc import Sequence
from typing import Any, Literal, SupportsIndex, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Axis: TypeAlias = SupportsIndex | tuple[SupportsIndex, ...] | None
_Float = TypeVar("_Float", bound=np.float16 | np.float32 | np.float64)
_Out = TypeVar("_Out", bound=NDArray[Any])
# What is computed as float64.
_Numbers: TypeAlias = (
    Sequence[float] | Sequence[Sequence[float]] | NDArray[np.integer[Any]] | NDArray[np.bool_]
)

@overload
def softmax(
    x: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: _Out,
    workers: SupportsIndex | None = None,
) -> _Out: ...
@overload
def softmax(
    x: NDArray[_Float],
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    workers: SupportsIndex | None = None,
) -> NDArray[_Float]: ...
@overload
def softmax(
    x: _Numbers,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    workers: SupportsIndex | None = None,
) -> NDArray[np.float64]: ...
@overload
def softmax(
    x: float,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    workers: SupportsIndex | None = None,
) -> np.float64: ...
@overload
def softmax(
    x: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: NDArray[Any] | None = None,
    workers: SupportsIndex | None = None,
) -> Any: ...
@overload
def log_softmax(
    x: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: _Out,
    workers: SupportsIndex | None = None,
) -> _Out: ...
@overload
def log_softmax(
    x: NDArray[_Float],
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    workers: SupportsIndex | None = None,
) -> NDArray[_Float]: ...
@overload
def log_softmax(
    x: _Numbers,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    workers: SupportsIndex | None = None,
) -> NDArray[np.float64]: ...
@overload
def log_softmax(
    x: float,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    workers: SupportsIndex | None = None,
) -> np.float64: ...
@overload
def log_softmax(
    x: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: NDArray[Any] | None = None,
    workers: SupportsIndex | None = None,
) -> Any: ...
@overload
def softmax_vjp(
    p: ArrayLike,
    g: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: _Out,
    workers: SupportsIndex | None = None,
) -> _Out: ...
@overload
def softmax_vjp(
    p: NDArray[_Float],
    g: NDArray[_Float],
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    workers: SupportsIndex | None = None,
) -> NDArray[_Float]: ...
@overload
def softmax_vjp(
    p: _Numbers,
    g: _Numbers,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    workers: SupportsIndex | None = None,
) -> NDArray[np.float64]: ...
@overload
def softmax_vjp(
    p: float,
    g: float,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    workers: SupportsIndex | None = None,
) -> np.float64: ...
@overload
def softmax_vjp(
    p: ArrayLike,
    g: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: NDArray[Any] | None = None,
    workers: SupportsIndex | None = None,
) -> Any: ...

# A NumPy scalar where every axis is reduced and keepdims is False.
@overload
def logsumexp(
    x: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: _Out,
    keepdims: bool = False,
    workers: SupportsIndex | None = None,
) -> _Out: ...
@overload
def logsumexp(
    x: NDArray[_Float],
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    keepdims: Literal[True],
    workers: SupportsIndex | None = None,
) -> NDArray[_Float]: ...
@overload
def logsumexp(
    x: _Numbers,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    keepdims: Literal[True],
    workers: SupportsIndex | None = None,
) -> NDArray[np.float64]: ...
@overload
def logsumexp(
    x: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    keepdims: Literal[True],
    workers: SupportsIndex | None = None,
) -> NDArray[Any]: ...
@overload
def logsumexp(
    x: NDArray[_Float],
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: None,
    out: None = None,
    keepdims: Literal[False] = False,
    workers: SupportsIndex | None = None,
) -> _Float: ...
@overload
def logsumexp(
    x: Sequence[float],
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: SupportsIndex | None = -1,
    out: None = None,
    keepdims: Literal[False] = False,
    workers: SupportsIndex | None = None,
) -> np.float64: ...
@overload
def logsumexp(
    x: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: NDArray[Any] | None = None,
    keepdims: bool = False,
    workers: SupportsIndex | None = None,
) -> Any: ...
@overload
def entropy(
    logits: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: _Out,
    keepdims: bool = False,
    workers: SupportsIndex | None = None,
) -> _Out: ...
@overload
def entropy(
    logits: NDArray[_Float],
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    keepdims: Literal[True],
    workers: SupportsIndex | None = None,
) -> NDArray[_Float]: ...
@overload
def entropy(
    logits: _Numbers,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    keepdims: Literal[True],
    workers: SupportsIndex | None = None,
) -> NDArray[np.float64]: ...
@overload
def entropy(
    logits: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: None = None,
    keepdims: Literal[True],
    workers: SupportsIndex | None = None,
) -> NDArray[Any]: ...
@overload
def entropy(
    logits: NDArray[_Float],
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: None,
    out: None = None,
    keepdims: Literal[False] = False,
    workers: SupportsIndex | None = None,
) -> _Float: ...
@overload
def entropy(
    logits: Sequence[float],
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: SupportsIndex | None = -1,
    out: None = None,
    keepdims: Literal[False] = False,
    workers: SupportsIndex | None = None,
) -> np.float64: ...
@overload
def entropy(
    logits: ArrayLike,
    /,
    *,
    temperature: ArrayLike = 1.0,
    axis: _Axis = -1,
    out: NDArray[Any] | None = None,
    keepdims: bool = False,
    workers: SupportsIndex | None = None,
) -> Any: ...
