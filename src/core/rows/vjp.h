/* The gradient of a loss with respect to logits x, given p = softmax(x / T) and the gradient g of the loss
 * with respect to p: p (g - sum(p g)) / T, for each of many rows. One pass over a row finds the sum, one
 * writes the results; vjp_f32.h and vjp_f64.h have the arithmetic.
 *
 * If p or g has a NaN or an infinity, the sum is not finite, and the whole row becomes NaN. So it does at
 * T = infinity, where results are otherwise 0, because it does at every finite T. */

static void vjp_row(const real_t *p, const real_t *g, real_t *out, size_t n, const vjp_temperature_t *t) {
    vjp_writer_t writer;
    if (!make_vjp_writer(&writer, p, g, n, t)) {
        fill_row(out, n, (real_t)sd_nan());
        return;
    }
    size_t i = 0;
    for (; n - i >= WIDTH; i += WIDTH)
        v_store(out + i, compute_gradient(&writer, v_load(p + i), v_load(g + i)));
    if (i < n)
        store_up_to(out + i, n - i,
                    compute_gradient(&writer, load_padded(p + i, n - i, 0), load_padded(g + i, n - i, 0)));
}

static void softmax_vjp(const void *probabilities, const void *gradient, ptrdiff_t g_stride, void *result,
                        const sd_rows *rows) {
    const real_t *p = probabilities, *g = gradient;
    real_t *out = result;
    if (rows->n == 0) return;
    double t = sd_nan();
    vjp_temperature_t temperature = make_vjp_temperature(1);
    for (size_t i = 0; i < rows->rows; i++) {
        const double next = rows->temperature[(ptrdiff_t)i * rows->temperature_stride];
        if (next != t) temperature = make_vjp_temperature(t = next);
        vjp_row(p, g, out, rows->n, &temperature);
        p += rows->x_stride, g += g_stride, out += rows->out_stride;
    }
}
