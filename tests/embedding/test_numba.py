"""softdraw.numba gives, in compiled functions, the bits and the draws of softdraw."""

import doctest
import inspect
import sys
import weakref
from functools import partial

import numpy as np
import pytest
from messages import exactly
from processes import run

numba = pytest.importorskip("numba")

import softdraw  # noqa: E402
import softdraw.numba as kernels  # noqa: E402


@numba.njit
def draw_all(buckets, bits, words):
    drawn = np.empty(len(words), np.int64)
    for i in range(len(words)):
        drawn[i] = kernels.draw(buckets, bits, words[i])
    return drawn


@numba.njit
def draw_rows(buckets, records, rows, words):
    drawn = np.empty(len(words), np.int64)
    for i in range(len(words)):
        drawn[i] = kernels.draw_row(buckets, records, rows[i], words[i])
    return drawn


@numba.njit
def next_words(generator, n):
    words = np.empty(n, np.uint64)
    for i in range(n):
        words[i] = kernels.next_word(generator)
    return words


@numba.njit
def softmax(x, temperature):
    return kernels.softmax(x, temperature=temperature)


@numba.njit
def softmax_to(x, temperature, out):
    return kernels.softmax(x, temperature=temperature, out=out)


@numba.njit
def log_softmax(x):
    return kernels.log_softmax(x)


@pytest.mark.parametrize("n", [1, 2, 3, 6, 100, 1000, 1024, 5000])
def test_draws_are_those_of_map(n):
    words = softdraw.Xoshiro256(n).random_raw(3000)
    words[:4] = 0, 1, 2**63, 2**64 - 1
    table = softdraw.AliasTable(np.random.default_rng(n).pareto(1, n))
    drawn = draw_all(*kernels.table(table), words)
    np.testing.assert_array_equal(drawn, table.map(words))


def test_the_first_word_that_a_category_does_not_keep_is_its_alias():
    """The word is compared with all of an entry, ending with the alias, here the last category."""
    table = softdraw.AliasTable([1, 2, 3, 10])
    own = np.arange(4, dtype=np.uint64)
    entries = table.buckets
    assert (entries[:3] & np.uint64(3) == 3).all()
    words = (own << np.uint64(62)) | (entries >> np.uint64(2))
    drawn = draw_all(*kernels.table(table), words)
    np.testing.assert_array_equal(drawn, table.map(words))
    assert drawn[:3].tolist() == [3, 3, 3]


@pytest.mark.parametrize("word", [np.uint64, np.int64, np.int32, np.uint8])
@pytest.mark.parametrize("bits", [int, np.uint64, np.int64, np.int8])
def test_words_and_bits_of_any_integer_type_give_the_same_draws(word, bits):
    """Numba makes floats of uint64 beside int64."""
    words = softdraw.Xoshiro256(1).random_raw(1000)
    words[0] = 0x3FFF000000000000
    words = words.view(word) if np.dtype(word).itemsize == 8 else words.astype(word)
    unsigned = words.astype(np.uint64)  # as C converts: the sign fills the first bits
    table = softdraw.AliasTable([1, 2, 3, 4])
    drawn = draw_all(table.buckets, bits(table.bits), words)
    np.testing.assert_array_equal(drawn, table.map(unsigned))
    tables = softdraw.AliasTables([1, 2, 3, 4], [0, 0, 4])
    rows = np.ones(1000, np.int8)
    drawn = draw_rows(*kernels.tables(tables), rows, words)
    np.testing.assert_array_equal(drawn, table.map(unsigned))


@pytest.mark.parametrize("row", [np.int64, np.uint64, np.int32])
def test_draws_from_rows_are_those_of_map(row):
    lengths = np.random.default_rng(1).integers(1, 100, 500)
    indptr = np.r_[0, lengths.cumsum()]
    tables = softdraw.AliasTables(np.random.default_rng(2).pareto(1, indptr[-1]), indptr)
    rows = np.random.default_rng(3).integers(0, 500, 5000)
    words = softdraw.Xoshiro256(7).random_raw(5000)
    drawn = draw_rows(*kernels.tables(tables), rows.astype(row), words)
    np.testing.assert_array_equal(drawn, tables.map(rows, words))


def test_a_row_that_has_nothing_to_draw_gives_minus_one():
    tables = softdraw.AliasTables([0, 0, 1], [0, 0, 2, 3])
    words = softdraw.Xoshiro256(7).random_raw(3)
    assert draw_rows(*kernels.tables(tables), np.arange(3), words).tolist() == [-1, -1, 0]


def test_the_arrays_of_tables_are_not_copied_and_cannot_be_changed():
    tables = softdraw.AliasTables([1, 2, 3], [0, 1, 3])
    for array in kernels.tables(tables):
        assert array.base is tables
        assert not array.flags.writeable


