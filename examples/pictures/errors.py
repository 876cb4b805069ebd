"""How often each error occurs in softmax of 128,256 float32 logits."""

import matplotlib.pyplot as plt
import numpy as np
import style

import softdraw


def draw():
    x = np.random.default_rng(1).normal(0, 3, 128_256).astype(np.float32)
    exponentials = np.exp(x - x.max())
    exact = softdraw.softmax(x.astype(np.float64))
    spacing = np.spacing(exact.astype(np.float32)).astype(np.float64)
    figure, axes = plt.subplots(figsize=(6, 3.8))
    edges = np.arange(-20, 20.25, 0.25)
    for index, (name, p) in enumerate(
        [
            ("exp(x - max) / sum, in NumPy", exponentials / exponentials.sum()),
            ("softdraw", softdraw.softmax(x)),
        ]
    ):
        counts, _ = np.histogram((p - exact) / spacing, edges)
        colour = style.colours()[1 - index]
        axes.stairs(
            counts / len(x), edges, color=colour, ls=style.LINES[1 - index], lw=2, label=name
        )
    axes.axvspan(-1, 1, alpha=0.2, color=style.colours()[0], lw=0)
    axes.annotate("within 1 ULP", (1.2, 0.15))
    axes.set_yscale("log")
    axes.set_ylim(1e-5, 1)
    axes.set_xlabel("error in ULP (units in the last place)")
    axes.set_ylabel("share of the 128,256 results")
    axes.legend(loc="upper left", bbox_to_anchor=(0, 1.2), ncols=2)
    return figure


if __name__ == "__main__":
    style.write("errors", draw)
