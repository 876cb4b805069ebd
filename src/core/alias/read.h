/* Reads the weights of an alias table once (step 1 of alias_build.c): copies them, checks them, and finds
 * their exact sum and the largest.
 *
 * Doubles are added in chunks. Adding a large power of two to a weight and subtracting it again rounds the
 * weight to a multiple of a fixed power of two, its upper part. What remains of the weight is rounded in
 * the same way, to a power of two that is 45 bits smaller; this is its lower part (Rump, Ogita and Oishi,
 * "Accurate floating-point summation, part I", SIAM J. Sci. Comput. 31, 2008). The upper parts of a chunk
 * add up in doubles without rounding, and so do the lower parts. A chunk with bits below both is added
 * weight by weight. */

enum { CHUNK = 2048 }; /* weights in a chunk; upper and lower parts leave room for 2^8 per lane */

/* Adds n copies of doubles. */
static void add_one_by_one(sd_exact_sum *sum, const uint64_t *copy, size_t n) {
    for (size_t i = 0; i < n; i++) sd_exact_sum_add_double(sum, copy[i]);
}

/* The sum of the lanes times scale, which are integers. */
SD_INLINE int64_t sum_lanes(f64x8 sums, double scale) {
    double lane[8];
    int64_t total = 0;
    f64_store(lane, f64_mul(sums, f64_set1(scale)));
    for (int i = 0; i < 8; i++) total += (int64_t)lane[i];
    return total;
}

/* Adds n copies of doubles, at most CHUNK, of which none is above maximum, as fast as possible. */
static void add_chunk(sd_exact_sum *sum, const uint64_t *copy, size_t n, uint64_t maximum) {
    /* All weights are below 2^exponent. Its bounds keep the powers of two below in range. */
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
    /* The upper parts are multiples of 2^(exponent - 44), and the lower ones of 2^(exponent - 89). If the
     * lower sum is negative, as much as makes it >= 0 is taken from the upper one. */
    int64_t upper = sum_lanes(uppers, sd_power_of_2(44 - exponent));
    int64_t lower = sum_lanes(lowers, sd_power_of_2(89 - exponent));
    if (lower < 0) {
        const int64_t unit = (int64_t)1 << 45, taken = (unit - 1 - lower) / unit;
        upper -= taken;
        lower += taken * unit;
    }
    sd_exact_sum_add(sum, (uint64_t)upper, (unsigned)(exponent - 44 + SD_SUM_POSITION_OF_1));
    sd_exact_sum_add(sum, (uint64_t)lower, (unsigned)(exponent - 89 + SD_SUM_POSITION_OF_1));
}

/* The copies so far, lane by lane: the largest, and the bits in which any differs from the first. */
typedef struct { u64x8 largest, different; } seen_t;

SD_INLINE void note_copies(seen_t *seen, u64x8 bits, u64x8 first) {
    seen->largest = u64_where_lt(seen->largest, bits, bits, seen->largest);
    seen->different = u64_or(seen->different, u64_xor(bits, first));
}

SD_INLINE uint64_t find_largest(const seen_t *seen) {
    uint64_t lane[8], largest = 0;
    u64_store(lane, seen->largest);
    for (int i = 0; i < 8; i++) largest = lane[i] > largest ? lane[i] : largest;
    return largest;
}

/* Reads doubles, or floats if that is not NULL. Returns the index of the first invalid weight, or n. Adding
 * 0 turns -0 into +0. Chunks of equal weights are not added up until a weight comes that differs. Each
 * weight is read only once, in case another thread changes it: the last ones through volatile, the others
 * by the load of a pack, which is used once. */
SD_INLINE size_t read_reals(const double *doubles, const float *floats, size_t n, uint64_t *copy,
                            sd_weights *weights) {
    const u64x8 zero = u64_set1(0);
    size_t added = 0;
    for (size_t start = 0, end; start < n; start = end) {
        end = n - start < CHUNK ? n : start + CHUNK;
        seen_t seen = {zero, zero};
        size_t i = start;
        for (u64x8 first = zero; i + 8 <= end; i += 8) {
            const f64x8 weight = floats ? f64_load_f32(floats + i) : f64_load(doubles + i);
            const u64x8 bits = f64_bits(f64_add(weight, f64_set1(0)));
            u64_store(copy + i, bits);
            if (i == start) first = u64_set1(copy[0]);
            note_copies(&seen, bits, first);
        }
        uint64_t maximum = find_largest(&seen);
        int all_equal = u64_mask_eq(seen.different, zero) == 255;
        for (; i < end; i++) {
            const double weight =
                floats ? *(const volatile float *)(floats + i) : *(const volatile double *)(doubles + i);
            copy[i] = sd_f64_bits(weight + 0.0);
            if (copy[i] > maximum) maximum = copy[i];
            if (copy[i] != copy[0]) all_equal = 0;
        }
        if (maximum >= sd_infinity_bits) {
            for (i = start; copy[i] < sd_infinity_bits;) i++;
            return i;
        }
        if (maximum > weights->maximum) {
            weights->maximum = maximum;
            weights->search_from = start;
        }
        if (all_equal && !added) continue;
        for (; added < start; added += CHUNK) {
            add_chunk(&weights->sum, copy + added, CHUNK, copy[0]);
        }
        add_chunk(&weights->sum, copy + start, end - start, maximum);
        added = end;
    }
    weights->all_equal = !added;
    return n;
}

static size_t read_f64(const void *weights, size_t n, uint64_t *copy, sd_weights *seen) {
    return read_reals(weights, NULL, n, copy, seen);
}

static size_t read_f32(const void *weights, size_t n, uint64_t *copy, sd_weights *seen) {
    return read_reals(NULL, weights, n, copy, seen);
}

/* Every integer is valid, so it returns n. The halves of at most 2^32 integers add up in 64 bits. */
static size_t read_u64(const void *input, size_t n, uint64_t *copy, sd_weights *weights) {
    const uint64_t *integers = input;
    const u64x8 low = u64_set1(0xffffffff), zero = u64_set1(0);
    u64x8 lows = zero, highs = zero, first = zero;
    seen_t seen = {zero, zero};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const u64x8 weight = u64_load_once(integers + i);
        u64_store(copy + i, weight);
        if (i == 0) first = u64_set1(copy[0]);
        note_copies(&seen, weight, first);
        lows = u64_add(lows, u64_and(weight, low));
        highs = u64_add(highs, u64_shr_by(weight, 32));
    }
    weights->maximum = find_largest(&seen);
    weights->all_equal = u64_mask_eq(seen.different, zero) == 255;
    for (; i < n; i++) {
        copy[i] = *(const volatile uint64_t *)(integers + i);
        sd_exact_sum_add(&weights->sum, copy[i], SD_SUM_POSITION_OF_1);
        if (copy[i] > weights->maximum) weights->maximum = copy[i];
        if (copy[i] != copy[0]) weights->all_equal = 0;
    }
    uint64_t lane[8];
    u64_store(lane, lows);
    for (i = 0; i < 8; i++) sd_exact_sum_add(&weights->sum, lane[i], SD_SUM_POSITION_OF_1);
    u64_store(lane, highs);
    for (i = 0; i < 8; i++) sd_exact_sum_add(&weights->sum, lane[i], SD_SUM_POSITION_OF_1 + 32);
    return n;
}
