"""temperature_for: what it accepts and returns; the search is in src/core/temperature_for.c."""

import numpy as np

cimport numpy as cnp
from libc.stddef cimport ptrdiff_t, size_t

from softdraw cimport _core
from softdraw._arguments cimport (
    broadcast_to_rows, real_array, real_numbers, refuse_positional,
)

from softdraw._arguments import hide_positional

cnp.import_array()

QUANTITIES = {
    "entropy": _core.SOFTDRAW_ENTROPY,
    "perplexity": _core.SOFTDRAW_PERPLEXITY,
    "top_prob": _core.SOFTDRAW_TOP_PROB,
}


@hide_positional
def temperature_for(logits, /, *refused, entropy=None, perplexity=None, top_prob=None):
    """Temperature at which ``softmax(logits / T)`` has a given entropy, perplexity or top probability.

    The inverse of :func:`entropy`: each of the three moves in one direction with T, so that exactly
    one T gives a value in between. T is right to a relative 1e-9, or gives what is wanted to 4 ULP,
    whichever is looser, however large, small, close together or far apart the logits are.

    Parameters
    ----------
    logits : array_like
        Real numbers of shape (n,), or (rows, n) for a temperature a row, computed as float64. -inf
        stands for an entry that is not there.
    entropy : float or array_like, optional
        The entropy in nats. This and the two below may have one value a row, of shape (rows,) or
        (rows, 1); exactly one of the three is given.
    perplexity : float or array_like, optional
        ``exp(entropy)``, the effective number of entries.
    top_prob : float or array_like, optional
        The largest probability.

    Returns
    -------
    float64 or ndarray
        A NumPy scalar for 1-D logits, an array of shape (rows,) for 2-D. A target within 4 ULP of
        what temperature 0 gives has 0.0, one within 4 ULP of what infinity gives has inf. Equal
        logits have one value only, and for it 1.0.

    Raises
    ------
    TypeError
        If none or several of the three are given, if logits or targets are not real numbers, or are
        masked or longdouble.
    ValueError
        For a target that no temperature gives: the text states the range. For a row of NaN, +inf or
        nothing but -inf, for logits that are empty or of another number of dimensions, and for
        targets of a shape that does not fit.

    Examples
    --------
    >>> import softdraw
    >>> logits = [1.0, 2.0, 4.0]
    >>> t = softdraw.temperature_for(logits, entropy=0.5)
    >>> round(float(t), 6), round(float(softdraw.entropy(logits, temperature=t)), 12)
    (0.96648, 0.5)
    >>> softdraw.temperature_for([logits, logits], top_prob=[0.5, 0.9]).round(6)
    array([3.556193, 0.8149  ])
    >>> softdraw.temperature_for(logits, perplexity=4)
    Traceback (most recent call last):
    ...
    ValueError: perplexity must be in [1.0, 3.0], got 4.0
    """
    if refused:
        refuse_positional("temperature_for(logits)", refused, ("entropy",))
    given = {"entropy": entropy, "perplexity": perplexity, "top_prob": top_prob}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        raise TypeError(
            "exactly one of entropy, perplexity and top_prob must be given, got "
            + (" and ".join(given) or "none")
        )
    (name, value), = given.items()
    cdef int quantity = QUANTITIES[name]
    array = real_array(logits, "logits")
    if array.ndim not in (1, 2):
        raise ValueError(f"logits must be 1-D or 2-D, got shape {array.shape}")
    *rows, n = array.shape
    if n == 0:
        raise ValueError("logits is empty")
    with np.errstate(invalid="ignore"):  # signalling NaNs
        x = np.ascontiguousarray(array, np.float64)
    targets = one_a_row(name, value, tuple(rows))
    result = np.empty(tuple(rows))

    cdef size_t length = n, count = result.size, where = 0
    cdef int error
    cdef const double *source = <const double *>cnp.PyArray_DATA(x)
    cdef const double *target = <const double *>cnp.PyArray_DATA(targets)
    cdef double *out = <double *>cnp.PyArray_DATA(result)
    with nogil:
        error = _core.temperature_for_f64(source, <ptrdiff_t>length, count, length, quantity, target,
                                          1, out, &where)
    if error:
        raise the_error(quantity, name, x.reshape(-1, n)[where], targets.reshape(-1)[where],
                        where if x.ndim == 2 else None)
    return result[()]


cdef object one_a_row(str name, object value, tuple rows):
    """A contiguous float64 array of one target for each row."""
    targets = real_numbers(value, name)
    return np.ascontiguousarray(broadcast_to_rows(targets, name, rows)).reshape(rows)


cdef object the_error(int quantity, str name, object row, object target, object index):
    """What to raise for a row of logits; its index is None if there is no other."""
    cdef double[2] ends
    place = "" if index is None else f"{index}, "
    bad = ~(row < np.inf)
    if bad.any():
        i = bad.argmax()
        return ValueError(f"logits[{place}{i}] is {row[i]}; logits must be finite or -inf")
    cdef const double *source = <const double *>cnp.PyArray_DATA(row)
    if _core.temperature_for_range_f64(source, row.size, quantity, ends):
        subject = "logits are" if index is None else f"row {index} of logits is"
        return ValueError(f"{subject} nothing but -inf")
    place = "" if index is None else f" for row {index} of logits"
    return ValueError(f"{name} must be in [{ends[0]}, {ends[1]}]{place}, got {target}")
