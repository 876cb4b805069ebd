"""What `mask=` hides, in each form that a mask may have."""

import math

import numpy as np
import pytest
from logits_cases import survivors

from softdraw import sample_logits

inf, nan = math.inf, math.nan


def packed(mask, spare=0):
    """A boolean mask in int32 words, its spare bits all the same, one bit at a time."""
    n = mask.shape[-1]
    words = np.zeros((*mask.shape[:-1], -(-n // 32)), np.uint32)
    for i in range(32 * words.shape[-1]):
        bit = mask[..., i] if i < n else np.full(mask.shape[:-1], spare)
        words[..., i // 32] |= bit.astype(np.uint32) << np.uint32(i % 32)
    return words.view(np.int32)


@pytest.mark.parametrize("n", [1, 31, 32, 33, 70])
@pytest.mark.parametrize("spare", [0, 1])
def test_masks_are_minus_infinity(n, spare):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(3, n))
    mask = rng.random((3, n)) < 0.5
    mask[:, n // 2] = True
    words = rng.integers(2**64, size=3, dtype=np.uint64)
    for used, logits in ((mask, x), (mask[0], x), (mask[0], x[0])):
        expected = sample_logits(np.where(used, logits, -inf), words=words, top_p=0.9)
        for given_mask in (used, used.tolist(), packed(used, spare), packed(used).astype(">i4")):
            ids = sample_logits(logits, words=words, top_p=0.9, mask=given_mask)
            assert ids.tolist() == expected.tolist()


@pytest.mark.parametrize("bad", [nan, -nan, inf])
def test_masked_values_are_not_looked_at(bad):
    for dtype in (np.float16, np.float32, np.float64):
        row = np.array([bad, 1, bad, 2], dtype)
        mask = np.array([False, True, False, True])
        assert survivors(row, mask=mask) == [1, 3]
        assert survivors(row, mask=packed(mask, spare=1)) == [1, 3]
    signalling = np.array([0x7D00, 0], np.uint16).view(np.float16)
    assert sample_logits(signalling, mask=[False, True]) == 1


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_masks_of_0_and_1_are_booleans(dtype):
    rng = np.random.default_rng(7)
    mask = rng.random((3, 9)) < 0.5
    mask[:, 4] = True
    x = rng.normal(size=mask.shape)
    for used in (mask, mask[1]):
        expected = sample_logits(x, mask=used, size=20, rng=7)
        for layout in (used.astype(dtype), np.asfortranarray(used.astype(dtype))):
            np.testing.assert_array_equal(sample_logits(x, mask=layout, size=20, rng=7), expected)


def test_a_mask_broadcasts_to_the_rows():
    x = np.random.default_rng(7).normal(size=(2, 3, 40))
    mask = np.arange(40) % 3 == np.arange(3)[:, None]
    every = np.broadcast_to(mask, x.shape)
    expected = sample_logits(np.where(every, x, -inf), size=9, rng=7)
    for used in (
        mask[None],
        packed(mask)[None],
        every,
        packed(mask[None] & np.ones(x.shape, bool)),
    ):
        np.testing.assert_array_equal(sample_logits(x, mask=used, size=9, rng=7), expected)
