"""Checks of arguments that several modules need; their declarations are in _arguments.pxd."""

import inspect
import math
import operator
import reprlib
import sys
from collections.abc import Sequence

import numpy as np

cimport numpy as cnp
from cpython.buffer cimport PyObject_CheckBuffer
from libc.stddef cimport ptrdiff_t

cdef extern from "softdraw.h":
    enum: SOFTDRAW_STREAM

cdef extern from "numpy/arrayobject.h":
    # NumPy's own declaration for Cython takes no NULL.
    object PyArray_View(cnp.ndarray array, void *dtype, void *subtype)

cnp.import_array()

# ---- positional arguments ----------------------------------------------------------------------


def hide_positional(function):
    """Let `inspect.signature` leave out the `*refused` of a function, which takes no such arguments."""
    signature = inspect.signature(function)
    function.__signature__ = signature.replace(
        parameters=[each for each in signature.parameters.values() if each.name != "refused"]
    )
    return function


cdef object refuse_positional(str call, tuple values, tuple names):
    """Raise the TypeError for values after the arrays of a call: it shows the keywords to write."""
    value = values[0] if isinstance(values[0], (int, float)) else "..."
    function, arrays = call.rstrip(")").split("(")
    ways = " or ".join([f"{function}({arrays}, {name}={value})" for name in names])
    raise TypeError(f"{function} takes only {arrays} by position; write {ways}")


# ---- classes -----------------------------------------------------------------------------------

internal = object()


cdef int refuse_call(str name, str parameters, tuple arguments, dict named) except -1:
    """Raise for a call of a class that does not give all of its parameters, by position."""
    got = ", ".join([*(type(item).__name__ for item in arguments), *(f"{key}=..." for key in named)])
    hint = ""
    if len(arguments) == 1 and hasattr(arguments[0], "indptr"):
        hint = "; of a SciPy CSR array, pass csr.data, csr.indptr"
    raise TypeError(f"call {name}({parameters}), by position; got {name}({got}){hint}")


# ---- arrays ------------------------------------------------------------------------------------

MOST_DIMENSIONS = 32 if np.__version__.startswith("1.") else 64

# NumPy's number for the bfloat16 of ml_dtypes, once an array of it has been given; before, one that no type has
# (that of NumPy's newer user types is -1). Threads may read it while another one writes it. MSVC has no atomics,
# but reads and writes a volatile int whole.
cdef extern from *:
    """
    #if defined(_MSC_VER) || defined(__STDC_NO_ATOMICS__)
    static volatile int bfloat16_number = -2;
    #else
    #include <stdatomic.h>
    static atomic_int bfloat16_number = -2;
    #endif
    """
    int bfloat16_number


cdef bint is_bfloat16(int type_num) noexcept:
    return type_num == bfloat16_number


cdef bint is_real(object dtype):
    # There are kernels neither for longdouble nor for the float8 of ml_dtypes, whose kind is "f" too.
    global bfloat16_number
    cdef int type_num = (<cnp.dtype>dtype).type_num
    if type_num == bfloat16_number or type_num == cnp.NPY_FLOAT16 or 0 <= type_num <= cnp.NPY_FLOAT64:
        return True
    # Any class may have the name, but only a type that has been registered has a number of its own.
    if dtype.name == "bfloat16" and cnp.PyTypeNum_ISUSERDEF(type_num) and dtype.itemsize == 2:
        bfloat16_number = type_num
        return True
    return False


cdef object masked_class():
    # Importing numpy.ma takes 10 ms. Where nobody has imported it, there is no masked array.
    ma = sys.modules.get("numpy.ma")
    return None if ma is None else ma.MaskedArray


cdef bint is_masked(object value):
    masked = masked_class()
    if masked is None or type(value) is np.ndarray:
        return False
    if is_sequence(value):
        return holds_masked(value, masked, 0)
    # An array of Dask has one without items, of the kind that its blocks are, as _meta.
    return isinstance(value, masked) or isinstance(getattr(value, "_meta", None), masked)


cdef bint is_sequence(object value):
    # A buffer, such as a memoryview, has no parts that could be masked, and need not give any.
    return isinstance(value, (list, tuple)) or (
        isinstance(value, Sequence) and not isinstance(value, str) and not PyObject_CheckBuffer(value))


