"""Arguments that change other arguments while they are converted, that are not what they say, or
that another thread changes meanwhile."""

import sys
import weakref
from unittest.mock import Mock

import numpy as np
import processes
import pytest
from numpy.random.bit_generator import ISeedSequence

import softdraw
from softdraw import Xoshiro256, _partials, _random, _tables

ROWS = {
    "softmax": softdraw.softmax,
    "log_softmax": softdraw.log_softmax,
    "softmax_vjp": lambda x, **named: softdraw.softmax_vjp(x, x, **named),
    "logsumexp": softdraw.logsumexp,
    "entropy": softdraw.entropy,
}


class Shrinks:
    """A value that shrinks an array whenever it is converted."""

    def __init__(self, array, value):
        self.array, self.value = array, value

    def value_after(self):
        self.array.resize(1, refcheck=False)
        return self.value

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value_after())

    def __float__(self):
        return float(self.value_after())

    def __index__(self):
        return int(self.value_after())


class FloatOfAnotherClass(float):
    """A float that is half of itself when it is converted, which calls a function first."""

    def __new__(cls, number, function=lambda: None):
        self = super().__new__(cls, number)
        self.function = function
        return self

    def __float__(self):
        self.function()
        return self / 2


class ShrinkingSeed(ISeedSequence):
    def __init__(self, array):
        self.array = array

    def generate_state(self, n_words, dtype=np.uint32):
        self.array.resize(1, refcheck=False)
        return np.ones(n_words, dtype)


def call_whatever_comes(function):
    """What was shrunk may be an error or be computed as it is then. It is not read past its end,
    which the sanitizers would report and which such a size makes likely to crash."""
    try:
        result = function()
    except (ValueError, TypeError, IndexError):
        return None
    return result


@pytest.mark.parametrize("argument", ["temperature", "axis"])
@pytest.mark.parametrize("name", ROWS)
def test_an_argument_of_the_softmax_family_shrinks_the_input(name, argument):
    x = np.ones((3000, 4000))
    hostile = Shrinks(x, 1)
    result = call_whatever_comes(lambda: ROWS[name](x, **{argument: hostile}))
    assert x.shape == (1,)
    assert result is None or np.size(result) <= 1


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ROWS)
def test_a_float_of_another_class_shrinks_the_input(name, axis):
    x = np.ones((3000, 4000))
    hostile = FloatOfAnotherClass(1, lambda: x.resize(1, refcheck=False))
    result = call_whatever_comes(lambda: ROWS[name](x, temperature=hostile, axis=axis))
    assert x.shape == (1,)
    assert result is None or np.size(result) <= 1


@pytest.mark.parametrize("name", ["temperature", "top_p", "min_p"])
@pytest.mark.parametrize("shape", [50, (3, 50)])
def test_a_float_of_another_class_is_converted_for_draws(shape, name):
    logits = np.random.default_rng(1).normal(size=shape)

    def draw(number):
        return [softdraw.sample_logits(logits, rng=seed, **{name: number}) for seed in range(99)]

    np.testing.assert_array_equal(draw(FloatOfAnotherClass(1)), draw(0.5))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ROWS)
def test_a_float_of_another_class_is_converted_for_rows(name, axis):
    x = np.random.default_rng(1).random((4, 5))
    expected = ROWS[name](x, temperature=0.5, axis=axis)
    np.testing.assert_array_equal(
        ROWS[name](x, temperature=FloatOfAnotherClass(1), axis=axis), expected
    )


def test_a_float_of_another_class_is_converted_for_a_table():
    table = softdraw.AliasTable.from_logits([1, 2, 3], temperature=FloatOfAnotherClass(1))
    assert table == softdraw.AliasTable.from_logits([1, 2, 3], temperature=0.5)


@pytest.mark.parametrize("name", ROWS)
def test_an_argument_of_the_softmax_family_shrinks_out(name):
    x = np.ones((300, 400))
    out = np.zeros(300 if name in ("logsumexp", "entropy") else x.shape)
    with pytest.raises(ValueError, match=r"^out must have shape \(300,.*\), got \(1,\)$"):
        ROWS[name](x, temperature=Shrinks(out, 1), out=out)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("temperature", 1.0),
        ("top_k", 5),
        ("top_p", 0.9),
        ("min_p", 0.1),
        ("size", 3),
        ("words", 2**63),
        ("mask", np.ones(3_000_000, bool)),
        ("return_logprobs", True),
    ],
)
@pytest.mark.parametrize("others", [{}, {"return_logprobs": True}, {"top_k": 9}], ids=str)
def test_an_argument_of_sample_logits_shrinks_the_logits(argument, value, others):
    x = np.ones(3_000_000)
    result = call_whatever_comes(
        lambda: softdraw.sample_logits(x, **{**others, argument: Shrinks(x, value)})
    )
    if argument != "return_logprobs":
        assert x.shape == (1,)
        ids = result[0] if isinstance(result, tuple) else result
        assert result is None or np.all(np.asarray(ids) == 0)


