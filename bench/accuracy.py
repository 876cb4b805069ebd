"""How large are the errors of the softmax family and entropy, in ULP, and those of other libraries?

python bench/accuracy.py [--quick | --slow] [SECTION ...]

Sections: distributions, temperatures, lengths, entropies, peers; all of them unless some are
named. Errors are measured against the oracle of the tests, in ULP of each exact element, with no
absolute error allowed; for logsumexp in ULP of the larger of |max / T| and log(sum(exp((x - max) /
T))). SciPy, torch, and onnxruntime with onnx are measured where they are installed. --quick stops
at 32,000 elements, --slow goes on to 2^24 and needs 5 GB.
"""

import sys
from pathlib import Path

import compare

compare.one_thread()
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import numpy as np  # noqa: E402
import oracle  # noqa: E402
from distributions import DISTRIBUTIONS, TEMPERATURES, sample  # noqa: E402

import softdraw  # noqa: E402

try:
    import scipy.special as scipy
except ImportError:
    scipy = None
try:
    import torch
except ImportError:
    torch = None
try:
    import onnxruntime
    from onnx import TensorProto, helper
except ImportError:
    onnxruntime = None

DTYPES = (np.float32, np.float64)
SHORT = range(1, 131)
LONG = [1000, 32_000]
if "--quick" not in sys.argv[1:]:
    LONG += [128_256, 2**20, 2**22]
if "--slow" in sys.argv[1:]:
    LONG += [2**24]
LOGITS = 4096  # at each temperature


def worst(x, temperature):
    """The worst error of each function on the rows of x: {name: ULP}."""
    result = {}
    for name in oracle.FUNCTIONS:
        got = getattr(softdraw, name)(x, temperature=temperature)
        result[name] = oracle.errors(name, got, x, temperature).max()
    return result


def table(title, first, cases):
    """Print rows of worst errors. Each of cases is the name of a row, and a function from a dtype
    to pairs (x, temperature)."""
    print(f"\nWorst error in ULP {title}\n")
    rows = []
    for label, inputs in cases:
        cells = [label]
        for dtype in DTYPES:
            errors = [worst(x, temperature) for x, temperature in inputs(dtype)]
            cells += [f"{max(e[name] for e in errors):.2f}" for name in oracle.FUNCTIONS]
        rows.append(cells)
    promised = ["promised"]
    for dtype in DTYPES:
        promised += [f"{oracle.BOUNDS[f, np.dtype(dtype).name]:g}" for f in oracle.FUNCTIONS]
    columns = [f"{f} {np.dtype(dtype).name}" for dtype in DTYPES for f in oracle.FUNCTIONS]
    print(compare.table([first, *columns], [*rows, promised]))


# ---- the sections ------------------------------------------------------------------------------


def distributions():
    """Every distribution, over all lengths, the short ones at all temperatures."""

    def inputs(name):
        def of(dtype):
            for n in (*SHORT, 1000):
                yield np.array([sample(name, n, dtype)] * len(TEMPERATURES)), TEMPERATURES
            for n in LONG:
                yield sample(name, n, dtype), 0.7

        return of

    title = "of each distribution: n of 1 to 130 and 1,000 at every temperature, "
    table(
        title + f"up to {LONG[-1]:,} at 0.7",
        "logits",
        [(name, inputs(name)) for name in DISTRIBUTIONS],
    )


def temperatures():
    """Temperatures near and far, with logits that keep x / T the same."""
    rows = LOGITS // 128

    def inputs(temperature):
        def of(dtype):
            rng = np.random.default_rng(1)
            for sigma in (1, 3, 30):
                z = rng.normal(0, sigma, (rows, 128))
                with np.errstate(over="ignore"):
                    x = (z * temperature).astype(dtype)
                if np.isfinite(x).all():
                    yield x, temperature
                yield z.astype(dtype), temperature

        return of

    chosen = [5e-324, 1e-310, 1e-200, 1e-42, 1e-30, 1e-20, 1e-10, 1e-3, 0.1, 0.7, 1.0, 3.3, 30.0]
    chosen += [1e3, 1e10, 1e20, 1e30, 1e200, 1e308]
    title = "at each temperature: normal logits with sigma 1, 3 and 30, and T times those"
    table(title, "T", [(f"{t:g}", inputs(t)) for t in chosen])


def lengths():
    """Every length, over the distributions."""

    def inputs(lengths):
        def of(dtype):
            for n in lengths:
                for name in DISTRIBUTIONS:
                    yield sample(name, n, dtype), 1.0

        return of

    cases = [("1 to 16", inputs(range(1, 17))), ("17 to 130", inputs(range(17, 131)))]
    cases += [(f"{n:,}", inputs([n])) for n in LONG]
    table("of each length, at temperature 1, over all distributions", "n", cases)


