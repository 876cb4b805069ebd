"""tools/mutants.toml: every mutant can still be made, and the tests that should notice it exist."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

if not (ROOT / "tools" / "mutants.toml").exists():
    pytest.skip("tools/ is not beside tests/", allow_module_level=True)
pytest.importorskip("tomllib", reason="needs Python 3.11")
sys.path.insert(0, str(ROOT / "tools"))
import mutants  # noqa: E402

MUTANTS = mutants.read_list()


def test_each_mutant_changes_one_place_of_its_file():
    for mutant in MUTANTS:
        text = (ROOT / mutant.path).read_text(encoding="utf-8")
        assert mutant.apply(text) != text


def test_no_mutant_is_listed_twice():
    assert len({mutant.key for mutant in MUTANTS}) == len(MUTANTS) >= 100


def test_what_should_notice_a_mutant_exists():
    for mutant in MUTANTS:
        assert mutant.programs or mutant.tests, mutant
        for program in mutant.programs:
            assert (ROOT / "tests" / "c" / f"{program}.c").exists(), mutant
        for test in mutant.tests:
            file, _, name = test.partition("::")
            assert f"def {name}" in (ROOT / "tests" / file).read_text(encoding="utf-8"), mutant


def test_the_kernels_that_a_mutant_is_compiled_into_exist():
    names = [path.name for path in (ROOT / "src" / "core" / "tiers").glob("*.c")]
    for mutant in MUTANTS:
        assert any(name.startswith(mutant.kernels) for name in names), mutant
