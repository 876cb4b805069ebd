/* top_k: the k largest items, ties by lower index. */

/* How many items go together so that the k-th largest of their maxima, which at least k items reach, is
 * near the k-th largest item. */
SD_INLINE size_t choose_group_size(size_t k, size_t n) {
    size_t group = BLOCK_ITEMS / 4;
    while (group > 2 * WIDTH && n / group < 4 * k) group /= 2;
    return group;
}

/* top_k < n, with the maxima of groups there */
static void keep_top_k(filter_t *f, const source_t *row, size_t group) {
    const double k = (double)f->top_k;
    const size_t count = (row->n + group - 1) / group;
    cutoff_t end;
    real_t bound = -LARGEST;
    if (count >= 2 * f->top_k) {
        memcpy(f->work, f->groups, count * sizeof *f->work);
        if (find_cutoff_by_count(&end, f->work, count, k) && end.least > bound) bound = end.least;
    }
    gather_from(&f->items, row, bound, group, f->groups, row->n);
    if (find_cutoff_of_kept(f, &end, NULL, k)) keep_to_cutoff(&f->items, end.least, end.ties);
}
