/* Tables with which AVX2 and NEON move selected lanes together (f32_compress): for each mask of four lanes
 * of 32 bits, the order in which a byte shuffle takes the bytes, selected lanes first, and their number. */
#ifndef SD_COMPRESS_4_H
#define SD_COMPRESS_4_H

#define L0 0, 1, 2, 3
#define L1 4, 5, 6, 7
#define L2 8, 9, 10, 11
#define L3 12, 13, 14, 15
static const uint8_t sd_compress_order[16][16] = {
    {L0, L0, L0, L0},
    {L0, L0, L0, L0},
    {L1, L0, L0, L0},
    {L0, L1, L0, L0},
    {L2, L0, L0, L0},
    {L0, L2, L0, L0},
    {L1, L2, L0, L0},
    {L0, L1, L2, L0},
    {L3, L0, L0, L0},
    {L0, L3, L0, L0},
    {L1, L3, L0, L0},
    {L0, L1, L3, L0},
    {L2, L3, L0, L0},
    {L0, L2, L3, L0},
    {L1, L2, L3, L0},
    {L0, L1, L2, L3},
};
#undef L0
#undef L1
#undef L2
#undef L3
static const uint8_t sd_compress_count[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};

#endif
