/* Draws from rows: every filter in its turn, short rows side by side, log-probabilities. */

/* ---- a row ---------------------------------------------------------------------------------- */

/* What min_p leaves has at least this logit, but for roundings. */
static SD_REAL F(min_p_bound)(const F(filter) * f, SD_REAL max) {
    const double below = f->t * sd_log1p((1 - f->min_p) / f->min_p);
    const double size = (max < 0 ? -(double)max : (double)max) + below + f->t;
    const double bound = (double)max - below - 1e-6 * size; /* also where masses differ by roundings alone */
    return bound >= -SD_LARGEST ? (SD_REAL)bound : -SD_LARGEST;
}

/* Whether it looks as if too many items to gather them are at least some value. */
static int F(are_many_from)(const F(filter) * f, const sd_source *row, SD_REAL least) {
    const size_t samples = 128;
    F(take_samples)(row, f->work, samples);
    return F(count)(f->work, samples, least) > (double)(samples / 6);
}

/* Leaves what the filters leave: in f->items, returning 1, or as the law says with the blocks' masses,
 * returning 0. -1 for a row that cannot be drawn from. */
static int F(apply)(F(filter) * f, F(law) * law, F(blocks) * blocks, const sd_source *row) {
    F(items) *items = &f->items;
    const size_t n = row->n;
    const int is_long = n >= SD_SAMPLED && f->top_k >= n;
    int left = -1; /* in f->items; 0: as the law says */
    if (is_long && f->top_p < 1) left = F(nucleus_of_row)(f, law, row, blocks);
    if (left < 0) {
        const size_t group = F(group_for)(f->top_k < n ? f->top_k : 1, n);
        const SD_REAL max = F(maxima)(row, group, f->groups);
        if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return -1;
        *law = F(law_make)(f->ready, f->t, max, n);
        left = 1;
        if (f->top_k < n) {
            F(largest_k)(f, row, group);
        } else if (f->top_p < 1 || !is_long || law->moved) {
            F(gather_from)(items, row, -SD_LARGEST, SD_LIST, NULL, n);
        } else {
            const SD_REAL bound = F(min_p_bound)(f, max);
            left = !F(are_many_from)(f, row, bound);
            if (left) F(gather_from)(items, row, bound, group, f->groups, n / 8);
            left = left && items->n <= n / 8;
        }
        *law = F(law_make)(f->ready, f->t, max, left ? items->n : n);
        if (f->top_p < 1) F(nucleus)(f, law);
    }
    if (f->min_p > 0 && left) {
        F(keep_masses)(items, law, F(least_mass)(f, law));
    } else if (f->min_p > 0) {
        law->least_mass = F(least_mass)(f, law);
        F(blocks_of_law)(blocks, law, row, 0, n);
    }
    return left;
}

/* All that a law leaves, in f->items. */
static void F(gather_law)(F(filter) * f, const F(law) * law, const sd_source *row) {
    F(items) *items = &f->items;
    F(gather_from)(items, row, law->least, SD_LIST, NULL, row->n);
    size_t ties = 0;
    for (size_t i = 0; i < items->n; i++) ties += items->x[i] == law->least && items->index[i] <= law->last;
    F(keep)(items, law->least, ties);
    F(keep_masses)(items, law, law->least_mass);
}

/* The logarithms of the probabilities that items drawn had among all of x. */
static void F(log_probabilities)(const F(filter) * f, const SD_REAL *x, size_t n, SD_REAL *drawn,
                                 size_t draws) {
    const F(log_row) all = F(log_row_make)(f->ready, x, n);
    const double log_sum = sd_log1p(all.excess.high);
    const A(log_writer) writer = A(log_writer_make)(f->t, all.max, log_sum);
    for (size_t i = 0; i < draws; i++)
        drawn[i] = f->t > DBL_MAX ? (SD_REAL)-log_sum + 0
                                  : P(first)(A(log_write)(&writer, P(set1)(drawn[i])));
}

