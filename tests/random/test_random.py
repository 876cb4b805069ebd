"""Xoshiro256 against a plain xoshiro256++, its lock, and what `rng=` may be."""

import copy
import hashlib
import json
import os
import pickle
import re
import sys
import threading
import time

import numpy as np
import pytest
from numpy.random import PCG64, Generator, RandomState, SeedSequence
from numpy.random.bit_generator import ISeedSequence, ISpawnableSeedSequence
from processes import find, in_child, needs_fork, run
from tiers import run_on_tier

import softdraw
from softdraw import AliasTable, Xoshiro256

MASK = 2**64 - 1
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


def lanes(generator):
    """The states of the eight lanes, as lists of four integers."""
    return generator.state["state"]["s"].T.tolist()


# ---- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 7, 2**200 + 1, [1, 2, 3]])
def test_lane_0_starts_from_the_seed_sequence(seed):
    state = SeedSequence(seed).generate_state(4, np.uint64).tolist()
    assert lanes(Xoshiro256(seed))[0] == state


class Seeds(ISpawnableSeedSequence):
    """A seed sequence that gives and spawns what it is told to."""

    def __init__(self, words):
        self.words = words

    def generate_state(self, n_words, dtype=np.uint32):
        return self.words

    def spawn(self, n_children):
        return [Seeds(self.words)] * n_children


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
        with pytest.raises(ValueError, match=f"^{re.escape(text + got)}$"):
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


# ---- state, pickle, copies, children -----------------------------------------------------------


@pytest.fixture
def used():
    """A generator in the middle of a block and of a word."""
    generator = Xoshiro256(7)
    generator.random_raw(11)
    Generator(generator).integers(0, 2**32, dtype=np.uint32)
    return generator


def stream(generator):
    halves = Generator(generator).integers(0, 2**32, size=5, dtype=np.uint32)
    return halves.tolist() + generator.random_raw(50).tolist()


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        *(lambda g, p=p: pickle.loads(pickle.dumps(g, p)) for p in range(6)),
    ],
)
def test_copies_and_pickles_go_on_alike(used, copied):
    twin = copied(used)
    assert type(twin) is Xoshiro256
    assert stream(twin) == stream(used)


