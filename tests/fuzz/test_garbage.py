"""Any object as any argument is a clear error or a result, and an error leaves `out` as it was."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from layouts import ARRAYS, DTYPES, Converts, fuzz, laid_out, values

import softdraw


class Refuses:
    """An object that no conversion accepts."""

    def __array__(self, *arguments, **named):
        raise ZeroDivisionError("no array")

    __index__ = __float__ = __bool__ = __len__ = __iter__ = __array__


class Claims(np.ndarray):
    """An array that claims another shape, dtype and size than it has."""

    shape = property(lambda self: (5, 1000))
    dtype = property(lambda self: np.dtype(np.float64))
    size = property(lambda self: 5000)


@st.composite
def arrays(draw):
    shape = draw(st.sampled_from([(), (0,), (1,), (5,), (2, 5), (5, 1), (2, 0), (2, 1, 5)]))
    dtype = draw(st.sampled_from([*DTYPES, bool, "i1", "i4", "i8", "u8", "c8", "O", "U3", "M8[s]"]))
    if dtype in ("c8", "O", "U3", "M8[s]"):
        return np.ones(shape).astype("i8").astype(dtype)
    return draw(laid_out(draw(values(shape, dtype)), ARRAYS))


numbers = st.one_of(
    st.integers(-3, 9),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.sampled_from([np.float32(2), np.int8(-1), np.uint64(2**63), 1j, 10**400]),
)
things = st.one_of(
    st.none(),
    numbers,
    arrays(),
    arrays().map(Converts),
    arrays().filter(lambda x: x.dtype.kind == "f").map(lambda x: x.view(Claims)),
    st.text(max_size=3),
    st.binary(max_size=9),
    st.lists(numbers, max_size=6),
    st.lists(st.lists(numbers, max_size=3), max_size=3),
    st.tuples(st.integers(-2, 5), st.integers(-2, 5)),
    st.dictionaries(st.text(max_size=2), numbers, max_size=2),
    st.sampled_from([Refuses(), object(), int, len, softdraw, slice(3), np.dtype("f4")]),
    st.sampled_from(["raise", "skip"]),
    st.builds(np.random.default_rng, st.integers(0, 9)),
    st.builds(np.random.PCG64, st.integers(0, 9)),
    st.builds(softdraw.Xoshiro256, st.integers(0, 9)),
    st.builds(softdraw.AliasTable, st.just([1, 2])),
    st.builds(np.ma.array, st.just([1.0, 2.0])),
)
usual = st.one_of(arrays(), st.lists(st.floats(-9, 9), min_size=1, max_size=9))

TABLE = softdraw.AliasTable([1, 0, 2])
TABLES = softdraw.AliasTables([1, 2, 3], [0, 2, 2, 3])
CALLS = {
    softdraw.softmax: (1, ["temperature", "axis", "out"]),
    softdraw.log_softmax: (1, ["temperature", "axis", "out"]),
    softdraw.logsumexp: (1, ["temperature", "axis", "out", "keepdims"]),
    softdraw.entropy: (1, ["temperature", "axis", "out", "keepdims"]),
    softdraw.softmax_vjp: (2, ["temperature", "axis", "out"]),
    softdraw.sample_logits: (
        1,
        [
            *("temperature", "top_k", "top_p", "min_p", "mask"),
            *("size", "rng", "words", "invalid", "return_logprobs"),
        ],
    ),
    softdraw.temperature_for: (1, ["entropy", "perplexity", "top_prob", "clip"]),
    softdraw.AliasTable: (1, []),
    softdraw.AliasTable.from_logits: (1, ["temperature"]),
    softdraw.AliasTables: (2, []),
    softdraw.AliasTables.from_logits: (2, ["temperature"]),
    softdraw.Xoshiro256: (1, []),
    TABLE.sample: (0, ["size", "rng", "out"]),
    TABLE.map: (1, ["out"]),
    TABLE.sampler: (0, ["rng"]),
    TABLES.sample: (1, ["size", "rng", "out"]),
    TABLES.map: (2, ["out"]),
    TABLES.__getitem__: (1, []),
}
ERRORS = (TypeError, ValueError, IndexError, OverflowError, MemoryError, ZeroDivisionError)


def is_huge(value):
    """Whether it asks for more memory than a test may take."""
    try:
        shape = tuple(value) if isinstance(value, (tuple, list)) else (value,)
        return np.prod([float(length) for length in shape]) > 10**7
    except Exception:
        return False


@fuzz
@given(data=st.data(), function=st.sampled_from(sorted(CALLS, key=str)))
def test_anything_as_an_argument(data, function):
    count, names = CALLS[function]
    positional = [data.draw(usual | things) for _ in range(count)]
    named = {name: data.draw(things) for name in names if data.draw(st.integers(0, 3)) == 0}
    if is_huge(named.get("size")):
        return
    out = named.get("out")
    before = out.copy() if type(out) is np.ndarray else None
    try:
        result = function(*positional, **named)
    except ERRORS as error:
        assert str(error).strip(), repr(error)
        if before is not None and not is_data_error(error):
            np.testing.assert_array_equal(np.asarray(out), before)
    else:
        if out is not None:
            assert result is out


def is_data_error(error):
    """Whether it is known only after `out` was written to: a row or a word was looked at late."""
    return str(error).startswith(("row", "rows"))
