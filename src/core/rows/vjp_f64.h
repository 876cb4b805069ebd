/* The arithmetic of vjp.h, which explains p, g and T, for float64. The sum of p g is found as by Ogita,
 * Rump and Oishi ("Accurate sum and dot product", SIAM J. Sci. Comput. 2005), which is as exact as if it
 * were computed in twice the precision. The rest is computed with numbers that are sums of two doubles. */

/* Returns floor(log2(a)) for a finite a > 0. */
static int find_exponent(double a) {
    const int subnormal = a < DBL_MIN;
    if (subnormal) a *= 0x1p54;
    return (int)(sd_f64_bits(a) >> 52) - 1023 - 54 * subnormal;
}

static int clamp_int(int a, int low, int high) { return a < low ? low : a > high ? high : a; }

/* p is multiplied by 2^P_EXPONENT, so that what its products lose when they are rounded can be computed
 * exactly even where p is subnormal. g is multiplied by 2^G_EXPONENT, or by a larger power where T is so
 * small that results would have to be scaled up. If the largest |g| is then not from 1 to 2^911, g is
 * multiplied instead by the power of two that brings the largest |g| as near to 2^MAX_G_EXPONENT as
 * possible. Where p sums to more than 1, so that the sum of p g is much larger than any g, the sum is brought
 * there. For p from 0 to 1 the products then neither overflow nor lose bits to underflow, and results do so
 * only when they are scaled back, where they must. */
enum { P_EXPONENT = 110, G_EXPONENT = 455, MAX_G_EXPONENT = 910 };

/* T = 2^exponent m, with m at least 1 and less than 2; 1 if T is infinite. */
typedef struct {
    int exponent, is_infinite;
    int g_exponent;  /* g is multiplied by 2^g_exponent, unless its values need another power */
    f64x8 high, low; /* their sum is 2^P_EXPONENT / m */
} vjp_temperature_t;

static vjp_temperature_t make_vjp_temperature(double t) {
    vjp_temperature_t r = {0};
    r.is_infinite = t > DBL_MAX;
    r.exponent = r.is_infinite ? 0 : find_exponent(t);
    r.g_exponent = clamp_int(-r.exponent - P_EXPONENT, G_EXPONENT, 1000);
    const int half = r.exponent / 2; /* in two steps, because 2^-exponent may be out of range */
    const double m = r.is_infinite ? 1 : t * sd_power_of_2(-half) * sd_power_of_2(half - r.exponent);
    const f64x8 one = f64_set1(1), divisor = f64_set1(m);
    const f64x8 inverse = f64_div(one, divisor), p_scale = f64_set1(sd_power_of_2(P_EXPONENT));
    const f64x8 error = f64_sub(f64_set1(0), f64_fms(divisor, inverse, one));
    r.high = f64_mul(inverse, p_scale);
    r.low = f64_mul(f64_mul(error, inverse), p_scale);
    return r;
}

/* Returns the sum of p g scale in eight parts; *largest becomes the largest |g| of each lane. */
SD_INLINE pairs_t sum_parts(const double *p, const double *g, size_t n, double scale, f64x8 *largest) {
    const f64x8 scales = f64_set1(scale);
    const u64x8 magnitude = u64_set1(UINT64_MAX >> 1);
    pairs_t sum = {f64_set1(0), f64_set1(0)};
    *largest = sum.high;
    for (size_t i = 0; i < n; i += 8) {
        const f64x8 a = load_padded(p + i, n - i, 0), b = load_padded(g + i, n - i, 0);
        const f64x8 scaled = f64_mul(b, scales), product = f64_mul(a, scaled);
        *largest = f64_max(f64_from_bits(u64_and(f64_bits(b), magnitude)), *largest);
        f64_two_sum_into(&sum.high, &sum.low, product);
        sum.low = f64_add(sum.low, f64_fms(a, scaled, product));
    }
    return sum;
}

/* Returns the sum of p g scale; *largest becomes the largest |g|. */
static sd_sum sum_products(const double *p, const double *g, size_t n, double scale, double *largest) {
    f64x8 max;
    const pairs_t parts = sum_parts(p, g, n, scale, &max);
    double high[8], low[8];
    f64_store(high, parts.high);
    f64_store(low, parts.low);
    sd_sum sum = {high[0], low[0]};
    for (int i = 1; i < 8; i++) {
        const sd_sum lane = {high[i], low[i]};
        sum = sd_sum_add(sum, lane);
    }
    *largest = f64_reduce_max(max);
    return sum;
}

/* The sum of p g over a row, times 2^exponent. */
typedef struct {
    double high, low;
    int exponent;
} vjp_sum_t;

