"""sample_logits: what it accepts and returns; the kernels are in src/core.

One draw from a contiguous row of floats, with numbers as parameters, goes straight to a kernel
(draw_once). In any other call the arguments are converted and checked first (convert_and_draw).
"""

import math

import numpy as np

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport PyLong_CheckExact
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.pythread cimport (
    NOWAIT_LOCK,
    PyThread_acquire_lock,
    PyThread_allocate_lock,
    PyThread_release_lock,
    PyThread_type_lock,
)
from libc.math cimport INFINITY, NAN
from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport SIZE_MAX, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from numpy.random cimport bitgen_t
from numpy.random.bit_generator cimport BitGenerator

from softdraw cimport _core
from softdraw._arguments cimport (
    as_carray, as_words, fit_to_rows, fixed, fixed_real, fixed_whole, is_skip, is_true, place_of,
    read_number, real_array, real_numbers, refuse_mask_of, refuse_positional, result_dtype, shape_of,
    unmasked_array, whole_numbers, word_array,
)
from softdraw._core cimport softdraw_filters
from softdraw._random cimport bit_generator_of, hold, read_bitgen, release, take_words
from softdraw._workers cimport LINE, distance_of, given_workers, run_pieces, workers_in_force

from softdraw._arguments import hide_positional

cnp.import_array()

cdef enum:
    # From this many items on, a call takes longer than releasing the GIL is worth.
    WITHOUT_GIL = 4096
    # Bytes of scratch that are kept for the next call.
    KEPT = 1 << 24
    # The most draws and, but for a longer row, items between two looks at whether the user interrupts; a
    # row counts for as many items more as its filters may take the time of.
    MAX_PART = 1 << 24
    ROW = 32
    # From so many draws and items on, a call takes long enough to gain from threads, which share it in
    # slabs of about SLAB of them, each of whole rows: see docs/workers.md.
    SHARED = 1 << 18
    SLAB = 1 << 15


# ---- scratch -----------------------------------------------------------------------------------

# The memory that the last call used is kept for the next one, because fresh memory costs more than a draw.
# A call that comes while it is in use gets memory of its own.
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
    const char *x
    ptrdiff_t stride  # in items
    size_t rows
    size_t n
    size_t draws  # per row
    softdraw_filters filters
    const uint64_t *words
    int64_t *ids
    char *logprobs  # or NULL
    char *scratch  # or NULL; that of the next thread lies scratch_size bytes further
    size_t scratch_size


# Some of the rows, from `row` on, and of the draws from each, from `drawn` on. Threads share them in slabs.
cdef struct Part:
    const Draws *all
    size_t row
    size_t rows
    size_t slab
    size_t drawn
    size_t draws
    bint skips


cdef inline size_t size_of_item(const Draws *d) noexcept nogil:
    return 8 if d.type_num == cnp.NPY_FLOAT64 else 4 if d.type_num == cnp.NPY_FLOAT32 else 2


cdef inline size_t size_of_logprob(const Draws *d) noexcept nogil:
    return 8 if d.type_num == cnp.NPY_FLOAT64 else 4


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


cdef inline int run_with_gil_or_without(const Draws *d, size_t *where) noexcept:
    cdef int error
    if d.rows * (d.n + d.draws) < WITHOUT_GIL:
        return run(d, where)
    with nogil:
        error = run(d, where)
    return error


cdef int add_scratch(Draws *d, size_t workers, bint *is_kept) except -1:
    """Give kernels that run in so many threads the scratch that they need."""
    cdef size_t size
    d.scratch, d.scratch_size = NULL, 0
    if (d.logprobs != NULL or d.filters.top_k != NULL or d.filters.top_p != NULL
            or d.filters.min_p != NULL):
        size = (_core.sample_scratch_f64(d.n) if d.type_num == cnp.NPY_FLOAT64
                else _core.sample_scratch_f32(d.n))
        if workers > 1:
            d.scratch_size = distance_of(size)
            size = SIZE_MAX if size >= SIZE_MAX // workers - LINE else workers * d.scratch_size
        d.scratch = <char *>take_scratch(size, is_kept)
    return 0


