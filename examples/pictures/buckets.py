"""The buckets of an alias table of five weights."""

import matplotlib.pyplot as plt
import numpy as np
import style

import softdraw

WEIGHTS = [1, 2, 3, 4, 5]


def draw():
    table = softdraw.AliasTable(WEIGHTS)
    count = len(table.buckets)
    low = np.uint64(count - 1)
    alias = (table.buckets & low).astype(int)
    # what a bucket keeps for its own category, out of 2^64 / count units
    own = (table.buckets >> np.uint64(table.bits)) / 2.0 ** (64 - table.bits)
    figure, (left, right) = plt.subplots(2, 1, figsize=(6, 5.6))
    units = table.probabilities() * count
    bars = left.bar(range(len(WEIGHTS)), units, width=0.9)
    for category, bar in enumerate(bars):
        paint(bar, category)
        left.annotate(
            WEIGHTS[category],
            (category, units[category]),
            (0, 3),
            textcoords="offset points",
            ha="center",
        )
    left.axhline(1, color=style.ink(), linewidth=1)
    left.annotate("one bucket", (7.5, 1), (0, 3), textcoords="offset points", ha="right")
    left.set_xlim(-0.62, 7.5)
    left.set_ylim(0, 3)
    left.set_title("the weights, in units of one bucket (2$^{64}$/8)")
    left.set_xlabel("category")
    for bucket in range(count):
        paint(right.bar(bucket, own[bucket], width=0.9)[0], bucket)
        rest = right.bar(bucket, 1 - own[bucket], bottom=own[bucket], width=0.9)[0]
        paint(rest, alias[bucket])
        if own[bucket]:
            label(right, bucket, own[bucket] / 2, bucket)
        if own[bucket] < 1:
            label(right, bucket, (1 + own[bucket]) / 2, alias[bucket])
    right.set_xlim(left.get_xlim())
    right.set_yticks([0, 1])
    right.grid(visible=False)
    right.set_title("the eight buckets: each holds parts of at most two categories")
    right.set_xlabel("bucket: the top 3 bits of a word")
    return figure


def paint(bar, category):
    """Give a bar the colour and the hatch of a category."""
    bar.set(facecolor=style.colours()[category % 6], hatch=style.HATCHES[category % 6])


def label(axes, x, y, category):
    """Write the number of a category over its hatch."""
    box = {"facecolor": style.paper(), "edgecolor": "none", "pad": 1.5}
    axes.text(x, y, category, ha="center", va="center", bbox=box)


if __name__ == "__main__":
    style.write("buckets", draw)
