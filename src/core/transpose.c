/* sd_transpose, which the Python bindings call, by the kernel of the tier in use. */
#include "compiler.h"
#include "kernels.h"
#include "transpose.h"

void sd_transpose(size_t itemsize, const void *x, ptrdiff_t x_stride, void *out, ptrdiff_t out_stride,
                  size_t rows, size_t columns, int past_caches) {
    const ptrdiff_t size = (ptrdiff_t)itemsize;
    const enum sd_type type = itemsize == 2 ? SD_F16 : itemsize == 4 ? SD_F32 : SD_F64;
    const sd_kernels *kernels = sd_kernels_in_use(type);
    if (kernels) kernels->transpose(x, x_stride / size, out, out_stride / size, rows, columns, past_caches);
}
