"""How long does a temperature softmax take, beside NumPy's idiom and SciPy where it is installed?

python bench/softmax.py [--quick]
"""

import sys

import compare

compare.one_thread()

import numpy as np  # noqa: E402

import softdraw  # noqa: E402

try:
    from scipy.special import softmax as scipy_softmax
except ImportError:
    scipy_softmax = None

TEMPERATURE = 0.7


def numpy_idiom(x, temperature):
    z = x / temperature
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def measure(shape, dtype, rounds):
    x = np.random.default_rng(1).normal(0, 3, shape).astype(dtype)
    t = dtype(TEMPERATURE)
    out = np.empty_like(x)
    contenders = {
        "softdraw": lambda: softdraw.softmax(x, TEMPERATURE),
        "softdraw, out=": lambda: softdraw.softmax(x, TEMPERATURE, out=out),
        "NumPy": lambda: numpy_idiom(x, t),
    }
    if scipy_softmax:
        contenders["SciPy"] = lambda: scipy_softmax(x / t, axis=-1)
    for name, function in contenders.items():
        np.testing.assert_allclose(function(), numpy_idiom(x, t), rtol=1e-3, err_msg=name)
    return compare.interleaved(contenders, rounds)


def main():
    quick = "--quick" in sys.argv[1:]
    shapes = [(6,), (1000,), (32_000,), (4096, 16)]
    if not quick:
        shapes += [(2**20,), (2**22,), (64, 32_000)]
    print(compare.heading("numpy", *(["scipy"] if scipy_softmax else [])))
    print(f"\nSoftmax at temperature {TEMPERATURE}: nanoseconds a call (an element), one thread\n")
    rows = []
    for dtype in (np.float32, np.float64):
        for shape in shapes:
            best = measure(shape, dtype, 5 if quick else 15)
            size = int(np.prod(shape))
            cells = [f"{s * 1e9:,.0f} ({s * 1e9 / size:.2f})" for s in best.values()]
            ratio = best["NumPy"] / best["softdraw"]
            rows.append([dtype.__name__, str(shape), *cells, f"{ratio:.1f}x"])
    print(compare.table(["dtype", "shape", *best, "NumPy / softdraw"], rows))


if __name__ == "__main__":
    main()
