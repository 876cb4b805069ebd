"""The calls that docs/howto/coming.md sets side by side run, and give the same."""

import re
from pathlib import Path

import numpy as np
import pytest

import softdraw

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "coming.md"

if not PAGE.exists():
    pytest.skip("docs/ is not beside tests/", allow_module_level=True)


def rows():
    """Tuples of library, what its users write and what they write with softdraw."""
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        library = section.split("\n", 1)[0]
        for line in re.findall(r"^\| (.*) \|$", section, re.MULTILINE)[2:]:
            theirs, ours = line.split(" | ")
            yield library, theirs, ours


ROWS = list(rows())


def code(cell):
    """The first piece of code in a cell of a table, or None."""
    found = re.match(r"`(.*?)`", cell)
    return found and found[1]


def run(source, names):
    """What the last of some statements evaluates to."""
    *statements, last = source.split("; ")
    for statement in statements:
        exec(statement, names)
    if re.match(r"\w+ = ", last):
        exec(last, names)
        return None
    return eval(last, names)


def arguments(library):
    """What the names in the tables stand for."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(4, 6))
    names = {
        "np": np,
        "softdraw": softdraw,
        "rng": rng,
        "x": x[0] if library == "NumPy" else x,  # that table is about one row
        "T": 0.7,
        "p": softdraw.softmax(x[0]),
        "P": softdraw.softmax(x),
        "g": x[1],
        "n": 10,
        "k": 3,
        "items": np.arange(6) * 10,
        "values": np.arange(6) * 10,
        "weights": [1, 2, 3],
        "out": np.empty(5, np.int64),
        "word": 2**63,
        "table": softdraw.AliasTable([1, 2, 3]),
        "draw": softdraw.AliasTable([1, 2, 3]).sampler(rng=7),
        "softmax": softdraw.softmax,
    }
    if library == "SciPy":
        names["scipy"] = pytest.importorskip("scipy")
        pytest.importorskip("scipy.stats.sampling")
    if library == "torch":
        names["torch"] = pytest.importorskip("torch")
        names["t"] = names["torch"].from_numpy(x)
        names["p"] = names["torch"].from_numpy(names["p"])
    if library == "vose":
        names["vose"] = pytest.importorskip("vose")
        names["sampler"] = names["vose"].Sampler(np.ones(3), seed=7)
    return names


@pytest.mark.parametrize(("library", "theirs", "ours"), ROWS, ids=[row[2] for row in ROWS])
def test_calls_side_by_side(library, theirs, ours):
    names = arguments(library)
    result = run(code(ours), dict(names)) if code(ours) else None
    if library == "AliasTables.jl" or not code(theirs):
        return  # Julia, or "the same of ..."
    expected = run(code(theirs), dict(names))
    if isinstance(result, np.ndarray):
        assert result.shape == tuple(np.shape(expected))
        if result.dtype.kind == "f":
            np.testing.assert_allclose(result, np.asarray(expected), rtol=1e-12)
