"""AliasTables as an object: indexed, immutable, compared, hashed, copied, pickled."""

import copy
import gc
import pickle

import numpy as np
import pytest
from alias_cases import (
    EMPTY,
    NOTHING,
    SKIP,
    ZEROS,
    check_flipped_pickles,
    drawable,
    header,
    ragged,
)

from softdraw import AliasTable, AliasTables

# ---- rows, slices, iteration -------------------------------------------------------------------


def test_a_negative_row_counts_from_the_end():
    weights, indptr = ragged()
    tables = AliasTables(weights, indptr)
    assert tables[-1] == tables[39] == AliasTable(weights[indptr[39] :])
    assert tables[np.int8(-40)] == tables[0]


@pytest.mark.parametrize(
    "rows",
    [slice(None), slice(2, 9), slice(-7, None), slice(None, None, -1), slice(30, 2, -3),
     slice(9, 9), slice(0, 999, 2)],
    ids=str,
)  # fmt: skip
def test_a_slice_gives_the_tables_of_its_rows(rows):
    weights, indptr = ragged()
    tables = AliasTables(weights, indptr)
    chosen = [weights[indptr[i] : indptr[i + 1]] for i in range(40)[rows]]
    expected = AliasTables(
        np.concatenate([[], *chosen]), np.r_[0, np.cumsum([len(row) for row in chosen], dtype=int)]
    )
    assert tables[rows] == expected
    assert hash(tables[rows]) == hash(expected)
    assert pickle.loads(pickle.dumps(tables[rows])) == expected
    assert list(tables[rows]) == list(expected)


def test_iteration_gives_none_for_rows_that_cannot_be_drawn_from():
    tables = AliasTables(*ragged())
    found = list(tables)
    assert [i for i, table in enumerate(found) if table is None] == [EMPTY, ZEROS]
    assert all(found[i] == tables[int(i)] for i in drawable())
    assert [*reversed(tables)] == found[::-1]


# ---- comparisons, pickles, memory --------------------------------------------------------------


def test_tables_are_equal_when_row_lengths_and_buckets_are():
    tables = AliasTables([1, 2, 1, 5], [0, 3, 4])
    same = AliasTables([2, 4, 2, 1], [0, 3, 4])
    assert tables == same
    assert hash(tables) == hash(same)
    assert tables != AliasTables([1, 2, 1, 5], [0, 4])
    assert tables != AliasTables([1, 2, 1, 5], [0, 3, 4, 4])
    assert tables != AliasTables([1, 1, 1, 5], [0, 3, 4])
    assert AliasTables([0, 1], [0, 1, 2]) != AliasTables([1, 0], [0, 1, 2])
    assert tables != [1, 2, 1, 5]


def test_len_nbytes_and_repr():
    tables = AliasTables([1, 2, 1, 5], [0, 3, 3, 4])
    assert len(tables) == 3
    assert tables.nbytes == 8 * ((4 + 2) + 3 + 4)
    assert repr(tables) == "<AliasTables: 3 rows, 4 categories, 104 bytes>"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_and_copies_are_equal(protocol):
    tables = AliasTables(*ragged())
    twin = pickle.loads(pickle.dumps(tables, protocol))
    assert twin == tables
    assert twin[0] == tables[0]
    with pytest.raises(ValueError, match=f"^{NOTHING}{SKIP}$"):
        twin.sample(ZEROS)
    assert copy.copy(tables) is copy.deepcopy(tables) is tables


def parts(lengths=(2, 0, 1), bits=(1, 0, 1), buckets=(0, 1, 0, 0)):
    return (
        np.array(lengths, "<i8").tobytes(),
        np.array(bits, np.uint8).tobytes(),
        np.array(buckets, "<u8").tobytes(),
    )


@pytest.mark.parametrize(
    ("damaged", "text"),
    [
        ((b"", 3, b""), "not pickled AliasTables"),
        (parts(lengths=(2, 0)), "not pickled AliasTables"),
        (parts(lengths=(2, -1, 1)), "pickled AliasTables have rows of another length"),
        (parts(lengths=(2, 0, 2**32 + 1)), "pickled AliasTables have rows of another length"),
        (parts(bits=(1, 1, 1)), "pickled AliasTables have rows of another length"),
        (parts(bits=(1, 0, 3)), "pickled AliasTables have rows of another length"),
        (parts(buckets=(0, 1, 0)), "pickled AliasTables have 32 bytes, got 24"),
        (parts(buckets=(0, 1, 1, 0)), "pickled AliasTables draw a category past the last"),
        (parts(buckets=(0, 1, 0, 2)), "pickled AliasTables draw a category past the last"),
    ],
)
def test_a_damaged_pickle_is_refused(damaged, text):
    unpickle, whole = AliasTables([1, 1, 7], [0, 2, 2, 3]).__reduce__()
    assert whole == (header(*parts()), *parts())
    with pytest.raises(ValueError, match=f"^{text}$"):
        unpickle(header(*damaged), *damaged)
    with pytest.raises(ValueError, match="^not pickled AliasTables$"):
        unpickle(*parts())  # as before pickles had a header


def test_a_pickle_with_any_bit_flipped_is_refused_or_the_same():
    tables = AliasTables([1, 2, 1, 5], [0, 3, 3, 4])
    check_flipped_pickles(tables, lambda loaded: loaded == tables)


def test_slices_can_be_pickled():
    tables = AliasTables(*ragged())
    for rows in (slice(3, 9), slice(None, None, -2), slice(0, 0)):
        part = tables[rows]
        twin = pickle.loads(pickle.dumps(part))
        assert twin == part
        assert pickle.loads(pickle.dumps(twin[:2])) == part[:2]


@pytest.mark.parametrize("name", ["buckets", "records", "indptr"])
def test_the_arrays_of_tables_stay_read_only(name):
    for tables in (AliasTables([1, 2, 3], [0, 1, 3]), AliasTables([], [0])):
        array = getattr(tables, name)
        assert array.base is tables
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
        with pytest.raises(ValueError, match="does not own its data"):
            array.resize(100, refcheck=False)
        assert gc.get_referents(tables) == []
    del tables
    assert array.size == (name == "indptr")


def test_records_tell_where_the_buckets_of_a_row_are():
    tables = AliasTables(*ragged())
    for record, table in zip(tables.records.tolist(), tables, strict=True):
        start, bits = divmod(record, 64)
        if table is None:
            assert bits == 0
        else:
            assert bits == table.bits
            assert tables.buckets[start : start + 2**bits].tolist() == table.buckets.tolist()


def test_tables_cannot_be_changed():
    tables = AliasTables([1, 2], [0, 2])
    weights = np.array([1.0, 2.0])
    indptr = np.array([0, 2])
    made = AliasTables(weights, indptr)
    weights[:], indptr[:] = 7, 0
    assert made == tables
    with pytest.raises((AttributeError, TypeError)):
        tables.rows = 3
