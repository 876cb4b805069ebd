/* One draw from each of many short rows: WIDTH rows of up to MAX_COLUMNS items side by side, a row per lane,
 * with any filters, or eight rows of up to four packs without filters. Results are those of filters.h. Rows
 * that need a shift, or have NaN or no finite item, are not drawn here but by filters.h. */

/* From this many rows on, rows with filters are drawn from side by side. */
#define MIN_SIDE_BY_SIDE 2

/* Draws from each of `count` rows, 8 or 1, that are `group` packs long, at the temperatures t, with the
 * steps of make_block and find_in_block. Returns 0 if a row is not ordinary. */
SD_BODY int draw_short(const real_t *x, ptrdiff_t x_stride, size_t n, f64x8 t, const int count,
                       const int group, const uint64_t *words, int64_t *out) {
    const pack_t zero = v_set1(0), lowest = v_set1(-(real_t)INFINITY);
    pack_t packs[8][MAX_GROUP], maxima[8], nan_marks = zero, s[MAX_GROUP], q[MAX_GROUP];
    short_rows_t rows;
    double least[8];
    block_t block;
    for (int i = 0; i < count; i++, x += x_stride) {
        maxima[i] = lowest;
        FOR_EACH_PACK {
            packs[i][u] = load_up_to(x + u * WIDTH, n - (size_t)u * WIDTH);
            maxima[i] = v_max(maxima[i], packs[i][u]);
            nan_marks = v_mark_nan(nan_marks, packs[i][u], packs[i][u]);
        }
    }
    if (has_nan(nan_marks)) return 0;
    const f64x8 max = count == 1 ? f64_set1(v_reduce_max(maxima[0])) : v_reduce_max_8(maxima);
    if (!reduce_short_rows(&rows, max, t)) return 0;
    f64_store(least, f64_sub(max, f64_mul(t, f64_set1(find_negligible_distance(n)))));
    for (int i = 0; i < count; i++) {
        const reduction_t r = get_reduction(&rows, i);
        const pack_t from = v_set1(round_bound(least[i]));
        compute_exponentials(&r, NULL, group, packs[i], 0, 0, s, q);
        FOR_EACH_PACK {
            const pack_t e = v_where_ge(packs[i][u], from, v_fma(s[u], q[u], s[u]), zero);
            v_store(block.mass + u * WIDTH, e);
        }
        out[i] = (int64_t)find_in_block(&block, scale_word(words[i], add_up_block(&block, n)));
    }
    return 1;
}

/* The same for WIDTH rows of n <= MAX_COLUMNS items: column j has item j of each row, sums[j] the mass of
 * its items up to that one. What is drawn is the number of sums that do not exceed the scaled word; if that
 * is n, because of a rounding, this also returns 0. filters may be NULL; by_mass tells whether they have
 * top_p or min_p. */
