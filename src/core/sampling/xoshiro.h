/* Steps of the generator: eight lanes of xoshiro256++ (Blackman and Vigna 2021), one pack for each of the
 * four words of their states, s[k][lane]. A block is one step of all lanes: eight words, in lane order. */
static void xoshiro_blocks(uint64_t s[4][8], uint64_t *out, size_t blocks) {
    u64x8 s0 = u64_load(s[0]), s1 = u64_load(s[1]), s2 = u64_load(s[2]), s3 = u64_load(s[3]);
    for (size_t i = 0; i < blocks; i++) {
        u64_store(out + 8 * i, u64_add(u64_rotl(u64_add(s0, s3), 23), s0));
        const u64x8 t = u64_shl(s1, 17);
        s2 = u64_xor(s2, s0);
        s3 = u64_xor(s3, s1);
        s1 = u64_xor(s1, s2);
        s0 = u64_xor(s0, s3);
        s2 = u64_xor(s2, t);
        s3 = u64_rotl(s3, 45);
    }
    u64_store(s[0], s0);
    u64_store(s[1], s1);
    u64_store(s[2], s2);
    u64_store(s[3], s3);
}
