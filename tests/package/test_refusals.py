"""What is refused is named: errors that NumPy or Python would raise without the argument's name."""

import contextlib
from array import array
from collections import deque

import numpy as np
import pytest
from floats import bfloat16, needs_bfloat16
from messages import exactly

import softdraw
from softdraw import Xoshiro256

P = np.array([0.2, 0.3, 0.5])
TWO = np.ones(2)
CYCLE = []
CYCLE.append(CYCLE)
MASKED = np.ma.array([1.0, 2.0], mask=[0, 1])


def draw(rng):
    return softdraw.AliasTable(P).sample(rng=rng)


class ReturnsMasked:
    def __array__(self, dtype=None, copy=None):
        return MASKED


def refused(error, message, call):
    return pytest.param(error, message, call, id=message)


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        refused(TypeError, "g must be real numbers", lambda: softdraw.softmax_vjp(P, None)),
        refused(TypeError, "g must be real", lambda: softdraw.softmax_vjp(P, None, out=P.copy())),
        refused(ValueError, "seed must be >= 0, got -1", lambda: Xoshiro256(-1)),
        refused(ValueError, r"seed\[1\] must be >= 0, got -1", lambda: Xoshiro256([3, -1])),
        refused(TypeError, "seed .* array of dtype int64", lambda: Xoshiro256(np.array(2))),
        refused(TypeError, r"seed\[1\] must be an integer, got .*", lambda: Xoshiro256([3, 0.5])),
        refused(TypeError, r"seed\[0\] must be an integer, got list", lambda: Xoshiro256(CYCLE)),
        refused(TypeError, "seed .* array of dtype int64", lambda: Xoshiro256(np.array([[1]]))),
        refused(TypeError, "seed must be None.*got str", lambda: Xoshiro256("7")),
        refused(TypeError, "seed .*float64", lambda: Xoshiro256(memoryview(np.ones((2, 2))))),
        refused(TypeError, r"seed\[0\].*, got Xoshiro256", lambda: Xoshiro256([Xoshiro256(1)])),
        refused(TypeError, "seed is a masked array", lambda: Xoshiro256(np.ma.array([1, 2]))),
        refused(TypeError, "rng must be None.*timedelta64", lambda: draw(np.timedelta64(3, "s"))),
        refused(
            ValueError,
            "top_p is ragged: its parts have different lengths",
            lambda: softdraw.sample_logits(P, top_p=[[1], [1, 2]]),
        ),
        refused(TypeError, "x is a masked array", lambda: softdraw.softmax([MASKED])),
        refused(TypeError, "x is a masked", lambda: softdraw.softmax([[[1.0, 2.0]], [MASKED]])),
        refused(TypeError, "x is a.*array", lambda: softdraw.softmax(deque([MASKED, MASKED]))),
        refused(TypeError, "x is a masked.*", lambda: softdraw.softmax([range(2), MASKED])),
        refused(
            TypeError, "x is.*masked", lambda: softdraw.softmax([array("d", [1, 2]), MASKED])
        ),
        refused(TypeError, "x is a mask", lambda: softdraw.softmax(ReturnsMasked())),
        refused(TypeError, "weights is a masked", lambda: softdraw.AliasTable(ReturnsMasked())),
        refused(TypeError, "keepdims must be True", lambda: softdraw.logsumexp(P, keepdims=TWO)),
        refused(TypeError, "keepdims must be", lambda: softdraw.entropy(P, keepdims=TWO)),
        refused(
            TypeError,
            "return_logprobs must be True or False, got ndarray",
            lambda: softdraw.sample_logits(P, return_logprobs=TWO),
        ),
        refused(
            TypeError, "clip must be", lambda: softdraw.temperature_for(P, entropy=1, clip=TWO)
        ),
        refused(TypeError, "rng must be None", lambda: softdraw.sample_logits(P, rng="")),
        refused(TypeError, "rng must be None.*", lambda: softdraw.sample_logits(P, rng=b"")),
        refused(TypeError, "rng must.*", lambda: softdraw.sample_logits(P, rng=np.empty(0))),
        refused(TypeError, r"x must be.*write float\(x\)", lambda: softdraw.softmax(10**30)),
        refused(
            ValueError,
            "temperature is an integer of more than 64 bits; give it as a float",
            lambda: softdraw.softmax(P, temperature=-(10**30)),
        ),
        refused(
            ValueError,
            r"top_k\[0\] must be >= 1",
            lambda: softdraw.sample_logits([P], top_k=[-(2**70)]),
        ),
        refused(ValueError, "n_children must be in", lambda: Xoshiro256(1).spawn(10**30)),
        refused(TypeError, "timeout must be", lambda: Xoshiro256(1).lock.acquire(timeout="1")),
        refused(
            ValueError,
            "size must have at most",
            lambda: softdraw.sample_logits(P, size=(1,) * 65),
        ),
        refused(
            ValueError,
            "size must have at most",
            lambda: softdraw.sample_logits([[P]], size=(1,) * 63),
        ),
        refused(
            ValueError,
            r"size must be at most 2\*\*59 draws in all, got .* from each of 6 rows",
            lambda: softdraw.sample_logits(np.zeros((2, 3, 5)), size=2**58),
        ),
        refused(
            ValueError,
            "size must have at most",
            lambda: softdraw.AliasTables(P, [0, 3]).sample(np.zeros((1, 1), int), (1,) * 63),
        ),
        refused(
            ValueError,
            r"temperature must be a number, got shape \(1,\)",
            lambda: softdraw.softmax(3.0, temperature=[1.0]),
        ),
    ],
)  # fmt: skip
def test_the_argument_is_named(error, message, call):
    with pytest.raises(error, match=f"^{message}"):
        call()


