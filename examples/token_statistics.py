"""Statistics of what a language model predicts, over logits that need not fit in memory.

It shows how sure the model is of its next tokens (the entropy of each position, as a perplexity),
how likely the likeliest token is, and which tokens would be drawn most often. The logits are an
array of shape (positions, vocabulary): that of a .npy file, of which only the chunks at work are in
memory; or, to try it, one that is made up chunk by chunk. With --workers, processes share the
chunks, and Dask's dashboard shows them at work.

    python examples/token_statistics.py
    python examples/token_statistics.py --logits logits.npy --temperature 0.7
    python examples/token_statistics.py --gigabytes 20 --workers 4
"""

import argparse
import sys

import dask
import dask.array as da
import numpy as np
from dask.diagnostics import ProgressBar

import softdraw.dask

VOCABULARY = 32_000
LEVELS = [1, 2, 5, 10, 100, 1_000, np.inf]  # of perplexity


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logits", metavar="FILE", help=".npy, of shape (positions, vocabulary)")
    parser.add_argument("--gigabytes", type=float, default=0.1, help="of made-up logits (0.1)")
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=7, help="for the tokens that are drawn")
    parser.add_argument("--workers", type=int, help="processes; without it, threads of this one")
    parser.add_argument("--chunk", type=float, default=32, metavar="MB", help="megabytes per chunk")
    arguments = parser.parse_args()
    if not arguments.temperature >= 0:
        parser.error("--temperature must be at least 0")
    if not arguments.gigabytes > 0 or not arguments.chunk > 0:
        parser.error("--gigabytes and --chunk must be positive")
    if arguments.seed < 0:
        parser.error("--seed must be at least 0")
    return arguments


def make_up(block_info):
    """Logits of some positions: few tokens are likely, and at some positions only one is."""
    (first, last), (_, vocabulary) = block_info[None]["array-location"]
    positions = np.arange(first, last, dtype=np.float32)[:, None]
    logits = np.random.default_rng(first).standard_normal((last - first, vocabulary), np.float32)
    logits -= np.log(np.arange(1, vocabulary + 1, dtype=np.float32))  # Zipf's law
    return logits * (1.5 + np.sin(positions)) * 2


def open_logits(arguments):
    """A lazy array, with whole positions in each chunk."""
    if arguments.logits:
        try:
            logits = np.load(arguments.logits, mmap_mode="r")
        except (OSError, ValueError) as error:
            sys.exit(f"token_statistics: {error}")
        rows = max(1, int(arguments.chunk * 1e6 / logits[:1].nbytes))
        return da.from_array(logits, chunks=(rows, -1))
    rows = max(1, int(arguments.chunk * 1e6 / (4 * VOCABULARY)))
    positions = max(1, int(arguments.gigabytes * 1e9 / (4 * VOCABULARY)))
    chunks = da.core.normalize_chunks((rows, -1), (positions, VOCABULARY))
    return da.map_blocks(
        make_up, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0), np.float32)
    )


def find_statistics(logits, temperature, seed):
    """Lazy results: nothing here is larger than one number per position, or one per token."""
    entropy = softdraw.dask.entropy(logits, temperature=temperature)
    tokens = softdraw.dask.sample_logits(logits, temperature=temperature, rng=seed)
    likelihood = softdraw.dask.log_softmax(logits, temperature=temperature).max(axis=1)
    levels, _ = da.histogram(da.exp(entropy.astype(float)), LEVELS)
    return {
        "perplexity": da.exp(entropy.astype(float).mean()),
        "levels": levels,
        "likelihood": da.exp(likelihood.astype(float)).mean(),
        "counts": da.bincount(tokens, minlength=logits.shape[1]),
    }


def compute(statistics, workers):
    """The numbers, in one pass over the logits."""
    if not workers:
        with ProgressBar():
            return dask.compute(statistics)[0]
    from distributed import Client

    with Client(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as client:
        print(f"the workers are shown at {client.dashboard_link}")
        return dask.compute(statistics)[0]


def main():
    arguments = read_arguments()
    logits = open_logits(arguments)
    positions, vocabulary = logits.shape
    print(
        f"{positions:,} positions of {vocabulary:,} tokens, {logits.nbytes / 1e9:.1f} GB "
        f"in {logits.npartitions} chunks; temperature {arguments.temperature:g}"
    )
    statistics = find_statistics(logits, arguments.temperature, arguments.seed)
    found = compute(statistics, arguments.workers)
    print(f"perplexity: {found['perplexity']:.4g}, of the mean entropy")
    for low, high, count in zip(LEVELS, LEVELS[1:], found["levels"], strict=False):
        print(f"  from {low:g} to {high:g}: {count / positions:.1%} of the positions")
    print(f"probability of the likeliest token: {found['likelihood']:.1%} in the mean")
    best = np.argsort(-found["counts"], kind="stable")[:8]
    shown = [f"{token} ({found['counts'][token]}x)" for token in best]
    print(f"tokens drawn most often: {', '.join(shown)}")


if __name__ == "__main__":
    main()
