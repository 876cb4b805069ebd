"""How long `import softdraw` takes beside `import numpy` alone, each in new processes."""

import subprocess
import sys
from collections.abc import Iterator

from bench.cases import Case, Section

TIMED = "import time; start = time.process_time(); import {}; print(time.process_time() - start)"


def in_new_processes(module):
    """The clock of an import, inside the process, after Python has started."""
    command = [sys.executable, "-c", TIMED.format(module)]
    return lambda calls: sum(float(subprocess.check_output(command)) for _ in range(calls))


def imports(quick) -> Iterator[Case]:
    names = {"softdraw, NumPy included": "softdraw", "(NumPy alone)": "numpy"}
    yield Case("import", names, 1, clock=in_new_processes)


SECTIONS = [Section("import", "Importing, in new processes.", imports, unit="ms")]
