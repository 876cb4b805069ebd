/* The ends of rows of float16 or bfloat16 go through an array on the stack: no machine has masks for them that
 * gain anything. */

SD_INLINE pack_t load_half_n(const uint16_t *p, size_t n, float fill) {
    const uint16_t other = half_of(fill);
    uint16_t whole[16];
    for (int i = 0; i < 16; i++) whole[i] = other;
    memcpy(whole, p, n * sizeof *p);
    return item_load(whole);
}

SD_INLINE void store_half_n(uint16_t *p, size_t n, pack_t a) {
    uint16_t whole[16];
    item_store(whole, a);
    memcpy(p, whole, n * sizeof *p);
}

/* The lanes that hold the first n items of bfloat16, as bits: a pack of them holds those at even places first. */
SD_INLINE unsigned bf16_mask_n(size_t n) {
    return n < 16 ? ((1u << (n + 1) / 2) - 1) | ((1u << n / 2) - 1) << 8 : 0xffffu;
}
