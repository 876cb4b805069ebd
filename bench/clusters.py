"""What does softdraw.dask cost beside the kernels called by hand, and what do more workers gain?

python -m bench.clusters [--quick] [--chunk MB] [--chunks N] [SECTION ...]

Sections: alone, cost, workers, parts; all of them unless some are named. `alone` compares
softdraw.dask, by Dask's scheduler in one thread, with the same functions called chunk by chunk;
`cost` does so in a worker, which is a process of one thread and holds the chunks from the start;
`workers` compares one worker with two; `parts` measures what the model in docs/dask.md is made of.
Contenders take turns. Times on the wall mean little while anything else runs; CPU times mean more.
"""

import argparse
import functools
import statistics
import time

import dask
import dask.array as da
import distributed
import numpy as np

import softdraw
import softdraw.dask
from bench.cases import clock
from softdraw import _partials
from softdraw._bench import cpu_name, interleaved

TEMPERATURE = 0.7
WIDTH = 16_384  # items per row of a chunk
SPLIT = 4  # chunks per row where it is split
TABLE = softdraw.AliasTable(np.arange(1, 1_001))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--chunk", type=float, default=64, metavar="MB")
    parser.add_argument("--chunks", type=int, default=24, help="a multiple of 4")
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], metavar="SECTION")
    return parser.parse_args()


def start(workers):
    cluster = distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=":0", silence_logs=50
    )
    return distributed.Client(cluster)


def make_block(block_info):
    """Logits of one block."""
    (rows, items) = block_info[None]["chunk-shape"]
    rng = np.random.default_rng(7)
    return rng.standard_normal((rows, items), np.float32)


def make_logits(arguments, client, split):
    """Logits in the memory of the workers, with rows of one chunk or of several, and the futures of
    the chunks."""
    rows = int(arguments.chunk * 1e6 / 4 / WIDTH)
    across = SPLIT if split else 1
    down = arguments.chunks // across
    chunks = ((rows,) * down, (WIDTH,) * across)
    x = da.map_blocks(
        make_block, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0), np.float32)
    )
    if not client:
        x = x.persist(scheduler="sync")
        return x, [x.blocks[index].compute(scheduler="sync") for index in np.ndindex(x.numblocks)]
    x = client.persist(x)
    distributed.wait(x)
    return x, distributed.futures_of(x)


def seconds_of(contenders, rounds):
    """The seconds of each contender, a client and a call, in each round; they take turns. First
    those on the wall, then those of the CPU in the workers."""
    for _, call in contenders.values():
        call()
    wall, cpu = ({name: [] for name in contenders} for _ in range(2))
    for _ in range(rounds):
        for name, (client, call) in contenders.items():
            cpu_begin = sum(client.run(time.process_time).values())
            begin = time.perf_counter()
            call()
            wall[name].append(time.perf_counter() - begin)
            cpu[name].append(sum(client.run(time.process_time).values()) - cpu_begin)
    return wall, cpu


# ---- the same by hand ----------------------------------------------------------------------------


def softmax_by_hand(*chunks):
    return [softdraw.softmax(x, temperature=TEMPERATURE) for x in chunks]


def split_softmax_by_hand(*chunks):
    results = []
    for first in range(0, len(chunks), SPLIT):
        row = chunks[first : first + SPLIT]
        pieces = [_partials.find_partials(x, TEMPERATURE) for x in row]
        whole = _partials.combine_partials(np.stack(pieces, axis=1))
        results += [_partials.softmax_piece(x, whole) for x in row]
    return results


def logsumexp_by_hand(*chunks):
    return [softdraw.logsumexp(x, temperature=TEMPERATURE) for x in chunks]


def sample_logits_by_hand(*chunks):
    rng = softdraw.Xoshiro256(7)
    return [softdraw.sample_logits(x, temperature=TEMPERATURE, rng=rng) for x in chunks]


def sample_by_hand(draws, chunks):
    rng = softdraw.Xoshiro256(7)
    return [TABLE.sample(draws, rng=rng) for _ in range(chunks)]


def calls_of(arguments, client):
    """For each case: the bytes of its chunks, the call, and what does the same by hand."""
    size = arguments.chunk * 1e6 * arguments.chunks
    for name, split, call, by_hand in (
        ("softmax", False, softdraw.dask.softmax, softmax_by_hand),
        ("softmax, split axis", True, softdraw.dask.softmax, split_softmax_by_hand),
        ("logsumexp", False, softdraw.dask.logsumexp, logsumexp_by_hand),
        ("sample_logits", False, softdraw.dask.sample_logits, sample_logits_by_hand),
    ):
        x, futures = make_logits(arguments, client, split)
        named = {"rng": 7} if call is softdraw.dask.sample_logits else {}
        yield (
            name,
            size,
            lambda x=x, call=call, named=named: call(x, temperature=TEMPERATURE, **named),
            functools.partial(submit, client, by_hand, *futures),
        )
        del x, futures
    draws = int(arguments.chunk * 1e6 / 8)
    yield (
        "sample from a table",
        size,
        lambda: softdraw.dask.sample(TABLE, draws * arguments.chunks, chunks=draws, seed=7),
        functools.partial(submit, client, sample_by_hand, draws, arguments.chunks),
    )


