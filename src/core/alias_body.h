/* Words to categories, eight at a time; softdraw_alias_map1 says what one draw is. */
static void alias_map(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                      int64_t *out) {
    const u64x8 low = u64_set1(((uint64_t)1 << bits) - 1);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const u64x8 word = u64_load(words + i);
        const u64x8 own = u64_shr_by(word, 64 - bits);
        const u64x8 entry = u64_gather(buckets, own);
        const u64x8 rest = u64_or(u64_shl_by(word, bits), low);
        const u64x8 category = u64_where_lt(rest, entry, own, u64_and(entry, low));
        u64_store((uint64_t *)(out + i), category);
    }
    for (; i < n; i++) out[i] = (int64_t)softdraw_alias_map1(buckets, bits, words[i]);
}
