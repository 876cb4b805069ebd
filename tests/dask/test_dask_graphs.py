"""Graphs of softdraw.dask: lazy, named by their arguments, fused, and small."""

import pickle

import numpy as np
import pytest
from dask_cases import FUNCTIONS, X, da, dask, lazy

import softdraw
import softdraw.dask as sd
from softdraw.dask import _words

pytestmark = pytest.mark.usefixtures("in_this_thread")

# After dask_cases, which skips this file where there is no Dask
from dask._task_spec import Alias  # noqa: E402


def test_nothing_is_computed_before_it_is_asked_for():
    def fail(block):
        raise AssertionError("computed")

    x = lazy(X, (2, 5, 9)).map_blocks(fail, dtype=np.float64, meta=X[:0])
    for name in FUNCTIONS:
        assert getattr(sd, name)(x).dtype == np.float64
    assert sd.sample_logits(x, rng=7).shape == (6, 5)


def test_chunks_of_results_are_those_of_the_input():
    x = lazy(X, (2, (1, 4), 9))
    assert sd.softmax(x).chunks == x.chunks
    assert sd.log_softmax(x, axis=0).chunks == x.chunks
    assert sd.logsumexp(x).chunks == x.chunks[:2]
    assert sd.entropy(x, axis=1, keepdims=True).chunks == (x.chunks[0], (1,), x.chunks[2])
    assert sd.sample_logits(x, size=3, rng=7).chunks == (*x.chunks[:2], (3,))


def test_the_same_call_has_the_same_name_and_the_same_result_twice():
    x = lazy(X, (2, 5, 9))
    for make in (
        lambda: sd.softmax(x, temperature=0.7),
        lambda: sd.entropy(x),
        lambda: sd.sample_logits(x, rng=7),
        lambda: sd.sample(softdraw.AliasTable([1, 2, 3]), 100, chunks=30, seed=7),
    ):
        assert make().name == make().name
        result = make()
        assert (result.compute() == result.compute()).all()
        assert (result.persist().compute() == result.compute()).all()
    assert sd.sample_logits(x, rng=7).name != sd.sample_logits(x, rng=8).name
    fresh = sd.sample_logits(x)
    assert (fresh.compute() == fresh.compute()).all()
    assert fresh.name != sd.sample_logits(x).name


@pytest.mark.parametrize("name", [*FUNCTIONS, "sample_logits"])
def test_operations_on_chunks_are_fused_with_the_call(name):
    x = da.random.default_rng(7).normal(size=(8, 4), chunks=(2, 4)) * 2 + 1
    (result,) = dask.optimize(getattr(sd, name)(x) - 1)
    tasks = [task for task in dict(result.__dask_graph__()).values() if not isinstance(task, Alias)]
    assert len(tasks) == 4  # one per chunk


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_schedulers_of_one_machine(scheduler):
    x = lazy(X.astype(np.float32), (2, 5, 9))
    for result in (sd.softmax(x), sd.sample_logits(x, rng=7), sd.entropy(x)):
        wanted = result.compute()
        assert (result.compute(scheduler=scheduler, num_workers=2) == wanted).all()


def test_the_graph_has_the_table_once():
    table = softdraw.AliasTable(np.arange(1, 100_001))
    (result,) = dask.optimize(sd.sample(table, 1_000, chunks=10, seed=7) + 1)
    tasks = dict(result.__dask_graph__()).values()
    assert sum(len(pickle.dumps(task)) for task in tasks) < 1.5 * table.nbytes


def test_the_words_of_blocks_pickle():
    words = _words.Words(softdraw.Xoshiro256(7), (4, 5))
    again = pickle.loads(pickle.dumps(words))
    assert (again.take([(1, 3), (2, 5)]) == words.take([(1, 3), (2, 5)])).all()
