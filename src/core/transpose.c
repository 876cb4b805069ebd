/* Transposition of the bindings' columns by the tier in use. */
#include "compiler.h"
#include "kernels.h"
#include "transpose.h"

void sd_transpose(size_t itemsize, const void *x, ptrdiff_t x_stride, void *out,
                  ptrdiff_t out_stride, size_t rows, size_t columns) {
    const sd_kernels *kernels = sd_kernels_in_use();
    const ptrdiff_t size = (ptrdiff_t)itemsize;
    if (size == 2) kernels->transpose_16(x, x_stride / 2, out, out_stride / 2, rows, columns);
    if (size == 4) kernels->transpose_32(x, x_stride / 4, out, out_stride / 4, rows, columns);
    if (size == 8) kernels->transpose_64(x, x_stride / 8, out, out_stride / 8, rows, columns);
}