cdef bint holds_masked(object sequence, object masked, int depth):
    """A sequence has a masked array in it, as deep as NumPy would look."""
    if len(sequence) == 0 or depth == MOST_DIMENSIONS:
        return False
    first = sequence[0]
    if not is_sequence(first) and (isinstance(first, np.generic) or not PyObject_CheckBuffer(first)):
        return False  # numbers, which may be many
    for each in sequence:
        if isinstance(each, masked) or is_sequence(each) and holds_masked(each, masked, depth + 1):
            return True
    return False


cdef int refuse_masked(object value, str name) except -1:
    if is_masked(value):
        raise TypeError(
            f"{name} is a masked array; fill or compress it first, its mask would be lost"
        )
    return 0


cdef object unmasked_array(object value, str name):
    """Return value as an array; a masked array is an error, because its mask would be lost."""
    refuse_masked(value, name)
    try:
        array = np.asanyarray(value)
        refuse_masked(array, name)  # what __array__ may have returned
        return whole_numbers_of(value, np.asarray(array))
    except ValueError as error:
        if "inhomogeneous" in str(error):
            raise ValueError(f"{name} is ragged: its parts have different lengths or dimensions") from None
        raise
    except TypeError:
        if str(getattr(value, "dtype", "")) == "torch.bfloat16":
            raise TypeError(
                f"{name} is a bfloat16 tensor, which torch does not give to NumPy; with ml_dtypes, "
                f"write {name}.view(torch.int16).numpy().view(ml_dtypes.bfloat16)"
            ) from None
        raise


cdef object whole_numbers_of(object value, cnp.ndarray array):
    """Return array, or as uint64 what NumPy makes float64 of: a sequence of integers on both sides of 2**63."""
    cdef int axis
    if value is array or cnp.PyArray_TYPE(array) != cnp.NPY_FLOAT64 or cnp.PyArray_SIZE(array) == 0:
        return array
    first = value
    for axis in range(cnp.PyArray_NDIM(array)):
        if type(first) is not list and type(first) is not tuple and (
            PyObject_CheckBuffer(first) or not isinstance(first, Sequence)
        ):
            return array
        first = first[0]
    if type(first) is float:  # as most are
        return array
    items = integers_of(value) if is_integer(first) else None
    if items is None or not all([0 <= item < 2**64 for item in items.reshape(-1)]):
        return array
    return items.astype(np.uint64)


cdef object integers_of(object value):
    """Return a sequence of integers as an object array, or None if it has anything else."""
    items = np.asarray(value, dtype=object)
    flat = items.reshape(-1)  # .flat has at most 32 dimensions
    if not all([is_integer(item) for item in flat]):
        return None
    whole = np.empty(len(flat), object)
    whole[:] = [operator.index(item) for item in flat]
    return whole.reshape(items.shape)


cdef bint is_integer(object item):
    """item is an integer of Python or of NumPy, also as an array without dimensions."""
    if isinstance(item, np.integer):
        return not isinstance(item, np.timedelta64)  # which NumPy counts among them
    return isinstance(item, int) or (
        type(item) is np.ndarray and item.ndim == 0 and item.dtype.kind in "iu")


cdef bint is_foreign(object x):
    """x is an array of another library that decides itself what a ufunc does to it."""
    kind = type(x)
    return (not cnp.PyArray_Check(x) and hasattr(kind, "__array_ufunc__")
            and hasattr(kind, "__array_function__") and hasattr(x, "shape") and hasattr(x, "dtype")
            and hasattr(x, "astype"))


cdef object converted_to(object dtype, object array):
    if array.dtype == dtype:
        return array
    with np.errstate(all="ignore"):  # NumPy would warn of a signalling NaN
        return array.astype(dtype)


cdef int check_real(object dtype, str name, str advice="") except -1:
    if not isinstance(dtype, np.dtype):  # of an array of another library
        raise TypeError(f"{name} must have a dtype of NumPy, got {in_short(dtype)}")
    if not is_real(dtype):
        # the float8 of ml_dtypes are of kind f or V
        raise TypeError(
            f"{name} must be float16, bfloat16, float32, float64 or integers, got dtype {short_text(dtype)}"
            if "float" in dtype.name
            else f"{name} must be real numbers, got dtype {short_text(dtype)}{advice}"
        )
    return 0


