"""What AliasTables makes of weights and logits: the AliasTable of each row."""

import inspect
import sys

import numpy as np
import pytest
from alias_cases import (
    EMPTY,
    FINITE,
    LOST,
    NOTHING,
    SKIP,
    WORDS,
    ZEROS,
    buckets_of,
    drawable,
    ragged,
    weight_lists,
)
from floats import bfloat16
from hypothesis import given
from hypothesis import strategies as st
from memory import need_memory
from messages import exactly

from softdraw import AliasTable, AliasTables, Xoshiro256

# ---- rows are tables ---------------------------------------------------------------------------


@given(st.lists(weight_lists.filter(lambda row: isinstance(row, list)), min_size=1, max_size=6))
def test_each_row_is_the_table_of_its_weights(rows):
    weights = [weight for row in rows for weight in row]
    tables = AliasTables(weights, np.r_[0, np.cumsum([len(row) for row in rows])])
    assert len(tables) == len(rows)
    for table, row in zip(tables, rows, strict=True):
        assert table == AliasTable(row)


@pytest.mark.parametrize(
    "dtype",
    [np.bool_, np.int8, np.uint8, np.int64, np.uint64, np.float16, np.float32, np.float64,
     bfloat16, ">f8", ">i4"],
)  # fmt: skip
def test_weights_of_any_dtype_give_the_tables_that_alias_table_gives(dtype):
    weights = (np.arange(50) % 7).astype(dtype)
    tables = AliasTables(weights, [0, 10, 10, 11, 50])
    assert tables[0] == AliasTable(weights[:10])
    assert tables[2] == AliasTable(weights[10:11])
    assert tables[3] == AliasTable(weights[11:])


def test_integers_past_2_to_53_count_exactly():
    weights = np.array([2**53, 2**53 + 1, 2**64 - 1, 1], np.uint64)
    tables = AliasTables(weights, [0, 2, 4])
    assert tables[0] == AliasTable(weights[:2])
    assert tables[1] == AliasTable(weights[2:])


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.uint64, ">i4", list])
def test_indptr_of_any_integers_is_taken(dtype):
    indptr = np.array([0, 2, 5])
    given = indptr.tolist() if dtype is list else indptr.astype(dtype)
    assert AliasTables([1, 2, 3, 4, 5], given) == AliasTables([1, 2, 3, 4, 5], indptr)


def test_there_may_be_no_rows_at_all():
    tables = AliasTables([], [0])
    assert len(tables) == 0
    assert tables.sample([]).shape == (0,)
    with pytest.raises(IndexError, match="^rows is 0; there are 0 rows$"):
        tables.sample(0)


def test_a_million_rows_of_three():
    weights = np.random.default_rng(1).random(3_000_000)
    tables = AliasTables(weights, np.arange(0, 3_000_001, 3))
    assert tables.nbytes == 8 * (4_000_000 + 1_000_000 + 1_000_001)
    for row in (0, 1, 123_456, 999_999):
        assert tables[row] == AliasTable(weights[3 * row : 3 * row + 3])
    rows = np.random.default_rng(2).integers(0, 1_000_000, 10_000)
    words = Xoshiro256(3).random_raw(10_000)
    drawn = tables.map(rows, words)
    for i in range(0, 10_000, 499):
        assert drawn[i] == tables[int(rows[i])].map(words[i])


def test_rows_of_zeros_take_no_buckets():
    tables = AliasTables([0, 0, 0, 1, 1], [0, 3, 5])
    assert tables.nbytes == 8 * (2 + 2 + 3)


def test_a_lone_weight_is_always_drawn():
    tables = AliasTables([7, 0, 5, 0], [0, 1, 4])
    assert tables.map([0, 0, 1, 1], [0, WORDS - 1, 0, WORDS - 1]).tolist() == [0, 0, 1, 1]
    assert buckets_of(tables[0]) == (1, [(0, 0)] * 2)


@pytest.mark.slow
def test_rows_past_2_to_the_31_weights():
    """Rows of zeros, whose memory is never written to, and one row that can be drawn from."""
    need_memory(4)
    n, length = 2**31 + 2**20, 2**20
    weights = np.zeros(n + 4, np.float32)
    weights[-4:] = 1, 2, 0, 5
    tables = AliasTables(weights, np.append(np.arange(0, n + 1, length), n + 4))
    last = len(tables) - 1
    assert np.flatnonzero(tables.nonempty).tolist() == [last]
    assert tables[last] == AliasTable([1, 2, 0, 5])
    words = Xoshiro256(7).random_raw(1000)
    assert (tables.map(np.full(1000, last), words) == tables[last].map(words)).all()
    with pytest.raises(ValueError, match=f"^row {last - 1} has nothing to draw"):
        tables.sample([last, last - 1])
    weights[n + 2] = -1
    with pytest.raises(ValueError, match=rf"^weights\[{n + 2}\] is -1.0; "):
        AliasTables(weights, tables.indptr)


