/* Entropy of rows of one item type: one pass for the maximum, one for the moments. */

/* group packs more in the moments, and in the number of maxima, whose exponentials are left out */
SD_BODY void F(add_to_moments)(A(moments) * m, SD_PACK *maxima, const A(reduction) * r,
                               const int group, const SD_PACK *x, SD_PACK max, const int moved) {
    const SD_PACK zero = P(set1)(0), one = P(set1)(1);
    SD_PACK s[SD_MOST], q[SD_MOST];
    A(exponential)(r, NULL, group, x, moved, 0, s, q);
    SD_EACH s[u] = P(where_ge)(x[u], max, zero, s[u]);
    SD_EACH *maxima = P(add)(*maxima, P(where_ge)(x[u], max, one, zero));
    SD_EACH A(moments_add)(m, x[u], s[u], q[u]);
}

SD_INLINE sd_moments F(sum_moments)(const A(reduction) * reduction, double t, const SD_ITEM *x,
                                    size_t n, SD_REAL maximum, const int moved) {
    const A(reduction) r = *reduction;
    const SD_PACK max = P(set1)(maximum), zero = P(set1)(0);
    A(moments) m = A(moments_make)(t, maximum);
    SD_PACK s, q, packs[SD_GROUP];
    double ties = 0;
    for (size_t i = 0; i < n;) {
        const size_t end = n - i > SD_BLOCK ? i + SD_BLOCK : n;
        const int group = SD_GROUP;
        SD_PACK maxima = zero;
        for (; group > 1 && end - i >= SD_GROUP * SD_WIDTH; i += SD_GROUP * SD_WIDTH) {
            SD_EACH packs[u] = I(load)(x + i + (size_t)u * SD_WIDTH);
            F(add_to_moments)(&m, &maxima, &r, group, packs, max, moved);
        }
        for (; i < end; i += SD_WIDTH) {
            packs[0] = F(load_up_to)(x + i, end - i);
            F(add_to_moments)(&m, &maxima, &r, 1, packs, max, moved);
        }
        ties += (double)P(total)(maxima);
    }
    A(exponential)(&r, NULL, 1, &max, moved, 0, &s, &q);
    return A(moments_total)(&m, ties, A(exponential_value)(s, q));
}

/* n >= 1 */
static sd_moments F(moments_of)(const A(temperature) * t, double temperature, const SD_ITEM *x,
                                size_t n) {
    const SD_REAL max = P(largest)(F(lane_max)(x, n)) + 0; /* -0 becomes +0 */
    sd_moments m = {sd_nan(), 0, 0, 0, 0};
    if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return m;
    if (t->limit) {
        m.ties = F(count)(x, n, max);
        if (t->limit == SD_ALL_EQUAL) m.others = F(count)(x, n, -SD_LARGEST) - m.ties;
    } else {
        const int moved = A(must_be_moved)(t, max);
        const A(reduction) r = moved ? A(reduction_moved)(t, max) : A(reduction_plain)(t, max);
        m = moved ? F(sum_moments)(&r, temperature, x, n, max, 1)
                  : F(sum_moments)(&r, temperature, x, n, max, 0);
    }
    if (m.others != m.others) m.ties = sd_nan();
    return m;
}

static void F(entropy)(const SD_ITEM *x, SD_ITEM *out, const sd_rows *rows) {
    if (rows->rows == 0) return;
    double t = rows->temperature[0];
    A(temperature) temperature = A(temperature_make)(t);
    for (size_t i = 0; i < rows->rows; i++, x += rows->x_stride, out += rows->out_stride) {
        const double next = rows->temperature[(ptrdiff_t)i * rows->temperature_stride];
        SD_REAL entropy = (SD_REAL)sd_nan(); /* of nothing, as of -inf alone */
        if (next != t) temperature = A(temperature_make)(t = next);
        if (rows->n > 0) {
            const sd_moments m = F(moments_of)(&temperature, t, x, rows->n);
            if (m.ties == m.ties) entropy = (SD_REAL)sd_entropy(&m);
        }
        I(store_n)(out, 1, P(set1)(entropy));
    }
}
