"""What top_k, top_p and min_p keep of the words that follow "once" in examples/next_word.py."""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import style

import softdraw

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import next_word

WORD, SHOWN = "once", 22
FILTERS = [{"top_k": 5}, {"top_p": 0.8}, {"min_p": 0.1}]


def draw():
    followers, logits = next_word.load().rows[WORD]
    p = softdraw.softmax(logits)
    best = np.argsort(-p, kind="stable")
    figure, axes = plt.subplots(figsize=(6, 5.6))
    places = np.arange(SHOWN)
    axes.barh(places, p[best[:SHOWN]], height=0.7)
    axes.set_yticks(places, [followers[word] for word in best[:SHOWN]])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    top = p.max()
    for index, keywords in enumerate(FILTERS):
        # what is drawn in many draws is what the filter keeps
        kept = len(np.unique(softdraw.sample_logits(logits, size=100_000, rng=1, **keywords)))
        ((name, value),) = keywords.items()
        colour = style.colours()[index + 1]
        at = top * (0.45 + 0.22 * index)
        axes.plot(
            [at, at],
            [-0.4, kept - 0.6],
            style.LINES[index],
            color=colour,
            linewidth=3,
            solid_capstyle="butt",
        )
        axes.annotate(
            f"{name}={value}\nkeeps {kept}",
            (at, kept - 0.4),
            ha="center",
            va="top",
            color=style.ink(),
        )
    axes.set_xlabel(f'probability of each word after "{WORD}", T = 1')
    axes.set_title(f"the {SHOWN} likeliest of {len(p)} words", loc="right")
    return figure


if __name__ == "__main__":
    style.write("filters", draw)
