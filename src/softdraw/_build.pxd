"""From weights or logits to the buckets of tables, for AliasTable and AliasTables."""

cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t

# Values as a 1-D array of real numbers.
cdef cnp.ndarray real_items(object values, str name)

# Rows of the items of an array: row i is from indptr[i] on and before indptr[i + 1], all checked.
cdef struct Rows:
    const int64_t *indptr
    size_t count

# The softmax of each row of the logits, as weights. A row that is empty, or of -inf alone, gets zeros;
# at temperature 0 only the first of its largest logits gets weight. stride is 1 for a temperature per
# row, 0 for one. Here and below `workers` is what given_workers of _workers.pxd returns.
cdef cnp.ndarray weights_of(
    cnp.ndarray logits, Rows rows, const double *temperature, size_t stride, int workers
)

# The buckets of the rows of weights; records gets where they are, as softdraw.h says.
cdef cnp.ndarray build(cnp.ndarray weights, Rows rows, uint64_t *records, int workers)

cdef cnp.ndarray new_array(size_t n, int typenum)

# A view of the owner's array, which stays read-only and keeps the owner alive.
cdef cnp.ndarray read_only(cnp.ndarray array, object owner)
