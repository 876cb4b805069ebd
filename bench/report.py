"""What was measured, as JSON, as Markdown, compared with earlier, and as a plot."""

import json
import os
import platform
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

from bench import peers
from bench.cases import Row, Section, Target, is_peer
from softdraw._bench import cpu_name, duration

SCALES = {"ns": 1e9, "us": 1e6, "ms": 1e3, "ULP": 1.0}


# ---- the record ----------------------------------------------------------------------------------


def describe_machine(tiers: Sequence[str]) -> dict[str, Any]:
    import softdraw

    return {
        "cpu": cpu_name(),
        "cpus": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "tier": tiers[0],
        "tiers": list(tiers),
        "threads": 1,  # but where a case names another number
        "os": platform.platform(),
        "python": platform.python_version(),
        "softdraw": softdraw.__version__,
        "versions": peers.versions(),
        "date": date.today().isoformat(),
    }


def write_json(file: Path, machine: dict[str, Any], command: str, rows: Iterable[Row]) -> None:
    """A line for each row, so that versions of the file can be compared."""
    lines = ",\n".join(json.dumps(asdict(row)) for row in rows)
    head = f'"machine": {json.dumps(machine, indent=1)},\n"command": {json.dumps(command)}'
    file.write_text(f'{{{head},\n"rows": [\n{lines}\n]}}\n', encoding="utf-8")


def read_json(file: Path) -> list[Row]:
    return [Row(**row) for row in json.loads(file.read_text(encoding="utf-8"))["rows"]]


def in_words(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    missing = [name for name in peers.PEERS if name not in machine["versions"]]
    without = f"; without {', '.join(missing)}" if missing else ""
    return (
        f"{machine['cpu']}, {machine['cpus']} CPUs; softdraw {machine['softdraw']}, "
        f"Python {machine['python']}, {versions}{without}"
    )


# ---- Markdown ------------------------------------------------------------------------------------


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def grouped(rows: Iterable[Row]) -> list[list[Row]]:
    """The rows of each case."""
    return [list(case) for _, case in groupby(rows, lambda row: (row.tier, row.case))]


def digits(value: float) -> str:
    """Three digits, and no fewer before the point."""
    if value and not 1e-3 <= abs(value) < 1e9:
        return f"{value:.2e}"
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{places}f}"


class Verdict:
    """What one target came to, over the cases that it concerns."""

    def __init__(self, target: Target, cases: list[list[Row]]) -> None:
        measured = [(target.measured(case), case) for case in cases]
        values = [(value, case) for value, case in measured if value is not None]
        self.target = target
        self.values = [value for value, _ in values]
        self.missed = [case[0].case for value, case in values if not target.met(value)]
        self.ulp = cases[0][0].ulp is not None

    def in_words(self, value: float) -> str:
        if self.target.to:
            return f"{digits(value)}x"
        return f"{digits(value)} ULP" if self.ulp else duration(value * 1e-9)

    def cells(self) -> list[str]:
        low, high = self.in_words(min(self.values)), self.in_words(max(self.values))
        measured = low if low == high else f"{low} to {high}"
        of = f" in {len(self.missed)} of {len(self.values)}" if len(self.values) > 1 else ""
        result = f"**missed**{of}" if self.missed else "met"
        return [self.target.text, measured, result]


def verdicts(section: Section, rows: Iterable[Row]) -> list[Verdict]:
    cases = grouped(rows)
    return [v for v in (Verdict(target, cases) for target in section.targets) if v.values]


def cell_of(row: Row, first: Row, unit: str) -> str:
    """A time, and how many times as long it is as the first contender's."""
    value = digits(row.value * SCALES[unit])
    return value if row is first or row.ratio is None else f"{value} ({digits(row.ratio)}x)"


def lines_of(section: Section, rows: Sequence[Row], missed: set[str]) -> list[list[str]]:
    """The table of one section on one tier, with its heading: a column for each contender."""
    names = list(dict.fromkeys(row.contender for row in rows))
    with_peers = any(map(is_peer, names))
    lines = [["", *names]]
    for case in grouped(rows):
        cells = {row.contender: cell_of(row, case[0], section.unit) for row in case}
        dagger = " †" if case[0].case in missed else ""
        lines.append([case[0].case + dagger, *(cells.get(name, "-") for name in names)])
        if section.transposed:
            continue
        if with_peers:
            rivals = [row.ratio for row in case if is_peer(row.contender) and row.ratio]
            lines[-1].append(f"{digits(min(rivals))}x" if rivals else "-")
        if section.unit != "ULP":
            lines[-1].append(f"{max(row.spread or 0 for row in case):.0%}")
    if section.transposed:
        return [list(column) for column in zip(*lines, strict=True)]
    lines[0] += ["fastest peer"] * with_peers + ["spread"] * (section.unit != "ULP")
    return lines


def section_in_markdown(section: Section, rows: Sequence[Row]) -> str:
    """The table of one section on one tier, and what became of its targets."""
    judged = verdicts(section, rows)
    missed = {case for verdict in judged for case in verdict.missed}
    what = "ULP" if section.unit == "ULP" else f"{section.unit} per {section.per}"
    ratios = "" if section.unit == "ULP" else "; in parentheses, times as long as the first"
    columns, *lines = lines_of(section, rows, missed)
    text = f"{section.about} In {what}{ratios}.\n\n{table(columns, lines)}"
    if judged:
        text += "\n\n" + table(["target", "measured", ""], [verdict.cells() for verdict in judged])
    if missed:
        text += "\n\n† misses a target."
    return text


