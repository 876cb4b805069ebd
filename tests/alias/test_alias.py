"""AliasTable as an object: immutable, compared, hashed, copied, pickled, shared by threads."""

import copy
import gc
import pickle
import threading

import numpy as np
import pytest
from alias_cases import check_flipped_pickles, header
from hypothesis import given
from hypothesis import strategies as st
from messages import exactly

from softdraw import AliasTable


def test_tables_are_equal_when_length_and_buckets_are():
    table = AliasTable([1, 2, 1])
    assert table == AliasTable([2, 4, 2])
    assert hash(table) == hash(AliasTable([2, 4, 2]))
    assert table != AliasTable([1, 2, 1, 0])  # the same buckets, one category more
    assert table != AliasTable([1, 1, 2])
    assert table != [1, 2, 1]
    assert len({table, AliasTable([0.5, 1, 0.5]), AliasTable([1, 1])}) == 2


def test_len_nbytes_repr():
    table = AliasTable(np.ones(1000))
    assert (len(table), table.nbytes) == (1000, 8192)
    assert repr(table) == "<AliasTable: 1000 categories, 8192 bytes>"
    assert repr(table.sampler()) == "<Sampler of <AliasTable: 1000 categories, 8192 bytes>>"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_gives_an_equal_table(protocol):
    for weights in ([3], [0, 1], np.random.default_rng(1).random(1000)):
        table = AliasTable(weights)
        twin = pickle.loads(pickle.dumps(table, protocol))
        assert twin == table
        assert twin.sample(50, rng=1).tolist() == table.sample(50, rng=1).tolist()


@pytest.mark.parametrize("weights", [[3], [1, 2, 1], [0, 1, 0, 5, 9]])
def test_a_pickle_with_any_bit_flipped_is_refused_or_the_same(weights):
    table = AliasTable(weights)
    check_flipped_pickles(table, lambda loaded: loaded == table)


@pytest.mark.parametrize("version", [(2, 1), (1, 2), (0, 1)])
def test_a_pickle_of_another_format_or_stream_is_refused(version):
    restore, (own, *parts) = AliasTable([1, 2, 1]).__reduce__()
    assert own == header(*parts)
    other = header(*parts, version=version)
    text = (
        "a pickled AliasTable is damaged, or of another version of softdraw: its format, stream "
        f"and checksum are {other}, not {own}"
    )
    with pytest.raises(ValueError, match=exactly(text)):
        restore(other, *parts)


def test_copies_are_the_table_itself():
    table = AliasTable([1, 2])
    assert copy.copy(table) is copy.deepcopy(table) is table


@pytest.mark.parametrize(
    ("categories", "change", "text"),
    [
        (3, lambda data: data[:-1], "a pickled AliasTable of 3 categories has 32 bytes, got 31"),
        (5, lambda data: data, "a pickled AliasTable of 5 categories has 64 bytes, got 32"),
        (3, lambda data: data[:8] + b"\xff" + data[9:],
         "a pickled AliasTable of 3 categories draws one past the last"),
        (3, lambda data: data[:-1] + b"\xff",
         "a pickled AliasTable of 3 categories draws one past the last"),
        (0, lambda data: data, "not a pickled AliasTable"),
        (-3, lambda data: data, "not a pickled AliasTable"),
        (2**70, lambda data: data, "not a pickled AliasTable"),
        ("3", lambda data: data, "not a pickled AliasTable"),
        (3, lambda data: list(data), "not a pickled AliasTable"),
    ],
)  # fmt: skip
def test_a_corrupted_pickle_is_refused(categories, change, text):
    restore, (_, _, data) = AliasTable([1, 2, 1]).__reduce__()
    parts = categories, change(data)
    with pytest.raises(ValueError, match=exactly(text)):
        restore(header(*parts), *parts)
    with pytest.raises(ValueError, match="^not a pickled AliasTable$"):
        restore(3, data)  # as before pickles had a header


@given(st.binary(min_size=32, max_size=32))
def test_random_bytes_are_a_table_in_range_or_refused(data):
    restore = AliasTable([1]).__reduce__()[0]
    try:
        table = restore(header(3, data), 3, data)
    except ValueError:
        return
    assert table.sample(1000, rng=1).max() < 3


def test_a_table_cannot_be_changed():
    table = AliasTable([1, 2])
    twin = pickle.loads(pickle.dumps(table))
    with pytest.raises(AttributeError):
        table.nbytes = 3
    with pytest.raises(AttributeError):
        table.other = 3
    assert not table.buckets.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        table.buckets[0] = 0
    table.units()[:] = 0
    table.probabilities()[:] = 0
    assert table == twin


def test_buckets_stay_read_only_whatever_is_done_to_their_base():
    table = AliasTable([1, 2, 1])
    buckets = table.buckets
    assert len(buckets) == 2**table.bits == 4
    assert buckets.base is table
    with pytest.raises(ValueError, match="WRITEABLE"):
        buckets.flags.writeable = True
    with pytest.raises(ValueError, match="does not own its data"):
        buckets.resize(100, refcheck=False)
    assert gc.get_referents(table) == []  # the array that the table draws from is out of reach
    del table
    assert buckets.tolist() == AliasTable([1, 2, 1]).buckets.tolist()


@pytest.mark.parametrize(("n", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (1000, 10)])
def test_bits_are_those_that_choose_a_bucket(n, bits):
    assert AliasTable(np.ones(n)).bits == bits


def test_a_table_is_shared_by_threads():
    table = AliasTable(np.arange(1000))
    expected = table.sample(50_000, rng=1)
    equal = []

    def work():
        for _ in range(5):
            equal.append(bool((table.sample(50_000, rng=1) == expected).all()))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert equal == [True] * 20
