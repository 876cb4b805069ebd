"""Softmax at several temperatures, what a million alias draws give, and NumPy's time beside it.

Run as ``softdraw`` or ``python -m softdraw``; ``--help`` tells the rest.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeAlias

import numpy as np

from softdraw import AliasTable, Xoshiro256, __version__, cpu_info, softmax
from softdraw._bench import cpu_time

EXAMPLE = {
    "Ni Hao": 0.1,
    "Konnichiwa": 0.0,
    "Hola": 0.5,
    "Namaste": 1.0,
    "Hello": 4.0,
    "Ciao": 0.6,
}
TEMPERATURES = [0.0, 0.5, 1.0, 2.0, 5.0, 100.0]
DESCRIPTION = """\
Show, for each temperature T, softmax(logits / T), the share that each token
got of N draws from an alias table, and the seconds that softdraw and plain
NumPy took for this work. softdraw draws into an array that is there already,
which Generator.choice cannot. Without tokens it shows an example: six
greetings. "softdraw bench" compares speed in about ten seconds.
"""
EPILOG = """\
examples:
  softdraw
  softdraw "Ni Hao=0.1" Hola=0.5 Hello=4 -T 0.5,1,2 --seed 7
  softdraw yes=1 no=2 unheard=-inf -T 0 -T inf --json
  softdraw --file logits.txt --plot bars.png
  softdraw -T 1 -- -a=1 -b=2
  softdraw bench

--json prints one object:
  softdraw, tier, numpy   versions, and the instruction set in use
  seed, draws             as given; a seed not given is null
  tokens, logits          one entry per token
  results                 for each temperature an object of
    temperature           the temperature
    probabilities         one per token
    counts                how often each token was drawn
    seconds               of "softdraw" and "numpy" for softmax, table and draws