cdef Draws part_of(const Draws *d, size_t begin, size_t rows, size_t drawn,
                   size_t draws) noexcept nogil:
    """Return those rows of all, with those draws of each; several rows have all their draws."""
    cdef Draws part = d[0]
    cdef softdraw_filters *f = &part.filters
    cdef ptrdiff_t row = <ptrdiff_t>begin
    part.x += row * d.stride * <ptrdiff_t>size_of_item(d)
    part.rows, part.draws = rows, draws
    part.words += begin * d.draws + drawn
    part.ids += begin * d.draws + drawn
    if part.logprobs != NULL:
        part.logprobs += (begin * d.draws + drawn) * size_of_logprob(d)
    f.temperature += row * f.temperature_stride
    if f.top_k != NULL:
        f.top_k += row * f.top_k_stride
    if f.top_p != NULL:
        f.top_p += row * f.top_p_stride
    if f.min_p != NULL:
        f.min_p += row * f.min_p_stride
    if f.allowed != NULL:
        f.allowed += row * f.allowed_stride
    if f.allowed_bits != NULL:
        f.allowed_bits += row * f.allowed_bits_stride
    return part


cdef int draw_slab(void *data, size_t piece, size_t worker, size_t *where) noexcept nogil:
    """Draw from some rows of a part. The draws from one that cannot be drawn from are -1 if they are skipped;
    otherwise its error is returned."""
    cdef const Part *p = <const Part *>data
    cdef const Draws *d = p.all
    cdef size_t row = p.row + piece * p.slab, end = min(row + p.slab, p.row + p.rows), at, i
    cdef Draws slab
    cdef int error
    while row < end:
        slab = part_of(d, row, end - row, p.drawn, p.draws)
        if slab.scratch != NULL:
            slab.scratch += worker * d.scratch_size
        error = run(&slab, where)
        if error == _core.SOFTDRAW_OK:
            break
        where[0] += row * d.n if error == _core.SOFTDRAW_ERROR_LOGIT else row
        if not p.skips or error not in (_core.SOFTDRAW_ERROR_LOGIT, _core.SOFTDRAW_ERROR_NOTHING):
            return error
        row = where[0] // d.n if error == _core.SOFTDRAW_ERROR_LOGIT else where[0]
        at = row * d.draws + p.drawn
        for i in range(at, at + p.draws):
            d.ids[i] = -1
            if d.logprobs != NULL and d.type_num == cnp.NPY_FLOAT64:
                (<double *>d.logprobs)[i] = NAN
            elif d.logprobs != NULL:
                (<float *>d.logprobs)[i] = NAN
        row += 1
    return _core.SOFTDRAW_OK


