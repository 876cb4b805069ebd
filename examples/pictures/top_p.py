"""Where the mass of 32,000 logits lies, and what a search for the cutoff of top_p looks at."""

import matplotlib.pyplot as plt
import numpy as np
import style

import softdraw

TOP_P = 0.9


def draw():
    x = np.random.default_rng(1).normal(0, 2, 32_000)
    p = softdraw.softmax(x)
    best = np.argsort(-x)
    cutoff = x[best[np.searchsorted(np.cumsum(p[best]), TOP_P)]]
    edges = np.linspace(-8, 8, 81)
    mass, _ = np.histogram(x, edges, weights=p)
    count, _ = np.histogram(x, edges)
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(6, 4.8), sharex=True)
    for axes, height, label in (
        (top, count / len(x), "share of items"),
        (bottom, mass, "share of mass"),
    ):
        axes.stairs(height, edges, fill=True, color=style.colours()[0], alpha=0.8)
        axes.axvline(cutoff, color=style.colours()[1], ls="--")
        axes.axvspan(cutoff - 0.15, cutoff + 0.15, color=style.colours()[2], alpha=0.35, lw=0)
        axes.set_ylabel(label)
        axes.set_ylim(0, height.max() * 1.25)
    kept = (x >= cutoff).mean()
    top.annotate(
        f"cutoff: {kept:.0%} of the items\nare above it",
        (cutoff, top.get_ylim()[1]),
        (10, -2),
        textcoords="offset points",
        va="top",
    )
    bottom.annotate(
        f"and {TOP_P:.0%} of the mass",
        (cutoff, bottom.get_ylim()[1]),
        (-10, -2),
        textcoords="offset points",
        va="top",
        ha="right",
    )
    bottom.annotate(
        "only items this near to it\nhave to be looked at one by one",
        (cutoff - 0.15, bottom.get_ylim()[1] * 0.45),
        (-7.6, bottom.get_ylim()[1] * 0.5),
        arrowprops={"arrowstyle": "->", "color": style.ink()},
        va="center",
    )
    bottom.set_xlabel("logit")
    bottom.set_xlim(-8, 8)
    return figure


if __name__ == "__main__":
    style.write("top_p", draw)
