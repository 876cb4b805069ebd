"""temperature_for against mpmath, its ends, what it takes and gives back, what its errors say."""

import math
import re
import warnings

import mpmath
import numpy as np
import oracle
import pytest
from floats import FLOATS
from hypothesis import given
from hypothesis import strategies as st
from messages import exactly
from tiers import run_on_tier

import softdraw
from softdraw import entropy, softmax, temperature_for

WANTED = ["entropy", "perplexity", "top_prob"]
inf, nan = math.inf, math.nan
X = [1.0, 2.0, 4.0]
CLIP = "; clip=True takes the nearest"
INSIDE = {"entropy": 0.3, "perplexity": 2.5, "top_prob": 0.6}  # what X can have


@pytest.fixture(params=WANTED)
def what(request):
    return request.param


def ends(x, what):
    """What temperatures 0 and infinity give."""
    x = np.asarray(x, dtype=np.float64)
    ties, count = float((x == x.max()).sum()), float((x > -inf).sum())
    return {
        "entropy": (math.log(ties), math.log(count)),
        "perplexity": (ties, count),
        "top_prob": (1 / ties, 1 / count),
    }[what]


def value(x, what, temperature):
    """What a temperature, an mpmath number, gives."""
    nats, top = oracle.entropy(x, temperature)
    return {"entropy": nats, "perplexity": mpmath.exp(nats), "top_prob": top}[what]


def is_right(x, what, target, temperature):
    """Within a relative 1e-9, or the target within 4 ULP."""
    with mpmath.workprec(240):
        t, target = mpmath.mpf(float(temperature)), mpmath.mpf(target)
        if abs(value(x, what, t) - target) <= 4 * np.spacing(float(target)):
            return True
        margin = mpmath.mpf(10) ** -9
        around = value(x, what, t * (1 - margin)), value(x, what, t * (1 + margin))
        return min(around) <= target <= max(around)


def check(x, what, target):
    temperature = temperature_for(x, **{what: target})
    assert 0 < temperature < inf
    assert is_right(x, what, target, temperature), f"{what} {target!r}: T = {temperature!r}"


def far_from_the_ends(x, what, target):
    return all(abs(target - end) > 4 * np.spacing(end) for end in ends(x, what))


# ---- rows of every kind ------------------------------------------------------------------------


def kinds():
    rng = np.random.default_rng(7)
    x = rng.normal(0, 3, 12)
    yield "normal", x
    yield "two", np.array([0.0, 1.0])
    yield "two, far apart", np.array([1e290, -1e290])
    yield "ties", np.array([1.0, 3, 3, 2, 3, -5])
    yield "nearly ties", np.array([3.0, np.nextafter(3, 0), 1.0, np.nextafter(3, 0)])
    yield "one spacing apart", np.array([-0.06568290822357443, -0.06568290822357445])
    yield "all but one tied", np.array([1.0, 1.0, np.nextafter(1, 0), 1.0])
    yield "huge", x * 1e290
    yield "tiny", x * 1e-300
    yield "subnormal", x * 1e-310
    yield "large offset", 1e15 + np.round(x)
    yield "wide", np.array([1e290, 1.0, 1e-300, 0.0, -1e-300, -1e290])
    yield "masked", np.r_[x, np.full(20, -inf)]
    yield "masked by numbers", np.r_[x, np.full(20, -1e30)]
    yield "dominant", np.r_[500.0, x]
    yield "clusters", np.r_[0.0, np.full(9, -1e-9), np.full(90, -100.0)]
    yield "long", rng.normal(0, 2, 300)


KINDS = dict(kinds())


def test_is_right_can_tell():
    t = temperature_for(X, entropy=0.5)
    assert is_right(X, "entropy", 0.5, t)
    assert not is_right(X, "entropy", 0.5, t * (1 + 3e-9))
    assert not is_right(X, "perplexity", math.exp(0.5), t * (1 - 3e-9))


@pytest.mark.parametrize("kind", KINDS)
def test_every_target_from_end_to_end(kind, what):
    """The last ones are a few ULP from the ends."""
    x = KINDS[kind]
    cold, hot = ends(x, what)
    fractions = [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, *10.0 ** -np.arange(3, 16, 2)]
    for fraction in fractions:
        for start, end in ((cold, hot), (hot, cold)):
            target = start + fraction * (end - start)
            if far_from_the_ends(x, what, target):
                check(x, what, target)