def numpy_entropy(x, t):
    p = numpy_softmax(x, t)
    return -(p * np.log(p, where=p > 0, out=np.zeros_like(p))).sum()


def entropies():
    """Every distribution at ordinary temperatures, against mpmath."""
    print("\nWorst error in ULP of entropy: n of 1 to 1,000, T of 0.1 to 30\n")
    rows = []
    for name in DISTRIBUTIONS:
        cells = [name]
        for dtype in DTYPES:
            errors = {"softdraw": 0.0, "NumPy": 0.0}
            for n in (*range(1, 131, 3), 1000):
                x = sample(name, n, dtype)
                for t in (0.1, 0.7, 1.0, 3.0, 30.0):
                    for contender, got in (
                        ("softdraw", softdraw.entropy(x, temperature=t)),
                        ("NumPy", numpy_entropy(x, t)),
                    ):
                        error = oracle.entropy_errors(got, x, t).max()
                        errors[contender] = max(errors[contender], error)
            cells += [format(e, ".2f" if e < 100 else ".1e") for e in errors.values()]
        rows.append(cells)
    columns = [f"{c} {np.dtype(dtype).name}" for dtype in DTYPES for c in ("softdraw", "NumPy")]
    promised = [f"{oracle.BOUNDS['entropy', np.dtype(dtype).name]:g}" for dtype in DTYPES]
    print(
        compare.table(["logits", *columns], [*rows, ["promised", promised[0], "", promised[1], ""]])
    )


def numpy_softmax(x, t):
    z = x / x.dtype.type(t)
    e = np.exp(z - z.max())
    return e / e.sum()


def numpy_log_softmax(x, t):
    z = x / x.dtype.type(t)
    z = z - z.max()
    return z - np.log(np.exp(z).sum())


def torch_function(name):
    return lambda x, t: getattr(torch, name)(torch.from_numpy(x) / t, -1).numpy()


def onnx_function(name):
    def call(x, t):
        kind = TensorProto.FLOAT if x.dtype == np.float32 else TensorProto.DOUBLE
        nodes = [
            helper.make_node("Mul", ["x", "scale"], ["z"]),
            helper.make_node(name, ["z"], ["y"], axis=-1),
        ]
        scale = helper.make_tensor("scale", kind, [], [1 / t])
        graph = helper.make_graph(
            nodes,
            "graph",
            [helper.make_tensor_value_info("x", kind, x.shape)],
            [helper.make_tensor_value_info("y", kind, x.shape)],
            [scale],
        )
        opset = [helper.make_opsetid("", 13)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        return session.run(None, {"x": x})[0]

    return call


def peers():
    """The same two functions elsewhere, on a few inputs."""
    plain = {"softmax": numpy_softmax, "log_softmax": numpy_log_softmax}
    longest = LONG[-1]
    for name in plain:
        function = getattr(softdraw, name)
        contenders = {
            "softdraw": lambda x, t, f=function: f(x, temperature=t),
            "NumPy": plain[name],
        }
        if scipy:
            function = getattr(scipy, name)
            contenders["SciPy"] = lambda x, t, f=function: f(x / x.dtype.type(t), axis=-1)
        if torch:
            contenders["torch"] = torch_function(name)
        if onnxruntime:
            contenders["ONNX"] = onnx_function({"softmax": "Softmax"}.get(name, "LogSoftmax"))
        print(f"\nWorst error in ULP of {name}, beside others\n")
        rows = []
        for dtype in DTYPES:
            for distribution, n, temperature in [
                ("normal, sigma 3", min(128_256, longest), 1.0),
                ("normal, sigma 3", min(128_256, longest), 0.7),
                ("normal, sigma 30", 1000, 1.0),
                ("uniform on (-80, 0)", 1000, 1.0),
                ("near-equal", min(2**22, longest), 1.0),
                ("one dominant", 1000, 1.0),
                ("offset 1e6", 1000, 0.7),
            ]:
                x = sample(distribution, n, dtype)
                cells = [np.dtype(dtype).name, distribution, f"{n:,}", f"{temperature:g}"]
                for contender in contenders.values():
                    error = oracle.errors(name, contender(x, temperature), x, temperature).max()
                    digits = ".2f" if error < 100 else ",.0f" if error < 1e9 else ".1e"
                    cells.append(format(error, digits))
                rows.append(cells)
        print(compare.table(["dtype", "logits", "n", "T", *contenders], rows))


SECTIONS = {f.__name__: f for f in (distributions, temperatures, lengths, entropies, peers)}


def main():
    chosen = [name for name in sys.argv[1:] if not name.startswith("--")] or list(SECTIONS)
    unknown = [name for name in chosen if name not in SECTIONS]
    if unknown:
        sys.exit(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    installed = {"scipy": scipy, "torch": torch, "onnxruntime": onnxruntime}
    print(compare.heading("numpy", *(name for name, there in installed.items() if there)))
    for name in chosen:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
