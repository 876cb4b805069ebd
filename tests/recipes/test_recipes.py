"""Each page of docs/recipes is a program that runs, with the libraries that it is about."""

import re
import sys
from pathlib import Path

import processes
import pytest

RECIPES = Path(__file__).resolve().parents[2] / "docs" / "recipes"
NEEDS = {
    "dataframes.md": ["pandas", "polars"],
    "jax.md": ["jax"],
    "threads.md": ["joblib"],
    "torch.md": ["torch"],
    "xarray.md": ["xarray", "dask.array"],
}

if not RECIPES.is_dir():
    pytest.skip("docs/ is not beside tests/", allow_module_level=True)


def test_the_libraries_of_every_page_are_listed():
    assert sorted(NEEDS) == sorted(path.name for path in RECIPES.glob("*.md"))


@pytest.mark.parametrize("name", NEEDS)
def test_a_recipe_runs(name, tmp_path):
    for package in NEEDS[name]:
        pytest.importorskip(package)
    blocks = re.findall(
        r"^```python\n(.*?)^```$", (RECIPES / name).read_text(encoding="utf-8"), re.M | re.S
    )
    assert blocks
    program = tmp_path / name.replace(".md", "_recipe.py")
    program.write_text("\n".join(blocks), encoding="utf-8")
    processes.run([sys.executable, program], timeout=300)
