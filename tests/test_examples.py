"""Every script in examples/ runs and does what its first lines say."""

import re
import subprocess
import sys
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
