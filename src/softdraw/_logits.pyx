"""sample_logits: what it accepts and returns; the kernels are in src/core.

An everyday call, one draw from a contiguous row of floats with numbers for parameters, goes straight
to a kernel; any other is checked and copied first, as far as it must be.
"""

import math

import numpy as np

cimport numpy as cnp
from cpython.long cimport PyLong_CheckExact
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.pythread cimport (
    NOWAIT_LOCK,
    PyThread_acquire_lock,
    PyThread_allocate_lock,
    PyThread_release_lock,
    PyThread_type_lock,
)
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset
from numpy.random cimport bitgen_t
from numpy.random.bit_generator cimport BitGenerator

from softdraw cimport _core
from softdraw._arguments cimport (
    as_words, broadcast_to_rows, place_of, read_number, real_array, real_numbers, refuse_positional,
    result_dtype, shape_of, unmasked_array, whole_numbers,
)
from softdraw._core cimport softdraw_filters
from softdraw._random cimport bit_generator_of, bitgen_of, hold, release, take_words

from softdraw._arguments import hide_positional

cnp.import_array()

cdef enum:
    # items from which on a call takes longer than releasing the GIL is worth
    WITHOUT_GIL = 4096
    # bytes of scratch that are kept for the next call
    KEPT = 1 << 24


# ---- scratch -----------------------------------------------------------------------------------

# What the last call used, for the next one, since fresh memory costs more than a draw. Whoever comes
# while it is in use gets memory of its own.
cdef PyThread_type_lock scratch_lock = PyThread_allocate_lock()
cdef void *kept = NULL
cdef size_t kept_size = 0


cdef void *take_scratch(size_t size, bint *is_kept) except NULL:
    global kept, kept_size
    cdef void *memory
    is_kept[0] = size <= KEPT and PyThread_acquire_lock(scratch_lock, NOWAIT_LOCK)
    if is_kept[0] and size <= kept_size:
        return kept
    memory = PyMem_RawMalloc(size)
    if memory == NULL:
        if is_kept[0]:
            PyThread_release_lock(scratch_lock)
        raise MemoryError(f"no {size:,} bytes of scratch")
    if is_kept[0]:
        PyMem_RawFree(kept)
        kept, kept_size = memory, size
    return memory


cdef void give_scratch(void *memory, bint is_kept) noexcept:
    if is_kept:
        PyThread_release_lock(scratch_lock)
    else:
        PyMem_RawFree(memory)


# ---- kernels -----------------------------------------------------------------------------------

# Rows that lie as kernels take them, and their parameters.
cdef struct Draws:
    int type_num  # of float32, float64, float16, or anything else for bfloat16
    const void *x
    ptrdiff_t stride
    size_t rows
    size_t n
    size_t draws
    softdraw_filters filters
    const uint64_t *words
    int64_t *ids
    void *logprobs
    void *scratch


cdef int run(const Draws *d, size_t *where) noexcept nogil:
    if d.type_num == cnp.NPY_FLOAT32:
        return _core.sample_f32(<const float *>d.x, d.stride, d.rows, d.n, &d.filters, d.words,
                                d.draws, d.ids, <float *>d.logprobs, d.scratch, where)
    if d.type_num == cnp.NPY_FLOAT64:
        return _core.sample_f64(<const double *>d.x, d.stride, d.rows, d.n, &d.filters, d.words,
                                d.draws, d.ids, <double *>d.logprobs, d.scratch, where)
    return (_core.sample_f16 if d.type_num == cnp.NPY_FLOAT16 else _core.sample_bf16)(
        <const uint16_t *>d.x, d.stride, d.rows, d.n, &d.filters, d.words, d.draws, d.ids,
        <float *>d.logprobs, d.scratch, where
    )


cdef int run_with_scratch(Draws *d, size_t *where) except -1:
    cdef bint is_kept = False
    cdef int error
    d.scratch = NULL
    if (d.logprobs != NULL or d.filters.top_k != NULL or d.filters.top_p != NULL
            or d.filters.min_p != NULL):
        d.scratch = take_scratch(_core.sample_scratch_f64(d.n) if d.type_num == cnp.NPY_FLOAT64
                                 else _core.sample_scratch_f32(d.n), &is_kept)
    if d.rows * d.n < WITHOUT_GIL:
        error = run(d, where)
    else:
        with nogil:
            error = run(d, where)
    if d.scratch != NULL:
        give_scratch(d.scratch, is_kept)
    return error


# ---- the everyday call -------------------------------------------------------------------------


