"""Whatever the layout, dtype and shape of the arguments, a result has the bits that plain arrays
give, row by row, and those are within the promised errors."""

import itertools

import numpy as np
import oracle
from hypothesis import given
from hypothesis import strategies as st
from layouts import ARRAYS, DTYPES, INTEGERS, fuzz, laid_out, shapes, values

import softdraw
from softdraw import Xoshiro256, sample_logits

FINITE = [0.0, -0.0, 5e-324, 1e-40, 700.0, -700.0, 1e30, -np.inf]
TEMPERATURES = st.sampled_from([0.0, 5e-324, 1e-30, 0.02, 0.7, 1.0, 1.0, 3.0, 1e30, np.inf])
FAMILY = ["softmax", "log_softmax", "logsumexp", "entropy"]


def same_bits(result, expected):
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    assert result.tobytes() == expected.tobytes()


@st.composite
def temperatures(draw, rows):
    """One for all rows, or one for each; and the same for each row."""
    if draw(st.booleans()):
        t = draw(TEMPERATURES)
        return t, np.full(rows, t)
    shape = tuple(draw(st.sampled_from([1, length])) for length in rows)
    t = np.resize(np.array(draw(st.lists(TEMPERATURES, min_size=8, max_size=8))), shape)
    every = np.broadcast_to(t, rows)
    given_t = t[..., None] if draw(st.booleans()) else t
    return draw(laid_out(given_t)), every


@fuzz
@given(data=st.data(), name=st.sampled_from(FAMILY), dtype=st.sampled_from(DTYPES + INTEGERS))
def test_softmax_family(data, name, dtype):
    function = getattr(softdraw, name)
    x = data.draw(values(data.draw(shapes()), dtype))
    axis = data.draw(st.integers(0, x.ndim - 1))
    moved = np.moveaxis(x, -1, axis)  # so that the rows of x are those along the axis
    given_t, every = data.draw(temperatures(x.shape[:-1]))
    if np.ndim(given_t) == x.ndim and not np.isscalar(given_t):
        given_t = np.moveaxis(np.asarray(given_t), -1, axis)

    reduces = name in ("logsumexp", "entropy")
    computed = np.float64 if np.dtype(dtype).kind in "iub" else dtype
    expected = np.empty(x.shape[:-1] if reduces else x.shape, computed)
    for row in np.ndindex(x.shape[:-1]):
        plain = x[row].astype(computed)
        expected[row] = function(plain, temperature=float(every[row]))
    if not reduces:
        expected = np.moveaxis(expected, -1, axis)
    named = {"temperature": given_t, "axis": data.draw(st.sampled_from([axis, axis - x.ndim]))}
    result = function(data.draw(laid_out(moved)), **named)
    same_bits(np.asarray(result), expected)
    if reduces and data.draw(st.booleans()):
        kept = function(data.draw(laid_out(moved)), **named, keepdims=True)
        same_bits(kept, np.expand_dims(expected, axis))

    source = data.draw(laid_out(moved, ARRAYS))
    in_place = not reduces and source.dtype == computed and source.dtype.isnative
    out = source if in_place else data.draw(laid_out(np.zeros_like(expected), ARRAYS))
    if out.dtype.isnative:
        assert function(source, **named, out=out) is out
        same_bits(np.asarray(out), expected)


@fuzz
@given(data=st.data(), name=st.sampled_from(oracle.FUNCTIONS), dtype=st.sampled_from(DTYPES))
def test_errors_are_within_the_promise(data, name, dtype):
    n = data.draw(st.integers(1, 300))
    x = data.draw(values((2, n), dtype, odd=FINITE))
    t = data.draw(st.sampled_from([5e-324, 1e-30, 0.02, 0.7, 1.0, 3.0, 1e30]))
    oracle.check(name, getattr(softdraw, name)(x, temperature=t), x, t)


@fuzz
@given(data=st.data(), dtype=st.sampled_from([np.float32, np.float64]))
def test_softmax_vjp(data, dtype):
    shape = data.draw(shapes())
    p, g = data.draw(values(shape, dtype)), data.draw(values(shape, dtype))
    given_t, every = data.draw(temperatures(shape[:-1]))
    every = np.where(every == 0, 1.0, every)
    given_t = np.where(np.asarray(given_t) == 0, 1.0, given_t)
    expected = np.empty(shape, dtype)
    for row in np.ndindex(shape[:-1]):
        expected[row] = softdraw.softmax_vjp(p[row], g[row], temperature=float(every[row]))
    result = softdraw.softmax_vjp(
        data.draw(laid_out(p)), data.draw(laid_out(g)), temperature=given_t
    )
    same_bits(np.asarray(result), expected)


