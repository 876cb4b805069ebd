/* What draws need of float32, in which float16 and bfloat16 are drawn from, too; real_f64.h is the same. */

SD_INLINE float next_up(float a) { return sd_f32_next_up(a); }

/* Half the distance from 1 to the next number. */
#define HALF_ULP 0x1p-24

/* Lanes in doubles: lane i and lane i + 8 added. */
SD_INLINE f64x8 widen(f32x16 a) { return f64_add(f32_low_to_f64(a), f32_high_to_f64(a)); }

/* Sums of masses, lane by lane, by FastTwoSum (Dekker): s starts at a mass that is at least as large as any
 * other of its lane, but for a rounding, so no summand is larger, what an addition loses is exact, and c adds it
 * up. */
typedef struct { f32x16 s, c, start; } mass_sum_t;

SD_INLINE mass_sum_t make_mass_sum(f32x16 start) {
    const mass_sum_t r = {start, f32_set1(0), start};
    return r;
}
SD_INLINE void add_masses(mass_sum_t *a, const int group, const f32x16 *e) {
    f32x16 z[MAX_GROUP];
    FOR_EACH_PACK a->s = add_larger(a->s, e[u], &z[u]);
    FOR_EACH_PACK z[u] = f32_sub(e[u], z[u]);
    FOR_EACH_PACK a->c = f32_add(a->c, z[u]);
}
SD_INLINE double total_masses(const mass_sum_t *a) {
    const f64x8 low = f64_sub(f32_low_to_f64(a->s), f32_low_to_f64(a->start));
    const f64x8 high = f64_sub(f32_high_to_f64(a->s), f32_high_to_f64(a->start));
    return f64_reduce_add(f64_add(f64_add(low, high), widen(a->c)));
}

SD_INLINE float read_one(const void *x, int format, size_t i) {
    if (format == SD_FORMAT_F16) return sd_f16_to_f32(((const uint16_t *)x)[i]);
    if (format == SD_FORMAT_BF16) return sd_bf16_to_f32(((const uint16_t *)x)[i]);
    return ((const float *)x)[i];
}

/* The pack of items from i on, of which `left` are there; -inf after them. */
SD_INLINE f32x16 read_items(const void *x, int format, size_t i, size_t left) {
    if (format == SD_NATIVE) {
        const float *p = (const float *)x + i;
        return left >= 16 ? f32_load(p) : f32_load_n(p, left, -(float)INFINITY);
    }
    const uint16_t *p = (const uint16_t *)x + i;
    uint16_t last[16];
    if (left < 16) {
        for (int j = 0; j < 16; j++) last[j] = format == SD_FORMAT_F16 ? 0xfc00 : 0xff80; /* -inf */
        memcpy(last, p, left * sizeof *p);
        p = last;
    }
    return format == SD_FORMAT_F16 ? f16_load(p) : bf16_load_in_order(p);
}

/* rule->least, as make_mass_rule has it, for rows side by side, from the negligible distances of the first
 * eight rows and of the others. */
SD_INLINE f32x16 find_lane_bounds(f32x16 max, const double *t, f64x8 low, f64x8 high) {
    low = f64_sub(f32_low_to_f64(max), f64_mul(f64_load(t), low));
    high = f64_sub(f32_high_to_f64(max), f64_mul(f64_load(t + 8), high));
    const f32x16 bounds = f32_from_f64(low, high);
    return f32_max(bounds, f32_set1(-LARGEST));
}

/* Lanes to doubles in memory, and back. */
SD_INLINE void store_doubles(f32x16 a, double *out) {
    f64_store(out, f32_low_to_f64(a));
    f64_store(out + 8, f32_high_to_f64(a));
}
SD_INLINE f32x16 load_doubles(const double *a) { return f32_from_f64(f64_load(a), f64_load(a + 8)); }

/* If no weight is less than this part of the largest, which is a power of two, sums of MAX_COLUMNS weights
 * are exact in doubles. */
#define EXACT_RATIO 0x1p-24

/* The sums over columns of each lane, in doubles; add_column adds one and stores the sums so far. */
typedef struct { f64x8 low, high; } column_sum_t;

SD_INLINE void add_column(column_sum_t *a, f32x16 e, double *sums) {
    a->low = f64_add(a->low, f32_low_to_f64(e));
    a->high = f64_add(a->high, f32_high_to_f64(e));
    f64_store(sums, a->low);
    f64_store(sums + 8, a->high);
}