@pytest.mark.parametrize("others", [{}, {"size": 3}, {"top_k": 9}], ids=str)
def test_a_seed_sequence_shrinks_the_logits(others):
    x = np.ones(3_000_000)
    result = call_whatever_comes(lambda: softdraw.sample_logits(x, rng=ShrinkingSeed(x), **others))
    assert x.shape == (1,)
    assert result is None or np.all(np.asarray(result) == 0)


@pytest.mark.filterwarnings("ignore:Setting the dtype:DeprecationWarning")  # since NumPy 2.5
def test_a_seed_sequence_retypes_the_logits():
    x = np.zeros(2)

    class RetypingSeed(ISeedSequence):
        def generate_state(self, n_words, dtype=np.uint32):
            x.dtype = np.int64
            x[:] = 0, 1000
            return np.ones(n_words, dtype)

    for _ in range(20):
        x.dtype = np.float64
        assert softdraw.sample_logits(x, rng=RetypingSeed()) == 1


@pytest.mark.filterwarnings("ignore:Setting the dtype:DeprecationWarning")  # since NumPy 2.5
@pytest.mark.parametrize("dtype", ["V8", "S8", np.float64])
def test_a_seed_sequence_retypes_the_rows(dtype):
    tables, rows = softdraw.AliasTables([1, 1], [0, 2]), np.zeros(2, np.int64)

    class RetypingSeed(ISeedSequence):
        def generate_state(self, n_words, dtype_of_words=np.uint32):
            rows.dtype = dtype
            return np.ones(n_words, dtype_of_words)

    with pytest.raises(ValueError, match="^rows was changed to dtype .* during the call$"):
        tables.sample(rows, rng=RetypingSeed())


@pytest.mark.parametrize("quantity", ["entropy", "perplexity", "top_prob"])
def test_a_target_shrinks_the_logits(quantity):
    x = np.ones(3_000_000)
    result = call_whatever_comes(lambda: softdraw.temperature_for(x, **{quantity: Shrinks(x, 1.0)}))
    assert x.shape == (1,)
    assert result in (None, 1.0)


# ---- arrays that are not what they say ---------------------------------------------------------


class Claims(np.ndarray):
    """An array that claims to be of another shape and dtype than it is."""

    shape = property(lambda self: (40, 50))
    dtype = property(lambda self: np.dtype(np.float64))


class Plain(np.ndarray):
    pass


@pytest.mark.parametrize("name", ROWS)
def test_out_is_what_its_memory_is(name):
    x = np.ones((40, 50))
    kept = (40,) if name in ("logsumexp", "entropy") else (40, 50)
    for out in (weakref.proxy(np.zeros(kept).view(Plain)), Mock(spec=np.ndarray), [0.0]):
        with pytest.raises(TypeError, match="^out must be a NumPy array, got"):
            ROWS[name](x, out=out)
    with pytest.raises(ValueError, match=r"^out must have shape .*, got \(3,\)$"):
        ROWS[name](x, out=np.zeros(3).view(Claims))
    with pytest.raises(ValueError, match="^out must have dtype float64, got float32$"):
        ROWS[name](x, out=np.zeros(kept, np.float32).view(Claims))


@pytest.mark.parametrize("name", ROWS)
def test_an_input_is_what_its_memory_is(name):
    x = np.random.default_rng(7).normal(size=6)
    np.testing.assert_array_equal(ROWS[name](x.view(Claims)), ROWS[name](x))


# ---- other threads -----------------------------------------------------------------------------

CHANGING = """
import sys, threading
import numpy as np, softdraw

dtype, n, options = sys.argv[1], int(sys.argv[2]), eval(sys.argv[3])
generator = np.random.default_rng(7)
fine = generator.normal(size=n)
rows = [fine, 10 * fine, fine / 100, fine - 1e30, fine + 5]
rows += [np.full(n, value) for value in (0, -3, np.nan, np.inf, -np.inf)]
rows += [np.where(np.arange(n) % 1000 == 7, 50, fine)]
rows = [row.astype(dtype) for row in rows]
starts, which = (generator.integers(0, high, 5000).tolist() for high in (n, len(rows)))
x = rows[0].copy()
done = False

def change():
    while not done:
        for start, row in zip(starts, which):
            x[start:] = rows[row][start:]
            x[:] = rows[row]

thread = threading.Thread(target=change)
thread.start()
for _ in range(100_000 if options == {"top_p": 0.9} else 10_000):
    try:
        assert 0 <= softdraw.sample_logits(x, **options) < n
    except ValueError:
        pass
done = True
thread.join()
"""


