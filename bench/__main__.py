"""The command line: `python -m bench --help`."""

import argparse
import importlib.util
import shlex
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import bench  # sets the number of threads, before NumPy is imported

try:
    import softdraw
    from bench import measure, peers, report
except ModuleNotFoundError as error:
    sys.exit(
        f"bench needs {error.name}: pip install '.[bench]' brings what it needs, and the peers"
    )

EPILOG = """\
pip install '.[bench]' brings the other libraries, but for llama-cpp-python. Outputs
are compared before they are timed. Contenders take turns, for a millisecond each,
and the minimum over at least five rounds counts. "spread" is by how much the median
exceeds it, for the contender where it does most. Times are those for which the process
has CPUs, which other programs do not add to, and by the clock on the wall where several
threads share the work. Everything runs in one thread, unless a section says otherwise.

python -m bench builds BEFORE AFTER compares two versions of softdraw, kernel by kernel,
in one run: python -m bench builds --help says how.
"""


# ---- the command line ----------------------------------------------------------------------------


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=bench.__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def names(text: str) -> list[str]:
        return text.split(",")

    parser.add_argument(
        "--only", type=names, metavar="SECTION,...", help="these sections; --list names them all"
    )
    parser.add_argument("--list", action="store_true", help="list the sections and end")
    parser.add_argument("--quick", action="store_true", help="few and small cases, few rounds")
    parser.add_argument(
        "--tiers",
        type=names,
        default=[],
        metavar="NAME,...",
        help="softdraw's instruction sets, named as in SOFTDRAW_ISA (default: the one in use)",
    )
    parser.add_argument(
        "--peers", type=names, metavar="NAME,...", help=f"of {', '.join(peers.PEERS)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured to FILE")
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="OLD.json",
        help="show what has changed since an earlier --json",
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw time over size, by matplotlib"
    )
    parser.add_argument(
        "--update",
        type=Path,
        metavar="FILE",
        help="replace the tables of these sections and tiers in this Markdown file",
    )
    options = parser.parse_args(arguments)
    sections = measure.sections_of(measure.MODULES)
    if options.list:
        for section in measure.sections_of(measure.MODULES + measure.ON_REQUEST).values():
            request = "" if section.name in sections else " Only if named."
            about = textwrap.fill(section.about + request, 80, subsequent_indent=" " * 17)
            print(f"{section.name:16} {about}")
        sys.exit()
    options.only = options.only or list(sections)
    if not sections.keys() >= set(options.only):
        sections = measure.sections_of(measure.MODULES + measure.ON_REQUEST)
    for name in options.only:
        if name not in sections:
            parser.error(f"no section {name!r}; there are {', '.join(sections)}")
    available = softdraw.cpu_info()["tiers"]
    for name in options.tiers:
        if name not in available:
            parser.error(f"no tier {name!r} on this CPU; there are {', '.join(available)}")
    for name in options.peers or []:
        if name not in peers.PEERS:
            parser.error(f"no peer {name!r}; there are {', '.join(peers.PEERS)}")
    if options.plot and not importlib.util.find_spec("matplotlib"):
        parser.error("--plot needs matplotlib: pip install matplotlib")
    try:
        options.compare = report.read_json(options.compare) if options.compare else []
    except (OSError, ValueError, KeyError, TypeError) as error:
        parser.error(f"--compare: {options.compare} is not a file that --json wrote: {error}")
    options.sections = [sections[name] for name in options.only]
    peers.left_out |= peers.PEERS.keys() - set(options.peers or peers.PEERS)
    return options


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["builds"]:
        from bench import builds

        return builds.main(arguments[1:])
    options = parse(arguments)
    rows = measure.measure(options.tiers, options.only, peers.left_out, options.quick)
    tiers = list(dict.fromkeys(row.tier for row in rows))
    machine = report.describe_machine(tiers)
    flags = " --quick" if options.quick else ""
    blocks = report.blocks(options.sections, rows, machine, flags)
    for (section, tier), text in blocks.items():
        if section != "machine":
            print(f"\n## {section}, {tier}\n\n{text}")
    print(f"\n{report.in_words(machine)}")
    if options.compare:
        print(f"\n## Now and before\n\n{report.compared(options.compare, rows)}")
    if options.json:
        command = shlex.join(["python", "-m", "bench", *arguments])
        report.write_json(options.json, machine, command, rows)
    if options.plot:
        report.plot(options.plot, options.sections, rows)
    if options.update and (missing := report.update(options.update, blocks)):
        sys.exit(f"{options.update} has no {', '.join(missing)} ... <!-- end -->")


if __name__ == "__main__":
    main(sys.argv[1:])
