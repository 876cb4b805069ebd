"""Temperature softmax within 1 ULP (float32) or 2 ULP (float64), and exact alias-method sampling.

>>> import softdraw
>>> softdraw.softmax([1.0, 2.0], temperature=2)
array([0.37754067, 0.62245933])
>>> table = softdraw.AliasTable([1, 2, 1])
>>> table.probabilities()
array([0.25, 0.5 , 0.25])
>>> table.sample(5, rng=7).shape
(5,)
"""

from ._alias import AliasTable
from ._core import __version__ as __version__
from ._core import cpu_info
from ._include import get_cdef, get_include, get_library, get_sources
from ._logits import sample_logits
from ._random import Xoshiro256
from ._softmax import entropy, log_softmax, logsumexp, softmax, softmax_vjp
from ._tables import AliasTables
from ._temperature import temperature_for
from ._workers import get_workers, set_workers

__all__ = [
    "AliasTable",
    "AliasTables",
    "Xoshiro256",
    "cpu_info",
    "entropy",
    "get_cdef",
    "get_include",
    "get_library",
    "get_sources",
    "get_workers",
    "log_softmax",
    "logsumexp",
    "sample_logits",
    "set_workers",
    "softmax",
    "softmax_vjp",
    "temperature_for",
]
