/* The gradient of a loss through softmax, p (g - sum(p g)) / T, of rows: one pass for the sum, one to
 * write. A row with NaN or an infinity in p or g has a sum that is not finite, and is NaN whole: also at
 * T = infinity, for so it is at every T on the way there. */

SD_INLINE f32x16 vjp_load_f32(const float *x, size_t left) {
    return left >= 16 ? f32_load(x) : f32_load_n(x, left, 0);
}

SD_INLINE f64x8 vjp_load_f64(const double *x, size_t left) {
    return left >= 8 ? f64_load(x) : f64_load_n(x, left, 0);
}

/* ---- float32: in float64, where products are exact, so that no fma is needed, and no exponent is
 * out of range -------------------------------------------------------------------------------- */

SD_INLINE void vjp_add_f32(f64x8 *low, f64x8 *high, f32x16 p, f32x16 g) {
    *low = f64_add(*low, f64_mul(f32_low_to_f64(p), f32_low_to_f64(g)));
    *high = f64_add(*high, f64_mul(f32_high_to_f64(p), f32_high_to_f64(g)));
}

static double vjp_sum_f32(const float *p, const float *g, size_t n) {
    f64x8 a = f64_set1(0), b = a, c = a, d = a;
    size_t i = 0;
    for (; n - i >= 32; i += 32) {
        vjp_add_f32(&a, &b, f32_load(p + i), f32_load(g + i));
        vjp_add_f32(&c, &d, f32_load(p + i + 16), f32_load(g + i + 16));
    }
    if (i < n) vjp_add_f32(&a, &b, vjp_load_f32(p + i, n - i), vjp_load_f32(g + i, n - i));
    i += 16;
    if (i < n) vjp_add_f32(&c, &d, vjp_load_f32(p + i, n - i), vjp_load_f32(g + i, n - i));
    return f64_total(f64_add(f64_add(a, b), f64_add(c, d)));
}

SD_INLINE f32x16 vjp_pack_f32(f32x16 p, f32x16 g, f64x8 sum, f64x8 c) {
    const f64x8 low = f64_sub(f32_low_to_f64(g), sum), high = f64_sub(f32_high_to_f64(g), sum);
    const f32x16 r = f32_from_f64(f64_mul(f64_mul(f32_low_to_f64(p), low), c),
                                  f64_mul(f64_mul(f32_high_to_f64(p), high), c));
    return f32_add(r, f32_set1(0)); /* -0 becomes +0 */
}

static void vjp_row_f32(const float *p, const float *g, float *out, size_t n, double t) {
    const double s = vjp_sum_f32(p, g, n);
    if (!(s <= DBL_MAX && s >= -DBL_MAX)) {
        fill_f32(out, n, (float)sd_nan());
        return;
    }
    /* beyond these every result is 0 or infinite, as it is at them */
    const double clamped = t < 0x1p-1000 ? 0x1p-1000 : t > 0x1p1000 ? 0x1p1000 : t;
    const f64x8 sum = f64_set1(s), c = f64_set1(1 / clamped);
    size_t i = 0;
    for (; n - i >= 16; i += 16)
        f32_store(out + i, vjp_pack_f32(f32_load(p + i), f32_load(g + i), sum, c));
    if (i < n)
        f32_store_n(out + i, n - i,
                    vjp_pack_f32(vjp_load_f32(p + i, n - i), vjp_load_f32(g + i, n - i), sum, c));
}

/* ---- float64: the dot product of Ogita, Rump and Oishi ("Accurate sum and dot product", SIAM J.
 * Sci. Comput. 2005), as if in twice the precision; the rest in sums of two doubles ----------- */

/* floor(log2(a)), a finite and above 0 */
static int vjp_exponent(double a) {
    uint64_t bits;
    const int subnormal = a < DBL_MIN;
    if (subnormal) a *= 0x1p54;
    memcpy(&bits, &a, sizeof bits);
    return (int)(bits >> 52) - 1023 - 54 * subnormal;
}

/* 2^e, e from -1022 to 1023 */
static double vjp_power(int e) {
    const uint64_t bits = (uint64_t)(1023 + e) << 52;
    double r;
    memcpy(&r, &bits, sizeof r);
    return r;
}

static int vjp_clamp(int a, int low, int high) { return a < low ? low : a > high ? high : a; }

/* p is scaled by 2^VJP_P_EXPONENT, so that what its products round off is exact even where p is
 * subnormal; g by 2^455, or by more where T is so small that results would have to be scaled up; and if
 * the largest |g| then is not within 1 and 2^911, by what brings it as near to 2^910 as can be. For p
 * from 0 to 1 the products then neither overflow nor lose bits to underflow, and the result does only
 * when it is scaled back, if it must. */
enum { VJP_P_EXPONENT = 110, VJP_G_EXPONENT = 455, VJP_G_MOST = 910 };

/* T = 2^exponent m, with m from 1 to 2 */
typedef struct {
    int exponent, is_infinite;
    int g_exponent;  /* g is scaled by 2 to it, usually */
    f64x8 high, low; /* 2^VJP_P_EXPONENT / m, the sum of the two */
} vjp_temperature;

