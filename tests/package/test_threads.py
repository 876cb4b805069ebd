"""Many threads at once on the same objects, with the GIL and, on a free-threaded build, without."""

import copy
import os
import pickle
import sys
import threading

import numpy as np
import pytest
from floats import FLOATS, needs_bfloat16
from processes import run

import softdraw
from softdraw import AliasTable, AliasTables, Xoshiro256

THREADS = 8
ROUNDS = 40
LARGE = 5000  # so many draws release the GIL
# A uniform distribution over 2^16 categories, in every form. The category is the top of the word.
SHIFT = np.uint64(48)
N = 2**16
TABLE = AliasTable(np.ones(N))
TABLES = AliasTables(np.ones(2 * N), [0, N, 2 * N])
LOGITS = np.zeros(N, np.float32)


@pytest.fixture(autouse=True)
def switch_often():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def run_together(*functions):
    """What the functions return, each called in a thread of its own, all of which start at once."""
    barrier = threading.Barrier(len(functions))
    results, errors = [None] * len(functions), []

    def work(i):
        try:
            barrier.wait(300)
            results[i] = functions[i]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not any(thread.is_alive() for thread in threads), "a thread did not end"
    if errors:
        raise errors[0]
    return results


def check_each_word_was_drawn_once(drawn, words):
    """drawn are categories, one for each of the words, in any order."""
    expected = (np.asarray(words) >> SHIFT).astype(np.int64)
    assert np.array_equal(np.sort(np.concatenate(drawn)), np.sort(expected))


# ---- tables ------------------------------------------------------------------------------------


def test_all_methods_of_a_shared_table():
    weights = np.arange(3000)
    words = Xoshiro256(1).random_raw(LARGE)

    def use(table):
        return [
            hash(table),
            table.map(words).tolist(),
            table.sample(LARGE, rng=7).tolist(),
            table.sample(rng=7),
            table.sampler(7)(LARGE).tolist(),
            table.units().tolist(),
            table.probabilities().tolist(),
            table.buckets.tolist(),
            table.buckets.base is None,
            pickle.loads(pickle.dumps(table)) == table,
            copy.deepcopy(table) == table,
            repr(table),
        ]

    expected = use(AliasTable(weights))
    for _ in range(3):
        table = AliasTable(weights)  # nobody has asked for its hash yet
        for result in run_together(*[lambda: use(table)] * THREADS):  # noqa: B023
            assert result == expected


def test_the_hash_of_a_shared_table():
    tables = [AliasTable([1, i + 1]) for i in range(500)]
    expected = [hash(AliasTable([1, i + 1])) for i in range(500)]
    for hashes in run_together(*[lambda: list(map(hash, tables))] * THREADS):
        assert hashes == expected


def test_all_methods_of_shared_tables():
    weights, indptr = np.arange(3000), [0, 1000, 1000, 3000]
    words = Xoshiro256(1).random_raw(LARGE)
    rows = np.arange(LARGE) % 2 * 2

    def use(tables):
        return [
            hash(tables),
            tables.map(rows, words).tolist(),
            tables.sample(rows, rng=7).tolist(),
            tables.sample(2, LARGE, rng=7).tolist(),
            tables.units().tolist(),
            tables.probabilities().tolist(),
            tables.nonempty.tolist(),
            tables[2] == AliasTable(weights[1000:]),
            pickle.loads(pickle.dumps(tables)) == tables,
            pickle.loads(pickle.dumps(tables[1:])) == tables[1:],
            repr(tables),
        ]

    expected = use(AliasTables(weights, indptr))
    for _ in range(3):
        tables = AliasTables(weights, indptr)
        for result in run_together(*[lambda: use(tables)] * THREADS):  # noqa: B023
            assert result == expected


# ---- generators --------------------------------------------------------------------------------


def categories(words):
    return (np.atleast_1d(np.asarray(words, np.uint64)) >> SHIFT).astype(np.int64)


def ways_to_draw(generator):
    """Functions that draw some categories, each with one word of the generator."""
    bits = generator.bit_generator if isinstance(generator, np.random.Generator) else generator
    numpys = np.random.Generator(bits)
    return [
        lambda: np.array([TABLE.sample(rng=generator)]),
        lambda: TABLE.sample(300, rng=generator),
        lambda: TABLE.sample(LARGE, rng=generator),
        lambda: np.array([TABLES.sample(1, rng=generator)]),
        lambda: TABLES.sample([0, 1], LARGE, rng=generator).ravel(),
        lambda: np.array([softdraw.sample_logits(LOGITS, rng=generator)]),
        lambda: softdraw.sample_logits(LOGITS, size=3, rng=generator),
        lambda: TABLE.map(bits.random_raw(10)),
        lambda: categories(bits.random_raw()),
        lambda: categories(numpys.integers(0, 2**64 - 1, 300, np.uint64, endpoint=True)),
    ]


@pytest.mark.parametrize("way", range(len(ways_to_draw(Xoshiro256(7)))))
def test_every_way_to_draw_gives_the_top_of_each_word(way):
    """Which the tests below take for granted."""
    drawn = ways_to_draw(Xoshiro256(7))[way]()
    assert drawn.tolist() == categories(Xoshiro256(7).random_raw(len(drawn))).tolist()