def joined_in_markdown(section: Section, rows: Sequence[Row]) -> str:
    """One table for all tiers: softdraw's time on each, and for each peer how many times as long it
    took in the same run."""
    tiers = list(dict.fromkeys(row.tier for row in rows))
    names = list(dict.fromkeys(row.contender for row in rows if is_peer(row.contender)))
    columns = [""]
    for tier in tiers:
        columns += [f"softdraw, {tier}", *names]
    lines = []
    for label in dict.fromkeys(row.case for row in rows):
        lines.append([label])
        for tier in tiers:
            of = {row.contender: row for row in rows if (row.tier, row.case) == (tier, label)}
            lines[-1].append(duration(of["softdraw"].value))
            lines[-1] += [f"{digits(of[n].ratio or 0)}x" if n in of else "-" for n in names]
    return f"{section.about}\n\n{table(columns, lines)}"


def blocks(
    sections: Sequence[Section], rows: Sequence[Row], machine: dict[str, Any], flags: str
) -> dict[tuple[str, str], str]:
    """What stands in docs/ for each section and tier: the table, and what measured it when; and the
    machine of each tier."""
    found = {}
    load = "" if machine["load"] is None else f", at a load of {machine['load']:.1f}"
    for section in sections:
        of = [row for row in rows if row.section == section.name]
        tiers = list(dict.fromkeys(row.tier for row in of))
        for tier in ["all"] if section.joined else tiers:
            if section.joined:
                text, named = joined_in_markdown(section, of), ",".join(tiers)
            else:
                text, named = section_in_markdown(section, [r for r in of if r.tier == tier]), tier
            command = f"python -m bench --only {section.name} --tiers {named}{flags}"
            found[section.name, tier] = f"{text}\n\n{machine['date']}{load}: `{command}`"
            found["machine", tier] = in_words(machine)
    return found


def marked(section: str, tier: str) -> re.Pattern[str]:
    begin = re.escape(f"<!-- bench {section} {tier} -->")
    return re.compile(rf"({begin}\n).*?(<!-- end -->)", re.DOTALL)


def update(file: Path, blocks: dict[tuple[str, str], str]) -> list[str]:
    """Replace what stands between the marks of each section and tier. Returns the missing marks."""
    text, missing = file.read_text(encoding="utf-8"), []
    for (section, tier), new in blocks.items():
        pattern = marked(section, tier)
        if not pattern.search(text) and section != "machine":
            missing.append(f"<!-- bench {section} {tier} -->")
        text = pattern.sub(lambda found, new=new: found[1] + new + "\n" + found[2], text)
    file.write_text(text, encoding="utf-8")
    return missing


# ---- earlier measurements ------------------------------------------------------------------------


def compared(before: Iterable[Row], now: Iterable[Row]) -> str:
    """A table of softdraw's times then and now. Beside them stands what happened meanwhile to the
    others' times in the same case, which tells what the machine did."""

    def key(row: Row) -> tuple[str, str, str, str]:
        return row.tier, row.section, row.case, row.contender

    old = {key(row): row for row in before}
    lines = []
    for (tier, section, case), rows in groupby(now, lambda row: (row.tier, row.section, row.case)):
        changes = [(row, row.value / old[key(row)].value) for row in rows if key(row) in old]
        others = [change for row, change in changes if not row.contender.startswith("softdraw")]
        for row, change in changes:
            if row.contender.startswith("softdraw"):
                unit = 1.0 if row.seconds is None else 1e9
                times = [digits(each.value * unit) for each in (old[key(row)], row)]
                meanwhile = f"{sorted(others)[len(others) // 2]:.2f}" if others else "-"
                cells = [tier, section, case, row.contender, *times, f"{change:.2f}", meanwhile]
                lines.append(cells)
    columns = ["tier", "section", "case", "", "before, ns", "now, ns", "ratio", "others' ratio"]
    return table(columns, lines)


# ---- pictures ------------------------------------------------------------------------------------


def lines_to_plot(sections: Sequence[Section], rows: Sequence[Row]) -> Iterator[tuple[str, Any]]:
    """A title, and the section and rows of each picture: those of one tier and series."""
    for section in sections:
        if section.axis:
            of = [row for row in rows if row.section == section.name]
            for tier, series in dict.fromkeys((row.tier, row.series) for row in of):
                chosen = [row for row in of if (row.tier, row.series) == (tier, series)]
                title = ", ".join(filter(None, (section.name, series, tier)))
                yield title, (section, chosen)


def plot(file: Path, sections: Sequence[Section], rows: Sequence[Row]) -> None:
    """Time over size, a panel for each series."""
    from matplotlib.figure import Figure

    panels = list(lines_to_plot(sections, rows))
    if not panels:
        raise SystemExit("--plot: none of these sections has an axis to plot over")
    figure = Figure(figsize=(8, 4.5 * len(panels)), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False)
    for ax, (title, (section, chosen)) in zip(axes[:, 0], panels, strict=True):
        for number, name in enumerate(dict.fromkeys(row.contender for row in chosen)):
            points = [(row.x, row.value) for row in chosen if row.contender == name]
            x, y = zip(*sorted(points), strict=True)
            bold = name.startswith("softdraw")
            style = {"linewidth": 2.5 if bold else 1.2, "marker": "osD^vPX*"[number % 8]}
            ax.plot(x, [each * SCALES[section.unit] for each in y], label=name, **style)
        ax.set(xscale="log", yscale="log", title=title, xlabel=section.axis)
        ax.set_ylabel(f"{section.unit} per {section.per}")
        ax.grid(alpha=0.3)
        ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(file)
