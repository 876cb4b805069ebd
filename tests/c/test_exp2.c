/* The exponential of softmax on consecutive floats: every float32 of a binade against exp in
 * double, and the order promise between all neighbours (log_softmax's, too), at several
 * temperatures and beside other sums; and that promise for random neighbours of both types at
 * random temperatures. With the argument "all", every float32 of every binade where x / T matters.
 *
 * A binade of x is at least an octave of x log2(e) / T, and so all there is to the reduced range:
 * each entry of the table with each f. */
#include "check.h"

/* The floats of a row, the first and last of which are also in the rows beside it; and room for
 * what stands behind them. */
enum { RUN = (1 << 16) + 1, ROOM = RUN + 1100, ROWS = 1 << 7 };

static const double temperatures[] = {1, 0.7, 3.3, 0.013, 7.7, 1e-30, 1e30};
enum { TEMPERATURES = sizeof temperatures / sizeof *temperatures };

/* What else is in a row: `count` elements, `above` temperatures above the last float. They make the
 * divisor another one, and the results large, small or subnormal. */
static const struct { int count; double above; } others[] = {
    {0, 0}, {1, 0.3}, {3, 20}, {1000, 0.01}, {1, 60}, {1, 85}, {2, 97},
};
enum { OTHERS = sizeof others / sizeof *others, REPEATED = 64 };

#define LN2_16 0.043321698784996581 /* ln(2) / 16 */

static double worst[TEMPERATURES];

/* The outputs for x and for the next float. */
static void check_order(const char *what, double x, double temperature, double low, double high) {
    if (!(high >= low)) FAIL("%s falls after x = %.17g at T = %g\n", what, x, temperature);
}

static float float_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* |got - wanted| in ULP of wanted, as a float: its spacing, or the smallest one. */
static double ulp_error(float got, double wanted) {
    const float power_of_2 = float_from_bits(float_bits((float)wanted) & 0x7f800000);
    const double spacing = (double)(power_of_2 > FLT_MIN ? power_of_2 : FLT_MIN) * FLT_EPSILON;
    return fabs(got - wanted) / spacing;
}

/* The row of RUN floats that ascends through sign * [first, ...), with others behind. */
static void check_row(uint32_t first, int sign, int t, int other) {
    static float x[ROOM], out[ROOM];
    static double e[ROOM];
    const double temperature = temperatures[t];
    for (int i = 0; i < RUN; i++)
        x[i] = (float)sign * float_from_bits(first + (uint32_t)(sign > 0 ? i : RUN - 1 - i));
    int n = RUN;
    const float top = (float)(x[RUN - 1] + others[other].above * temperature);
    for (int i = 0; i < others[other].count; i++) x[n++] = top;
    for (int i = 0; i < REPEATED; i++) x[n++] = x[1021 * i]; /* in other lanes than before */

    softdraw_softmax_f32(x, n, out, n, 1, (size_t)n, &temperature, 0);
    double sum = 0;
    for (int i = 0; i < n; i++) sum += e[i] = exp(((double)x[i] - top) / temperature);
    double largest = 0;
    for (int i = 0; i < RUN; i++) {
        const double error = ulp_error(out[i], e[i] / sum);
        if (!(error <= 1)) FAIL("%g ULP off at x = %.17g, T = %g\n", error, x[i], temperature);
        if (error > largest) largest = error;
    }
    if (largest > worst[t]) worst[t] = largest;
    for (int i = 1; i < RUN; i++)
        check_order("softmax", x[i - 1], temperature, out[i - 1], out[i]);
    for (int i = 0; i < REPEATED; i++)
        if (out[n - REPEATED + i] != out[1021 * i])
            FAIL("equal elements differ at x = %.17g, T = %g\n", x[1021 * i], temperature);

    softdraw_log_softmax_f32(x, n, out, n, 1, (size_t)n, &temperature, 0);
    for (int i = 1; i < RUN; i++)
        check_order("log_softmax", x[i - 1], temperature, out[i - 1], out[i]);
}

