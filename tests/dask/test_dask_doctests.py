"""The examples in the docstrings of softdraw.dask run."""

import doctest

import pytest

pytest.importorskip("dask.array")

import softdraw.dask as sd
from softdraw.dask import _draws, _family

pytestmark = pytest.mark.usefixtures("in_this_thread")


def test_the_examples_in_docstrings_run():
    done = [doctest.testmod(module) for module in (sd, _family, _draws)]
    assert sum(each.attempted for each in done) > 20
    assert not any(each.failed for each in done)