static vjp_temperature vjp_temperature_make(double t) {
    vjp_temperature r = {0};
    r.is_infinite = t > DBL_MAX;
    r.exponent = r.is_infinite ? 0 : vjp_exponent(t);
    r.g_exponent = vjp_clamp(-r.exponent - VJP_P_EXPONENT, VJP_G_EXPONENT, 1000);
    const int half = r.exponent / 2; /* for 2^-exponent may be out of range */
    const double m = r.is_infinite ? 1 : t * vjp_power(-half) * vjp_power(half - r.exponent);
    const f64x8 one = f64_set1(1), divisor = f64_set1(m);
    const f64x8 inverse = f64_div(one, divisor), p_scale = f64_set1(vjp_power(VJP_P_EXPONENT));
    const f64x8 error = f64_sub(f64_set1(0), f64_fms(divisor, inverse, one));
    r.high = f64_mul(inverse, p_scale);
    r.low = f64_mul(f64_mul(error, inverse), p_scale);
    return r;
}

/* The sum of p g scale, and the largest |g|. */
static sd_sum vjp_sum_f64(const double *p, const double *g, size_t n, double scale, double *largest) {
    const f64x8 scales = f64_set1(scale);
    const u64x8 magnitude = u64_set1(UINT64_MAX >> 1);
    f64x8 total = f64_set1(0), rest = total, max = total;
    for (size_t i = 0; i < n; i += 8) {
        const f64x8 a = vjp_load_f64(p + i, n - i), b = vjp_load_f64(g + i, n - i);
        const f64x8 scaled = f64_mul(b, scales), product = f64_mul(a, scaled);
        max = f64_max(f64_from_bits(u64_and(f64_bits(b), magnitude)), max);
        sd_two_sum_into(&total, &rest, product);
        rest = f64_add(rest, f64_fms(a, scaled, product));
    }
    double high[8], low[8];
    f64_store(high, total);
    f64_store(low, rest);
    sd_sum sum = {high[0], low[0]};
    for (int i = 1; i < 8; i++) {
        const sd_sum lane = {high[i], low[i]};
        sum = sd_sum_add(sum, lane);
    }
    *largest = f64_largest(max);
    return sum;
}

typedef struct { f64x8 sum_high, sum_low, g_scale, high, low, scale_back, and_more; } vjp_writer;

SD_INLINE f64x8 vjp_pack_f64(const vjp_writer *w, f64x8 p, f64x8 g) {
    const f64x8 scaled = f64_mul(g, w->g_scale);
    const f64x8 d = f64_sub(scaled, w->sum_high), part = f64_sub(d, scaled);
    const f64x8 lost = f64_sub(f64_sub(scaled, f64_sub(d, part)), f64_add(w->sum_high, part));
    const f64x8 d_low = f64_sub(lost, w->sum_low);
    const f64x8 q = f64_mul(p, w->high);
    const f64x8 q_low = f64_fma(p, w->low, f64_fms(p, w->high, q));
    const f64x8 r = f64_fma(q, d, f64_fma(q_low, d, f64_mul(q, d_low)));
    const f64x8 back = f64_mul(f64_mul(r, w->scale_back), w->and_more);
    return f64_add(back, f64_set1(0)); /* -0 becomes +0 */
}

static void vjp_row_f64(const double *p, const double *g, double *out, size_t n,
                        const vjp_temperature *t) {
    double largest;
    int exponent = t->g_exponent;
    sd_sum sum = vjp_sum_f64(p, g, n, vjp_power(exponent), &largest);
    if (largest > 0 && largest <= DBL_MAX) {
        const int e = vjp_exponent(largest);
        if (e + exponent < 0 || e + exponent > VJP_G_MOST) {
            exponent = vjp_clamp(VJP_G_MOST - e, -1022, 1023);
            sum = vjp_sum_f64(p, g, n, vjp_power(exponent), &largest);
        }
    }
    if (!(sum.high <= DBL_MAX && sum.high >= -DBL_MAX)) {
        fill_f64(out, n, sd_nan());
        return;
    }
    const int back = -t->exponent - exponent - VJP_P_EXPONENT, first = vjp_clamp(back, -1000, 1000);
    const vjp_writer writer = {
        f64_set1(sum.high),
        f64_set1(sum.low),
        f64_set1(vjp_power(exponent)),
        t->high,
        t->low,
        f64_set1(t->is_infinite ? 0 : vjp_power(first)),
        f64_set1(vjp_power(vjp_clamp(back - first, -1000, 1000))),
    };
    size_t i = 0;
    for (; n - i >= 8; i += 8)
        f64_store(out + i, vjp_pack_f64(&writer, f64_load(p + i), f64_load(g + i)));
    if (i < n)
        f64_store_n(out + i, n - i, vjp_pack_f64(&writer, vjp_load_f64(p + i, n - i),
                                                 vjp_load_f64(g + i, n - i)));
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void softmax_vjp_f32(const float *p, const float *g, ptrdiff_t g_stride, float *out,
                            const sd_rows *rows) {
    for (size_t i = 0; i < rows->rows; i++) {
        const double t = rows->temperature[(ptrdiff_t)i * rows->temperature_stride];
        vjp_row_f32(p, g, out, rows->n, t);
        p += rows->x_stride, g += g_stride, out += rows->out_stride;
    }
}

static void softmax_vjp_f64(const double *p, const double *g, ptrdiff_t g_stride, double *out,
                            const sd_rows *rows) {
    double t = sd_nan();
    vjp_temperature temperature = {0};
    for (size_t i = 0; i < rows->rows; i++) {
        const double next = rows->temperature[(ptrdiff_t)i * rows->temperature_stride];
        if (next != t) temperature = vjp_temperature_make(t = next);
        vjp_row_f64(p, g, out, rows->n, &temperature);
        p += rows->x_stride, g += g_stride, out += rows->out_stride;
    }
}
