/* Transposition for the Python bindings, which turn columns into rows for the kernels, and back. Not a
 * public API. */
#ifndef SD_TRANSPOSE_H
#define SD_TRANSPOSE_H

#include <stddef.h>

/* out[c][r] = x[r][c] for r < rows and c < columns. Elements have 2, 4 or 8 bytes and are aligned. The
 * strides, in bytes, are the distances between rows of x and between rows of out; within a row elements are
 * contiguous. x and out must not overlap. If past_caches is not 0, out is written past the caches, for
 * results too large to stay in them until they are read. If SOFTDRAW_ISA names a tier that is
 * not available, out is left as it is. */
void sd_transpose(size_t itemsize, const void *x, ptrdiff_t x_stride, void *out,
                  ptrdiff_t out_stride, size_t rows, size_t columns, int past_caches);

#endif
