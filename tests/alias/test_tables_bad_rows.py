"""Rows of AliasTables that do not exist or have nothing to draw are named, or skipped if asked."""

import numpy as np
import pytest
from alias_cases import EMPTY, LOST, NOTHING, SKIP, ZEROS, ragged
from messages import exactly

from softdraw import AliasTables, Xoshiro256

INTEGERS = "rows must be an integer or an array of them, got "


# ---- rows that are named -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "error", "text"),
    [
        ([0, 1, 40], IndexError, "rows[2] is 40; there are 40 rows"),
        ([[0, 1], [-1, 0]], IndexError, "rows[1, 0] is -1; there are 40 rows"),
        (-1, IndexError, "rows is -1; there are 40 rows"),
        (np.array([0, 2**64 - 1], np.uint64), IndexError,
         "rows[1] is 18446744073709551615; there are 40 rows"),
        ([0] * 3000 + [99], IndexError, "rows[3000] is 99; there are 40 rows"),
        ([0, EMPTY], ValueError, "row 3 is empty" + SKIP),
        (EMPTY, ValueError, "row 3 is empty" + SKIP),
        ([0] * 3000 + [ZEROS], ValueError, NOTHING + SKIP),
        (2**70, IndexError, f"rows is {2**70}; there are 40 rows"),
        ([0, -2**70], IndexError, f"rows[1] is {-2**70}; there are 40 rows"),
        ([[0], [2**63]], IndexError, f"rows[1, 0] is {2**63}; there are 40 rows"),
        (0.0, TypeError, INTEGERS + "float"),
        ([0.0], TypeError, INTEGERS + "an array of dtype float64"),
        ([True, False], TypeError, INTEGERS + "an array of dtype bool"),
        (np.zeros(0), TypeError, INTEGERS + "an array of dtype float64"),
        (["a"], TypeError, INTEGERS + "an array of dtype <U1"),
        (None, TypeError, INTEGERS + "NoneType"),
        (np.ma.array([0]), TypeError, LOST.format("rows")),
    ],
)  # fmt: skip
def test_rows_that_are_refused(rows, error, text):
    tables = AliasTables(*ragged())
    with pytest.raises(error, match=exactly(text)):
        tables.sample(rows)
    with pytest.raises(error, match=exactly(text)):
        tables.map(rows, np.zeros(np.shape(rows), np.uint64))


@pytest.mark.parametrize("between", [0, 1, 31, 32, 33, 63, 64, 65, 1000, 300_000])
@pytest.mark.parametrize("outside", [-1, 40, 2**70])
def test_of_two_wrong_rows_the_first_is_named(between, outside):
    tables = AliasTables(*ragged())
    words = np.zeros(between + 2, np.uint64)
    empty, out_of_range = "^row 3 is empty", rf"^rows\[0\] is {outside}; there are 40 rows$"
    for rows, error, text in (
        ([EMPTY] + [0] * between + [outside], ValueError, empty),
        ([outside] + [0] * between + [EMPTY], IndexError, out_of_range),
    ):
        for workers in (1, 3):
            with pytest.raises(error, match=text):
                tables.sample(rows, rng=7, workers=workers)
            with pytest.raises(error, match=text):
                tables.map(rows, words, workers=workers)