cdef int draw_rows(Draws *d, bint skips, int workers, size_t *where) except -1:
    """Draw from all rows, in parts, so that an interrupt is answered between them."""
    cdef size_t items = d.rows * (d.n + d.draws)
    cdef bint is_kept = False
    cdef int error = _core.SOFTDRAW_OK
    cdef Part p
    workers = workers_in_force(workers) if items >= SHARED and d.rows > 1 else 1
    workers = <int>min(<size_t>workers, d.rows)
    p.all, p.skips, p.row, p.drawn = d, skips, 0, 0
    add_scratch(d, <size_t>workers, &is_kept)
    try:
        while p.row < d.rows and error == _core.SOFTDRAW_OK:
            p.draws = min(d.draws - p.drawn, <size_t>MAX_PART)
            p.rows = p.slab = 1
            if p.draws == d.draws:
                p.rows = p.slab = min(d.rows - p.row, MAX_PART // (d.n + p.draws + ROW) + 1)
            if workers > 1:
                p.slab = SLAB // (d.n + p.draws) + 1
                error = run_pieces(draw_slab, &p, (p.rows - 1) // p.slab + 1, workers, where)
            elif items < WITHOUT_GIL:
                error = draw_slab(&p, 0, 0, where)
            else:
                with nogil:
                    error = draw_slab(&p, 0, 0, where)
            p.drawn += p.draws
            if p.drawn == d.draws:
                p.row, p.drawn = p.row + p.rows, 0
            PyErr_CheckSignals()
    finally:
        if d.scratch != NULL:
            give_scratch(d.scratch, is_kept)
    return error


cdef void clear(softdraw_filters *filters) noexcept:
    memset(filters, 0, sizeof(softdraw_filters))
    filters.size = sizeof(softdraw_filters)


# ---- one draw from a contiguous row -------------------------------------------------------------


cdef inline bint is_row(object logits) noexcept:
    """logits is of exactly type ndarray, aligned, contiguous, native, 1-D, float32 or float64, and not empty."""
    return (cnp.PyArray_CheckExact(logits) and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>logits)
            and cnp.PyArray_NDIM(<cnp.ndarray>logits) == 1 and cnp.PyArray_DIM(<cnp.ndarray>logits, 0) > 0
            and (cnp.PyArray_TYPE(<cnp.ndarray>logits) == cnp.NPY_FLOAT32
                 or cnp.PyArray_TYPE(<cnp.ndarray>logits) == cnp.NPY_FLOAT64))


cdef inline bint is_from_0_to(double most, double number) noexcept:
    """0 <= number <= most, for positive zeros only, where the host may have traps or take subnormals for
    zeros: the bits are compared, whose order is that of the numbers."""
    cdef uint64_t bits, most_bits
    memcpy(&bits, &number, sizeof(bits))
    memcpy(&most_bits, &most, sizeof(bits))
    return bits <= most_bits


cdef object draw_once(object logits, object temperature, object top_k, object top_p, object min_p,
                      object rng):
    """Return the draw, or None if call() must convert the arguments."""
    cdef Draws d
    cdef double t, p, ratio
    cdef uint64_t k, word
    cdef int64_t id
    cdef size_t where = 0
    cdef bint is_kept = False
    cdef int error
    cdef BitGenerator source
    cdef bitgen_t bitgen
    clear(&d.filters)
    if not is_row(logits) or not read_number(temperature, &t) or not is_from_0_to(INFINITY, t):
        return None
    d.filters.temperature = &t
    if top_k is not None:
        if not PyLong_CheckExact(top_k) or not 0 < top_k < 1 << 53:
            return None
        k = top_k
        d.filters.top_k = &k
    if top_p is not None:
        if not read_number(top_p, &p) or not is_from_0_to(1, p):
            return None
        d.filters.top_p = &p
    if min_p is not None:
        if not read_number(min_p, &ratio) or not is_from_0_to(1, ratio):
            return None
        d.filters.min_p = &ratio
    source = bit_generator_of(rng)
    read_bitgen(source, &bitgen)
    held = hold(source)
    # Making a generator may have run Python code of the caller, and waiting for its lock that of other threads.
    if not is_row(logits):
        release(held)
        return None
    word = bitgen.next_uint64(bitgen.state)
    release(held)
    d.type_num = cnp.PyArray_TYPE(logits)
    d.x, d.n = <const char *>cnp.PyArray_DATA(logits), <size_t>cnp.PyArray_DIM(logits, 0)
    d.stride, d.rows, d.draws, d.words, d.ids, d.logprobs = 0, 1, 1, &word, &id, NULL
    add_scratch(&d, 1, &is_kept)
    error = run_with_gil_or_without(&d, &where)
    if d.scratch != NULL:
        give_scratch(d.scratch, is_kept)
    if error:
        raise_for(error, where, logits)
    return id


# The default of an argument, known by its identity, which is quicker than by its letters.
cdef str RAISE = "raise"


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
    invalid=RAISE,
    return_logprobs=False,
    workers=None,
):
    """Draw from ``softmax(logits / temperature)``, of what the filters leave.

    The filters apply in the order mask, temperature, `top_k`, `top_p`, `min_p`, as in Hugging Face
    transformers; each sees the renormalised probabilities of the items that those before it left. Items
    rank by logit, ties by lower index, at every temperature.

    Parameters
    ----------
    logits : array_like
        Of shape (n,) for one distribution, or (..., n) for one per row; -inf stands for an impossible
        item. float16 and bfloat16 are computed as float32, integers and booleans as float64.
    temperature : float or array_like, optional
        From 0 to infinity. 0 draws the largest logit, the first if several are tied; infinity draws
        equally from what is not -inf. This and the three filters below are one number for all rows, or
        one per row, in an array of the shape of `logits` without the last axis, or with 1 in its place.
    top_k : int or array_like, optional
        At least 1: keep the k largest. None, as for the other filters, switches it off.
    top_p : float or array_like, optional
        From 0 to 1: keep the smallest set of the largest items whose probability reaches `top_p`. 0
        keeps one item and 1 all.
    min_p : float or array_like, optional
        From 0 to 1: keep what has at least `min_p` times the largest probability.
    mask : array_like, optional
        What may be drawn: bool, int8 or uint8, 1 for allowed and 0 for not, of shape (n,) for all rows
        or of the shape of `logits`. Or the same as bits in int32 words, with ceil(n / 32) of them in the
        place of n: item 32 i + j is bit j of word i. Masked logits are not looked at; they may be NaN.
    size : int or tuple of ints, optional
        Shape of the draws from each row. None is one draw.
    rng : None, int, sequence of ints, SeedSequence, BitGenerator or Generator, optional
        Where the words come from, as for `AliasTable.sample`: one per draw, row by row, whatever the
        temperature and the filters. An int is a seed, and the same seed gives the same draws in every
        call; a service makes a generator per request, ``rng = Xoshiro256(seed)``, and passes it to each
        call.
    words : array_like of uint64, optional
        The words to draw with, instead of `rng` and `size`: one per row, or more in last axes, as `size`
        adds them. They must be uniform over all 64-bit integers, as those of
        ``Xoshiro256(seed).random_raw()`` and of PCG64 are, but not those of MT19937, which have 32 bits.
        Small numbers and seeds are no words: they draw the first item that is likely enough. A row and a
        word always give the same draw.
    invalid : {"raise", "skip"}, optional
        What becomes of a row that has NaN, +inf or nothing to draw from: a ValueError for the call, or
        the id -1 (and the log-probability NaN) for the draws from that row alone. Rows of no items, n = 0,
        are an error with both.
    return_logprobs : bool, optional
        Whether to return log-probabilities too.
    workers : int, optional
        How many threads may share the call, -1 for one per CPU. None is what `set_workers` has set, and 1
        without it. The result is the same with any number. Threads share rows, so a single row is drawn
        from by one, and so is a call that is too small to gain.

    Returns
    -------
    ids : int or ndarray
        An int for 1-D logits without `size`. Otherwise int64, of the shape of `logits` without the last
        axis, followed by `size`.
    logprobs : NumPy scalar or ndarray
        With `return_logprobs` only: natural logarithms of the probabilities that the items had in the
        distribution that they were drawn from. float64 for float64 and integer logits, else float32.

    Raises
    ------
    ValueError
        For a logit that may be drawn but is NaN or +inf, a row that has nothing to draw from, a
        parameter that is out of its range or of a shape that does not fit, and `words` beside `rng` or
        `size`. Logits are looked at after words have been taken.
    TypeError
        For logits or parameters that are not real numbers of at most 64 bits or are masked arrays,
        for a `top_k` that is no integer, and for a mask of another dtype.

    See Also
    --------
    AliasTable : Faster for many draws from one distribution.
    temperature_for : The temperature that gives an entropy, or a largest probability.
    softmax : The probabilities, without filters.

    Examples
    --------
    >>> import softdraw
    >>> logits = [1.0, 4.0, 2.0, 3.0]
    >>> softdraw.sample_logits(logits, temperature=0)
    1
    >>> bool(softdraw.sample_logits(logits, temperature=0.7, top_k=3, size=100, rng=7).all())
    True
    >>> softdraw.sample_logits([logits, logits], size=5, rng=7).shape
    (2, 5)
    >>> softdraw.sample_logits([logits, logits], top_p=[0.5, 1], words=[2**63, 0])
    array([1, 0])
    >>> ids, logprobs = softdraw.sample_logits(logits, top_k=1, return_logprobs=True)
    >>> ids, float(logprobs)
    (1, 0.0)
    >>> softdraw.sample_logits([logits, [float("nan")] * 4], top_k=1, invalid="skip")
    array([ 1, -1])
    """
    if refused:
        refuse_positional("sample_logits(logits)", refused, ("temperature",))
    cdef int number = 0 if workers is None else given_workers(workers)
    if (mask is None and size is None and words is None and return_logprobs is False
            and invalid is RAISE):
        drawn = draw_once(logits, temperature, top_k, top_p, min_p, rng)
        if drawn is not None:
            return drawn
    return call(logits, temperature, top_k, top_p, min_p, mask, size, rng, words, invalid,
                return_logprobs, number)


