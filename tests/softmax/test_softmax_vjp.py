"""softmax_vjp against exact rationals, finite differences and autograd, and at the edges."""

from fractions import Fraction
from itertools import product

import hypothesis.extra.numpy as hnp
import numpy as np
import oracle
import pytest
from floats import FLOATS, HALVES
from hypothesis import given
from hypothesis import strategies as st
from messages import exactly
from tiers import run_on_tier

import softdraw
from softdraw import softmax, softmax_vjp

AXES_OF_3D = [0, 1, 2, -1, (0, 2), (2, 0), (1, 2), (0, 1, 2), None, ()]
LARGEST = {"float32": Fraction(2**128 - 2**103), "float64": Fraction(2**1024 - 2**970)}
inf, nan = np.inf, np.nan


# ---- the reference -----------------------------------------------------------------------------


def exact_row(p, g, temperature):
    """Pairs of the exact result and of what its error is relative to, for one finite row."""
    p, g = ([Fraction(float(value)) for value in row] for row in (p, g))
    total = sum(a * b for a, b in zip(p, g, strict=True))
    size = sum(abs(a * b) for a, b in zip(p, g, strict=True))
    t = Fraction(float(temperature))
    floor = max(size / 256, max(abs(b) for b in g) / 2**900) / t
    results = [a * (b - total) / t for a, b in zip(p, g, strict=True)]
    return [(r, max(abs(r), a * floor)) for r, a in zip(results, p, strict=True)]


def spacing(scale, dtype):
    """The unit in the last place of a rational number, in a dtype."""
    name = np.dtype(dtype).name
    lowest = oracle.LOWEST_EXPONENT[name]
    exponent = lowest
    if scale:
        exponent = scale.numerator.bit_length() - scale.denominator.bit_length()
        exponent = max(exponent - (Fraction(2) ** exponent > scale), lowest)
    return Fraction(2) ** (exponent - oracle.PRECISION[name] + 1)


def worst_ulp(got, p, g, temperature=1.0):
    """Of one row: how far it is from the exact result, relative to what is promised."""
    worst = 0
    for value, (wanted, scale) in zip(got, exact_row(p, g, temperature), strict=True):
        unit = spacing(scale, got.dtype)
        assert not np.isnan(value)
        if np.isinf(value):
            towards = wanted if value > 0 else -wanted
            assert towards > LARGEST[got.dtype.name] - unit, "infinite where it has room"
        else:
            worst = max(worst, abs(Fraction(float(value)) - wanted) / unit)
    return float(worst)


def rows(dtype, n, seed=0, sigma=3.0, gradients=1.0):
    rng = np.random.default_rng((seed, n))
    p = softmax(rng.normal(0, sigma, n)).astype(dtype)
    return p, (gradients * rng.normal(0, 1, n)).astype(dtype)


# ---- values ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sigma", [0.0, 1.0, 3.0, 300.0])
@pytest.mark.parametrize("temperature", [1.0, 0.7, 3.0, 1e-30, 1e30, 5e-324, 1e-300, 1e308])
def test_every_result_is_within_one_ulp(dtype, sigma, temperature):
    for n in (*range(1, 70), 100, 257, 1000):
        p, g = rows(dtype, n, sigma=sigma)
        assert worst_ulp(softmax_vjp(p, g, temperature=temperature), p, g, temperature) <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_common_offset_of_the_gradients_cancels(dtype):
    for n, offset in product((3, 16, 100, 1000), (10.0, 1e3, 1e6)):
        p, g = rows(dtype, n)
        g = (offset + g).astype(dtype)
        assert worst_ulp(softmax_vjp(p, g, temperature=0.7), p, g, 0.7) <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_of_a_cross_entropy_is_the_difference_from_one_hot(dtype):
    p, _ = rows(dtype, 50)
    g = np.zeros(50, dtype)
    g[7] = -1 / p[7]
    expected = p - np.eye(50, dtype=dtype)[7]
    np.testing.assert_allclose(softmax_vjp(p, g), expected, rtol=4 * np.finfo(dtype).eps)


def test_equal_gradients_give_almost_nothing():
    p, _ = rows(np.float64, 1000)
    assert np.abs(softmax_vjp(p, np.full(1000, 5.0))).max() < 1e-15


