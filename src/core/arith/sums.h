/* Double-double sums: two doubles of which the second keeps what rounding loses. */
#ifndef SD_SUMS_H
#define SD_SUMS_H
#include "../compiler.h"

/* The number high + low, where |low| is at most half a unit in the last place of high. */
typedef struct { double high, low; } sd_sum;

/* a + b exactly, whichever of the two is larger (Knuth's TwoSum). */
SD_INLINE sd_sum sd_two_sum(double a, double b) {
    const double sum = a + b, b_part = sum - a;
    const sd_sum r = {sum, (a - (sum - b_part)) + (b - b_part)};
    return r;
}

/* The sum of two such numbers, rounded to one. */
SD_INLINE sd_sum sd_sum_add(sd_sum a, sd_sum b) {
    const sd_sum high = sd_two_sum(a.high, b.high);
    return sd_two_sum(high.high, high.low + (a.low + b.low));
}

SD_INLINE sd_sum sd_sum_scale(sd_sum a, double power_of_two) {
    const sd_sum r = {a.high * power_of_two, a.low * power_of_two};
    return r;
}

#endif
