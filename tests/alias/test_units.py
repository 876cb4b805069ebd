"""What AliasTable makes of weights and logits: exact units, in buckets; against fractions."""

import inspect
import math
import pickle
from collections import deque
from fractions import Fraction

import numpy as np
import pytest
from alias_cases import FINITE, LOST, WORDS, buckets_of, weight_lists
from floats import HALVES, bfloat16
from hypothesis import given
from hypothesis import strategies as st
from memory import need_memory
from messages import exactly
from threads import repeated

import softdraw
from softdraw import AliasTable, AliasTables, Xoshiro256

# ---- references --------------------------------------------------------------------------------


def exact_units(table):
    """The units as integers that sum to 2**64: one that holds everything is 2**64, not 0."""
    units = table.units().tolist()
    if not any(units):
        units[int(np.argmax(table.probabilities()))] = WORDS
    return units


def check_units(weights, table=None):
    """What is promised of the units, against exact arithmetic on the weights as given."""
    units = exact_units(AliasTable(weights) if table is None else table)
    weights = [Fraction(w) for w in np.asarray(weights).tolist()]
    total = sum(weights)
    exact = [w * WORDS / total for w in weights]
    largest = exact.index(max(exact))
    lifted = 0
    assert sum(units) == WORDS
    for i, (unit, wanted) in enumerate(zip(units, exact, strict=True)):
        if wanted == 0:
            assert unit == 0
        else:
            assert unit >= 1
            # one that rounding leaves at 0 is below 1, and one below 1 may or may not be lifted
            lifted += wanted < 1
            if i != largest:
                assert abs(unit - wanted) < 1
    assert -1 - lifted < units[largest] - exact[largest] < 1
    return units


def arrangement(units):
    """The buckets that units get, by the sweep in the order of indices, in plain integers."""
    n = len(units)
    bits = max(1, (n - 1).bit_length())
    capacity = WORDS >> bits
    if WORDS in units:
        return bits, [(0, units.index(WORDS))] * (1 << bits)
    left = units + [0] * ((1 << bits) - n)
    buckets = [(0, i) for i in range(1 << bits)]
    heavies = deque(i for i in range(n) if units[i] > capacity)
    for i, unit in enumerate(left.copy()):
        while unit < capacity:
            buckets[i] = (unit, heavies[0])
            left[heavies[0]] -= capacity - unit
            if left[heavies[0]] > capacity:
                break
            i = heavies.popleft()  # which now lacks something itself, or is full
            unit = left[i]
    return bits, buckets


# ---- units -------------------------------------------------------------------------------------


@given(weight_lists)
def test_units_are_as_promised(weights):
    check_units(weights)


@given(st.lists(st.floats(0, width=32, allow_infinity=False), min_size=1, max_size=40).filter(any))
def test_units_of_float32_are_as_promised(weights):
    check_units(np.array(weights, np.float32))


