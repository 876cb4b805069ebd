"""The curves e^x and e^(x/2), with their slopes where x is 1 and 2."""

import matplotlib.pyplot as plt
import numpy as np
import style


def draw():
    figure, axes = plt.subplots(figsize=(6, 4.2))
    x = np.linspace(0, 2.6, 200)
    for index, (temperature, label) in enumerate([(1, "$e^x$"), (2, "$e^{x/2}$")]):
        colour = style.colours()[index]
        axes.plot(x, np.exp(x / temperature), style.LINES[index], color=colour)
        end = np.exp(2.6 / temperature)
        axes.annotate(label, (2.6, end), (4, -4), textcoords="offset points", color=colour, size=15)
        for at in (1, 2):
            height = np.exp(at / temperature)
            slope = height / temperature
            near = np.array([at - 0.35, at + 0.35])
            axes.plot(near, height + slope * (near - at), color=style.ink(), linewidth=1)
            axes.plot(at, height, style.MARKERS[index], color=colour)
            axes.annotate(
                f"slope {slope:.2f}",
                (at, height),
                (-8, 6) if temperature == 1 else (4, -15),
                textcoords="offset points",
                ha="right" if temperature == 1 else "left",
            )
    axes.set_xlabel("logit x")
    axes.set_ylabel("weight before division by the sum")
    axes.set_xlim(0, 3)
    axes.set_ylim(0, 14)
    return figure


if __name__ == "__main__":
    style.write("curves", draw)
