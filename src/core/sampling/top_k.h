/* top_k: the k largest items, ties by lower index. At least k items reach the k-th largest of the maxima of
 * groups of items, so only items that reach it are gathered, from groups whose maximum does. */

/* Items per group: so few, if possible, that the k-th largest maximum is near the k-th largest item. */
SD_INLINE size_t choose_group_size(size_t k, size_t n) {
    size_t group = BLOCK_ITEMS / 4;
    while (group > 2 * WIDTH && n / group < 8 * k) group /= 2;
    return group;
}

/* Leaves the k largest items in f->items. top_k < n, and f->group_maxima has the maxima of groups. */
static void keep_top_k(filter_t *f, const source_t *row, size_t group) {
    const double k = (double)f->top_k;
    const size_t count = (row->n + group - 1) / group;
    cutoff_t cutoff;
    real_t bound = -LARGEST;
    if (count >= 2 * f->top_k) {
        memcpy(f->work, f->group_maxima, count * sizeof *f->work);
        if (find_cutoff_by_count(&cutoff, f->work, count, k) && cutoff.least > bound) bound = cutoff.least;
    }
    gather_from(&f->items, row, bound, group, f->group_maxima, row->n);
    if (find_cutoff_of_kept(f, &cutoff, NULL, k)) keep_to_cutoff(&f->items, cutoff.least, cutoff.ties);
}