cdef object real_array(object value, str name):
    """Return value as an array of real numbers; an array of them is returned as it is."""
    array = unmasked_array(value, name)
    dtype = array.dtype  # once, for another thread may change it
    if is_real(dtype):
        return array
    check_real(dtype, name, way_to_numbers(value, array, dtype.kind, name))


cdef str way_to_numbers(object value, cnp.ndarray array, str kind, str name):
    """What to write for a value of which NumPy makes an array of no numbers, for a message."""
    if kind == "c":
        return "; take np.real or np.abs of it"
    if hasattr(type(value), "toarray"):
        return f"; of a SciPy sparse array, pass {name}.data or {name}.toarray()"
    if kind != "O":
        return ""
    if hasattr(type(value), "__dask_graph__"):  # delayed
        return f"; write {name}.compute()"
    if cnp.PyArray_NDIM(array) == 1 and len(array) and isinstance(array[0], (list, np.ndarray)):
        return f"; write np.stack(np.asarray({name}))"  # of a column whose items are lists, say
    if any([f"{each.__module__}".startswith("pandas.") for each in type(value).__mro__]):  # missing values, say
        return f"; write {name}.to_numpy(float, na_value=np.nan)"
    if cnp.PyArray_NDIM(array) or isinstance(value, np.ndarray):  # integers past 2**64, say
        return f"; write np.asarray({name}, float)"
    if hasattr(type(value), "__float__"):  # a Fraction, say
        return f"; write float({name})"
    if hasattr(type(value), "__iter__") and not hasattr(type(value), "keys"):  # the values of a dict, say
        return f"; write list({name})"
    return ""


cdef int refuse_mask_of(object mask, object dtype) except -1:
    """Raise the TypeError for a mask that is an array of that dtype."""
    way = "np.asarray(mask, bool)"
    if dtype == np.uint32:
        way = "mask.view(np.int32)"
    elif hasattr(type(mask), "toarray"):  # a SciPy sparse array
        way = "mask.toarray().astype(bool)"
    elif hasattr(type(mask), "__dask_graph__"):
        way = "mask.astype(bool)" if hasattr(type(mask), "astype") else "mask.compute()"
    raise TypeError(
        "mask must be bool, int8 or uint8 (1 for what may be drawn), or packed bits in int32, "
        f"got dtype {short_text(dtype)}; write {way}"
    )


cdef cnp.ndarray fixed(cnp.ndarray array):
    """Return a view of an array. Its shape and dtype stay as they are, while those of the array may be changed by
    another thread or a finalizer. It is made when all arguments are converted: until then, memory may move."""
    return PyArray_View(array, NULL, <void *>cnp.ndarray)


cdef object fixed_real(object array, str name):
    """Return a view as `fixed` does, of what real_array has returned."""
    view = fixed(array)
    if not is_real(view.dtype):
        raise ValueError(f"{name} was changed to dtype {view.dtype} during the call")
    return view


cdef cnp.ndarray fixed_whole(cnp.ndarray array, str name):
    """Return a view as `fixed` does, of what whole_numbers or word_array has returned."""
    view = fixed(array)
    check_still_whole(view, name)
    return view


cdef int check_still_whole(cnp.ndarray array, str name) except -1:
    """Raise unless an array, which had integers, still has."""
    dtype = array.dtype
    if dtype.kind not in "iu":
        raise ValueError(f"{name} was changed to dtype {dtype} during the call")
    return 0


cdef int check_unchanged(cnp.ndarray array, int itemsize, str name) except -1:
    """Raise unless a contiguous array still is one of items of that size."""
    if cnp.PyArray_ITEMSIZE(array) != itemsize or not cnp.PyArray_ISCARRAY_RO(array):
        raise ValueError(f"{name} was changed during the call")
    return 0


cdef cnp.ndarray plain_out(object out):
    """Return out, which can be written to, as an array of exactly type ndarray: what a subclass says of its
    dtype and shape need not be so."""
    if not cnp.PyArray_Check(out):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}")
    if is_masked(out):
        raise TypeError("out must be a plain array, got a masked array")
    cdef cnp.ndarray array = out if cnp.PyArray_CheckExact(out) else np.ndarray.view(out, np.ndarray)
    if not cnp.PyArray_ISWRITEABLE(array):
        raise ValueError("out is read-only")
    return array


