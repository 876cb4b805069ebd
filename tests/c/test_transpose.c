/* Transposition, every shape around its tiles and runs: all elements in their places, nothing beside
 * them. */
#include "transpose.h"

#include "check.h"

enum { MOST = 1100, STRIDE = MOST + 7, BYTES = (MOST + 1) * STRIDE * 8, BEFORE = 24 };

static _Alignas(64) unsigned char x[BYTES], out[BYTES], wanted[BYTES];

static void check(size_t size, size_t rows, size_t columns, int up, int past_caches) {
    const ptrdiff_t stride = (ptrdiff_t)(STRIDE * size), x_stride = up ? -stride : stride;
    const unsigned char *first = up ? x + (rows - 1) * STRIDE * size : x;
    const size_t used = BEFORE + columns * STRIDE * size;
    memset(out, 7, used);
    memset(wanted, 7, used);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            memcpy(wanted + BEFORE + (c * STRIDE + r) * size,
                   first + (ptrdiff_t)r * x_stride + c * size, size);
    sd_transpose(size, first, x_stride, out + BEFORE, stride, rows, columns, past_caches);
    if (memcmp(out, wanted, used))
        FAIL("wrong: %zu bytes, %zu by %zu, up %d, past the caches %d\n", size, rows, columns, up,
             past_caches);
}

int main(void) {
    require_tier();
    for (size_t i = 0; i < sizeof x; i++) x[i] = (unsigned char)(i * 2654435761u >> 13);
    for (size_t size = 2; size <= 8; size *= 2)
        for (int how = 0; how < 4; how++) {
            for (size_t rows = 1; rows < 70; rows++)
                for (size_t columns = 1; columns < 70; columns += 1 + columns / 20)
                    check(size, rows, columns, how / 2, how % 2);
            for (size_t length = 100; length <= MOST; length += length / 7) {
                check(size, length, 37, how / 2, how % 2);
                check(size, 37, length, how / 2, how % 2);
            }
        }
    return finish();
}
