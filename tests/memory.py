"""Whether there is enough memory for a test of large arrays."""

import pytest


def need_memory(gigabytes):
    """Skip the test unless so much memory is free: it would end another program, or itself."""
    try:
        with open("/proc/meminfo") as lines:
            free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except OSError:
        free = 0
    if free < gigabytes * 2**20:
        pytest.skip(f"needs {gigabytes} GB of memory, {free >> 20} GB are free")