SD_BODY int draw_from_columns(const real_t *x, ptrdiff_t x_stride, size_t n, const double *t,
                              const lane_filters_t *filters, int by_mass, const uint64_t *words,
                              int64_t *out) {
    const pack_t zero = v_set1(0);
    real_t columns[(MAX_COLUMNS + MAX_GROUP) * WIDTH];
    double sums[MAX_COLUMNS + MAX_GROUP][WIDTH], scaled[WIDTH], found[WIDTH];
    pack_t max = v_set1(-(real_t)INFINITY), nan_marks = zero, s[GROUP], q[GROUP], packs[GROUP];
    lane_reductions_t lanes;
    rows_to_columns(x, x_stride, columns, n);
    for (size_t j = 0; j < n; j++) {
        const pack_t column = v_load(columns + j * WIDTH);
        max = v_max(column, max);
        nan_marks = v_mark_nan(nan_marks, column, column);
    }
    if (has_nan(nan_marks)) return 0;
    if (!reduce_lanes(&lanes, max, t)) return 0;
    pack_t least;
    if (!filters) {
        const f64x8 distance = f64_set1(find_negligible_distance(n));
        least = find_lane_bounds(max, t, distance, distance);
    } else {
        double counts[WIDTH];
        if (!filter_columns(columns, n, max, &lanes, t, filters, by_mass, counts)) return 0;
        least = find_bounds_of_counts(max, t, counts);
    }
    const int group = GROUP;
    column_sum_t sum;
    memset(&sum, 0, sizeof sum);
    for (size_t j = n; j < n + GROUP; j++) v_store(columns + j * WIDTH, v_set1(-(real_t)INFINITY));
    for (size_t j = 0; j < n; j += GROUP) {
        FOR_EACH_PACK packs[u] = v_load(columns + (j + (size_t)u) * WIDTH);
        compute_lane_exponentials(&lanes, NULL, NULL, group, packs, 0, 0, s, q);
        FOR_EACH_PACK {
            const pack_t e = v_where_ge(packs[u], least, v_fma(s[u], q[u], s[u]), zero);
            add_column(&sum, e, sums[j + (size_t)u]);
        }
    }
    for (size_t i = 0; i < WIDTH; i++) scaled[i] = scale_word(words[i], sums[n - 1][i]);
    for (size_t i = 0; i < WIDTH; i += 8) {
        const f64x8 target = f64_load(scaled + i), one = f64_set1(1);
        f64x8 count = f64_set1(0);
        for (size_t j = 0; j < n; j++)
            count = f64_add(count, f64_where_ge(target, f64_load(sums[j] + i), one, f64_set1(0)));
        f64_store(found + i, count);
    }
    int all_found = 1;
    for (size_t i = 0; i < WIDTH; i++) {
        out[i] = (int64_t)found[i];
        all_found &= out[i] < (int64_t)n;
    }
    return all_found;
}

/* Functions of their own, so that rows without filters do not pay for them. */
static SD_NOINLINE int draw_columns(const real_t *x, ptrdiff_t x_stride, size_t n, const double *t,
                                    const uint64_t *words, int64_t *out) {
    return draw_from_columns(x, x_stride, n, t, NULL, 0, words, out);
}
static SD_NOINLINE int draw_filtered_columns(const real_t *x, ptrdiff_t x_stride, size_t n, const double *t,
                                             const lane_filters_t *filters, int by_mass,
                                             const uint64_t *words, int64_t *out) {
    return draw_from_columns(x, x_stride, n, t, filters, by_mass, words, out);
}

/* The row r of a call. */
static source_t get_row(const sd_draws *all, size_t r) {
    const softdraw_filters *filters = all->filters;
    const ptrdiff_t at = (ptrdiff_t)r;
    const ptrdiff_t size = all->format == SD_NATIVE ? sizeof(real_t) : sizeof(uint16_t);
    const source_t row = {
        (const char *)all->x + at * all->x_stride * size, all->format,
        filters->allowed ? filters->allowed + at * filters->allowed_stride : NULL,
        filters->allowed_bits ? filters->allowed_bits + at * filters->allowed_bits_stride : NULL, all->n};
    return row;
}

/* Draws from up to WIDTH rows that have filters or are not plain, from `first` on, side by side. Rows that
 * cannot be used where they lie are read into `rows`; where there are too few, the first stands for those
 * that are missing. Returns 0 if one is not ordinary, or else how many were drawn from. */