@pytest.mark.parametrize(
    "dtype, largest, smallest",
    [(np.float32, 3e38, 1e-44), (np.float64, 1.7e308, 5e-324)],
    ids=["float32", "float64"],
)
@pytest.mark.parametrize("temperature", [1.0, 5e-324, 1e-308, 1e-30, 1e30, 1e308, 1.7e308])
def test_no_magnitude_overflows_on_the_way(dtype, largest, smallest, temperature):
    for seed, scale in enumerate([largest, largest / 1e3, smallest, 1e3 * smallest, 1e-30, 1e30]):
        for sigma in (1, 100, 400):
            p = rows(dtype, 30, seed, sigma)[0]
            g = (np.random.default_rng(seed).uniform(-1, 1, 30) * scale).astype(dtype)
            assert worst_ulp(softmax_vjp(p, g, temperature=temperature), p, g, temperature) <= 1


@pytest.mark.parametrize("dtype, largest", [(np.float32, 1e35), (np.float64, 1e304)])
def test_p_that_sums_to_more_than_1(dtype, largest):
    rng = np.random.default_rng(7)
    for n in (2, 16, 64, 4096):
        for scale in (largest, largest / 1e3, 1e140, 1e136, 1.0):
            for p in (np.ones(n), np.full(n, 0.5), rng.random(n)):
                g = np.append(-1, rng.uniform(0.9, 1, n - 1)) * min(scale, largest)
                p, g = p.astype(dtype), g.astype(dtype)
                assert worst_ulp(softmax_vjp(p, g), p, g) <= 1
                assert (softmax_vjp(p, g, temperature=inf) == 0).all()


def test_a_tiny_temperature_brings_back_what_is_tiny():
    p, g = np.array([2.7e-280, 2.7e-280]), np.array([1.0, 2.6e-218])
    assert worst_ulp(softmax_vjp(p, g, temperature=1.9e-200), p, g, 1.9e-200) <= 1


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("temperature", [1, 0.7, 1e-300, 1e300, 5e-324, inf])
def test_short_rows_have_the_same_bits_alone_and_among_any_others(dtype, temperature):
    """In float64 eight are computed at once, unless one of them is of an unusual kind."""
    rng = np.random.default_rng(7)
    with np.errstate(all="ignore"):
        for n in (*range(1, 36), 64, 127, 128, 129, 256, 257):
            p = softmax(rng.normal(0, 3, (43, n)))
            g = rng.normal(0, 1, (43, n))
            g[9], g[17, n // 2], g[26], g[27] = 0, nan, 1e-310, 0
            g[34], g[35], p[36], p[20, -1] = 1e305, 1e-200, 1, 0
            p, g = p.astype(dtype), g.astype(dtype)
            for rows in (slice(None), slice(0, 8), slice(1, 9), slice(10, 43)):
                together = softmax_vjp(p[rows], g[rows], temperature=temperature)
                alone = [
                    softmax_vjp(each_p, each_g, temperature=temperature)
                    for each_p, each_g in zip(p[rows], g[rows], strict=True)
                ]
                assert together.tobytes() == np.asarray(alone, dtype).tobytes(), (n, rows)
                in_place = g[rows].copy()
                softmax_vjp(p[rows], in_place, temperature=temperature, out=in_place)
                assert in_place.tobytes() == together.tobytes()


@given(
    p=hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1)),
    data=st.data(),
    temperature=st.floats(0, exclude_min=True, allow_infinity=False),
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_gradients_of_any_probabilities(dtype, p, data, temperature):
    with np.errstate(all="ignore"):
        p = p.astype(dtype)
        limit = 1e30 if dtype is np.float32 else 1e300
        g = data.draw(hnp.arrays(np.float64, p.shape, elements=st.floats(-limit, limit)))
        g = g.astype(dtype)
    assert worst_ulp(softmax_vjp(p, g, temperature=temperature), p, g, temperature) <= 1


