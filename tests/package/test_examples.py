"""Every script in examples/ runs and does what its first lines say."""

import re
import runpy
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import processes
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# llama_cpp leaves /dev/null open
PYTHON = [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning"]

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="examples/ is not beside tests/")


def run(name, *arguments):
    """What the example prints."""
    done = processes.run([*PYTHON, EXAMPLES / name, *arguments])
    assert done.stderr == ""
    return done.stdout


def fails(name, *arguments):
    """The last line of the complaint."""
    done = processes.run([*PYTHON, EXAMPLES / name, *arguments], status=2)
    return done.stderr.splitlines()[-1]


def texts(output):
    """Temperature -> sentences."""
    parts = re.findall(r"^T = (\S+)\n((?:  .+\n)+)", output, re.MULTILINE)
    return {float(t): [line.strip() for line in lines.splitlines()[:-1]] for t, lines in parts}


def perplexities(output):
    return [int(n.replace(",", "")) for n in re.findall(r"Perplexity: ([\d,]+) words", output)]


NEEDS = {"onnx_logits.py": ["onnx", "onnxruntime"]}  # beside what the test extra brings


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_every_example_runs(name):
    for package in NEEDS.get(name, []):
        pytest.importorskip(package)
    assert run(name)


def test_next_word_writes_three_sentences_at_three_temperatures():
    written = texts(run("next_word.py", "--seed", "1"))
    assert list(written) == [0.5, 1, 2]
    for sentences in written.values():
        assert len(sentences) == 3
        assert all(re.fullmatch(r"[A-Z][a-z ]*\.", sentence) for sentence in sentences)


def test_next_word_is_predictable_when_cold_and_gibberish_when_hot():
    cold, plain, hot = perplexities(run("next_word.py", "--seed", "1", "--sentences", "100"))
    assert cold < plain / 2
    assert hot > plain * 2


def test_next_word_at_temperature_zero_takes_the_commonest_word():
    output = run("next_word.py", "--temperature", "0", "--start", "united", "--words", "4")
    assert set(texts(output)[0]) == {"United states that the."}


def test_next_word_repeats_itself_for_a_seed_only():
    assert run("next_word.py", "--seed", "1") == run("next_word.py", "--seed", "1")
    assert run("next_word.py", "--seed", "1") != run("next_word.py", "--seed", "2")


def test_next_word_starts_where_it_is_told_and_stops_at_a_word_without_followers():
    written = texts(run("next_word.py", "--start", "the", "--words", "500", "--temperature", "2"))
    assert all(sentence.startswith("The ") for sentence in written[2])
    assert any(len(sentence.split()) < 500 for sentence in written[2])


def test_next_word_complains_in_one_line():
    assert fails("next_word.py", "--start", "qwerty").endswith("no word follows 'qwerty'")
    assert "nothing to write" in fails("next_word.py", "--words", "1")
    assert "temperature" in fails("next_word.py", "--temperature", "-1")


def test_next_word_draws_from_what_filters_leave():
    hot = ["next_word.py", "--temperature", "2", "--sentences", "20"]
    (everything,) = perplexities(run(*hot))
    for option in (["--top-p", "0.5"], ["--top-k", "5"], ["--min-p", "0.2"]):
        (filtered,) = perplexities(run(*hot, *option))
        assert filtered < everything / 2
    assert "top_p must be in [0, 1], got 2.0" in fails(*hot, "--top-p", "2")


@pytest.mark.parametrize(
    ("name", "missing", "text"),
    [
        ("next_word", "symspellpy", "needs the package symspellpy"),
        ("onnx_logits", "onnxruntime", "needs the packages onnx and onnxruntime"),
    ],
)
def test_examples_say_what_is_missing(name, missing, text):
    path = EXAMPLES / f"{name}.py"
    code = (
        f"import runpy, sys; sys.modules[{missing!r}] = None; sys.argv[1:] = [];"
        f"runpy.run_path({str(path)!r}, run_name='__main__')"
    )
    done = processes.run([*PYTHON, "-c", code], status=1)
    assert done.stderr.startswith(f"{name}: {text}")
    assert done.stderr.count("\n") == 1


