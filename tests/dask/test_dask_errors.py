"""Errors of softdraw.dask: at the call, or when computed, with places in the whole array."""

import numpy as np
import pytest
from dask_cases import FUNCTIONS, LOGITS, MOST, X, check, da, dask, lazy

import softdraw
import softdraw.dask as sd

pytestmark = pytest.mark.usefixtures("in_this_thread")


def raises(kind, text):
    return pytest.raises(kind, match=text)


# ---- values ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_shapes_and_dtypes_tell_is_raised_at_the_call(name):
    call = getattr(sd, name)
    argument = "logits" if name == "entropy" else "x"
    x = lazy(X, (2, 5, 9))
    with raises(TypeError, f"{argument} must be an array of Dask, got ndarray"):
        call(X)
    for dtype in (np.complex128, object, np.longdouble, "M8[s]"):
        with raises(TypeError, f"{argument} must be"):
            call(da.empty(4, dtype=dtype, chunks=2))
    with raises(ValueError, "axis 3 is out of bounds"):
        call(x, axis=3)
    with raises(ValueError, "duplicate value"):
        call(x, axis=(0, -3))
    with raises(TypeError, "axis must be"):
        call(x, axis=1.5)
    with raises(ValueError, r"temperature\[1\] must be >= 0, got -1"):
        call(x, temperature=[1, -1, 1, 1, 1])
    with raises(ValueError, r"temperature of shape \(4,\) fits neither \(6, 5, 1\) nor \(6, 5\)"):
        call(x, temperature=np.ones(4))
    with raises(ValueError, r"temperature of shape \(4,\) fits neither"):
        call(x, temperature=da.ones(4))
    with raises(TypeError, "temperature must be"):
        call(x, temperature="hot")
    with raises(TypeError, "temperature must be"):
        call(x, temperature=da.ones(5, dtype=complex))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lazy_temperatures_are_looked_at_when_computed(name):
    t = da.from_array(np.array([1, 2, 3, -4, 5.0]), chunks=2)
    for chunks in ((2, 5, 9), (2, 5, 40)):
        result = getattr(sd, name)(lazy(X, chunks), temperature=t)
        with raises(ValueError, r"temperature\[3\] must be >= 0, got -4"):
            result.compute()


def test_a_temperature_per_row_of_unknown_rows_says_what_to_call():
    x = lazy(X[:, 0], (2, 40))
    kept = x[:, 0] > -1e9
    temperatures = da.ones(6, chunks=2)[kept]
    with raises(
        ValueError,
        r"^temperature of shape \(nan,\) is not known to fit an array of shape \(nan, 40\): chunks "
        r"have unknown sizes; call compute_chunk_sizes\(\) of the arrays",
    ):
        sd.softmax(x[kept], temperature=temperatures)
    for array in (rows := x[kept], temperatures):
        array.compute_chunk_sizes()
    check("softmax", sd.softmax(rows, temperature=temperatures), X[:, 0])
    mask = da.ones((6, 40), chunks=(2, 40), dtype=bool)[kept]
    with raises(
        ValueError, r"^mask has chunks of unknown sizes; call mask.compute_chunk_sizes\(\)"
    ):
        sd.sample_logits(x, mask=mask)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_plain_call_on_a_split_axis_names_this_module(name):
    argument = "logits" if name == "entropy" else "x"
    with raises(
        ValueError, f"^{argument} lies in multiple chunks along axis 2, 5 of them; .*softdraw.dask"
    ):
        getattr(softdraw, name)(lazy(X, (2, 5, 9)))


# ---- draws -------------------------------------------------------------------------------------