cdef object call(object logits, object temperature, object top_k, object top_p, object min_p,
                 object mask, object size, object rng, object words, object invalid,
                 object return_logprobs, int workers):
    """Return the draws for any arguments, the same in any floating-point state of the host."""
    cdef _core.HostState before
    _core.set_default_state(&before)
    try:
        return convert_and_draw(logits, temperature, top_k, top_p, min_p, mask, size, rng, words,
                                invalid, return_logprobs, workers)
    finally:
        _core.restore_state(&before)


cdef object convert_and_draw(object logits, object temperature, object top_k, object top_p,
                             object min_p, object mask, object size, object rng, object words,
                             object invalid, object return_logprobs, int workers):
    # Everything is converted first, for that may run Python code of the caller. Shapes and pointers are
    # taken afterwards, of arrays and views that nobody else has a say about.
    given = real_array(logits, "logits")
    temperatures = real_numbers(temperature, "temperature")
    ks = None if top_k is None else whole_numbers(top_k, "top_k")
    ps = None if top_p is None else real_numbers(top_p, "top_p")
    ratios = None if min_p is None else real_numbers(min_p, "min_p")
    allowed = None if mask is None else mask_array(mask)
    extra = () if size is None else shape_of(size)
    cdef bint with_logprobs = is_true(return_logprobs, "return_logprobs"), skips = is_skip(invalid)
    cdef BitGenerator source = None
    cdef cnp.ndarray taken = None
    if words is None:
        source = bit_generator_of(rng)
    elif size is not None or rng is not None:
        raise ValueError("words excludes rng and size")
    else:
        taken = fixed_whole(word_array(words), "words")
    given = fixed_real(given, "logits")
    if allowed is not None:
        allowed = mask_array(fixed(allowed))

    shape = given.shape
    if not shape:
        raise ValueError("logits must have at least one dimension, got a number")
    rows, n = shape[:len(shape) - 1], shape[len(shape) - 1]
    extra = shape_of(extra, rows)
    if n == 0:
        raise ValueError(f"logits must have at least one item per row, got shape {shape}")
    if n > 2**32 - 128:
        raise ValueError(f"logits must have at most 2**32 - 128 items per row, got {n}")
    cdef Draws d
    clear(&d.filters)
    cdef cnp.ndarray t, k = None, p = None, ratio = None
    t = by_row("temperature", temperatures, temperature, 0.0, math.inf, shape)
    d.filters.temperature = <const double *>cnp.PyArray_DATA(t)
    d.filters.temperature_stride = t.ndim
    if ks is not None:
        k = by_row("top_k", ks, top_k, 1, math.inf, shape)
        d.filters.top_k, d.filters.top_k_stride = <const uint64_t *>cnp.PyArray_DATA(k), k.ndim
    if ps is not None:
        p = by_row("top_p", ps, top_p, 0.0, 1.0, shape)
        d.filters.top_p, d.filters.top_p_stride = <const double *>cnp.PyArray_DATA(p), p.ndim
    if ratios is not None:
        ratio = by_row("min_p", ratios, min_p, 0.0, 1.0, shape)
        d.filters.min_p, d.filters.min_p_stride = <const double *>cnp.PyArray_DATA(ratio), ratio.ndim
    cdef cnp.ndarray masks = None
    if allowed is not None:
        masks = mask_by_row(allowed, shape)
        if cnp.PyArray_TYPE(masks) == cnp.NPY_BOOL:
            d.filters.allowed = <const uint8_t *>cnp.PyArray_DATA(masks)
            d.filters.allowed_stride = n if masks.ndim > 1 else 0
        else:
            d.filters.allowed_bits = <const uint32_t *>cnp.PyArray_DATA(masks)
            d.filters.allowed_bits_stride = masks.shape[1] if masks.ndim > 1 else 0
    dtype = result_dtype(given.dtype)
    cdef cnp.ndarray x = contiguous_rows(given.reshape(-1, n), dtype)
    d.type_num = cnp.PyArray_TYPE(x)
    d.x = <const char *>cnp.PyArray_DATA(x)
    d.rows, d.n = x.shape[0], n
    d.stride = x.strides[0] // x.descr.itemsize

    if taken is None:
        taken = take_all(source, rows + extra)  # an error before this has taken no words
    elif (<object>taken).shape[:len(rows)] != rows:
        raise ValueError(
            f"words must have the shape {rows} of the rows, or one that begins with it, "
            f"got {(<object>taken).shape}"
        )
    else:
        taken = as_words(taken)
    result_shape = (<object>taken).shape
    cdef cnp.ndarray ids = np.empty(result_shape, np.int64), logprobs = None
    d.draws = math.prod(result_shape[len(rows):])
    d.words = <const uint64_t *>cnp.PyArray_DATA(taken)
    d.ids = <int64_t *>cnp.PyArray_DATA(ids)
    d.logprobs = NULL
    if with_logprobs:
        logprobs = np.empty(
            result_shape, np.float64 if d.type_num == cnp.NPY_FLOAT64 else np.float32
        )
        d.logprobs = <char *>cnp.PyArray_DATA(logprobs)
    cdef size_t where = 0
    cdef int error = draw_rows(&d, skips, workers, &where)
    if error:
        raise_for(error, where, given)
    if result_shape == () and size is None:
        drawn = int(ids[()])
        return (drawn, logprobs[()]) if with_logprobs else drawn
    return (ids, logprobs) if with_logprobs else ids


