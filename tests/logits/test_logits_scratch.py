"""Scratch that is kept from call to call is large enough, and no two threads share it."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from processes import run

from softdraw import Xoshiro256, sample_logits


def test_scratch_of_a_shorter_row_is_not_used_for_a_longer_one():
    draw = "softdraw.sample_logits(numpy.zeros(n, numpy.float32), top_p=0.9)"
    code = f"import numpy, softdraw\nfor n in (1000, 1200, 100_000):\n    {draw}"
    run([sys.executable, "-c", code], environment={"PYTHONMALLOC": "debug"})  # aborts at overflows


def test_threads_do_not_share_scratch():
    rows = np.random.default_rng(7).normal(size=(4, 60_000)).astype(np.float32)
    words = Xoshiro256(7).random_raw(100_000)  # so many that calls overlap

    def draw(row):
        return sample_logits(row, top_k=1000, words=words).tobytes()

    alone = [draw(row) for row in rows]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(3):
            assert list(threads.map(draw, rows)) == alone
