/* The gradient of a loss with respect to logits x, given p = softmax(x / T) and the gradient g of the loss
 * with respect to p: p (g - sum(p g)) / T, for each of many rows. One pass over a row finds the sum, one
 * writes the results; vjp_f32.h and vjp_f64.h have the arithmetic.
 *
 * If p or g has a NaN or an infinity, the sum is not finite, and the whole row becomes NaN. So it does at
 * T = infinity, where results are otherwise 0, because it does at every finite T. */

static void write_gradients(const vjp_sum_t *sum, const real_t *p, const real_t *g, real_t *out, size_t n,
                            const vjp_temperature_t *t) {
    if (!(sum->high <= DBL_MAX && sum->high >= -DBL_MAX)) {
        fill_row(out, n, (real_t)sd_nan());
        return;
    }
    const vjp_writer_t writer = make_vjp_writer(sum, t);
    size_t i = 0;
    for (; n - i >= WIDTH; i += WIDTH)
        v_store(out + i, compute_gradient(&writer, v_load(p + i), v_load(g + i)));
    if (i < n)
        store_up_to(out + i, n - i,
                    compute_gradient(&writer, load_padded(p + i, n - i, 0), load_padded(g + i, n - i, 0)));
}

/* Finds the sums of the next rows, of which there are `left`, at one temperature; returns of how many. */
static size_t find_vjp_sums(vjp_sum_t *sums, size_t left, const real_t *p, ptrdiff_t p_stride, const real_t *g,
                            ptrdiff_t g_stride, size_t n, const vjp_temperature_t *t) {
#ifdef SHORT_VJP /* in float32, eight at a time would take 1.16 of the time */
    if (left >= 8 && n <= SHORT_VJP && find_eight_vjp_sums(sums, p, p_stride, g, g_stride, n, t)) return 8;
#else
    (void)left, (void)p_stride, (void)g_stride;
#endif
    sums[0] = find_vjp_sum(p, g, n, t);
    return 1;
}

static void softmax_vjp(const void *probabilities, const void *gradient, ptrdiff_t g_stride, void *result,
                        const sd_rows *rows) {
    const real_t *p = probabilities, *g = gradient;
    real_t *out = result;
    if (rows->n == 0) return;
    double t = sd_nan();
    vjp_temperature_t temperature = make_vjp_temperature(1);
    for (size_t i = 0, count; i < rows->rows; i += count) {
        const double next = rows->temperature[(ptrdiff_t)i * rows->temperature_stride];
        const size_t left = rows->temperature_stride == 0 ? rows->rows - i : 1;
        vjp_sum_t sums[8];
        if (next != t) temperature = make_vjp_temperature(t = next);
        count = find_vjp_sums(sums, left, p, rows->x_stride, g, g_stride, rows->n, &temperature);
        for (size_t r = 0; r < count; r++) {
            write_gradients(&sums[r], p, g, out, rows->n, &temperature);
            p += rows->x_stride, g += g_stride, out += rows->out_stride;
        }
    }
}
