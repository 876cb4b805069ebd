"""Run code with one tier of kernels forced, and the corpus on which all tiers must agree."""

import hashlib
import os
import sys

import numpy as np
from processes import run


def run_on_tier(tier, code, status=0):
    """What Python code prints in a new process with SOFTDRAW_ISA=tier, or its error messages if it
    is to fail with that exit status. The code may import what the tests can."""
    environment = {"SOFTDRAW_ISA": tier, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = run([sys.executable, "-c", code], status=status, environment=environment)
    return done.stderr if status else done.stdout


def uniforms(seed, shape):
    """Numbers in [0, 1) by SplitMix64: the same on every platform, whatever NumPy's version."""
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15) * np.arange(
            1, count + 1, dtype=np.uint64
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(11)) * 2.0**-53).reshape(shape)


def bell(seed, shape):
    """Roughly normal numbers of variance 1, by additions alone."""
    return uniforms(seed, (12, *np.atleast_1d(shape))).sum(0) - 6.0


def corpus():
    """Pairs (name, x, temperature): fixed inputs for the softmax family."""
    for dtype in (np.float32, np.float64):
        name = np.dtype(dtype).name
        for n in range(131):
            yield f"{name} n={n}", (3 * bell(n, (3, n))).astype(dtype), 0.7
            yield f"{name} wide n={n}", (-800 * uniforms(n, (2, n))).astype(dtype), 1.0
        for n in (255, 256, 257, 1000, 4095, 4096, 4097, 12289, 32000):
            x = bell(n, n).astype(dtype)
            yield f"{name} n={n}", x, 0.7
            yield f"{name} sigma 30 n={n}", 30 * x, 1.3
            yield f"{name} near-equal n={n}", dtype(5.3) + dtype(1e-6) * x, 1.0
            yield f"{name} offset n={n}", (1e6 + 3 * x).astype(dtype), 0.7
            for temperature in (0.0, 5e-324, 1e-310, 1e-30, 1e-3, 1e3, 1e30, 1e308, np.inf):
                yield f"{name} T={temperature} n={n}", x, temperature
        for n in (5, 16, 21, 32, 33, 48, 60, 64, 100):
            yield f"{name} many rows n={n}", (3 * bell(n, (200, n))).astype(dtype), 0.7
        x = bell(9, (64, 37)).astype(dtype)
        yield f"{name} temperatures", x, np.linspace(0, 3, 64)
        edges = np.tile(x, (2, 1))
        info = np.finfo(dtype)
        specials = (np.nan, -np.nan, np.inf, -np.inf, info.max, info.min, info.tiny, -0.0)
        for r, special in enumerate(specials):
            edges[8 * r : 8 * r + 8, [0, 5, 15, 16, 31, 32, 35, 36][r]] = special
            edges[64 + r, :] = special
            edges[72 + r, ::2] = special
        yield f"{name} edges", edges, 1.0
        yield f"{name} edges cold", edges, 1e-5
        yield f"{name} edges at 0", edges, 0.0
        yield f"{name} edges at inf", edges, np.inf


def print_digests():
    """One line for each function, input and way to pass it: name, tab, digest of the result."""
    from floats import HALVES, HAS_BFLOAT16

    import softdraw

    functions = (softdraw.softmax, softdraw.log_softmax, softdraw.logsumexp, softdraw.entropy)

    def show(name, result):
        result = np.asarray(result)
        little = result.astype(result.dtype.newbyteorder("<"))
        print(f"{name}\t{hashlib.sha256(little.tobytes()).hexdigest()[:16]}")

    for name, x, temperature in corpus():
        for function in functions:
            show(f"{function.__name__} {name}", function(x, temperature=temperature))
            if x.ndim == 2:
                columns = np.asfortranarray(x)
                show(
                    f"{function.__name__} {name} columns",
                    function(columns, temperature=temperature),
                )
        for half in HALVES if HAS_BFLOAT16 else [np.float16]:
            if x.dtype == np.float32:
                with np.errstate(over="ignore"):
                    y = x.astype(half)
                show(
                    f"softmax {name} as {half.__name__}",
                    softdraw.softmax(y, temperature=temperature),
                )
