"""What does softdraw.dask cost beside the kernels called by hand, and what do more workers gain?

python bench/clusters.py [--quick] [--chunk MB] [--chunks N] [SECTION ...]

Sections: cost, workers, parts; all of them unless some are named. Each worker is a process of one
thread, and holds its chunks in memory from the start. `cost` compares softdraw.dask with one task
that calls the same functions chunk by chunk; `workers` compares one worker with two; `parts`
measures what the model in docs/dask.md is made of. Contenders take turns. Times are by the clock on
the wall, so nothing else should run.
"""

import argparse
import statistics
import time

import compare
import dask
import dask.array as da
import distributed
import numpy as np

import softdraw
import softdraw.dask
from softdraw import _partials

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
    x = client.persist(x)
    distributed.wait(x)
    return x, distributed.futures_of(x)


def seconds_of(contenders, rounds):
    """The seconds of each contender in each round; they take turns."""
    for call in contenders.values():
        call()
    times = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            begin = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - begin)
    return times


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
            lambda futures=futures, by_hand=by_hand: client.submit(by_hand, *futures, pure=False),
        )
        del x, futures
    draws = int(arguments.chunk * 1e6 / 8)
    yield (
        "sample from a table",
        size,
        lambda: softdraw.dask.sample(TABLE, draws * arguments.chunks, chunks=draws, seed=7),
        lambda: client.submit(sample_by_hand, draws, arguments.chunks, pure=False),
    )


def by_dask(client, call):
    """A contender: computes the result, leaves it on the workers, and lets go of it."""

    def run():
        distributed.wait(client.persist(call()))

    return run


def with_hands(submit):
    def run():
        distributed.wait(submit())

    return run


# ---- sections ------------------------------------------------------------------------------------


def show_cost(arguments):
    print("\nOne worker: softdraw.dask beside one task that calls the same chunk by chunk\n")
    print("| call | by hand | softdraw.dask | ratio of the least | median ratio |")
    print("|---|---|---|---|---|")
    with start(1) as client:
        for name, size, call, submit in calls_of(arguments, client):
            contenders = {"hand": with_hands(submit), "dask": by_dask(client, call)}
            times = seconds_of(contenders, 3 if arguments.quick else 15)
            least = {key: min(each) for key, each in times.items()}
            ratios = [d / h for d, h in zip(times["dask"], times["hand"], strict=True)]
            shown = [f"{1e3 * t:.0f} ms, {size / t / 1e9:.1f} GB/s" for t in least.values()]
            print(
                f"| {name} | {shown[0]} | {shown[1]} | {least['dask'] / least['hand']:.2f} | "
                f"{statistics.median(ratios):.2f} |",
                flush=True,
            )


def show_workers(arguments):
    print("\nTwo workers beside one\n")
    print("| call | one worker | two workers | gain of the least | median gain |")
    print("|---|---|---|---|---|")
    with start(1) as one, start(2) as two:
        for (name, _, call, _), (_, _, both, _) in zip(
            calls_of(arguments, one), calls_of(arguments, two), strict=True
        ):
            contenders = {"one": by_dask(one, call), "two": by_dask(two, both)}
            times = seconds_of(contenders, 3 if arguments.quick else 15)
            least = {key: min(each) for key, each in times.items()}
            gains = [a / b for a, b in zip(times["one"], times["two"], strict=True)]
            print(
                f"| {name} | {1e3 * least['one']:.0f} ms | {1e3 * least['two']:.0f} ms | "
                f"{least['one'] / least['two']:.2f} | {statistics.median(gains):.2f} |",
                flush=True,
            )


def bytes_received(dask_worker):
    return sum(each["total"] for each in dask_worker.transfer_incoming_log)


def nothing(block):
    return block


def show_parts(arguments):
    print("\nThe parts of the model\n")
    with start(2) as client:
        for count in (500, 1_000):
            x = da.zeros(count, chunks=1)
            call = lambda x=x: x.map_blocks(nothing, dtype=float, name=f"no-{time.time()}")  # noqa: E731
            least = min(seconds_of({"tasks": by_dask(client, call)}, 5)["tasks"])
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
            least = min(seconds_of({"combine": combine}, 20)["combine"])
            print(f"- combining {split} partials: {1e9 * least / rows / split:.0f} ns per partial")
    # In the model, no idle worker takes chunks of another.
    with dask.config.set({"distributed.scheduler.work-stealing": False}), start(2) as client:
        x, _ = make_logits(arguments, client, split=True)
        before = sum(client.run(bytes_received).values())
        by_dask(client, lambda: softdraw.dask.softmax(x, temperature=TEMPERATURE))()
        received = sum(client.run(bytes_received).values()) - before
        rows, split = x.shape[0], SPLIT
        most = rows * 32 * 2 * split
        print(
            f"- softmax with {split} chunks per row moves {received / rows:.0f} bytes per row, "
            f"at most {most / rows:.0f} by the model; a row has {4 * WIDTH * split:,} bytes"
        )


SECTIONS = {"cost": show_cost, "workers": show_workers, "parts": show_parts}


def main():
    arguments = parse()
    print(compare.heading("numpy", "dask", "distributed"))
    print(f"{arguments.chunks} chunks of {arguments.chunk:g} MB")
    for name in arguments.sections or SECTIONS:
        SECTIONS[name](arguments)


if __name__ == "__main__":
    main()
