/* The first half of every exponential e^(x / T), x being an element of a row and T its temperature: what is
 * computed once for a temperature (temperature_t) and once for a row (reduction_t), and what they make of
 * each x (reduce_packs). The second half is in exp2_f32.h and exp2_f64.h.
 *
 * With c = log2(e) / T, e^(x / T) = 2^(x c). c is kept as c_hi + c_lo, where c_hi is a real_t that is not
 * above c. Adding x c_hi to the constant ROUNDER, which is so large that its last bit is worth one step of
 * the table (1/8, in float64 1/4), rounds x c_hi to a whole number of steps. The exponentials of a row are
 * relative to 2^power, the power of two nearest to the exponential of its maximum. This costs nothing: a row
 * has a rounder of its own, ROUNDER minus as many steps as the power has, and x c_hi is added to that. */
#include "../arith/bits.h"
#include "../arith/exp2_constants.h"
#include "../arith/log1p.h"
#include "../arith/sums.h"
#include "../simd/columns.h"
#include "../simd/sums.h"

/* Range modes, which say how x goes into an exponential: as it is, because no x of the row is so low that
 * it must be clamped; clamped from below; or scaled and shifted first, and then clamped. */
enum { NO_CLAMP = -1, CLAMP = 0, SHIFT = 1 };

/* The limits of softmax at T = 0, where only the maximum counts, and T = infinity, where all x do. */
enum { MAXIMUM_ALONE = 1, ALL_EQUAL = 2 };

/* A temperature, ready for any row. Instead of x, (x s1 + shift) s2 is multiplied by c; shift depends on
 * the row. For plain temperatures (real_f32.h) s1 and s2 are 1. */
typedef struct {
    double c;          /* log2(e) / (T s1 s2) */
    double clamp;      /* CLAMP_BITS / c: how far below the maximum x s1 s2 is clamped */
    real_t c_hi, c_lo; /* their sum is c */
    real_t s1, s2;     /* powers of two that bring extreme temperatures into range */
    int limit;         /* 0; or MAXIMUM_ALONE or ALL_EQUAL: then nothing else is set */
} temperature_t;

/* Makes a plain temperature; exp2_f32.h and exp2_f64.h define it. */
SD_INLINE temperature_t make_plain_temperature(double t);

SD_INLINE temperature_t make_temperature(double t) {
    temperature_t limit = {0, 0, 0, 0, 1, 1, 0};
    if (t >= ALL_EQUAL_FROM) limit.limit = ALL_EQUAL;
    if (t < MAXIMUM_ALONE_BELOW) limit.limit = MAXIMUM_ALONE;
    if (limit.limit) return limit;
    const real_t s1 = t > MAX_PLAIN_TEMPERATURE ? UNSCALE : 1, s2 = t < MIN_PLAIN_TEMPERATURE ? SCALE : 1;
    temperature_t r = make_plain_temperature(t * s1 * s2);
    r.s1 = s1;
    r.s2 = s2;
    return r;
}

/* The temperature t of the current row of many, also made ready. */
typedef struct {
    double t;
    temperature_t ready;
} row_temperature_t;

SD_INLINE row_temperature_t start_temperature(const sd_rows *rows) {
    const row_temperature_t current = {rows->temperature[0], make_temperature(rows->temperature[0])};
    return current;
}

/* Goes on to row i. A temperature that stays the same is made ready only once. */
SD_INLINE void update_temperature(row_temperature_t *current, const sd_rows *rows, size_t i) {
    const double t = rows->temperature[(ptrdiff_t)i * rows->temperature_stride];
    if (t != current->t) current->ready = make_temperature(current->t = t);
}

/* The numbers that reduce each x of one row; see the top of this file, and temperature_t. */
typedef struct {
    real_t c_hi, c_lo, s1, s2, shift;
    real_t floor;   /* a scaled and shifted x below this is clamped to it */
    real_t rounder; /* ROUNDER less the power */
    double power;   /* exponentials are relative to 2^power */
} reduction_t;

/* Makes the reduction of a row that needs no shift. */
SD_INLINE reduction_t make_reduction(const temperature_t *t, real_t max) {
    reduction_t r = {t->c_hi, t->c_lo, 1, 1, 0, (real_t)((double)max - t->clamp), 0, 0};
    const double whole = (double)max * t->c + SD_TO_INTEGER;
    r.power = whole - SD_TO_INTEGER;
    r.rounder = (real_t)((ROUNDER + SD_TO_INTEGER) - whole); /* ready sooner than ROUNDER - power */
    return r;
}

