/* top_k: the k largest items, ties by lower index. At least k items reach the k-th largest of the maxima of
 * groups of items, so only items that reach it are gathered, from groups whose maximum does. */

/* Items per group: so few, if possible, that the k-th largest maximum is near the k-th largest item. */
SD_INLINE size_t choose_group_size(size_t k, size_t n) {
    return n / (4 * WIDTH) < 2 * k ? 2 * WIDTH : 4 * WIDTH;
}

/* After so many halvings the maxima are too uneven to go on. */
enum { MOST_HALVINGS = 12 };

/* A value that at least k of `count` maxima reach, and few more, or -LARGEST. Overwrites work. While there
 * are many, the larger one of each two takes their place, which makes the search shorter and the value only
 * a little smaller. It is looked for by halving an interval, and need not be one of the maxima. */
static real_t find_count_bound(const real_t *maxima, size_t count, size_t k, real_t max, real_t *work) {
    size_t packs = count / WIDTH, reaching = packs * WIDTH;
    if (reaching < 2 * k) return -LARGEST;
    memcpy(work, maxima, reaching * sizeof *work);
    for (; packs * WIDTH >= 4 * k && packs > 1; packs -= packs / 2)
        for (size_t i = 0, half = packs - packs / 2; i + half < packs; i++)
            v_store(work + i * WIDTH, v_max(v_load(work + i * WIDTH), v_load(work + (i + half) * WIDTH)));
    pack_t least = v_load(work);
    for (size_t i = 1; i < packs; i++) least = v_min(least, v_load(work + i * WIDTH));
    real_t low = -v_reduce_max(v_sub(v_set1(0), least)), high = max;
    reaching = packs * WIDTH;
    for (int i = low < -LARGEST ? MOST_HALVINGS : 0; i < MOST_HALVINGS && reaching > k + k / 8; i++) {
        const real_t middle = low / 2 + high / 2;
        const pack_t limit = v_set1(middle);
        size_t from = 0;
        for (size_t j = 0; j < packs; j++)
            from += SD_COUNT_BITS(v_mask_ge(v_load(work + j * WIDTH), limit));
        if (from < k) {
            high = middle;
        } else {
            low = middle;
            reaching = from;
        }
    }
    cutoff_t cutoff;
    if (reaching > 2 * k && find_cutoff_by_count(&cutoff, work, packs * WIDTH, (double)k))
        low = cutoff.least;
    return low > -LARGEST ? low : -LARGEST;
}

/* Leaves the k largest items in f->items. top_k < n, and f->group_maxima has the maxima of groups. */
static void keep_top_k(filter_t *f, const source_t *row, size_t group, real_t max) {
    const size_t count = (row->n + group - 1) / group;
    const real_t bound = find_count_bound(f->group_maxima, count, f->top_k, max, f->work);
    if (bound > -LARGEST) gather_from_groups(&f->items, row, bound, group, f->group_maxima, row->n);
    else gather(&f->items, row, -LARGEST, LARGEST, row->n);
    cutoff_t cutoff;
    if (find_cutoff_of_kept(f, &cutoff, NULL, (double)f->top_k))
        keep_to_cutoff(&f->items, cutoff.least, cutoff.ties);
}
