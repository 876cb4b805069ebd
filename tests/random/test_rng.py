"""What `rng=` may be."""

import contextlib
import copy
import pickle
import re
import threading
import time
import weakref

import numpy as np
import pytest
from generators import TABLE, Child
from messages import exactly
from numpy.random import PCG64, Generator, RandomState, SeedSequence
from numpy.random.bit_generator import ISeedSequence
from processes import in_child, in_parent_and_child, needs_fork

import softdraw
from softdraw import AliasTable, Xoshiro256


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
        (np.ones((2, 2), int), "an array of dtype int64 and shape (2, 2)"),
        (np.array(7), "an array of dtype int64 and shape ()"),
        (np.array([1.5]), "an array of dtype float64 and shape (1,)"),
        (RandomState(7), "numpy.random.mtrand.RandomState"),
        (np.random, "module"),
        (Torch.Generator(), "test_rng.Torch.Generator"),
    ],
)
def test_other_rng_is_refused(rng, got):
    text = re.escape(
        "rng must be None, an int, a sequence of ints or a numpy.random.SeedSequence, BitGenerator "
        f"or Generator, got {got}"
    )
    with pytest.raises(TypeError, match=f"^{text}$"):
        TABLE.sample(rng=rng)
    with pytest.raises(TypeError, match=f"^{text}$"):
        TABLE.sampler(rng)


@pytest.mark.parametrize(
    ("rng", "error", "text"),
    [
        (-1, ValueError, "rng must be >= 0, got -1"),
        ([1, -2], ValueError, "rng[1] must be >= 0, got -2"),
        ([1, 2.5], TypeError, "rng[1] must be an integer, got float"),
        ([True], TypeError, "rng[0] must be an integer, got bool"),
        ((7, [8]), TypeError, "rng[1] must be an integer, got list"),
    ],
)
def test_a_wrong_number_in_a_seed_is_named(rng, error, text):
    for call in (TABLE.sample, TABLE.sampler):
        with pytest.raises(error, match=exactly(text)):
            call(rng=rng)


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


@pytest.mark.parametrize("kind", [Xoshiro256, np.random.PCG64, np.random.MT19937])
def test_a_generator_that_lost_its_state_to_the_init_of_its_base_is_refused(kind):
    tables = softdraw.AliasTables([1, 1], [0, 2])
    rng = kind(1)
    np.random.BitGenerator.__init__(rng, 5)
    for call in (
        lambda: TABLE.sample(rng=rng),
        lambda: TABLE.sample(3, rng=np.random.Generator(rng)),
        lambda: TABLE.sampler(rng),
        lambda: tables.sample(0, rng=rng),
        lambda: softdraw.sample_logits([0.0, 1.0], rng=rng),
    ):
        with pytest.raises(
            TypeError, match=f"^rng, of type {kind.__name__}, has no state, because"
        ):
            call()


def test_a_generator_that_lost_its_state_has_one_when_it_is_seeded_again():
    rng = Xoshiro256(1)
    lock = rng.lock
    np.random.BitGenerator.__init__(rng, 5)
    rng.__init__(7)
    assert rng.random_raw() == Xoshiro256(7).random_raw()
    assert rng.lock is lock


def test_a_generator_that_is_seeded_again_gives_the_address_of_its_state():
    rng = Xoshiro256(1)
    expected = rng.ctypes.state_address
    np.random.BitGenerator.__init__(rng, 5)
    assert rng.ctypes.state_address == 0
    rng.__init__(7)
    assert rng.ctypes.state_address == expected


class Seeds(ISeedSequence):
    def generate_state(self, n_words, dtype=np.uint32):
        return np.arange(1, n_words + 1, dtype=dtype)


def test_what_a_generator_loses_when_it_is_seeded_again_may_look_at_it():
    """A function that is called as an object goes must not find it where it was."""
    rng, found = Xoshiro256(Seeds()), []
    seeds = weakref.ref(rng.seed_seq, lambda _: found.append(rng.seed_seq.entropy))
    rng.__init__(5)
    np.random.BitGenerator.__init__(rng, 2)
    lock = weakref.ref(rng.lock, lambda _: found.append(type(rng.lock)))
    rng.__init__(3)
    assert found == [5, type(Xoshiro256(1).lock)]
    assert seeds() is None
    assert lock() is None


