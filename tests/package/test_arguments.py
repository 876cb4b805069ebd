"""Arrays are given by position and everything else by keyword."""

import inspect
import operator
import re

import numpy as np
import pytest

import softdraw

X = np.ones((2, 3))
ARRAYS = {
    "softmax": "x",
    "log_softmax": "x",
    "logsumexp": "x",
    "softmax_vjp": "p, g",
    "entropy": "logits",
    "sample_logits": "logits",
    "temperature_for": "logits",
    "AliasTable.from_logits": "logits",
    "AliasTables.from_logits": "logits, indptr",
}
OVER_AN_AXIS = ["softmax", "log_softmax", "logsumexp", "softmax_vjp", "entropy"]


def function_of(name):
    return operator.attrgetter(name)(softdraw)


def refused(name, *values):
    """The text of the TypeError for values after the arrays."""
    with pytest.raises(TypeError) as error:
        function_of(name)(*[X] * len(ARRAYS[name].split(",")), *values)
    return str(error.value)


@pytest.mark.parametrize("name", OVER_AN_AXIS)
def test_a_second_number_is_neither_axis_nor_temperature(name):
    arrays = ARRAYS[name]
    assert refused(name, 0) == (
        f"{name} takes only {arrays} by position; "
        f"write {name}({arrays}, axis=0) or {name}({arrays}, temperature=0)"
    )


@pytest.mark.parametrize(
    "name, keyword",
    [
        ("sample_logits", "temperature"),
        ("AliasTable.from_logits", "temperature"),
        ("temperature_for", "entropy"),
    ],
)
def test_the_parameter_after_logits_is_given_by_keyword(name, keyword):
    assert refused(name, 0.5) == (
        f"{name} takes only logits by position; write {name}(logits, {keyword}=0.5)"
    )


def test_the_temperature_of_many_tables_is_given_by_keyword():
    assert refused("AliasTables.from_logits", 0.5) == (
        "AliasTables.from_logits takes only logits, indptr by position; "
        "write AliasTables.from_logits(logits, indptr, temperature=0.5)"
    )


@pytest.mark.parametrize("name", ARRAYS)
def test_a_long_value_is_not_repeated(name):
    assert "=...)" in refused(name, np.ones(2), 0)


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_have_no_keyword(name):
    keywords = dict.fromkeys(ARRAYS[name].split(", "), X)
    with pytest.raises(TypeError, match="positional argument"):
        function_of(name)(**keywords)


@pytest.mark.parametrize("name", ARRAYS)
def test_signature_is_the_documented_one(name):
    signature = inspect.signature(function_of(name))
    arrays = ARRAYS[name].split(", ")
    kinds = {each.name: each.kind for each in signature.parameters.values()}
    assert [
        name for name, kind in kinds.items() if kind is inspect.Parameter.POSITIONAL_ONLY
    ] == arrays
    others = [kind for name, kind in kinds.items() if name not in arrays]
    assert set(others) == {inspect.Parameter.KEYWORD_ONLY}
    assert re.match(rf"\({', '.join(arrays)}, /, \*, ", str(signature))
