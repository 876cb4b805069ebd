"""Typical uses and the types that they have: read by mypy, not run."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

import softdraw

f32: NDArray[np.float32] = np.ones((2, 3), np.float32)
f64: NDArray[np.float64] = np.ones((2, 3))
i64: NDArray[np.int64] = np.ones(3, np.int64)
row: NDArray[np.float64] = np.ones(2)
some: NDArray[Any] = f32

# ---- softmax family ----------------------------------------------------------------------------

assert_type(softdraw.softmax(f32), NDArray[np.float32])
assert_type(softdraw.softmax(f64, temperature=0.5, axis=None), NDArray[np.float64])
assert_type(softdraw.softmax([1.0, 2.0], temperature=2), NDArray[np.float64])
assert_type(
    softdraw.softmax([[1, 2], [3, 4]], temperature=[1, 2], axis=(0, 1)), NDArray[np.float64]
)
assert_type(softdraw.softmax(i64), NDArray[np.float64])
array: NDArray[Any] = softdraw.softmax(some)
assert_type(softdraw.softmax(f32, temperature=np.ones((2, 1)), out=f32), NDArray[np.float32])
assert_type(softdraw.log_softmax(f32), NDArray[np.float32])
assert_type(softdraw.log_softmax([1.0, 2.0]), NDArray[np.float64])
assert_type(softdraw.log_softmax([1.0, 2.0], out=f64), NDArray[np.float64])
assert_type(softdraw.logsumexp(f32, keepdims=True), NDArray[np.float32])
assert_type(softdraw.logsumexp([[1, 2]], keepdims=True), NDArray[np.float64])
assert_type(softdraw.logsumexp(f32, axis=None), np.float32)
assert_type(softdraw.logsumexp([1.0, 2.0]), np.float64)
assert_type(softdraw.entropy(f32, axis=None), np.float32)
assert_type(softdraw.entropy(f32, keepdims=True), NDArray[np.float32])
assert_type(softdraw.entropy(f64, out=row), NDArray[np.float64])
assert_type(softdraw.logsumexp([[1.0, 2.0]], out=row), NDArray[np.float64])
assert_type(softdraw.entropy([1.0, 2.0], temperature=0.7), np.float64)
assert_type(softdraw.entropy(f32, temperature=np.ones(2)), Any)
assert_type(softdraw.temperature_for([1.0, 2.0], entropy=0.5), np.float64)
assert_type(softdraw.temperature_for([[1, 2], [3, 4]], top_prob=[0.6, 0.7]), NDArray[np.float64])
assert_type(softdraw.temperature_for(f32, perplexity=f64[0]), Any)
assert_type(softdraw.softmax_vjp(f32, f32), NDArray[np.float32])
assert_type(softdraw.softmax_vjp([0.5, 0.5], [1, 2], temperature=0.7), NDArray[np.float64])
assert_type(softdraw.softmax_vjp(f64, [1.0, 2.0], axis=None, out=f64), NDArray[np.float64])
mixed: NDArray[Any] = softdraw.softmax_vjp(f32, f64, temperature=np.ones(2))

assert_type(softdraw.softmax(1.0), np.float64)
assert_type(softdraw.log_softmax(2, axis=()), np.float64)
assert_type(softdraw.softmax_vjp(1.0, 2), np.float64)
assert_type(softdraw.softmax(np.float32(1)), Any)
assert_type(softdraw.softmax(f32, axis=np.int64(0)), NDArray[np.float32])
assert_type(softdraw.softmax(f32, axis=(np.int64(0), 1)), NDArray[np.float32])
assert_type(softdraw.logsumexp([1.0, 2.0], axis=np.int64(0)), np.float64)
assert_type(softdraw.logsumexp([1.0, 2.0], axis=None), np.float64)
assert_type(softdraw.logsumexp([1.0, 2.0], axis=()), Any)
assert_type(softdraw.entropy([1.0, 2.0], axis=()), Any)

assert_type(softdraw.softmax(f32, workers=2), NDArray[np.float32])
assert_type(softdraw.softmax_vjp(f32, f32, workers=np.int64(2)), NDArray[np.float32])
assert_type(softdraw.logsumexp(f32, axis=None, workers=-1), np.float32)
assert_type(softdraw.get_workers(), int)
with softdraw.set_workers(2):
    pass


@softdraw.set_workers(2)
def workers_within() -> int:
    return softdraw.get_workers()


assert_type(workers_within(), int)

softdraw.softmax(f32, workers=2.0)  # type: ignore[call-overload]
softdraw.softmax(f32, axis=0.5)  # type: ignore[call-overload]
softdraw.softmax(f32, 0)  # type: ignore[call-overload]
softdraw.temperature_for(f32, 0.5)  # type: ignore[call-overload]
softdraw.softmax_vjp(f32)  # type: ignore[call-overload]

# ---- tables ------------------------------------------------------------------------------------

table = softdraw.AliasTable([1, 2, 1])
int16: NDArray[np.int16] = np.empty(5, np.int16)
assert_type(
    softdraw.AliasTable.from_logits(f64[0], temperature=np.float32(0.5)), softdraw.AliasTable
)
assert_type(table.sample(), int)
assert_type(table.sample(rng=7), int)
assert_type(table.sample(5, rng=np.random.default_rng(7)), NDArray[np.int64])
assert_type(table.sample([2, 3], rng=7), NDArray[np.int64])
assert_type(table.sample((2, 3), rng=np.random.SeedSequence(7)), NDArray[np.int64])
assert_type(table.sample(out=int16, rng=np.random.PCG64(7)), NDArray[np.int16])
assert_type(table.map(2**63), int)
assert_type(table.map(np.uint64(7)), int)
assert_type(table.map([1, 2]), NDArray[np.int64])
assert_type(table.map(np.zeros(5, np.uint64), out=int16), NDArray[np.int16])
draw = table.sampler(softdraw.Xoshiro256(7))
assert_type(draw(), int)
assert_type(draw(5), NDArray[np.int64])
assert_type(table.probabilities(), NDArray[np.float64])
assert_type(table.units(), NDArray[np.uint64])
assert_type(len(table), int)
assert_type(table.nbytes, int)
assert_type({table: 1}[table], int)

table.sample(rng="seed")  # type: ignore[arg-type]
table.sample(out=f64)  # type: ignore[type-var]
softdraw.AliasTable(weights=f64)  # type: ignore[call-arg]
softdraw.AliasTables(f64)  # type: ignore[call-arg]
table.nbytes = 5  # type: ignore[misc]

tables = softdraw.AliasTables([1, 2, 1], [0, 2, 3])
assert_type(tables.sample(1), int)
assert_type(tables.sample(np.int64(1), rng=7), int)
assert_type(tables.sample([0, 1], rng=np.random.default_rng(7)), NDArray[np.int64])
assert_type(tables.sample(i64, out=int16), NDArray[np.int16])
assert_type(tables.sample([0, 1], 5, rng=[1, 2]), NDArray[np.int64])
assert_type(tables.sample(1, (2, 3)), NDArray[np.int64])
assert_type(tables.sample(1, out=int16), NDArray[np.int16])
assert_type(tables.map(1, 2**63), int)
assert_type(tables.map([0, 1], [5, 6]), NDArray[np.int64])
assert_type(tables[0], softdraw.AliasTable)
assert_type(tables[::2], softdraw.AliasTables)
for table_of_row in tables:
    assert_type(table_of_row, softdraw.AliasTable | None)
assert_type(tables.probabilities(), NDArray[np.float64])
assert_type(tables.units(), NDArray[np.uint64])
assert_type(tables.nonempty, NDArray[np.bool_])
assert_type(tables.indptr, NDArray[np.int64])
assert_type(tables.buckets, NDArray[np.uint64])
assert_type(tables.records, NDArray[np.uint64])
made = softdraw.AliasTables.from_logits(f32[0], [0, 1, 3], temperature=[0.5, 1])
assert_type(made, softdraw.AliasTables)
assert_type(len(tables), int)
assert_type(tables.nbytes, int)
assert_type({tables: 1}[tables], int)

# ---- logits ------------------------------------------------------------------------------------

mask = np.ones(3, np.bool_)
token: int = softdraw.sample_logits(
    f32[0], temperature=0.7, top_k=40, top_p=0.95, min_p=0.1, mask=mask
)
rows: NDArray[np.int64] = softdraw.sample_logits(
    f32, temperature=[0.5, 1], top_k=[1, 2], words=[1, 2]
)
assert_type(softdraw.sample_logits([1.0, 2.0], size=5, rng=7), NDArray[np.int64])
ids, logprobs = softdraw.sample_logits([1.0, 2.0], size=(2, 3), return_logprobs=True)
assert_type(ids, NDArray[np.int64])
assert_type(logprobs, NDArray[Any])
one, logprob = softdraw.sample_logits(f32[0], return_logprobs=True)
assert_type(one, Any)

softdraw.sample_logits(f32, rng="seed")  # type: ignore[arg-type]
softdraw.sample_logits(f32, 1.0)  # type: ignore[call-overload]

# ---- generator and the rest --------------------------------------------------------------------

rng = softdraw.Xoshiro256(7)
assert_type(np.random.Generator(rng).random(), float)
assert_type(rng.spawn(2), list[softdraw.Xoshiro256])
assert_type(rng.spawn(np.int64(2)), list[softdraw.Xoshiro256])
assert_type(rng.jumped(), softdraw.Xoshiro256)
assert_type(rng.jumped(np.uint64(2)), softdraw.Xoshiro256)
assert_type(rng.advance(np.int64(5)), softdraw.Xoshiro256)
state = rng.state
assert_type(state, dict[str, Any])
rng.state = state
with rng.lock:
    pass
softdraw.Xoshiro256(np.random.SeedSequence(7)).seed_seq.generate_state(4)
softdraw.Xoshiro256("seed")  # type: ignore[arg-type]

assert_type(softdraw.get_include(), str)
assert_type(softdraw.get_library(), str)
assert_type(softdraw.get_sources(), list[str])
assert_type(softdraw.get_cdef(), str)
assert_type(table.buckets, NDArray[np.uint64])
assert_type(table.bits, int)
assert_type(softdraw.__version__, str)
tier: str = softdraw.cpu_info()["tier"]
tiers: list[str] = [*softdraw.cpu_info()["tiers"]]
