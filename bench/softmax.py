"""How long does a temperature softmax take, beside NumPy, SciPy, PyTorch and ONNX Runtime?

python bench/softmax.py [--quick] [SECTION ...]

Sections: sizes, small, axis, halves, edges, memory; all of them unless some are named. SciPy,
torch, and onnxruntime with onnx are measured where they are installed.
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
try:
    import torch
except ImportError:
    torch = None
try:
    import onnxruntime
    from onnx import TensorProto, helper
except ImportError:
    onnxruntime = None

TEMPERATURE = 0.7
QUICK = "--quick" in sys.argv[1:]
SIGMA = 3


# ---- the contenders ----------------------------------------------------------------------------


def numpy_idiom(x, temperature):
    z = x / temperature
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def torch_softmax(x, temperature):
    """A call of mul and softmax into tensors that are there already, or of softmax alone."""
    source, scaled, out = torch.from_numpy(x), torch.empty(x.shape), torch.empty(x.shape)
    scaled, out = scaled.to(source.dtype), out.to(source.dtype)
    if temperature is None:
        return lambda: torch.softmax(source, -1, out=out).numpy()

    def call():
        torch.mul(source, 1 / temperature, out=scaled)
        return torch.softmax(scaled, -1, out=out).numpy()

    return call


def onnx_softmax(x, temperature):
    """A session of Mul and Softmax, or of Softmax alone, bound to buffers that are there."""
    kind = TensorProto.FLOAT if x.dtype == np.float32 else TensorProto.DOUBLE
    nodes = [helper.make_node("Softmax", ["z" if temperature else "x"], ["y"], axis=-1)]
    constants = []
    if temperature:
        nodes.insert(0, helper.make_node("Mul", ["x", "c"], ["z"]))
        constants = [helper.make_tensor("c", kind, [], [1 / temperature])]
    graph = helper.make_graph(
        nodes,
        "softmax",
        [helper.make_tensor_value_info("x", kind, x.shape)],
        [helper.make_tensor_value_info("y", kind, x.shape)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    out = np.empty_like(x)
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output("y", "cpu", 0, x.dtype.type, x.shape, out.ctypes.data)

    def call():
        session.run_with_iobinding(binding)
        return out

    return call


def softdraw_into(x, temperature=TEMPERATURE, axis=-1):
    out = np.empty_like(x)
    return lambda: softdraw.softmax(x, temperature=temperature, axis=axis, out=out)


def agree(contenders, x, temperature, rtol=1e-3):
    """Outputs are compared before they are timed."""
    expected = {True: numpy_idiom(x, x.dtype.type(temperature)), False: numpy_idiom(x, 1)}
    for name, function in contenders.items():
        with_temperature = "no T" not in name and name != "copy"
        if name != "copy":
            np.testing.assert_allclose(
                function(), expected[with_temperature], rtol=rtol, err_msg=name
            )


# ---- the sections ------------------------------------------------------------------------------


def table(title, rows, columns):
    """rows: (cells that name it, size, seconds per call of each contender)."""
    print(f"\n{title}: nanoseconds per call (per element), one thread\n")
    contenders = list(rows[0][2])
    lines = []
    for names, size, best in rows:
        cells = [f"{s * 1e9:,.0f} ({s * 1e9 / size:.2f})" for s in best.values()]
        ours = best["softdraw, out="]
        ratios = [f"{s / ours:.2f}x" for name, s in best.items() if not name.startswith("softdraw")]
        lines.append([*names, *cells, " / ".join(ratios)])
    others = [name for name in contenders if not name.startswith("softdraw")]
    print(compare.table([*columns, *contenders, " / ".join(others) + " to ours, out="], lines))


def sizes():
    """Rows of every length, against everybody."""
    lengths = [1000, 32_000] if QUICK else [1000, 4096, 32_000, 128_256, 2**20, 2**22, 2**24]
    for dtype in (np.float32, np.float64):
        rows = []
        for n in lengths:
            x = np.random.default_rng(1).normal(0, SIGMA, n).astype(dtype)
            contenders = {
                "softdraw": lambda x=x: softdraw.softmax(x, temperature=TEMPERATURE),
                "softdraw, out=": softdraw_into(x),
                "NumPy": lambda x=x: numpy_idiom(x, x.dtype.type(TEMPERATURE)),
            }
            if torch:
                contenders["torch"] = torch_softmax(x, TEMPERATURE)
                contenders["torch, no T"] = torch_softmax(x, None)
            if onnxruntime:
                contenders["ONNX"] = onnx_softmax(x, TEMPERATURE)
                contenders["ONNX, no T"] = onnx_softmax(x, None)
            if scipy_softmax:
                t = dtype(TEMPERATURE)
                contenders["SciPy"] = lambda x=x, t=t: scipy_softmax(x / t, axis=-1)
            copied = np.empty_like(x)
            contenders["copy"] = lambda x=x, copied=copied: np.copyto(copied, x)
            agree(contenders, x, TEMPERATURE, rtol=2e-2 if n >= 2**22 else 1e-3)
            rounds = 5 if QUICK else 9 if n >= 2**22 else 15
            rows.append(([dtype.__name__, f"{n:,}"], n, compare.interleaved(contenders, rounds)))
        table(f"Softmax of a row at temperature {TEMPERATURE}", rows, ["dtype", "n"])


def small():
    """Small calls, and many short rows, with one temperature and with one per row."""
    rows = []
    for dtype in (np.float32, np.float64):
        for shape in [(6,), (100,), (4096, 16), (4096, 6), (4096, 50)]:
            x = np.random.default_rng(1).normal(0, SIGMA, shape).astype(dtype)
            each = np.linspace(0.5, 2, shape[0]) if len(shape) > 1 else np.array([TEMPERATURE])
            out = np.empty_like(x)
            contenders = {
                "softdraw": lambda x=x: softdraw.softmax(x, temperature=TEMPERATURE),
                "softdraw, out=": softdraw_into(x),
                "softdraw, T per row": lambda x=x, t=each, out=out: softdraw.softmax(
                    x, temperature=t, out=out
                ),
                "NumPy": lambda x=x: numpy_idiom(x, x.dtype.type(TEMPERATURE)),
            }
            if torch:
                contenders["torch"] = torch_softmax(x, TEMPERATURE)
                contenders["torch, no T"] = torch_softmax(x, None)
            best = compare.interleaved(contenders, 5 if QUICK else 25)
            rows.append(([dtype.__name__, str(shape)], x.size, best))
    table(f"Small rows at temperature {TEMPERATURE}", rows, ["dtype", "shape"])


def axis():
    """Down the columns, beside along the rows of the transpose made contiguous."""
    rows = []
    for dtype in (np.float32, np.float64):
        for shape in [(1000, 4096), (4096, 1000), (32_000, 64)]:
            x = np.random.default_rng(1).normal(0, SIGMA, shape).astype(dtype)
            best = compare.interleaved(
                {
                    "softdraw, out=": softdraw_into(x, axis=0),
                    "axis -1 of the transpose": softdraw_into(np.ascontiguousarray(x.T)),
                },
                5 if QUICK else 15,
            )
            rows.append(([dtype.__name__, str(shape)], x.size, best))
    table("Softmax over axis 0", rows, ["dtype", "shape"])


def halves():
    """float16 and bfloat16 beside float32."""
    import ml_dtypes

    rows = []
    for shape in [(1000,), (32_000,), (2**20,), (4096, 16)]:
        x = np.random.default_rng(1).normal(0, SIGMA, shape)
        contenders = {
            "softdraw, out=": softdraw_into(x.astype(np.float32)),
            "float16": softdraw_into(x.astype(np.float16)),
            "bfloat16": softdraw_into(x.astype(ml_dtypes.bfloat16)),
        }
        rows.append(([str(shape)], x.size, compare.interleaved(contenders, 5 if QUICK else 15)))
    table("float32 (softdraw, out=) and half precision", rows, ["shape"])


def edges():
    """Logits whose results are subnormal or zero, masks, large offsets and other temperatures."""
    rows = []
    for dtype in (np.float32, np.float64):
        x = np.random.default_rng(1).normal(0, SIGMA, 32_000).astype(dtype)
        low = -95 if dtype is np.float32 else -735
        masked, subnormal = x.copy(), x.copy()
        masked[::2] = -np.inf
        subnormal[1:] = np.random.default_rng(2).uniform(low, low + 7, 31_999) * TEMPERATURE
        best = compare.interleaved(
            {
                "softdraw, out=": softdraw_into(x),
                "half subnormal": softdraw_into(subnormal),
                "half -inf": softdraw_into(masked),
                "x - 1e4": softdraw_into(x - dtype(1e4)),
                "T = 1e-30": softdraw_into(x, 1e-30),
                "T = 0": softdraw_into(x, 0.0),
            },
            5 if QUICK else 15,
        )
        rows.append(([dtype.__name__], x.size, best))
    table("Softmax of 32,000 everyday logits (softdraw, out=) and of others", rows, ["dtype"])


def memory():
    """What a call on contiguous input allocates beside its result."""
    import tracemalloc

    print("\nBytes that a call with out= allocates through NumPy, at the peak\n")
    rows = []
    for dtype in (np.float16, np.float32, np.float64):
        x = np.zeros(2**20, dtype)
        call = softdraw_into(x)
        call()
        tracemalloc.start()
        call()
        rows.append([dtype.__name__, f"{tracemalloc.get_traced_memory()[1]:,}"])
        tracemalloc.stop()
    print(compare.table(["dtype", "bytes"], rows))


SECTIONS = {f.__name__: f for f in (sizes, small, axis, halves, edges, memory)}


def main():
    chosen = [name for name in sys.argv[1:] if name != "--quick"] or list(SECTIONS)
    unknown = [name for name in chosen if name not in SECTIONS]
    if unknown:
        sys.exit(f"no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    peers = {"scipy": scipy_softmax, "torch": torch, "onnxruntime": onnxruntime}
    print(compare.heading("numpy", *(name for name, there in peers.items() if there)))
    for name in chosen:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
