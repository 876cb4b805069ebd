"""sample_logits to the word: each item's interval of words is found by bisection and measured."""

import itertools
import math
from bisect import bisect_left
from typing import NamedTuple

import logits_reference as reference
import numpy as np
import pytest
from floats import bfloat16, finfo
from logits_reference import ULPS, WORDS
from memory import need_memory
from oracle import LOWEST_EXPONENT, PRECISION

from softdraw import sample_logits

inf, nan = math.inf, math.nan
TOP = WORDS - 1
DTYPES = [np.float32, np.float64, np.float16, bfloat16]
TEMPERATURES = [0.7, 1.0, 0.05, 5.0, 0.0, 1e-30, 5e-324, 1e30, inf]
FILTERS = [
    {},
    {"top_p": 0.95},
    {"top_k": 40},
    {"min_p": 0.1},
    {"top_p": 0.0},
    {"top_p": 0.5},
    {"top_p": 0.3},
    {"top_p": 1.0, "top_k": 10**6, "min_p": 0.0},
    {"top_k": 1},
    {"top_k": 5, "top_p": 0.9},
    {"top_p": 0.999},
    {"min_p": 1.0},
    {"min_p": 1e-3, "top_p": 0.99},
    {"top_k": 3, "min_p": 0.5},
    {"top_p": 1e-9},
    {"top_k": 100, "top_p": 0.8, "min_p": 0.02},
]


# ---- rows --------------------------------------------------------------------------------------