@pytest.mark.parametrize("kind", ["normal", "two", "huge", "tiny", "subnormal"])
@pytest.mark.parametrize("target", [1e-5, 1e-16, 1e-40, 1e-200, 1e-300, 1e-310])
def test_almost_no_entropy(kind, target):
    check(KINDS[kind], "entropy", target)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=30),
    st.sampled_from(WANTED),
    st.floats(0, 1),
)
def test_any_row(row, what, fraction):
    x = np.array(row)
    cold, hot = ends(x, what)
    target = cold + fraction * (hot - cold)
    t = temperature_for(x, **{what: target})
    if cold == hot:
        assert t == 1
    elif not far_from_the_ends(x, what, target):
        assert t in (0, inf)
    elif 1e-300 < t < 1e300:  # else T may be between two doubles that are far apart
        assert is_right(x, what, target, t)


@given(
    st.lists(st.floats(-50, 50), min_size=2, max_size=30, unique=True),
    st.floats(0.05, 20),
)
def test_entropy_there_and_back(row, temperature):
    wanted = entropy(row, temperature=temperature)
    if far_from_the_ends(row, "entropy", wanted):
        assert is_right(row, "entropy", wanted, temperature_for(row, entropy=wanted))


def test_a_million_logits(what):
    x = np.random.default_rng(0).normal(0, 3, 10**6)
    target = {"entropy": 5.0, "perplexity": 5e5, "top_prob": 0.01}[what]
    t = temperature_for(x, **{what: target})
    nats, top = entropy(x, temperature=t), softmax(x, temperature=t).max()
    result = {"entropy": nats, "perplexity": np.exp(nats), "top_prob": top}[what]
    assert result == pytest.approx(target, rel=1e-13)


def test_the_three_agree():
    t = temperature_for(X, entropy=0.5)
    assert temperature_for(X, perplexity=math.exp(0.5)) == pytest.approx(t, rel=1e-12)
    assert temperature_for(X, top_prob=softmax(X, temperature=t).max()) == pytest.approx(
        t, rel=1e-12
    )


@pytest.mark.parametrize("power", [-900, -30, 1, 40, 900])
def test_scaled_logits_have_the_temperature_scaled(power, what):
    t = temperature_for(X, **{what: INSIDE[what]})
    scaled = temperature_for(np.ldexp(X, power), **{what: INSIDE[what]})
    assert scaled == pytest.approx(math.ldexp(t, power), rel=1e-9)


def test_minus_infinity_is_not_there(what):
    target = INSIDE[what]
    t = temperature_for([1.0, -inf, 2.0, -inf, 4.0], **{what: target})
    assert t == pytest.approx(temperature_for(X, **{what: target}), rel=1e-12)


# ---- ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [X, [3.0, 3.0, 1.0], [5.0, 5.0, 5.0, 0.0, 0.0, -inf]], ids=str)
@pytest.mark.parametrize("ulps", range(-4, 5))
def test_within_4_ulp_of_an_end_is_that_end(x, what, ulps):
    for end, limit in zip(ends(x, what), (0.0, inf), strict=True):
        assert temperature_for(x, **{what: end + ulps * np.spacing(end)}) == limit


def inwards(x, what, ulps):
    """Targets that many ULP from the ends."""
    cold, hot = ends(x, what)
    sign = 1 if hot > cold else -1
    return cold + sign * ulps * np.spacing(cold), hot - sign * ulps * np.spacing(hot)


@pytest.mark.parametrize("x", [X, [3.0, 3.0, 1.0], [5.0, 5.0, 5.0, 0.0, 0.0, -inf]], ids=str)
def test_further_inside_is_a_temperature(x, what):
    for target in inwards(x, what, 6):
        check(x, what, target)


