/* Scalars: sums that keep what their roundings lose, and integers by rounding. */

/* adding it rounds |a| < 2^51 to an integer, which is left when it is taken off again */
#define SD_WHOLE 0x1.8p52

/* 2^k for an integer k < 1024; 0 where that is subnormal */
SD_INLINE double sd_power_of_2(double k) {
    const uint64_t bits = k < -1022 ? 0 : (uint64_t)(1023 + (int64_t)k) << 52;
    double r;
    memcpy(&r, &bits, sizeof r);
    return r;
}

/* m from 1 to 2, exclusively, and the exponent with a = 2^exponent m, for a normal a above 0 */
SD_INLINE double sd_mantissa(double a, int *exponent) {
    uint64_t bits;
    memcpy(&bits, &a, sizeof bits);
    *exponent = (int)(bits >> 52) - 1023;
    bits = (bits & UINT64_MAX >> 12) | (uint64_t)1023 << 52;
    memcpy(&a, &bits, sizeof a);
    return a;
}

/* high + low, |low| at most half a unit of high's last place */
typedef struct { double high, low; } sd_sum;

/* a + b without loss (Knuth's TwoSum) */
SD_INLINE sd_sum sd_two_sum(double a, double b) {
    const double sum = a + b, part = sum - a;
    const sd_sum r = {sum, (a - (sum - part)) + (b - part)};
    return r;
}

SD_INLINE sd_sum sd_sum_add(sd_sum a, sd_sum b) {
    const sd_sum high = sd_two_sum(a.high, b.high);
    return sd_two_sum(high.high, high.low + (a.low + b.low));
}

/* total += value, lane by lane, with what the rounding loses added to rest */
SD_INLINE void sd_two_sum_into(f64x8 *total, f64x8 *rest, f64x8 value) {
    const f64x8 sum = f64_add(*total, value), part = f64_sub(sum, *total);
    const f64x8 lost = f64_add(f64_sub(*total, f64_sub(sum, part)), f64_sub(value, part));
    *total = sum;
    *rest = f64_add(*rest, lost);
}
