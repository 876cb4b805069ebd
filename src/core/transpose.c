/* Transposition of the bindings' columns by the tier in use. */
#include "compiler.h"
#include "kernels.h"
#include "transpose.h"

void sd_transpose(size_t itemsize, const void *x, ptrdiff_t x_stride, void *out,
                  ptrdiff_t out_stride, size_t rows, size_t columns, int past_caches) {
    const sd_kernels *kernels = sd_kernels_in_use();
    const ptrdiff_t size = (ptrdiff_t)itemsize, from = x_stride / size, to = out_stride / size;
    if (size == 2) kernels->transpose_16(x, from, out, to, rows, columns, past_caches);
    if (size == 4) kernels->transpose_32(x, from, out, to, rows, columns, past_caches);
    if (size == 8) kernels->transpose_64(x, from, out, to, rows, columns, past_caches);
}
