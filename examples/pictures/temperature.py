"""The probability of each greeting against the temperature, from argmax to uniform."""

import matplotlib.pyplot as plt
import numpy as np
import style
from greetings import GREETINGS

import softdraw


def draw():
    figure, axes = plt.subplots(figsize=(6, 4.2))
    temperatures = np.geomspace(0.1, 100, 200)
    p = softdraw.softmax(
        np.tile(list(GREETINGS.values()), (len(temperatures), 1)), temperature=temperatures
    )
    # the legend in the order of the lines
    for rank, greeting in enumerate(sorted(range(6), key=lambda i: -list(GREETINGS.values())[i])):
        name, logit = list(GREETINGS.items())[greeting]
        axes.plot(temperatures, p[:, greeting], ls=style.LINES[rank], label=f"{name} ({logit:g})")
    axes.axhline(1 / 6, color=style.ink(), linewidth=0.8)
    axes.annotate("1/6", (0.1, 1 / 6), (2, 4), textcoords="offset points")
    axes.set_xscale("log")
    axes.set_xlim(0.1, 100)
    axes.set_ylim(0, 1.02)
    axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.set_xlabel("temperature T")
    axes.set_ylabel("probability")
    axes.legend(title="greeting (logit)")
    return figure


if __name__ == "__main__":
    style.write("temperature", draw)
