"""softdraw.dask on a cluster of processes: the same results with any workers, lost or limited."""

import os
import signal
import sys
import time

import memory
import numpy as np
import pytest

import softdraw

da = pytest.importorskip("dask.array")
dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

import softdraw.dask as sd  # noqa: E402

# Nothing waits longer for the cluster than this many seconds.
PATIENCE = 120

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("default"),  # those of distributed are not ours
    pytest.mark.skipif(sys.platform == "emscripten", reason="needs processes"),
]


def start(environments, **options):
    """A cluster with a process of one thread for each environment."""
    workers = {
        number: {
            "cls": distributed.Nanny,
            "options": {"nthreads": 1, "env": environment, "dashboard": False, **options},
        }
        for number, environment in enumerate(environments)
    }
    scheduler = {"cls": distributed.Scheduler, "options": {"dashboard_address": ":0", "port": 0}}
    return distributed.SpecCluster(workers=workers, scheduler=scheduler, silence_logs=50)


@pytest.fixture(scope="module")
def client():
    """Two workers, one on the best tier of this CPU and one on the scalar tier."""
    environments = [{"SOFTDRAW_ISA": softdraw.cpu_info()["tiers"][-1]}, {"SOFTDRAW_ISA": "scalar"}]
    with start(environments) as cluster, distributed.Client(cluster, timeout=PATIENCE) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        yield client


def compute(client, *arrays):
    return client.gather(client.compute(list(arrays)), errors="raise")


LOGITS = np.random.default_rng(7).normal(size=(40, 3_000)).astype(np.float32) * 4


def test_the_workers_are_processes_of_different_tiers(client):
    def describe():
        return os.getpid(), softdraw.cpu_info()["tier"]

    pids, tiers = zip(*client.run(describe).values(), strict=True)
    assert len({os.getpid(), *pids}) == 3
    assert set(tiers) == {"scalar", softdraw.cpu_info()["tiers"][-1]}


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "entropy"])
def test_values(client, name):
    for dtype in (np.float32, np.float64):
        x = LOGITS.astype(dtype)
        whole = getattr(sd, name)(da.from_array(x, chunks=(3, -1)), temperature=0.7)
        split = getattr(sd, name)(da.from_array(x, chunks=(3, 700)), temperature=0.7)
        wanted = getattr(softdraw, name)(x, temperature=0.7)
        got, got_split = compute(client, whole, split)
        assert got.tobytes() == wanted.tobytes()
        assert got_split.tobytes() == split.compute(scheduler="synchronous").tobytes()
        np.testing.assert_allclose(got_split, wanted, rtol=3e-7 if dtype == np.float32 else 1e-15)


def test_every_worker_computes_the_same_bits(client):
    """The same call on each worker alone: one has AVX-512, say, and the other has not."""
    x = da.from_array(LOGITS, chunks=(7, 700))
    calls = [
        sd.softmax(x, temperature=0.7),
        sd.log_softmax(x),
        sd.logsumexp(x.astype(float)),
        sd.entropy(x),
        sd.sample_logits(x, temperature=0.7, rng=7),
        sd.sample_logits(x.rechunk((7, -1)), top_p=0.9, rng=7),
        sd.sample(softdraw.AliasTable(np.arange(1, 1_000)), 10_000, chunks=999, seed=7),
    ]

    def compute_here():
        return [each.compute(scheduler="synchronous").tobytes() for each in calls]

    results = client.run(compute_here).values()
    assert len(results) == 2
    assert all(result == compute_here() for result in results)


def test_draws(client):
    x = da.from_array(LOGITS, chunks=(3, -1))
    table = softdraw.AliasTable(np.arange(1, 1_000))
    got, got_of_table = compute(
        client,
        sd.sample_logits(x, top_p=0.9, size=5, rng=7),
        sd.sample(table, 100_000, chunks=7_777, seed=7),
    )
    assert (got == softdraw.sample_logits(LOGITS, top_p=0.9, size=5, rng=7)).all()
    assert (got_of_table == table.sample(100_000, rng=7)).all()


