/* Tiles, which are small pieces of an array, transposed: out[c][r] = x[r][c]. tiles_plain.h is in plain C,
 * and tiles_avx2.h the same with registers; transpose.h and columns.h put arrays together from tiles.
 *
 * For elements of 16, 32 and 64 bits there are: tile_, of SD_TILE rows and SD_TILE columns; tall_, of
 * SD_TALL rows and SD_TILE columns, which become whole cache lines; and, for 32 and 64 bits, wide_, of
 * SD_TILE rows and SD_TALL columns, the reverse of tall_. A pack that has registers of a cache line defines
 * SD_BROAD and, for 32 and 64 bits, broad_, of SD_TALL rows and columns (tiles_avx512.h). Strides are the distances between rows, in
 * elements. */
#ifndef SD_TILES_H
#define SD_TILES_H

enum { SD_TILE_16 = 8, SD_TALL_16 = 32, SD_TILE_32 = 4, SD_TALL_32 = 16, SD_TILE_64 = 4, SD_TALL_64 = 8 };

#endif
