"""temperature_for: what it accepts and returns; the search is in src/core/temperature_for.c."""

import numpy as np

cimport numpy as cnp
from libc.stddef cimport ptrdiff_t, size_t

from softdraw cimport _core
from softdraw._arguments cimport (
    as_carray, fit_to_rows, fixed_real, is_true, place_of, real_array, real_numbers, refuse_positional,
)

from softdraw._arguments import hide_positional

cnp.import_array()

QUANTITIES = {
    "entropy": _core.SOFTDRAW_ENTROPY,
    "perplexity": _core.SOFTDRAW_PERPLEXITY,
    "top_prob": _core.SOFTDRAW_TOP_PROB,
}


@hide_positional
def temperature_for(logits, /, *refused, entropy=None, perplexity=None, top_prob=None, clip=False):
    """Temperature at which ``softmax(logits / T)`` has a given entropy, perplexity or top probability.

    The inverse of :func:`entropy`: each of the three moves in one direction with T, so that exactly
    one T gives a value in between. That T is within a relative 1e-9, or gives what is wanted within
    4 ULP, whichever is looser, however large, small, close together or far apart the logits are. A T
    that is too large or too small for a float64 is inf or the largest one, 0.0 or a subnormal one.

    Parameters
    ----------
    logits : array_like
        Real numbers of shape (n,), or (..., n) for one temperature per row, computed as float64. -inf
        stands for an entry that is not there.
    entropy : float or array_like, optional
        The entropy in nats. Exactly one of this and the two below is given: one value for all rows,
        or one per row, of the shape of the logits without the last axis, or with 1 in its place.
    perplexity : float or array_like, optional
        ``exp(entropy)``, the effective number of entries.
    top_prob : float or array_like, optional
        The largest probability.
    clip : bool, optional
        Whether to take the nearest attainable value for one that no temperature gives, instead of
        raising a ValueError.

    Returns
    -------
    float64 or ndarray
        A NumPy scalar for 1-D logits, otherwise an array of one value per row. A target within 4 ULP of
        what temperature 0 gives, rounded to float64, has 0.0, one as close to what infinity gives has
        inf. Equal logits have one value only, and for it 1.0.

    Raises
    ------
    TypeError
        If none or several of the three are given, if logits or targets are not real numbers, or are
        masked or longdouble.
    ValueError
        For a target that is NaN, or that no temperature gives: the text states the range. For a row
        that contains NaN or +inf, or nothing but -inf, for logits that are empty or a single number,
        and for targets of a shape that does not fit.

    See Also
    --------
    entropy : The entropy at a temperature.
    softmax : The probabilities at a temperature.
    sample_logits : A draw at a temperature.

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
    ValueError: perplexity must be in [1.0, 3.0], got 4.0; clip=True takes the nearest
    """
    if refused:
        refuse_positional("temperature_for(logits)", refused, ("entropy",))
    cdef _core.HostState before
    _core.set_default_state(&before)
    try:
        return find_temperatures(logits, entropy, perplexity, top_prob, clip)
    finally:
        _core.restore_state(&before)


cdef object find_temperatures(object logits, object entropy, object perplexity, object top_prob,
                              object clip):
    given = {"entropy": entropy, "perplexity": perplexity, "top_prob": top_prob}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) != 1:
        raise TypeError(
            "exactly one of entropy, perplexity and top_prob must be given, got "
            + (" and ".join(given) or "none")
        )
    (name, value), = given.items()
    cdef int quantity = QUANTITIES[name], error = _core.SOFTDRAW_OK
    # What may run Python code of the caller comes first; shapes and pointers are taken afterwards.
    array = real_array(logits, "logits")
    wanted = real_numbers(value, name)
    cdef bint clips = is_true(clip, "clip")
    array = fixed_real(array, "logits")
    shape = array.shape
    if not shape:
        raise ValueError("logits must have at least one dimension, got a number")
    rows, n = shape[:len(shape) - 1], shape[len(shape) - 1]
    if n == 0:
        raise ValueError(f"logits must have at least one item per row, got shape {shape}")
    per_row = fit_to_rows(wanted, name, shape, (len(shape) - 1,))
    if 0 in rows:  # without rows the core sees no target
        is_nan = np.isnan(wanted)
        if is_nan.any():
            place = np.unravel_index(np.argmax(is_nan), is_nan.shape)
            raise ValueError(f"{place_of(name, place)} must not be nan")
    targets = np.empty(rows)
    targets[...] = as_carray(per_row, cnp.NPY_FLOAT64)
    x = as_carray(array, cnp.NPY_FLOAT64).reshape(-1, n)
    result = np.empty(rows)

    cdef size_t length = n, count = result.size, where = 0, row
    cdef const double *source = <const double *>cnp.PyArray_DATA(x)
    cdef double *target = <double *>cnp.PyArray_DATA(targets)
    cdef double *out = <double *>cnp.PyArray_DATA(result)
    with nogil:
        if clips:
            for row in range(count):
                clip_to_range(source + row * length, length, quantity, target + row)
        error = _core.temperature_for_f64(source, <ptrdiff_t>length, count, length, quantity, target,
                                          1, out, &where)
    if error:
        raise the_error(quantity, name, x[where], target[where], np.unravel_index(where, rows))
    return result[()]


cdef void clip_to_range(const double *row, size_t n, int quantity, double *target) noexcept nogil:
    """Make a target that no temperature gives the nearest that one gives, unless the row is invalid."""
    cdef double[2] ends
    if _core.temperature_for_range_f64(row, n, quantity, ends) == _core.SOFTDRAW_OK:
        if target[0] < ends[0]:
            target[0] = ends[0]
        elif target[0] > ends[1]:
            target[0] = ends[1]


cdef object the_error(int quantity, str name, object row, double target, tuple index):
    """Return what to raise for a row of logits; its index is () if there is no other."""
    cdef double[2] ends
    here = ", ".join(map(str, index))
    invalid = ~(row < np.inf)
    if invalid.any():
        i = invalid.argmax()
        place = f"{here}, {i}" if index else f"{i}"
        return ValueError(f"logits[{place}] is {row[i]}; logits must be finite or -inf")
    cdef const double *source = <const double *>cnp.PyArray_DATA(row)
    if _core.temperature_for_range_f64(source, row.size, quantity, ends):
        return ValueError(f"{f'row {here} of logits is' if index else 'logits are'} nothing but -inf")
    place = f" for row {here} of logits" if index else ""
    hint = "" if target != target else "; clip=True takes the nearest"
    return ValueError(f"{name} must be in [{ends[0]}, {ends[1]}]{place}, got {target}{hint}")
