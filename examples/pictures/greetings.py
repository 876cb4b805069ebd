"""Six greetings with their probabilities at four temperatures."""

import matplotlib.pyplot as plt
import numpy as np
import style

import softdraw

GREETINGS = {
    "Ni Hao": 0.1,
    "Konnichiwa": 0.0,
    "Hola": 0.5,
    "Namaste": 1.0,
    "Hello": 4.0,
    "Ciao": 0.6,
}
TEMPERATURES = [0, 1, 5, 100]


def draw():
    figure, panels = plt.subplots(2, 2, figsize=(6, 4.4), sharex=True, sharey=True)
    places = np.arange(len(GREETINGS))[::-1]
    labels = [f"{name}  ({logit:g})" for name, logit in GREETINGS.items()]
    for panel, temperature in zip(panels.flat, TEMPERATURES, strict=True):
        p = softdraw.softmax(list(GREETINGS.values()), temperature=temperature)
        panel.barh(places, p, height=0.7, color=style.colours()[0])
        for place, share in zip(places, p, strict=True):
            inside = share > 0.7
            panel.text(
                share + (-0.03 if inside else 0.03),
                place,
                f"{share:.2f}",
                va="center",
                ha="right" if inside else "left",
                color=style.paper() if inside else style.ink(),
            )
        panel.set_title(f"T = {temperature}")
        panel.set_xlim(0, 1)
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        panel.set_yticks(places, labels)
        panel.tick_params(axis="y", length=0)
        panel.grid(axis="y", visible=False)
    figure.supxlabel("probability of each greeting (beside it, its logit)", fontsize=11)
    return figure


if __name__ == "__main__":
    style.write("greetings", draw)
