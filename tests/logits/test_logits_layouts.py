"""The dtype and layout of logits: halves are drawn as float32, integers as float64."""

import numpy as np
import pytest
from floats import HALVES
from logits_cases import SPACED

from softdraw import sample_logits


@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_is_drawn_as_float32(dtype):
    x = np.random.default_rng(7).normal(size=50).astype(dtype)
    ids, logprobs = sample_logits(x, temperature=0.7, top_p=0.9, words=SPACED, return_logprobs=True)
    wide = sample_logits(
        x.astype(np.float32), temperature=0.7, top_p=0.9, words=SPACED, return_logprobs=True
    )
    assert (ids == wide[0]).all()
    assert logprobs.dtype == np.float32
    assert (logprobs == wide[1]).all()


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.bool_])
def test_integers_are_drawn_as_float64(dtype):
    x = np.array([1, 0, 1, 1]).astype(dtype)
    ids, logprobs = sample_logits(x, words=SPACED, return_logprobs=True)
    assert (ids == sample_logits(x.astype(np.float64), words=SPACED)).all()
    assert logprobs.dtype == np.float64


def test_layout_and_byte_order_do_not_matter():
    x = np.random.default_rng(7).normal(size=(40, 30)).astype(np.float32)
    expected = sample_logits(x, top_k=9, rng=7, return_logprobs=True)
    spread = np.zeros((80, 90), np.float32)
    spread[::2, ::3] = x
    unaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(x.shape)
    unaligned[:] = x
    read_only = x.copy()
    read_only.flags.writeable = False
    for same in (spread[::2, ::3], unaligned, read_only, np.asfortranarray(x), x.astype(">f4")):
        ids, logprobs = sample_logits(same, top_k=9, rng=7, return_logprobs=True)
        assert (ids == expected[0]).all()
        assert (logprobs == expected[1]).all()
        assert logprobs.dtype == np.dtype("=f4")
        np.testing.assert_array_equal(same, x)


def test_strided_rows_draw_as_copies():
    x = np.random.default_rng(7).normal(size=(4, 6, 20))
    for view in (x[::2, ::3], x.transpose(1, 0, 2), x[:, ::-1], x[..., ::2], x[0, :, :11]):
        np.testing.assert_array_equal(
            sample_logits(view, size=3, rng=7), sample_logits(view.copy(), size=3, rng=7)
        )