# ---- logits ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, bfloat16, np.int8, ">f4"])
@pytest.mark.parametrize("temperature", [0.0, 0.7, 1, np.inf, "per row"])
def test_from_logits_gives_the_tables_of_the_rows(dtype, temperature):
    rng = np.random.default_rng(4)
    indptr = np.r_[0, rng.integers(1, 50, 20).cumsum()]
    logits = (3 * rng.standard_normal(indptr[-1])).astype(dtype)
    if dtype is not np.int8:
        logits[rng.integers(0, indptr[-1], 20)] = -np.inf
    given = np.r_[0.0, rng.random(18), np.inf] if temperature == "per row" else temperature
    tables = AliasTables.from_logits(logits, indptr, temperature=given)
    for i, t in enumerate(np.broadcast_to(given, 20)):
        row = logits[indptr[i] : indptr[i + 1]]
        assert tables[i] == AliasTable.from_logits(row, temperature=float(t))
    if temperature == "per row":
        assert tables == AliasTables.from_logits(logits, indptr, temperature=given[:, np.newaxis])


@pytest.mark.parametrize("temperature", [0.0, 1.0, np.inf])
def test_rows_of_logits_that_have_nothing_to_draw(temperature):
    tables = AliasTables.from_logits(
        [1.0, -np.inf, -np.inf, 2.0], [0, 1, 1, 3, 4], temperature=temperature
    )
    assert tables.nonempty.tolist() == [True, False, False, True]
    with pytest.raises(ValueError, match=f"^row 1 is empty{SKIP}$"):
        tables.sample(1)
    with pytest.raises(ValueError, match=f"^{NOTHING.replace('5', '2')}{SKIP}$"):
        tables.sample(2)


@pytest.mark.parametrize(
    ("logits", "indptr", "temperature", "error", "text"),
    [
        ([0, 1.0, np.nan], [0, 1, 3], 1.0, ValueError,
         "logits[2] is nan; logits must be finite or -inf"),
        ([0, np.inf, np.nan], [0, 1, 3], 0, ValueError,
         "logits[1] is inf; logits must be finite or -inf"),
        (np.array([0, np.nan], np.float16), [0, 2], 1.0, ValueError,
         "logits[1] is nan; logits must be finite or -inf"),
        ([[0, 1]], [0, 2], 1.0, ValueError, "logits must be 1-D, got shape (1, 2)"),
        ([0, 1], [0, 1], 1.0, ValueError, "indptr[1] is 1; it must be 2, the number of logits"),
        ([0, 1], [0, 1, 2], [1, -1], ValueError, "temperature[1] must be >= 0, got -1"),
        ([0, 1], [0, 1, 2], [1, 1, 1], ValueError,
         "temperature of shape (3,) fits neither (2, 1) nor (2,)"),
        (["a"], [0, 1], 1.0, TypeError, "logits must be real numbers, got dtype <U1"),
        (np.ma.array([1.0]), [0, 1], 1.0, TypeError, LOST.format("logits")),
    ],
)  # fmt: skip
def test_logits_that_are_refused(logits, indptr, temperature, error, text):
    with pytest.raises(error, match=exactly(text)):
        AliasTables.from_logits(logits, indptr, temperature=temperature)


# ---- what is drawn from ------------------------------------------------------------------------


def test_units_and_probabilities_lie_by_indptr():
    weights, indptr = ragged()
    tables = AliasTables(weights, indptr)
    units, probabilities = tables.units(), tables.probabilities()
    assert (units.dtype, probabilities.dtype) == (np.uint64, np.float64)
    assert tables.indptr.tolist() == indptr.tolist()
    for i, table in enumerate(tables):
        row = slice(indptr[i], indptr[i + 1])
        if table is None:
            assert i in (EMPTY, ZEROS)
            assert not units[row].any()
            assert not probabilities[row].any()
        else:
            assert units[row].tolist() == table.units().tolist()
            assert probabilities[row].tolist() == table.probabilities().tolist()


