/* Transposition, every shape around its tiles: all elements in their places, nothing beside them. */
#include "transpose.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 70, STRIDE = 77, BYTES = MOST * STRIDE * 8 };

static _Alignas(8) unsigned char x[BYTES], out[BYTES], wanted[BYTES];

static int is_right(size_t size, size_t rows, size_t columns, int up) {
    const ptrdiff_t stride = (ptrdiff_t)(STRIDE * size), x_stride = up ? -stride : stride;
    const unsigned char *first = up ? x + (rows - 1) * STRIDE * size : x;
    memset(out, 7, sizeof out);
    memset(wanted, 7, sizeof wanted);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            memcpy(wanted + (c * STRIDE + r) * size, first + (ptrdiff_t)r * x_stride + c * size, size);
    sd_transpose(size, first, x_stride, out, stride, rows, columns);
    return memcmp(out, wanted, sizeof out) == 0;
}

int main(void) {
    int failures = 0;
    for (size_t i = 0; i < sizeof x; i++) x[i] = (unsigned char)(i * 2654435761u >> 13);
    for (size_t size = 2; size <= 8; size *= 2)
        for (size_t rows = 1; rows <= MOST; rows++)
            for (size_t columns = 1; columns <= MOST; columns += 1 + columns / 20)
                for (int up = 0; up < 2; up++)
                    if (!is_right(size, rows, columns, up)) {
                        printf("wrong: %zu bytes, %zu by %zu, up %d\n", size, rows, columns, up);
                        failures++;
                    }
    return failures != 0;
}