@pytest.mark.parametrize("part", ["s", "buffer", "buffer_pos", "has_uint32", "uinteger"])
def test_a_pickled_state_with_any_bit_flipped_is_refused(used, part):
    state = used.__reduce__()[2]
    before = str(used.state)
    holder = state["state"] if part == "s" else state
    words = np.array(holder[part], np.uint64)
    for i in range(64 * words.size):
        flipped = words.copy()
        flipped.reshape(-1)[i // 64] ^= np.uint64(1 << i % 64)
        holder[part] = flipped
        with pytest.raises(ValueError, match="is damaged, or of another version|must be from 0 to"):
            used.__setstate__(state)
    assert str(used.state) == before


def test_a_pickle_has_a_format_a_stream_and_a_checksum(used):
    make, arguments, state = used.__reduce__()
    assert state["header"][:2] == (1, 1)
    for header in ((2, *state["header"][1:]), (1, 2, state["header"][2]), (1, 1, 0), None):
        text = "a pickled Xoshiro256 is damaged, or of another version of softdraw: its format, "
        with pytest.raises(ValueError, match=f"^{text}"):
            make(*arguments).__setstate__({**state, "header": header})
    for other in (used.state, None):
        with pytest.raises(ValueError, match="^not a pickled Xoshiro256$"):
            make(*arguments).__setstate__(other)
    restored = make(*arguments)
    restored.state = state  # as NumPy before 2.0 does for its Generator
    assert stream(restored) == stream(used)


def test_a_copy_spawns_what_the_original_would(used):
    assert stream(copy.deepcopy(used).spawn(1)[0]) == stream(used.spawn(1)[0])


def test_a_generator_around_it_can_be_pickled(used):
    twin = pickle.loads(pickle.dumps(Generator(used)))
    assert stream(twin.bit_generator) == stream(used)


def test_state_goes_through_json(used):
    text = json.dumps(used.state, default=lambda array: array.tolist())
    other = Xoshiro256(1)
    other.state = json.loads(text)
    assert stream(other) == stream(used)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("taken", range(10))
def test_state_goes_round_in_every_position_of_the_buffer(taken, half):
    generator = Xoshiro256(7)
    if half:
        Generator(generator).integers(0, 2**32, dtype=np.uint32)
    generator.random_raw(taken)
    other = Xoshiro256(1)
    other.state = generator.state
    twin = pickle.loads(pickle.dumps(generator))
    assert str(other.state) == str(twin.state) == str(generator.state)
    assert stream(other) == stream(twin) == stream(generator)


def test_state_is_a_copy(used):
    before = lanes(used)
    used.state["state"]["s"][:] = 1
    assert lanes(used) == before


def changed(state, *path, to):
    """state with one entry changed, or taken out if `to` is KeyError."""
    state = copy.deepcopy(state)
    entry = state
    for key in path[:-1]:
        entry = entry[key]
    if to is KeyError:
        del entry[path[-1]]
    else:
        entry[path[-1]] = to
    return state


ZERO_LANE = np.ones((4, 8), np.uint64)
ZERO_LANE[:, 3] = 0


@pytest.mark.parametrize(
    ("path", "to", "error", "text"),
    [
        (
            ["bit_generator"],
            "PCG64",
            ValueError,
            "state is for a PCG64 generator, not for Xoshiro256",
        ),
        (
            ["bit_generator"],
            KeyError,
            ValueError,
            "state is for a None generator, not for Xoshiro256",
        ),
        (["buffer"], KeyError, ValueError, "state has no 'buffer'"),
        (["state", "s"], KeyError, ValueError, "state has no 's'"),
        (["state"], 3, TypeError, "state['state'] must be a dict, got int"),
        (
            ["state", "s"],
            [1, 2],
            ValueError,
            "state['state']['s'] must have shape (4, 8), got (2,)",
        ),
        (["state", "s"], ZERO_LANE, ValueError, "state['state']['s'][:, 3] is all zeros"),
        (["buffer"], [-1] * 8, ValueError, f"state['buffer'] must be from 0 to {MASK}, got -1"),
        (
            ["buffer"],
            [2**64] * 8,
            ValueError,
            f"state['buffer'] must be from 0 to {MASK}, got {2**64}",
        ),
        (["buffer"], [0.5] * 8, TypeError, "state['buffer'] must hold integers, got float"),
        (["buffer_pos"], 9, ValueError, "state['buffer_pos'] must be from 0 to 8, got 9"),
        (["has_uint32"], 2, ValueError, "state['has_uint32'] must be from 0 to 1, got 2"),
        (
            ["uinteger"],
            2**32,
            ValueError,
            f"state['uinteger'] must be from 0 to {2**32 - 1}, got {2**32}",
        ),
    ],
)
def test_a_wrong_state_is_refused_and_nothing_changes(used, path, to, error, text):
    before = used.state
    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        used.state = changed(before, *path, to=to)
    assert str(used.state) == str(before)


def test_state_must_be_a_dict(used):
    with pytest.raises(TypeError, match="^state must be a dict, got int$"):
        used.state = 3


def test_spawned_children_differ_and_come_from_the_seed_sequence():
    children = Xoshiro256(7).spawn(2)
    expected = [Xoshiro256(seed) for seed in SeedSequence(7).spawn(2)]
    assert [stream(child) for child in children] == [stream(child) for child in expected]
    assert stream(children[0]) != stream(children[1])


def test_children_spawned_in_several_threads_differ():
    generator = Xoshiro256(7)
    children = []

    def work():
        for _ in range(1000):
            children.extend(generator.spawn(1))

    run_threads([work] * 8)
    keys = {child.seed_seq.spawn_key for child in children}
    assert keys == {(i,) for i in range(8000)}


def test_the_number_of_children_is_asked_for_once():
    class Once:
        asked = 0

        def __index__(self):
            self.asked += 1
            return 3 if self.asked == 1 else -1

    assert len(Xoshiro256(7).spawn(Once())) == 3


def test_seed_seq_is_the_one_it_was_made_from():
    seed_seq = SeedSequence(5)
    assert Xoshiro256(seed_seq).seed_seq is seed_seq


def test_without_seed_two_generators_differ():
    assert Xoshiro256().random_raw() != Xoshiro256().random_raw()


def test_a_subclass_stays_one():
    assert type(copy.copy(Child(7))) is Child
    assert type(Child(7).jumped()) is Child
    assert type(Child(7).spawn(1)[0]) is Child


class Child(Xoshiro256):
    pass


# ---- lock --------------------------------------------------------------------------------------


def run_threads(functions):
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    "use",
    [
        lambda generator: generator.state,
        lambda generator: setattr(generator, "state", Xoshiro256(8).state),
        lambda generator: generator.jumped(),
        lambda generator: generator.spawn(1),
        lambda generator: pickle.dumps(generator),
        lambda generator: generator.random_raw(),
        lambda generator: TABLE.sample(rng=generator),
        lambda generator: TABLE.sample(3, rng=generator),
        lambda generator: TABLE.sampler(generator)(),
        lambda generator: softdraw.AliasTables([1, 1], [0, 2]).sample(0, rng=generator),
        lambda generator: softdraw.sample_logits([0.0, 1.0], rng=generator),
        lambda generator: softdraw.sample_logits(np.array([0.0, 1.0]), rng=generator),
    ],
)
def test_whatever_reads_or_changes_a_generator_waits_for_its_lock(use):
    generator = Xoshiro256(7)
    done = threading.Event()

    def work():
        use(generator)
        done.set()

    thread = threading.Thread(target=work)
    with generator.lock:
        thread.start()
        assert not done.wait(0.05)
    thread.join()
    assert done.is_set()


