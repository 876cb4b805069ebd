"""Arrays are given by position and everything else by keyword."""

import importlib
import inspect
import operator
import re
from functools import partial
from typing import get_type_hints

import numpy as np
import pytest
from messages import exactly

import softdraw
from softdraw import AliasTable, AliasTables

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


@pytest.mark.parametrize("name", ["dask", "numba"])
def test_type_hints_name_what_is_there(name):
    pytest.importorskip(name)
    module = importlib.import_module(f"softdraw.{name}")
    for function in map(vars(module).get, module.__all__):
        assert "return" in get_type_hints(function)


class Csr:
    """What matters of a sparse matrix of SciPy."""

    data, indptr = np.ones(2), np.array([0, 2])


PARAMETERS = {"AliasTable": "weights", "AliasTables": "weights, indptr"}


@pytest.mark.parametrize(
    "call, got",
    [
        (lambda: AliasTable(), "AliasTable()"),
        (lambda: AliasTable(p=[1, 2]), "AliasTable(p=...)"),
        (lambda: AliasTable([1, 2], [0, 2]), "AliasTable(list, list)"),
        (lambda: AliasTable(object(), 3, np.zeros(4, np.uint64)),
         "AliasTable(object, int, ndarray)"),
        (lambda: AliasTable.__new__(AliasTable), "AliasTable()"),
        (lambda: AliasTables(), "AliasTables()"),
        (lambda: AliasTables([1, 2]), "AliasTables(list)"),
        (lambda: AliasTables([1, 2], [0, 2], 1.0), "AliasTables(list, list, float)"),
        (lambda: AliasTables([1], indptr=[0, 1]), "AliasTables(list, indptr=...)"),
        (lambda: AliasTables(Csr()),
         "AliasTables(Csr); of a SciPy CSR array, pass csr.data, csr.indptr"),
        (lambda: AliasTables.__new__(AliasTables), "AliasTables()"),
    ],
)  # fmt: skip
def test_a_wrong_call_says_how_to_call(call, got):
    name = got.partition("(")[0]
    text = f"call {name}({PARAMETERS[name]}), by position; got {got}"
    with pytest.raises(TypeError, match=exactly(text)):
        call()


HUGE = 2**40  # items that no memory holds, broadcast from one


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint64])
@pytest.mark.parametrize(
    "call, fits",
    [
        (partial(softdraw.softmax, X), "(2, 1) nor (2,)"),
        (partial(softdraw.logsumexp, X, axis=0), "(1, 3) nor (3,)"),
        (partial(softdraw.softmax_vjp, X, X), "(2, 1) nor (2,)"),
        (partial(softdraw.sample_logits, X), "(2, 1) nor (2,)"),
        (partial(softdraw.AliasTables.from_logits, [1.0], [0, 1]), "(1, 1) nor (1,)"),
    ],
)
def test_temperatures_that_do_not_fit_are_not_copied(call, fits, dtype):
    text = f"temperature of shape ({HUGE},) fits neither {fits}"
    with pytest.raises(ValueError, match=exactly(text)):
        call(temperature=np.broadcast_to(dtype(1), HUGE))


@pytest.mark.parametrize("name", ["top_k", "top_p", "min_p"])
def test_filters_that_do_not_fit_are_not_copied(name):
    value = np.broadcast_to(1 if name == "top_k" else 0.5, HUGE)
    text = f"{name} of shape ({HUGE},) fits neither (2, 1) nor (2,)"
    with pytest.raises(ValueError, match=exactly(text)):
        softdraw.sample_logits(X, **{name: value})


@pytest.mark.parametrize("name", ["entropy", "perplexity", "top_prob"])
def test_targets_that_do_not_fit_are_not_copied(name):
    text = f"{name} of shape ({HUGE},) fits neither (2, 1) nor (2,)"
    with pytest.raises(ValueError, match=exactly(text)):
        softdraw.temperature_for(X, **{name: np.broadcast_to(np.float32(1), HUGE)})


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int32])
def test_masks_that_do_not_fit_are_not_copied(dtype):
    shapes = "packed mask must have shape (1,) or (2, 1)"
    if dtype is not np.int32:
        shapes = "mask must have shape (3,) or (2, 3)"
    with pytest.raises(ValueError, match=exactly(f"{shapes}, got ({HUGE},)")):
        softdraw.sample_logits(X, mask=np.broadcast_to(dtype(1), HUGE))


@pytest.mark.parametrize("dtype", [np.uint64, np.int64, np.uint8])
def test_words_that_do_not_fit_are_not_copied(dtype):
    words = np.broadcast_to(dtype(1), HUGE)
    out = np.zeros(3, int)
    table, tables = softdraw.AliasTable([1, 1]), softdraw.AliasTables([1, 1], [0, 2])
    rows = "words must have the shape (2,) of the rows, or one that begins with it"
    for call, text in (
        (partial(softdraw.sample_logits, X, words=words), f"{rows}, got ({HUGE},)"),
        (partial(table.map, words, out=out), f"words has shape ({HUGE},), but out has shape (3,)"),
        (
            partial(tables.map, 0, words, out=out),
            f"words has shape ({HUGE},), but out has shape (3,)",
        ),
        (
            partial(tables.map, [0, 0], words),
            f"rows has shape (2,), but words has shape ({HUGE},)",
        ),
    ):
        with pytest.raises(ValueError, match=exactly(text)):
            call()


@pytest.mark.parametrize("keyword", ["dim", "T"])
@pytest.mark.parametrize("name", ARRAYS)
def test_an_unknown_keyword_is_named(name, keyword):
    arrays = [X] * len(ARRAYS[name].split(","))
    with pytest.raises(TypeError, match=rf"unexpected keyword argument '{keyword}'$"):
        function_of(name)(*arrays, **{keyword: 0})


@pytest.mark.parametrize("name", ["axis", "size", "workers"])
@pytest.mark.parametrize("hidden", [True, False])
def test_an_integer_that_may_be_masked_is_refused(name, hidden):
    """NumPy gives the number under the mask."""
    number = np.ma.masked_array(1, mask=hidden)
    call = partial(softdraw.sample_logits if name == "size" else softdraw.softmax, X)
    for value in (number,) if name == "workers" else (number, (number,)):
        with pytest.raises(TypeError, match=f"^{name} must be "):
            call(**{name: value})