@pytest.mark.parametrize(
    "make",
    [Xoshiro256, np.random.PCG64, np.random.default_rng],
    ids=["Xoshiro256", "PCG64", "Generator"],
)
def test_a_shared_generator_gives_each_word_once(make):
    generator, again = make(7), make(7)
    bits, same = (getattr(each, "bit_generator", each) for each in (generator, again))

    def draw():
        return np.concatenate(
            [way() for _ in range(ROUNDS // 10) for way in ways_to_draw(generator)]
        )

    def look():
        for _ in range(ROUNDS):
            pickle.dumps(bits), copy.deepcopy(bits), bits.state

    *drawn, _, _ = run_together(*[draw] * THREADS, look, look)
    check_each_word_was_drawn_once(drawn, same.random_raw(sum(map(len, drawn))))
    assert bits.random_raw() == same.random_raw()  # and none is lost


def is_run_of(words, sequence, places):
    """Whether the words follow each other in the sequence, where a word is at places[word]."""
    start = places.get(int(words[0]))
    return start is not None and np.array_equal(words, sequence[start : start + len(words)])


def test_what_is_copied_while_others_draw_goes_on_from_one_place():
    generator = Xoshiro256(7)
    sequence = Xoshiro256(7).random_raw(2 * ROUNDS * THREADS * 333 + 20)
    places = {int(word): i for i, word in enumerate(sequence)}

    def draw():
        for _ in range(ROUNDS):
            generator.random_raw(33)
            TABLE.sample(300, rng=generator)

    def by_state():
        copied = Xoshiro256(0)
        copied.state = generator.state
        return copied

    def copy_often():
        ways = [
            by_state,
            lambda: copy.copy(generator),
            lambda: pickle.loads(pickle.dumps(generator)),
            lambda: pickle.loads(pickle.dumps(np.random.Generator(generator))).bit_generator,
        ]
        return [way().random_raw(20) for _ in range(ROUNDS) for way in ways]

    for runs in run_together(*[draw] * 4, *[copy_often] * 4)[4:]:
        assert all(is_run_of(words, sequence, places) for words in runs)


def test_a_state_that_is_set_while_others_draw_is_set_whole():
    generator = Xoshiro256(1)
    states = [Xoshiro256(1).state, Xoshiro256(2).state]
    sequence = np.concatenate([Xoshiro256(seed).random_raw(100_000) for seed in (1, 2)])
    places = {int(word): i for i, word in enumerate(sequence)}

    def set_often():
        for i in range(5 * ROUNDS):
            generator.state = states[i % 2]

    def draw():
        return [generator.random_raw(20) for _ in range(5 * ROUNDS)]

    for runs in run_together(set_often, set_often, *[draw] * 4)[2:]:
        assert all(is_run_of(words, sequence, places) for words in runs)


def test_spawned_and_jumped_while_others_draw():
    generator = Xoshiro256(7)

    def spawn():
        return [child.random_raw() for _ in range(ROUNDS) for child in generator.spawn(2)]

    def jump():
        return [generator.jumped(1 + i % 3).random_raw() for i in range(ROUNDS)]

    def draw():
        for _ in range(ROUNDS):
            TABLE.sample(300, rng=generator)

    children = run_together(spawn, spawn, spawn, spawn, jump, jump, draw, draw)[:4]
    assert sorted(word for words in children for word in words) == sorted(
        child.random_raw() for child in Xoshiro256(7).spawn(8 * ROUNDS)
    )


def test_a_generator_may_be_seeded_again_while_others_use_it():
    generator = Xoshiro256(7)
    ways = ways_to_draw(generator)

    def seed():
        for i in range(10 * ROUNDS):
            generator.__init__(i)

    def draw():
        for _ in range(ROUNDS):
            for way in ways:
                way()

    def look():
        for _ in range(ROUNDS):
            generator.state, generator.seed_seq, generator.jumped(), generator.spawn(1)
            copy.copy(generator), pickle.dumps(generator)

    run_together(seed, seed, *[draw] * 4, look, look)
    generator.__init__(7)
    assert generator.random_raw(20).tolist() == Xoshiro256(7).random_raw(20).tolist()


# ---- samplers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Xoshiro256, np.random.default_rng])
def test_a_shared_sampler_gives_each_word_once(make):
    draw = TABLE.sampler(make(7))

    def one_at_a_time():
        return np.array([draw() for _ in range(100 * ROUNDS)])

    def some_at_a_time():
        return np.concatenate([draw(1 + i % 7) for i in range(20 * ROUNDS)])

    def many_at_a_time():
        return np.concatenate([draw(LARGE) for _ in range(ROUNDS // 10)])

    drawn = run_together(*[one_at_a_time] * 4, *[some_at_a_time] * 2, *[many_at_a_time] * 2)
    source = make(7)
    words = getattr(source, "bit_generator", source).random_raw(sum(map(len, drawn)))
    check_each_word_was_drawn_once(drawn, words)


# ---- without rng -------------------------------------------------------------------------------


def test_each_thread_has_a_generator_of_its_own():
    def draw():
        first = [softdraw.sample_logits(LOGITS) for _ in range(8)]
        return (
            *first,
            *TABLE.sample(8),
            *TABLE.sampler()(8),
            *softdraw.sample_logits(LOGITS, size=8),
        )

    drawn = run_together(*[lambda: [draw() for _ in range(5)]] * THREADS)
    each = [numbers for of_thread in drawn for numbers in of_thread]
    assert len(set(each)) == len(each)
    assert all(0 <= number < N for numbers in each for number in numbers)


# ---- softmax and its relatives -----------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", FLOATS)
def test_threads_write_to_parts_of_one_array(dtype, axis):
    x = np.random.default_rng(7).normal(0, 3, (64, 99 * THREADS)).astype(dtype)
    out = np.empty_like(x)
    functions = [softdraw.softmax, softdraw.log_softmax]

    def work(i):
        part = np.s_[:, 99 * i : 99 * (i + 1)]
        for _ in range(ROUNDS // 4):
            functions[i % 2](x[part], temperature=0.7, axis=axis, out=out[part])
        for function in (softdraw.logsumexp, softdraw.entropy):
            function(x, axis=axis)

    run_together(*[lambda i=i: work(i) for i in range(THREADS)])
    for i in range(THREADS):
        part = np.s_[:, 99 * i : 99 * (i + 1)]
        expected = functions[i % 2](np.array(x[part]), temperature=0.7, axis=axis)
        assert out[part].tobytes() == expected.tobytes()


def test_draws_from_shared_logits_with_filters():
    """Whose scratch one call at a time takes from the last."""
    logits = np.random.default_rng(7).normal(0, 3, (20, 1000)).astype(np.float32)
    words = Xoshiro256(7).random_raw(20)
    parameters = [{"top_p": 0.9}, {"top_k": 5}, {"min_p": 0.01}, {"return_logprobs": True}]

    def draw():
        return [
            np.asarray(softdraw.sample_logits(logits[:rows], words=words[:rows], **each)).tolist()
            for _ in range(ROUNDS // 4)
            for each in parameters
            for rows in (1, 20)
        ]

    expected = draw()
    for result in run_together(*[draw] * THREADS):
        assert result == expected


# ---- first use ---------------------------------------------------------------------------------


FIRST_USE = """
import sys, threading
sys.setswitchinterval(1e-6)
barrier, results, threads = threading.Barrier(8), [], []

def work():
    barrier.wait(300)
    {imports}
    x = np.arange(24).reshape(3, 8).astype({dtype})
    tables = softdraw.AliasTables(x.ravel(), [0, 8, 24])
    results.append([
        softdraw.softmax(x[:, ::2], axis=0).tobytes(),
        softdraw.logsumexp(x, axis=None).tobytes(),
        softdraw.sample_logits(x, top_p=0.9, rng=7).tolist(),
        softdraw.temperature_for([1.0, 2.0], entropy=0.5),
        tables.sample([0, 1], 20, rng=7).tolist(),
        tables[1].sampler(7)(20).tolist(),
        len(tables[1].sample(20)),
        hash(tables[0]),
    ])

for _ in range(8):
    threads.append(threading.Thread(target=work, daemon=True))
    threads[-1].start()
for thread in threads:
    thread.join(300)
assert len(results) == 8
assert all(result == results[0] for result in results)
"""


@pytest.mark.parametrize("dtype", ["np.float32", pytest.param("bfloat16", marks=needs_bfloat16)])
def test_the_first_use_may_be_in_many_threads_at_once(dtype):
    imports = "import numpy as np, softdraw"
    if dtype == "bfloat16":
        imports += "; from ml_dtypes import bfloat16"
    run([sys.executable, "-c", FIRST_USE.format(imports=imports, dtype=dtype)], timeout=600)


@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="sanitizers take more stack")
def test_threads_with_128_kib_of_stack_are_enough_for_everything():
    code = """
import threading, numpy as np
from softdraw import *
def call():
    weights = np.random.default_rng(7).random(200_000)
    for dtype in (np.float16, np.float32, np.float64):
        x = weights.astype(dtype)
        for each in (x, x.reshape(-1, 10), x.reshape(10, -1)):
            for axis in (0, -1):
                softmax(each, axis=axis), log_softmax(each, axis=axis), logsumexp(each, axis=axis)
                entropy(each, axis=axis), softmax_vjp(each, each, axis=axis)
            sample_logits(each, top_k=5, top_p=0.9, min_p=0.1, rng=7, return_logprobs=True)
            sample_logits(each, top_p=0.9, rng=7)
        AliasTable(x).sample(10_000)
        AliasTables.from_logits(x, [0, 100_000, 200_000]).sample([0, 1], 10_000)
    temperature_for(weights, entropy=3)
    Xoshiro256(7).advance(2**100).jumped()
    print("done")
threading.stack_size(128 << 10)
thread = threading.Thread(target=call)
thread.start()
thread.join()
"""
    assert run([sys.executable, "-c", code]).stdout == "done\n"