/* Whether a is a number that is not infinite. As a function it made loops up to 3% slower. */
#define IS_FINITE(a) ((a) <= LARGEST && (a) >= -LARGEST)

/* Whether the maximum must be subtracted first, or x scaled. Also if the maximum is NaN or infinite. */
SD_INLINE int needs_shift(const temperature_t *t, real_t max) {
    const double offset = (double)max * t->c;
    return !(offset <= MAX_OFFSET && offset >= -MAX_OFFSET) || t->s1 != 1 || t->s2 != 1;
}

/* Makes the reduction of any row whose maximum is finite, for the range mode SHIFT. The maximum is
 * subtracted only if it is so large that it must be. */
SD_INLINE reduction_t make_shifted_reduction(const temperature_t *t, real_t max) {
    const real_t scaled = max * t->s1;
    const double offset = (double)scaled * t->s2 * t->c;
    const int subtract = offset > MAX_OFFSET || offset < -MAX_OFFSET;
    reduction_t r = make_reduction(t, subtract ? 0 : scaled * t->s2);
    r.s1 = t->s1;
    r.s2 = t->s2;
    r.shift = subtract ? -scaled : 0;
    return r;
}

/* Makes the reduction of any row whose maximum is finite; `shifted` is what needs_shift returns. */
SD_INLINE reduction_t choose_reduction(const temperature_t *t, real_t max, int shifted) {
    return shifted ? make_shifted_reduction(t, max) : make_reduction(t, max);
}

/* The parts of a reduction in packs: one row's in all lanes, or one row's in each lane. */
typedef struct { pack_t c_hi, c_lo, floor, rounder; } lane_reductions_t;

/* Reduces `group` packs x: k gets the whole steps of the table, in its low bits, and f what x c has beyond
 * them, rounded to the grid (GRID) if on_grid. Only the range mode SHIFT reads r, which may be NULL
 * otherwise. Here and in exp2_f32.h and exp2_f64.h all packs go in lockstep, operation by operation: one
 * after the other, the long chain of each pack would fill the CPU's scheduler before the next begins. */
SD_INLINE void reduce_packs(const lane_reductions_t *l, const reduction_t *r, const int group,
                            const pack_t *x, const int range_mode, const int on_grid, pack_t *k,
                            pack_t *f, pack_t *raw) {
    const pack_t grid = v_set1(GRID);
    pack_t y[MAX_GROUP];
    FOR_EACH_PACK y[u] = x[u];
    if (range_mode == SHIFT) {
        FOR_EACH_PACK y[u] = v_fma(y[u], v_set1(r->s1), v_set1(r->shift));
        FOR_EACH_PACK y[u] = v_mul(y[u], v_set1(r->s2));
    }
    /* v_max returns its second argument if that is NaN, so that the sum becomes NaN, too */
    if (range_mode != NO_CLAMP) FOR_EACH_PACK y[u] = v_max(l->floor, y[u]);
    FOR_EACH_PACK k[u] = v_fma(y[u], l->c_hi, l->rounder);
    FOR_EACH_PACK f[u] = v_sub(k[u], l->rounder);
    FOR_EACH_PACK f[u] = v_fms(y[u], l->c_hi, f[u]);
    FOR_EACH_PACK f[u] = v_fma(y[u], l->c_lo, f[u]);
    if (raw) FOR_EACH_PACK raw[u] = f[u];
    if (on_grid) {
        FOR_EACH_PACK f[u] = v_add(f[u], grid);
        FOR_EACH_PACK f[u] = v_sub(f[u], grid);
    }
}

/* The inverse of a divisor, as high + low: one number in all lanes, or one for each lane. */
typedef struct { pack_t high, low; } inverse_t;

/* Whether eight rows need no shift; offset is their maxima times c, t their temperatures. */
SD_INLINE int are_ordinary(f64x8 offset, f64x8 t) {
    const f64x8 zero = f64_set1(0), one = f64_set1(1);
    f64x8 bad = f64_where_ge(f64_set1(MAX_OFFSET), f64_abs(offset), zero, one);
    bad = f64_add(bad, f64_where_ge(t, f64_set1(MIN_PLAIN_TEMPERATURE), zero, one));
    bad = f64_add(bad, f64_where_ge(f64_set1(MAX_PLAIN_TEMPERATURE), t, zero, one));
    return f64_mask_ge(zero, bad) == 255;
}
