"""What all pictures share: colours, line styles, hatches, and how a picture is written.

The colours are those of Okabe and Ito, which the colour-blind can tell apart. In print, where
colours turn grey, line styles and hatches still can be told apart.
"""

import argparse
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#56b4e9",
    "#f0e442",
)
COLOURS = [BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY]
LINES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2))]
MARKERS = ["o", "s", "^", "D", "v", "P"]
HATCHES = ["", "///", "...", "xxx", "\\\\\\", "++"]

SHARED = {
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.6,
    "lines.linewidth": 2,
    "legend.frameon": False,
    "hatch.linewidth": 0.8,
    "figure.constrained_layout.use": True,
    # the same picture is the same file
    "svg.hashsalt": "softdraw",
    "svg.fonttype": "path",
}


def page(paper, ink, pale, first, last):
    """Settings for pictures on paper of one colour, with ink and pale lines of others."""
    colours = [first, *COLOURS[1:-1], last]
    return SHARED | {
        "figure.facecolor": paper,
        "savefig.facecolor": paper,
        "axes.facecolor": paper,
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.edgecolor": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "grid.color": pale,
        "hatch.color": paper,
        "axes.prop_cycle": mpl.cycler(color=colours),
    }


PAGES = {
    "": page("#ffffff", "#222222", "#dddddd", BLUE, SKY),
    "-dark": page("#131416", "#dddddd", "#3a3d41", SKY, YELLOW),  # the blue is too dark there
}


def ink():
    """The colour of text on this page."""
    return mpl.rcParams["text.color"]


def paper():
    """The colour of this page."""
    return mpl.rcParams["figure.facecolor"]


def colours():
    """The colours of lines and bars on this page."""
    return [entry["color"] for entry in mpl.rcParams["axes.prop_cycle"]]


def write(name, draw):
    """Write what the function `draw` draws: NAME.svg for light pages, NAME-dark.svg for dark."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: docs/pictures")
    folder = parser.parse_args().folder
    for suffix, settings in PAGES.items():
        with mpl.rc_context(settings):
            figure = draw()
            path = folder / f"{name}{suffix}.svg"
            figure.savefig(path, metadata={"Date": None, "Creator": None})
            plt.close(figure)
            print(path)
