"""The state of Xoshiro256: read, set, pickled, copied, and of spawned children."""

import copy
import json
import pickle
import threading

import numpy as np
import pytest
from generators import MASK, Child, lanes, stream
from messages import exactly
from numpy.random import PCG64, Generator, SeedSequence
from processes import in_child, needs_fork
from threads import run_threads

from softdraw import Xoshiro256


@pytest.fixture
def used():
    """A generator in the middle of a block and of a word."""
    generator = Xoshiro256(7)
    generator.random_raw(11)
    Generator(generator).integers(0, 2**32, dtype=np.uint32)
    return generator


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
        (["bit_generator"], KeyError, ValueError, "state has no 'bit_generator'"),
        (["buffer"], KeyError, ValueError, "state has no 'buffer'"),
        (["state", "s"], KeyError, ValueError, "state has no 's'"),
        (["state"], 3, TypeError, "state['state'] must be a mapping, got int"),
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
    with pytest.raises(error, match=exactly(text)):
        used.state = changed(before, *path, to=to)
    assert str(used.state) == str(before)


@pytest.mark.parametrize("name", ["buffer", "buffer_pos", "has_uint32", "uinteger"])
def test_an_error_of_a_value_of_the_state_is_not_a_missing_key(used, name):
    class Lost:
        def __array__(self, dtype=None, copy=None):
            raise KeyError("no such dataset")

    with pytest.raises(KeyError, match="^'no such dataset'$"):
        used.state = {**used.state, name: Lost()}


def test_state_must_be_a_dict(used):
    with pytest.raises(TypeError, match="^state must be a mapping, got int$"):
        used.state = 3


def test_spawned_children_differ_and_come_from_the_seed_sequence():
    children = Xoshiro256(7).spawn(2)
    expected = [Xoshiro256(seed) for seed in SeedSequence(7).spawn(2)]
    assert [stream(child) for child in children] == [stream(child) for child in expected]
    assert stream(children[0]) != stream(children[1])


@pytest.mark.parametrize("made", [None, PCG64(1), Xoshiro256.__new__(Xoshiro256)])
def test_a_subclass_that_makes_something_else_is_told_so(made):
    class Odd(Xoshiro256):
        def __new__(cls, seed):
            return super().__new__(cls) if seed == 7 else made

    rng = Odd(7)
    for call in (rng.jumped, lambda: rng.spawn(1)):
        with pytest.raises(TypeError, match=r"^(Odd\(seed_sequence\) must make|__init__ of this)"):
            call()


def test_spawn_within_spawn_is_refused():
    """NumPy's seed sequences would give the same children twice."""
    made = []

    class Seeds(SeedSequence):
        def spawn(self, n):
            made.extend(rng.spawn(1) if n > 1 else [])
            return super().spawn(n)

    rng = Xoshiro256(Seeds(7))
    with pytest.raises(
        RuntimeError, match="^spawn cannot be called while it runs in the same thread"
    ):
        rng.spawn(2)
    assert not made
    assert len(rng.spawn(1)) == 1  # and afterwards it can


@needs_fork
def test_a_child_that_is_forked_within_spawn_can_spawn():
    within, go_on = threading.Event(), threading.Event()

    class Seeds(SeedSequence):
        def spawn(self, n):
            if threading.current_thread() is thread:
                within.set()
                go_on.wait(60)
            return super().spawn(n)

    rng = Xoshiro256(Seeds(7))
    thread = threading.Thread(target=rng.spawn, args=(1,))
    thread.start()
    assert within.wait(60)
    try:
        assert in_child(lambda: len(rng.spawn(2))) == 2
    finally:
        go_on.set()
        thread.join()


@pytest.mark.parametrize("children", [None, [], "ab"])
def test_a_seed_sequence_that_spawns_something_else_is_told_so(children):
    class Seeds(SeedSequence):
        def spawn(self, n):
            return children

    with pytest.raises(
        TypeError, match=r"^spawn\(2\) of the seed sequence, of type Seeds, must give"
    ):
        Xoshiro256(Seeds(7)).spawn(2)


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
