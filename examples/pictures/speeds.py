"""Pictures of what `python -m bench --json docs/pictures/speeds.json` has measured."""

import json

import matplotlib.pyplot as plt
import style

FILE = style.FOLDER / "speeds.json"
# A library looks the same in all pictures.
LOOKS = {
    "softdraw": 0,
    "NumPy": 1,
    "NumPy choice": 1,
    "SciPy": 2,
    "SciPy alias": 2,
    "llama.cpp": 2,
    "torch": 3,
    "JAX": 4,
    "numba": 5,
    "vose": 5,
    "ONNX Runtime": 6,
    "SciPy guide": 6,
}


def draw_lines(section, series, unit, left_out=(), limit=None):
    """A figure with a line for each contender of a series: its time over the size.

    Those in parentheses do less work and are left out, but for the one that is named as the limit,
    below which nothing can get.
    """
    report = json.loads(FILE.read_text(encoding="utf-8"))
    lines = {}
    for row in report["rows"]:
        if (row["section"], row["series"]) == (section, series):
            lines.setdefault(row["contender"], []).append((row["x"], row["seconds"] / unit))
    figure, axes = plt.subplots(figsize=(6, 4.6))
    axes.set_xscale("log")
    axes.set_yscale("log")
    shown = [name for name in lines if name not in left_out and not name.startswith("(")]
    colours, dashes = [*style.colours(), style.ink()], [*style.LINES, "-"]
    markers = [*style.MARKERS, "*"]
    for name in shown:
        look = LOOKS[name]
        axes.plot(
            *zip(*lines[name], strict=True),
            label=name,
            color=colours[look],
            ls=dashes[look],
            marker=markers[look],
            markersize=5,
            linewidth=3 if name == "softdraw" else 1.5,
        )
    if limit:
        # of a short row, the call takes longer than the copy
        x, y = zip(*((size, time) for size, time in lines[limit] if size >= 1000), strict=True)
        axes.fill_between(x, y, 1e-9, color=style.ink(), alpha=0.2, lw=0, label="copying the row")
    machine = report["machine"]
    axes.set_title(
        f"{machine['cpu']}, {machine['tier']}, one thread, {machine['date']}", fontsize=9
    )
    figure.legend(loc="outside lower center", ncols=4, fontsize=9.5)
    return figure, axes