@pytest.mark.parametrize(
    "options", [{"top_k": 100}, {"top_p": 0.9}, {"top_k": 90, "min_p": 0.1}], ids=str
)
@pytest.mark.parametrize("n", [300, 20_000])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_logits_that_another_thread_changes_give_any_draw_or_an_error(dtype, n, options):
    processes.run([sys.executable, "-c", CHANGING, dtype, n, options], timeout=120)


def test_a_class_that_is_named_like_bfloat16_is_not_taken_for_it():
    """Its number would be that of all structured arrays, of any size."""

    class bfloat(np.void):
        pass

    dtype = np.dtype((bfloat, [("a", "<u2")]))
    assert dtype.name == "bfloat16"
    for array in (np.zeros(4, dtype), np.zeros(200_000, "V1"), np.zeros(4, "V2")):
        for function in (softdraw.softmax, softdraw.logsumexp, softdraw.sample_logits):
            with pytest.raises(TypeError, match="must be"):
                function(array)
        with pytest.raises(TypeError, match="must be"):
            softdraw.AliasTable(array)
        with pytest.raises(TypeError, match="must be"):
            softdraw.softmax_vjp(np.ones(len(array), np.float32), array)


OBJECTS = {
    "AliasTable": softdraw.AliasTable([1, 2]),
    "AliasTables": softdraw.AliasTables([1, 1], [0, 2]),
    "Xoshiro256": Xoshiro256(1),
    "lock": Xoshiro256(1).lock,
    "sampler": softdraw.AliasTable([1, 2]).sampler(1),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_methods_taken_from_a_class_refuse_what_is_not_of_it(name):
    kind = type(OBJECTS[name])
    others = [each for each in OBJECTS.values() if type(each) is not kind]
    wrong = [None, 5, [1, 2], np.ones(3), np.random.PCG64(1), kind, *others]
    methods = {
        key: method
        for key, method in vars(kind).items()
        if callable(method) and key not in ("__new__", "__init_subclass__")
    }
    assert methods
    for key, method in methods.items():
        for each in wrong:
            for arguments in ((), (1,), (0, 0), ({},), (0, 0, 0)):
                with pytest.raises(TypeError):
                    method(each, *arguments)
                    pytest.fail(f"{key} took {each!r} for its object")


def test_a_class_that_borrows_a_method_is_refused():
    class Borrows:
        sample = softdraw.AliasTable.sample

    with pytest.raises(TypeError, match="sample"):
        Borrows.sample(Borrows(), 3)
    with pytest.raises(TypeError):
        list(map(softdraw.AliasTable.sample, softdraw.AliasTables([1, 1], [0, 2, 2])))


INTERNALS = [
    lambda: list(_tables._each_table(None, [0])),
    lambda: _random.pass_over("rng", None, 3),
    lambda: _random.pass_over("rng", np.random.PCG64(1), 3),
    lambda: _partials.find_partials(range(3), 1.0),
    lambda: _partials.find_partials(np.ones(3), 1.0),
    lambda: _partials.find_partials(np.ones((2, 3)), np.ones(5)),
    lambda: _partials.combine_partials(np.ones((2, 3))),
    lambda: _partials.combine_partials(PIECES),
    lambda: _partials.softmax_piece(np.ones((2, 3)), np.ones(2)),
    lambda: _partials.softmax_piece(np.ones((3, 3)), PIECES),
    lambda: _partials.softmax_piece(np.ones(3), PIECES),
    lambda: _partials.softmax_piece(None, None),
]
PIECES = _partials.find_partials(np.ones((2, 3)), 1.0)


@pytest.mark.parametrize("call", INTERNALS)
def test_functions_that_dask_and_pickles_call_refuse_what_is_not_theirs(call):
    with pytest.raises((TypeError, ValueError, AttributeError)):
        call()


def test_pieces_are_as_large_as_their_memory_and_not_as_they_say():
    class Claims(np.ndarray):
        shape = (10**6, 10**6)

    x = np.ones((2, 3)).view(Claims)
    partials = _partials.find_partials(x, 1.0)
    assert len(partials) == 2
    assert _partials.softmax_piece(x, partials).tolist() == [[1 / 3] * 3] * 2
