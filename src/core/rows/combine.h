/* The partial of several pieces of a row together (partials.h), for pieces of float32 and float64: computed
 * in float64, in which both have their maxima exactly. */

/* The partial of n partials with the temperature t, of which the largest maximum, `largest`, is finite, and
 * no excess is NaN. What is not equal to the maximum is added in units of 1 / SCALE, as exponentials are
 * computed, so that only the sum may be rounded to a subnormal number. */
SD_INLINE sd_sum combine_excesses(const softdraw_partial *partials, size_t n, const temperature_t *t,
                                  double largest) {
    const int shifted = needs_shift(t, largest);
    const reduction_t r = choose_reduction(t, largest, shifted);
    const sd_sum one = {1, 0};
    sd_sum ties = {-1, 0}, others = {0, 0}, of_max = {1, 0};
    pack_t s, q, x = v_set1(largest);
    if (!t->limit) {
        compute_exponentials(&r, NULL, 1, &x, SHIFT, 0, &s, &q);
        of_max = read_exponential(s, q);
    }
    for (size_t i = 0; i < n; i++) {
        const sd_sum excess = {partials[i].excess, partials[i].excess_low};
        const sd_sum sum = sd_sum_add(one, excess); /* relative to the maximum of the partial */
        if (partials[i].max == largest) {
            ties.high += 1;
            others = sd_sum_add(others, sd_sum_scale(excess, SCALE));
        } else if (partials[i].max >= -LARGEST && t->limit == ALL_EQUAL) {
            ties = sd_sum_add(ties, sum);
        } else if (partials[i].max >= -LARGEST && !t->limit) {
            x = v_set1(partials[i].max);
            compute_exponentials(&r, NULL, 1, &x, SHIFT, 0, &s, &q);
            const sd_sum share = divide_sums(read_scaled_exponential(s, q), of_max);
            others = sd_sum_add(others, multiply_sums(sum, share));
        }
    }
    return sd_sum_add(ties, sd_sum_scale(others, UNSCALE));
}

static void combine_partials(const softdraw_partial *partials, ptrdiff_t stride, softdraw_partial *out,
                             size_t rows, size_t n) {
    double t = 1;
    temperature_t ready = make_temperature(t);
    for (size_t row = 0; row < rows; row++, partials += stride) {
        double largest = -INFINITY, nan = 0;
        for (size_t i = 0; i < n; i++) {
            if (partials[i].max > largest) largest = partials[i].max;
            if (partials[i].excess != partials[i].excess) nan = sd_nan();
        }
        sd_sum excess = {nan, 0};
        if (partials->temperature != t) ready = make_temperature(t = partials->temperature);
        if (nan == 0 && IS_FINITE(largest)) excess = combine_excesses(partials, n, &ready, largest);
        out[row] = make_partial(t, largest, excess);
    }
}
