"""Learn word vectors by skip-grams with negative sampling, as word2vec does.

A pair of neighbouring words, drawn in proportion to its count, should get a high score. The first
of them with other words that are drawn at random, the negatives, should get low scores. Mikolov
and others (2013) draw negatives in proportion to the words' counts to the power 0.75, from a table
of 100 million slots; an alias table needs about one entry per word. The package symspellpy has the
words and pairs.

    python examples/negative_sampling.py --seed 1
"""

import argparse
import sys
from importlib.resources import files

import numpy as np

import softdraw

PAIRS = "frequency_bigramdictionary_en_243_342.txt"
POWER = 0.75  # between the counts themselves and equal shares: rarer words come more often


def load(most):
    """The `most` commonest words, their counts in pairs, and pairs of them: left, right, count."""
    text = (files("symspellpy") / PAIRS).read_text(encoding="utf-8-sig")
    left, right, count = zip(*(line.split() for line in text.splitlines()), strict=True)
    count = np.array(count, np.int64)
    words, number = np.unique(left + right, return_inverse=True)
    totals = np.bincount(number, np.r_[count, count])
    kept = np.argsort(-totals, kind="stable")[:most]
    rank = np.full(len(words), -1)
    rank[kept] = np.arange(len(kept))
    left, right = rank[number].reshape(2, -1)
    both = (left >= 0) & (right >= 0)
    return words[kept], totals[kept], left[both], right[both], count[both]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def train(pairs, negatives, size, options, rng):
    """Vectors of words on the left and on the right, and the mean loss of each step."""
    left, right, count = pairs
    pair_table = softdraw.AliasTable(count)
    generator = np.random.Generator(rng)
    ins = generator.normal(0, 0.1, (size, options.dimensions))
    outs = np.zeros((size, options.dimensions))
    losses = []
    for _ in range(options.steps):
        drawn = pair_table.sample(options.batch, rng=rng)
        centre = left[drawn]
        others = negatives.sample((options.batch, options.negatives), rng=rng)
        context = np.column_stack([right[drawn], others])
        wanted = np.zeros(context.shape)
        wanted[:, 0] = 1
        scores = np.einsum("bd,bkd->bk", ins[centre], outs[context])
        losses.append(np.logaddexp(0, np.where(wanted, -scores, scores)).sum(1).mean())
        slope = options.rate * (wanted - sigmoid(scores))
        towards_out = np.einsum("bk,bkd->bd", slope, outs[context])
        np.add.at(outs, context, slope[:, :, None] * ins[centre][:, None])
        np.add.at(ins, centre, towards_out)
    return ins, outs, losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="seed of all draws (default: 1)")
    parser.add_argument(
        "--words", type=int, default=2000, help="number of words, the commonest (default: 2,000)"
    )
    parser.add_argument("--steps", type=int, default=1500, help="number of steps (default: 1,500)")
    parser.add_argument("--batch", type=int, default=200, help="pairs per step (default: 200)")
    parser.add_argument("--negatives", type=int, default=5, help="negatives per pair (default: 5)")
    parser.add_argument(
        "--dimensions", type=int, default=16, help="length of a vector (default: 16)"
    )
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate (default: 0.1)")
    options = parser.parse_args()
    if min(options.words, options.steps, options.batch, options.negatives, options.dimensions) < 1:
        parser.error("all numbers must be at least 1")
    if options.seed < 0:
        parser.error("--seed must be at least 0")
    try:
        words, totals, *pairs = load(options.words)
    except ModuleNotFoundError as error:
        sys.exit(f"negative_sampling: needs the package symspellpy ({error})")

    negatives = softdraw.AliasTable(totals**POWER)
    rng = softdraw.Xoshiro256(options.seed)
    print(f"Share of {words[0]}: {totals[0] / totals.sum():.2%} of all words, ", end="")
    print(f"{negatives.probabilities()[0]:.2%} of negatives")
    ins, outs, losses = train(pairs, negatives, len(words), options, rng)
    tenth = max(1, len(losses) // 10)
    print(f"Loss: {np.mean(losses[:tenth]):.2f} at first, {np.mean(losses[-tenth:]):.2f} at last")
    for word in ("new", "more", "would"):
        here = np.flatnonzero(words == word)
        if len(here):
            best = np.argsort(-outs @ ins[here[0]])[:5]
            print(f"After {word}: {', '.join(words[best])}")


if __name__ == "__main__":
    main()