def test_a_generator_is_free_when_its_seed_sequence_goes():
    class Waits(Seeds):
        def __del__(self):
            thread = threading.Thread(target=lambda: drawn.append(rng.random_raw()))
            thread.start()
            thread.join(60)
            ended.append(not thread.is_alive())

    drawn, ended = [], []
    rng = Xoshiro256(Waits())
    rng.__init__(5)
    assert ended == [True]
    assert drawn == [Xoshiro256(5).random_raw()]


class Forgets(Xoshiro256):
    def __init__(self, seed):
        pass


class NamesTheWrongBase(Xoshiro256):
    def __init__(self, seed):
        np.random.BitGenerator.__init__(self, seed)


@pytest.mark.parametrize("kind", [Forgets, NamesTheWrongBase])
def test_a_subclass_that_forgets_the_init_of_its_base_is_told_so(kind):
    rng = kind(7)
    for call in (
        lambda: rng.state,
        lambda: setattr(rng, "state", Xoshiro256(7).state),
        lambda: rng.advance(1),
        lambda: rng.jumped(),
        lambda: rng.spawn(1),
        lambda: copy.copy(rng),
        lambda: pickle.dumps(rng),
        lambda: TABLE.sample(rng=rng),
    ):
        with pytest.raises(
            TypeError, match=f"^__init__ of this {kind.__name__} has not been called; "
        ):
            call()


def test_a_generator_without_a_seed_sequence_says_so():
    with pytest.raises(TypeError, match="^__init__ of this Forgets has not been called; "):
        Forgets(7).seed_seq  # noqa: B018


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


@pytest.mark.parametrize("kind", [Xoshiro256, np.random.PCG64, np.random.MT19937])
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: TABLE.sample(rng=rng),
        lambda rng: TABLE.sample(5000, rng=rng),
        lambda rng: TABLE.sample(300_000, rng=rng, workers=2),
        lambda rng: softdraw.AliasTables([1, 1], [0, 2]).sample(0, rng=rng, size=5000),
        lambda rng: softdraw.sample_logits(np.zeros(2), rng=rng),
        lambda rng: softdraw.sample_logits([0.0, 1.0], rng=rng, size=5000),
    ],
)
def test_a_draw_that_waits_goes_on_where_the_state_is_taken_away_meanwhile(kind, draw):
    def draw_unless_late(rng, drawn):
        with contextlib.suppress(TypeError):  # the state was gone before the draw began
            drawn.append(draw(rng))

    for seconds in (0.02, 0.5, 5, 30):  # until the thread has been fast enough
        rng, drawn = kind(7), []
        lock = rng.lock
        thread = threading.Thread(target=draw_unless_late, args=(rng, drawn))
        with lock:
            thread.start()
            time.sleep(seconds)
            np.random.BitGenerator.__init__(rng, 3)
        thread.join(60)
        assert lock.acquire(blocking=False)
        if drawn:
            break
    assert np.all(drawn[0] == draw(kind(7)))
    rng.__init__(5)
    assert rng.random_raw() == kind(5).random_raw()


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


class Converted:
    """An argument whose conversion runs Python code."""

    def __array__(self, dtype=None, copy=None):
        return np.zeros(8, int)

    def __index__(self):
        return 8


@needs_fork
@pytest.mark.parametrize(
    ("draw", "at"),
    [
        (lambda: TABLE.sample(8), "getrandbits"),
        (lambda: TABLE.sample(Converted()), "__index__"),
        (lambda: softdraw.AliasTables(np.ones(99), [0, 99]).sample(Converted()), "__array__"),
        (lambda: softdraw.sample_logits(Converted(), size=8), "__array__"),
        (lambda: softdraw.sample_logits(np.zeros(99), size=Converted()), "__index__"),
    ],
)
def test_none_is_another_generator_in_a_child_that_is_forked_within_a_call(draw, at):
    results = in_child(lambda: in_parent_and_child(lambda: np.ravel(draw()).tolist(), at=at))
    assert results[0] != results[1]


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