cdef object checked_out(object out, object dtype, tuple shape):
    """Return a view of out, if it has that dtype and shape."""
    cdef object array = fixed(plain_out(out))
    if array.dtype != dtype:
        raise ValueError(f"out must have dtype {dtype}, got {short_text(array.dtype)}")
    if array.shape != shape:
        raise ValueError(f"out must have shape {shape}, got {array.shape}")
    return array


cdef object result_dtype(object dtype):
    """Floats stay what they are, in native byte order; integers become float64."""
    if dtype.kind in "iub":
        return np.dtype(np.float64)
    return dtype if dtype.isnative else dtype.newbyteorder("=")


cdef cnp.ndarray as_carray(cnp.ndarray array, int type_num):
    """Return array in that type, native, C-contiguous and aligned; it is copied only if it must be."""
    cdef int flags = (cnp.NPY_ARRAY_CARRAY_RO | cnp.NPY_ARRAY_NOTSWAPPED
                      | cnp.NPY_ARRAY_FORCECAST)
    if cnp.PyArray_TYPE(array) == type_num or cnp.PyArray_ISINTEGER(array):
        return cnp.PyArray_FROMANY(array, type_num, 0, 0, flags)
    with np.errstate(invalid="ignore"):  # NumPy would warn of a signalling NaN
        return cnp.PyArray_FROMANY(array, type_num, 0, 0, flags)


# ---- parameters --------------------------------------------------------------------------------


cdef str kind_of(object value, object dtype):
    """What was given, for a message: an array by its dtype, anything else by its type."""
    if isinstance(value, (np.ndarray, list, tuple)):
        return f"an array of dtype {short_text(dtype)}"
    return type(value).__name__


cdef object whole_numbers(object value, str name):
    """Return an integer, or an array of them, as an array. A Python int too large for every dtype
    becomes the largest int64, and a negative one -1: callers treat them alike."""
    if isinstance(value, int):
        value = max(-1, min(value, 2**63 - 1))
    given = unmasked_array(value, name)
    if given.dtype.kind in "Of" and isinstance(value, (list, tuple)):
        items = integers_of(value)
        if items is not None:  # some past the largest int64
            given = np.clip(items, -1, 2**63 - 1).astype(np.int64)
    if given.dtype.kind not in "iu":
        got = kind_of(value, given.dtype)
        raise TypeError(f"{name} must be an integer or an array of them, got {got}")
    return given