def test_bad_arguments_of_draws_are_raised_at_the_call():
    x, split = lazy(LOGITS, (2, 5, 40)), lazy(LOGITS, (2, 5, 9))
    with raises(TypeError, "logits must be an array of Dask"):
        sd.sample_logits(LOGITS)
    with raises(ValueError, "at least one dimension"):
        sd.sample_logits(lazy(1.0, ()))
    with raises(ValueError, r"logits must have at least one item per row, got shape \(3, 0\)"):
        sd.sample_logits(da.zeros((3, 0)))
    for name, value in {"top_k": 3, "top_p": 0.5, "min_p": 0.5}.items():
        with raises(ValueError, rf"{name} needs the last axis .* split into 5; .*rechunk"):
            sd.sample_logits(split, **{name: value})
    with raises(ValueError, "a packed mask needs the last axis"):
        sd.sample_logits(split, mask=np.zeros(2, np.int32))
    with raises(ValueError, "top_k must be >= 1, got 0"):
        sd.sample_logits(x, top_k=0)
    with raises(ValueError, r"top_p\[1\] must be in \[0, 1\], got 2"):
        sd.sample_logits(x, top_p=[1, 2, 1, 1, 1.0])
    with raises(ValueError, r"min_p of shape \(3,\) fits neither"):
        sd.sample_logits(x, min_p=[0.1, 0.2, 0.3])
    with raises(ValueError, "invalid must be 'raise' or 'skip'"):
        sd.sample_logits(x, invalid="ignore")
    with raises(ValueError, "size must be >= 0"):
        sd.sample_logits(x, size=-1)
    with raises(TypeError, r"^mask must be bool, .* int64; write np.asarray\(mask, bool\)$"):
        sd.sample_logits(x, mask=[1] * 40)
    with raises(TypeError, r"^mask must be bool, .* float64; write mask.astype\(bool\)$"):
        sd.sample_logits(x, mask=da.ones(40))
    with raises(ValueError, r"^chunks of logits must have .* per row, got 4294967296$"):
        sd.sample_logits(da.zeros(2**33, chunks=2**32))
    with raises(ValueError, r"mask must have shape \(40,\) or \(6, 5, 40\), got \(39,\)"):
        sd.sample_logits(x, mask=np.ones(39, bool))
    with raises(ValueError, r"mask\[2\] is 3; a mask of dtype int8"):
        sd.sample_logits(x, mask=np.array([1, 0, 3] + [1] * 37, np.int8))
    with raises(TypeError, "rng must be a seed, or an Xoshiro256, .*; got PCG64"):
        sd.sample_logits(x, rng=np.random.default_rng(7))
    with raises(ValueError, r"unknown sizes.*compute_chunk_sizes"):
        sd.sample_logits(x[x[:, 0, 0] > -100])
    with raises(TypeError, "table must be an AliasTable, got list"):
        sd.sample([1, 2], 3)
    with raises(ValueError, "size must be >= 0"):
        sd.sample(softdraw.AliasTable([1, 2]), -3)


@pytest.mark.parametrize("chunks", [(2, 2, 40), (2, 2, 7)])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_bad_logit_is_named_by_its_global_place(chunks, value):
    logits = LOGITS.copy()
    logits[5, 3, 37] = value
    for mask in (None, np.arange(40) > 2):
        draws = sd.sample_logits(lazy(logits, chunks), mask=mask, rng=7)
        with raises(ValueError, rf"logits\[5, 3, 37\] is {value}; logits must be finite or -inf; "):
            draws.compute()
    sd.sample_logits(lazy(logits, chunks), mask=np.arange(40) < 30, rng=7).compute()


@pytest.mark.parametrize("chunks", [(2, 2, 40), (2, 2, 7)])
def test_a_bad_parameter_is_named_by_its_global_place(chunks):
    x = lazy(LOGITS, chunks)
    mask = np.ones(LOGITS.shape, np.int8)
    mask[5, 3, 37] = 2
    with raises(ValueError, r"^mask\[5, 3, 37\] is 2; a mask of dtype int8 must hold 1"):
        sd.sample_logits(x, mask=lazy(mask, (2, 2, 13)), rng=7).compute()
    with raises(ValueError, r"^mask\[37\] is 2; a mask of dtype int8 must hold 1"):
        sd.sample_logits(x, mask=lazy(mask[5, 3], 13), rng=7).compute()
    bad = np.ones(LOGITS.shape[:2])
    bad[5, 3] = 7
    names = ["top_p", "min_p"] if len(x.chunks[2]) == 1 else []
    for name in names:
        with raises(ValueError, rf"^{name}\[5, 3\] must be in \[0, 1\], got 7"):
            sd.sample_logits(x, rng=7, **{name: lazy(bad, (4, 2))}).compute()
        with raises(ValueError, rf"^{name}\[5, 3, 0\] must be in \[0, 1\], got 7"):
            sd.sample_logits(x, rng=7, **{name: lazy(bad[:, :, None], (4, 2, 1))}).compute()
    with raises(ValueError, r"^temperature\[5, 3\] must be >= 0, got -7"):
        sd.sample_logits(x, temperature=lazy(-bad, (4, 2)) + 2 * (bad < 7), rng=7).compute()


