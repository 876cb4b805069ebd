/* The categories that words draw from an alias table, eight words at a time. softdraw_alias_map1, in
 * softdraw.h, says what one draw is. */

/* From this many bits on (8 MB) a table does not fit most L2 caches, and buckets are fetched ahead. */
enum { FETCH_BITS = 20 };

SD_INLINE u64x8 map_eight(const uint64_t *buckets, unsigned bits, const uint64_t *words) {
    const u64x8 low = u64_set1(((uint64_t)1 << bits) - 1), word = u64_load(words);
    const u64x8 entry = u64_look_up(buckets, words, 64 - bits);
    const u64x8 rest = u64_xor(u64_shl_by(word, bits), low);
    return u64_where_lt(rest, entry, u64_shr_by(word, 64 - bits), u64_and(entry, low));
}

static void alias_map(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                      int64_t *out) {
    const size_t ahead = bits < FETCH_BITS ? 0 : SD_FETCH_AHEAD;
    for (size_t i = 0; i < ahead && i < n; i++) SD_FETCH(buckets + (words[i] >> (64 - bits)));
    size_t i = 0;
    for (; ahead && i + 8 + ahead <= n; i += 8) {
        for (size_t j = i + ahead; j < i + ahead + 8; j++) {
            SD_FETCH(buckets + (words[j] >> (64 - bits)));
        }
        u64_store((uint64_t *)(out + i), map_eight(buckets, bits, words + i));
    }
    for (; i + 8 <= n; i += 8) {
        u64_store((uint64_t *)(out + i), map_eight(buckets, bits, words + i));
    }
    for (; i < n; i++) out[i] = (int64_t)softdraw_alias_map1(buckets, bits, words[i]);
}
