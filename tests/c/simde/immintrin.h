/* AVX-512 for a CPU without it: SIMDe's, by AVX2 and FMA. It stands in the way of the compiler's
 * header of the same name where tiers/avx512_*.c are compiled with -mavx2 -mfma -mf16c
 * -Itests/c/simde; the kernels that come out need what the AVX2 tier needs, and so take its place,
 * dispatch as ever. */
#ifndef SD_SIMDE_IMMINTRIN_H
#define SD_SIMDE_IMMINTRIN_H
#pragma GCC system_header /* what is a macro already is defined again below */
#pragma GCC diagnostic ignored "-Wpsabi" /* packs pass between inlined functions alone */

#include_next <immintrin.h>

#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__) || defined(__AVX512F__)
#error "needs -mavx2 -mfma -mf16c: without FMA SIMDe rounds twice, with AVX-512 it emulates nothing"
#endif

#include "../../../src/core/compiler.h"

#define sd_avx512_f32 sd_avx2_f32
#define sd_avx512_f64 sd_avx2_f64
#define sd_avx512_f16 sd_avx2_f16
#define sd_avx512_bf16 sd_avx2_bf16
#define sd_avx512_words sd_avx2_words

/* In a region for AVX-512 the compiler would use it. */
#undef SD_TARGET_BEGIN
#undef SD_TARGET_END
#define SD_TARGET_BEGIN(isa)
#define SD_TARGET_END

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/fma.h>
#undef I /* of complex.h, which SIMDe includes */

/* What Debian's SIMDe, 0.7.4, lacks, lane by lane. */

#define _mm512_cmplt_epu64_mask sd_cmplt_epu64_mask
#define _mm512_cvtepi32_epi16 sd_cvtepi32_epi16
#define _mm512_cvtepu16_epi32 sd_cvtepu16_epi32
#define _mm512_cvtpd_ps sd_cvtpd_ps
#define _mm512_cvtph_ps sd_cvtph_ps
#define _mm512_cvtps_pd sd_cvtps_pd
#define _mm512_cvtps_ph sd_cvtps_ph
#define _mm512_extractf32x8_ps sd_extractf32x8_ps
#define _mm512_mask_loadu_pd sd_mask_loadu_pd
#define _mm512_mask_loadu_ps sd_mask_loadu_ps
#define _mm512_mask_storeu_pd sd_mask_storeu_pd
#define _mm512_mask_storeu_ps sd_mask_storeu_ps
#define _mm512_reduce_max_pd sd_reduce_max_pd
#define _mm512_reduce_max_ps sd_reduce_max_ps
#define _mm512_shuffle_f32x4 simde_mm512_shuffle_f32x4
#define _mm512_shuffle_f64x2 simde_mm512_shuffle_f64x2
#define _mm512_shuffle_i64x2 simde_mm512_shuffle_i64x2
#define _mm512_stream_pd simde_mm512_store_pd
#define _mm512_stream_ps simde_mm512_store_ps

#define SD_LANES(width) for (int i = 0; i < width; i++)

SD_INLINE __mmask8 sd_cmplt_epu64_mask(__m512i a, __m512i b) {
    unsigned mask = 0;
    SD_LANES(8) mask |= (unsigned)((uint64_t)a[i] < (uint64_t)b[i]) << i;
    return (__mmask8)mask;
}

SD_INLINE __m256i sd_cvtepi32_epi16(__m512i a) {
    __v16hi r;
    SD_LANES(16) r[i] = (short)((__v16si)a)[i];
    return (__m256i)r;
}

SD_INLINE __m512i sd_cvtepu16_epi32(__m256i a) {
    __v16si r;
    SD_LANES(16) r[i] = (unsigned short)((__v16hi)a)[i];
    return (__m512i)r;
}

SD_INLINE __m256 sd_cvtpd_ps(__m512d a) {
    __m256 r;
    SD_LANES(8) r[i] = (float)a[i];
    return r;
}

SD_INLINE __m512d sd_cvtps_pd(__m256 a) {
    __m512d r;
    SD_LANES(8) r[i] = a[i];
    return r;
}

SD_INLINE __m256 sd_extractf32x8_ps(__m512 a, int half) {
    __m256 r;
    SD_LANES(8) r[i] = a[8 * half + i];
    return r;
}

SD_INLINE __m512 sd_cvtph_ps(__m256i a) {
    const __m256 low = _mm256_cvtph_ps(_mm256_castsi256_si128(a));
    const __m256 high = _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1));
    return _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
}

#define sd_cvtps_ph(a, rounding)                                         \
    _mm256_set_m128i(_mm256_cvtps_ph(sd_extractf32x8_ps(a, 1), rounding), \
                     _mm256_cvtps_ph(sd_extractf32x8_ps(a, 0), rounding))

#define SD_MASKED_AND_REDUCED(suffix, width, real, pack, mask)                     \
    SD_INLINE pack sd_mask_loadu_##suffix(pack other, mask where, const void *p) { \
        SD_LANES(width) if (where >> i & 1) other[i] = ((const real *)p)[i];       \
        return other;                                                              \
    }                                                                              \
    SD_INLINE void sd_mask_storeu_##suffix(void *p, mask where, pack a) {          \
        SD_LANES(width) if (where >> i & 1)((real *)p)[i] = a[i];                  \
    }                                                                              \
    SD_INLINE real sd_reduce_max_##suffix(pack a) {                                \
        real r = a[0];                                                             \
        SD_LANES(width) r = a[i] > r ? a[i] : r;                                   \
        return r;                                                                  \
    }
SD_MASKED_AND_REDUCED(ps, 16, float, __m512, __mmask16)
SD_MASKED_AND_REDUCED(pd, 8, double, __m512d, __mmask8)

#endif
