"""The temperature softmax, beside NumPy's, SciPy's, torch's, JAX's, numba's and ONNX Runtime's."""

from collections.abc import Iterator
from functools import cache
from itertools import product

import numpy as np

import softdraw
from bench import peers
from bench.cases import NEVER_SLOWER, Case, Function, Section, Target
from softdraw._bench import softmax_into

TEMPERATURE = 0.7
FLOATS = (np.float32, np.float64)


def normal(shape, dtype=np.float32, seed=1):
    return np.random.default_rng(seed).normal(0, 3, shape).astype(dtype)


# ---- contenders ----------------------------------------------------------------------------------

# Each function below takes logits and makes a call without arguments, which returns the softmax. It
# writes into an array that is there already, wherever the library can.


def ours(x, temperature=TEMPERATURE, axis=-1, workers=None):
    out = np.empty_like(x)
    return lambda: softdraw.softmax(x, temperature=temperature, axis=axis, out=out, workers=workers)


def numpy_softmax(x):
    out = np.empty_like(x)

    def call():
        softmax_into(out, x)
        return out

    return call


def scipy_softmax(x):
    softmax, t = peers.find("SciPy").softmax, x.dtype.type(TEMPERATURE)
    return lambda: softmax(x / t, axis=-1)


def torch_softmax(x, temperature=TEMPERATURE, axis=-1):
    torch = peers.find("torch")
    source = torch.from_numpy(x)
    scaled, out = torch.empty_like(source), torch.empty_like(source)
    if temperature is None:
        return lambda: torch.softmax(source, axis, out=out).numpy()

    def call():
        torch.mul(source, 1 / temperature, out=scaled)
        return torch.softmax(scaled, axis, out=out).numpy()

    return call


def jax_softmax(x):
    jax = peers.find("JAX")
    source, t = jax.numpy.asarray(x), x.dtype.type(TEMPERATURE)
    softmax = jax.jit(lambda x: jax.nn.softmax(x / t))
    return lambda: softmax(source).block_until_ready()


@cache
def numba_loop():
    numba = peers.find("numba")

    @numba.njit
    def softmax(x, t, out):
        for i in range(x.shape[0]):
            largest = x[i, 0]
            for value in x[i]:
                largest = max(largest, value)
            total = x.dtype.type(0)
            for j in range(x.shape[1]):
                out[i, j] = np.exp((x[i, j] - largest) / t)
                total += out[i, j]
            for j in range(x.shape[1]):
                out[i, j] /= total

    return softmax


def numba_softmax(x):
    softmax, out, t = numba_loop(), np.empty_like(x), x.dtype.type(TEMPERATURE)
    rows, rows_out = x.reshape(-1, x.shape[-1]), out.reshape(-1, x.shape[-1])

    def call():
        softmax(rows, t, rows_out)
        return out

    return call


def onnx_session(x, nodes, constants, kind_out):
    """A session in one thread that computes "y" from "x"."""
    runtime, onnx = peers.find("ONNX Runtime"), peers.find("onnx")
    kind = onnx.helper.np_dtype_to_tensor_dtype(x.dtype)
    info = onnx.helper.make_tensor_value_info
    tensors = [onnx.helper.make_tensor(name, kind, [], [v]) for name, v in constants.items()]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(*args, **attributes) for *args, attributes in nodes],
        "graph",
        [info("x", kind, x.shape)],
        [info("y", kind_out or kind, None)],
        tensors,
    )
    opset = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    provider = ["CPUExecutionProvider"]
    return runtime.InferenceSession(model.SerializeToString(), options, providers=provider)


def onnx_softmax(x, temperature=TEMPERATURE):
    nodes = [("Softmax", ["z" if temperature else "x"], ["y"], {"axis": -1})]
    constants = {}
    if temperature:
        nodes.insert(0, ("Mul", ["x", "c"], ["z"], {}))
        constants = {"c": 1 / temperature}
    session = onnx_session(x, nodes, constants, None)
    out = np.empty_like(x)
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y", "cpu", 0, x.dtype.type, x.shape, out.ctypes.data)

    def call():
        session.run_with_iobinding(binding)
        return out

    return call


