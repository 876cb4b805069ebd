"""What `python -m bench builds` times of the C core: two shared libraries in one process."""

import ctypes
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Filters: TypeAlias = dict[str, Array]
Argument: TypeAlias = int | Array | Filters | None

REALS: dict[str, type[np.generic]] = {"f32": np.float32, "f64": np.float64}
MAX_ARGUMENTS = 11  # as in repeat.c

# The seconds that this thread has had the CPU, which other processes do not add to; where the
# system counts those coarsely, the time of day.
_FINE = time.get_clock_info("thread_time").resolution < 1e-6
cpu_time = time.thread_time if _FINE else time.perf_counter


@dataclass
class Call:
    function: str  # without softdraw_
    arguments: tuple[Argument, ...]  # an array stands for its address
    written: tuple[Array, ...]
    advanced: tuple[Array, ...] = ()  # read and written: generators


def members(header: str, struct: str) -> list[str]:
    """The names of a struct's members in order, which builds may differ in."""
    text = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    body = re.search(r"{([^{}]*)}\s*" + struct, text)
    if not body:
        raise SystemExit(f"the header has no struct {struct}")
    return re.findall(r"(\w+)\s*[,;]", body[1])


class Build:
    """One build of the core, loaded from copies of its library and called by way of repeat.c."""

    def __init__(self, copies: list[Path], header: Path, repeat: Path) -> None:
        self.copies = [ctypes.CDLL(str(copy)) for copy in copies]
        self.filters = members(header.read_text(encoding="utf-8"), "softdraw_filters")
        self.repeat = ctypes.CDLL(str(repeat)).repeat
        self.repeat.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]

    def tier(self) -> str:
        library = self.copies[0]
        library.softdraw_tier_name.restype = ctypes.c_char_p
        name: bytes | None = library.softdraw_tier_name(library.softdraw_tier_in_use())
        if name is None:
            raise SystemExit("SOFTDRAW_ISA names a tier that this CPU or one of the builds lacks")
        return name.decode()

    def struct_of(self, filters: Filters) -> Array:
        """A softdraw_filters, whose members are one word each; all rows have the same filters."""
        values = {name: array.ctypes.data for name, array in filters.items()}
        struct = np.array([values.get(member, 0) for member in self.filters], np.uintp)
        struct[[member == "size" for member in self.filters]] = struct.nbytes
        return struct

    def prepared(self, function: str, arguments: tuple[Argument, ...]) -> Callable[[int], int]:
        """A function that makes n calls and returns their error codes, combined by |. It takes
        another copy of the library each time."""
        functions = [getattr(copy, "softdraw_" + function) for copy in self.copies]
        addresses = cycle([ctypes.cast(function, ctypes.c_void_p) for function in functions])
        words, structs = np.zeros(MAX_ARGUMENTS, np.uintp), []
        for i, argument in enumerate(arguments):
            if isinstance(argument, dict):
                argument = self.struct_of(argument)
                structs.append(argument)
            if isinstance(argument, np.ndarray):
                words[i] = argument.ctypes.data
            else:
                words[i] = argument or 0

        def calls(n: int, keep: Any = (arguments, words, structs)) -> int:
            errors: int = self.repeat(next(addresses), words.ctypes.data, n)
            return errors

        return calls

    def run(self, function: str, arguments: tuple[Argument, ...], calls: int) -> int:
        return self.prepared(function, arguments)(calls)

    def clock(self, call: Call) -> Callable[[int], float]:
        """A function that makes n calls and returns how many seconds they took."""
        calls = self.prepared(call.function, call.arguments)

        def seconds(n: int) -> float:
            start = cpu_time()
            calls(n)
            return cpu_time() - start

        return seconds

    def results(self, call: Call) -> list[bytes]:
        """What one call writes. It leaves arrays that the call reads and writes as they were."""
        before = [array.copy() for array in call.advanced]
        for array in call.written:
            array.view(np.uint8).fill(0xA5)
        if error := self.run(call.function, call.arguments, 1):
            raise SystemExit(f"softdraw_{call.function} returns error code {error}")
        results = [array.tobytes() for array in (*call.written, *call.advanced)]
        for array, old in zip(call.advanced, before, strict=True):
            array[...] = old
        return results


# ---- data --------------------------------------------------------------------------------------


def as_items(values: Array, items: str) -> Array:
    """float64 values as an item type of the API: f32, f64, or the bits of f16 or bf16."""
    if items == "f16":
        return values.astype(np.float16).view(np.uint16)
    if items == "bf16":
        return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return values.astype(REALS[items])


def normal(rows: int, n: int, scale: float = 1.0) -> Array:
    return np.random.default_rng(1).normal(0, scale, (rows, n))


def moved(rows: int, n: int) -> Array:
    """So far from 0 that the maximum is subtracted first."""
    return normal(rows, n) + 1e6


def with_minus_infinity(rows: int, n: int) -> Array:
    x = normal(rows, n)
    x[:, ::4] = -np.inf
    return x


