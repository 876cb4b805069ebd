from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

# A NumPy scalar for 1-D logits, which types cannot always tell from others.
@overload
def temperature_for(
    logits: Sequence[float],
    /,
    *,
    entropy: ArrayLike | None = None,
    perplexity: ArrayLike | None = None,
    top_prob: ArrayLike | None = None,
    clip: bool = False,
) -> np.float64: ...
@overload
def temperature_for(
    logits: Sequence[Sequence[float]],
    /,
    *,
    entropy: ArrayLike | None = None,
    perplexity: ArrayLike | None = None,
    top_prob: ArrayLike | None = None,
    clip: bool = False,
) -> NDArray[np.float64]: ...
@overload
def temperature_for(
    logits: ArrayLike,
    /,
    *,
    entropy: ArrayLike | None = None,
    perplexity: ArrayLike | None = None,
    top_prob: ArrayLike | None = None,
    clip: bool = False,
) -> Any: ...

# Names for targets, and their numbers in the C core.
QUANTITIES: dict[str, int]
