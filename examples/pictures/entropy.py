"""The entropy of the greetings over the temperature, and the temperature that gives 1 nat."""

import math

import matplotlib.pyplot as plt
import numpy as np
import style
from greetings import GREETINGS

import softdraw


def draw():
    figure, axes = plt.subplots(figsize=(6, 3.8))
    logits = np.array(list(GREETINGS.values()))
    temperatures = np.geomspace(0.1, 100, 300)
    rows = np.tile(logits, (len(temperatures), 1))
    axes.plot(temperatures, softdraw.entropy(rows, temperature=temperatures))
    axes.axhline(math.log(6), color=style.ink(), linewidth=0.8)
    axes.annotate("log 6: all equal", (0.11, math.log(6)), (0, -14), textcoords="offset points")
    wanted = 1.0
    found = softdraw.temperature_for(logits, entropy=wanted)
    colour = style.colours()[1]
    axes.plot([0.1, found, found], [wanted, wanted, 0], "--", color=colour, linewidth=1.5)
    axes.plot(found, wanted, "s", color=colour)
    axes.annotate(
        f"temperature_for(logits, entropy=1)\nis {found:.4f}",
        (found, wanted),
        (10, -22),
        textcoords="offset points",
    )
    axes.set_xscale("log")
    axes.set_xlim(0.1, 100)
    axes.set_ylim(0, 1.9)
    axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.set_xlabel("temperature T")
    axes.set_ylabel("entropy in nats")
    return figure


if __name__ == "__main__":
    style.write("entropy", draw)