def test_bandit_loses_least_by_exploring_less_and_less():
    output = run("bandit.py", "--seed", "1")
    regret = {line.split()[0]: float(line.split()[-1]) for line in output.splitlines()[2:]}
    assert list(regret) == ["greedy", "Boltzmann", "uniform"]
    assert regret["Boltzmann"] < regret["greedy"] < regret["uniform"]


def test_llama_cpp_processor_leaves_one_token():
    processor = runpy.run_path(str(EXAMPLES / "llama_cpp_processor.py"))["Draw"]
    scores = np.linspace(-1, 1, 100, dtype=np.float32)
    draw, again = processor(seed=1, top_k=9), processor(seed=1, top_k=9)
    for _ in range(20):
        left = draw(np.zeros(3, np.intc), scores)
        assert left.dtype == np.float32
        (token,) = np.flatnonzero(left > -np.inf)
        assert token >= 91
        assert left[token] == scores[token]
        assert (left == again(np.zeros(3, np.intc), scores)).all()


def test_llama_cpp_processor_writes_words():
    output = run("llama_cpp_processor.py", "--tokens", "20")
    assert re.fullmatch(r"the( [a-z]+){20}\n", output)


def test_onnx_logits_writes_lines():
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    lines = run("onnx_logits.py", "--lines", "4", "--length", "30").splitlines()
    assert [len(line) for line in lines] == [30] * 4
    cold = run("onnx_logits.py", "--temperature", "0").splitlines()
    assert len(set(cold)) == 1


def test_word_walk_goes_from_word_to_word_by_pairs_that_there_are():
    symspellpy = pytest.importorskip("symspellpy")
    path = Path(symspellpy.__file__).parent / "frequency_bigramdictionary_en_243_342.txt"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    pairs = {tuple(line.split()[:2]) for line in lines}
    firsts = {first for first, _ in pairs}
    output = run("word_walk.py", "--walkers", "3", "--steps", "12")
    assert output.startswith("16,600 rows, 242,342 pairs")
    walks = [line.split() for line in output.splitlines()[2:5]]
    for walk in walks:
        assert len(walk) == 12
        for here, there in pairwise(walk):
            assert (here, there) in pairs or here not in firsts


def test_word_walk_visits_words_about_as_often_as_they_occur():
    shares = re.findall(r"^  (\S+) +(\S+)%$", run("word_walk.py"), re.MULTILINE)
    assert shares[0][0] == "the"
    assert 5 < float(shares[0][1]) < 12


def test_negative_sampling_learns():
    output = run("negative_sampling.py", "--steps", "500")
    first, last = map(float, re.search(r"(\S+) at first, (\S+) at last", output).groups())
    assert last < first - 0.3
    assert "3.28% of negatives" in output


@pytest.mark.parametrize("name", ["word_walk.py", "negative_sampling.py", "bandit.py"])
def test_examples_repeat_themselves_for_a_seed_only(name):
    few = ["--steps", "20"]
    assert run(name, "--seed", "1", *few) == run(name, "--seed", "1", *few)
    assert run(name, "--seed", "1", *few) != run(name, "--seed", "2", *few)


def test_examples_complain_in_one_line():
    assert "must be at least 1" in fails("word_walk.py", "--walkers", "0")
    assert "must be at least 1" in fails("negative_sampling.py", "--steps", "0")
    assert "must be at least 1" in fails("bandit.py", "--arms", "0")
    for name in ("bandit.py", "negative_sampling.py", "word_walk.py"):
        assert "--seed must be at least 0" in fails(name, "--seed", "-1")
    assert "top_p must be in [0, 1]" in fails("llama_cpp_processor.py", "--top-p", "2")
