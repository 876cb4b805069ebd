/* sd_log1p (arith/log1p.h) of eight numbers at once: the same operations, and so the same bits. */

SD_INLINE f64x8 log1p_of_eight(f64x8 w) {
    const u64x8 fraction = u64_set1(0xfffffffffffff), one = u64_set1(UINT64_C(0x3ff0000000000000));
    uint64_t index[8];
    double c[8], table_hi[8], table_lo[8];
    f64x8 rest;
    const u64x8 bits = f64_bits(f64_two_sum(f64_set1(1), w, &rest)), exponent = u64_shr_by(bits, 52);
    const u64x8 m_bits = u64_or(u64_and(bits, fraction), one);
    u64_store(index, u64_shr_by(u64_add(u64_and(bits, fraction), u64_set1(UINT64_C(1) << 45)), 46));
    for (int i = 0; i < 8; i++) {
        c[i] = sd_log1p_reciprocal[index[i]];
        table_hi[i] = sd_log1p_table_hi[index[i]];
        table_lo[i] = sd_log1p_table_lo[index[i]];
    }
    /* an integer in the last bits of 2^52 is added to it */
    const u64x8 shifted = u64_or(exponent, u64_set1(UINT64_C(0x4330000000000000)));
    const f64x8 k = f64_sub(f64_from_bits(shifted), f64_set1(0x1p52 + 1023));
    const f64x8 scale = f64_from_bits(u64_shl(u64_sub(u64_set1(2046), exponent), 52));
    const f64x8 high = f64_from_bits(u64_and(m_bits, u64_set1(~UINT64_C(0x1fffff))));
    const f64x8 m_lo = f64_sub(f64_from_bits(m_bits), high), inverse = f64_load(c);
    const f64x8 coarse = f64_sub(f64_mul(high, inverse), f64_set1(1));
    const f64x8 fine =
        f64_add(f64_mul(m_lo, inverse), f64_mul(f64_mul(rest, scale), inverse));
    const f64x8 r = f64_add(coarse, fine), r_rest = f64_sub(fine, f64_sub(r, coarse));
    const f64x8 log_hi = f64_add(f64_mul(k, f64_set1(SD_LN2_HI)), f64_load(table_hi));
    const f64x8 log_lo = f64_add(f64_mul(k, f64_set1(SD_LN2_LO)), f64_load(table_lo));
    const f64x8 hi = f64_add(log_hi, r), hi_rest = f64_sub(r, f64_sub(hi, log_hi)), r2 = f64_mul(r, r);
    const f64x8 p_34 = f64_add(f64_set1(SD_LOG1P_C3), f64_mul(r, f64_set1(SD_LOG1P_C4)));
    const f64x8 p_56 = f64_add(f64_set1(SD_LOG1P_C5), f64_mul(r, f64_set1(SD_LOG1P_C6)));
    const f64x8 p_78 = f64_add(f64_set1(SD_LOG1P_C7), f64_mul(r, f64_set1(SD_LOG1P_C8)));
    const f64x8 p = f64_add(p_34, f64_mul(r2, f64_add(p_56, f64_mul(r2, p_78))));
    const f64x8 lo = f64_sub(f64_mul(f64_mul(r, r2), p), f64_mul(f64_set1(0.5), r2));
    return f64_add(hi, f64_add(lo, f64_add(hi_rest, f64_add(r_rest, log_lo))));
}
