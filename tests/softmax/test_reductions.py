"""The arguments of logsumexp and entropy that say where their result goes and what shape it has."""

import numpy as np
import pytest

from softdraw import entropy, logsumexp

X = np.random.default_rng(0).normal(0, 3, (4, 5, 6))

pytestmark = pytest.mark.parametrize("function", [logsumexp, entropy])


@pytest.mark.parametrize("axis", [-1, 0, 1, (0, 2), None, ()], ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_out_is_filled_with_the_result_and_returned(function, axis, keepdims, dtype):
    x = X.astype(dtype)
    expected = function(x, temperature=0.7, axis=axis, keepdims=keepdims)
    out = np.full(np.shape(expected), 7, dtype)
    assert function(x, temperature=0.7, axis=axis, out=out, keepdims=keepdims) is out
    assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize("axis", [-1, 1])
def test_out_may_have_any_strides(function, axis):
    expected = function(X, axis=axis)
    memory = np.full([3 * length for length in expected.shape], 7.0)
    out = memory[1::3, ::-3]
    function(X, axis=axis, out=out)
    np.testing.assert_array_equal(out, expected)
    assert (memory == 7).sum() == memory.size - out.size


@pytest.mark.parametrize("axis", [-1, 0])
def test_out_may_overlap_the_argument(function, axis):
    x = np.resize(X, (6, 6))
    expected = function(x.copy(), axis=axis)
    function(x, axis=axis, out=x[0])
    np.testing.assert_array_equal(x[0], expected)


def test_keepdims_keeps_the_reduced_axes(function):
    for axis, shape in [(-1, (4, 5, 1)), (0, (1, 5, 6)), ((0, 2), (1, 5, 1)), (None, (1, 1, 1))]:
        kept = function(X, axis=axis, keepdims=True)
        assert kept.shape == shape
        np.testing.assert_array_equal(np.squeeze(kept), function(X, axis=axis))
    assert np.shape(function(3.0, keepdims=True)) == ()


def test_out_that_does_not_fit_is_refused_and_not_written(function):
    for out, text in [
        (np.full((4, 5, 6), 7.0), r"must have shape \(4, 5\), got \(4, 5, 6\)"),
        (np.full((4, 5, 1), 7.0), r"must have shape \(4, 5\), got \(4, 5, 1\)"),
        (np.full((4, 5), 7, np.float32), "must have dtype float64, got float32"),
    ]:
        with pytest.raises(ValueError, match="^out " + text):
            function(X, out=out)
        assert (out == 7).all()