@pytest.mark.parametrize("x", [X, [3.0, 3.0, 1.0], [5.0, 5.0, 5.0, 0.0, 0.0, -inf]], ids=str)
def test_further_outside_is_a_value_error(x, what):
    low, high = sorted(ends(x, what))
    for target in (*inwards(x, what, -6), -inf, inf, -1.0, 1e300, nan):
        with pytest.raises(ValueError) as caught:
            temperature_for(x, **{what: target})
        found = re.fullmatch(
            rf"{what} must be in \[(.*), (.*)\], got (.*?)({CLIP})?", str(caught.value)
        )
        assert float(found[1]) == pytest.approx(low, rel=1e-15)
        assert float(found[2]) == pytest.approx(high, rel=1e-15)
        assert float(found[3]) == target or np.isnan(target)


@pytest.mark.parametrize(
    "x", [[7.0], [2.0] * 5, [-inf, 3.0, 3.0], [0.0, -0.0], [1e308] * 3], ids=str
)
def test_equal_logits_have_one_value_and_temperature_1(x, what):
    only, _ = ends(x, what)
    assert temperature_for(x, **{what: only}) == 1.0
    assert temperature_for(x, **{what: only + 4 * np.spacing(only)}) == 1.0
    for other in (only + 0.25, only - 0.25):
        with pytest.raises(ValueError, match=f"^{what} must be in "):
            temperature_for(x, **{what: other})


def test_a_temperature_past_the_doubles_is_the_nearest():
    assert temperature_for([1.7e308, 0.0], top_prob=0.5 + 1e-9) == inf
    check([1.7e308, 0.0], "top_prob", 0.75)
    check([1.7e308, -1.7e308, 0.0], "entropy", 0.3)
    assert temperature_for([5e-324, 0.0], entropy=1e-9) == 0.0
    assert temperature_for([5e-324, 0.0], top_prob=0.73) == 5e-324


# ---- clipping ----------------------------------------------------------------------------------


def test_clip_takes_the_nearest_that_a_row_attains(what):
    rows = [[1.0, 2, 4], [3.0, 3, 1], [5.0, 5, 5, 0, 0, -inf], [2.0, 2], [0.0, -1e300]]
    for x in rows:
        low, high = sorted(ends(x, what))
        for target, nearest in [(-inf, low), (-1.0, low), (9.0, high), (inf, high)]:
            t = temperature_for(x, **{what: target}, clip=True)
            assert t == temperature_for(x, **{what: nearest})
    inside = INSIDE[what]
    assert temperature_for(X, **{what: inside}, clip=True) == temperature_for(X, **{what: inside})


def test_clip_changes_only_the_rows_that_need_it():
    x = np.array([[1.0, 2, 4], [3.0, 3, 1], [1.0, 2, 3], [0.0, 0, 0]])
    result = temperature_for(x, perplexity=[1.5, 1.5, 9, 2], clip=True)
    assert result.tolist() == [temperature_for(x[0], perplexity=1.5), 0, inf, 1]


@pytest.mark.parametrize(
    ("target", "place"),
    [(nan, ""), (np.float16(nan), ""), ([nan], r"\[0\]"), ([[nan]], r"\[0, 0\]")],
)
def test_nan_is_refused_where_there_are_no_rows(what, target, place):
    with pytest.raises(ValueError, match=f"^{what}{place} must not be nan$"):
        temperature_for(np.zeros((0, 1, 3)), **{what: target})
    assert temperature_for(np.zeros((0, 1, 3)), **{what: [0.5]}).shape == (0, 1)
    text = f"{what} of shape (2,) fits neither (0, 1, 1) nor (0, 1)"
    with pytest.raises(ValueError, match=exactly(text)):
        temperature_for(np.zeros((0, 1, 3)), **{what: [nan, nan]})


def test_clip_excuses_neither_nan_nor_bad_logits(what):
    with pytest.raises(ValueError, match="^" + what + ".*, got nan$"):
        temperature_for(X, **{what: nan}, clip=True)
    for bad in ([1.0, nan], [1.0, inf], [-inf, -inf]):
        with pytest.raises(ValueError, match="^logits"):
            temperature_for(bad, **{what: INSIDE[what]}, clip=True)


# ---- shapes and types --------------------------------------------------------------------------


