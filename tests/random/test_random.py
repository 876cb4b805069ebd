"""Xoshiro256 against a plain xoshiro256++: words, jumps, advance."""

import hashlib
import pickle
import re

import numpy as np
import pytest
from generators import MASK, Seeds, lanes, stream
from messages import exactly
from numpy.random import Generator, SeedSequence
from numpy.random.bit_generator import ISeedSequence
from tiers import run_on_tier

import softdraw
from softdraw import AliasTable, Xoshiro256

TIERS = softdraw.cpu_info()["tiers"]


def rotl(x, k):
    return (x << k | x >> (64 - k)) & MASK


def step(s):
    """One step of xoshiro256, in place."""
    t = s[1] << 17 & MASK
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotl(s[3], 45)


def plusplus(s):
    """The word that a lane in state s gives; the state moves on."""
    word = (rotl((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
    step(s)
    return word


# ---- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 7, 2**200 + 1, [1, 2, 3]])
def test_lane_0_starts_from_the_seed_sequence(seed):
    state = SeedSequence(seed).generate_state(4, np.uint64).tolist()
    assert lanes(Xoshiro256(seed))[0] == state


@pytest.mark.parametrize(
    ("words", "got"),
    [
        (np.ones(1, np.uint64), "shape (1,) and dtype uint64"),
        (np.ones(10_000, np.uint64), "shape (10000,) and dtype uint64"),
        (np.ones((4, 1), np.uint64), "shape (4, 1) and dtype uint64"),
        (np.ones(4, np.int64), "shape (4,) and dtype int64"),
        (np.ones(4, np.uint32), "shape (4,) and dtype uint32"),
        ([1.5] * 4, "shape (4,) and dtype float64"),
        (None, "shape () and dtype object"),
    ],
)
def test_a_seed_sequence_must_give_four_words(words, got):
    text = (
        "generate_state(4, numpy.uint64) of seed, of type Seeds, must give 4 words of uint64, got "
    )
    for make in (Xoshiro256, lambda seed: AliasTable([1, 2]).sample(3, rng=seed)):
        with pytest.raises(ValueError, match=exactly(text + got)):
            make(Seeds(words))


def test_a_seed_sequence_of_another_kind_is_used():
    words = np.arange(16, dtype=np.uint64)[::4]
    assert lanes(Xoshiro256(Seeds(words)))[0] == [0, 4, 8, 12]
    words = words.view(LyingWords)
    assert lanes(Xoshiro256(Seeds(words)))[0] == [0, 4, 8, 12]
    with pytest.raises(ValueError, match=re.escape("got shape (2,) and dtype uint64")):
        Xoshiro256(Seeds(words[:2]))


class LyingWords(np.ndarray):
    """An array that claims to have four words."""

    shape = (4,)
    size = 4
    dtype = np.dtype(np.uint64)


def test_word_8i_plus_j_is_the_ith_output_of_lane_j():
    generator = Xoshiro256(7)
    states = lanes(generator)
    expected = [plusplus(states[k % 8]) for k in range(1000)]
    assert generator.random_raw(1000).tolist() == expected


@pytest.mark.parametrize("sizes", [[1] * 50, [3, 8, 1, 30, 7, 16, 9], [50], [0, 13, 0, 37]])
def test_words_do_not_depend_on_how_they_are_asked_for(sizes):
    """Categories of a table with 2**12 equal weights are the words' top 12 bits."""
    table = AliasTable(np.ones(4096))
    words = Xoshiro256(3).random_raw(sum(sizes))
    generator = Xoshiro256(3)
    drawn = np.concatenate([table.sample(size, rng=generator) for size in sizes])
    assert drawn.tolist() == (words >> np.uint64(52)).tolist()


def test_halves_of_a_word_are_given_low_half_first_as_pcg64_does():
    words = Xoshiro256(5).random_raw(4).tolist()
    generator = Xoshiro256(5)
    # a full-range uint32 is one half word, and a word in between does not touch the other half
    draw = Generator(generator).integers
    halves = [int(draw(0, 2**32, dtype=np.uint32)) for _ in range(3)]
    assert halves == [words[0] & 0xFFFFFFFF, words[0] >> 32, words[1] & 0xFFFFFFFF]
    assert generator.random_raw() == words[2]
    assert int(draw(0, 2**32, dtype=np.uint32)) == words[1] >> 32


def test_doubles_are_the_top_53_bits():
    words = Xoshiro256(5).random_raw(100)
    doubles = Generator(Xoshiro256(5)).random(100)
    assert doubles.tolist() == ((words >> np.uint64(11)) * 2.0**-53).tolist()


def test_numpy_generator_methods_work():
    generator = Generator(Xoshiro256(7))
    assert abs(generator.normal(size=10_000).mean()) < 0.06  # six standard deviations
    assert sorted(generator.permutation(10).tolist()) == list(range(10))
    assert generator.bytes(5) != generator.bytes(5)
    assert generator.random(dtype=np.float32) < 1


def test_ctypes_and_capsule_interfaces_work():
    generator, again = Xoshiro256(7), Xoshiro256(7)
    interface = generator.ctypes
    assert interface.next_uint64(interface.state) == again.random_raw()


def test_the_stream_is_pinned():
    """Changes only with SOFTDRAW_STREAM, in a major release."""
    words = Xoshiro256(2024).random_raw(10_000).astype("<u8")
    assert hashlib.sha256(words.tobytes()).hexdigest()[:16] == "b989750af7b668fa"


def test_all_tiers_give_the_same_words():
    code = (
        "import numpy as np, softdraw, hashlib\n"
        "rng = softdraw.Xoshiro256(11)\n"
        "table = softdraw.AliasTable(np.ones(2**20))\n"
        "drawn = [table.sample(n, rng=rng) for n in (*range(40), 5000)]\n"
        "words = np.concatenate([*drawn, rng.random_raw(5000).astype(np.int64)])\n"
        "print(hashlib.sha256(words.astype('<i8').tobytes()).hexdigest())\n"
    )
    assert len({run_on_tier(tier, code) for tier in TIERS}) == 1


# ---- jumps -------------------------------------------------------------------------------------


def apply(matrix, state):
    """The state that a matrix over GF(2), a list of 256 columns, makes of a state, as integers."""
    result = 0
    while state:
        low = state & -state
        result ^= matrix[low.bit_length() - 1]
        state ^= low
    return result


def joined(s):
    return s[0] | s[1] << 64 | s[2] << 128 | s[3] << 192


@pytest.fixture(scope="module")
def jump_matrices():
    """The 2**128th and 2**192nd power of the map that xoshiro256 steps by."""
    matrix = []
    for bit in range(256):
        s = [(1 << bit) >> 64 * k & MASK for k in range(4)]
        step(s)
        matrix.append(joined(s))
    powers = []
    for squarings in (128, 64):
        for _ in range(squarings):
            matrix = [apply(matrix, column) for column in matrix]
        powers.append(matrix)
    return powers


# From xoshiro256plusplus.c, https://prng.di.unimi.it: jump() and long_jump()
JUMP = [0x180EC6D33CFD0ABA, 0xD5A61266F0C9392C, 0xA9582618E03FC9AA, 0x39ABDC4529B1661C]
LONG_JUMP = [0x76E15D3EFEFDCBBF, 0xC5004E441C522FB3, 0x77710069854EE241, 0x39109BB02ACBE635]


def published(polynomial, state):
    """The state after a jump, as the authors' C code has it."""
    s, result = list(state), [0] * 4
    for word in polynomial:
        for bit in range(64):
            if word >> bit & 1:
                result = [a ^ b for a, b in zip(result, s, strict=True)]
            step(s)
    return result


def test_jumps_are_those_that_the_authors_published():
    states = lanes(Xoshiro256(7))
    assert [published(JUMP, s) for s in states[:7]] == states[1:]
    assert lanes(Xoshiro256(7).jumped()) == [published(LONG_JUMP, s) for s in states]


def test_the_reference_sequence_of_every_lane():
    """What the C code of the authors gives from the state {1, 2, 3, 4}."""
    reference = [41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205]
    generator = Xoshiro256(7)
    for lane in range(8):
        state = generator.state
        state["state"]["s"][:, lane] = [1, 2, 3, 4]
        state["buffer_pos"] = 8
        generator.state = state
        assert generator.random_raw(40)[lane::8].tolist() == reference


def test_lanes_stand_one_jump_apart(jump_matrices):
    states = [joined(s) for s in lanes(Xoshiro256(7))]
    assert [apply(jump_matrices[0], s) for s in states[:7]] == states[1:]


def test_jumped_moves_every_lane_a_long_jump(jump_matrices):
    generator = Xoshiro256(7)
    generator.random_raw(13)
    before = [joined(s) for s in lanes(generator)]
    after = [joined(s) for s in lanes(generator.jumped())]
    assert [apply(jump_matrices[1], s) for s in before] == after


@pytest.mark.parametrize("jumps", [0, 1, 2, 5])
def test_jumped_j_is_j_times_jumped(jumps):
    generator = expected = Xoshiro256(7)
    for _ in range(jumps):
        expected = expected.jumped()
    assert lanes(generator.jumped(jumps)) == lanes(expected)


def test_2_to_64_long_jumps_are_one_step():
    """They are 2**256 steps, and the period is 2**256 - 1."""
    generator = Xoshiro256(7)
    states = lanes(generator)
    for s in states:
        step(s)
    assert lanes(generator.jumped(2**64 - 1).jumped()) == states


def test_jumped_leaves_the_generator_and_keeps_no_words():
    generator = Xoshiro256(7)
    Generator(generator).integers(0, 2**32, dtype=np.uint32)
    before = generator.state
    state = generator.jumped().state
    assert (state["buffer_pos"], state["has_uint32"]) == (8, 0)
    assert str(generator.state) == str(before)


def test_a_jumped_generator_spawns_children_of_its_own():
    parent = Xoshiro256(7)
    generators = [parent, parent.jumped(), parent.jumped(2), parent.jumped().jumped()]
    children = [pickle.loads(pickle.dumps(generator)).spawn(2) for generator in generators]
    streams = [stream(child) for pair in children for child in pair]
    assert len(set(map(tuple, streams))) == 8
    assert stream(parent.jumped(2).spawn(1)[0]) == streams[4]  # the same ones each time


def test_a_jump_asks_a_seed_sequence_for_as_many_words_as_a_seed_has():
    class Short(ISeedSequence):
        def generate_state(self, n_words, dtype=np.uint32):
            assert n_words <= 4
            return np.arange(1, n_words + 1, dtype=dtype)

    assert Xoshiro256(Short()).jumped(2**32 - 1).seed_seq.entropy == [1, 2, 3, 4, 2**32 - 1]


def test_the_children_of_a_large_jump_are_no_descendants_of_a_small_one():
    """NumPy writes the number of a jump and that of a child as words one after another."""
    parent = Xoshiro256(7)
    for_two_words = parent.jumped(2**32 * 3 + 5)
    of_child = parent.jumped(5).spawn(4)[3]
    assert stream(for_two_words.spawn(1)[0]) != stream(of_child.spawn(1)[0])


# ---- advance -----------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", [0, 1, 3, 7, 8, 9])
@pytest.mark.parametrize("delta", [0, 1, 5, 8, 13, 64, 1000, 99_999])
def test_advance_is_as_if_the_words_had_been_taken(taken, delta):
    generator, expected = Xoshiro256(7), Xoshiro256(7)
    generator.random_raw(taken)
    expected.random_raw(taken)
    expected.random_raw(delta)
    assert generator.advance(delta) is generator
    assert str(generator.state) == str(expected.state)


@pytest.mark.parametrize("delta", [0, 1, 7, 8, 9, 16, 2**64, 2**127 + 8])
def test_advance_from_a_block_of_which_no_word_was_taken(delta):
    """A state may be set to that; drawing leaves it only after the first word of a block."""
    generator, expected = Xoshiro256(7), Xoshiro256(7)
    generator.random_raw()
    state = generator.state
    state["buffer_pos"] = 0
    generator.state = state
    generator.advance(delta)
    expected.advance(delta)
    assert generator.random_raw(20).tolist() == expected.random_raw(20).tolist()
    assert str(generator.state) == str(expected.state)


def test_advance_takes_a_step_of_each_lane_for_eight_words(jump_matrices):
    """2**131 words are 2**128 steps of each of the eight lanes."""
    generator = Xoshiro256(7)
    before = [joined(s) for s in lanes(generator)]
    for _ in range(8):
        generator.advance(2**128 - 1).advance(1)
    after = [joined(s) for s in lanes(generator)]
    assert [apply(jump_matrices[0], s) for s in before] == after


@pytest.mark.parametrize(("first", "second"), [(2**64 - 1, 1), (2**127, 2**100 - 3), (3, 2**64)])
def test_advances_add_up(first, second):
    once, twice = Xoshiro256(7), Xoshiro256(7)
    once.advance(first + second)
    assert str(twice.advance(first).advance(second).state) == str(once.state)


def test_advance_drops_the_half_word():
    generator = Xoshiro256(7)
    Generator(generator).integers(0, 2**32, dtype=np.uint32)
    assert generator.state["has_uint32"] == 1
    assert generator.advance(0).state["has_uint32"] == 0


@pytest.mark.parametrize("delta", [-1, 2**128])
def test_delta_out_of_range(delta):
    with pytest.raises(ValueError, match=re.escape(f"delta must be in [0, 2**128), got {delta}")):
        Xoshiro256(7).advance(delta)


@pytest.mark.parametrize("value", [1.0, "1", None, np.array([1, 2])])
@pytest.mark.parametrize(
    ("method", "name"), [("advance", "delta"), ("jumped", "jumps"), ("spawn", "n_children")]
)
def test_what_is_no_integer_is_named(method, name, value):
    message = f"{name} must be an integer, got {type(value).__name__}"
    with pytest.raises(TypeError, match=re.escape(message)):
        getattr(Xoshiro256(7), method)(value)


@pytest.mark.parametrize("jumps", [-1, 2**64])
def test_jumps_out_of_range(jumps):
    with pytest.raises(ValueError, match=re.escape(f"jumps must be in [0, 2**64), got {jumps}")):
        Xoshiro256(7).jumped(jumps)