/* The floats x with 2^exponent <= |x| < 2^(exponent + 1): one in `step` of their rows. */
static void check_binade(int exponent, int t, int step) {
    const int biased = exponent + 127, start = (biased * 37 + t) % step;
    for (int row = start; row < ROWS; row += step)
        for (int sign = -1; sign <= 1; sign += 2) {
            const uint32_t first = ((uint32_t)biased << 23) + (uint32_t)row * (RUN - 1);
            check_row(first, sign, t, (row / step + t + biased) % OTHERS);
        }
}

/* `rows` times 4,096 pairs of neighbours, in one row or in many, the order of which both functions
 * must keep. Half of the pairs stand where x log2(e) / T is a multiple of 1/16: between two entries
 * of a table of 4 or of 8, or at one. There two formulas meet, and at few floats of a binade. */
#define CHECK_ORDER(suffix, real, next)                                                           \
    static void check_order_##suffix(int rows) {                                                  \
        enum { PAIRS = 4096, LONGEST = 2 * PAIRS + 1000 };                                        \
        static real x[LONGEST], out[LONGEST];                                                     \
        for (int row = 0; row < rows; row++) {                                                    \
            const double temperature = temperatures[row % TEMPERATURES] * (1 + uniform());        \
            const double reach = ldexp(1, (int)(16 * uniform()) - 8);                             \
            const double middle = row % 3 ? 0 : 900 * uniform();                                  \
            real top = -(real)INFINITY;                                                           \
            for (int i = 0; i < PAIRS; i++) {                                                     \
                double z = middle + reach * (2 * uniform() - 1);                                  \
                if (i % 2) z = LN2_16 * floor(z / LN2_16);                                        \
                real pair = (real)(z * temperature);                                              \
                for (int steps = i / 2 % 8; i % 2 && steps > 0; steps--)                          \
                    pair = next(pair, (real)(i % 32 < 16 ? INFINITY : -INFINITY));                \
                x[2 * i] = pair;                                                                  \
                x[2 * i + 1] = next(pair, (real)INFINITY);                                        \
                top = x[2 * i + 1] > top ? x[2 * i + 1] : top;                                    \
            }                                                                                     \
            const double above = others[row % OTHERS].above * temperature;                        \
            for (int i = 0; i < others[row % OTHERS].count; i++)                                  \
                x[2 * PAIRS + i] = (real)(top + above);                                           \
            const size_t lengths[] = {2 * PAIRS, 2, 6, 16, 34, 150}, length = lengths[row % 6];   \
            const size_t count = 2 * PAIRS / length;                                              \
            const size_t n = length + (count == 1 ? (size_t)others[row % OTHERS].count : 0);      \
            const ptrdiff_t stride = (ptrdiff_t)n;                                                \
            softdraw_softmax_##suffix(x, stride, out, stride, count, n, &temperature, 0);         \
            for (size_t i = 0; i < count * length; i += 2)                                        \
                check_order(#suffix " softmax", x[i], temperature, out[i], out[i + 1]);           \
            softdraw_log_softmax_##suffix(x, stride, out, stride, count, n, &temperature, 0);     \
            for (size_t i = 0; i < count * length; i += 2)                                        \
                check_order(#suffix " log_softmax", x[i], temperature, out[i], out[i + 1]);       \
        }                                                                                         \
    }

CHECK_ORDER(f32, float, nextafterf)
CHECK_ORDER(f64, double, nextafter)

int main(int argc, char **argv) {
    const int all = argc > 1 && strcmp(argv[1], "all") == 0, tier = require_tier();
    /* one float at a time, or under an emulator, a sample must do */
    const int quick = tier == SOFTDRAW_SCALAR || tier == SOFTDRAW_NEON;
    for (int t = 0; t < TEMPERATURES; t++) {
        const int one = ilogb(temperatures[t]); /* |x / T| is about 1 in this binade */
        for (int binade = -30; binade <= 12; binade += quick ? 3 : 1)
            if (one + binade >= -126)
                check_binade(one + binade, t, all ? 1 : quick ? ROWS : binade == 0 ? 1 : ROWS / 4);
    }
    check_order_f32(all ? 20000 : quick ? 100 : 2500);
    check_order_f64(all ? 20000 : quick ? 100 : 2500);

    for (int t = 0; t < TEMPERATURES; t++)
        printf("worst error %.4f ULP at T = %g\n", worst[t], temperatures[t]);
    return finish();
}