@st.composite
def filters(draw, rows, n):
    """Parameters of sample_logits, and the same of each row."""
    ranges = {
        "temperature": TEMPERATURES,
        "top_k": st.integers(1, n + 2),
        "top_p": st.sampled_from([0.0, 0.3, 0.9, 0.999, 1.0]),
        "min_p": st.sampled_from([0.0, 0.01, 0.5, 1.0]),
    }
    used, every = {}, {}
    for name, one in ranges.items():
        if draw(st.booleans()):
            continue
        if draw(st.booleans()):
            used[name] = draw(one)
            every[name] = np.full(rows, used[name])
            continue
        shape = tuple(draw(st.sampled_from([1, length])) for length in rows)
        t = np.resize(np.array(draw(st.lists(one, min_size=8, max_size=8))), shape)
        every[name] = np.broadcast_to(t, rows)
        used[name] = draw(laid_out(t[..., None] if draw(st.booleans()) else t))
    return used, every


def packed(mask):
    """A boolean mask as bits in int32."""
    n = mask.shape[-1]
    bits = np.zeros((*mask.shape[:-1], -(-n // 32) * 32), bool)
    bits[..., :n] = mask
    return np.packbits(bits, axis=-1, bitorder="little").view("<i4")


@fuzz
@given(data=st.data(), dtype=st.sampled_from([*DTYPES, np.int8]))
def test_sample_logits(data, dtype):
    """Each row draws as it does alone, from its own words; a bad one is skipped."""
    shape = data.draw(shapes(lengths=(1, 2, 6, 8, 9, 17, 64, 100, 300)))
    rows, n = shape[:-1], shape[-1]
    x = data.draw(values(shape, dtype))
    used, every = data.draw(filters(rows, n))
    size = data.draw(st.sampled_from([None, (), 1, 3, (2, 2)]))
    extra = () if size is None else np.empty(size).shape
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    mask = None
    if data.draw(st.booleans()):
        mask = rng.random(shape if data.draw(st.booleans()) else n) < 0.7
        kinds = [mask, mask.astype(np.int8), mask.astype(np.uint8), packed(mask)]
        used["mask"] = data.draw(laid_out(data.draw(st.sampled_from(kinds))))
    words = Xoshiro256(7).random_raw(int(np.prod(rows + extra))).reshape(rows + extra)
    ids, logprobs = sample_logits(
        data.draw(laid_out(x)),
        **used,
        size=size,
        rng=Xoshiro256(7),
        invalid="skip",
        return_logprobs=True,
    )
    ids, logprobs = np.asarray(ids), np.asarray(logprobs)
    assert ids.shape == logprobs.shape == rows + extra
    for row in np.ndindex(rows):
        alone = {name: each[row] for name, each in every.items()}
        if mask is not None:
            alone["mask"] = np.broadcast_to(mask, shape)[row]
        try:
            expected = sample_logits(x[row], **alone, words=words[row], return_logprobs=True)
        except ValueError:
            expected = np.full(extra, -1), np.full(extra, np.nan)
        np.testing.assert_array_equal(ids[row], expected[0])
        np.testing.assert_array_equal(logprobs[row], expected[1])


@fuzz
@given(data=st.data(), dtype=st.sampled_from([*DTYPES, np.int64, np.uint64]))
def test_tables(data, dtype):
    """A family has the tables of its rows, and their units, which sum to 2**64."""
    lengths = data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=6))
    odd = [0.0, 0.0, 5e-324, 1e-40, 1e30, 1.0]
    weights = np.abs(data.draw(values((sum(lengths),), dtype, odd=odd)))
    weights = np.where(weights == np.inf, dtype(1), weights)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    tables = softdraw.AliasTables(data.draw(laid_out(weights)), data.draw(laid_out(indptr)))
    units, rng = tables.units(), np.random.default_rng(7)
    for row, (begin, end) in enumerate(itertools.pairwise(indptr)):
        mine = weights[begin:end]
        assert tables.nonempty[row] == (mine > 0).any()
        if not tables.nonempty[row]:
            continue
        table = softdraw.AliasTable(mine)
        assert tables[row] == table
        same_bits(units[begin:end], table.units())
        total = sum(map(int, table.units()))
        assert total in (0, 2**64)
        if total:
            np.testing.assert_array_equal(table.units() > 0, mine > 0)
        words = rng.integers(2**64, size=50, dtype=np.uint64)
        drawn = table.map(data.draw(laid_out(words)))
        assert (mine[drawn] > 0).all()
        np.testing.assert_array_equal(tables.map(np.full(50, row), words), drawn)