def test_a_category_that_holds_everything_has_probability_one():
    tables = AliasTables([0, 0, 7, 0, 5, 1, 1], [0, 1, 2, 4, 4, 5, 7, 7])
    assert tables.probabilities().tolist() == [0, 0, 1, 0, 1, 0.5, 0.5]
    assert tables.units().tolist() == [0, 0, 0, 0, 0, 2**63, 2**63]
    for none in (AliasTables([], [0, 0]), AliasTables([0, 0], [0, 2])):
        assert not none.probabilities().any()


def test_nonempty_says_which_rows_can_be_drawn_from():
    nonempty = AliasTables(*ragged()).nonempty
    assert nonempty.dtype == np.bool_
    assert np.flatnonzero(nonempty).tolist() == drawable().tolist()


# ---- weights and indptr that are invalid -------------------------------------------------------


@pytest.mark.parametrize(
    ("weights", "indptr", "error", "text"),
    [
        ([1, 2], [1, 2], ValueError, "indptr[0] is 1; it must be 0"),
        ([1, 2, 3], [0, 2, 1, 3], ValueError, "indptr[2] is 1, less than the 2 before it"),
        (np.ones(3), np.array([0, 2, 1, 3], np.uint64), ValueError,
         "indptr[2] is 1, less than the 2 before it"),
        ([1, 2], [0, 1], ValueError, "indptr[1] is 1; it must be 2, the number of weights"),
        ([1, 2], [0, 3], ValueError, "indptr[1] is 3; it must be 2, the number of weights"),
        ([1], [0], ValueError, "indptr[0] is 0; it must be 1, the number of weights"),
        ([], [], ValueError, "indptr is empty; it must begin with 0"),
        ([1], [[0, 1]], ValueError, "indptr must be 1-D, got shape (1, 2)"),
        ([1], 1, ValueError, "indptr must be 1-D, got shape ()"),
        ([1], [0.0, 1.0], TypeError, "indptr must be integers, got dtype float64"),
        ([1], [[0.0, 1.0]], TypeError, "indptr must be integers, got dtype float64"),
        ([1], None, TypeError, "indptr must be integers, got dtype object"),
        ([1], np.ma.array([0, 1]), TypeError, LOST.format("indptr")),
        ([1, 2, -1.0], [0, 1, 3], ValueError, f"weights[2] is -1.0; {FINITE}"),
        ([1, 2, -1], [0, 1, 3], ValueError, f"weights[2] is -1; {FINITE}"),
        (np.array([1, np.nan], np.float32), [0, 1, 2], ValueError, f"weights[1] is nan; {FINITE}"),
        ([[1.0]], [0, 1], ValueError, "weights must be 1-D, got shape (1, 1)"),
        ([1j], [0, 1], TypeError,
         "weights must be real numbers, got dtype complex128; take np.real or np.abs of it"),
        (np.ma.array([1.0]), [0, 1], TypeError, LOST.format("weights")),
        (np.broadcast_to(np.int8(1), 2**32 + 1), [0, 2**32 + 1], ValueError,
         "a row has 4294967297 items; at most 2**32 are possible"),
    ],
)  # fmt: skip
def test_weights_and_indptr_that_are_refused(weights, indptr, error, text):
    with pytest.raises(error, match=exactly(text)):
        AliasTables(weights, indptr)


def test_the_signature_can_be_inspected():
    assert str(inspect.signature(AliasTables)) == "(weights, indptr, /, *, workers=None)"
    assert str(inspect.signature(AliasTables.from_logits)) == (
        "(logits, indptr, /, *, temperature=1.0, workers=None)"
    )
    assert inspect.getdoc(AliasTables).startswith("Many tables")


def test_indptr_is_that_which_was_checked():
    """Where Python code runs after the check, here NumPy's `any`, another thread may change it."""
    indptr = np.arange(5)

    def change(frame, event, argument):
        if event == "return" and frame.f_code.co_name == "_any":
            indptr[1] = 2**40

    sys.setprofile(change)
    try:
        tables = AliasTables(np.ones(4), indptr)
    finally:
        sys.setprofile(None)
    assert tables.indptr.tolist() == [0, 1, 2, 3, 4]


def test_indptr_is_copied_before_it_is_checked():
    """An `__array__` that changes the weights meanwhile must not lead out of bounds."""
    weights = np.ones(100_000)

    class Indptr:
        def __array__(self, *arguments, **named):
            weights.resize(1, refcheck=False)
            return np.array([0, 50_000, 100_000])

    with pytest.raises(ValueError, match="it must be 1, the number of weights$"):
        AliasTables(weights, Indptr())
