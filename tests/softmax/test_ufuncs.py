"""The generalized ufuncs behind the softmax family, and other libraries' arrays that reach them."""

import contextlib
import pickle
import warnings
from functools import partial

import numpy as np
import pytest
from floats import FLOATS
from messages import exactly

import softdraw
from softdraw import _ufuncs, entropy, log_softmax, logsumexp, softmax, softmax_vjp

X = np.random.default_rng(0).normal(0, 3, (6, 8))
ONE_ARRAY = [softmax, log_softmax, logsumexp, entropy]
UFUNCS = [value for name, value in vars(_ufuncs).items() if name.startswith("ufunc_")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pickle looks a ufunc up in all modules
@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_ufuncs_can_be_sent_to_other_processes(ufunc):
    assert pickle.loads(pickle.dumps(ufunc)) is ufunc


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ufuncs_leave_no_floating_point_flags(ufunc, dtype):
    rows = np.array([[1e30, -1e30, 0], [np.nan, np.inf, -np.inf], [-np.inf] * 3], dtype)
    with np.errstate(all="raise"):
        ufunc(*[rows] * (ufunc.nin - 1), [[1e-30], [1.0], [1e30]])


def test_a_short_loop_gives_the_bits_of_contiguous_rows():
    x = np.random.default_rng(1).normal(0, 3, (3000, 3, 6))
    temperature = np.random.default_rng(2).uniform(0.5, 2, (3000, 1))
    for function in ONE_ARRAY:
        expected = function(x[:, :2].copy(), temperature=0.7)
        assert function(x[:, :2], temperature=0.7).tobytes() == expected.tobytes()
        expected = function(x, temperature=np.tile(temperature, (1, 3)))
        assert function(x, temperature=temperature).tobytes() == expected.tobytes()


@pytest.fixture
def dask_array():
    return pytest.importorskip("dask.array")


@pytest.mark.parametrize("function", ONE_ARRAY)
@pytest.mark.parametrize("dtype", [*FLOATS, np.int8])
@pytest.mark.parametrize("axis, chunks", [(-1, (2, 8)), (0, (6, 3)), (1, (6, 8))])
def test_a_dask_array_stays_lazy_and_gets_the_same_bits(dask_array, function, dtype, axis, chunks):
    x = X.astype(dtype)
    lazy = function(dask_array.from_array(x, chunks), temperature=0.7, axis=axis)
    assert isinstance(lazy, dask_array.Array)
    expected = function(x, temperature=0.7, axis=axis)
    result = lazy.compute(scheduler="synchronous")
    assert result.dtype == expected.dtype
    assert result.tobytes() == expected.tobytes()


def test_a_dask_array_takes_temperatures_of_rows_and_keeps_dimensions(dask_array):
    lazy = dask_array.from_array(X, (2, 8))
    t = np.linspace(0.5, 2, 6)
    for temperature in (t, t[:, None]):
        result = softmax(lazy, temperature=temperature).compute(scheduler="synchronous")
        np.testing.assert_array_equal(result, softmax(X, temperature=temperature))
    kept = logsumexp(lazy, keepdims=True)
    np.testing.assert_array_equal(kept.compute(), logsumexp(X, keepdims=True))


def test_gradients_of_dask_arrays(dask_array):
    p = softmax(X)
    lazy = softmax_vjp(dask_array.from_array(p, (2, 8)), X)
    np.testing.assert_array_equal(lazy.compute(scheduler="synchronous"), softmax_vjp(p, X))


def test_what_a_dask_array_cannot_have_is_refused(dask_array):
    lazy = dask_array.from_array(X, (2, 8))
    with pytest.raises(TypeError, match="^out must be None for an array of another library"):
        softmax(lazy, out=np.empty_like(X))
    for axis in (None, (0, 1)):
        with pytest.raises(TypeError, match="^axis must be an int for an array of another library"):
            softmax(lazy, axis=axis)
    with pytest.raises(ValueError, match="^temperature must be >= 0, got -1"):
        softmax(lazy, temperature=-1)
    with pytest.raises(ValueError, match=r"^temperature of shape \(3,\) fits neither"):
        softmax(lazy, temperature=np.ones(3))
    with pytest.raises(ValueError, match="^temperature is ragged"):
        softmax(lazy, temperature=[[1], [1, 2]])
    with pytest.raises(TypeError, match="^x must be real numbers, got dtype complex128"):
        softmax(lazy.astype(complex))
    text = "^x lies in multiple chunks .*; the functions of softdraw.dask take it, or write x.rech"
    with pytest.raises(ValueError, match=text):
        softmax(lazy, axis=0)
    with pytest.raises(
        ValueError, match=r"^p lies in multiple .* of them; write p.rechunk\({0: -1}\)"
    ):
        softmax_vjp(lazy, lazy, axis=0)


def test_gradients_of_dask_arrays_in_other_chunks(dask_array):
    p, g = softmax(X), X
    lazy = [dask_array.from_array(each, (rows, 8)) for each, rows in ((p, 2), (g, 4))]
    for pair in (lazy, [lazy[0], g], [p, lazy[1]]):
        assert softmax_vjp(*pair).compute().tobytes() == softmax_vjp(p, g).tobytes()
    split = dask_array.from_array(g, (6, 3))
    for first in (p, lazy[0]):
        with pytest.raises(
            ValueError, match=r"^g lies in multiple chunks along axis 1, .* g\.rech"
        ):
            softmax_vjp(first, split)


def test_dask_arrays_of_unknown_length_are_refused_where_it_matters(dask_array):
    lazy = dask_array.from_array(X, (2, 8))
    some = lazy[lazy[:, 0] < np.inf]
    for pair, name in (((some, some), "p"), ((some, X), "p"), ((lazy, some), "g")):
        text = f"{name} has chunks of unknown sizes; call {name}.compute_chunk_sizes() first"
        with pytest.raises(ValueError, match=exactly(text)):
            softmax_vjp(*pair)
    text = "x has chunks of unknown sizes; call x.compute_chunk_sizes() first"
    with pytest.raises(ValueError, match=exactly(text)):
        logsumexp(some, keepdims=True)
    with pytest.raises(ValueError, match=exactly(text)):
        softmax(some, temperature=np.ones(6))
    assert logsumexp(some).compute().tobytes() == logsumexp(X).tobytes()
    some.compute_chunk_sizes()
    assert softmax_vjp(some, some).compute().tobytes() == softmax_vjp(X, X).tobytes()


def test_dask_arrays_without_dimensions_are_one_element(dask_array):
    number = dask_array.from_array(np.array(3.0, np.float32))
    for function in (softmax, softdraw.log_softmax, softdraw.logsumexp, softdraw.entropy):
        for axis in (-1, 0):
            for named in ({}, {"temperature": 0.5}, {"temperature": np.array(2.0)}):
                got = function(number, axis=axis, **named)
                assert (got.shape, got.dtype) == ((), np.float32)
                assert got.compute() == function(np.float32(3), axis=axis, **named)
    assert softdraw.entropy(number, keepdims=True).compute().shape == ()
    assert softmax_vjp(number * 0 + 1, number).compute() == 0
    with pytest.raises(IndexError, match="axis 1 is out of bounds"):
        softmax(number, axis=1)


@pytest.mark.parametrize("g_type", [*FLOATS, bool, np.int8])
@pytest.mark.parametrize("p_type", FLOATS)
def test_gradients_of_dask_arrays_have_the_dtype_and_bits_of_plain_ones(dask_array, p_type, g_type):
    if {np.dtype(p_type).name, np.dtype(g_type).name} == {"float16", "bfloat16"}:
        pytest.skip("NumPy has no type for both")
    p, g = softmax(X).astype(p_type), (X > 0).astype(g_type)
    wanted = softmax_vjp(p, g)
    for lazy_p, lazy_g in (
        (dask_array.from_array(p, (2, 8)), g),
        (p, dask_array.from_array(g, (2, 8))),
    ):
        got = softmax_vjp(lazy_p, lazy_g)
        assert got.dtype == wanted.dtype
        assert got.compute().tobytes() == wanted.tobytes()


def test_shapes_of_gradients_of_dask_arrays_must_be_equal(dask_array):
    p = dask_array.full((3, 3), 1 / 3, chunks=(1, 3))
    for g in ([1.0, 2.0, 3.0], 1.5, np.ones((1, 3))):
        with pytest.raises(
            ValueError, match=r"^p and g must have the same shape, got \(3, 3\) and"
        ):
            softmax_vjp(p, g)
        with pytest.raises(
            ValueError, match=r"^p and g must have the same shape, got .* \(3, 3\)$"
        ):
            softmax_vjp(g, p)


def test_masked_arrays_of_dask_are_refused(dask_array):
    masked = dask_array.ma.masked_array(dask_array.ones((2, 2), chunks=(1, 2)), mask=np.eye(2))
    plain = dask_array.ones((2, 2), chunks=(1, 2))
    refused = "is a masked array; fill or compress it first, its mask would be lost"
    for function in (softmax, softdraw.log_softmax, softdraw.logsumexp):
        with pytest.raises(TypeError, match=f"^x {refused}"):
            function(masked)
        with pytest.raises(TypeError, match=f"^temperature {refused}"):
            function(plain, temperature=masked[0])
    with pytest.raises(TypeError, match=f"^g {refused}"):
        softmax_vjp(plain, masked)
    with pytest.raises(TypeError, match=f"^logits {refused}"):
        softdraw.sample_logits(masked)
    with pytest.raises(TypeError, match=f"^weights {refused}"):
        softdraw.AliasTable(masked[0])


class Wrapped:
    """An array of another library that has what softmax asks for, and nothing else."""

    def __init__(self, array):
        self._array = np.asarray(array)
        self.shape, self.dtype = self._array.shape, self._array.dtype

    def __array_ufunc__(self, ufunc, method, *inputs, **named):
        return Wrapped(getattr(ufunc, method)(*map(unwrapped, inputs), **named))

    def __array_function__(self, function, types, arguments, named):
        return Wrapped(function(*map(unwrapped, arguments), **named))

    def astype(self, dtype):
        return Wrapped(self._array.astype(dtype))


def unwrapped(value):
    return value._array if isinstance(value, Wrapped) else value


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, bool])
def test_arrays_of_another_library_need_no_other_methods(dtype):
    for x in (X.astype(dtype), X.astype(dtype)[1, 2]):
        temperatures = (1, 0.5) if x.ndim == 0 else (0.5, np.linspace(0.5, 2, 6))
        for temperature in temperatures:
            for function in (*ONE_ARRAY, partial(logsumexp, keepdims=True)):
                got = function(Wrapped(x), temperature=temperature)
                assert type(got) is Wrapped
                want = np.asarray(function(x, temperature=temperature))
                assert (got.dtype, got.shape) == (want.dtype, want.shape)
                assert got._array.tobytes() == want.tobytes()
            p = softmax(x)
            want = np.asarray(softmax_vjp(p, x, temperature=temperature))
            for pair in ((Wrapped(p), Wrapped(x)), (Wrapped(p), x), (p, Wrapped(x))):
                got = softmax_vjp(*pair, temperature=temperature)
                assert type(got) is Wrapped
                assert (got.dtype, got.shape) == (want.dtype, want.shape)
                assert got._array.tobytes() == want.tobytes()