def test_one_row_gives_a_numpy_scalar():
    result = temperature_for(X, entropy=0.5)
    assert type(result) is np.float64
    assert result == temperature_for(X, entropy=np.array(0.5))
    assert result == temperature_for(X, entropy=[0.5])


def test_rows_give_an_array_of_what_each_gives():
    x = np.random.default_rng(3).normal(0, 3, (4, 9))
    targets = [0.1, 0.5, 1.0, 2.0]
    expected = [temperature_for(row, entropy=h) for row, h in zip(x, targets, strict=True)]
    for given_ in (targets, np.array(targets), np.array(targets)[:, None], np.float32(targets)):
        result = temperature_for(x, entropy=given_)
        assert result.dtype == np.float64
        assert result.shape == (4,)
        np.testing.assert_allclose(result, expected, rtol=1e-6)
    assert temperature_for(x, entropy=targets).tolist() == expected
    for one in (0.5, [0.5], [[0.5]]):
        result = temperature_for(x, entropy=one)
        assert result.tolist() == [temperature_for(row, entropy=0.5) for row in x]


def test_no_rows_give_no_temperatures():
    assert temperature_for(np.empty((0, 3)), entropy=0.5).shape == (0,)
    assert temperature_for(np.empty((0, 3)), entropy=[]).shape == (0,)


@pytest.mark.parametrize("dtype", [*FLOATS, np.int8, np.uint64, np.dtype(">f4"), np.dtype(">i8")])
def test_all_types_are_computed_as_float64(dtype):
    x = np.array([[1, 2, 4], [3, 3, 1]]).astype(dtype)
    result = temperature_for(x, perplexity=2.5)
    assert result.dtype == np.float64
    assert result.tolist() == temperature_for(x.astype(np.float64), perplexity=2.5).tolist()


def test_no_way_to_pass_an_array_changes_a_bit():
    x = np.random.default_rng(3).normal(0, 3, (4, 9))
    expected = temperature_for(x, top_prob=0.5).tobytes()
    read_only = x.copy()
    read_only.flags.writeable = False
    wide = np.zeros((4, 18))
    wide[:, ::2] = x
    for same in (x.tolist(), np.asfortranarray(x), read_only, wide[:, ::2], x.astype(">f8")):
        assert temperature_for(same, top_prob=0.5).tobytes() == expected


def test_all_tiers_give_the_same_bits():
    code = """
import hashlib, numpy as np, softdraw, tiers
x = np.array([tiers.bell(n, 50) * 10.0 ** (n - 10) for n in range(20)])
digest = hashlib.sha256()
for what, low, high in (("entropy", 0.01, 3.9), ("perplexity", 1.01, 49), ("top_prob", 0.03, 0.99)):
    for target in np.linspace(low, high, 20):
        digest.update(softdraw.temperature_for(x, **{what: target}).astype("<f8").tobytes())
print(digest.hexdigest())
"""
    assert len({run_on_tier(tier, code) for tier in softdraw.cpu_info()["tiers"]}) == 1


# ---- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "got"),
    [
        ({}, "none"),
        ({"entropy": None}, "none"),
        ({"entropy": 0.5, "top_prob": 0.5}, "entropy and top_prob"),
        ({"entropy": 1, "perplexity": 2, "top_prob": 0.5}, "entropy and perplexity and top_prob"),
    ],
)
def test_not_exactly_one_target_is_a_type_error(targets, got):
    text = f"exactly one of entropy, perplexity and top_prob must be given, got {got}"
    with pytest.raises(TypeError, match=exactly(text)):
        temperature_for(X, **targets)


@pytest.mark.parametrize("bad", [nan, inf])
def test_nan_or_infinity_is_a_value_error_that_names_the_place(bad, what):
    target = INSIDE[what]
    text = f"logits[1] is {bad}; logits must be finite or -inf"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=exactly(text)):
            temperature_for([-inf, bad, 1.0], **{what: target})
        with pytest.raises(ValueError, match=exactly(text.replace("1", "2, 0"))):
            temperature_for([X, X, [bad, 0.0, 1.0], X], **{what: target})


