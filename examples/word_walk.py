"""Send thousands of walkers from word to word, each step one draw from a table of its own.

The package symspellpy has 242,342 English word pairs with their counts on the web. The words that
follow a word are a row of `softdraw.AliasTables`, and one call makes a step of all walkers: it
draws a category from the row of each walker. A walker at a word that nothing follows starts again,
at a word drawn in proportion to its count. The program prints some walks, and the words that
walkers visit most often.

    python examples/word_walk.py --seed 1
"""

import argparse
import sys
from importlib.resources import files

import numpy as np

import softdraw

PAIRS = "frequency_bigramdictionary_en_243_342.txt"
NOWHERE = -1  # the row of a word without followers


class WordWalk:
    """Words by number, and a table of the words that follow each of them."""

    def __init__(self, lines):
        pairs = sorted(line.split() for line in lines)  # by first word, then by follower
        firsts, row = np.unique([first for first, _, _ in pairs], return_inverse=True)
        self.words, number = np.unique([second for _, second, _ in pairs], return_inverse=True)
        counts = np.array([int(count) for *_, count in pairs])
        self.indptr = np.searchsorted(row, np.arange(len(firsts) + 1))
        self.tables = softdraw.AliasTables(counts, self.indptr)
        self.follower = number  # the word that each pair leads to
        starts = np.searchsorted(firsts, self.words)
        found = firsts[np.minimum(starts, len(firsts) - 1)] == self.words
        self.row = np.where(found, starts, NOWHERE)  # of each word
        self.start = softdraw.AliasTable(np.bincount(number, counts) * found)

    def walk(self, walkers, steps, rng):
        """The words that walkers come to, of shape (steps, walkers)."""
        path = np.empty((steps, walkers), np.int64)
        at = self.start.sample(walkers, rng=rng)
        for step in range(steps):
            path[step] = at
            rows = self.row[at]
            goes_on = rows != NOWHERE
            rows = rows[goes_on]
            at = self.start.sample(walkers, rng=rng)
            at[goes_on] = self.follower[self.indptr[rows] + self.tables.sample(rows, rng=rng)]
        return path


def load():
    """The walk over symspellpy's word pairs."""
    text = (files("symspellpy") / PAIRS).read_text(encoding="utf-8-sig")
    return WordWalk(text.splitlines())


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="seed of the draws (default: 1)")
    parser.add_argument(
        "--walkers", type=int, default=10_000, help="number of walkers (default: 10,000)"
    )
    parser.add_argument("--steps", type=int, default=50, help="steps of each walker (default: 50)")
    options = parser.parse_args()
    if options.walkers < 1 or options.steps < 1:
        parser.error("--walkers and --steps must be at least 1")
    if options.seed < 0:
        parser.error("--seed must be at least 0")
    try:
        walk = load()
    except ModuleNotFoundError as error:
        sys.exit(f"word_walk: needs the package symspellpy ({error})")
    print(
        f"{len(walk.tables):,} rows, {len(walk.follower):,} pairs, {walk.tables.nbytes:,} bytes\n"
    )
    path = walk.walk(options.walkers, options.steps, softdraw.Xoshiro256(options.seed))
    for walker in range(min(3, options.walkers)):
        print("  " + " ".join(walk.words[path[:12, walker]]))
    visits = np.bincount(path.ravel(), minlength=len(walk.words))
    print("\nMost visited:")
    for word in np.argsort(-visits, kind="stable")[:5]:
        print(f"  {walk.words[word]:<10} {visits[word] / path.size:6.2%}")


if __name__ == "__main__":
    main()
