/* The categories that words draw from an alias table, eight words at a time. softdraw_alias_map1, in
 * softdraw.h, says what one draw is. */

/* From this many bits on (8 MB) a table does not fit most L2 caches, and buckets are fetched ahead. */
enum { FETCH_BITS = 20 };

/* Words that another thread may change are read once, so that a bucket and the category that keeps it are of
 * one word. Private ones are read again for the buckets, which is faster. */
SD_INLINE u64x8 map_eight(const uint64_t *buckets, unsigned bits, const uint64_t *words, int is_private) {
    const u64x8 low = u64_set1(((uint64_t)1 << bits) - 1);
    const u64x8 word = is_private ? u64_load(words) : u64_load_once(words);
    const u64x8 own = u64_shr_by(word, 64 - bits);
    const u64x8 entry =
        is_private ? u64_look_up_words(buckets, own, words, 64 - bits) : u64_look_up(buckets, own);
    const u64x8 rest = u64_xor(u64_shl_by(word, bits), low);
    return u64_where_lt(rest, entry, own, u64_and(entry, low));
}

SD_INLINE void map_words(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n, int64_t *out,
                         int is_private) {
    const size_t ahead = bits < FETCH_BITS ? 0 : SD_FETCH_AHEAD;
    for (size_t i = 0; i < ahead && i < n; i++) SD_FETCH(buckets + (words[i] >> (64 - bits)));
    size_t i = 0;
    for (; ahead && i + 8 + ahead <= n; i += 8) {
        for (size_t j = i + ahead; j < i + ahead + 8; j++) {
            SD_FETCH(buckets + (words[j] >> (64 - bits)));
        }
        u64_store((uint64_t *)(out + i), map_eight(buckets, bits, words + i, is_private));
    }
    for (; i + 8 <= n; i += 8) {
        u64_store((uint64_t *)(out + i), map_eight(buckets, bits, words + i, is_private));
    }
    for (; i < n; i++) {
        out[i] = (int64_t)softdraw_alias_map1(buckets, bits, *(const volatile uint64_t *)(words + i));
    }
}

static void alias_map(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                      int64_t *out) {
    map_words(buckets, bits, words, n, out, 0);
}

static void alias_map_private(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                              int64_t *out) {
    map_words(buckets, bits, words, n, out, 1);
}
