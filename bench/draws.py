"""How long do draws from a categorical distribution take, beside NumPy's Generator.choice?

python bench/draws.py [--quick]
"""

import sys

import compare

compare.one_thread()

import numpy as np  # noqa: E402

import softdraw  # noqa: E402

DRAWS = 1_000_000


def measure(categories, rounds):
    weights = np.random.default_rng(1).random(categories)
    p = weights / weights.sum()
    rng = np.random.default_rng(2)
    own = softdraw.Xoshiro256(2)
    table = softdraw.AliasTable(weights)
    contenders = {
        "softdraw": lambda: table.sample(DRAWS, rng=own),
        "softdraw, PCG64": lambda: table.sample(DRAWS, rng=rng),
        "Generator.choice": lambda: rng.choice(categories, DRAWS, p=p),
        "table built": lambda: softdraw.AliasTable(weights),
    }
    # a rare category is off by chance: six standard deviations of its count, and a little
    for name in list(contenders)[:3]:
        counts = np.bincount(contenders[name](), minlength=categories)
        assert (abs(counts - DRAWS * p) < 6 * np.sqrt(DRAWS * p) + 6).all(), name
    best = compare.interleaved(contenders, rounds)
    return best


def main():
    quick = "--quick" in sys.argv[1:]
    sizes = [10, 1000] if quick else [10, 1000, 100_000, 1_000_000]
    print(compare.heading("numpy"))
    print("\nA million draws: nanoseconds a draw; a table: nanoseconds a category, one thread\n")
    rows = []
    for categories in sizes:
        best = measure(categories, 5 if quick else 15)
        built = best.pop("table built")
        cells = [f"{seconds / DRAWS * 1e9:.2f}" for seconds in best.values()]
        ratio = best["Generator.choice"] / best["softdraw"]
        rows.append([f"{categories:,}", *cells, f"{ratio:.0f}x", f"{built / categories * 1e9:.1f}"])
    print(compare.table(["categories", *best, "choice / softdraw", "table built"], rows))


if __name__ == "__main__":
    main()