class LongOrNone:
    """An object with too much to say, or nothing."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


LONG = ["a" * 10**6, ["a"] * 10**6, LongOrNone("a" * 10**6), LongOrNone(None)]


@pytest.mark.parametrize("value", LONG, ids=["text", "list", "object", "no text"])
@pytest.mark.parametrize(
    "refuse",
    [
        lambda value: softdraw.softmax(P, axis=value),
        lambda value: softdraw.sample_logits(P, size=value),
        lambda value: softdraw.sample_logits(P, invalid=value),
    ],
    ids=["axis", "size", "invalid"],
)
def test_errors_show_long_arguments_in_short(refuse, value):
    with pytest.raises((TypeError, ValueError), match=" must be .*, got .{1,220}$"):
        refuse(value)


def test_errors_show_long_dtypes_in_short():
    records = np.zeros(2, [(f"column{i}", "f8") for i in range(3000)])
    for call in (
        softdraw.softmax,
        softdraw.AliasTable,
        lambda x: softdraw.softmax([1.0, 2.0], temperature=x),
        lambda x: softdraw.softmax([1.0, 2.0], out=x),
        lambda x: softdraw.sample_logits(P, mask=x),
        lambda x: softdraw.sample_logits(P, words=x),
        lambda x: softdraw.AliasTables(P, x),
        lambda x: softdraw.AliasTable(P).sample(out=x),
    ):
        with pytest.raises((TypeError, ValueError), match=r"^.{0,150}column0.{1,300}$"):
            call(records)


def test_a_size_of_many_lengths_is_not_shown():
    with pytest.raises(ValueError, match="^size must have at most .* dimensions here, got 100000$"):
        softdraw.sample_logits(P, size=(-1,) * 100_000)


@needs_bfloat16
def test_dtypes_without_a_common_one_are_named():
    with contextlib.suppress(TypeError):
        np.promote_types(bfloat16, np.int64)
        pytest.skip("ml_dtypes has a common one, as since 0.7")
    text = "p of dtype bfloat16 and g of dtype int64 have no common dtype; convert both to float32"
    with pytest.raises(TypeError, match=exactly(text)):
        softdraw.softmax_vjp(P.astype(bfloat16), np.array([1, 2, 3]))


def test_the_kind_of_a_state_may_be_anything():
    with pytest.raises(ValueError, match="state is for a .* generator, not for Xoshiro256"):
        Xoshiro256(1).state = {"bit_generator": TWO}


def test_flags_may_be_of_any_type_that_is_true_or_false():
    assert softdraw.logsumexp(P, keepdims=np.True_).shape == (1,)
    assert softdraw.logsumexp(P, keepdims=0).shape == ()
    ids, logprobs = softdraw.sample_logits(P, rng=1, return_logprobs=1)
    assert (ids, logprobs) == softdraw.sample_logits(P, rng=1, return_logprobs=True)


def test_any_large_top_k_keeps_all():
    wanted = softdraw.sample_logits([P, P], rng=1)
    for top_k in (2**64, [2**64, 2**70], [2**63, 3]):
        assert (softdraw.sample_logits([P, P], top_k=top_k, rng=1) == wanted).all()


def test_lists_of_arrays_and_of_numbers_are_taken():
    x = [np.array([1.0, 2.0]), [3.0, 4.0]]
    np.testing.assert_array_equal(softdraw.softmax(x), softdraw.softmax(np.array(x)))
    np.testing.assert_array_equal(softdraw.softmax([[]]), np.empty((1, 0)))