def test_the_lock_can_be_tried_and_waited_for_in_vain():
    lock = Xoshiro256(7).lock
    assert lock.acquire(blocking=False)
    assert lock.acquire(True, 0.5)  # it is reentrant
    tried = []
    run_threads([lambda: tried.extend([lock.acquire(False), lock.acquire(timeout=0.01)])])
    assert tried == [False, False]
    lock.release()
    lock.release()
    run_threads([lambda: tried.extend([lock.acquire(timeout=10), lock.acquire(blocking=False)])])
    assert tried[2:] == [True, True]


@pytest.mark.parametrize("arguments", [(False, 1), (True, -2), (True, float("nan")), (True, 1e300)])
def test_timeouts_that_are_refused(arguments):
    with pytest.raises(
        ValueError, match="^timeout must be from 0 to .*, and goes with blocking=True$"
    ):
        Xoshiro256(7).lock.acquire(*arguments)


# Where Python's locks are semaphores, this aborts if one is released that is not held.
STRICT_SEMAPHORES = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <semaphore.h>
#include <stdlib.h>

int sem_post(sem_t *lock) {
    int (*post)(sem_t *) = (int (*)(sem_t *))dlsym(RTLD_NEXT, "sem_post");
    int times;
    if (sem_getvalue(lock, &times) || times) abort();
    return post(lock);
}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs LD_PRELOAD and semaphores")
def test_a_lock_of_the_operating_system_is_released_only_while_it_is_held(tmp_path):
    """Where it is a mutex, another release would end the process."""
    source, library = tmp_path / "strict.c", tmp_path / "strict.so"
    source.write_text(STRICT_SEMAPHORES)
    run([find("cc"), "-shared", "-fPIC", source, "-o", library, "-ldl"])
    code = (
        "import softdraw, threading, time\n"
        "lock = softdraw.Xoshiro256(7).lock\n"
        "def work():\n"
        "    for _ in range(100):\n"
        "        with lock: time.sleep(0.0001)\n"
        "        for _ in range(100):\n"
        "            with lock: pass\n"
        "threads = [threading.Thread(target=work) for _ in range(4)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
    )
    preloaded = f"{os.environ.get('LD_PRELOAD', '')} {library}"  # a sanitizer comes first
    run([sys.executable, "-c", code], environment={"LD_PRELOAD": preloaded})


def test_the_lock_is_reentrant():
    lock = Xoshiro256(7).lock
    with lock, lock:
        assert lock.acquire()
        lock.release()


def test_releasing_a_lock_that_is_not_held_is_an_error():
    lock = Xoshiro256(7).lock
    text = "^cannot release a lock that this thread does not hold$"
    with pytest.raises(RuntimeError, match=text):
        lock.release()
    with lock:
        failed = []

        def release():
            with pytest.raises(RuntimeError, match=text):
                lock.release()
            failed.append(True)

        thread = threading.Thread(target=release)
        thread.start()
        thread.join()
    assert failed


def test_the_lock_excludes_other_threads():
    lock = Xoshiro256(7).lock
    count = 0

    def work():
        nonlocal count
        for i in range(200):
            with lock, lock:
                before = count
                if i % 10 == 0:
                    time.sleep(0)
                count = before + 1

    run_threads([work] * 8)
    assert count == 8 * 200


