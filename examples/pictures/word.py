"""How one random word draws from four items: its fraction of the whole falls to one of them."""

import matplotlib.pyplot as plt
import numpy as np
import style

import softdraw

LOGITS, NAMES, WORD = [1.0, 0.0, 2.0, 1.5], "abcd", 0xA8F5C28F5C28F5C2


def draw():
    figure, axes = plt.subplots(figsize=(6, 3))
    rows = [
        ("T = 1", {}),
        ("T = 3", {"temperature": 3}),
        ("T = 1, top_k = 2", {"top_k": 2}),
    ]
    fraction = WORD / 2**64
    for place, (_, keywords) in enumerate(rows):
        kept = np.argsort(LOGITS)[-keywords.get("top_k", 4) :]
        left = np.full(4, -np.inf)
        left[kept] = np.array(LOGITS)[kept]
        p = softdraw.softmax(left, temperature=keywords.get("temperature", 1))
        drawn = softdraw.sample_logits(LOGITS, words=WORD, **keywords)
        starts = np.cumsum(p) - p
        for item in np.flatnonzero(p):
            bar = axes.barh(place, p[item], left=starts[item], height=0.6)[0]
            bar.set(facecolor=style.colours()[item], hatch=style.HATCHES[item])
            axes.text(
                starts[item] + p[item] / 2,
                place,
                NAMES[item],
                ha="center",
                va="center",
                weight="bold" if item == drawn else "normal",
                bbox={"facecolor": style.paper(), "edgecolor": "none", "pad": 2},
            )
        axes.text(1.01, place, f"draws {NAMES[drawn]}", va="center")
    axes.axvline(fraction, color=style.ink(), linewidth=2.5)
    axes.annotate(
        f"word / 2$^{{64}}$ = {fraction:.2f}",
        (fraction, 1.03),
        xycoords=("data", "axes fraction"),
        ha="center",
    )
    axes.set_yticks(range(len(rows)), [title for title, _ in rows])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_ylim(2.5, -0.5)
    axes.set_xlabel("probabilities, added up in the order of the row")
    axes.grid(visible=False)
    return figure


if __name__ == "__main__":
    style.write("word", draw)