cdef object plain_case(object logits, object temperature, object top_k, object top_p, object min_p,
                       object rng):
    """The draw of the everyday call, or None where call() must look closer."""
    cdef Draws d
    cdef double t, p, least
    cdef uint64_t k, word
    cdef int64_t id
    cdef size_t where
    cdef cnp.ndarray array
    cdef BitGenerator source
    cdef bitgen_t *bitgen
    if not cnp.PyArray_CheckExact(logits) or not cnp.PyArray_ISCARRAY_RO(logits):
        return None
    array = <cnp.ndarray>logits
    d.type_num = cnp.PyArray_TYPE(array)
    if cnp.PyArray_NDIM(array) != 1 or (d.type_num != cnp.NPY_FLOAT32
                                        and d.type_num != cnp.NPY_FLOAT64):
        return None
    d.n = <size_t>cnp.PyArray_DIM(array, 0)
    clear(&d.filters)
    if d.n == 0 or not read_number(temperature, &t) or not t >= 0:
        return None
    d.filters.temperature = &t
    if top_k is not None:
        if not PyLong_CheckExact(top_k) or not 0 < top_k < 1 << 53:
            return None
        k = top_k
        d.filters.top_k = &k
    if top_p is not None:
        if not read_number(top_p, &p) or not 0 <= p <= 1:
            return None
        d.filters.top_p = &p
    if min_p is not None:
        if not read_number(min_p, &least) or not 0 <= least <= 1:
            return None
        d.filters.min_p = &least
    source = bit_generator_of(rng)
    bitgen = bitgen_of(source)
    hold(source)
    word = bitgen.next_uint64(bitgen.state)
    release(source)
    d.x = cnp.PyArray_DATA(array)
    d.stride, d.rows, d.draws, d.words, d.ids, d.logprobs = 0, 1, 1, &word, &id, NULL
    cdef int error = run_with_scratch(&d, &where)
    if error:
        raise_for(error, where, array)
    return id


cdef void clear(softdraw_filters *filters) noexcept:
    memset(filters, 0, sizeof(softdraw_filters))
    filters.size = sizeof(softdraw_filters)


# ---- any call ----------------------------------------------------------------------------------


@hide_positional
def sample_logits(
    logits,
    /,
    *refused,
    temperature=1.0,
    top_k=None,
    top_p=None,
    min_p=None,
    mask=None,
    size=None,
    rng=None,
    words=None,
    return_logprobs=False,
):
    """Draw from ``softmax(logits / temperature)``, of what the filters leave.

    The filters apply in the order mask, temperature, `top_k`, `top_p`, `min_p`, as in Hugging Face
    transformers; each sees the renormalised masses of those that survived the ones before. Items
    rank by logit, ties by lower index, at every temperature.

    Parameters
    ----------
    logits : array_like
        Of shape (n,) for one distribution or (rows, n) for one a row; -inf stands for an impossible
        item. float16 and bfloat16 are taken as float32, integers and booleans as float64.
    temperature : float or array_like, optional
        From 0 to inf. 0 draws the largest logit, the first if tied; infinity draws equally from
        what is not -inf. This and the three filters below may have one value a row: shape (rows,)
        or (rows, 1).
    top_k : int or array_like, optional
        At least 1: keep the k largest.
    top_p : float or array_like, optional
        From 0 to 1: keep the smallest set of the largest whose mass reaches `top_p`, the item that
        reaches it included. 0 keeps one item and 1 all.
    min_p : float or array_like, optional
        From 0 to 1: keep what has at least `min_p` times the largest probability.
    mask : array_like, optional
        What may be drawn: booleans, True for allowed, of shape (n,) for all rows or (rows, n); or
        bits in int32 words, of shape (ceil(n / 32),) or (rows, ceil(n / 32)), item 32 i + j being
        bit j of word i. Logits that are masked out are not looked at.
    size : int or tuple of ints, optional
        Shape of the result, for 1-D logits only.
    rng : None, int, SeedSequence, BitGenerator or Generator, optional
        Where the words come from, as for `AliasTable.sample`: one a draw, in the order of the rows,
        whatever the temperature and the filters.
    words : array_like of uint64, optional
        The words to draw with, instead of `rng` and `size`: a single one or an array of any shape
        for 1-D logits, one a row for 2-D. A row and a word always give the same draw.
    return_logprobs : bool, optional
        Whether to return log-probabilities too.

    Returns
    -------
    ids : int or ndarray
        For 1-D logits an int, or an int64 array of the shape of `size` or `words`; for 2-D logits
        an int64 array of shape (rows,).
    logprobs : scalar or ndarray
        With `return_logprobs` only: natural logarithms of the probabilities that the items had, in
        the distribution that they were drawn from. The dtype is that of the logits if it is a
        float, else float64.

    Raises
    ------
    ValueError
        For a logit that may be drawn but is NaN or +inf, a row that has nothing to draw from, a
        parameter out of its range or of a shape that does not fit, `size` with 2-D logits, and
        `words` beside `rng` or `size`. Logits are looked at after words have been taken.
    TypeError
        For logits or parameters that are not real numbers of at most 64 bits or are masked arrays,
        for a `top_k` that is no integer, and for a mask of another dtype.

    Examples
    --------
    >>> import softdraw
    >>> logits = [1.0, 4.0, 2.0, 3.0]
    >>> softdraw.sample_logits(logits, temperature=0)
    1
    >>> bool(softdraw.sample_logits(logits, temperature=0.7, top_k=3, size=100, rng=7).all())
    True
    >>> softdraw.sample_logits([logits, logits], top_p=[0.5, 1], words=[2**63, 0])
    array([1, 0])
    >>> ids, logprobs = softdraw.sample_logits(logits, top_k=1, return_logprobs=True)
    >>> ids, float(logprobs)
    (1, 0.0)
    """
    if refused:
        refuse_positional("sample_logits(logits)", refused, ("temperature",))
    if mask is None and size is None and words is None and return_logprobs is False:
        drawn = plain_case(logits, temperature, top_k, top_p, min_p, rng)
        if drawn is not None:
            return drawn
    return call(logits, temperature, top_k, top_p, min_p, mask, size, rng, words, return_logprobs)