cdef int raise_for(int error, size_t where, object logits) except -1:
    *rows, n = logits.shape
    hint = "; invalid='skip' gives -1 for such rows" if rows else ""
    if error == _core.SOFTDRAW_ERROR_LOGIT:
        place = tuple(map(int, np.unravel_index(where, logits.shape)))
        raise ValueError(
            f"{place_of('logits', place)} is {logits[place]}; logits must be finite or -inf{hint}"
        )
    if error == _core.SOFTDRAW_ERROR_NOTHING:
        place = tuple(map(int, np.unravel_index(where, rows))) if rows else ()
        subject = f"row {', '.join(map(str, place))} of logits has" if rows else "logits have"
        raise ValueError(f"{subject} nothing to draw from: every entry is -inf or masked{hint}")
    # What was checked has been changed meanwhile, by another thread.
    raise ValueError(f"temperature, top_k, top_p or min_p of row {where} changed during the call")


# ---- arguments ---------------------------------------------------------------------------------


cdef cnp.ndarray by_row(str name, cnp.ndarray values, object value, object lowest, object highest,
                        tuple shape):
    """Return the values of a parameter for the rows of an array of that shape, each checked: one without
    dimensions, or a 1-D array of one for each, as float64, or as uint64 if the lowest is an int. `value` is
    what the caller gave."""
    if type(value) is float and lowest <= value <= highest:
        return values  # what most give
    whole = isinstance(lowest, int)
    values = fixed_whole(values, name) if whole else fixed_real(values, name)
    rows = fit_to_rows(values, name, shape, (len(shape) - 1,))
    if not whole:
        values = as_carray(values, cnp.NPY_FLOAT64)
    invalid = ~((values >= lowest) & (values <= highest))
    if invalid.any():
        index = np.unravel_index(invalid.argmax(), invalid.shape)
        valid = f">= {lowest:g}" if highest == math.inf else f"in [{lowest:g}, {highest:g}]"
        hint = "; None, or any number from the row's length on, switches it off" if whole else ""
        got = value if whole and isinstance(value, int) else values[index]  # it may be out of range of a dtype
        raise ValueError(f"{place_of(name, index)} must be {valid}, got {got}{hint}")
    rows = as_carray(values, cnp.NPY_UINT64 if whole else cnp.NPY_FLOAT64).reshape(rows.shape)
    if rows.size == 1:
        return rows.reshape(())
    return np.ascontiguousarray(np.broadcast_to(rows, shape[:len(shape) - 1])).reshape(-1)


