"""softdraw.numba gives, in compiled functions, the bits and the draws of softdraw."""

import doctest
import inspect
import sys

import numpy as np
import pytest
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
    with pytest.raises(TypeError, match="must be an Xoshiro256, got PCG64"):
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
    with pytest.raises(TypeError, match="for compiled functions"):
        kernels.softmax(x)


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
