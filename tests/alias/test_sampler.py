"""A table with a generator: `table.sampler`."""

import copy
import gc
import pickle
import threading
import time

import numpy as np
import pytest
from messages import exactly
from processes import in_child, in_parent_and_child, needs_fork

from softdraw import AliasTable, Xoshiro256


def test_a_sampler_takes_its_generator_in_blocks_of_256():
    rng = Xoshiro256(7)
    draw = AliasTable([1, 1]).sampler(rng)
    words = Xoshiro256(7).random_raw(1000)
    assert Xoshiro256(7).state["buffer_pos"] == 8
    draw()
    assert rng.random_raw() == words[256]
    draw(256)  # 255 of the block, and one of the next
    assert rng.random_raw() == words[513]


def test_samplers_made_with_none_differ():
    table = AliasTable(np.ones(2**20))
    assert table.sampler()(20).tolist() != table.sampler()(20).tolist()


def test_threads_that_share_a_sampler_get_each_word_once():
    table = AliasTable(np.ones(2**20))
    draw = table.sampler(Xoshiro256(7))
    drawn = []

    def work():
        for _ in range(20):
            drawn.append(draw(5000))
            drawn.append(np.array([draw() for _ in range(300)]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = table.sample(4 * 20 * 5300, rng=Xoshiro256(7))
    assert np.sort(np.concatenate(drawn)).tolist() == np.sort(expected).tolist()


def test_single_draws_wait_while_another_thread_refills_the_block():
    """A long draw has the block to itself while it does not hold the GIL."""
    table = AliasTable(np.ones(2**20))
    draw = table.sampler(Xoshiro256(7))
    drawn, single = [], []

    def draw_many():
        for _ in range(4):
            drawn.append(draw(2**20))

    threads = [threading.Thread(target=draw_many) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        single.append(draw())
    drawn.append(np.array(single))
    drawn = np.concatenate(drawn)
    expected = table.sample(len(drawn), rng=Xoshiro256(7))
    assert (np.sort(drawn) == np.sort(expected)).all()


@pytest.mark.parametrize("make", [Xoshiro256, np.random.PCG64])
def test_a_sampler_whose_generator_has_lost_its_state_says_so(make):
    table, rng = AliasTable([1, 2, 3]), make(7)
    draw = table.sampler(rng)
    draw(200)
    np.random.BitGenerator.__init__(rng, 3)
    with pytest.raises(TypeError, match=f"^rng, of type {make.__name__}, has no state, because"):
        draw(1)
    drawn = [draw() for _ in range(56)]  # with what is left of its block
    assert drawn == table.sample(256, rng=make(7))[200:].tolist()
    with pytest.raises(TypeError, match=f"^rng, of type {make.__name__}, has no state, because"):
        draw()
    rng.__init__(9)
    if make is Xoshiro256:
        assert draw(500).tolist() == table.sample(500, rng=9).tolist()


@needs_fork
def test_a_forked_sampler_drops_its_block():
    table = AliasTable(np.ones(2**20))
    draw = table.sampler(Xoshiro256(7))
    draw()
    second = table.map(Xoshiro256(7).random_raw(512)[256:]).tolist()
    assert in_child(lambda: [draw() for _ in range(3)]) == second[:3]
    assert in_child(lambda: draw(3).tolist()) == second[:3]


@needs_fork
def test_a_forked_sampler_made_with_none_is_seeded_afresh():
    draw = AliasTable(np.ones(2**20)).sampler()
    draw()
    children = [in_child(lambda: [draw() for _ in range(300)]) for _ in range(2)]
    assert len({*map(tuple, children), tuple(draw(300).tolist())}) == 3


@needs_fork
def test_threads_of_a_forked_child_share_a_sampler_that_is_seeded_afresh():
    """One thread gives it a new generator while another one waits for the old one's lock."""
    draw = AliasTable(np.ones(2**20)).sampler()
    draw()
    (old,) = (each for each in gc.get_referents(draw) if isinstance(each, Xoshiro256))

    def child():
        drawn = []
        thread = threading.Thread(target=lambda: drawn.extend(draw(1000).tolist()))
        with old.lock:
            thread.start()
            time.sleep(0.2)
            draw()
        thread.join()
        return drawn

    drawn = in_child(child)
    assert len(set(drawn) & set(draw(5000).tolist())) < 50


@needs_fork
def test_a_sampler_that_is_made_while_a_signal_handler_forks_is_another_one_in_the_child():
    def draw():
        draw = AliasTable(np.ones(2**20)).sampler()
        return draw(20).tolist()

    parent, child = in_parent_and_child(draw, at="getrandbits")
    assert parent != child


def test_a_sampler_cannot_be_pickled_or_copied():
    text = (
        "a Sampler cannot be pickled or copied; pickle or copy its table and its generator, and "
        "make a sampler of them: table.sampler(rng)"
    )
    draw = AliasTable([1, 1]).sampler(7)
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=exactly(text)):
            attempt(draw)


def test_a_sampler_is_made_by_its_table():
    kind = type(AliasTable([1]).sampler())
    text = r"a Sampler is made by AliasTable.sampler\(rng\)"
    for make in (lambda: kind(), lambda: kind(AliasTable([1]), 7), lambda: kind.__new__(kind)):
        with pytest.raises(TypeError, match=f"^{text}$"):
            make()


def test_a_sampler_keeps_its_table():
    draw = AliasTable([0, 1]).sampler()
    assert draw(1000).tolist() == [1] * 1000
