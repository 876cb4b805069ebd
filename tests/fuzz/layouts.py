"""Arrays in every layout that NumPy has, with values that reach every path, for hypothesis."""

import os

import numpy as np
from floats import FLOATS, HAS_BFLOAT16, bfloat16
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# A few examples of each test run with the others; SOFTDRAW_FUZZ_EXAMPLES=100000 is for a night.
fuzz = settings(
    max_examples=int(os.environ.get("SOFTDRAW_FUZZ_EXAMPLES", "100")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

DTYPES = [dtype for dtype in FLOATS if HAS_BFLOAT16 or dtype is not bfloat16]
INTEGERS = [np.bool_, np.int8, np.uint8, np.int32, np.int64, np.uint64]

# What a row is made of: a scale, an offset, and how many of its elements are something else.
ODD = [-np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e-40, 700.0, -700.0, 1e30, -1e30, np.nan, np.inf]


@st.composite
def shapes(draw, *, rows=(0, 1, 2, 3), lengths=(1, 2, 3, 6, 7, 8, 9, 15, 16, 17, 33, 64, 65, 100)):
    leading = draw(st.lists(st.sampled_from(rows), max_size=3))
    return (*leading, draw(st.sampled_from(lengths)))


@st.composite
def values(draw, shape, dtype, *, odd=ODD):
    """A C-contiguous array; hypothesis draws what it is like, and a seed draws its elements."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([0, 1e-40, 1e-3, 1, 3, 30, 1000, 1e30]))
    offset = draw(st.sampled_from([0, 0, 0, 50, -1e4, 1e6]))
    x = rng.normal(size=shape) * scale + offset
    x = np.where(rng.random(shape) < draw(st.sampled_from([0, 0, 0.05, 0.5])), np.round(x), x)
    few = rng.random(shape) < draw(st.sampled_from([0, 0, 0.05, 0.3]))
    x = np.where(few, rng.choice(odd, size=shape), x)
    with np.errstate(all="ignore"):
        if np.dtype(dtype).kind in "iub":
            x = np.clip(np.nan_to_num(x), -100, 100)
            x = np.abs(x) if np.dtype(dtype).kind in "ub" else x
        return x.astype(dtype)


class Subclass(np.ndarray):
    """An array of a class that NumPy does not know."""


class Converts:
    """An object whose only way to be an array is a method."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def spread(x, draw):
    """x between elements that are not its own, backwards along some axes."""
    steps = [draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in x.shape]
    room = np.full(
        [length * abs(step) + 2 for length, step in zip(x.shape, steps, strict=True)], 99
    )
    view = room.astype(x.dtype)
    for axis, (length, step) in enumerate(zip(x.shape, steps, strict=True)):
        index = [slice(None)] * x.ndim
        index[axis] = slice(1, 1 + length * abs(step), abs(step))
        view = view[tuple(index)]
        view = np.flip(view, axis) if step < 0 else view
    view[...] = x
    return view


def unaligned(x):
    room = np.zeros(x.nbytes + 1, np.uint8)[1:]
    view = room.view(x.dtype).reshape(x.shape) if x.size else x
    view[...] = x
    return view


def permuted(x, draw):
    axes = draw(st.permutations(range(x.ndim)))
    return x.transpose(axes).copy().transpose(np.argsort(axes).tolist())


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


ARRAYS = {
    "plain": lambda x, draw: x,
    "spread": spread,
    "unaligned": lambda x, draw: unaligned(x),
    "permuted": permuted,
    "swapped": lambda x, draw: x.astype(x.dtype.newbyteorder("S")),
    "spread and swapped": lambda x, draw: spread(x.astype(x.dtype.newbyteorder("S")), draw),
    "subclass": lambda x, draw: x.view(Subclass),
}
INPUTS = {
    **ARRAYS,
    "read-only": lambda x, draw: read_only(x),
    "converts": lambda x, draw: Converts(x),
    "list": lambda x, draw: x.tolist() if x.dtype == np.float64 and x.size else x,
}


@st.composite
def laid_out(draw, x, ways=INPUTS):
    """The same values in another layout; `ways=ARRAYS` are those that can be written to."""
    way = draw(st.sampled_from(sorted(ways)))
    if "swapped" in way and x.dtype.kind == "V":  # bfloat16 has one byte order
        way = "spread"
    return ways[way](x, draw)
