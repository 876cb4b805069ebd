"""The errors of float32 softmax: x - max rounded first, as is usual, and not."""

import matplotlib.pyplot as plt
import numpy as np
import style

import softdraw


def draw():
    x = np.random.default_rng(1).uniform(-80, 0, 20_000).astype(np.float32)
    temperature = 0.7
    scaled = x / np.float32(temperature)
    exponentials = np.exp(scaled - scaled.max())
    usual = exponentials / exponentials.sum()
    exact = softdraw.softmax(x.astype(np.float64), temperature=temperature)
    # a result below the smallest normal float32 has no full digits to lose
    shown = exact > np.finfo(np.float32).tiny
    below_max = (x - x.max())[shown]
    edges = np.arange(-57.5, 2.5, 2.5)
    figure, axes = plt.subplots(figsize=(6, 4))
    for index, (name, p) in enumerate(
        [("softdraw", softdraw.softmax(x, temperature=temperature)), ("exp(x / T - max)", usual)]
    ):
        error = np.abs(p - exact)[shown] / np.spacing(exact[shown].astype(np.float32))
        groups = np.digitize(below_max, edges)
        worst = [error[groups == group].max() for group in range(1, len(edges))]
        axes.plot(
            edges[:-1] + 1.25,
            worst,
            style.MARKERS[index],
            ls=style.LINES[index],
            markersize=5,
            label=name,
        )
    axes.axhline(1, color=style.ink(), linewidth=0.8)
    axes.annotate(
        "1 ULP, which softdraw promises", (0, 1), (0, 4), textcoords="offset points", ha="right"
    )
    axes.set_yscale("log")
    axes.set_ylim(0.3, 200)
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])
    axes.set_xlabel("logit, counted from the largest")
    axes.set_ylabel("worst error in ULP")
    axes.legend()
    return figure


if __name__ == "__main__":
    style.write("rounding", draw)