def others(x, *, all_of_them=True) -> dict[str, Function]:
    """The contenders of the libraries that are installed."""
    contenders = {}
    if peers.find("NumPy"):
        contenders["NumPy"] = numpy_softmax(x)
    if peers.find("SciPy") and all_of_them:
        contenders["SciPy"] = scipy_softmax(x)
    if peers.find("torch"):
        contenders["torch"] = torch_softmax(x)
    if peers.find("JAX") and all_of_them:
        contenders["JAX"] = jax_softmax(x)
    if peers.find("numba") and all_of_them:
        contenders["numba"] = numba_softmax(x)
    onnx = peers.find("ONNX Runtime") and peers.find("onnx")
    if onnx:
        contenders["ONNX Runtime"] = onnx_softmax(x)
    if all_of_them:
        if peers.find("torch"):
            contenders["(torch, no T)"] = torch_softmax(x, None)
        if onnx:
            contenders["(ONNX Runtime, no T)"] = onnx_softmax(x, None)
        copied = np.empty_like(x)
        contenders["(copy)"] = lambda: np.copyto(copied, x)
    return contenders


def same(contenders, x):
    """A check that they all return the softmax of x, but for those in parentheses; float32 sums
    over millions of elements are off by a percent."""

    def check():
        expected = softdraw.softmax(x.astype(np.float64), temperature=TEMPERATURE)
        for name, function in contenders.items():
            if not name.startswith("("):
                np.testing.assert_allclose(
                    function(), expected, rtol=2e-2 if x.size >= 2**22 else 1e-3, err_msg=name
                )

    return check


# ---- cases ---------------------------------------------------------------------------------------


def one_row(quick) -> Iterator[Case]:
    lengths = [6, 1000] if quick else [6, 100, 1000, 4096, 32_000, 128_256, 2**20, 2**22, 2**24]
    for dtype, n in product(FLOATS, lengths):
        x = normal(n, dtype)
        contenders = {
            "softdraw": ours(x),
            "softdraw, new array": lambda x=x: softdraw.softmax(x, temperature=TEMPERATURE),
            **others(x),
        }
        check = same(contenders, x)
        yield Case(f"{n:,}", contenders, n, dtype.__name__, n, check)


def short_rows(quick) -> Iterator[Case]:
    shapes = [(64, 16)] if quick else [(4096, 6), (4096, 16), (4096, 50), (1000, 512)]
    for dtype, shape in product(FLOATS, shapes):
        x = normal(shape, dtype)
        contenders = {
            "softdraw": ours(x),
            "softdraw, T per row": ours(x, np.linspace(0.5, 2, len(x))),
            **others(x, all_of_them=False),
        }
        compared = {k: v for k, v in contenders.items() if "T per row" not in k}
        check = same(compared, x)
        yield Case(str(shape), contenders, shape[1], dtype.__name__, x.size, check)


def along_axis_0(quick) -> Iterator[Case]:
    shapes = [(50, 64)] if quick else [(1000, 4096), (4096, 1000), (32_000, 64)]
    for dtype, shape in product(FLOATS, shapes):
        x = normal(shape, dtype)
        contenders = {
            "softdraw": ours(x, axis=0),
            "softdraw, axis -1 of the transpose": ours(np.ascontiguousarray(x.T)),
        }
        if peers.find("torch"):
            contenders["torch"] = torch_softmax(x, axis=0)
        yield Case(str(shape), contenders, shape[0], dtype.__name__, x.size)


def half_precision(quick) -> Iterator[Case]:
    import ml_dtypes

    for shape in [(1000,)] if quick else [(1000,), (32_000,), (2**20,), (4096, 16)]:
        x = normal(shape)
        contenders = {
            "softdraw, float32": ours(x),
            "softdraw, float16": ours(x.astype(np.float16)),
            "softdraw, bfloat16": ours(x.astype(ml_dtypes.bfloat16)),
        }
        yield Case(str(shape), contenders, x.size, units=x.size)