static size_t draw_side_by_side(const sd_draws *all, size_t first) {
    enum { ROW_STRIDE = MAX_COLUMNS > WIDTH ? MAX_COLUMNS : WIDTH };
    const softdraw_filters *given = all->filters;
    const size_t n = all->n, left = all->rows - first, count = left < WIDTH ? left : WIDTH;
    const source_t row = get_row(all, first);
    const int in_place = count == WIDTH && is_plain(&row);
    const int by_mass = given->top_p || given->min_p;
    real_t rows[WIDTH * ROW_STRIDE];
    double t[WIDTH];
    uint64_t words[WIDTH];
    int64_t out[WIDTH];
    lane_filters_t filters;
    for (size_t i = 0; i < WIDTH; i++) {
        const size_t r = i < count ? first + i : first;
        filters.top_k[i] = (double)(int)read_top_k(given, r, n);
        filters.top_p[i] = read_top_p(given, r);
        filters.min_p[i] = read_min_p(given, r);
        t[i] = read_temperature(given, r);
        words[i] = all->words[r];
        if (in_place) continue;
        const source_t each = get_row(all, r);
        for (size_t j = 0; j < n; j += WIDTH) v_store(rows + i * ROW_STRIDE + j, read_pack(&each, j));
    }
    const real_t *x = in_place ? row.x : rows;
    const ptrdiff_t stride = in_place ? all->x_stride : ROW_STRIDE;
    if (given->top_k || by_mass ? !draw_filtered_columns(x, stride, n, t, &filters, by_mass, words, out)
                                : !draw_columns(x, stride, n, t, words, out))
        return 0;
    memcpy(all->out + first, out, count * sizeof *out);
    return count;
}

static size_t draw_filtered_rows(const sd_draws *all, size_t first) {
    size_t done = first, count = 1;
    while (count > 0 && all->rows - done >= MIN_SIDE_BY_SIDE) done += count = draw_side_by_side(all, done);
    return done;
}

/* Draws from plain rows of `group` packs without filters, from `first` to the next that is not ordinary;
 * returns that, or all->rows. */
SD_BODY size_t draw_short_rows(const sd_draws *all, size_t first, const int group) {
    const softdraw_filters *filters = all->filters;
    const double one = 1, *t = filters->temperature ? filters->temperature : &one;
    const ptrdiff_t t_stride = filters->temperature ? filters->temperature_stride : 0;
    size_t done = first;
    while (done < all->rows) {
        const ptrdiff_t at = (ptrdiff_t)done;
        const real_t *x = (const real_t *)all->x + at * all->x_stride;
        double t_eight[8];
        if (all->n <= MAX_COLUMNS && all->rows - done >= WIDTH) {
            double t_lanes[WIDTH];
            for (int i = 0; i < WIDTH; i++) t_lanes[i] = t[(at + i) * t_stride];
            if (draw_columns(x, all->x_stride, all->n, t_lanes, all->words + done, all->out + done)) {
                done += WIDTH;
                continue;
            }
        }
        if (all->rows - done >= 8) {
            for (int i = 0; i < 8; i++) t_eight[i] = t[(at + i) * t_stride];
            if (draw_short(x, all->x_stride, all->n, f64_load(t_eight), 8, group, all->words + done,
                           all->out + done)) {
                done += 8;
                continue;
            }
        }
        if (!draw_short(x, 0, all->n, f64_set1(t[at * t_stride]), 1, group, all->words + done,
                        all->out + done))
            break;
        done++;
    }
    return done;
}

/* Draws from as many rows as these ways allow, from `first` on; returns the first row that they do not. */
static size_t draw_many_rows(const sd_draws *all, size_t first) {
    const softdraw_filters *filters = all->filters;
    if (all->logprobs || all->draws != 1) return first;
    if (filters->top_k || filters->top_p || filters->min_p || filters->allowed || filters->allowed_bits ||
        all->format != SD_NATIVE)
        return all->n <= MAX_COLUMNS ? draw_filtered_rows(all, first) : first;
    if (all->n <= WIDTH) return draw_short_rows(all, first, 1);
    if (all->n <= 2 * WIDTH) return draw_short_rows(all, first, 2);
    if (all->n <= 3 * WIDTH) return draw_short_rows(all, first, 3);
    if (all->n <= 4 * WIDTH) return draw_short_rows(all, first, 4);
    return first;
}