def many(shape, n):
    """n weights as float64; some shapes have other ranges of exponents in other places."""
    rng = np.random.default_rng(n)
    return {
        "uniform": lambda: rng.random(n),
        "zipf": lambda: 1 / np.arange(1, n + 1),
        "pareto": lambda: rng.pareto(1.0, n) + 1,
        "steep": lambda: rng.random(n) ** 60,
        "equal": lambda: np.full(n, 0.1),
        "all but one equal": lambda: np.r_[np.full(n - 1, 0.1), 0.3],
        "nearly equal": lambda: 1 + rng.random(n) * 2.0**-30,
        "one heavy": lambda: np.r_[np.full(n - 1, 2.0**-63), 1.0],
        "subnormal": lambda: rng.integers(0, 2**40, n) * 5e-324,
        "huge": lambda: 1e308 * rng.random(n),
        "two ranges": lambda: np.where(np.arange(n) < n // 2, 1e-200, 1) * rng.random(n),
        "all ranges": lambda: rng.random(n) * 2.0 ** rng.integers(-1074, 1000, n),
        "zeros leading": lambda: np.r_[np.zeros(n // 2), rng.random(n - n // 2)],
        "zeros trailing": lambda: np.r_[rng.random(n - n // 2), np.zeros(n // 2)],
        "zeros everywhere": lambda: rng.random(n) * (rng.random(n) < 0.1),
    }[shape]()


SHAPES = ["uniform", "zipf", "pareto", "steep", "equal", "all but one equal", "nearly equal",
          "one heavy", "subnormal", "huge", "two ranges", "all ranges", "zeros leading",
          "zeros trailing", "zeros everywhere"]  # fmt: skip


@pytest.mark.parametrize("n", [67, 1000, 2047, 2049, 4096, 5000])
@pytest.mark.parametrize("shape", SHAPES)
def test_units_of_many_weights_are_as_promised(n, shape):
    """Weights are read in chunks of 2,048, and lights and heavies looked at in windows of 1,024."""
    weights = many(shape, n)
    table = AliasTable(weights)
    units = check_units(weights, table)
    assert buckets_of(table) == arrangement(units)


@pytest.mark.parametrize("shape", ["uniform", "zipf", "zeros everywhere", "steep", "equal"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, bfloat16, np.uint8, np.int32,
                                   np.int64, np.uint64])  # fmt: skip
def test_units_of_every_dtype_are_as_promised(dtype, shape):
    weights = many(shape, 2500)
    if np.issubdtype(dtype, np.integer):
        weights = weights / weights.max() * (float(np.iinfo(dtype).max) * 0.99)
    weights = weights.astype(dtype)
    check_units(weights, AliasTable(weights))


def test_one_heavy_weight_among_a_million_light_ones():
    """2**60 : 1 and 1 : 2**-80; the heavy one pays for those that are lifted."""
    n = 10**6
    for heavy, light in ((2.0**60, 1.0), (1.0, 2.0**-80)):
        weights = np.full(n, light)
        weights[n // 2] = heavy
        units = AliasTable(weights).units()
        total = Fraction(heavy) + (n - 1) * Fraction(light)
        wanted = Fraction(light) * WORDS / total
        light_units = np.delete(units, n // 2)
        allowed = {max(1, math.floor(wanted)), max(1, math.ceil(wanted))}
        assert set(np.unique(light_units).tolist()) <= allowed
        assert sum(light_units.tolist()) + int(units[n // 2]) == WORDS


@pytest.mark.slow
def test_many_more_weights_than_torch_takes_are_exact():
    """torch.multinomial takes 2**24 categories, and adds in float32."""
    weights = np.random.default_rng(1).integers(0, 2**40, 2**24 + 5)
    units = AliasTable(weights).units()
    total = int(weights.sum())
    low = [w * WORDS // total for w in weights[::997].tolist()]
    difference = [unit - floor for unit, floor in zip(units[::997].tolist(), low, strict=True)]
    assert set(difference) <= {0, 1}
    assert int(units.sum(dtype=np.uint64)) == 0
    assert not units[weights == 0].any()


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint64, np.float32])
@pytest.mark.parametrize("n", [2**27, 2**28], ids=str)
def test_tables_of_hundreds_of_millions_of_categories_are_exact(n, dtype):
    need_memory(12 * n // 2**28)
    # below 2**24, so that float32 is exact
    weights = np.arange(n, dtype=np.uint32) * np.uint32(2654435761) >> np.uint32(8)
    weights[:: 2**20] = 0
    weights = weights.astype(dtype)
    table = AliasTable(weights)
    some = np.r_[0:10, 10 : n : n // 5000, n - 10 : n]
    total = int(weights.sum(dtype=np.float64))  # below 2**53, so exact
    low = [int(weight) * WORDS // total for weight in weights[some]]
    del weights
    units = table.units()
    assert int(units.sum(dtype=np.uint64)) == 0
    difference = {unit - floor for unit, floor in zip(units[some].tolist(), low, strict=True)}
    assert difference <= {0, 1}
    assert not units[:: 2**20].any()

    # Without the library: how many words each bucket keeps for its own category, or gives away.
    bits = np.uint64(table.bits)
    each = np.uint64(2 ** (64 - table.bits))
    keep = table.buckets >> bits
    alias = (table.buckets & np.uint64(2**table.bits - 1)).view(np.int64)
    own = some.astype(np.uint64)
    kept = keep[some]
    units -= keep
    np.subtract(each, keep, out=keep)
    np.subtract.at(units, alias, keep)
    assert not units.any()

    first = own * each
    for word, category in (
        (first[kept > 0], some[kept > 0]),
        ((first + kept - np.uint64(1))[kept > 0], some[kept > 0]),
        (first + kept, alias[some]),
        (first + each - np.uint64(1), alias[some]),
    ):
        assert (table.map(word) == category).all()


@pytest.mark.parametrize(
    "weights",
    [
        [1e308, 1e308],
        [1.7976931348623157e308] * 7,
        [5e-324, 5e-324],
        [5e-324, 1e-323, 0.0],
        [1e308, 5e-324],
        [1.0, 2.0**-64, 2.0**-64],
        [1.0, 2.0**-63 * 1.5],
        [1.0 - 2.0**-53, 2.0**-54],
        [1.0, *[1e-300] * 9],
        [*[1.0] * 3, *[2.0**-66] * 9],
        [0.0, 0.0, 3.0, -0.0],
        [2**64 - 1, 2**64 - 1, 1],
        [2**64 - 1, 2**63 + 1, 0],
        [2**53 + 1, 2**53 + 3],
    ],
)
def test_units_at_the_edges(weights):
    check_units(weights if isinstance(weights[0], float) else np.array(weights, np.uint64))


def test_sums_past_the_largest_double_and_subnormal_ones_are_right():
    assert AliasTable([1e308, 1e308]).units().tolist() == [2**63, 2**63]
    assert AliasTable([5e-324, 1e-323, 5e-324]).units().tolist() == [2**62, 2**63, 2**62]


def test_integers_past_2_to_53_count_exactly():
    """As float64 both would be 2**53."""
    difference = AliasTable(np.array([2**53, 2**53 + 1])).units()
    assert difference.tolist() == check_units(np.array([2**53, 2**53 + 1]))
    assert difference[1] - difference[0] == 2**10


def test_a_list_of_integers_on_both_sides_of_2_to_63_counts_exactly():
    """Of which NumPy makes float64."""
    weights = [2**63 + 1, 2**63 - 1, 1]
    assert AliasTable(weights) == AliasTable(np.array(weights, np.uint64))
    assert AliasTables(weights, [0, 3])[0] == AliasTable(weights)


def test_the_first_of_the_largest_weights_gives_up_units():
    weights = np.zeros(5000)
    weights[[0, 3000]] = 1
    weights[1] = 1e-30
    assert AliasTable(weights).units()[[0, 1, 3000]].tolist() == [2**63 - 1, 1, 2**63]


def test_a_weight_of_zero_is_never_drawn():
    """AliasTables.jl gives the units that rounding leaves over to the first categories."""
    assert AliasTable([0, 1, 1, 1]).units()[0] == 0
    for zeros in ([0], [0] * 3 + [1], [0] * 100 + [3e-300]):
        table = AliasTable([*zeros, 1, 1, 1, *zeros])
        words = Xoshiro256(1).random_raw(100_000)
        assert not np.isin(
            table.map(words), np.flatnonzero(np.array([*zeros, 1, 1, 1, *zeros]) == 0)
        ).any()


def test_float32_weights_of_zero_are_never_drawn():
    """A float32 alias table in Rust put 1% of the mass on them."""
    weights = (np.random.default_rng(1).random(10_000) * (np.arange(10_000) % 4 == 1)).astype("f4")
    units = AliasTable(weights).units()
    assert (units[weights == 0] == 0).all()
    assert (units[weights > 0] > 0).all()


def test_subnormal_weights_share_as_they_should():
    """SciPy's guide table draws the first of these at 0.75."""
    assert AliasTable([5e-324, 5e-324]).probabilities().tolist() == [0.5, 0.5]


def test_units_depend_on_the_order_of_the_weights_by_one_at_most():
    """The sum is exact in any order; which units are corrected goes by index."""
    rng = np.random.default_rng(5)
    weights = rng.random(1000) * 2.0 ** rng.integers(-60, 60, 1000)
    order = rng.permutation(1000)
    difference = AliasTable(weights[order]).units() - AliasTable(weights).units()[order]
    assert np.abs(difference.view(np.int64)).max() == 1


@pytest.mark.parametrize(
    "dtype",
    [np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64, np.float16, np.float32,
     np.float64, bfloat16, ">f4", ">f8", ">i8", ">u2", object],
)  # fmt: skip
def test_units_depend_on_values_and_not_on_dtype(dtype):
    weights = [1, 2, 3, 0, 100, 7]
    expected = AliasTable(weights)
    array = np.array(weights).astype(dtype)
    assert AliasTable(array.tolist() if dtype is object else array) == expected


def test_booleans_are_zeros_and_ones():
    assert AliasTable([True, False, True]) == AliasTable([1, 0, 1])


@given(st.lists(st.integers(0, 2**53), min_size=1, max_size=30).filter(any))
def test_integers_that_float64_holds_give_the_same_table(weights):
    assert AliasTable(np.array(weights)) == AliasTable(np.array(weights, float))


def test_any_layout_is_taken():
    weights = np.arange(1.0, 13.0)
    expected = AliasTable(weights)
    unaligned = np.frombuffer(b"\0" + weights.tobytes(), np.uint8)[1:].view(np.float64)
    wide = np.zeros((12, 3))
    wide[:, 1] = weights
    read_only = weights.copy()
    read_only.flags.writeable = False
    for layout in (unaligned, wide[:, 1], weights[::-1].copy()[::-1], read_only, weights.tolist()):
        assert AliasTable(layout) == expected


@pytest.mark.parametrize("values", [(0.0, 1e308, 5e-324, 1.0), (0.0, np.nan, 1.0)], ids=repr)
def test_weights_are_read_only_once(values):
    """Another thread that changes them gives some table or an error; buckets stay in range."""
    weights = np.ones(5000)

    def change():
        for value in values:
            weights[1:] = value  # never all zero

    with repeated(change):
        for _ in range(300):
            try:
                table = AliasTable(weights)
            except ValueError:
                assert np.isnan(values).any()
                continue
            assert sum(exact_units(table)) == WORDS
            assert pickle.loads(pickle.dumps(table)) == table  # which checks the range


# ---- buckets -----------------------------------------------------------------------------------


@given(weight_lists)
def test_buckets_are_the_sweep_in_index_order(weights):
    table = AliasTable(weights)
    assert buckets_of(table) == arrangement(exact_units(table))


@given(weight_lists)
def test_each_category_keeps_its_units_in_the_buckets(weights):
    """Counted from the buckets, without the library: units() is what is really drawn."""
    table = AliasTable(weights)
    bits, buckets = buckets_of(table)
    counted = [0] * len(table)
    for own, (keep, alias) in enumerate(buckets):
        if keep:
            counted[own] += keep
        counted[alias] += (WORDS >> bits) - keep
    assert counted == exact_units(table)


@pytest.mark.parametrize(
    ("weights", "buckets"),
    [
        ([7], [(0, 0)] * 2),
        ([0, 5, 0], [(0, 1)] * 4),
        ([1, 1], [(0, 0), (0, 1)]),
        ([3, 1], [(0, 0), (2**62, 0)]),
        ([1, 1, 1, 1], [(0, 0), (0, 1), (0, 2), (0, 3)]),
        ([1, 2, 1], [(0, 0), (0, 1), (0, 2), (0, 1)]),
    ],
)
def test_small_tables_have_these_buckets(weights, buckets):
    assert buckets_of(AliasTable(weights))[1] == buckets


def test_probabilities_are_the_units_and_sum_to_one():
    weights = np.random.default_rng(1).random(1000)
    table = AliasTable(weights)
    probabilities = table.probabilities()
    assert probabilities.dtype == np.float64
    assert probabilities.tolist() == [unit / WORDS for unit in table.units().tolist()]
    assert abs(probabilities.sum() - 1) < 1e-12
    assert np.abs(probabilities - weights / weights.sum()).max() < 1e-16


@pytest.mark.parametrize(("weights", "index"), [([3], 0), ([0, 5, 0], 1), ([0] * 6 + [1e-300], 6)])
def test_a_category_that_holds_everything(weights, index):
    table = AliasTable(weights)
    assert not table.units().any()
    assert table.probabilities().tolist() == [float(i == index) for i in range(len(weights))]
    assert table.map([0, 1, 2**63, 2**64 - 1]).tolist() == [index] * 4


# ---- weights that are invalid ------------------------------------------------------------------


OBJECT = "weights must be real numbers, got dtype object; write np.asarray(weights, float)"


@pytest.mark.parametrize(
    ("weights", "error", "text"),
    [
        ([], ValueError, "weights is empty"),
        ([1, 2, 3, -1.0], ValueError, f"weights[3] is -1.0; {FINITE}"),
        ([1, -2, -3], ValueError, f"weights[1] is -2; {FINITE}"),
        (np.array([1, 1, -128], np.int8), ValueError, f"weights[2] is -128; {FINITE}"),
        ([np.nan, -1.0], ValueError, f"weights[0] is nan; {FINITE}"),
        ([1.0, np.inf], ValueError, f"weights[1] is inf; {FINITE}"),
        (np.array([1.0, -np.inf], np.float32), ValueError, f"weights[1] is -inf; {FINITE}"),
        (np.array([1, -0.1], np.float32), ValueError, f"weights[1] is -0.1; {FINITE}"),
        (np.array([1, np.nan], np.float16), ValueError, f"weights[1] is nan; {FINITE}"),
        ([0.0, -0.0, 0.0], ValueError, "weights are all zero"),
        ([0, 0], ValueError, "weights are all zero"),
        ([[1, 2, 3], [4, 5, 6]], ValueError, "weights must be 1-D, got shape (2, 3)"),
        (3.0, ValueError, "weights must be 1-D, got shape ()"),
        (np.broadcast_to(np.float32(1), 2**32 + 1), ValueError,
         "weights has 4294967297 items; at most 2**32 are possible"),
        ([1j], TypeError,
         "weights must be real numbers, got dtype complex128; take np.real or np.abs of it"),
        (["a"], TypeError, "weights must be real numbers, got dtype <U1"),
        ([2**64], TypeError, OBJECT),
        ([None], TypeError, OBJECT),
        (
            np.ma.array([1, 2]),
            TypeError,
            LOST.format("weights"),
        ),
    ],
)  # fmt: skip
def test_weights_that_are_refused(weights, error, text):
    with pytest.raises(error, match=exactly(text)):
        AliasTable(weights)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="long double is double here")
def test_longdouble_is_refused():
    with pytest.raises(TypeError, match="^weights must be float16, .* or integers, got dtype "):
        AliasTable(np.ones(3, np.longdouble))


def test_ragged_weights_are_refused():
    with pytest.raises(ValueError, match="^weights is ragged"):
        AliasTable([1, [2, 3]])


# ---- logits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("temperature", [1e-3, 0.7, 1, 5.0, np.inf, np.float32(2)])
def test_from_logits_is_the_table_of_the_softmax(dtype, temperature):
    logits = (3 * np.random.default_rng(1).standard_normal(1000)).astype(dtype)
    logits[5] = -np.inf
    expected = AliasTable(softdraw.softmax(logits, temperature=temperature))
    assert AliasTable.from_logits(logits, temperature=temperature) == expected
    assert AliasTable.from_logits(logits[::-1].copy()[::-1], temperature=temperature) == expected
    assert expected.units()[5] == 0


@pytest.mark.parametrize("dtype", HALVES)
def test_from_logits_takes_half_precision_as_float32(dtype):
    logits = np.linspace(-3, 3, 50).astype(dtype)
    assert AliasTable.from_logits(logits, temperature=0.5) == AliasTable.from_logits(
        logits.astype(np.float32), temperature=0.5
    )


def test_from_logits_takes_integers_and_lists_as_float64():
    expected = AliasTable(softdraw.softmax(np.array([0.0, 1.0, 3.0]), temperature=2.0))
    assert AliasTable.from_logits([0, 1, 3], temperature=2) == expected
    assert AliasTable.from_logits(np.array([0, 1, 3], np.int8), temperature=2) == expected


@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
def test_from_logits_at_temperature_0_is_the_first_largest(zero):
    table = AliasTable.from_logits([1.0, 3.0, -np.inf, 3.0], temperature=zero)
    assert table.probabilities().tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("temperature", [0.0, 0.5, np.inf])
@pytest.mark.parametrize(
    ("logits", "error", "text"),
    [
        ([1.0, np.nan, np.inf], ValueError, "logits[1] is nan; logits must be finite or -inf"),
        ([1.0, 0.0, np.inf], ValueError, "logits[2] is inf; logits must be finite or -inf"),
        ([-np.inf, -np.inf], ValueError, "logits are all -inf"),
        ([], ValueError, "logits is empty"),
        ([[1.0, 2.0]], ValueError, "logits must be 1-D, got shape (1, 2)"),
        (
            [1j],
            TypeError,
            "logits must be real numbers, got dtype complex128; take np.real or np.abs of it",
        ),
        (
            np.ma.array([1.0]),
            TypeError,
            LOST.format("logits"),
        ),
    ],
)
def test_logits_that_are_refused(logits, temperature, error, text):
    with pytest.raises(error, match=exactly(text)):
        AliasTable.from_logits(logits, temperature=temperature)


@pytest.mark.parametrize(
    ("temperature", "error", "text"),
    [
        (np.nan, ValueError, "temperature must be >= 0, got nan"),
        (-1, ValueError, "temperature must be >= 0, got -1"),
        ([1.0, 2.0], ValueError, "temperature must be a number, got shape (2,)"),
        ("1", TypeError, "temperature must be a real number or an array of them, got str"),
        (None, TypeError, "temperature must be a real number or an array of them, got NoneType"),
        (
            1j,
            TypeError,
            "temperature must be a real number or an array of them, got complex; "
            "take np.real or np.abs of it",
        ),
        (np.ma.array(2.0), TypeError, LOST.format("temperature")),
        (10**400, ValueError, "temperature is an integer of more than 64 bits; give it as a float"),
    ],
)
def test_temperatures_that_are_refused(temperature, error, text):
    with pytest.raises(error, match=exactly(text)):
        AliasTable.from_logits([1.0, 2.0], temperature=temperature)


def test_the_signature_can_be_inspected():
    assert str(inspect.signature(AliasTable)) == "(weights, /)"
    assert inspect.getdoc(AliasTable).startswith("A fixed distribution")
