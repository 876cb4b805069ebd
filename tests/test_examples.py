"""Every script in examples/ runs and does what its first lines say."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
PYTHON = [sys.executable, "-W", "error"]

pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="examples/ is not beside tests/")


def run(name, *arguments):
    """What the example prints."""
    done = subprocess.run(
        [*PYTHON, str(EXAMPLES / name), *arguments], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def fails(name, *arguments):
    """The last line of the complaint."""
    done = subprocess.run(
        [*PYTHON, str(EXAMPLES / name), *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    return done.stderr.splitlines()[-1]


def texts(output):
    """Temperature -> sentences."""
    parts = re.findall(r"^T = (\S+)\n((?:  .+\n)+)", output, re.MULTILINE)
    return {float(t): [line.strip() for line in lines.splitlines()[:-1]] for t, lines in parts}


def perplexities(output):
    return [int(n.replace(",", "")) for n in re.findall(r"Perplexity: ([\d,]+) words", output)]


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_every_example_runs(name):
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


def test_next_word_says_what_is_missing():
    path = EXAMPLES / "next_word.py"
    code = (
        "import runpy, sys; sys.modules['symspellpy'] = None; sys.argv[1:] = [];"
        f"runpy.run_path({str(path)!r}, run_name='__main__')"
    )
    done = subprocess.run([*PYTHON, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith("next_word: needs the package symspellpy")
    assert done.stderr.count("\n") == 1


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


@pytest.mark.parametrize("name", ["word_walk.py", "negative_sampling.py"])
def test_examples_repeat_themselves_for_a_seed_only(name):
    few = ["--steps", "20"]
    assert run(name, "--seed", "1", *few) == run(name, "--seed", "1", *few)
    assert run(name, "--seed", "1", *few) != run(name, "--seed", "2", *few)


def test_examples_complain_in_one_line():
    assert "must be at least 1" in fails("word_walk.py", "--walkers", "0")
    assert "must be at least 1" in fails("negative_sampling.py", "--steps", "0")