def test_threads_that_share_a_generator_get_each_word_once():
    generator = Xoshiro256(7)
    table = AliasTable(np.ones(2**20))
    drawn = []

    def work():
        for _ in range(20):
            drawn.append(table.sample(5000, rng=generator))
            drawn.append(np.array([table.sample(rng=generator)]))

    run_threads([work] * 4)
    expected = table.sample(4 * 20 * 5001, rng=Xoshiro256(7))
    assert np.sort(np.concatenate(drawn)).tolist() == np.sort(expected).tolist()


@needs_fork
def test_a_lock_that_another_thread_held_is_free_in_a_forked_child():
    generator = Xoshiro256(7)
    held, done = threading.Event(), threading.Event()

    def hold():
        with generator.lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        assert in_child(lambda: generator.lock.acquire()) is True
    finally:
        done.set()
        thread.join()
    with generator.lock:
        pass


@needs_fork
def test_a_lock_that_the_forking_thread_held_is_still_its_own_in_the_child():
    generator = Xoshiro256(7)

    def release_twice():
        with generator.lock:  # once more
            pass
        generator.lock.release()
        try:
            generator.lock.release()
        except RuntimeError:
            return "held once"

    with generator.lock:
        assert in_child(release_twice) == "held once"


# ---- rng= --------------------------------------------------------------------------------------

TABLE = AliasTable(np.ones(2**20))


@pytest.mark.parametrize(
    "seed",
    [7, np.int32(7), SeedSequence(7), [7, 2**70], (1, 2), range(3), np.array([3, 4])],
    ids=repr,
)
def test_a_seed_makes_a_new_xoshiro256(seed):
    expected = TABLE.sample(5, rng=Xoshiro256(seed)).tolist()
    assert expected == TABLE.sample(5, rng=Generator(Xoshiro256(seed))).tolist()
    assert TABLE.sample(5, rng=seed).tolist() == expected
    assert TABLE.sample(5, rng=seed).tolist() == expected


@pytest.mark.parametrize(
    "make",
    [lambda: Xoshiro256(7), lambda: Generator(Xoshiro256(7)), lambda: Child(7), lambda: PCG64(7)],
)
def test_a_generator_is_advanced_word_by_word(make):
    reference = make()
    reference = getattr(reference, "bit_generator", reference)
    expected = (reference.random_raw(15) >> np.uint64(44)).tolist()
    rng = make()
    drawn = TABLE.sample(7, rng=rng).tolist()
    drawn += [TABLE.sample(rng=rng) for _ in range(3)]
    assert drawn + TABLE.sample((5,), rng=rng).tolist() == expected


class Torch:
    """A generator of another library, whose class has the name of one of NumPy's."""

    class Generator:
        pass


@pytest.mark.parametrize(
    ("rng", "got"),
    [
        (True, "bool"),
        (1.0, "float"),
        ("seed", "str"),
        ([1, 2.5], "list"),
        ([True], "list"),
        (np.ones((2, 2), int), "numpy.ndarray"),
        (np.array(7), "numpy.ndarray"),
        (RandomState(7), "numpy.random.mtrand.RandomState"),
        (np.random, "module"),
        (Torch.Generator(), "test_random.Torch.Generator"),
    ],
)
def test_other_rng_is_refused(rng, got):
    text = re.escape(
        "rng must be None, an int, a sequence of ints, a numpy.random.SeedSequence, BitGenerator "
        f"or Generator, got {got}"
    )
    with pytest.raises(TypeError, match=f"^{text}$"):
        TABLE.sample(rng=rng)
    with pytest.raises(TypeError, match=f"^{text}$"):
        TABLE.sampler(rng)