/* The filters checked; logprobs may be NULL. */
static int F(draw_from_row)(F(filter) * f, const sd_source *row, const uint64_t *words, size_t draws,
                            int64_t *out, SD_REAL *logprobs, size_t *where) {
    const F(items) *items = &f->items;
    if (f->t == 0) {
        for (size_t i = 0; logprobs && i < draws; i++) logprobs[i] = 0;
        return F(draw_largest)(row, draws, out, where);
    }
    if (f->top_k >= row->n && f->top_p >= 1 && f->min_p <= 0) {
        const int error = F(draw_from_all)(f->ready, f->t, row, words, draws, out, where);
        if (error != SOFTDRAW_OK || !logprobs) return error;
        const int as_it_lies = sd_as_it_lies(row);
        if (!as_it_lies) F(gather_from)(&f->items, row, -SD_LARGEST, SD_LIST, NULL, row->n);
        for (size_t i = 0; i < draws; i++) logprobs[i] = F(item)(row, (size_t)out[i]);
        F(log_probabilities)(f, as_it_lies ? row->x : items->x, as_it_lies ? row->n : items->n,
                             logprobs, draws);
        return SOFTDRAW_OK;
    }
    F(law) law;
    F(blocks) blocks;
    const int left = F(apply)(f, &law, &blocks, row);
    if (left < 0) return F(row_error)(row, where);
    if (left) {
        const sd_source some = {items->x, SD_NATIVE, NULL, NULL, items->n};
        const int error = F(draw_from_all)(f->ready, f->t, &some, words, draws, out, where);
        if (error != SOFTDRAW_OK) return error; /* only where a row changes meanwhile */
        for (size_t i = 0; logprobs && i < draws; i++) logprobs[i] = items->x[out[i]];
        for (size_t i = 0; i < draws; i++) out[i] = items->index[out[i]];
    } else {
        const double total = blocks.before[blocks.count];
        for (size_t i = 0; i < draws; i++)
            out[i] = (int64_t)F(some_item)(
                F(blocks_find)(&blocks, &law, row, 0, row->n, F(share)(words[i], total)));
        if (logprobs) F(gather_law)(f, &law, row);
        for (size_t i = 0; logprobs && i < draws; i++) logprobs[i] = F(item)(row, (size_t)out[i]);
    }
    if (logprobs) F(log_probabilities)(f, items->x, items->n, logprobs, draws);
    return SOFTDRAW_OK;
}

/* One draw from each of `count` rows, 8 or 1, that are `group` packs long, as list_make and list_find
 * have it. 0 if a row is out of the ordinary. */
SD_BODY int F(draw_short)(const SD_REAL *x, ptrdiff_t x_stride, size_t n, f64x8 t, const int count,
                            const int group, const uint64_t *words, int64_t *out) {
    const SD_PACK zero = P(set1)(0), lowest = P(set1)(-(SD_REAL)INFINITY);
    SD_PACK packs[8][SD_MOST], maxima[8], seen = zero, s[SD_MOST], q[SD_MOST];
    A(short_rows) rows;
    double least[8];
    F(list) list;
    for (int i = 0; i < count; i++, x += x_stride) {
        maxima[i] = lowest;
        SD_EACH {
            packs[i][u] = F(load_up_to)(x + u * SD_WIDTH, n - (size_t)u * SD_WIDTH);
            maxima[i] = P(max)(maxima[i], packs[i][u]);
            seen = P(or_nan)(seen, packs[i][u], packs[i][u]);
        }
    }
    if (P(mask_ge)(seen, seen) != (1u << SD_WIDTH) - 1) return 0;
    const f64x8 max = count == 1 ? f64_set1(P(largest)(maxima[0])) : P(largest_8)(maxima);
    if (!A(short_reduce)(&rows, max, t)) return 0;
    f64_store(least, f64_sub(max, f64_mul(t, f64_set1(F(faint)(n)))));
    for (int i = 0; i < count; i++) {
        const A(reduction) r = A(short_reduction)(&rows, i);
        const SD_PACK from = P(set1)(least[i] >= -SD_LARGEST ? (SD_REAL)least[i] : -SD_LARGEST);
        A(exponential)(&r, NULL, group, packs[i], 0, 0, s, q);
        SD_EACH {
            const SD_PACK e = P(where_ge)(packs[i][u], from, P(fma)(s[u], q[u], s[u]), zero);
            P(store)(list.mass + u * SD_WIDTH, e);
        }
        out[i] = (int64_t)F(list_find)(&list, F(share)(words[i], F(list_add_up)(&list, n)));
    }
    return 1;
}

