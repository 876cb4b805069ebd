/* Draws from each of many rows: the kernel that sample.c calls, with parts of the scratch given their
 * names. On an error *where becomes the row or, for SOFTDRAW_ERROR_LOGIT, the index of the logit in all
 * rows. */

static int sample(const sd_draws *all, size_t *where) {
    const softdraw_filters *filters = all->filters;
    const size_t n = all->n, room = sd_scratch_room(n);
    double t = read_temperature(filters, 0);
    temperature_t ready = make_temperature(t);
    filter_t f = {0};
    f.ready = &ready;
    f.items.x = all->scratch;
    f.work = f.items.x ? f.items.x + room : NULL;
    f.group_maxima = f.items.x ? f.work + room + 2 * SD_MAX_SAMPLES : NULL;
    f.items.index = f.items.x ? (uint32_t *)(f.group_maxima + room / 16) : NULL;
    for (size_t r = 0, alone = 0; r < all->rows; r++) {
        if (alone > 0) {
            alone--;
        } else {
            r = draw_many_rows(all, r);
            if (r == all->rows) break;
            alone = WIDTH - 1; /* so that the row that is not ordinary is not met again and again */
        }
        const double next = read_temperature(filters, r);
        if (next != t) ready = make_temperature(t = next);
        const source_t row = get_row(all, r);
        f.t = t;
        f.top_k = read_top_k(filters, r, n);
        f.top_p = read_top_p(filters, r);
        f.min_p = read_min_p(filters, r);
        const int error =
            draw_from_row(&f, &row, all->words + r * all->draws, all->draws, all->out + r * all->draws,
                          all->logprobs ? (real_t *)all->logprobs + r * all->draws : NULL, where);
        if (error != SOFTDRAW_OK) {
            *where = error == SOFTDRAW_ERROR_LOGIT ? r * n + *where : r;
            return error;
        }
    }
    return SOFTDRAW_OK;
}