@pytest.mark.parametrize("chunks", [(2, 2, 40), (2, 2, 7)])
def test_a_row_with_nothing_to_draw_from_is_named_by_its_global_place(chunks):
    logits = LOGITS.copy()
    logits[5, 3] = -np.inf
    with raises(ValueError, r"row 5, 3 of logits has nothing to draw from: every entry is -inf"):
        sd.sample_logits(lazy(logits, chunks), rng=7).compute()
    alone = sd.sample_logits(lazy(logits[5, 3], chunks[2]), rng=7)
    with raises(ValueError, r"^logits have nothing to draw from: every entry is -inf or masked$"):
        alone.compute()


def test_seeds_are_what_the_plain_calls_take():
    table, x = softdraw.AliasTable([1, 2]), lazy(LOGITS, (2, 5, 40))
    for seed, error, message in (
        (-1, ValueError, "must be >= 0, got -1"),
        (True, TypeError, "must be None, an int.*got bool"),
        (["0x10"], TypeError, r"\[0\] must be an integer, got str"),
        ([1, -2], ValueError, r"\[1\] must be >= 0, got -2"),
    ):
        with raises(error, f"^rng {message}" if message[0] != "\\" else f"^rng{message}"):
            sd.sample_logits(x, rng=seed)
        with raises(error, f"^seed {message}" if message[0] != "\\" else f"^seed{message}"):
            sd.sample(table, 3, seed=seed)
    wanted = softdraw.sample_logits(LOGITS, rng=[1, 2])
    assert (sd.sample_logits(x, rng=[1, 2]).compute() == wanted).all()
    for flag in ("keepdims", "return_logprobs"):
        call = sd.entropy if flag == "keepdims" else sd.sample_logits
        with raises(TypeError, f"^{flag} must be True or False, got ndarray"):
            call(x, **{flag: np.ones(2)})


def test_a_generator_without_a_state_is_named_as_the_argument_is():
    rng = softdraw.Xoshiro256(7)
    np.random.BitGenerator.__init__(rng, 3)
    with raises(TypeError, "^rng, of type Xoshiro256, has no state"):
        sd.sample_logits(lazy(LOGITS, (2, 5, 40)), rng=rng)
    with raises(TypeError, "^seed, of type Xoshiro256, has no state"):
        sd.sample(softdraw.AliasTable([1, 2]), 3, seed=rng)
    with raises(
        TypeError, "^seed must be None, .*SeedSequence, Xoshiro256 or Generator of it, got"
    ):
        sd.sample(softdraw.AliasTable([1, 2]), 3, seed=object())


@pytest.mark.parametrize("chunks", [(1, 3), (1, 2)])
def test_as_many_dimensions_as_numpy_has_are_too_many_for_draws(chunks):
    x, rng = da.zeros((2, 3), chunks=chunks), softdraw.Xoshiro256(7)
    most = MOST - 2
    with raises(ValueError, f"^size must have at most {most} dimensions here, got {most + 1}$"):
        sd.sample_logits(x, size=(1,) * (most + 1), rng=rng)
    drawn = sd.sample_logits(x, size=(1,) * most, rng=rng).compute()
    assert drawn.shape == (2,) + (1,) * most
    assert rng.random_raw() == softdraw.Xoshiro256(7).random_raw(3)[2]  # the refused call took none


# ---- masked arrays -----------------------------------------------------------------------------