def test_arrays_of_another_library_have_no_warning():
    x = np.array([[6e4, 6e4], [np.inf, -np.inf]], np.float16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert softmax(Wrapped(x), temperature=[1, 2])._array.tolist()[0] == [0.5, 0.5]


class Liar:
    """An array of another library that says other shapes and chunks than it has."""

    dtype = np.dtype(np.float64)

    def __init__(self, shape, chunks):
        self.shape, self.chunks, self.ndim = shape, chunks, len(shape)

    def __array_ufunc__(self, *arguments, **keywords):
        return self

    def __array_function__(self, *arguments, **keywords):
        return self

    def __array__(self, dtype=None, copy=None):
        return np.zeros(3)

    def astype(self, dtype):
        return self


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("chunks", [None, (), ((),), ((3,), ()), ((1, 2),), (5,)])
def test_arrays_that_lie_about_themselves_get_a_result_or_an_error(shape, chunks):
    liar = Liar(shape, chunks)
    for function in (softmax, softdraw.log_softmax, softdraw.logsumexp, softdraw.entropy):
        for axis in (-1, 0, 1):
            for temperature in (1, np.ones(2), np.ones((2, 1))):
                with contextlib.suppress(ValueError, TypeError, IndexError):
                    function(liar, axis=axis, temperature=temperature)
    with contextlib.suppress(ValueError, TypeError, IndexError):
        softmax_vjp(liar, liar)


@pytest.mark.parametrize("dtype", [None, "float64", 5, object()])
def test_arrays_of_another_library_whose_dtype_is_not_one_of_numpy_are_refused(dtype):
    liar = Liar((3,), None)
    liar.dtype = dtype
    for function in ONE_ARRAY:
        with pytest.raises(TypeError, match="must have a dtype of NumPy, got "):
            function(liar)
    liar.shape = X.shape
    with pytest.raises(TypeError, match="^g must have a dtype of NumPy, got "):
        softmax_vjp(X, liar)


class Shapeless:
    """What has the methods of an array of another library, and is none."""

    def __array_ufunc__(self, *arguments, **keywords):
        raise AssertionError

    def __array_function__(self, *arguments, **keywords):
        raise AssertionError

    def astype(self, dtype):
        raise AssertionError


@pytest.mark.parametrize("function", ONE_ARRAY)
def test_objects_without_a_shape_are_no_arrays(function):
    name = "logits" if function is softdraw.entropy else "x"
    with pytest.raises(TypeError, match=f"^{name} must be real numbers, got dtype object"):
        function(Shapeless())
    with pytest.raises(TypeError, match="^g must be real numbers, got dtype object"):
        softmax_vjp(X, Shapeless())


def test_arrays_of_no_other_library_are_converted():
    class OnlyUfuncs:
        def __array_ufunc__(self, *arguments, **keywords):
            raise AssertionError

        def __array__(self, dtype=None, copy=None):
            return X

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(softdraw.softmax(OnlyUfuncs()), softmax(X))
