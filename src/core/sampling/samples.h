/* Samples of a long row, which tell about how many items, or how much mass, lie above a value. They choose
 * only where to look: what is drawn depends neither on them nor on how their sums are rounded. */

/* The shortest row of which samples are taken. */
#define MIN_SAMPLED 4096

/* Takes one item at random from each of `count` equal parts of the row; NaN becomes -inf. */
static void take_samples(const source_t *row, real_t *samples, size_t count) {
    const uint64_t part = ((uint64_t)row->n << 32) / count; /* in units of 2^-32 items */
    const int plain = is_plain(row);
    const real_t *x = row->x;
    uint64_t start = 0;
    uint32_t random = 1;
    for (size_t i = 0; i < count; i++, start += part) {
        random = random * 1664525u + 1013904223u;
        const size_t at = (size_t)((start + (part >> 24) * (random >> 8)) >> 32);
        const real_t value = plain ? x[at] : read_item(row, at);
        samples[i] = value == value ? value : -(real_t)INFINITY;
    }
}

/* Of the samples that are at least some value: their number, their mass, and the sum of squared masses. */
typedef struct { double count, mass, square; } sample_sums_t;

/* Sums over samples x >= least; count is a whole number of packs. */
static sample_sums_t sum_samples_from(const real_t *samples, const real_t *masses, size_t count,
                                      real_t least) {
    const pack_t limit = v_set1(least), zero = v_set1(0), one = v_set1(1);
    pack_t number = zero, mass = zero, square = zero;
    for (size_t i = 0; i < count; i += WIDTH) {
        const pack_t x = v_load(samples + i), m = v_where_ge(x, limit, v_load(masses + i), zero);
        number = v_add(number, v_where_ge(x, limit, one, zero));
        mass = v_add(mass, m);
        square = v_fma(m, m, square);
    }
    const sample_sums_t r = {f64_reduce_add(widen(number)), f64_reduce_add(widen(mass)),
                             f64_reduce_add(widen(square))};
    return r;
}

/* The largest sample, or one close to it, such that the samples from it on reach the target: in number or,
 * if weights are given, in weight. It is searched for between low and high by halving the interval 15
 * times. -LARGEST if all samples from low on do not reach the target. */
SD_BODY real_t find_quantile(const real_t *samples, const real_t *weights, size_t count, real_t low,
                             real_t high, double target) {
    const pack_t zero = v_set1(0), one = v_set1(1);
    real_t try = low;
    for (int i = 0; i < 15; i++) {
        const pack_t limit = v_set1(try);
        pack_t a = zero, b = zero;
        for (size_t j = 0; j < count; j += 2 * WIDTH) {
            a = v_add(a, v_where_ge(v_load(samples + j), limit, weights ? v_load(weights + j) : one, zero));
            b = v_add(b, v_where_ge(v_load(samples + j + WIDTH), limit,
                                    weights ? v_load(weights + j + WIDTH) : one, zero));
        }
        if (f64_reduce_add(widen(v_add(a, b))) >= target) low = try;
        else if (i == 0) return -LARGEST;
        else high = try;
        try = low / 2 + high / 2;
    }
    pack_t least = v_set1(-high); /* return a sample, not a value between two: many items may equal it */
    for (size_t j = 0; j < count; j += WIDTH) {
        const pack_t x = v_load(samples + j), limit = v_set1(low);
        least = v_max(v_where_ge(x, limit, v_sub(zero, x), least), least);
    }
    return -v_reduce_max(least);
}

static SD_NOINLINE real_t find_sample_of_rank(const real_t *samples, size_t count, real_t low, real_t high,
                                              double rank) {
    return find_quantile(samples, NULL, count, low, high, rank > 1 ? rank : 1);
}

static SD_NOINLINE real_t find_sample_of_mass(const real_t *samples, const real_t *masses, size_t count,
                                              real_t low, real_t high, double mass) {
    return find_quantile(samples, masses, count, low, high, mass);
}

/* The sample of a rank, counted from the largest, or the last one from `least` on. It is looked for a
 * little below the bound first, where it is likely to be. */
static real_t find_sample_below(const real_t *samples, size_t count, real_t least, real_t bound,
                                double rank) {
    const real_t nearby = bound - (bound - least) / 16;
    if (rank > (double)count) rank = (double)count;
    const real_t low = find_sample_of_rank(samples, count, nearby, bound, rank);
    return low > -LARGEST ? low : find_sample_of_rank(samples, count, least, nearby, rank);
}
