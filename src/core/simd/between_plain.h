/* f32_mask_between and f64_mask_between for packs that have no faster way: bit i of the
 * result is set if low <= a <= high in lane i. The bits of b follow those of a. */
SD_BODY unsigned f32_mask_between(f32x16 a, f32x16 b, f32x16 low, f32x16 high) {
    return (f32_mask_ge(a, low) & f32_mask_ge(high, a)) | (f32_mask_ge(b, low) & f32_mask_ge(high, b)) << 16;
}

SD_BODY unsigned f64_mask_between(f64x8 a, f64x8 b, f64x8 low, f64x8 high) {
    return (f64_mask_ge(a, low) & f64_mask_ge(high, a)) | (f64_mask_ge(b, low) & f64_mask_ge(high, b)) << 8;
}