def test_each_worker_gets_the_table_once(client):
    table = softdraw.AliasTable(np.arange(1, 100_001))

    def count(dask_worker):
        return sum(isinstance(value, softdraw.AliasTable) for value in dask_worker.data.values())

    draws = sd.sample(table, 100_000, chunks=1_000, seed=7).persist()
    distributed.wait(draws, timeout=PATIENCE)
    assert max(client.run(count).values()) <= 1


def test_errors_come_from_workers_with_global_places(client):
    logits = LOGITS.copy()
    logits[33, 2_345] = np.nan
    for chunks in ((3, -1), (3, 700)):
        draws = sd.sample_logits(da.from_array(logits, chunks=chunks), rng=7)
        with pytest.raises(ValueError, match=r"logits\[33, 2345\] is nan"):
            compute(client, draws)
    t = da.from_array(np.where(np.arange(40) == 30, -1.0, 1.0), chunks=7)
    with pytest.raises(ValueError, match=r"temperature\[30\] must be >= 0, got -1"):
        compute(client, sd.softmax(da.from_array(LOGITS, chunks=(3, 700)), temperature=t))


def slowly(block):
    time.sleep(0.1)
    return block


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_worker_that_is_killed_midway_changes_nothing():
    x = da.from_array(LOGITS, chunks=(4, 700)).map_blocks(slowly, dtype=np.float32, meta=LOGITS[:0])
    calls = [sd.softmax(x, temperature=0.7), sd.sample_logits(x, rng=7)]
    wanted = [each.compute(scheduler="threads").tobytes() for each in calls]
    with start([{}, {}]) as cluster, distributed.Client(cluster, timeout=PATIENCE) as client:
        client.wait_for_workers(2, timeout=PATIENCE)
        pids = client.run(os.getpid)
        futures = client.compute(calls)
        end = time.monotonic() + PATIENCE
        # once it holds results, of which others will be computed again
        victim = next(iter(pids))
        while not client.run(lambda dask_worker: len(dask_worker.data))[victim] >= 3:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert not any(future.done() for future in futures)
        os.kill(pids[victim], signal.SIGKILL)
        got = [future.result(timeout=PATIENCE).tobytes() for future in futures]
        assert pids[victim] not in client.run(os.getpid).values()
    assert got == wanted


def block_of_logits(block_info):
    """Logits that cost little to make, a block at a time."""
    (first, end), (begin, stop) = block_info[None]["array-location"]
    rows = np.arange(first, end, dtype=np.float32)[:, None]
    return np.sin(rows * 0.37 + np.arange(begin, stop, dtype=np.float32) * 0.11) * np.float32(9)


def peak_memory():
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs the module resource")
def test_arrays_of_ten_gigabytes_pass_through_workers_of_two(tmp_path):
    memory.need_memory(6)
    shape, chunks = (20_480, 131_072), ((256,) * 80, (65_536,) * 2)
    x = da.map_blocks(
        block_of_logits, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0), np.float32)
    )
    assert x.nbytes > 10e9
    with (
        start([{}, {}], memory_limit="2GB", local_directory=str(tmp_path)) as cluster,
        distributed.Client(cluster, timeout=PATIENCE) as client,
    ):
        client.wait_for_workers(2, timeout=PATIENCE)
        pids = set(client.run(os.getpid).values())
        top, drawn = compute(
            client, sd.softmax(x, temperature=0.7).max(axis=1), sd.sample_logits(x, rng=7)
        )
        peaks = client.run(peak_memory)
        assert set(client.run(os.getpid).values()) == pids  # none was ended for its memory
    print("peak memory of the workers:", *(f"{peak / 1e6:.0f} MB" for peak in peaks.values()))
    assert max(peaks.values()) < 2e9
    assert top.shape == drawn.shape == (shape[0],)
    some = slice(500, 512)
    whole = np.hstack([x.blocks[1, j].compute(scheduler="synchronous") for j in range(2)])[244:]
    wanted = softdraw.softmax(whole, temperature=0.7).max(axis=1)
    np.testing.assert_allclose(top[some], wanted, rtol=3e-7)