Numbers that JSON lacks are the strings "inf" and "-inf".
"""
BLOCKS = "▏▎▍▌▋▊▉█"  # a bar's last character, in eighths
CHUNK = 2**20  # draws held in memory at a time
SCALAR = """\
The scalar kernels are in use. They give the same results, but the softmax of a long row takes 30 to
90 times as long as with AVX2, and draws three times as long. They are for x86 CPUs without AVX2 and
fma (most from before 2013, and some low-power ones), for WebAssembly, and for builds by GCC for
Windows."""

Array: TypeAlias = np.ndarray[Any, Any]
Draw: TypeAlias = Callable[[Array], Array]  # given an array to draw into, which NumPy ignores


class Work(NamedTuple):
    """What one library computed, and the seconds that took it."""

    probabilities: Array
    counts: Array
    seconds: float


class Result(NamedTuple):
    """The same work done by both libraries at one temperature."""

    temperature: float
    softdraw: Work
    numpy: Work


# ---- work ----------------------------------------------------------------------------------------


def with_softdraw(logits: Array, temperature: float, rng: Xoshiro256) -> tuple[Array, Draw]:
    """Probabilities, and the function that draws."""
    table = AliasTable.from_logits(logits, temperature=temperature)
    return softmax(logits, temperature=temperature), lambda out: table.sample(rng=rng, out=out)


def with_numpy(logits: Array, temperature: float, rng: np.random.Generator) -> tuple[Array, Draw]:
    """The same in plain NumPy: the stable idiom, which knows neither limit of the temperature."""
    if temperature == 0:
        weights = (logits == logits.max()).astype(float)
    elif temperature == math.inf:
        weights = (logits > -math.inf).astype(float)
    else:
        with np.errstate(over="ignore"):
            weights = np.exp((logits - logits.max()) / temperature)
    probabilities = weights / weights.sum()
    return probabilities, lambda out: rng.choice(len(logits), len(out), p=probabilities)


def timed(prepare: Callable[[], tuple[Array, Draw]], draws: int) -> Work:
    """Prepares, draws and counts; neither the counting is timed, nor the making of an array."""
    out = np.empty(min(CHUNK, draws), np.int64)
    out.fill(0)  # now its memory is there
    started = cpu_time()
    probabilities, draw = prepare()
    seconds = cpu_time() - started
    counts = np.zeros(len(probabilities), np.int64)
    for done in range(0, draws, CHUNK):
        size = min(CHUNK, draws - done)
        started = cpu_time()
        drawn = draw(out[:size])
        seconds += cpu_time() - started
        counts += np.bincount(drawn, minlength=len(counts))
    return Work(probabilities, counts, seconds)


def compare(logits: Array, temperature: float, draws: int, seed: int | None) -> Result:
    """Both libraries at one temperature, each from a generator with this seed."""
    ours = partial(with_softdraw, logits, temperature, Xoshiro256(seed))
    theirs = partial(with_numpy, logits, temperature, np.random.default_rng(seed))
    return Result(temperature, timed(ours, draws), timed(theirs, draws))


# ---- text ----------------------------------------------------------------------------------------


def visible(text: str, encoding: str = "utf-8") -> str:
    """The text, with escapes for what would break its line or what the encoding lacks."""
    escaped = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return escaped.encode(encoding, "backslashreplace").decode(encoding)


def cells(text: str) -> int:
    """Width in terminal cells: Chinese and emoji take two, combining marks none."""
    marks = sum(unicodedata.category(c) in ("Mn", "Me") for c in text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - marks


def fit(text: str, width: int) -> str:
    """The text in exactly `width` cells, cut or filled up."""
    if cells(text) > width:
        text = text[: width - 3]
        while cells(text) > width - 3:
            text = text[:-1]
        text += "..."
    return text + " " * (width - cells(text))


def decimals(values: Sequence[float]) -> list[str]:
    """Numbers with as many decimals as the longest needs, unless one needs an exponent."""
    texts = [f"{value:.12g}" for value in values]
    if any("e" in text for text in texts):
        return texts
    places = max(len(text.partition(".")[2]) for text in texts)
    return [f"{value:.{places}f}" for value in values]


def share(value: float) -> str:
    """A probability in eight decimals; a tiny one keeps its digits and never looks like 0."""
    return f"{value:.8f}" if value == 0 or value >= 1e-6 else f"{value:.3e}"


def bar(value: float, width: int, blocks: str) -> str:
    """A bar of `width` characters for 1; blocks fill a character, step by step."""
    full, part = divmod(round(value * width * len(blocks)), len(blocks))
    return blocks[-1] * full + (blocks[part - 1] if part else "")


def bar_blocks(encoding: str) -> str:
    """The finest blocks that the encoding has."""
    try:
        BLOCKS.encode(encoding)
    except UnicodeEncodeError:
        return "#"
    return BLOCKS


def page(
    options: argparse.Namespace, results: Sequence[Result], columns: int, encoding: str
) -> Iterator[str]:
    """The lines to read: for each temperature a heading, a line for each token, the seconds."""
    titles = [f"T = {result.temperature:.12g}" for result in results]
    tokens = [visible(token, encoding) for token in options.logits]
    logits = decimals(list(options.logits.values()))
    blocks = bar_blocks(encoding)
    longest = max(map(cells, titles + tokens))
    left = min(longest, max(16, columns // 3))
    right = max(map(len, ["logit", *logits]))
    room = columns - (left + right + 2 + 13 + 10 + 2)
    width = min(room, 50) if room >= 8 else 0

    tier, tiers = cpu_info()["tier"], cpu_info()["tiers"]
    yield f"softdraw {__version__} with its {tier} kernels, and NumPy {np.__version__}"
    seed = "" if options.seed is None else f", seed {options.seed}"
    yield f"{options.draws:,} draws at each temperature{seed}"
    if tier == "scalar":
        asked = f" This CPU has {tiers[-1]}, but SOFTDRAW_ISA asks for scalar." if tiers[1:] else ""
        yield from textwrap.wrap(SCALAR + asked, columns)
    for title, result in zip(titles, results, strict=True):
        yield ""
        yield f"{fit(title, left)}  {'logit':>{right}}  {'probability':>11}  {'drawn':>8}"
        ours = result.softdraw
        for token, logit, p, count in zip(tokens, logits, *ours[:2], strict=True):
            drawn = f"{count / options.draws:.6f}" if options.draws else "-"
            line = f"{fit(token, left)}  {logit:>{right}}  {share(p):>11}  {drawn:>8}"
            yield f"{line}  {bar(p, width, blocks)}".rstrip()
        if result.temperature == 0 and ours.probabilities.max() < 1:
            yield "at T = 0 equal maxima share the probability, and draws take the first"
        ratio = result.numpy.seconds / ours.seconds
        yield (
            f"softdraw {ours.seconds:.6f} s, NumPy {result.numpy.seconds:.6f} s"
            f" ({ratio:.{0 if ratio >= 10 else 1}f} times as long)"
        )


def number(value: float) -> float | str:
    """A number as JSON can say it; JSON has no infinity."""
    return value if math.isfinite(value) else str(value)


def document(options: argparse.Namespace, results: Sequence[Result]) -> dict[str, Any]:
    """The object that --json prints."""
    return {
        "softdraw": __version__,
        "tier": cpu_info()["tier"],
        "numpy": np.__version__,
        "seed": options.seed,
        "draws": options.draws,
        "tokens": list(options.logits),
        "logits": [number(logit) for logit in options.logits.values()],
        "results": [
            {
                "temperature": number(result.temperature),
                "probabilities": result.softdraw.probabilities.tolist(),
                "counts": result.softdraw.counts.tolist(),
                "seconds": {
                    "softdraw": result.softdraw.seconds,
                    "numpy": result.numpy.seconds,
                },
            }
            for result in results
        ],
    }


# ---- picture -------------------------------------------------------------------------------------


def plot(file: Path, tokens: Sequence[str], results: Sequence[Result]) -> None:
    """Draw the probabilities as bars, and the shares drawn as marks, in a panel per temperature."""
    figure_type: Any = import_module("matplotlib.figure").Figure
    columns = min(3, len(results))
    rows = -(-len(results) // columns)
    size = (3.4 * columns, max(1.6, 0.7 + 0.28 * len(tokens)) * rows)
    figure = figure_type(figsize=size, layout="constrained", dpi=150)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
    names = [visible(token).replace("$", r"\$") for token in tokens]  # $ begins mathematics
    places = range(len(tokens))
    for ax, result in zip(axes, results, strict=False):
        ours = result.softdraw
        ax.barh(places, ours.probabilities, color="#4477aa", label="probability")
        if ours.counts.any():
            shares = ours.counts / ours.counts.sum()
            ax.plot(shares, places, "|", color="black", markersize=9, label="share of draws")
        ax.set(title=f"T = {result.temperature:.12g}", xlim=(0, 1))
        ax.set_yticks(places, names)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].invert_yaxis()
    for ax in axes[len(results) :]:
        ax.set_axis_off()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(file)


# ---- command line --------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose complaint is one line, and another that says where to look."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"softdraw: {visible(message)}\nTry '{self.prog} --help'.\n")


def shown(text: str) -> str:
    """A text in a message: quoted, and its beginning alone if it is long."""
    return repr(cut(text))


def cut(text: str) -> str:
    """The beginning of a text that is long."""
    return text if len(text) <= 60 else f"{text[:57]}..."


def read_pairs(file: str) -> list[str]:
    """The lines of a file, or of the standard input for "-", without those that are empty."""
    if file == "-" and sys.stdin is None:
        raise ValueError("cannot read the standard input: it is closed")
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    lines = re.split("\r\n|[\r\n]", data.decode("utf-8-sig"))  # splitlines has more ends of lines
    return [line for line in lines if line.strip()]


def logits_of(pairs: Iterable[str]) -> Mapping[str, float]:
    """The logits by token of pairs ``token=logit``."""
    logits: dict[str, float] = {}
    for pair in pairs:
        token, _, text = pair.rpartition("=")
        if not token:
            hint = "; 'softdraw bench' takes nothing else" if pair == "bench" else ""
            raise ValueError(f"{shown(pair)} is not token=logit{hint}")
        try:
            logit = float(text)
        except ValueError:
            raise ValueError(
                f"the logit of {shown(token)} is not a number: {shown(text)}"
            ) from None
        if math.isnan(logit) or logit == math.inf:
            raise ValueError(f"the logit of {shown(token)} must be finite or -inf, not {cut(text)}")
        if token in logits:
            raise ValueError(f"{shown(token)} is given twice")
        logits[token] = logit
    if all(logit == -math.inf for logit in logits.values()):
        raise ValueError("every logit is -inf")
    return logits


def temperatures(text: str) -> list[float]:
    """One or more temperatures between commas."""
    values = []
    for part in text.split(","):
        try:
            value = float(part)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{shown(part)} is not a number") from None
        if not value >= 0:
            raise argparse.ArgumentTypeError(f"a temperature is at least 0, not {cut(part)}")
        values.append(value + 0.0)  # -0.0 is 0.0
    return values


def file_name(text: str) -> str:
    """The name of a file, which has at least a character: without one, a path is a folder."""
    if not text:
        raise argparse.ArgumentTypeError("the name of the file is empty")
    return text


def natural(text: str) -> int:
    """A whole number, 0 or more."""
    try:
        value = int(text)
    except ValueError:
        digits = text.strip().removeprefix("+")
        if digits.isdecimal():
            raise argparse.ArgumentTypeError(
                f"{shown(text)} has {len(digits):,} digits, more than Python reads"
            ) from None
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a whole number, 0 or more")
    return value


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options, with the logits by token."""
    as_module = Path(sys.argv[0]).name == "__main__.py"
    parser = Parser(
        prog="python -m softdraw" if as_module else "softdraw",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "pairs",
        nargs="*",
        metavar="token=logit",
        help="a token and its logit, a number or -inf; the token may contain spaces and '='",
    )
    parser.add_argument(
        "-T",
        "--temperature",
        type=temperatures,
        action="extend",
        metavar="T[,T...]",
        help="temperatures from 0 to inf; may be repeated (default: 0,0.5,1,2,5,100)",
    )
    parser.add_argument(
        "--draws",
        type=natural,
        default=1_000_000,
        metavar="N",
        help="draws at each temperature (default: 1000000)",
    )
    parser.add_argument(
        "--seed",
        type=natural,
        metavar="N",
        help="makes the draws repeatable; every temperature starts from it (default: random)",
    )
    parser.add_argument(
        "--file",
        type=file_name,
        metavar="FILE",
        help="read lines of token=logit, before those given; - is stdin",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--plot", type=file_name, metavar="FILE", help="also draw bars into FILE, such as bars.png"
    )
    parser.add_argument("--version", action="version", version=f"softdraw {__version__}")
    # argparse mixes options and pairs, or honours "--", but not both
    dashes = words.index("--") if "--" in words else len(words)
    options, unknown = parser.parse_known_intermixed_args(words[:dashes])
    if unknown:
        hint = "; a token that begins with - comes after --, as in: softdraw -- "
        pair = next((word for word in unknown if "=" in word), "")
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{pair and hint + pair}")
    options.temperature = options.temperature or TEMPERATURES
    try:
        if options.plot and not Path(options.plot).suffix:
            raise ValueError(
                f"--plot needs a name with a suffix, such as bars.png, not {options.plot}"
            )
        if options.plot and not find_spec("matplotlib"):
            raise ValueError("--plot needs matplotlib; pip install matplotlib brings it")
        pairs = [] if options.file is None else read_pairs(options.file)
        pairs += options.pairs + words[dashes + 1 :]
        if options.file is not None and not pairs:
            raise ValueError(f"no token=logit in {options.file}")
        options.logits = logits_of(pairs) if pairs else EXAMPLE
    except OSError as error:
        parser.error(f"cannot read {options.file}: {error.strerror}")
    except UnicodeDecodeError:
        parser.error(f"{options.file} is not text in UTF-8")
    except ValueError as error:
        parser.error(str(error))
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if sys.stdout is None:
        sys.exit("softdraw: cannot write: the standard output is closed")
    if words == ["bench"]:
        from softdraw import _bench

        _bench.main()
        return 0
    options = parse(words)
    logits = np.array(list(options.logits.values()))
    # once untimed: what the first call of a process costs is no part of the work
    compare(logits, options.temperature[0], min(options.draws, CHUNK), 0)
    results = [
        compare(logits, temperature, options.draws, options.seed)
        for temperature in options.temperature
    ]
    if options.plot:
        try:
            plot(Path(options.plot), list(options.logits), results)
        except (ValueError, RuntimeError) as error:  # of a format that matplotlib cannot write
            sys.exit(f"softdraw: --plot: {error}")
        except OSError as error:
            sys.exit(f"softdraw: cannot write {options.plot}: {error.strerror or error}")
    if options.json:
        print(json.dumps(document(options, results), indent=2, allow_nan=False))
    else:
        columns = shutil.get_terminal_size().columns
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        print("\n".join(page(options, results, columns, encoding)))
    return 0


def run() -> int:
    """`main` for a shell: a closed pipe and Ctrl-C end it quietly, a full disk with one line."""
    try:
        try:
            return main()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        # the interpreter flushes once more at exit: into nothing, then
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"softdraw: cannot write: {error.strerror}", file=sys.stderr)
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(run())
