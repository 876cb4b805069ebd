/* Loads and stores of fewer than 16 items of float16 or bfloat16, at the ends of rows. They go through an
 * array on the stack: AVX2 and NEON have no masked loads of 16-bit items, and those of AVX-512 gain
 * nothing. The file for the item type (tiers/f16.h, tiers/bf16.h) defines item_load, item_store and half_of
 * (rounds a float). */

/* The lanes from n on are fill, which must be a number that the item type has. */
SD_INLINE pack_t load_half_n(const uint16_t *p, size_t n, float fill) {
    const uint16_t half = half_of(fill);
    uint16_t whole[16];
    for (int i = 0; i < 16; i++) whole[i] = half;
    memcpy(whole, p, n * sizeof *p);
    return item_load(whole);
}

SD_INLINE void store_half_n(uint16_t *p, size_t n, pack_t a) {
    uint16_t whole[16];
    item_store(whole, a);
    memcpy(p, whole, n * sizeof *p);
}

/* A mask of the lanes that hold the first n items of bfloat16. A pack holds the items at even places first,
 * then those at odd places. */
SD_INLINE unsigned bf16_mask_n(size_t n) {
    return n < 16 ? ((1u << (n + 1) / 2) - 1) | ((1u << n / 2) - 1) << 8 : 0xffffu;
}
