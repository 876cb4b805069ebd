/* What draws need of float32, and of rows of float16 and bfloat16, which are taken as float32. */

/* items this many powers of two less likely than the largest may be 0 in softmax */
#define SD_FAINT 149.0

SD_INLINE f64x8 widened_f32(f32x16 a) { return f64_add(f32_low_to_f64(a), f32_high_to_f64(a)); }

/* Sums of masses, lane by lane, by FastTwoSum: s is at least any mass of its lane, since it starts at one
 * that is, so what an addition loses is exact, and kept in c. */
typedef struct { f32x16 s, c, start; } mass_sum_f32;

SD_INLINE mass_sum_f32 mass_sum_make_f32(f32x16 start) {
    const mass_sum_f32 r = {start, f32_set1(0), start};
    return r;
}
SD_INLINE void mass_sum_add_f32(mass_sum_f32 *a, const int group, const f32x16 *e) {
    f32x16 z[SD_MOST];
    SD_EACH {
        const f32x16 sum = f32_add(a->s, e[u]);
        z[u] = f32_sub(sum, a->s);
        a->s = sum;
    }
    SD_EACH z[u] = f32_sub(e[u], z[u]);
    SD_EACH a->c = f32_add(a->c, z[u]);
}
SD_INLINE double mass_sum_total_f32(const mass_sum_f32 *a) {
    const f64x8 low = f64_sub(f32_low_to_f64(a->s), f32_low_to_f64(a->start));
    const f64x8 high = f64_sub(f32_high_to_f64(a->s), f32_high_to_f64(a->start));
    return f64_total(f64_add(f64_add(low, high), widened_f32(a->c)));
}

/* every finite x the same */
SD_INLINE reduction_f32 reduction_equal_f32(void) {
    const reduction_f32 r = {0, 0, 1, 1, 0, -SD_LARGEST, SD_EIGHTHS, 0};
    return r;
}

/* the next float up; from 0 the smallest */
SD_INLINE float next_up_f32(float a) {
    const uint32_t bits = sd_bits_of_f32(a);
    return a > 0 ? sd_f32_of_bits(bits + 1) : a < 0 ? sd_f32_of_bits(bits - 1) : sd_f32_of_bits(1);
}

SD_INLINE float item_at_f32(const void *x, int format, size_t i) {
    if (format == SD_F16) return sd_f16_to_f32(((const uint16_t *)x)[i]);
    if (format == SD_BF16) return sd_bf16_to_f32(((const uint16_t *)x)[i]);
    return ((const float *)x)[i];
}

/* The pack at i of a row that ends after `left` more items: -inf after that. */
SD_INLINE f32x16 items_at_f32(const void *x, int format, size_t i, size_t left) {
    if (format == SD_NATIVE) {
        const float *p = (const float *)x + i;
        return left >= 16 ? f32_load(p) : f32_load_n(p, left, -(float)INFINITY);
    }
    const uint16_t *p = (const uint16_t *)x + i;
    uint16_t last[16];
    if (left < 16) {
        for (int j = 0; j < 16; j++) last[j] = format == SD_F16 ? 0xfc00 : 0xff80; /* -inf */
        memcpy(last, p, left * sizeof *p);
        p = last;
    }
    return format == SD_F16 ? f16_load(p) : bf16_load_in_order(p);
}

/* What law_make leaves of rows side by side. */
SD_INLINE f32x16 lanes_least_f32(f32x16 max, const double *t, double faint) {
    const f64x8 by = f64_set1(faint);
    const f64x8 low = f64_sub(f32_low_to_f64(max), f64_mul(f64_load(t), by));
    const f64x8 high = f64_sub(f32_high_to_f64(max), f64_mul(f64_load(t + 8), by));
    return f32_max(f32_from_f64(low, high), f32_set1(-SD_LARGEST));
}

/* Running sums of columns: of all rows so far, stored as 16 doubles. */
typedef struct { f64x8 low, high; } column_sum_f32;

SD_INLINE void column_sum_add_f32(column_sum_f32 *a, f32x16 e, double *sums) {
    a->low = f64_add(a->low, f32_low_to_f64(e));
    a->high = f64_add(a->high, f32_high_to_f64(e));
    f64_store(sums, a->low);
    f64_store(sums + 8, a->high);
}