@pytest.mark.parametrize("temperature", [1.0, 1e-231, 9.652839155977063e-233])
def test_a_sum_that_cancels_more_than_twice_the_precision_is_within_the_bound(temperature):
    """Where the unit of the bound is past the largest float64, so may a result be that is not."""
    p = np.full(7, 0.4375)
    for g in ([-1e300, 0, 4e76, 4e76, 4e76, 4e76, 1e300], [-1e300, *[4e76] * 5, 1e300]):
        got = softmax_vjp(p, np.array(g), temperature=temperature)
        assert worst_ulp(got, p, g, temperature) <= 1


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_it_is_the_gradient_that_finite_differences_show(temperature):
    rng = np.random.default_rng(5)
    x, g = rng.normal(size=40), rng.normal(size=40)
    step = 1e-5

    def loss(x):
        return softmax(x, temperature=temperature) @ g

    expected = [(loss(x + step * unit) - loss(x - step * unit)) / (2 * step) for unit in np.eye(40)]
    result = softmax_vjp(softmax(x, temperature=temperature), g, temperature=temperature)
    np.testing.assert_allclose(result, expected, atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_it_is_the_gradient_that_autograd_finds(axis):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(6)
    x = torch.tensor(rng.normal(size=(4, 5, 6)), requires_grad=True)
    g = rng.normal(size=(4, 5, 6))
    torch.softmax(x / 0.7, axis).backward(torch.from_numpy(g))
    p = softmax(x.detach().numpy(), temperature=0.7, axis=axis)
    result = softmax_vjp(p, g, temperature=0.7, axis=axis)
    np.testing.assert_allclose(result, x.grad.numpy(), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [128_256, 2**20])
def test_long_rows(dtype, n):
    p, g = rows(dtype, n)
    p64, g64 = p.astype(np.longdouble), g.astype(np.longdouble)
    total = (p64 * g64).sum()
    expected = p64 * (g64 - total) / 0.7
    scale = np.maximum(np.abs(expected), p64 * np.abs(p64 * g64).sum() / 0.7 / 256)
    unit = np.spacing(np.maximum(scale, np.finfo(dtype).tiny).astype(dtype))
    assert (np.abs(softmax_vjp(p, g, temperature=0.7) - expected) / unit).max() <= 1


# ---- edges -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
def test_infinite_temperature_gives_positive_zeros(dtype):
    p, g = rows(dtype, 37)
    assert softmax_vjp(p, g, temperature=inf).tobytes() == bytes(37 * p.itemsize)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("temperature", [1e-30, 1.0, 1e30, inf])
def test_zeros_are_positive(dtype, temperature):
    p = np.array([[0, 0.5, 0.5], [1, 0, 0], [0.25, 0.75, 0]], dtype)
    g = np.array([[-3, -1, -1], [-2, -5, 5], [-0.0, 0, -1e-7]], dtype)
    result = softmax_vjp(p, g, temperature=temperature).astype(float)
    assert (result == 0).any()
    assert not np.signbit(result[result == 0]).any()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("bad", [nan, -nan, inf, -inf])
@pytest.mark.parametrize("place", [0, 7, 15, 16, 36])
@pytest.mark.parametrize("temperature", [1e-30, 0.7, inf])
def test_nan_or_an_infinity_makes_its_row_nan(dtype, bad, place, temperature):
    for spoilt in range(2):
        arrays = [np.tile(row, (3, 1)) for row in rows(dtype, 37)]
        alone = softmax_vjp(*arrays, temperature=temperature)
        arrays[spoilt][1, place] = bad
        result = softmax_vjp(*arrays, temperature=temperature)
        assert np.isnan(result[1].astype(float)).all()
        assert result[[0, 2]].tobytes() == alone[[0, 2]].tobytes()


@pytest.mark.parametrize("dtype, pattern", [(np.float32, 0x7FC00000), (np.float64, 0x7FF8 << 48)])
def test_nan_is_always_the_same_bits(dtype, pattern):
    unsigned = np.uint32 if dtype is np.float32 else np.uint64
    for bad in (nan, -nan, inf, -inf):
        p, g = rows(dtype, 21)
        g[4] = bad
        assert (softmax_vjp(p, g).view(unsigned) == pattern).all()


@pytest.mark.parametrize("temperature", [0, 0.0, -0.0, -1.0, nan, np.array([1.0, 0.0])], ids=repr)
@pytest.mark.parametrize("dtype", FLOATS)
def test_temperature_that_is_not_above_0_is_a_value_error(temperature, dtype):
    p = np.full((2, 3), 0.25, dtype)
    out = np.full((2, 3), 7, dtype)
    at, value = ("[1]", "0.0") if np.ndim(temperature) else ("", str(temperature))
    text = f"temperature{at} must be > 0, got {value}"
    with pytest.raises(ValueError, match=exactly(text)):
        softmax_vjp(p, p, temperature=temperature, out=out)
    assert (out == 7).all()


@pytest.mark.parametrize("shapes", [((3,), (4,)), ((2, 3), (3,)), ((2, 3), (2, 1)), ((), (1,))])
def test_shapes_that_differ_are_a_value_error(shapes):
    text = f"p and g must have the same shape, got {shapes[0]} and {shapes[1]}"
    with pytest.raises(ValueError, match=exactly(text)):
        softmax_vjp(np.ones(shapes[0]), np.ones(shapes[1]))


@pytest.mark.parametrize("name", ["p", "g"])
@pytest.mark.parametrize(
    "bad, text",
    [
        (np.ones(3, complex), "must be real numbers, got dtype complex128"),
        (["a", "b", "c"], "must be real numbers, got dtype <U1"),
        (np.ma.array([1.0, 2, 3]), "is a masked array; fill or compress it first"),
    ],
    ids=["complex", "strings", "masked"],
)
def test_what_is_no_plain_real_array_is_a_type_error(name, bad, text):
    arguments = {"p": np.ones(3), "g": np.ones(3), name: bad}
    with pytest.raises(TypeError, match=f"^{name} {text}"):
        softmax_vjp(arguments["p"], arguments["g"])


def test_longdouble_is_a_type_error():
    if np.dtype(np.longdouble).itemsize == 8:
        pytest.skip("longdouble is float64 here")
    for p, g in [(np.ones(3, np.longdouble), np.ones(3)), (np.ones(3), np.ones(3, np.longdouble))]:
        with pytest.raises(TypeError, match=f"got dtype {np.dtype(np.longdouble)}$"):
            softmax_vjp(p, g)


@pytest.mark.parametrize("dtype", FLOATS)
def test_any_number_of_empty_rows_takes_no_time(dtype):
    empty = np.empty((2**40, 0), dtype)
    assert softmax_vjp(empty, empty).shape == empty.shape
    assert softmax_vjp(empty.T, empty.T, axis=0, workers=2).shape == empty.T.shape


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 3), (2, 0, 4)])
@pytest.mark.parametrize("axis", [0, -1, None, ()])
@pytest.mark.parametrize("dtype", FLOATS)
def test_empty_in_empty_out(shape, axis, dtype):
    empty = np.empty(shape, dtype)
    result = softmax_vjp(empty, empty, axis=axis)
    assert (result.shape, result.dtype) == (shape, dtype)