def _clumped(rng, n):
    x = rng.normal(-6, 1, n)
    x[n // 3 : n // 3 + max(1, n // 10)] += 8
    return x


def _one_giant(rng, n):
    x = rng.normal(size=n)
    x[rng.integers(n)] = 60
    return x


def _half_impossible(rng, n):
    x = np.where(rng.random(n) < 0.5, -inf, rng.normal(0, 2, n))
    x[rng.integers(n)] = 1.0
    return x


def _one_possible(rng, n):
    x = np.full(n, -inf)
    x[rng.integers(n)] = rng.normal()
    return x


ROWS = {
    "normal": lambda rng, n: rng.normal(0, 2, n),
    "flat": lambda rng, n: rng.normal(0, 0.01, n),
    "peaked": lambda rng, n: rng.normal(0, 8, n),
    "Zipf": lambda rng, n: -1.1 * np.log(rng.permutation(n) + 1.0),
    "sorted": lambda rng, n: np.sort(rng.normal(0, 3, n)),
    "reversed": lambda rng, n: -np.sort(rng.normal(0, 3, n)),
    "clumped": _clumped,
    "periodic": lambda rng, n: np.sin(np.arange(n) * (2 * np.pi / 16)) * 3,
    "tied": lambda rng, n: rng.integers(-2, 3, n).astype(float),
    "two values": lambda rng, n: rng.integers(0, 2, n).astype(float),
    "all equal": lambda rng, n: np.full(n, rng.normal()),
    "one giant": _one_giant,
    "half impossible": _half_impossible,
    "one possible": _one_possible,
    "down to nothing": lambda rng, n: rng.uniform(-120, 0, n),
    "far down to nothing": lambda rng, n: rng.uniform(-760, 0, n),
    "near-equal, far off": lambda rng, n: 1e4 + rng.normal(0, 1e-3, n),
    "huge": lambda rng, n: 1e30 * rng.choice([-1, 0, 0.99, 1], n),
    "subnormal": lambda rng, n: 1e-40 * rng.normal(size=n),
}


def make_row(name, n, dtype):
    """A row that has no infinity but -inf."""
    x = ROWS[name](np.random.default_rng([n, list(ROWS).index(name)]), n)
    highest = float(finfo(dtype).max)
    return np.where(x == -inf, x, np.clip(x, -highest, highest)).astype(dtype)


# ---- measuring ---------------------------------------------------------------------------------


def first_words(row, items, temperature, **options):
    """For each item the first word that draws it or one after it, 2**64 if none does.

    Of the last word that draws one before it, four bits are found with each call."""
    items = np.asarray(items)[:, None]
    below = np.zeros(items.shape, np.uint64)
    for shift in range(60, -1, -4):
        tried = below | np.arange(1, 16, dtype=np.uint64) << np.uint64(shift)
        drawn = sample_logits(row, temperature=temperature, words=tried, **options)
        assert (drawn[:, 1:] >= drawn[:, :-1]).all(), "a larger word draws an earlier item"
        below |= (drawn < items).sum(1, keepdims=True).astype(np.uint64) << np.uint64(shift)
    first = sample_logits(row, temperature=temperature, words=0, **options)
    return [
        0 if first >= item else word + 1
        for item, word in zip(items[:, 0].tolist(), below[:, 0].tolist(), strict=True)
    ]


class Case(NamedTuple):
    """Logits with an answer: what the kernel takes, and the masses that the oracle gives."""

    row: np.ndarray
    temperature: float
    filters: dict
    mass: list
    options: dict = {}  # that change nothing but what is masked  # noqa: RUF012

    def seen(self):
        """The row in float64, -inf where it is masked."""
        with np.errstate(invalid="ignore"):
            x = self.row.astype(np.float64)
        return np.where(self.options["mask"], x, -inf) if self.options else x

    def left(self):
        return reference.survivors(
            self.seen(), self.mass, self.row.dtype, self.temperature, **self.filters
        )


def cases(rows, temperatures, filters, options=None):
    """Cases of rows of one length, and their masses at once."""
    options = options or [{}] * len(rows)
    seen = [Case(row, 1, {}, [], option).seen() for row, option in zip(rows, options, strict=True)]
    known = reference.masses(np.array(seen), np.array(temperatures))
    return [Case(*case) for case in zip(rows, temperatures, filters, known, options, strict=True)]


def check(case, items=None):
    """Assert that each of `items`, all of them if None, is drawn by the words that it should be."""
    row, dtype, n = case.row, case.row.dtype, case.row.size
    items = range(n) if items is None else items
    ends = sorted({*items, *(item + 1 for item in items)})
    options = {**case.filters, **case.options}
    where = dict(zip(ends, first_words(row, ends, case.temperature, **options), strict=True))
    interval = {item: where[item + 1] - where[item] for item in items}
    what = f"{dtype} n={n} T={case.temperature} {case.filters}"

    left, kept = decide(case, [item for item in items if interval[item]], items, what)
    mass = [case.mass[i] if i in kept else 0 for i in range(n)]
    if case.temperature == 0:
        mass[left.order[0]] = 1
    sums = [0, *itertools.accumulate(mass)]
    total = sums[-1]
    for end in ends:
        wanted = math.ceil(sums[end] * WORDS / total) if end == n else sums[end] * WORDS // total
        share, rest = sums[end] / total, (total - sums[end]) / total
        off = reference.slack(share, rest, len(kept), dtype) * WORDS + 2
        assert abs(where[end] - wanted) <= off, f"{what}: item {end} starts at {where[end]}"
    for item in items:
        if reference.never_drawn(mass[item], total, dtype):
            assert interval[item] == 0, f"{what}: item {item} has no mass, but words"
    check_exponentials(case, {i: interval[i] for i in items if i in kept}, total, what)
    check_log_probabilities(case, interval, where, mass, total, what)


def decide(case, drawn, items, what):
    """What the filters leave, and which of the sets that they may leave was drawn from."""
    left = case.left()
    rank = {item: place for place, item in enumerate(left.order)}
    count = min(max([rank[item] + 1 for item in drawn] + [left.least]), left.most)
    kept = set(left.order[:count])
    total = sum(case.mass[i] for i in kept)
    assert set(drawn) <= kept, f"{what}: {sorted(set(drawn) - kept)} drawn, which are filtered out"
    for item in set(items) & kept - set(drawn):  # too faint for a sum in float64
        assert case.mass[item] / total < (len(kept) + 8) * 2.0**-52, f"{what}: {item} is lost"
    return left, kept


def check_exponentials(case, interval, total, what):
    """There is a scale at which intervals of words are the exponentials, to ULPS.

    An interval is off by a rounding of the sums in float64 before and after it."""
    if case.temperature == 0:
        return
    epsilon = reference.epsilon(case.row.dtype)
    off = (case.row.size + 8) * 2.0**-52 * WORDS + 2
    largest = max(case.mass)
    one = largest / total * WORDS  # the words of an exponential of 1
    low, high = 0.0, inf
    for item, words in interval.items():
        exact = case.mass[item] / total * WORDS
        if exact < 2 * off:
            continue
        ulp = epsilon * 2.0 ** math.floor(math.log2(case.mass[item] / largest)) * one
        low = max(low, (words - off) / (exact + ULPS * ulp))
        high = min(high, (words + off) / (exact - ULPS * ulp))
    assert low <= high, f"{what}: intervals are not the exponentials to {ULPS} ULP"


def check_log_probabilities(case, interval, where, mass, total, what):
    """Those of some of the items that can be drawn, the likeliest among them."""
    dtype = case.row.dtype
    drawn = sorted(item for item in interval if interval[item])
    drawn = sorted({drawn[0], drawn[len(drawn) // 2], max(drawn, key=mass.__getitem__)})
    ids, logprobs = sample_logits(
        case.row,
        temperature=case.temperature,
        words=np.array([where[item] for item in drawn], np.uint64),
        return_logprobs=True,
        **case.filters,
        **case.options,
    )
    assert ids.tolist() == drawn
    computed = "float64" if dtype == np.float64 else "float32"
    assert logprobs.dtype == computed
    for item, got in zip(drawn, logprobs, strict=True):
        if mass[item] == total:
            assert got == 0
            continue
        wanted = reference.log_share(mass[item], total)
        exponent = max(math.frexp(float(wanted))[1] - 1, LOWEST_EXPONENT[computed])
        ulp = 2.0 ** (exponent - PRECISION[computed] + 1)
        assert abs(float(got) - wanted) <= LOG_ULPS[computed] * ulp, f"{what}: {got}, {wanted}"


# As for log_softmax, of which they are values.
LOG_ULPS = {"float32": 1.5, "float64": 3.0}


# ---- every item of short rows ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "lengths"),
    [
        (np.float32, range(1, 131)),
        (np.float64, range(1, 131)),
        (np.float16, range(1, 131, 5)),
        (bfloat16, range(3, 131, 5)),
    ],
    ids=["float32", "float64", "float16", "bfloat16"],
)
@pytest.mark.parametrize("turn", range(5))
def test_rows_of_every_length(dtype, lengths, turn):
    """All rows, each at a temperature and with filters of its own."""
    for n in lengths[turn::5]:
        rows = [make_row(name, n, dtype) for name in ROWS]
        everyday = n % 2
        temperatures = [
            TEMPERATURES[(n + k) % (3 if everyday else len(TEMPERATURES))] for k in range(len(rows))
        ]
        filters = [FILTERS[(n + 5 * k) % len(FILTERS)] for k in range(len(rows))]
        for case in cases(rows, temperatures, filters):
            check(case)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ROWS)
def test_every_row_at_every_temperature(name, dtype):
    n = 20
    tried = list(itertools.product(enumerate(TEMPERATURES), enumerate(FILTERS)))
    tried = [(t, filters) for (i, t), (j, filters) in tried if (i + j) % 3 == 0]
    rows = [make_row(name, n, dtype)] * len(tried)
    for case in cases(rows, *zip(*tried, strict=True)):
        check(case)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_masked_items_are_as_if_impossible(dtype):
    for n in [1, 2, 31, 32, 33, 64, 100, 129]:
        rng = np.random.default_rng(n)
        rows, options = [], []
        for name in ("normal", "tied", "half impossible"):
            row = make_row(name, n, dtype)
            mask = rng.random(n) < 0.6
            mask[np.argmax(row)] = True
            row[~mask] = rng.choice([nan, inf, -inf, 50], n - mask.sum())
            rows += [row, row]
            bits = np.zeros(-(-n // 32) * 32, bool)
            bits[:n] = mask
            packed = np.packbits(bits, bitorder="little").view("<i4")
            options += [mask, packed]
        filters = [FILTERS[(n + k // 2) % 5] for k in range(6)]
        masks = [{"mask": options[k // 2 * 2]} for k in range(6)]
        for case, mask in zip(cases(rows, [0.7] * 6, filters, masks), options, strict=True):
            check(case)
            words = spaced(50)
            given = {**case.filters, "words": words}
            ids = sample_logits(case.row, temperature=0.7, mask=mask, **given)
            assert (
                ids.tolist()
                == sample_logits(case.row, temperature=0.7, **case.options, **given).tolist()
            )


def spaced(count):
    """Words spaced evenly, the first and the last included."""
    return np.array([TOP * i // (count - 1) for i in range(count)], np.uint64)


# ---- some items of long rows -------------------------------------------------------------------


def revealing(case):
    """Items that tell most: the likeliest, those near the end of what is left, those at the ends of
    blocks, and some at random."""
    left, n = case.left(), case.row.size
    options = {**case.filters, **case.options}

    def is_left_out(rank):
        item = left.order[rank]
        first, after = first_words(case.row, [item, item + 1], case.temperature, **options)
        return first == after

    end = left.least
    end += bisect_left(range(left.least, left.most), True, key=is_left_out)
    near = left.order[max(0, end - 4) : end + 4]
    rng = np.random.default_rng(n)
    edges = [0, 1, 511, 512, 1023, 1024, 4095, 4096, n - 2, n - 1]
    items = {*near, *left.order[:3], *edges, *rng.integers(n, size=8).tolist()}
    return sorted(item for item in items if 0 <= item < n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1000, 4096, 5000])
def test_long_rows(n, dtype):
    names = list(ROWS)[:14]
    for turn in range(2):
        filters = [FILTERS[(2 * k + turn) % 6] for k in range(len(names))]
        rows = [make_row(name, n, dtype) for name in names]
        for case in cases(rows, [0.7] * len(rows), filters):
            check(case, revealing(case))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("n", [1000, 4096, 5000])
def test_long_rows_at_all_temperatures(n, name, dtype):
    for turn, temperature in enumerate(TEMPERATURES):
        filters = FILTERS[turn % 4 :: 4]
        rows = [make_row(name, n, dtype)] * len(filters)
        for case in cases(rows, [temperature] * len(rows), filters):
            check(case, revealing(case))


HARD = ["sorted", "clumped", "periodic", "tied", "all equal", "peaked", "one giant"]


@pytest.mark.parametrize(
    ("n", "name", "dtype", "filters"),
    [
        *((32_000, name, np.float32, {"top_p": 0.95}) for name in HARD),
        (32_000, "normal", np.float64, {"top_p": 0.9}),
        (32_000, "tied", np.float64, {"top_k": 20_000, "top_p": 0.7}),
        (32_000, "flat", np.float32, {"top_k": 2000, "min_p": 0.9}),
        (32_000, "Zipf", np.float32, {}),
        (128_256, "normal", np.float32, {}),
        (128_256, "normal", np.float32, {"top_p": 0.95}),
        (128_256, "two values", np.float64, {"top_p": 0.6}),
        (128_256, "Zipf", np.float64, {"min_p": 1e-3}),
        (201_088, "half impossible", np.float64, {"top_p": 0.99}),
        (300_001, "flat", np.float32, {}),
    ],
    ids=str,
)
def test_rows_as_long_as_vocabularies(n, name, dtype, filters):
    (case,) = cases([make_row(name, n, dtype)], [0.7], [filters])
    check(case, revealing(case))


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_rows_as_long_as_vocabularies_with_more_filters(name):
    (known,) = cases([make_row(name, 32_000, np.float32)], [0.7], [{}])
    for filters in FILTERS[:6]:
        case = known._replace(filters=filters)
        check(case, revealing(case))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1000, 4096])
def test_the_first_and_last_words_draw_what_is_left(n, dtype):
    """Also where the first or last items of a long row, or whole blocks of it, are filtered out."""
    words = np.array([0, 1, 2**9, 2**20, TOP - 2**20, TOP - 1, TOP], np.uint64)
    some = [filters for filters in FILTERS if filters.get("top_p", 1) < 1]
    for name, temperature in itertools.product(ROWS, TEMPERATURES[:4]):
        (known,) = cases([make_row(name, n, dtype)], [temperature], [{}])
        for filters in some:
            left = known._replace(filters=filters).left()
            ids = sample_logits(known.row, temperature=temperature, words=words, **filters)
            assert set(ids.tolist()) <= set(left.order[: left.most]), (name, temperature, filters)


# ---- sets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [20, 1000, 5000])
def test_min_p_1_keeps_what_rounds_to_the_largest_mass(n, dtype):
    """Masses decide, the kernel's own, not logits."""
    row = np.linspace(0, 1e-18, n, dtype=dtype)
    for temperature in (0.7, 1.0, 30.0):
        ids = sample_logits(row, temperature=temperature, min_p=1.0, words=spaced(n * 2))
        assert np.unique(ids).size == n, temperature


@pytest.mark.parametrize("n", [*range(1, 41), 100, 127, 1024, 4095])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_top_p_of_equal_masses_counts_them(n, dtype):
    """Whatever the mass of one is, and however sums of it are rounded."""
    for value, temperature in itertools.product([1.7, 0.0], [0.7, 1e30, inf]):
        row = np.full(n, value, dtype)
        for k in range(0, n + 1, max(1, n // 25)):
            p = k / n
            kept = max(1, math.ceil(p * n))
            words = np.array([(2 * kept - 1) * WORDS // (2 * kept), TOP], np.uint64)
            ids = sample_logits(row, temperature=temperature, top_p=p, words=words)
            assert ids.tolist() == [kept - 1, kept - 1], (temperature, value, k)


@pytest.mark.parametrize("n", [4096, 5000, 20_000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_top_p_of_equal_masses_counts_them_in_long_rows(n, dtype):
    test_top_p_of_equal_masses_counts_them(n, dtype)


def test_filters_keep_what_transformers_keeps():
    """As its TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper and MinPLogitsWarper have
    it, in float64; without ties, of which they keep all or drop the lower index."""
    torch = pytest.importorskip("torch")
    words = spaced(4000)
    for seed, filters in itertools.product(range(20), FILTERS):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 150))
        row, temperature = rng.normal(0, 2, n), rng.uniform(0.5, 3)
        scores = torch.from_numpy(row) / temperature
        if (k := filters.get("top_k")) is not None:
            least = torch.topk(scores, min(k, n)).values[-1]
            scores = scores.masked_fill(scores < least, -inf)
        if (p := filters.get("top_p", 1)) < 1:
            ascending, where = torch.sort(scores)
            removed = ascending.softmax(0).cumsum(0) <= 1 - p
            removed[-1:] = False
            scores = scores.masked_fill(removed.scatter(0, where, removed), -inf)
        if (p := filters.get("min_p", 0)) > 0:
            probabilities = scores.softmax(0)
            scores = scores.masked_fill(probabilities < p * probabilities.max(), -inf)
        probabilities = scores.softmax(0).numpy()
        kept = set(np.flatnonzero(probabilities).tolist())
        sure = set(np.flatnonzero(probabilities > 2 / len(words)).tolist())
        drawn = set(sample_logits(row, temperature=temperature, words=words, **filters).tolist())
        assert sure <= drawn <= kept, (seed, filters)


# ---- batches -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.__name__)
@pytest.mark.parametrize("n", [1, 5, 16, 17, 130, 1100, 4500])
def test_a_row_draws_in_any_batch_as_alone(n, dtype):
    """vLLM issue 51226: what else is in the batch must not matter."""
    rng = np.random.default_rng(n)
    x = np.array([make_row(name, n, dtype) for name in ROWS for _ in range(2)])
    rows = len(x)
    mask = rng.random((rows, n)) < 0.8
    mask[np.arange(rows), x.argmax(1)] = True
    by_row = {
        "temperature": rng.choice(TEMPERATURES, rows),
        "top_k": rng.choice([1, 3, 40, 10**6], rows),
        "top_p": rng.choice([0, 0.5, 0.95, 1], rows),
        "min_p": rng.choice([0, 0.01, 1], rows),
        "mask": mask,
        "words": rng.integers(WORDS, size=rows, dtype=np.uint64),
    }
    by_row["words"][:4] = [0, TOP, 1, TOP - 1]
    alone = [
        sample_logits(
            x[i], return_logprobs=True, **{name: values[i] for name, values in by_row.items()}
        )
        for i in range(rows)
    ]
    order = rng.permutation(rows)
    for batch in (order, order[::-1], order[:5], np.repeat(order[5:7], 9)):
        options = {name: values[batch] for name, values in by_row.items()}
        ids, logprobs = sample_logits(x[batch], **options, return_logprobs=True)
        assert ids.tolist() == [alone[i][0] for i in batch]
        assert logprobs.tolist() == [alone[i][1] for i in batch]
        assert sample_logits(x[batch], **options).tolist() == ids.tolist()


@pytest.mark.parametrize(("dtype", "bits"), [(np.float32, 149), (np.float64, 1074)])
@pytest.mark.parametrize("n", [2, 5, 16, 17, 33, 64])
def test_the_word_0_draws_alike_at_the_bound_of_what_has_a_mass(n, dtype, bits):
    rng = np.random.default_rng(n)
    t = rng.uniform(0.3, 3, 400)
    largest = rng.normal(0, 5, 400).astype(dtype)
    edge = (largest - t * (bits - (n - 1).bit_length()) * math.log(2)).astype(dtype)
    words = np.zeros(400, np.uint64)
    for first in (np.nextafter(edge, dtype(-inf)), edge, np.nextafter(edge, dtype(inf))):
        x = np.full((400, n), -inf, dtype)
        x[:, 0], x[:, -1] = first, largest
        ids = sample_logits(x, temperature=t, words=words)
        assert ids.tolist() == [
            sample_logits(row, temperature=each, words=0) for row, each in zip(x, t, strict=True)
        ]
        for named in ({"mask": np.ones((400, n), bool)}, {"top_k": n}, {"min_p": 0}):
            assert (sample_logits(x, temperature=t, words=words, **named) == ids).all()
        drawn, _ = sample_logits(x, temperature=t, words=words, return_logprobs=True)
        assert drawn.tolist() == ids.tolist()


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_many_draws_of_a_row_are_those_that_each_word_draws(filters):
    for name, n in itertools.product(["normal", "tied", "peaked"], [7, 600, 5000]):
        row = make_row(name, n, np.float32)
        words = np.random.default_rng(7).integers(WORDS, size=20, dtype=np.uint64)
        alone = [sample_logits(row, temperature=0.7, words=word, **filters) for word in words]
        assert sample_logits(row, temperature=0.7, words=words, **filters).tolist() == alone
        assert (
            sample_logits(np.tile(row, (20, 1)), temperature=0.7, words=words, **filters).tolist()
            == alone
        )


# ---- what others got wrong ---------------------------------------------------------------------


def share_of(item, row, temperature=1.0, **options):
    first, after = first_words(row, [item, item + 1], temperature, **options)
    return (after - first) / WORDS


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [3, 300, 30_000])
def test_the_tail_is_drawn(n, dtype):
    """vLLM issues 43150, 51367: float32 noise or 24 bits of a uniform draw nothing so unlikely."""
    row = np.zeros(n, dtype)
    row[0] = row[n // 2] = -30
    exact = math.exp(-30) / (n - 2)
    assert share_of(0, row) == pytest.approx(exact, rel=1e-6)
    assert share_of(n // 2, row) == pytest.approx(exact, rel=1e-6, abs=n * 2.0**-53)


@pytest.mark.parametrize("n", [3, 7, 49, 1000, 5000])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_last_word_draws_an_item_of_the_row(n, dtype):
    """QuantEcon.py issue 591, exllamav2, gym: probabilities that add up to less than the 1 that was
    assumed draw past the end, or the first item."""
    for name, filters in itertools.product(["all equal", "normal", "Zipf", "tied"], FILTERS):
        row = make_row(name, n, dtype)
        words = np.array([0, TOP], np.uint64)
        ids, logprobs = sample_logits(
            row, temperature=0.7, words=words, return_logprobs=True, **filters
        )
        assert ids[0] <= ids[1] < n
        assert (logprobs.astype(float) > -inf).all()


@pytest.mark.parametrize("n", [1, 2, 15, 16, 17, 64, 513, 2049, 4097])
def test_an_item_without_mass_is_never_drawn(n):
    """PyTorch issues 2576, 43115, 48841, 100884: multinomial drew items of probability 0."""
    words = np.concatenate([spaced(64), np.array([1, 2, TOP - 1], np.uint64)])
    for dtype, lowest in itertools.product([np.float32, np.float64], [-inf, -1e30]):
        for start, filters in itertools.product({0, n // 2, n - 1}, FILTERS):
            row = np.full(3 * n, lowest, dtype)
            possible = slice(n + start, 2 * n)
            row[possible] = 0
            ids = sample_logits(row, temperature=0.7, words=words, **filters)
            assert (row[ids] == 0).all(), (dtype, lowest, start, filters)


def test_a_tiny_temperature_draws_one_of_the_largest():
    """vLLM issues 890, 1623, 3063, 22180, TensorRT-LLM 15715: inf - inf, once divided."""
    for dtype, temperature in itertools.product([np.float32, np.float64], [1e-30, 1e-300, 5e-324]):
        for n in (6, 1500, 5000):
            row = np.linspace(-100, 100, n, dtype=dtype)
            row[[1, n // 2]] = 101
            for filters in FILTERS:
                ids = sample_logits(row, temperature=temperature, words=spaced(11), **filters)
                assert set(ids.tolist()) <= {1, n // 2}


@pytest.mark.parametrize("n", [1, 6, 200, 513, 600, 5000])
@pytest.mark.parametrize("filters", [{}, {"min_p": 0.5}, {"top_p": 0.99}, {"top_k": 4}], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_at_every_power_of_two_have_something_to_draw(dtype, filters, n):
    """The masses of a row are relative to the power of two nearest to that of its maximum."""
    powers = range(-4200, 4200, 1 if n < 700 else 8)  # 1024 and 3072 below 0 among them
    for start in range(0, len(powers), 600):
        some = np.array(powers[start : start + 600], dtype)[:, None] * dtype(np.log(2))
        words = np.full(len(some), 2**63 + 2**40, np.uint64)
        ids = sample_logits(np.repeat(some, n, axis=1), words=words, **filters)
        kept = {"top_k": min(4, n), "top_p": np.ceil(0.99 * n)}.get(next(iter(filters), ""), n)
        assert set(ids.tolist()) == {int(kept // 2)}


@pytest.mark.parametrize("n", [2, 512, 513, 4096, 4097, 40_000, 300_000])
@pytest.mark.parametrize(("dtype", "bits"), [(np.float32, 148), (np.float64, 1073)])
def test_the_word_0_draws_the_first_item_that_has_a_mass(dtype, bits, n):
    """docs/logits.md says from how far below the largest one on an item has none."""
    edge = (bits - math.log2(n)) * math.log(2)
    for above, drawn in ((2, 0), (-2, n - 1)):
        row = np.full(n, above - edge, dtype)
        row[-1] = 0
        assert sample_logits(row, words=0) == drawn
        assert sample_logits(row, words=0, mask=np.ones(n, bool)) == drawn


@pytest.mark.parametrize("largest", [1.0, -1.0, 1.5, -3e5, 1e30, -1e-30])
@pytest.mark.parametrize("n", [2, 3, 16, 600, 5000])
@pytest.mark.parametrize(
    ("dtype", "possible", "impossible"), [(np.float32, 90, 105), (np.float64, 730, 747)]
)
def test_the_word_0_draws_no_neighbour_without_a_mass(dtype, possible, impossible, n, largest):
    """The number next below the largest has none from `impossible` T on, although it may be the one
    nearest to the bound."""
    largest = dtype(largest)
    row = np.full(n, np.nextafter(largest, -inf, dtype=dtype))
    row[-1] = largest
    gap = float(row[-1]) - float(row[0])
    for distance in (possible, *np.linspace(impossible, 2 * impossible, 5)):
        t = gap / distance
        drawn = 0 if distance == possible else n - 1
        assert sample_logits(row, temperature=t, words=0) == drawn
        assert (sample_logits([row] * 9, temperature=t, words=[0] * 9) == drawn).all()


@pytest.mark.parametrize("n", [2, 40, 700, 5000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, bfloat16])
def test_logits_of_any_magnitude_draw_alike(dtype, n):
    """A power of two by which logits and temperature are multiplied changes no draw and no bit."""
    rng = np.random.default_rng(n)
    offset = 120 if dtype is bfloat16 else 1500
    logits = np.round(rng.normal(offset, 4, n))  # whole numbers of eight bits
    words = rng.integers(0, WORDS, (2, 200), np.uint64, endpoint=False)
    largest = {np.float64: 1012}.get(dtype, 116)
    for power in (-largest, -largest // 2, largest // 2, largest - 10, largest):
        scaled = np.ldexp(logits, power).astype(dtype)
        for filters in FILTERS:
            named = {"words": words, "return_logprobs": True, **filters}
            wanted = sample_logits(np.stack([logits.astype(dtype)] * 2), **named)
            drawn = sample_logits(np.stack([scaled] * 2), temperature=2.0**power, **named)
            assert (drawn[0] == wanted[0]).all(), (power, filters)
            assert (drawn[1] == wanted[1]).all(), (power, filters)


def test_temperature_counts():
    """gemma.cpp, before its pull request 981, drew the same at every temperature."""
    row = np.log([3.0, 1.0])
    assert share_of(0, row, 1.0) == pytest.approx(3 / 4)
    assert share_of(0, row, 0.5) == pytest.approx(9 / 10)


@pytest.mark.slow
@pytest.mark.parametrize("filters", [{}, {"top_p": 0.75}, {"min_p": 1.0}], ids=str)
def test_more_than_16_million_items(filters):
    """torch.multinomial takes at most 2**24, and adds up in float32."""
    n = 2**24 + 5
    row = np.zeros(n, np.float32)
    kept = math.ceil(filters.get("top_p", 1) * n)
    words = spaced(1001)
    ids = sample_logits(row, temperature=0.7, words=words, **filters)
    exact = np.array([int(word) * kept // WORDS for word in words])
    assert abs(ids - exact).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize("n", [2**31 + 9, 2**32 - 128], ids=str)
def test_rows_as_long_as_any_may_be(n):
    need_memory(2 * n // 2**30 + 1)
    x = np.full(n, -inf, np.float16)
    places = np.array([0, 2**30, 2**31 - 1, 2**31 + 1, n - 1])
    x[places] = 0
    for fraction in (1e-6, 0.5, 1 - 1e-6):
        words = np.array([(i + fraction) / 5 * WORDS for i in range(5)], np.uint64)
        assert sample_logits(x, words=words).tolist() == places.tolist()
    x[n - 2] = nan
    with pytest.raises(ValueError, match=rf"^logits\[{n - 2}\] is nan; "):
        sample_logits(x)


@pytest.mark.slow
@pytest.mark.parametrize("filters", [{"top_k": 3}, {"top_p": 0.8}, {"min_p": 0.9}], ids=str)
def test_filters_of_half_a_billion_items(filters):
    need_memory(8)
    n = 2**29 + 5
    x = np.full(n, -20, np.float16)
    places = np.array([1, 2**28, n - 2, n - 1])
    x[places] = 19, 20, 20, 20
    ids = sample_logits(x, words=spaced(1001), **filters)
    assert set(ids.tolist()) == set(places[1:].tolist())


def test_a_row_that_is_too_long_is_an_error():
    x = np.broadcast_to(np.float16(0), 2**32 - 127)
    with pytest.raises(ValueError, match=f"at most .* items per row, got {2**32 - 127}$"):
        sample_logits(x)