def random_words(n: int) -> Array:
    return np.random.default_rng(2).integers(0, 2**64, n, np.uint64)


def generator(build: Build) -> Array:
    state = np.zeros(42, np.uint64)  # a softdraw_xoshiro and its padding
    build.run("xoshiro_seed", (state, random_words(4)), 1)
    return state


WEIGHTS: dict[str, Callable[[int], Array]] = {
    "uniform": lambda n: np.random.default_rng(1).random(n),
    "power-law": lambda n: np.random.default_rng(1).pareto(1.0, n) + 1,
    "equal": lambda n: np.full(n, 0.125),
}


def as_weights(values: Array, items: str) -> Array:
    """Weights as an item type of the API; integers keep 20 bits of them."""
    return (values * 2**20).astype(np.uint64) if items == "u64" else values.astype(REALS[items])


# ---- calls -------------------------------------------------------------------------------------


def of_rows(
    function: str,
    items: str,
    rows: int,
    n: int,
    logits: Callable[[int, int], Array] = normal,
    temperature_per_row: bool = False,
) -> Call:
    """softmax, log_softmax, logsumexp or entropy."""
    x = as_items(logits(rows, n), items)
    out_n = 1 if function in ("logsumexp", "entropy") else n
    out = np.empty(rows * out_n, x.dtype)
    temperature = np.full(1, 0.7)
    if temperature_per_row:
        temperature = np.random.default_rng(3).uniform(0.5, 2, rows)
    arguments = (x, n, out, out_n, rows, n, temperature, int(temperature_per_row))
    return Call(f"{function}_{items}", arguments, (out,))


def vjp(items: str, rows: int, n: int) -> Call:
    p = np.exp(normal(rows, n))
    p = as_items(p / p.sum(1, keepdims=True), items)
    g = as_items(np.random.default_rng(3).normal(0, 1, (rows, n)), items)
    out = np.empty_like(p)
    arguments = (p, n, g, n, out, n, rows, n, np.full(1, 0.7), 0)
    return Call(f"softmax_vjp_{items}", arguments, (out,))


def temperature_for(n: int) -> Call:
    out, entropy = np.empty(1), 0
    arguments = (normal(1, n), n, 1, n, entropy, np.full(1, 3.0), 0, out, None)
    return Call("temperature_for_f64", arguments, (out,))


def sample(
    items: str,
    rows: int,
    n: int,
    filters: Callable[[int], Filters] | None = None,
    scale: float = 1.0,
    with_logprobs: bool = False,
) -> Call:
    x = as_items(normal(rows, n, scale), items)
    ids = np.empty(rows, np.int64)
    logprobs = np.empty(rows, np.float64 if items == "f64" else np.float32)
    scratch = np.empty(3 * n + 8192)  # more than the functions for its size ask for
    chosen = {"temperature": np.full(1, 0.7), **filters(n)} if filters else None
    written = (ids, logprobs) if with_logprobs else (ids,)
    arguments = (x, n, rows, n, chosen, random_words(rows), 1, ids)
    return Call(
        f"sample_{items}",
        (*arguments, logprobs if with_logprobs else None, scratch, None),
        written,
    )