def test_a_row_of_minus_infinity_is_a_value_error_that_names_it(what):
    with pytest.raises(ValueError, match=exactly("logits are nothing but -inf")):
        temperature_for([-inf, -inf], **{what: INSIDE[what]})
    with pytest.raises(ValueError, match=exactly("row 1 of logits is nothing but -inf")):
        temperature_for([X, [-inf] * 3], **{what: INSIDE[what]})


@pytest.mark.parametrize("leading", [(1,), (2, 3), (2, 1, 2), (0, 4)], ids=str)
def test_logits_of_any_leading_shape_are_rows(leading):
    x = np.random.default_rng(7).normal(size=(*leading, 9))
    targets = np.linspace(0.5, 2, math.prod(leading)).reshape(leading)
    result = temperature_for(x, entropy=targets)
    assert result.shape == leading
    for row in np.ndindex(leading):
        assert result[row] == temperature_for(x[row], entropy=targets[row])
    np.testing.assert_array_equal(temperature_for(x, entropy=targets[..., None]), result)
    one = temperature_for(np.asfortranarray(x), entropy=1.0)
    np.testing.assert_array_equal(one, temperature_for(x, entropy=np.ones(leading[-1:])))


def test_a_target_out_of_range_names_the_row():
    text = "perplexity must be in [2.0, 3.0] for row 1 of logits, got 1.5" + CLIP
    with pytest.raises(ValueError, match=exactly(text)):
        temperature_for([X, [3.0, 3.0, 1.0]], perplexity=1.5)
    with pytest.raises(ValueError, match=exactly(text)):
        temperature_for([X, [3.0, 3.0, 1.0]], perplexity=[1.2, 1.5])


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((3,), "entropy of shape (3,) fits neither (2, 1) nor (2,)"),
        ((2, 3), "entropy of shape (2, 3) fits neither (2, 1) nor (2,)"),
        ((1, 2, 1), "entropy of shape (1, 2, 1) fits neither (2, 1) nor (2,)"),
    ],
)
def test_targets_that_do_not_fit_are_a_value_error(shape, text):
    with pytest.raises(ValueError, match=exactly(text)):
        temperature_for([X, X], entropy=np.full(shape, 0.5))


def test_several_targets_for_one_row_are_a_value_error():
    with pytest.raises(ValueError, match=exactly("entropy of shape (2,) fits neither (1,) nor ()")):
        temperature_for(X, entropy=[0.5, 0.6])


def test_a_number_is_a_value_error():
    text = "logits must have at least one dimension, got a number"
    with pytest.raises(ValueError, match=exactly(text)):
        temperature_for(np.ones(()), entropy=0.5)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 0)])
def test_empty_logits_are_a_value_error(shape):
    text = f"logits must have at least one item per row, got shape {shape}"
    with pytest.raises(ValueError, match=exactly(text)):
        temperature_for(np.ones(shape), entropy=0.5)


@pytest.mark.parametrize(
    ("target", "got"),
    [
        ("1", "str"),
        (1j, "complex; take np.real or np.abs of it"),
        (["1"], "an array of dtype <U1"),
        ({}, "dict"),
    ],
)
def test_a_target_that_is_no_real_number_is_a_type_error(what, target, got):
    text = f"{what} must be a real number or an array of them, got {got}"
    with pytest.raises(TypeError, match=exactly(text)):
        temperature_for(X, **{what: target})


def test_masked_arrays_are_a_type_error(what):
    with pytest.raises(TypeError, match="^logits is a masked array"):
        temperature_for(np.ma.array(X), **{what: 0.5})
    with pytest.raises(TypeError, match=f"^{what} is a masked array"):
        temperature_for(X, **{what: np.ma.array([0.5])})


@pytest.mark.parametrize("x", [[1j, 2], ["a"], None, np.zeros(2, "M8[s]")], ids=repr)
def test_logits_that_are_no_real_numbers_are_a_type_error(x):
    with pytest.raises(TypeError, match="^logits must be real numbers, got dtype"):
        temperature_for(x, entropy=0.5)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="longdouble is float64 here")
def test_longdouble_is_a_type_error():
    with pytest.raises(TypeError, match="^logits must be float16, bfloat16, float32, float64 or"):
        temperature_for(np.ones(3, np.longdouble), entropy=0.5)