def unusual(quick) -> Iterator[Case]:
    n = 1000 if quick else 32_000
    for dtype in FLOATS:
        x = normal(n, dtype)
        low = -95 if dtype is np.float32 else -735
        masked, subnormal = x.copy(), x.copy()
        masked[::2] = -np.inf
        subnormal[1:] = np.random.default_rng(2).uniform(low, low + 7, n - 1) * TEMPERATURE
        contenders = {
            "softdraw": ours(x),
            "softdraw, half of the results subnormal": ours(subnormal),
            "softdraw, half -inf": ours(masked),
            "softdraw, x - 1e4": ours(x - dtype(1e4)),
            "softdraw, T = 1e-30": ours(x, 1e-30),
            "softdraw, T = 0": ours(x, 0.0),
        }
        yield Case(f"{n:,}", contenders, n, dtype.__name__, n)


WRITES = "softdraw, NumPy, torch, numba and ONNX Runtime write into arrays that are there already; "
IN_PARENTHESES = "What stands in parentheses does less work."

SECTIONS = [
    Section(
        "softmax",
        f"Softmax of one row at temperature {TEMPERATURE}. {WRITES}"
        f"SciPy and JAX make a new array for each result. {IN_PARENTHESES}",
        one_row,
        per="element",
        axis="elements",
        targets=(
            Target("float64, 32,000: at most 0.40 ns", "softdraw", at_most=0.4, cases="64, 32,000",
                   tiers=("avx512",)),
            Target("float32, from 1,000 on: twice as fast as torch", "torch", "softdraw",
                   at_least=2, cases="float32, .*,"),
            Target("float64, from 1,000 on: 1.8 times as fast as torch", "torch", "softdraw",
                   at_least=1.8, cases="float64, .*,"),
            NEVER_SLOWER,
            Target("float32, 32,000: at most 7 ns on the scalar tier", "softdraw", at_most=7,
                   cases="32, 32,000", tiers=("scalar",)),
        ),
    ),
    Section(
        "rows",
        f"Softmax of each of many short rows, at temperature {TEMPERATURE} and at one per row. "
        f"All write into arrays that are there already.",
        short_rows,
        per="element",
        targets=(
            Target("(4096, 16): a temperature per row takes at most 1.05 times as long",
                   "softdraw, T per row", "softdraw", at_most=1.05, cases=r"4096, 16"),
            Target("float32, (4096, 16): 8 times as fast as NumPy", "NumPy", "softdraw",
                   at_least=8, cases=r"float32, \(4096, 16"),
            NEVER_SLOWER,
        ),
    ),
    Section(
        "axis0",
        "Softmax along axis 0, beside that along the last axis of the transpose, made contiguous.",
        along_axis_0,
        per="element",
        targets=(
            Target("(1000, 4096): at most 1.5 times as long as along the last axis", "softdraw",
                   "softdraw, axis -1 of the transpose", at_most=1.5, cases=r"1000, 4096"),
            NEVER_SLOWER,
        ),
    ),
    Section(
        "half",
        "Softmax of half-precision logits beside float32, into arrays that are there already.",
        half_precision,
        per="element",
        targets=(
            Target("float16: at most 1.3 times as long as float32", "softdraw, float16",
                   "softdraw, float32", at_most=1.3),
            Target("bfloat16: at most 1.3 times as long as float32", "softdraw, bfloat16",
                   "softdraw, float32", at_most=1.3),
        ),
    ),
    Section(
        "unusual",
        "Softmax of everyday logits beside others, into arrays that are there already.",
        unusual,
        per="element",
        targets=(
            Target("subnormal results: at most 1.5 times as long",
                   "softdraw, half of the results subnormal", "softdraw", at_most=1.5),
        ),
    ),
]  # fmt: skip