# ---- types, axes and memory --------------------------------------------------------------------


@pytest.mark.parametrize(
    "p_type, g_type", list(product([*FLOATS, np.int8, np.int64, bool], repeat=2))
)
def test_types_are_promoted_as_numpy_does(p_type, g_type):
    p, g = np.ones((2, 3), p_type), np.ones((2, 3), g_type)
    try:
        expected = np.promote_types(p_type, g_type)
    except TypeError:
        with pytest.raises(TypeError):
            softmax_vjp(p, g)
        return
    if expected.kind in "iub":
        expected = np.dtype(np.float64)
    assert softmax_vjp(p, g).dtype == expected
    out = np.empty((2, 3), expected)
    assert softmax_vjp(p, g, out=out) is out


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("temperature", [1e-9, 0.7, 1e9])
def test_half_precision_is_float32_rounded_once(half, temperature):
    p, g = (np.tile(row, (40, 1)) for row in rows(half, 70))
    with np.errstate(all="ignore"):
        expected = softmax_vjp(
            p.astype(np.float32), g.astype(np.float32), temperature=temperature
        ).astype(half)
    expected += half(0)
    assert softmax_vjp(p, g, temperature=temperature).tobytes() == expected.tobytes()


def test_lists_are_taken_as_float64():
    result = softmax_vjp([0.25, 0.75], [1, 3])
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, [-0.375, 0.375])