cdef object call(object logits, object temperature, object top_k, object top_p, object min_p,
                 object mask, object size, object rng, object words, object return_logprobs):
    cdef cnp.ndarray x, temperatures, allowed, taken, ids, logprobs
    cdef cnp.ndarray ks = None, ps = None, leasts = None
    cdef Draws d
    cdef size_t where = 0
    given = real_array(logits, "logits")
    if given.ndim not in (1, 2):
        raise ValueError(f"logits must be 1-D or 2-D, got shape {given.shape}")
    *rows, n = given.shape
    rows = tuple(rows)
    if n == 0:
        raise ValueError("logits is empty")
    if n > 2**32 - 128:
        raise ValueError(f"logits must have at most 2**32 - 128 items a row, got {n}")
    clear(&d.filters)
    temperatures = parameter("temperature", temperature, rows, 0.0, math.inf)
    d.filters.temperature = <const double *>cnp.PyArray_DATA(temperatures)
    d.filters.temperature_stride = cnp.PyArray_SIZE(temperatures) > 1
    if top_k is not None:
        ks = parameter("top_k", top_k, rows, 1, math.inf)
        d.filters.top_k = <const uint64_t *>cnp.PyArray_DATA(ks)
        d.filters.top_k_stride = cnp.PyArray_SIZE(ks) > 1
    if top_p is not None:
        ps = parameter("top_p", top_p, rows, 0.0, 1.0)
        d.filters.top_p = <const double *>cnp.PyArray_DATA(ps)
        d.filters.top_p_stride = cnp.PyArray_SIZE(ps) > 1
    if min_p is not None:
        leasts = parameter("min_p", min_p, rows, 0.0, 1.0)
        d.filters.min_p = <const double *>cnp.PyArray_DATA(leasts)
        d.filters.min_p_stride = cnp.PyArray_SIZE(leasts) > 1
    if mask is not None:
        allowed = allowed_items(mask, given.shape)
        if allowed.dtype == np.bool_:
            d.filters.allowed = <const uint8_t *>cnp.PyArray_DATA(allowed)
            d.filters.allowed_stride = n if cnp.PyArray_NDIM(allowed) > 1 else 0
        else:
            d.filters.allowed_bits = <const uint32_t *>cnp.PyArray_DATA(allowed)
            d.filters.allowed_bits_stride = -(-n // 32) if cnp.PyArray_NDIM(allowed) > 1 else 0
    dtype = result_dtype(given.dtype)
    x = plain_rows(given, dtype)
    d.type_num = cnp.PyArray_TYPE(x)
    d.x = cnp.PyArray_DATA(x)
    d.rows, d.n = (rows[0] if rows else 1), n
    d.stride = cnp.PyArray_STRIDE(x, 0) // cnp.PyArray_ITEMSIZE(x) if rows else 0

    taken = taken_words(words, size, rng, rows)  # last of all: what fails before has taken none
    shape = (<object>taken).shape
    d.words = <const uint64_t *>cnp.PyArray_DATA(taken)
    d.draws = 1 if rows else <size_t>cnp.PyArray_SIZE(taken)
    ids = np.empty(shape, np.int64)
    d.ids = <int64_t *>cnp.PyArray_DATA(ids)
    d.logprobs = NULL
    if return_logprobs:
        logprobs = np.empty(shape, np.float64 if dtype == np.float64 else np.float32)
        d.logprobs = cnp.PyArray_DATA(logprobs)
    cdef int error = run_with_scratch(&d, &where)
    if error:
        raise_for(error, where, given)
    if shape == () and size is None:
        result = int(ids[()])
        return (result, logprobs.astype(dtype)[()]) if return_logprobs else result
    return (ids, logprobs.astype(dtype, copy=False)) if return_logprobs else ids


cdef int raise_for(int error, size_t where, object logits) except -1:
    if error == _core.SOFTDRAW_ERROR_LOGIT:
        place = divmod(where, logits.shape[1]) if logits.ndim == 2 else (where,)
        raise ValueError(
            f"{place_of('logits', place)} is {logits[place]}; logits must be finite or -inf"
        )
    if error == _core.SOFTDRAW_ERROR_NOTHING:
        subject = f"row {where} of logits has" if logits.ndim == 2 else "logits have"
        raise ValueError(f"{subject} nothing to draw from: every entry is -inf or masked")
    raise RuntimeError(f"softdraw error {error}")  # checked before, unless memory is overwritten


# ---- arguments ---------------------------------------------------------------------------------


cdef cnp.ndarray parameter(str name, object value, tuple rows, object lowest, object highest):
    """One value for all rows or one for each, checked; whole numbers if the lowest possible value is
    one."""
    if type(value) is float and isinstance(lowest, float) and lowest <= value <= highest:
        return np.array((value,))  # what most give, without looking closer
    whole = isinstance(lowest, int)
    values = whole_numbers(value, name) if whole else real_numbers(value, name)
    invalid = ~((values >= lowest) & (values <= highest))
    if invalid.any():
        index = np.unravel_index(invalid.argmax(), invalid.shape)
        valid = f">= {lowest:g}" if highest == math.inf else f"in [{lowest:g}, {highest:g}]"
        raise ValueError(f"{place_of(name, index)} must be {valid}, got {values[index]}")
    broadcast_to_rows(values, name, rows)
    return np.ascontiguousarray(values, np.uint64 if whole else np.float64).reshape(-1)


cdef cnp.ndarray allowed_items(object mask, tuple shape):
    """The mask as bytes or 32-bit words, of one row or of all."""
    given = unmasked_array(mask, "mask")
    *some, n = shape
    rows = tuple(some)
    packed = given.dtype.kind == "i" and given.dtype.itemsize == 4
    if not packed and given.dtype != np.bool_:
        raise TypeError(f"mask must be boolean or packed in int32, got dtype {given.dtype}")
    width = -(-n // 32) if packed else n
    if given.shape not in ((width,), (*rows, width)):
        ways = f"{(width,)} or {(*rows, width)}" if rows else f"{(width,)}"
        kind = "packed mask" if packed else "mask"
        raise ValueError(f"{kind} must have shape {ways}, got {given.shape}")
    return np.ascontiguousarray(given, np.int32 if packed else np.bool_)


cdef cnp.ndarray plain_rows(object given, object dtype):
    """The logits in a kernel's type, each row contiguous."""
    if given.dtype == dtype:
        flags = given.flags
        if flags.aligned and (given.shape[given.ndim - 1] == 1
                              or given.strides[given.ndim - 1] == given.itemsize) and (
            given.ndim == 1 or given.strides[0] % given.itemsize == 0
        ):
            return given
    return np.array(given, dtype, order="C")


cdef cnp.ndarray taken_words(object words, object size, object rng, tuple rows):
    """The words to draw with, in the shape of the result."""
    cdef BitGenerator source
    cdef bitgen_t *bitgen
    cdef cnp.ndarray taken
    cdef uint64_t *word
    cdef size_t n
    if words is not None:
        if size is not None or rng is not None:
            raise ValueError("words excludes rng and size")
        taken = as_words(words)
        if rows and (<object>taken).shape != rows:
            raise ValueError(f"words must have shape {rows}, got {(<object>taken).shape}")
        return taken
    if size is not None and rows:
        raise ValueError(f"size must be None for 2-D logits, got {size!r}")
    taken = np.empty(rows if size is None else shape_of(size), np.uint64)
    word = <uint64_t *>cnp.PyArray_DATA(taken)
    n = <size_t>cnp.PyArray_SIZE(taken)
    source = bit_generator_of(rng)
    bitgen = bitgen_of(source)
    hold(source)
    try:
        with nogil:
            take_words(bitgen, word, n)
    finally:
        release(source)
    return taken
