"""Time `import softdraw` beside `import numpy` alone: in new processes, in turn.

    python bench/import_time.py [--quick]

Timed inside each process, after Python has started; the median over rounds, and the minimum.
"""

import statistics
import subprocess
import sys

import compare

ROUNDS = 5 if "--quick" in sys.argv else 40
MODULES = ["numpy", "softdraw"]
TIMED = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def main():
    seconds = {module: [] for module in MODULES}
    for _ in range(ROUNDS + 1):
        for module in MODULES:
            command = [sys.executable, "-c", TIMED.format(module)]
            seconds[module].append(float(subprocess.check_output(command)))
    rows = []
    for name, summary in (("median", statistics.median), ("minimum", min)):
        # the first round filled the disk's cache
        numpy, softdraw = (summary(seconds[module][1:]) for module in MODULES)
        rows.append([name, f"{1e3 * numpy:.0f} ms", f"{1e3 * softdraw:.0f} ms"])
        rows[-1].append(f"{softdraw / numpy:.2f}")
    print(compare.heading("numpy"))
    print(compare.table(["", "numpy", "softdraw, numpy included", "ratio"], rows))


if __name__ == "__main__":
    main()
