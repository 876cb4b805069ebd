/* Softmax of long rows, second pass. A long row is read twice: block by block for its maxima and the sum of
 * its exponentials (sum.h), and here to compute these again, divided by the sum, which is more exact than
 * storing them and dividing what is stored. */

/* Results of at least this many bytes per row are written past the caches. */
#define MIN_STREAM_BYTES (1 << 23)

/* Replaces x by its results. If some may be subnormal, which is so unless the range mode is NO_CLAMP, they
 * are multiplied by UNSCALE at the end. That is done by an fma, because a multiplication with a subnormal
 * product takes 150 cycles on some CPUs. */
SD_BODY void compute_results(const reduction_t *r, const division_t *division, const int group, pack_t *x,
                             const int range_mode) {
    const pack_t unscale = v_set1(UNSCALE), zero = v_set1(0);
    pack_t s[MAX_GROUP], q[MAX_GROUP];
    compute_exponentials(r, division, group, x, range_mode, 1, s, q);
    FOR_EACH_PACK x[u] = v_fma(s[u], q[u], s[u]);
    if (range_mode != NO_CLAMP) FOR_EACH_PACK x[u] = v_fma(x[u], unscale, zero);
}

SD_INLINE void write_results(const row_t *row, const item_t *x, item_t *out, size_t n,
                             const int range_mode) {
    const int past_caches = n * sizeof *out >= MIN_STREAM_BYTES && range_mode != SHIFT;
    reduction_t r = row->reduction;
    const division_t division = make_division(&r, row->sum, range_mode == NO_CLAMP ? -SCALE_POWER : 0);
    const size_t step = GROUP * WIDTH;
    pack_t packs[GROUP];
    size_t i = 0;
    if (past_caches) { /* first, items up to a multiple of 64 bytes, as item_stream needs it */
        const size_t past_line = (uintptr_t)out % 64 / sizeof *out;
        const size_t before = past_line ? 64 / sizeof *out - past_line : 0;
        for (; i < before; i += WIDTH) {
            packs[0] = load_up_to(x + i, before - i);
            compute_results(&r, &division, 1, packs, range_mode);
            store_up_to(out + i, before - i, packs[0]);
        }
        i = before;
    }
    const int group = GROUP;
    for (; n - i >= step; i += step) {
        FOR_EACH_PACK packs[u] = item_load(x + i + (size_t)u * WIDTH);
        compute_results(&r, &division, group, packs, range_mode);
        if (past_caches) FOR_EACH_PACK item_stream(out + i + (size_t)u * WIDTH, packs[u]);
        else FOR_EACH_PACK item_store(out + i + (size_t)u * WIDTH, packs[u]);
    }
    for (; i < n; i += WIDTH) {
        packs[0] = load_up_to(x + i, n - i);
        compute_results(&r, &division, 1, packs, range_mode);
        store_up_to(out + i, n - i, packs[0]);
    }
    if (past_caches) sd_stream_end();
}

/* One function for each range mode, so that compilers have enough registers for each. */
static SD_NOINLINE void write_unclamped(const row_t *row, const item_t *x, item_t *out, size_t n) {
    write_results(row, x, out, n, NO_CLAMP);
}

static SD_NOINLINE void write_clamped(const row_t *row, const item_t *x, item_t *out, size_t n) {
    write_results(row, x, out, n, CLAMP);
}

static SD_NOINLINE void write_shifted(const row_t *row, const item_t *x, item_t *out, size_t n) {
    write_results(row, x, out, n, SHIFT);
}