/* The same of as many rows as a pack has lanes, each in its own, n <= SD_FEW. */
static SD_NOINLINE int F(draw_columns)(const SD_REAL *x, ptrdiff_t x_stride, size_t n, const double *t,
                              const uint64_t *words, int64_t *out) {
    const SD_PACK zero = P(set1)(0);
    SD_REAL columns[(SD_FEW + SD_MOST) * SD_WIDTH];
    double sums[SD_FEW + SD_MOST][SD_WIDTH], r[SD_WIDTH], found[SD_WIDTH];
    SD_PACK max = P(set1)(-(SD_REAL)INFINITY), seen = zero, s[SD_GROUP], q[SD_GROUP], packs[SD_GROUP];
    A(lanes) lanes;
    A(to_columns)(x, x_stride, columns, n);
    for (size_t j = 0; j < n; j++) {
        const SD_PACK column = P(load)(columns + j * SD_WIDTH);
        max = P(max)(column, max);
        seen = P(or_nan)(seen, column, column);
    }
    if (P(mask_ge)(seen, seen) != (1u << SD_WIDTH) - 1) return 0;
    if (!A(lanes_make)(&lanes, max, t)) return 0;
    const SD_PACK least = A(lanes_least)(max, t, F(faint)(n));
    const int group = SD_GROUP;
    A(column_sum) sum;
    memset(&sum, 0, sizeof sum);
    for (size_t j = n; j < n + SD_GROUP; j++) P(store)(columns + j * SD_WIDTH, P(set1)(-(SD_REAL)INFINITY));
    for (size_t j = 0; j < n; j += SD_GROUP) {
        SD_EACH packs[u] = P(load)(columns + (j + (size_t)u) * SD_WIDTH);
        A(exponential_lanes)(&lanes, NULL, NULL, group, packs, 0, 0, s, q);
        SD_EACH {
            const SD_PACK e = P(where_ge)(packs[u], least, P(fma)(s[u], q[u], s[u]), zero);
            A(column_sum_add)(&sum, e, sums[j + (size_t)u]);
        }
    }
    for (size_t i = 0; i < SD_WIDTH; i++) r[i] = F(share)(words[i], sums[n - 1][i]);
    for (size_t i = 0; i < SD_WIDTH; i += 8) {
        const f64x8 end = f64_load(r + i), one = f64_set1(1);
        f64x8 count = f64_set1(0);
        for (size_t j = 0; j < n; j++)
            count = f64_add(count, f64_where_ge(end, f64_load(sums[j] + i), one, f64_set1(0)));
        f64_store(found + i, count);
    }
    int whole = 1;
    for (size_t i = 0; i < SD_WIDTH; i++) {
        out[i] = (int64_t)found[i];
        whole &= out[i] < (int64_t)n;
    }
    return whole; /* past the last: a rounding, which list_find looks into */
}

/* Rows of up to four packs without filters: 8 at a time, or one, as many as come before one that is out
 * of the ordinary. */