cdef object whole_number(object value, str name, str others=""):
    """Return an integer of any type, as an int; `others` says what else may be given."""
    try:
        return index_of(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer{others}, got {type(value).__name__}") from None


cdef object index_of(object value):
    """Return an integer of any type, as an int; what is under a mask is none."""
    if type(value) is int:
        return value
    masked = masked_class()
    if masked is not None and isinstance(value, masked):
        raise TypeError
    return operator.index(value)


cdef object real_numbers(object value, str name):
    """Return a real number, or an array of them, as an array of a real type."""
    given = unmasked_array(value, name)
    if isinstance(value, int) and given.dtype == object:
        raise ValueError(f"{name} is an integer of more than 64 bits; give it as a float")
    if not is_real(given.dtype):
        got, way = kind_of(value, given.dtype), way_to_numbers(value, given, given.dtype.kind, name)
        raise TypeError(f"{name} must be a real number or an array of them, got {got}{way}")
    return given


cdef cnp.ndarray checked_temperatures(cnp.ndarray given, bint allow_zero):
    """Return temperatures, an array of a real type, as a C-contiguous float64 array, each checked."""
    cdef cnp.ndarray values = as_carray(given, cnp.NPY_FLOAT64)
    cdef const double *t = <const double *>cnp.PyArray_DATA(values)
    cdef ptrdiff_t i
    for i in range(cnp.PyArray_SIZE(values)):
        if not (t[i] >= 0 if allow_zero else t[i] > 0):
            where = np.unravel_index(i, (<object>values).shape)
            raise ValueError(
                f"{place_of('temperature', where)} must be >{'=' if allow_zero else ''} 0, "
                f"got {given[where]}"
            )
    return values


cdef object temperatures_of_rows(object value, bint allow_zero, tuple shape, tuple reduced):
    """Return temperatures as fit_to_rows does, checked, in float64. Those that do not fit are not copied."""
    given = real_numbers(value, "temperature")
    fit_to_rows(given, "temperature", shape, reduced)
    return fit_to_rows(checked_temperatures(given, allow_zero), "temperature", shape, reduced)


cdef object fit_to_rows(object values, str name, tuple shape, tuple reduced):
    """Return values as one for all rows of an array of that shape, or as an array that broadcasts to one
    for each row: with as many dimensions as the array, they have length 1 along the reduced axes;
    otherwise they broadcast to the shape without those."""
    kept = lengths_without(shape, reduced)
    rows = values
    if values.ndim == len(shape) and all([values.shape[i] == 1 for i in reduced]):
        rows = values.reshape(lengths_without(values.shape, reduced))
    if rows.ndim > len(kept) or not all(
        [mine in (1, length) for mine, length in zip(rows.shape[::-1], kept[::-1])]
    ):
        if not shape:
            raise ValueError(f"{name} must be a number, got shape {values.shape}")
        raise ValueError(
            f"{name} of shape {values.shape} fits neither {lengths_with_ones(shape, reduced)} "
            f"nor {kept}"
        )
    return rows


cdef double one_temperature(object value) except -1:
    given = real_numbers(value, "temperature")
    if given.ndim:
        raise ValueError(f"temperature must be a number, got shape {given.shape}")
    return checked_temperatures(given, True)


# ---- axes --------------------------------------------------------------------------------------

AxisError = getattr(np, "exceptions", np).AxisError


cdef object plain_axis(object axis):
    """Return axis, which may be of a type of the caller's, as None, an int or a tuple of ints."""
    if axis is None or type(axis) is int:
        return axis
    try:
        if isinstance(axis, tuple):
            return tuple([index_of(each) for each in axis])
        return index_of(axis)
    except TypeError:
        got = "a masked array" if is_masked(axis) else in_short(axis)
        raise TypeError(f"axis must be an int, a tuple of ints or None, got {got}") from None


cdef tuple axes_of(object axis, int ndim):
    """Return the reduced axes, sorted, of what plain_axis returned. Of an array without dimensions axis 0
    or -1 can be named, as in NumPy's reductions, and none is returned."""
    cdef int most = max(ndim, 1)
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    for each in axes:
        if not -most <= each < most:
            raise AxisError(each, ndim)
    axes = sorted([(each + most) % most for each in axes])
    if len(set(axes)) < len(axes):
        raise ValueError("duplicate value in 'axis'")
    return tuple(axes) if ndim else ()


cdef tuple lengths_without(tuple shape, tuple reduced):
    return tuple([length for i, length in enumerate(shape) if i not in reduced])


cdef tuple lengths_with_ones(tuple shape, tuple reduced):
    return tuple([1 if i in reduced else length for i, length in enumerate(shape)])


cdef bint is_true(object value, str name) except -1:
    """Whether a flag is set: of any type that is true or false."""
    if value is True or value is False:
        return value is True
    try:
        return bool(value)
    except (TypeError, ValueError):  # an array, or delayed
        raise TypeError(f"{name} must be True or False, got {type(value).__name__}") from None


cdef bint is_skip(object invalid) except -1:
    """Whether the argument `invalid` is "skip" and not "raise"."""
    if not isinstance(invalid, str) or invalid not in ("raise", "skip"):
        raise ValueError(f"invalid must be 'raise' or 'skip', got {in_short(invalid)}")
    return invalid == "skip"


# ---- shapes and words --------------------------------------------------------------------------


cdef object MOST_DRAWS = 1 << 59  # their bytes fit in 63 bits; no memory holds as many


cdef tuple shape_of(object size, tuple rows=()):
    """Return size, an int or a tuple of ints, as the lengths of draws from each of rows of that shape."""
    if type(size) is int and 0 <= size <= MOST_DRAWS and not rows:
        return (size,)
    try:
        shape = tuple([index_of(each) for each in (size if isinstance(size, (tuple, list)) else (size,))])
    except TypeError:
        got = "a masked array" if is_masked(size) else in_short(size)
        raise TypeError(f"size must be an int or a tuple of ints, got {got}") from None
    if len(rows) + len(shape) > MOST_DIMENSIONS:
        most = MOST_DIMENSIONS - len(rows)
        raise ValueError(f"size must have at most {most} dimensions here, got {len(shape)}")
    if shape and min(shape) < 0:
        raise ValueError(f"size must be >= 0, got {size}")
    # NumPy has such a limit for arrays without elements, too, and does not count the lengths of 0 there.
    if math.prod([length for length in (*shape, *rows) if length]) > MOST_DRAWS:
        if 0 in shape or 0 in rows:
            of_rows = f" for rows of shape {rows}" if rows else ""
            raise ValueError(
                f"size must have lengths whose product without zeros is at most 2**59, got {size}{of_rows}"
            )
        in_all, each = (" in all", f" from each of {math.prod(rows)} rows") if rows else ("", "")
        raise ValueError(f"size must be at most 2**59 draws{in_all}, got {size}{each}")
    return shape


cdef cnp.ndarray word_array(object words):
    """Return words as an array of integers, which as_words looks at: their shape can be checked before."""
    cdef cnp.ndarray array = unmasked_array(words, "words")
    if array.dtype.kind in "fO" and not isinstance(words, np.ndarray):
        # NumPy makes float64 of an empty list and of negative integers beside those from 2**63 on
        items = integers_of(words)
        if items is not None:
            for place, item in np.ndenumerate(items):
                if not 0 <= item < 2**64:
                    raise word_error(place, item)
            array = items.astype(np.uint64)
    if array.dtype.kind not in "iu":
        raise TypeError(f"words must be uint64, got dtype {short_text(array.dtype)}")
    return array


cdef cnp.ndarray as_words(cnp.ndarray array):
    """Return what word_array returned as C-contiguous uint64, if no word is negative."""
    if array.dtype.kind == "i":
        negative = array < 0
        if negative.any():
            place = np.unravel_index(np.argmax(negative), negative.shape)
            raise word_error(place, array[place])
    return as_carray(array, cnp.NPY_UINT64)


cdef object word_error(tuple place, object word):
    return ValueError(f"{place_of('words', place)} must be from 0 to 2**64 - 1, got {word}")


# ---- parts of messages -------------------------------------------------------------------------

SHORT = reprlib.Repr()
SHORT.maxother = SHORT.maxstring = 200
SHORT.maxlist = SHORT.maxtuple = 20


cdef str in_short(object value):
    """What was given, shortened where it is long."""
    return SHORT.repr(value)


cdef str short_text(object value):
    """What str() makes of a value, such as a dtype of many fields, shortened where it is long."""
    text = str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


cdef str place_of(str name, object index):
    """How to write an element of an argument, `name[2, 0]`, or the argument if index is ()."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


# ---- pickles and hashes -----------------------------------------------------------------------------------

cdef enum:
    PICKLE_FORMAT = 1  # another one if the parts of a pickle, or their meaning, change


cdef bytes digest_of(tuple parts):
    """A checksum of 64 bits of integers, bytes and arrays. It releases the GIL where these are long."""
    from hashlib import blake2b  # here, for import softdraw loads no more than NumPy does

    digest = blake2b(digest_size=8)
    for part in parts:
        digest.update(part if isinstance(part, (bytes, np.ndarray)) else b"%d," % part)
    return digest.digest()


cdef tuple header_of(tuple parts):
    """What pickles have before their parts, integers and bytes: a format number, the stream number and
    a checksum."""
    digest = digest_of((PICKLE_FORMAT, SOFTDRAW_STREAM, *parts))
    return PICKLE_FORMAT, SOFTDRAW_STREAM, int.from_bytes(digest, "little")


cdef int check_header(str name, object header, tuple parts) except -1:
    expected = header_of(parts)
    if header != expected:
        raise ValueError(
            f"{name} is damaged, or of another version of softdraw: its format, stream and checksum "
            f"are {in_short(header)}, not {expected}"
        )
    return 0


# ---- errors of the core ------------------------------------------------------------------------


cdef int check_error(int error) except -1:
    """Raise for an error of softdraw.h that no argument explains: only if memory is overwritten."""
    if error:
        raise RuntimeError(f"softdraw error {error}")
    return 0