def test_masked_arrays_are_refused():
    masked = np.ma.array(LOGITS, mask=LOGITS > 1)
    refused = "is a masked array; fill or compress it first, its mask would be lost"
    for chunks in ((2, 5, 9), (2, 5, 40)):
        for name in FUNCTIONS:
            argument = "logits" if name == "entropy" else "x"
            with raises(TypeError, f"^{argument} {refused}"):
                getattr(sd, name)(da.from_array(masked, chunks=chunks))
            for temperature in (np.ma.ones(5), da.from_array(np.ma.ones(5), chunks=2)):
                with raises(TypeError, f"^temperature {refused}"):
                    getattr(sd, name)(lazy(X, chunks), temperature=temperature)
        with raises(TypeError, f"^logits {refused}"):
            sd.sample_logits(da.from_array(masked, chunks=chunks))
        for name in ("temperature", "top_k", "top_p", "min_p"):
            given = np.ma.ones(5, int)
            for value in (given, da.from_array(given, chunks=2)):
                with raises(TypeError, f"^{name} {refused}"):
                    sd.sample_logits(lazy(LOGITS, chunks), **{name: value})
        for value in (np.ma.ones(40, bool), da.from_array(np.ma.ones(40, bool), chunks=9)):
            with raises(TypeError, f"^mask {refused}"):
                sd.sample_logits(lazy(LOGITS, chunks), mask=value)


def test_masked_blocks_of_an_array_that_does_not_say_so_are_refused():
    hidden = da.map_blocks(
        lambda block: np.ma.array(block, mask=block > 1), lazy(LOGITS, (2, 5, 9)),
        dtype=LOGITS.dtype, meta=np.empty((0, 0, 0), LOGITS.dtype),
    )  # fmt: skip
    for x in (hidden, hidden.rechunk((2, 5, 40))):
        for name in FUNCTIONS:
            with pytest.raises(TypeError, match="is a masked array"):
                getattr(sd, name)(x).compute()
        with pytest.raises(TypeError, match="logits is a masked array"):
            sd.sample_logits(x, rng=7).compute()


def with_blocks(x, dtype):
    """An array that keeps its own dtype for a name, with blocks of another."""
    meta = np.empty((0,) * x.ndim, x.dtype)
    return x.map_blocks(lambda block: block.astype(dtype), dtype=x.dtype, meta=meta)


ALIKE = pytest.mark.parametrize("chunks", [(2, 5, 40), (2, 5, 9)], ids=["whole", "split"])


@ALIKE
@pytest.mark.parametrize("says", [np.float32, np.float64, np.int64])
def test_blocks_of_another_dtype_than_the_array_says(says, chunks):
    x = lazy(np.round(LOGITS * 4).astype(says), chunks)
    for dtype in (np.int16, np.float32, np.float64):
        y = with_blocks(x, dtype)
        for name in FUNCTIONS:
            wanted, found = getattr(sd, name)(x).compute(), getattr(sd, name)(y).compute()
            assert found.dtype == wanted.dtype == getattr(sd, name)(y).dtype
            assert found.tolist() == wanted.tolist()
        wanted, found = (sd.sample_logits(each, rng=7, return_logprobs=True) for each in (x, y))
        assert (found[0].compute() == wanted[0].compute()).all()
        assert (found[1].compute() == wanted[1].compute()).all()
        assert found[1].compute().dtype == found[1].dtype
    for dtype in (complex, object, "U9"):
        for name in FUNCTIONS:
            with pytest.raises(TypeError, match="(x|logits) must be real numbers, got dtype"):
                getattr(sd, name)(with_blocks(x, dtype)).compute()
        with pytest.raises(TypeError, match="logits must be real numbers, got dtype"):
            sd.sample_logits(with_blocks(x, dtype), rng=7).compute()


@ALIKE
def test_blocks_that_are_lists(chunks):
    x = lazy(LOGITS.astype(np.float64), chunks)
    meta = np.empty((0,) * x.ndim)
    lists = x.map_blocks(lambda block: block.tolist(), dtype=x.dtype, meta=meta)
    for name in FUNCTIONS:
        assert (getattr(sd, name)(lists).compute() == getattr(sd, name)(x).compute()).all()
    drawn = sd.sample_logits(lists, rng=7).compute()
    assert (drawn == sd.sample_logits(x, rng=7).compute()).all()


