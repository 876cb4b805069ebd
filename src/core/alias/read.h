/* Weights read once: copied, checked, added exactly.
 *
 * Doubles are added by chunks. Adding and subtracting a large power of two cuts each weight of a
 * chunk at a fixed bit, and what is left at another one 45 bits below (Rump, Ogita and Oishi,
 * "Accurate floating-point summation, part I", SIAM J. Sci. Comput. 31, 2008), so that the parts
 * above either cut add up in doubles without rounding. A chunk with bits below both is added weight
 * by weight. */

enum { SD_CHUNK = 2048 }; /* 2^8 weights a lane: the room that the cuts leave for carries */

static void add_one_by_one(sd_exact_sum *sum, const uint64_t *copy, size_t n) {
    for (size_t i = 0; i < n; i++) sd_exact_sum_add_double(sum, copy[i]);
}

/* The sum of all lanes, integers when scaled. */
SD_INLINE int64_t sum_lanes(f64x8 sums, double scale) {
    double lane[8];
    int64_t total = 0;
    f64_store(lane, f64_mul(sums, f64_set1(scale)));
    for (int i = 0; i < 8; i++) total += (int64_t)lane[i];
    return total;
}

/* Adds n copies of doubles, at most SD_CHUNK; maximum is the largest of them. */
static void add_chunk(sd_exact_sum *sum, const uint64_t *copy, size_t n, uint64_t maximum) {
    /* all are below 2^exponent; its bounds keep the cuts, and what scales by them, in range */
    int exponent = (int)(maximum >> 52) - 1022;
    if (exponent < -900) exponent = -900;
    const size_t whole = exponent > 900 || n < 64 ? 0 : n - n % 8;
    add_one_by_one(sum, copy + whole, n - whole);
    if (!whole) return;

    const f64x8 upper_cut = f64_set1(sd_power_of_2(exponent + 8));
    const f64x8 lower_cut = f64_set1(1.5 * sd_power_of_2(exponent - 37));
    f64x8 uppers = f64_set1(0), lowers = f64_set1(0);
    u64x8 left = u64_set1(0);
    for (size_t i = 0; i < whole; i += 8) {
        const f64x8 weight = f64_from_bits(u64_load(copy + i));
        const f64x8 upper = f64_sub(f64_add(weight, upper_cut), upper_cut);
        const f64x8 rest = f64_sub(weight, upper);
        const f64x8 lower = f64_sub(f64_add(rest, lower_cut), lower_cut);
        uppers = f64_add(uppers, upper);
        lowers = f64_add(lowers, lower);
        left = u64_or(left, f64_bits(f64_sub(rest, lower)));
    }
    if (u64_mask_lt(u64_set1(0), left)) {
        add_one_by_one(sum, copy, whole);
        return;
    }
    /* The last bits that the cuts keep are 2^(exponent - 44) and 2^(exponent - 89). Where the lower
     * sum is negative, as many of the upper units as make it positive are taken from there. */
    int64_t upper = sum_lanes(uppers, sd_power_of_2(44 - exponent));
    int64_t lower = sum_lanes(lowers, sd_power_of_2(89 - exponent));
    if (lower < 0) {
        const int64_t unit = (int64_t)1 << 45, taken = (unit - 1 - lower) / unit;
        upper -= taken;
        lower += taken * unit;
    }
    sd_exact_sum_add(sum, (uint64_t)upper, (unsigned)(exponent - 44 + SD_SUM_BELOW));
    sd_exact_sum_add(sum, (uint64_t)lower, (unsigned)(exponent - 89 + SD_SUM_BELOW));
}

/* What is known of copies that have been made, in packs and one by one. */
typedef struct { u64x8 largest, different; } seen_t;

SD_INLINE void see_copies(seen_t *seen, u64x8 bits, u64x8 first) {
    seen->largest = u64_where_lt(seen->largest, bits, bits, seen->largest);
    seen->different = u64_or(seen->different, u64_xor(bits, first));
}