SD_BODY size_t F(draw_short_rows)(const sd_draws *all, size_t first, const int group) {
    const softdraw_filters *by = all->filters;
    const double one = 1, *t = by->temperature ? by->temperature : &one;
    const ptrdiff_t t_stride = by->temperature ? by->temperature_stride : 0;
    size_t done = first;
    while (done < all->rows) {
        const ptrdiff_t at = (ptrdiff_t)done;
        const SD_REAL *x = (const SD_REAL *)all->x + at * all->x_stride;
        double each[8];
        if (all->n <= SD_FEW && all->rows - done >= SD_WIDTH) {
            double these[SD_WIDTH];
            for (int i = 0; i < SD_WIDTH; i++) these[i] = t[(at + i) * t_stride];
            if (F(draw_columns)(x, all->x_stride, all->n, these, all->words + done, all->out + done)) {
                done += SD_WIDTH;
                continue;
            }
        }
        if (all->rows - done >= 8) {
            for (int i = 0; i < 8; i++) each[i] = t[(at + i) * t_stride];
            if (F(draw_short)(x, all->x_stride, all->n, f64_load(each), 8, group, all->words + done,
                              all->out + done)) {
                done += 8;
                continue;
            }
        }
        if (!F(draw_short)(x, 0, all->n, f64_set1(t[at * t_stride]), 1, group, all->words + done,
                           all->out + done))
            break;
        done++;
    }
    return done;
}

static size_t F(draw_ordinary)(const sd_draws *all, size_t first) {
    const softdraw_filters *by = all->filters;
    if (by->top_k || by->top_p || by->min_p || by->allowed || by->allowed_bits || all->logprobs ||
        all->draws != 1 || all->format != SD_NATIVE)
        return first;
    if (all->n <= SD_WIDTH) return F(draw_short_rows)(all, first, 1);
    if (all->n <= 2 * SD_WIDTH) return F(draw_short_rows)(all, first, 2);
    if (all->n <= 3 * SD_WIDTH) return F(draw_short_rows)(all, first, 3);
    if (all->n <= 4 * SD_WIDTH) return F(draw_short_rows)(all, first, 4);
    return first;
}

static int F(sample)(const sd_draws *all, size_t *where) {
    const softdraw_filters *by = all->filters;
    const size_t n = all->n, room = sd_room(n);
    const size_t itemsize = all->format == SD_NATIVE ? sizeof(SD_REAL) : sizeof(uint16_t);
    double t = by->temperature ? by->temperature[0] : 1;
    A(temperature) ready = A(temperature_make)(t);
    F(filter) f = {0};
    f.ready = &ready;
    f.items.x = all->scratch;
    f.work = f.items.x ? f.items.x + room : NULL;
    f.groups = f.items.x ? f.work + room + 2 * SD_SAMPLES : NULL;
    f.items.index = f.items.x ? (uint32_t *)(f.groups + room / 16) : NULL;
    for (size_t r = F(draw_ordinary)(all, 0); r < all->rows; r = F(draw_ordinary)(all, r + 1)) {
        const ptrdiff_t at = (ptrdiff_t)r;
        const double next = by->temperature ? by->temperature[at * by->temperature_stride] : 1;
        if (next != t) ready = A(temperature_make)(t = next);
        const sd_source row = {
            (const char *)all->x + at * all->x_stride * (ptrdiff_t)itemsize, all->format,
            by->allowed ? by->allowed + at * by->allowed_stride : NULL,
            by->allowed_bits ? by->allowed_bits + at * by->allowed_bits_stride : NULL, n};
        f.t = t;
        f.top_k = by->top_k && by->top_k[at * by->top_k_stride] < n
                      ? (size_t)by->top_k[at * by->top_k_stride] : n;
        f.top_p = by->top_p ? by->top_p[at * by->top_p_stride] : 1;
        f.min_p = by->min_p ? by->min_p[at * by->min_p_stride] : 0;
        const int error = F(draw_from_row)(&f, &row, all->words + r * all->draws, all->draws,
                                           all->out + r * all->draws,
                                           all->logprobs ? (SD_REAL *)all->logprobs + r * all->draws : NULL,
                                           where);
        if (error != SOFTDRAW_OK) {
            *where = error == SOFTDRAW_ERROR_LOGIT ? r * n + *where : r;
            return error;
        }
    }
    return SOFTDRAW_OK;
}

#undef SD_FEW
#undef SD_LIST
#undef SD_BLOCKS
#undef SD_SAMPLED