def test_a_row_that_has_nothing_is_named_among_many_draws_per_row():
    tables = AliasTables(*ragged())
    with pytest.raises(ValueError, match=f"^{NOTHING}{SKIP}$"):
        tables.sample([0, 1, ZEROS], 1000)
    with pytest.raises(IndexError, match=r"^rows\[1\] is 40; there are 40 rows$"):
        tables.sample([0, 40, ZEROS], 1000)
    with pytest.raises(IndexError, match=rf"^rows\[1\] is {2**63}; there are 40 rows$"):
        tables.sample([0, 2**63])


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
@pytest.mark.parametrize(
    ("row", "text"),
    [
        (EMPTY, "row 3 is empty"),
        (40, r"rows\[999\] is 40;"),
        (2**63 - 1, rf"rows\[999\] is {2**63 - 1};"),
    ],
)
def test_a_wrong_row_is_named_although_out_has_overwritten_it(row, text, dtype):
    tables = AliasTables(*ragged())
    memory = np.zeros(2000, dtype)
    out = memory.view(np.int64).reshape(1000, 2)
    memory[999] = row
    with pytest.raises((ValueError, IndexError), match=f"^{text}"):
        tables.sample(memory[:1000], rng=1, out=out)
    memory[:] = 0
    memory[999] = row
    with pytest.raises((ValueError, IndexError), match=f"^{text}"):
        tables.map(memory[:1000], np.zeros((1000, 2), np.uint64), out=out)


def test_a_wrong_row_is_named_although_it_is_another_one_when_it_is_read_again():
    class Changing:
        given = 0

        def __array__(self, dtype=None, copy=None):
            self.given += 1
            return np.array([0, EMPTY] if self.given == 1 else [0, 1])

    with pytest.raises(ValueError, match="^row 3 is empty"):
        AliasTables(*ragged()).sample(Changing())


@pytest.mark.parametrize("row", [-41, 40, 2**70])
def test_a_table_that_is_out_of_range(row):
    with pytest.raises(IndexError, match=f"^row is {row}; there are 40 rows$"):
        AliasTables(*ragged())[row]


@pytest.mark.parametrize(
    ("row", "text"), [(EMPTY, "row 3 is empty"), (ZEROS, NOTHING), (ZEROS - 40, NOTHING)]
)
def test_a_row_without_weights_has_no_table(row, text):
    with pytest.raises(ValueError, match=f"^{text}$"):
        AliasTables(*ragged())[row]


# ---- rows that are skipped ---------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, 1, (2, 700)], ids=str)
@pytest.mark.parametrize("count", [1, 40, 3000])
def test_skipped_rows_give_minus_one_and_leave_the_others_their_draws(count, size):
    tables = AliasTables(*ragged())
    rng = np.random.default_rng(7)
    rows = rng.integers(40, size=count)
    bad = np.isin(rows, [EMPTY, ZEROS])
    others = np.where(bad, 0, rows)  # rows that can be drawn from, in the place of those
    expected = tables.sample(others, size, rng=7)
    expected[bad] = -1
    drawn = tables.sample(rows, size, rng=7, invalid="skip")
    np.testing.assert_array_equal(drawn, expected)
    words = Xoshiro256(7).random_raw(drawn.size).reshape(drawn.shape)
    for dtype in (np.int64, np.int32, np.int16):
        out = np.zeros(drawn.shape, dtype)
        assert tables.map(rows, words, invalid="skip", out=out) is out
        np.testing.assert_array_equal(out, expected)


def test_a_skipped_row_alone_gives_minus_one():
    tables = AliasTables(*ragged())
    for row in (EMPTY, ZEROS):
        assert tables.sample(row, invalid="skip") == -1
        assert tables.map(row, 2**63, invalid="skip") == -1
        with pytest.raises(ValueError, match="^row "):
            tables.sample(row)


def test_skipping_excuses_nothing_else():
    tables = AliasTables(*ragged())
    with pytest.raises(IndexError, match=r"^rows\[1\] is 40; there are 40 rows$"):
        tables.sample([EMPTY, 40], invalid="skip")
    for far in (2**58, -(2**58)):  # whose records would be outside all memory
        with pytest.raises(IndexError, match=rf"^rows\[1\] is {far}; there are 40 rows$"):
            tables.sample([EMPTY, far], invalid="skip")
    with pytest.raises(ValueError, match="^invalid must be 'raise' or 'skip', got 'ignore'$"):
        tables.map(0, 0, invalid="ignore")
    text = "^out must be int64, int32 or int16 to hold -1, got uint32$"
    with pytest.raises(TypeError, match=text):
        tables.sample([0], invalid="skip", out=np.zeros(1, np.uint32))