@pytest.mark.parametrize(
    ("rng", "text"), [(-1, "rng must be >= 0, got -1"), ([1, -2], "rng[1] must be >= 0, got -2")]
)
def test_a_negative_seed_is_refused(rng, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        TABLE.sample(rng=rng)


class Hollow(np.random.BitGenerator):
    """It has no functions."""


def test_a_bit_generator_without_functions_is_refused():
    tables = softdraw.AliasTables([1, 1], [0, 2])
    for call in (
        lambda: TABLE.sample(rng=Hollow()),
        lambda: TABLE.sample(3, rng=Hollow()),
        lambda: TABLE.sampler(Hollow()),
        lambda: tables.sample(0, rng=Hollow()),
        lambda: softdraw.sample_logits([0.0, 1.0], rng=Hollow()),
    ):
        with pytest.raises(TypeError, match="^rng, of type Hollow, has not set next_uint64$"):
            call()


def test_a_generator_whose_init_has_not_been_called_is_refused():
    class Own(np.random.Generator):
        pass

    for kind in (np.random.Generator, Own):
        with pytest.raises(
            TypeError,
            match="^rng.bit_generator must be a BitGenerator, got NoneType; __init__ of the "
            f"{kind.__name__} may not have been called$",
        ):
            TABLE.sample(rng=kind.__new__(kind))


@pytest.mark.parametrize("seed", [-1, "seven", 1.5, object()])
def test_a_generator_goes_on_where_another_seed_is_refused(seed):
    rng, expected = Xoshiro256(7), Xoshiro256(7)
    with pytest.raises((TypeError, ValueError)):
        rng.__init__(seed)
    assert rng.random_raw(20).tolist() == expected.random_raw(20).tolist()
    rng.__init__(3)
    assert rng.random_raw() == Xoshiro256(3).random_raw()


def test_a_generator_may_be_used_while_it_is_seeded_again():
    rng = Xoshiro256(7)

    class Seeds(ISeedSequence):
        def generate_state(self, n_words, dtype=np.uint32):
            drawn.append(rng.random_raw())
            return np.arange(1, n_words + 1, dtype=dtype)

    drawn = []
    rng.__init__(Seeds())
    assert drawn == [Xoshiro256(7).random_raw()]
    assert rng.random_raw() == Xoshiro256(Seeds()).random_raw()


def test_a_generator_has_a_state_at_any_moment_of_being_seeded_again():
    """NumPy looks for the class of a seed sequence when its __init__ has taken the state away."""
    rng = Xoshiro256(7)
    drawn = []

    class Seeds(ISeedSequence):
        def generate_state(self, n_words, dtype=np.uint32):
            return np.arange(1, n_words + 1, dtype=dtype)

        @property
        def __class__(self):
            drawn.append(rng.random_raw())
            return Seeds

    rng.__init__(Seeds())
    expected = Xoshiro256(7).random_raw(len(drawn))
    assert drawn == expected.tolist()


def test_a_generator_keeps_its_lock_when_it_is_seeded_again():
    """Threads that wait for it would wait for ever."""
    rng = Xoshiro256(7)
    lock, drawn = rng.lock, []
    thread = threading.Thread(target=lambda: drawn.append(TABLE.sample(10, rng=rng)))
    with lock:
        thread.start()
        time.sleep(0.05)
        rng.__init__(5)
        assert rng.lock is lock
    thread.join(60)
    assert drawn[0].tolist() == TABLE.sample(10, rng=5).tolist()


def test_none_is_another_generator_in_another_thread():
    drawn = []
    threads = [
        threading.Thread(target=lambda: drawn.append(TABLE.sample(20).tolist())) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
        thread.join()
    assert len(set(map(tuple, drawn))) == 3


@needs_fork
def test_none_is_another_generator_in_a_forked_child():
    TABLE.sample()  # so that the parent has one
    children = [in_child(lambda: TABLE.sample(20).tolist()) for _ in range(2)]
    own = TABLE.sample(20).tolist()
    assert len(set(map(tuple, [*children, own]))) == 3


def test_a_foreign_generator_is_used_under_its_lock():
    generator = PCG64(7)
    drawn = threading.Event()

    def work():
        TABLE.sample(rng=generator)
        drawn.set()

    with generator.lock:
        thread = threading.Thread(target=work)
        thread.start()
        assert not drawn.wait(0.05)
    thread.join()
    assert drawn.is_set()


def test_a_sampler_and_its_generator_cannot_wait_for_each_other():
    """One thread holds the generator's lock and draws, another one just draws."""
    rng = Xoshiro256(1)
    draw = AliasTable([1, 2, 3]).sampler(rng)
    holds = threading.Event()

    def holding():
        with rng.lock:
            holds.set()
            time.sleep(0.1)
            draw()

    def drawing():
        holds.wait()
        draw()

    threads = [threading.Thread(target=target, daemon=True) for target in (holding, drawing)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