def submit(client, function, *inputs):
    return client.submit(function, *inputs, pure=False) if client else function(*inputs)


def by_dask(client, call):
    """A contender: computes the result, leaves it on the workers, and lets go of it."""
    return client, lambda: distributed.wait(client.persist(call()))


def with_hands(client, submit):
    return client, lambda: distributed.wait(submit())


# ---- sections ------------------------------------------------------------------------------------


def show_alone(arguments):
    print("\nWithout a cluster: Dask's scheduler in this thread beside the same by hand\n")
    print("| call | CPU by hand | CPU of softdraw.dask | ratio |")
    print("|---|---|---|---|")
    for name, size, call, by_hand in calls_of(arguments, None):
        contenders = {"hand": by_hand, "dask": lambda call=call: call().persist(scheduler="sync")}
        clocks = {key: clock(each) for key, each in contenders.items()}
        rounds = 5 if arguments.quick else 15
        times = interleaved(clocks, rounds=rounds, least=0.0, most=float("inf"))
        least = {key: min(each) for key, each in times.items()}
        cells = [f"{1e3 * t:.0f} ms, {size / t / 1e9:.1f} GB/s" for t in least.values()]
        print(f"| {name} | {' | '.join(cells)} | {least['dask'] / least['hand']:.3f} |", flush=True)


def show_cost(arguments):
    print("\nOne worker: softdraw.dask beside one task that calls the same chunk by chunk\n")
    print("| call | by hand | softdraw.dask | ratio | CPU by hand | CPU of softdraw.dask | ratio |")
    print("|---|---|---|---|---|---|---|")
    with start(1) as client:
        for name, size, call, submit in calls_of(arguments, client):
            contenders = {"hand": with_hands(client, submit), "dask": by_dask(client, call)}
            cells = [name]
            for times in seconds_of(contenders, 3 if arguments.quick else 15):
                least = {key: min(each) for key, each in times.items()}
                cells += [f"{1e3 * t:.0f} ms, {size / t / 1e9:.1f} GB/s" for t in least.values()]
                cells.append(f"{least['dask'] / least['hand']:.2f}")
            print(f"| {' | '.join(cells)} |", flush=True)


def show_workers(arguments):
    print("\nTwo workers beside one\n")
    print("| call | one worker | two workers | gain of the least | median gain |")
    print("|---|---|---|---|---|")
    with start(1) as one, start(2) as two:
        for (name, _, call, _), (_, _, both, _) in zip(
            calls_of(arguments, one), calls_of(arguments, two), strict=True
        ):
            contenders = {"one": by_dask(one, call), "two": by_dask(two, both)}
            times, _ = seconds_of(contenders, 3 if arguments.quick else 15)
            least = {key: min(each) for key, each in times.items()}
            gains = [a / b for a, b in zip(times["one"], times["two"], strict=True)]
            print(
                f"| {name} | {1e3 * least['one']:.0f} ms | {1e3 * least['two']:.0f} ms | "
                f"{least['one'] / least['two']:.2f} | {statistics.median(gains):.2f} |",
                flush=True,
            )


def sizes_received(dask_worker):
    """The bytes of every key that the worker has got from another one."""
    return [size for each in dask_worker.transfer_incoming_log for size in each["keys"].values()]


def nothing(block):
    return block


def show_parts(arguments):
    print("\nThe parts of the model\n")
    with start(2) as client:
        count = 500
        x = da.zeros(count, chunks=1)
        call = lambda: x.map_blocks(nothing, dtype=float, name=f"nothing-{time.time()}")  # noqa: E731
        least = min(seconds_of({"tasks": by_dask(client, call)}, 3)[0]["tasks"])
        print(f"- {count} tasks that do nothing: {1e6 * least / count:.0f} us per task")
        for split in (4, 8):
            rows = 4_096
            pieces = np.stack(
                [
                    _partials.find_partials(np.zeros((rows, 4), np.float32), TEMPERATURE)
                    for _ in range(split)
                ],
                axis=1,
            )
            combine = lambda pieces=pieces: _partials.combine_partials(pieces)  # noqa: E731
            least = min(interleaved({"combine": clock(combine)})["combine"])
            print(f"- combining {split} partials: {1e9 * least / rows / split:.0f} ns per partial")
        x, _ = make_logits(arguments, client, split=True)
        distributed.wait(client.persist(softdraw.dask.softmax(x, temperature=TEMPERATURE)))
        sizes = [size for each in client.run(sizes_received).values() for size in each]
        partials = [size for size in sizes if size < 1e6]
        print(
            f"- softmax with {SPLIT} chunks per row on 2 workers moves partials of "
            f"{sum(partials) / x.shape[0]:.0f} bytes per row, at most {32 * (SPLIT + 2)} by the "
            f"model, and {len(sizes) - len(partials)} of {arguments.chunks} chunks"
        )


SECTIONS = {"alone": show_alone, "cost": show_cost, "workers": show_workers, "parts": show_parts}


def main():
    arguments = parse()
    print(f"{cpu_name()}, dask {dask.__version__}, distributed {distributed.__version__}")
    print(f"{arguments.chunks} chunks of {arguments.chunk:g} MB")
    for name in arguments.sections or SECTIONS:
        SECTIONS[name](arguments)


if __name__ == "__main__":
    main()