static vjp_sum_t find_vjp_sum(const double *p, const double *g, size_t n, const vjp_temperature_t *t) {
    double largest;
    int exponent = t->g_exponent;
    sd_sum sum = sum_products(p, g, n, sd_power_of_2(exponent), &largest);
    if (largest > 0 && largest <= DBL_MAX) {
        const int e = find_exponent(largest);
        if (e + exponent < 0 || e + exponent > MAX_G_EXPONENT) {
            exponent = clamp_int(MAX_G_EXPONENT - e, -1022, 1023);
            sum = sum_products(p, g, n, sd_power_of_2(exponent), &largest);
        }
        if (fabs(sum.high) > 4 * sd_power_of_2(MAX_G_EXPONENT)) {
            exponent -= find_exponent(fabs(sum.high)) - MAX_G_EXPONENT;
            sum = sum_products(p, g, n, sd_power_of_2(exponent), &largest);
        }
    }
    const vjp_sum_t result = {sum.high, sum.low, exponent};
    return result;
}

/* Rows of up to so many items are summed eight at a time; eight of p and of g fit in L1. */
#define SHORT_VJP (16 * WIDTH)

/* Finds the sums of eight rows, side by side: the same numbers. Returns 0 if a row needs another exponent
 * than that of the temperature, or its sum is not finite, else 1. */
static int find_eight_vjp_sums(vjp_sum_t *sums, const double *p, ptrdiff_t p_stride, const double *g,
                               ptrdiff_t g_stride, size_t n, const vjp_temperature_t *t) {
    const double scale = sd_power_of_2(t->g_exponent);
    const f64x8 zero = f64_set1(0), one = f64_set1(1), most = f64_set1(sd_power_of_2(MAX_G_EXPONENT));
    double rows[2][64], columns[2][64];
    f64x8 maxima[8];
    for (int i = 0; i < 8; i++) {
        const pairs_t parts = sum_parts(p + i * p_stride, g + i * g_stride, n, scale, &maxima[i]);
        f64_store(rows[0] + 8 * i, parts.high);
        f64_store(rows[1] + 8 * i, parts.low);
    }
    for (int part = 0; part < 2; part++) rows_to_columns(rows[part], 8, columns[part], 8);
    pairs_t sum = {f64_load(columns[0]), f64_load(columns[1])};
    for (int i = 1; i < 8; i++) {
        const pairs_t lane = {f64_load(columns[0] + 8 * i), f64_load(columns[1] + 8 * i)};
        sum = add_pairs(sum, lane);
    }
    const f64x8 largest = f64_mul(f64_reduce_max_8(maxima), f64_set1(scale));
    f64x8 bad = f64_where_ge(largest, one, zero, f64_where_ge(zero, largest, zero, one));
    bad = f64_add(bad, f64_where_ge(most, largest, zero, one));
    bad = f64_add(bad, f64_where_ge(most, f64_abs(sum.high), zero, one));
    double high[8], low[8];
    f64_store(high, sum.high);
    f64_store(low, sum.low);
    for (int i = 0; i < 8; i++) {
        const vjp_sum_t each = {high[i], low[i], t->g_exponent};
        sums[i] = each;
    }
    return f64_mask_ge(zero, bad) == 255;
}

/* What the gradient of one row is computed from: the sum of p g as two numbers, the power of two that g is
 * multiplied by, the inverse of T as two numbers, and the power of two that scales results back, as two
 * factors, because it may be out of range. */
typedef struct { f64x8 minus_sum_high, sum_low, g_scale, high, low, scale_back_1, scale_back_2; } vjp_writer_t;

SD_INLINE vjp_writer_t make_vjp_writer(const vjp_sum_t *sum, const vjp_temperature_t *t) {
    const int back = -t->exponent - sum->exponent - P_EXPONENT, first = clamp_int(back, -1000, 1000);
    const vjp_writer_t w = {f64_set1(-sum->high),
                            f64_set1(sum->low),
                            f64_set1(sd_power_of_2(sum->exponent)),
                            t->high,
                            t->low,
                            f64_set1(t->is_infinite ? 0 : sd_power_of_2(first)),
                            f64_set1(sd_power_of_2(clamp_int(back - first, -1000, 1000)))};
    return w;
}

SD_INLINE f64x8 compute_gradient(const vjp_writer_t *w, f64x8 p, f64x8 g) {
    f64x8 lost;
    const f64x8 d = f64_two_sum(f64_mul(g, w->g_scale), w->minus_sum_high, &lost);
    const f64x8 d_low = f64_sub(lost, w->sum_low);
    const f64x8 q = f64_mul(p, w->high);
    const f64x8 q_low = f64_fma(p, w->low, f64_fms(p, w->high, q));
    const f64x8 r = f64_fma(q, d, f64_fma(q_low, d, f64_mul(q, d_low)));
    const f64x8 back = f64_mul(f64_mul(r, w->scale_back_1), w->scale_back_2);
    return f64_add(back, f64_set1(0)); /* -0 becomes +0 */
}
