"""What tests of tables share: weights, rows, arrays for `out`, buckets in integers, pickles."""

import hashlib
import math
import pickle

import numpy as np
from hypothesis import strategies as st

LOST = "{} is a masked array; fill or compress it first, its mask would be lost"

WORDS = 2**64


def buckets_of(table):
    """(keep, alias) of each bucket, as the pickle has them."""
    _, categories, data = table.__reduce__()[1]
    bits = max(1, (categories - 1).bit_length())
    assert len(data) == 8 << bits == table.nbytes
    return bits, [divmod(int(entry), 1 << bits) for entry in np.frombuffer(data, "<u8")]


def category(bits, buckets, word):
    """What a word draws, as design and header say."""
    own = word >> (64 - bits)
    keep, alias = buckets[own]
    return own if word % (WORDS >> bits) < keep else alias


positive = st.floats(0, allow_infinity=False)
weight_lists = st.one_of(
    st.lists(positive, min_size=1, max_size=40),
    st.lists(st.floats(0, 1), min_size=1, max_size=40),
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40).map(
        lambda items: np.array(items, np.uint64)
    ),
    st.lists(st.integers(-1074, 1023).map(lambda e: math.ldexp(1.0, e)), min_size=1, max_size=40),
    st.lists(st.sampled_from([0.0, 5e-324, 1e-20, 1.0, 3.0, 2.0**53, 1e308]), min_size=1),
).filter(any)

FINITE = "weights must be finite and >= 0"

EMPTY, ZEROS = 3, 5  # rows of `ragged` that cannot be drawn from
SKIP = "; invalid='skip' gives -1 for such rows"
NOTHING = "row 5 has nothing to draw: its weights are all zero, or its logits all -inf"


def ragged(rows=40, seed=1):
    """Weights and indptr of rows of 1 to 70 weights, one of them empty, one all zeros."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 70, rows)
    lengths[EMPTY] = 0
    indptr = np.r_[0, lengths.cumsum()]
    weights = rng.random(indptr[-1]) ** 3
    weights[indptr[ZEROS] : indptr[ZEROS + 1]] = 0
    return weights, indptr


def drawable(rows=40):
    return np.setdiff1d(np.arange(rows), [EMPTY, ZEROS])


OUT = {
    "contiguous": lambda dtype: np.empty((5, 7), dtype),
    "fortran": lambda dtype: np.empty((5, 7), dtype, order="F"),
    "strided": lambda dtype: np.empty((10, 21), dtype)[::2, ::3],
    "reversed": lambda dtype: np.empty((5, 7), dtype)[::-1, ::-1],
    "swapped": lambda dtype: np.empty((5, 7), np.dtype(dtype).newbyteorder()),
    "unaligned": lambda dtype: np.empty(35 * 8 + 1, np.uint8)[1:].view(dtype)[:35].reshape(5, 7),
}


def header(*parts, version=(1, 1)):
    """What pickles with these parts have before them."""
    digest = hashlib.blake2b(digest_size=8)
    for part in (*version, *parts):
        digest.update(part if isinstance(part, bytes) else f"{part},".encode())
    return *version, int.from_bytes(digest.digest(), "little")


def check_flipped_pickles(original, same):
    """Whichever bit of a pickle is flipped, loading it is an error or gives the same."""
    data = pickle.dumps(original)
    refused = 0
    for i in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[i // 8] ^= 1 << i % 8
        try:
            loaded = pickle.loads(bytes(damaged))
        except Exception:  # of pickle, too, and of the modules that it imports
            refused += 1
            continue
        assert type(loaded) is not type(original) or same(loaded)
    assert refused > len(data)