cdef cnp.ndarray mask_array(object mask):
    """Return a mask as an array of booleans, of int8 or uint8, or of int32 words of bits."""
    cdef cnp.ndarray given = unmasked_array(mask, "mask")
    if cnp.PyArray_TYPE(given) not in (cnp.NPY_BOOL, cnp.NPY_INT8, cnp.NPY_UINT8) and (
            given.dtype.kind != "i" or given.dtype.itemsize != 4):
        refuse_mask_of(mask, given.dtype)
    return given


cdef cnp.ndarray mask_by_row(cnp.ndarray mask, tuple shape):
    """Return a mask as C-contiguous rows of booleans or words: of shape (width,) for all rows, or
    (rows, width)."""
    cdef bint is_packed = cnp.PyArray_ITEMSIZE(mask) == 4
    rows, n = shape[:len(shape) - 1], shape[len(shape) - 1]
    width = -(-n // 32) if is_packed else n
    mine = (<object>mask).shape
    if mine != (width,):
        mine_rows = mine[:max(0, len(mine) - 1)]
        if (not mine or mine[len(mine) - 1] != width or len(mine) > len(shape) or not all(
                [here in (1, length) for here, length in zip(mine_rows[::-1], rows[::-1])])):
            ways = f"{(width,)} or {(*rows, width)}" if rows else f"{(width,)}"
            kind = "packed mask" if is_packed else "mask"
            hint = ("; write np.asarray(mask, bool) for one of 0 and 1"
                    if is_packed and mine[len(mine) - 1:] == (n,) else "")
            raise ValueError(f"{kind} must have shape {ways}, got {mine}{hint}")
    if cnp.PyArray_ITEMSIZE(mask) == 1 and cnp.PyArray_TYPE(mask) != cnp.NPY_BOOL:
        wrong = mask.view(np.uint8) > 1
        if wrong.any():
            index = np.unravel_index(wrong.argmax(), mine)
            raise ValueError(
                f"{place_of('mask', index)} is {mask[index]}; a mask of dtype {mask.dtype} "
                "must hold 1 for what may be drawn and 0 for what may not"
            )
        mask = mask.astype(np.bool_)
    if mine != (width,):
        mask = (mask.reshape(width) if mask.size == width
                else np.broadcast_to(mask, (*rows, width)).reshape(-1, width))
    return as_carray(mask, cnp.NPY_INT32 if is_packed else cnp.NPY_BOOL)


cdef cnp.ndarray contiguous_rows(cnp.ndarray rows, object dtype):
    """Return a 2-D array in that dtype, with each row contiguous."""
    cdef ptrdiff_t size = cnp.PyArray_ITEMSIZE(rows)
    if cnp.PyArray_ISBEHAVED_RO(rows) and cnp.PyArray_STRIDE(rows, 0) % size == 0 and (
            cnp.PyArray_DIM(rows, 1) == 1 or cnp.PyArray_STRIDE(rows, 1) == size
    ) and cnp.PyArray_TYPE(rows) == dtype.num:
        return rows
    with np.errstate(invalid="ignore"):  # NumPy would warn of a signalling NaN
        return np.array(rows, dtype, order="C")


cdef cnp.ndarray take_all(BitGenerator source, tuple shape):
    """Return words of the source, in parts, so that an interrupt is answered between them."""
    cdef cnp.ndarray taken = np.empty(shape, np.uint64)
    cdef uint64_t *word = <uint64_t *>cnp.PyArray_DATA(taken)
    cdef size_t n = <size_t>cnp.PyArray_SIZE(taken), done = 0, count
    cdef bitgen_t bitgen
    read_bitgen(source, &bitgen)
    held = hold(source)
    try:
        while done < n:
            count = min(n - done, <size_t>MAX_PART)
            with nogil:
                take_words(&bitgen, word + done, count)
            done += count
            if done < n:  # Python itself looks after the last, when the lock is free
                PyErr_CheckSignals()
    finally:
        release(held)
    return taken
