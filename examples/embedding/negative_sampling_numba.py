"""Learn word vectors as examples/negative_sampling.py does, pair by pair in one compiled loop.

This is the inner loop of word2vec, as its authors wrote it in C. It draws a pair of neighbours in
proportion to its count, and moves their vectors closer together. It also draws a few other words,
in proportion to their counts to the power 0.75, and moves their vectors away. Both draws come from
alias tables and take a few nanoseconds each.

    python examples/embedding/negative_sampling_numba.py --seed 1
"""

import argparse
import math
import sys
import time
from pathlib import Path

import numba
import numpy as np

import softdraw
import softdraw.numba as kernels

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from negative_sampling import POWER, load


@numba.njit
def train(left, right, pairs, negatives, ins, outs, rate, negatives_each, steps, words):
    """Changes ins and outs; returns the mean loss of the first and of the last tenth."""
    pair_buckets, pair_bits = pairs
    word_buckets, word_bits = negatives
    dimensions = ins.shape[1]
    towards = np.empty(dimensions, ins.dtype)
    tenth = max(1, steps // 10)
    first = last = 0.0
    for step in range(steps):
        pair = kernels.draw(pair_buckets, pair_bits, kernels.next_word(words))
        centre = ins[left[pair]]
        towards[:] = 0
        loss = 0.0
        for k in range(negatives_each + 1):
            wanted, other = 1.0, np.int64(right[pair])
            if k > 0:
                wanted = 0.0
                other = kernels.draw(word_buckets, word_bits, kernels.next_word(words))
            context = outs[other]
            score = 0.0
            for i in range(dimensions):
                score += centre[i] * context[i]
            chance = 1 / (1 + math.exp(-score))
            loss -= math.log(chance if k == 0 else 1 - chance)
            slope = rate * (wanted - chance)
            for i in range(dimensions):
                towards[i] += slope * context[i]
                context[i] += slope * centre[i]
        for i in range(dimensions):
            centre[i] += towards[i]
        if step < tenth:
            first += loss / tenth
        if step >= steps - tenth:
            last += loss / tenth
    return first, last


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="seed of all draws (default: 1)")
    parser.add_argument(
        "--words", type=int, default=2000, help="number of words, the commonest (default: 2,000)"
    )
    parser.add_argument(
        "--pairs", type=int, default=300_000, help="pairs to draw (default: 300,000)"
    )
    parser.add_argument("--negatives", type=int, default=5, help="negatives per pair (default: 5)")
    parser.add_argument(
        "--dimensions", type=int, default=16, help="length of a vector (default: 16)"
    )
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate (default: 0.1)")
    options = parser.parse_args()
    if min(options.words, options.pairs, options.negatives, options.dimensions) < 1:
        parser.error("all numbers must be at least 1")
    try:
        words, totals, left, right, count = load(options.words)
    except ModuleNotFoundError as error:
        sys.exit(f"negative_sampling_numba: needs the package symspellpy ({error})")

    rng = softdraw.Xoshiro256(options.seed)
    ins = np.random.Generator(rng).normal(0, 0.1, (len(words), options.dimensions))
    outs = np.zeros((len(words), options.dimensions))
    pairs = kernels.table(softdraw.AliasTable(count))
    negatives = kernels.table(softdraw.AliasTable(totals**POWER))
    state = kernels.generator(rng)
    fixed = (left, right, pairs, negatives, ins, outs, options.rate, options.negatives)
    train(*fixed, 0, state)  # compiles
    start = time.perf_counter()
    first, last = train(*fixed, options.pairs, state)
    seconds = time.perf_counter() - start
    print(f"Loss: {first:.2f} at first, {last:.2f} at last")
    for word in ("new", "more", "would"):
        here = np.flatnonzero(words == word)
        if len(here):
            best = np.argsort(-outs @ ins[here[0]])[:5]
            print(f"After {word}: {', '.join(words[best])}")
    print(f"{seconds / options.pairs * 1e9:.0f} ns per pair")


if __name__ == "__main__":
    main()
