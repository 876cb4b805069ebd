/* Transposition, for the bindings: how columns become the rows that kernels work on, and rows columns
 * again. */
#ifndef SD_TRANSPOSE_H
#define SD_TRANSPOSE_H

#include <stddef.h>

/* out[c][r] = x[r][c] for r < rows and c < columns, elements of 2, 4 or 8 bytes, aligned; strides are
 * in bytes, between the rows of x and of out, whose elements are contiguous. They must not overlap.
 * past_caches: write out to memory, where the caches would not hold it until it is read. */
void sd_transpose(size_t itemsize, const void *x, ptrdiff_t x_stride, void *out,
                  ptrdiff_t out_stride, size_t rows, size_t columns, int past_caches);

#endif
