"""examples/token_statistics.py gives the statistics of the logits in a file."""

import re
import sys
from pathlib import Path

import numpy as np
import processes
import pytest

import softdraw

pytest.importorskip("dask.array")
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "token_statistics.py"

pytestmark = pytest.mark.skipif(not EXAMPLE.exists(), reason="examples/ is not beside tests/")


def run(*arguments, status=0):
    done = processes.run([sys.executable, EXAMPLE, *arguments], status=status)
    return done.stdout if status == 0 else done.stderr


def test_the_statistics_of_a_file(tmp_path):
    logits = np.random.default_rng(7).normal(size=(90, 500)).astype(np.float32) * 3
    np.save(tmp_path / "logits.npy", logits)
    output = run("--logits", tmp_path / "logits.npy", "--temperature", "0.7", "--chunk", "0.05")
    assert "90 positions of 500 tokens, 0.0 GB in 4 chunks; temperature 0.7" in output
    entropy = softdraw.entropy(logits, temperature=0.7)
    perplexity = float(re.search(r"perplexity: (\S+),", output)[1])
    assert perplexity == pytest.approx(np.exp(entropy.astype(float).mean()), rel=1e-3)
    levels = [float(share) for share in re.findall(r"(\S+)% of the positions", output)]
    counts, _ = np.histogram(np.exp(entropy), [1, 2, 5, 10, 100, 1_000, np.inf])
    assert levels == pytest.approx(counts / 0.9, abs=0.06)
    tokens = softdraw.sample_logits(logits, temperature=0.7, rng=7)
    most = np.bincount(tokens).max()
    assert f"({most}x)" in output


def test_bad_options_are_named():
    assert "--temperature must be at least 0" in run("--temperature", "-1", status=2)
    assert "must be positive" in run("--chunk", "0", status=2)
    assert "--seed must be at least 0" in run("--seed", "-1", status=2)
    assert run("--logits", "missing.npy", status=1).startswith("token_statistics: ")