@ALIKE
def test_blocks_that_are_numbers(chunks):
    numbers = lazy(LOGITS, chunks).map_blocks(lambda _: 1.0, dtype=float, meta=np.empty((0, 0, 0)))
    for name in FUNCTIONS:
        with raises(ValueError, r" has a block of shape \(\), but its array has 3 dimensions$"):
            getattr(sd, name)(numbers).compute()
    with raises(ValueError, r"^logits has a block of shape \(\), but its array has 3 dimensions$"):
        sd.sample_logits(numbers, rng=7).compute()


def test_a_flag_that_is_delayed():
    with raises(TypeError, "^keepdims must be True or False, got Delayed"):
        sd.logsumexp(da.zeros(3), keepdims=dask.delayed(True))


@ALIKE
@pytest.mark.parametrize("says", [bool, np.int8, np.int32])
@pytest.mark.parametrize("block", [None, True, [], [[0, 1, 0, 0]] * 3, np.ones((3, 40), bool)])
def test_blocks_of_a_mask_that_are_no_mask(block, says, chunks):
    if says == np.int32:
        chunks = (2, 2, 40)
    x = lazy(LOGITS, chunks)
    shape = (6, 5, 2 if says == np.int32 else 40)
    mask = da.ones(shape, dtype=says, chunks=(*chunks[:2], min(chunks[2], shape[2])))
    wrong = mask.map_blocks(lambda _: block, dtype=says, meta=np.empty((0, 0, 0), says))
    with raises(
        (TypeError, ValueError), "^mask has a block of (dtype|shape) .*, but its array says"
    ):
        sd.sample_logits(x, mask=wrong, rng=7).compute()


@ALIKE
@pytest.mark.parametrize("name", ["temperature", "top_p"])
def test_blocks_of_a_parameter_of_another_shape(name, chunks):
    if name == "top_p":
        chunks = (2, 2, 40)
    values = da.ones((6, 5), chunks=chunks[:2]).map_blocks(
        lambda _: np.ones((1, 5)), dtype=float, meta=np.empty((0, 0))
    )
    drawn = sd.sample_logits(lazy(LOGITS, chunks), rng=7, **{name: values})
    with raises(
        ValueError, rf"^{name} has a block of shape \(1, 5\), but its array says \(2, \d\)$"
    ):
        drawn.compute()


@pytest.mark.parametrize(
    "name, value, says",
    [
        ("temperature", np.array([-1.0]), ()),
        ("temperature", np.array([-1.0]), (6, 5)),
        ("top_k", np.array([0]), ()),
        ("top_k", 0, (6, 5)),
        ("top_p", [2.0], ()),
        ("mask", np.full((1, 40), 2, np.int8), (40,)),
        ("mask", np.int8(5), (40,)),
    ],
)
def test_blocks_of_other_dimensions_whose_values_are_wrong(name, value, says):
    dtype = np.asarray(value).dtype
    values = da.from_delayed(dask.delayed(lambda: value)(), says, dtype)
    drawn = sd.sample_logits(da.from_array(LOGITS), rng=7, **{name: values})
    with raises(ValueError, rf"^{name} has a block of shape \(.*\), but its array says \(.*\)$"):
        drawn.compute()


@ALIKE
@pytest.mark.parametrize("says", [bool, np.int8])
def test_blocks_of_a_mask_of_another_dtype_than_the_array_says(says, chunks):
    x, ones = lazy(LOGITS, chunks), np.arange(LOGITS.size).reshape(LOGITS.shape) % 3 > 0
    mask = da.from_array(ones.astype(says), chunks=chunks)
    wanted = sd.sample_logits(x, mask=mask, rng=7).compute()
    for dtype in (bool, np.int8, np.uint8):
        drawn = sd.sample_logits(x, mask=with_blocks(mask, dtype), rng=7).compute()
        assert (drawn == wanted).all()
    for dtype in (np.float32, np.int32, object):
        with pytest.raises((TypeError, ValueError), match="mask"):
            sd.sample_logits(x, mask=with_blocks(mask, dtype), rng=7).compute()
