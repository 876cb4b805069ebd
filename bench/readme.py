"""The table of the README: a few calls beside NumPy and torch."""

from collections.abc import Iterator
from dataclasses import replace

from bench import draws, logits, softmax
from bench.cases import Case, Section

CONTENDERS = ("softdraw", "NumPy", "NumPy choice", "torch")
RENAMED = {"NumPy choice": "NumPy"}


def few(case: Case, label: str) -> Case:
    """The case under another label, with these contenders alone."""
    contenders = {
        RENAMED.get(name, name): function
        for name, function in case.contenders.items()
        if name in CONTENDERS
    }
    return replace(case, label=label, series="", units=1, contenders=contenders)


def calls(quick) -> Iterator[Case]:
    for shape, label in [
        (6, "`softmax` of 6 float32 logits"),
        (32_000, "of 32,000"),
        ((4096, 16), "of 4,096 rows of 16"),
        (2**24, "of 16 million"),
    ][: 1 if quick else None]:
        x = softmax.normal(shape)
        contenders = {"softdraw": softmax.ours(x), **softmax.others(x, all_of_them=False)}
        yield few(Case("", contenders, x.size, check=softmax.same(contenders, x)), label)
    n = 1000 if quick else 128_256
    x = logits.SHAPES["sigma 3"](n).astype("float32")
    for name, label in {
        logits.PLAIN: f"`sample_logits`: a token from {n:,} logits",
        logits.BY_TOP_P: f"the same with {logits.BY_TOP_P}",
    }.items():
        yield few(Case("", logits.contenders_for(x, name), n), label)
    yield few(
        draws.draws_of(draws.uniform(1000), ""), "`AliasTable.sample`: a million draws from 1,000"
    )


SECTIONS = [
    Section(
        "readme",
        "With temperature 0.7. softdraw, NumPy and torch write into arrays that are there "
        "already (`out=`), but for tokens and `Generator.choice`, which have no such argument. "
        "NumPy's softmax subtracts the maximum, takes `exp` and divides by the sum; torch's is "
        "`mul` and `softmax`, and its draws are `multinomial`.",
        calls,
        unit="us",
        joined=True,
    )
]