def allowed(n: int) -> Array:
    return np.random.default_rng(4).random(-(-n // 32) * 32) < 0.5


FILTER_CASES: list[tuple[str, Callable[[int], Filters]]] = [
    ("temperature", lambda n: {}),
    ("top_k 40", lambda n: {"top_k": np.full(1, 40, np.uint64)}),
    ("top_p 0.95", lambda n: {"top_p": np.full(1, 0.95)}),
    ("top_p 0.5", lambda n: {"top_p": np.full(1, 0.5)}),
    ("min_p 0.1", lambda n: {"min_p": np.full(1, 0.1)}),
    ("min_p 1e-9", lambda n: {"min_p": np.full(1, 1e-9)}),
    ("mask in bytes", lambda n: {"allowed": allowed(n).astype(np.uint8)}),
    (
        "mask in bits",
        lambda n: {"allowed_bits": np.packbits(allowed(n), bitorder="little").view(np.uint32)},
    ),
]
SHORT_FILTER_CASES: list[tuple[str, Callable[[int], Filters]]] = [
    ("top_k 3", lambda n: {"top_k": np.full(1, 3, np.uint64)}),
    *(case for case in FILTER_CASES if case[0] in ("top_p 0.95", "min_p 0.1", "mask in bytes")),
    (
        "all three",
        lambda n: {
            "top_k": np.full(1, 5, np.uint64),
            "top_p": np.full(1, 0.9),
            "min_p": np.full(1, 0.05),
        },
    ),
]


def alias_build(items: str, n: int, weights: str) -> Call:
    buckets, scratch = np.empty(2 ** bits_for(n), np.uint64), np.empty(n + 64, np.uint64)
    arguments = (as_weights(WEIGHTS[weights](n), items), n, buckets, scratch, None)
    return Call(f"alias_build_{items}", arguments, (buckets,))


def bits_for(n: int) -> int:
    return max(1, (n - 1).bit_length())


def alias_draw(build: Build, function: str, n: int, draws: int = 100_000) -> Call:
    """alias_map or alias_sample of a table of n categories."""
    table = alias_build("f64", n, "uniform")
    build.run(table.function, table.arguments, 1)
    (buckets,), out = table.written, np.empty(draws, np.int64)
    words, state = random_words(draws), generator(build)
    source, advanced = (words, ()) if function == "alias_map" else (state, (state,))
    return Call(function, (buckets, bits_for(n), source, draws, out), (out,), advanced)


def alias_rows_build(items: str, rows: int = 10_000, n: int = 10) -> Call:
    records, buckets = np.empty(rows, np.uint64), np.empty(rows << bits_for(n), np.uint64)
    indptr = np.arange(0, rows * n + 1, n)
    weights = as_weights(WEIGHTS["uniform"](rows * n), items)
    arguments = (weights, indptr, rows, records, buckets, np.empty(n + 64, np.uint64), None)
    return Call(f"alias_rows_build_{items}", arguments, (records, buckets))


def alias_rows_map(build: Build, draws: int = 100_000) -> Call:
    tables = alias_rows_build("f64")
    build.run(tables.function, tables.arguments, 1)
    (records, buckets), out = tables.written, np.empty(draws, np.int64)
    rows = np.random.default_rng(5).integers(0, len(records), draws)
    arguments = (buckets, records, len(records), rows, random_words(draws), draws, out, None)
    return Call("alias_rows_map", arguments, (out,))


def xoshiro_fill(build: Build, n: int = 100_000) -> Call:
    state, out = generator(build), np.empty(n, np.uint64)
    return Call("xoshiro_fill", (state, out, n), (out,), (state,))


def cases(build: Build) -> Iterator[tuple[str, Callable[[], Call]]]:
    """Name and maker of every call; `build` makes the tables that others draw from."""
    slow = build.tier() == "scalar"  # its large cases would take minutes
    longest, large = ([], []) if slow else ([(1, 2**22)], [1_000_000])
    short = [(1, 6), (4096, 6), (4096, 16), (1000, 40), (1000, 60)]
    for items in ("f32", "f64", "f16", "bf16"):
        for rows, n in [*short, (64, 1000), (1, 32_000), (1, 128_256), *longest]:
            yield f"softmax_{items} {rows}x{n}", partial(of_rows, "softmax", items, rows, n)
        call = partial(of_rows, "softmax", items, 4096, 16, temperature_per_row=True)
        yield f"softmax_{items} 4096x16, temperature per row", call
    for items in REALS:
        for rows, n in [(4096, 16), (1, 32_000)]:
            softmax = partial(of_rows, "softmax", items, rows, n)
            yield f"softmax_{items} {rows}x{n}, moved by 1e6", partial(softmax, moved)
            yield f"softmax_{items} {rows}x{n}, -inf", partial(softmax, with_minus_infinity)
        for rows, n in [(1000, 16), (1, 32_000)]:
            for function in ("log_softmax", "logsumexp", "entropy"):
                call = partial(of_rows, function, items, rows, n)
                yield f"{function}_{items} {rows}x{n}", call
            yield f"softmax_vjp_{items} {rows}x{n}", partial(vjp, items, rows, n)
    yield "temperature_for_f64 1x1000", partial(temperature_for, 1000)

    for items in REALS:
        for rows, n in [(4096, 6), (4096, 16), (1, 1000), (1, 32_000), (1, 128_256)]:
            yield f"sample_{items} {rows}x{n}", partial(sample, items, rows, n)
        for name, filters in SHORT_FILTER_CASES:
            for n in (6, 16, 50):
                yield f"sample_{items} 4096x{n}, {name}", partial(sample, items, 4096, n, filters)
    for items in ("f16", "bf16"):
        yield f"sample_{items} 1x32000", partial(sample, items, 1, 32_000)
    for items in REALS:
        for n in (1000, 32_000, 128_256):
            for name, filters in FILTER_CASES:
                call = partial(sample, items, 1, n, filters)
                yield f"sample_{items} 1x{n}, {name}", call
                if "top_p" in name:
                    yield f"sample_{items} 1x{n}, {name}, logits x 4", partial(call, scale=4.0)
            call = partial(sample, items, 1, n, with_logprobs=True)
            yield f"sample_{items} 1x{n}, logprobs", call

    for items in ("f64", "f32", "u64"):
        for n in (1000, 100_000, *large):
            for weights in WEIGHTS:
                call = partial(alias_build, items, n, weights)
                yield f"alias_build_{items} {n}, {weights}", call
        yield f"alias_rows_build_{items} 10000x10", partial(alias_rows_build, items)
    for n in (10, 1000, 100_000, *large):
        for function in ("alias_map", "alias_sample"):
            yield f"{function} of {n}", partial(alias_draw, build, function, n)
    yield "alias_rows_map of 10000x10", partial(alias_rows_map, build)
    yield "xoshiro_fill", partial(xoshiro_fill, build)