def test_what_is_no_table_is_refused():
    table, tables = softdraw.AliasTable([1, 2]), softdraw.AliasTables([1, 2, 1], [0, 2, 3])
    with pytest.raises(TypeError, match="^table must be an AliasTable, got AliasTables$"):
        kernels.table(tables)
    with pytest.raises(TypeError, match="^tables must be an AliasTables, got AliasTable$"):
        kernels.tables(table)


def test_wrong_types_are_refused_when_a_function_is_compiled():
    buckets, bits = kernels.table(softdraw.AliasTable([1, 2, 3]))
    word = np.ones(1, np.uint64)
    refuses = partial(pytest.raises, numba.TypingError)
    with refuses(match="buckets of draw must be a contiguous 1-D array of uint64, .* not .*int64"):
        draw_all(buckets.view(np.int64), bits, word)
    with refuses(match="word of draw must be an integer, not float64"):
        draw_all(buckets, bits, word * 1.0)
    with refuses(match="bits of draw must be an integer, not float64"):
        draw_all(buckets, 1.0, word)
    with refuses(match="records of draw_row must be a contiguous 1-D array of uint64"):
        draw_rows(buckets, buckets[::2], np.zeros(1, np.int64), word)
    with refuses(match="row of draw_row must be an integer, not float64"):
        draw_rows(buckets, buckets, np.zeros(1), word)
    with refuses(match="generator of next_word must be a contiguous 1-D array of uint64"):
        next_words(np.zeros(42), 1)


def test_arrays_that_compiled_code_cannot_use_are_refused():
    """Kernels need aligned memory; next_word changes the state, and softmax `out`."""
    buckets = softdraw.AliasTable([1, 2, 3]).buckets
    for dtype in (np.float32, np.float64):
        unaligned = np.zeros(33, np.uint8)[1:].view(dtype)
        with pytest.raises(ValueError, match="^x and out must be aligned$"):
            softmax(unaligned, 1.0)
        with pytest.raises(ValueError, match="^x and out must be aligned$"):
            softmax_to(np.zeros(unaligned.size, dtype), 1.0, unaligned)
    with pytest.raises(numba.TypingError, match="Cannot modify readonly array"):
        next_words(buckets, 1)
    with pytest.raises(numba.TypingError, match="out is read-only"):
        softmax_to(np.zeros(4), 1.0, buckets.view(float))


def test_a_generator_is_what_its_memory_is_and_not_what_it_says():
    class Own(softdraw.Xoshiro256):
        ctypes = None

    own = Own(7)
    expected = softdraw.Xoshiro256(7).random_raw(3)
    np.testing.assert_array_equal(next_words(kernels.generator(own), 3), expected)
    with pytest.raises(
        TypeError, match="^rng must be a seed, an Xoshiro256 or a Generator of one, got "
    ):
        kernels.generator(weakref.proxy(own))
    np.random.BitGenerator.__init__(own, 7)
    for lost in (softdraw.Xoshiro256.__new__(softdraw.Xoshiro256), own):
        with pytest.raises(TypeError, match=f"^rng, of type {type(lost).__name__}, has no state: "):
            kernels.generator(lost)


OUTSIDE = {
    "draw": "AliasTable.map or AliasTable.sample",
    "draw_row": "AliasTables.map or AliasTables.sample",
    "next_word": "Xoshiro256.random_raw",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_call_from_python_says_what_to_do(name):
    arguments = {"draw": 3, "draw_row": 4}.get(name, 1)
    text = (
        f"softdraw.numba.{name} works only in functions that Numba compiles: decorate the caller "
        "with @numba.njit and leave NUMBA_DISABLE_JIT unset; in Python, use "
        f"softdraw.{OUTSIDE[name]}"
    )
    with pytest.raises(TypeError, match=exactly(text)):
        getattr(kernels, name)(*[np.zeros(2)] * arguments)


def test_a_call_with_the_compiler_switched_off_says_what_to_do():
    code = (
        "import numba, softdraw.numba\n"
        "f = numba.njit(lambda words: softdraw.numba.next_word(words))\n"
        "try: f(softdraw.numba.generator(7))\n"
        "except TypeError as error: print(error)\n"
    )
    done = run([sys.executable, "-c", code], environment={"NUMBA_DISABLE_JIT": "1"})
    assert "leave NUMBA_DISABLE_JIT unset" in done.stdout


def test_a_table_is_not_copied_and_cannot_be_changed():
    table = softdraw.AliasTable([1, 2, 3])
    buckets, bits = kernels.table(table)
    assert np.shares_memory(buckets, table.buckets)
    assert not buckets.flags.writeable
    with pytest.raises(ValueError, match="WRITEABLE"):
        buckets.flags.writeable = True
    assert bits.dtype == np.uint64


@pytest.mark.parametrize("n", [1, 7, 8, 9, 1003])
def test_words_are_those_of_the_generator(n):
    expected = softdraw.Xoshiro256(7).random_raw(n)
    np.testing.assert_array_equal(next_words(kernels.generator(7), n), expected)
    seed = np.random.SeedSequence(7)
    np.testing.assert_array_equal(next_words(kernels.generator(seed), n), expected)


def test_a_generator_is_advanced_and_may_be_used_in_turn():
    rng, again = softdraw.Xoshiro256(7), softdraw.Xoshiro256(7)
    state = kernels.generator(np.random.Generator(rng))
    expected = again.random_raw(1000)
    for first, last in [(0, 3), (3, 20), (20, 36), (36, 1000)]:
        words = rng.random_raw(last - first) if first % 2 else next_words(state, last - first)
        np.testing.assert_array_equal(words, expected[first:last])


def test_half_words_survive():
    rng, again = softdraw.Xoshiro256(7), softdraw.Xoshiro256(7)
    for each in (rng, again):
        np.random.Generator(each).integers(0, 10, dtype=np.uint32)
    assert rng.state["has_uint32"] == 1
    next_words(kernels.generator(rng), 100)
    again.random_raw(100)
    np.testing.assert_equal(rng.state, again.state)


def test_a_generator_lives_as_long_as_its_state():
    states = [kernels.generator(seed) for seed in range(100)]
    for seed, state in enumerate(states):
        assert next_words(state, 1)[0] == softdraw.Xoshiro256(seed).random_raw()


def test_generators_of_another_kind_are_refused():
    with pytest.raises(TypeError, match="Generator of one, got PCG64$"):
        kernels.generator(np.random.default_rng(7))
    first, second = (next_words(kernels.generator(), 8) for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(6,), (1000,), (5, 6), (3, 100), (0,), (3, 0), (0, 3)])