@pytest.mark.parametrize("axis", AXES_OF_3D, ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_every_axis_is_that_of_its_rows(axis, dtype):
    rng = np.random.default_rng(8)
    p, g = (rng.uniform(0, 0.1, (3, 4, 5)).astype(dtype) for _ in range(2))
    reduced = range(3) if axis is None else np.atleast_1d(np.array(axis, int)) % 3
    kept = [i for i in range(3) if i not in reduced]
    order = kept + sorted(reduced)
    flat = [a.transpose(order).reshape(*(a.shape[i] for i in kept), -1) for a in (p, g)]
    expected = softmax_vjp(*(np.ascontiguousarray(a) for a in flat), temperature=0.7)
    expected = expected.reshape([p.shape[i] for i in order]).transpose(np.argsort(order))
    result = softmax_vjp(p, g, temperature=0.7, axis=axis)
    assert result.tobytes() == np.ascontiguousarray(expected).tobytes()


LAYOUTS = {
    "contiguous": np.ascontiguousarray,
    "fortran": np.asfortranarray,
    "reversed": lambda a: np.ascontiguousarray(a[:, ::-1])[:, ::-1],
    "rows reversed": lambda a: np.ascontiguousarray(a[::-1])[::-1],
    "every other": lambda a: np.repeat(a, 2, axis=1)[:, ::2],
    "padded rows": lambda a: np.pad(a, [(0, 0), (1, 2)])[:, 1:-2],
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
}


@pytest.mark.parametrize("axis", [0, 1, None])
@pytest.mark.parametrize("layouts", list(product(LAYOUTS, repeat=2)), ids=" and ".join)
def test_memory_layout_changes_no_bit(axis, layouts):
    p, g = (np.tile(row, (19, 1)) for row in rows(np.float32, 70))
    expected = softmax_vjp(p, g, temperature=0.7, axis=axis)
    p, g = LAYOUTS[layouts[0]](p), LAYOUTS[layouts[1]](g)
    assert softmax_vjp(p, g, temperature=0.7, axis=axis).tobytes() == expected.tobytes()
    out = LAYOUTS[layouts[1]](np.zeros_like(expected))
    if out.dtype.isnative:
        assert softmax_vjp(p, g, temperature=0.7, axis=axis, out=out) is out
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("into", [0, 1], ids=["p", "g"])
def test_out_may_be_p_or_g(dtype, axis, into):
    arrays = [np.tile(row, (19, 1)) for row in rows(dtype, 70)]
    expected = softmax_vjp(*arrays, temperature=0.7, axis=axis)
    assert softmax_vjp(*arrays, temperature=0.7, axis=axis, out=arrays[into]) is arrays[into]
    assert arrays[into].tobytes() == expected.tobytes()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shift", [-20, -7, -1, 1, 7, 20])
@pytest.mark.parametrize("beside", [0, 1], ids=["p", "g"])
def test_out_that_overlaps_partly_is_right(axis, shift, beside):
    memory = np.random.default_rng(9).uniform(0, 1, 440)
    arrays = [np.random.default_rng(10).uniform(0, 1, (19, 20))] * 2
    arrays[beside] = memory[20:400].reshape(19, 20)
    expected = softmax_vjp(*(a.copy() for a in arrays), temperature=0.7, axis=axis)
    out = memory[20 + shift : 400 + shift].reshape(19, 20)
    softmax_vjp(*arrays, temperature=0.7, axis=axis, out=out)
    np.testing.assert_array_equal(out, expected)


def test_p_and_g_may_be_one_array():
    p, _ = rows(np.float64, 30)
    expected = softmax_vjp(p, p.copy())
    np.testing.assert_array_equal(softmax_vjp(p, p), expected)
    np.testing.assert_array_equal(softmax_vjp(p, p, out=p), expected)


@pytest.mark.parametrize("axis", [0, 1])
def test_one_temperature_a_row(axis):
    p, g = (np.tile(row, (7, 1)) for row in rows(np.float64, 9))
    t = np.linspace(0.5, 3, p.shape[1 - axis])
    expected = np.stack(
        [
            softmax_vjp(np.take(p, i, 1 - axis), np.take(g, i, 1 - axis), temperature=t[i])
            for i in range(len(t))
        ],
        axis=1 - axis,
    )
    np.testing.assert_array_equal(softmax_vjp(p, g, temperature=t, axis=axis), expected)
    np.testing.assert_array_equal(
        softmax_vjp(p, g, temperature=np.expand_dims(t, axis), axis=axis), expected
    )


def test_a_number_is_a_row_of_one():
    result = softmax_vjp(1.0, 5.0)
    assert type(result) is np.float64
    assert result == 0


@pytest.mark.parametrize("tier", softdraw.cpu_info()["tiers"])
def test_every_tier_gives_the_same_bits(tier):
    code = "import test_softmax_vjp as t; print(t.digest())"
    assert run_on_tier(tier, code) == run_on_tier("scalar", code)


def digest():
    """Of results on fixed inputs, made by additions and multiplications alone."""
    import hashlib

    import tiers

    state = hashlib.sha256()
    for dtype, n in product((np.float32, np.float64), (*range(1, 70), 1000, 4099)):
        p, g = (tiers.uniforms(n + seed, (2, n)).astype(dtype) for seed in (0, 5000))
        for temperature in (0.7, 1e-30, 1e300):
            result = softmax_vjp(p / dtype(n), 3 * g - dtype(1), temperature=temperature)
            state.update(result.astype(result.dtype.newbyteorder("<")).tobytes())
    return state.hexdigest()