SD_INLINE uint64_t find_largest(const seen_t *seen) {
    uint64_t lane[8], largest = 0;
    u64_store(lane, seen->largest);
    for (int i = 0; i < 8; i++) largest = lane[i] > largest ? lane[i] : largest;
    return largest;
}

/* Returns the index of the first weight that is none, or n. Adding zero makes zeros positive. The
 * last weights are read through volatile: once, as the others are by their loads. Equal ones are not
 * added up before another one comes. */
SD_INLINE size_t read_reals(const double *doubles, const float *floats, size_t n, uint64_t *copy,
                            sd_weights *weights) {
    const u64x8 zero = u64_set1(0);
    size_t added = 0;
    for (size_t start = 0, end; start < n; start = end) {
        end = n - start < SD_CHUNK ? n : start + SD_CHUNK;
        seen_t seen = {zero, zero};
        size_t i = start;
        for (u64x8 first = zero; i + 8 <= end; i += 8) {
            const f64x8 weight = floats ? f64_load_f32(floats + i) : f64_load(doubles + i);
            const u64x8 bits = f64_bits(f64_add(weight, f64_set1(0)));
            u64_store(copy + i, bits);
            if (i == start) first = u64_set1(copy[0]);
            see_copies(&seen, bits, first);
        }
        uint64_t maximum = find_largest(&seen);
        int same = u64_mask_eq(seen.different, zero) == 255;
        for (; i < end; i++) {
            const double weight =
                floats ? *(const volatile float *)(floats + i) : *(const volatile double *)(doubles + i);
            copy[i] = sd_f64_bits(weight + 0.0);
            if (copy[i] > maximum) maximum = copy[i];
            if (copy[i] != copy[0]) same = 0;
        }
        if (maximum >= sd_infinity_bits) {
            for (i = start; copy[i] < sd_infinity_bits;) i++;
            return i;
        }
        if (maximum > weights->maximum) {
            weights->maximum = maximum;
            weights->near = start;
        }
        if (same && !added) continue;
        for (; added < start; added += SD_CHUNK) {
            add_chunk(&weights->sum, copy + added, SD_CHUNK, copy[0]);
        }
        add_chunk(&weights->sum, copy + start, end - start, maximum);
        added = end;
    }
    weights->same = !added;
    return n;
}

static size_t read_f64(const void *weights, size_t n, uint64_t *copy, sd_weights *seen) {
    return read_reals(weights, NULL, n, copy, seen);
}

static size_t read_f32(const void *weights, size_t n, uint64_t *copy, sd_weights *seen) {
    return read_reals(NULL, weights, n, copy, seen);
}

/* Any integer is a weight. Their halves add up without carries out of 64 bits. */
static size_t read_u64(const void *input, size_t n, uint64_t *copy, sd_weights *weights) {
    const uint64_t *integers = input;
    const u64x8 low = u64_set1(0xffffffff), zero = u64_set1(0);
    u64x8 lows = zero, highs = zero, first = zero;
    seen_t seen = {zero, zero};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const u64x8 weight = u64_load(integers + i);
        u64_store(copy + i, weight);
        if (i == 0) first = u64_set1(copy[0]);
        see_copies(&seen, weight, first);
        lows = u64_add(lows, u64_and(weight, low));
        highs = u64_add(highs, u64_shr_by(weight, 32));
    }
    weights->maximum = find_largest(&seen);
    weights->same = u64_mask_eq(seen.different, zero) == 255;
    for (; i < n; i++) {
        copy[i] = *(const volatile uint64_t *)(integers + i);
        sd_exact_sum_add(&weights->sum, copy[i], SD_SUM_BELOW);
        if (copy[i] > weights->maximum) weights->maximum = copy[i];
        if (copy[i] != copy[0]) weights->same = 0;
    }
    uint64_t lane[8];
    u64_store(lane, lows);
    for (i = 0; i < 8; i++) sd_exact_sum_add(&weights->sum, lane[i], SD_SUM_BELOW);
    u64_store(lane, highs);
    for (i = 0; i < 8; i++) sd_exact_sum_add(&weights->sum, lane[i], SD_SUM_BELOW + 32);
    return n;
}