def test_softmax_has_the_bits_of_softmax(dtype, shape):
    x = np.random.default_rng(1).normal(0, 5, shape).astype(dtype)
    for temperature in (1, 0.7, 0, np.inf, np.float32(3)):
        np.testing.assert_array_equal(
            softmax(x, temperature), softdraw.softmax(x, temperature=temperature)
        )
    np.testing.assert_array_equal(log_softmax(x), softdraw.log_softmax(x))
    out = np.empty_like(x)
    assert softmax_to(x, 2, out) is not None
    np.testing.assert_array_equal(out, softdraw.softmax(x, temperature=2))
    softmax_to(x, 2, x)
    np.testing.assert_array_equal(out, x)


def test_softmax_refuses_what_is_wrong():
    x = np.zeros(4)
    with pytest.raises(ValueError, match="temperature must be >= 0"):
        softmax(x, -1.0)
    with pytest.raises(ValueError, match="out must have the shape of x"):
        softmax_to(x, 1.0, np.zeros(5))
    with pytest.raises(numba.TypingError, match="C-contiguous 1-D or 2-D arrays"):
        softmax(x[::2], 1.0)
    with pytest.raises(numba.TypingError, match="C-contiguous 1-D or 2-D arrays"):
        softmax(np.zeros(4, np.int64), 1.0)
    with pytest.raises(numba.TypingError, match="out must be an array like"):
        softmax_to(x, 1.0, np.zeros(4, np.float32))
    read_only = np.frombuffer(bytes(32))
    with pytest.raises(numba.TypingError, match="out is read-only"):
        softmax_to(x, 1.0, read_only)


def test_the_temperature_is_given_by_keyword():
    for call in (lambda x: kernels.softmax(x, 2.0), lambda x: kernels.log_softmax(x, 2.0)):
        with pytest.raises(
            numba.TypingError, match=r"takes only x by position; write \w+\(x, temperature=\.\.\.\)"
        ):
            numba.njit(call)(np.zeros(4))


def test_compiled_functions_can_be_cached(tmp_path):
    (tmp_path / "cached.py").write_text(
        "import numba, numpy as np, softdraw.numba\n"
        "@numba.njit(cache=True)\n"
        "def f(x): return softdraw.numba.softmax(x, temperature=2.0)\n"
        "print(f(np.zeros(4)), len(f.stats.cache_hits))\n"
    )
    code = f"import sys; sys.path[:0] = {sys.path!r}; import cached"
    for hits in ("0", "1"):
        done = run([sys.executable, "-c", code], cwd=tmp_path)
        assert (done.stderr, done.stdout) == ("", f"[0.25 0.25 0.25 0.25] {hits}\n")


@pytest.mark.parametrize("name", [None, *kernels.__all__])
def test_examples_run(name):
    docstring = inspect.getdoc(kernels if name is None else getattr(kernels, name))
    assert ">>>" in docstring
    test = doctest.DocTestParser().get_doctest(docstring, {"np": np}, str(name), None, 0)
    lines = []
    doctest.DocTestRunner().run(test, out=lines.append)
    assert not lines, "".join(lines)
