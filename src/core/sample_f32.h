/* What draws need of float32, and of rows of float16 and bfloat16, which are taken as float32. */

/* items this many powers of two less likely than the largest may be 0 in softmax */
#define SD_FAINT 149.0

SD_INLINE f64x8 widened_f32(f32x16 a) { return f64_add(f32_low_to_f64(a), f32_high_to_f64(a)); }

/* every finite x the same */
SD_INLINE reduction_f32 reduction_equal_f32(void) {
    const reduction_f32 r = {0, 0, 1, 1, 0, -SD_LARGEST, SD_EIGHTHS, 0};
    return r;
}

/* the next float, for positive ones, zero and negative ones in turn */
SD_INLINE float next_up_f32(float a) {
    const uint32_t bits = sd_bits_of_f32(a);
    return a > 0 ? sd_f32_of_bits(bits + 1) : a < 0 ? sd_f32_of_bits(bits - 1) : sd_f32_of_bits(1);
}
SD_INLINE float next_down_f32(float a) { return -next_up_f32(-a); }

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
