# Included by _core.pyx: the functions that _core.pxd declares, which call those of the C core,
# and the struct of pointers to them that the capsule holds.

# Made from include/softdraw.h by tools/declarations.py: begin
cdef extern from *:
    """
    #include "softdraw_capi.h"

    static const softdraw_capi functions = {
        .size = sizeof(softdraw_capi),
        .abi = SOFTDRAW_CAPI_VERSION,
        .strerror = softdraw_strerror,
        .version = softdraw_version,
        .tier_name = softdraw_tier_name,
        .tier_available = softdraw_tier_available,
        .tier_in_use = softdraw_tier_in_use,
        .softmax_f32 = softdraw_softmax_f32,
        .softmax_f64 = softdraw_softmax_f64,
        .softmax_f16 = softdraw_softmax_f16,
        .softmax_bf16 = softdraw_softmax_bf16,
        .log_softmax_f32 = softdraw_log_softmax_f32,
        .log_softmax_f64 = softdraw_log_softmax_f64,
        .log_softmax_f16 = softdraw_log_softmax_f16,
        .log_softmax_bf16 = softdraw_log_softmax_bf16,
        .logsumexp_f32 = softdraw_logsumexp_f32,
        .logsumexp_f64 = softdraw_logsumexp_f64,
        .logsumexp_f16 = softdraw_logsumexp_f16,
        .logsumexp_bf16 = softdraw_logsumexp_bf16,
        .entropy_f32 = softdraw_entropy_f32,
        .entropy_f64 = softdraw_entropy_f64,
        .entropy_f16 = softdraw_entropy_f16,
        .entropy_bf16 = softdraw_entropy_bf16,
        .temperature_for_f64 = softdraw_temperature_for_f64,
        .temperature_for_range_f64 = softdraw_temperature_for_range_f64,
        .softmax_vjp_f32 = softdraw_softmax_vjp_f32,
        .softmax_vjp_f64 = softdraw_softmax_vjp_f64,
        .xoshiro_seed = softdraw_xoshiro_seed,
        .xoshiro_next = softdraw_xoshiro_next,
        .xoshiro_fill = softdraw_xoshiro_fill,
        .xoshiro_jump = softdraw_xoshiro_jump,
        .alias_bits = softdraw_alias_bits,
        .alias_build_f64 = softdraw_alias_build_f64,
        .alias_build_f32 = softdraw_alias_build_f32,
        .alias_build_u64 = softdraw_alias_build_u64,
        .alias_scratch = softdraw_alias_scratch,
        .alias_units = softdraw_alias_units,
        .alias_map = softdraw_alias_map,
        .alias_sample = softdraw_alias_sample,
        .alias_draw = softdraw_alias_draw,
        .alias_rows_max_buckets = softdraw_alias_rows_max_buckets,
        .alias_rows_max_length = softdraw_alias_rows_max_length,
        .alias_rows_build_f64 = softdraw_alias_rows_build_f64,
        .alias_rows_build_f32 = softdraw_alias_rows_build_f32,
        .alias_rows_build_u64 = softdraw_alias_rows_build_u64,
        .alias_rows_map = softdraw_alias_rows_map,
        .sample_f32 = softdraw_sample_f32,
        .sample_f64 = softdraw_sample_f64,
        .sample_f16 = softdraw_sample_f16,
        .sample_bf16 = softdraw_sample_bf16,
        .sample_scratch_f32 = softdraw_sample_scratch_f32,
        .sample_scratch_f64 = softdraw_sample_scratch_f64,
        .tier_count = softdraw_tier_count,
        .xoshiro_advance = softdraw_xoshiro_advance,
        .partial_f32 = softdraw_partial_f32,
        .partial_f64 = softdraw_partial_f64,
        .combine_partials = softdraw_combine_partials,
        .softmax_piece_f32 = softdraw_softmax_piece_f32,
        .softmax_piece_f64 = softdraw_softmax_piece_f64,
    };
    """

cdef extern from "softdraw.h" nogil:
    const char *softdraw_strerror(int error) noexcept
    int softdraw_version() noexcept
    int softdraw_tier_count() noexcept
    const char *softdraw_tier_name(int tier) noexcept
    int softdraw_tier_available(int tier) noexcept
    int softdraw_tier_in_use() noexcept
    int softdraw_softmax_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                             size_t rows, size_t n, const double *temperature,
                             ptrdiff_t temperature_stride) noexcept
    int softdraw_softmax_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                             size_t rows, size_t n, const double *temperature,
                             ptrdiff_t temperature_stride) noexcept
    int softdraw_softmax_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                             ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,
                             ptrdiff_t temperature_stride) noexcept
    int softdraw_softmax_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                              ptrdiff_t out_stride, size_t rows, size_t n,
                              const double *temperature, ptrdiff_t temperature_stride) noexcept
    int softdraw_log_softmax_f32(const float *x, ptrdiff_t x_stride, float *out,
                                 ptrdiff_t out_stride, size_t rows, size_t n,
                                 const double *temperature, ptrdiff_t temperature_stride) noexcept
    int softdraw_log_softmax_f64(const double *x, ptrdiff_t x_stride, double *out,
                                 ptrdiff_t out_stride, size_t rows, size_t n,
                                 const double *temperature, ptrdiff_t temperature_stride) noexcept
    int softdraw_log_softmax_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                                 ptrdiff_t out_stride, size_t rows, size_t n,
                                 const double *temperature, ptrdiff_t temperature_stride) noexcept
    int softdraw_log_softmax_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                                  ptrdiff_t out_stride, size_t rows, size_t n,
                                  const double *temperature, ptrdiff_t temperature_stride) noexcept
    int softdraw_logsumexp_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                               size_t rows, size_t n, const double *temperature,
                               ptrdiff_t temperature_stride) noexcept
    int softdraw_logsumexp_f64(const double *x, ptrdiff_t x_stride, double *out,
                               ptrdiff_t out_stride, size_t rows, size_t n,
                               const double *temperature, ptrdiff_t temperature_stride) noexcept
    int softdraw_logsumexp_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                               ptrdiff_t out_stride, size_t rows, size_t n,
                               const double *temperature, ptrdiff_t temperature_stride) noexcept
    int softdraw_logsumexp_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                                ptrdiff_t out_stride, size_t rows, size_t n,
                                const double *temperature, ptrdiff_t temperature_stride) noexcept
    int softdraw_entropy_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                             size_t rows, size_t n, const double *temperature,
                             ptrdiff_t temperature_stride) noexcept
    int softdraw_entropy_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                             size_t rows, size_t n, const double *temperature,
                             ptrdiff_t temperature_stride) noexcept
    int softdraw_entropy_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                             ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,
                             ptrdiff_t temperature_stride) noexcept
    int softdraw_entropy_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                              ptrdiff_t out_stride, size_t rows, size_t n,
                              const double *temperature, ptrdiff_t temperature_stride) noexcept
    int softdraw_partial_f32(const float *x, ptrdiff_t x_stride, softdraw_partial *out, size_t rows,
                             size_t n, const double *temperature,
                             ptrdiff_t temperature_stride) noexcept
    int softdraw_partial_f64(const double *x, ptrdiff_t x_stride, softdraw_partial *out,
                             size_t rows, size_t n, const double *temperature,
                             ptrdiff_t temperature_stride) noexcept
    int softdraw_combine_partials(const softdraw_partial *partials, ptrdiff_t stride,
                                  softdraw_partial *out, size_t rows, size_t n) noexcept
    int softdraw_softmax_piece_f32(const float *x, ptrdiff_t x_stride,
                                   const softdraw_partial *whole, float *out, ptrdiff_t out_stride,
                                   size_t rows, size_t n, int logarithms) noexcept
    int softdraw_softmax_piece_f64(const double *x, ptrdiff_t x_stride,
                                   const softdraw_partial *whole, double *out, ptrdiff_t out_stride,
                                   size_t rows, size_t n, int logarithms) noexcept
    int softdraw_temperature_for_f64(const double *x, ptrdiff_t x_stride, size_t rows, size_t n,
                                     int quantity, const double *target, ptrdiff_t target_stride,
                                     double *out, size_t *where) noexcept
    int softdraw_temperature_for_range_f64(const double *x, size_t n, int quantity,
                                           double range[2]) noexcept
    int softdraw_softmax_vjp_f32(const float *p, ptrdiff_t p_stride, const float *g,
                                 ptrdiff_t g_stride, float *out, ptrdiff_t out_stride, size_t rows,
                                 size_t n, const double *temperature,
                                 ptrdiff_t temperature_stride) noexcept
    int softdraw_softmax_vjp_f64(const double *p, ptrdiff_t p_stride, const double *g,
                                 ptrdiff_t g_stride, double *out, ptrdiff_t out_stride, size_t rows,
                                 size_t n, const double *temperature,
                                 ptrdiff_t temperature_stride) noexcept
    int softdraw_xoshiro_seed(softdraw_xoshiro *generator, const uint64_t state[4]) noexcept
    uint64_t softdraw_xoshiro_next(softdraw_xoshiro *generator) noexcept
    int softdraw_xoshiro_fill(softdraw_xoshiro *generator, uint64_t *out, size_t n) noexcept
    int softdraw_xoshiro_jump(softdraw_xoshiro *generator, uint64_t jumps) noexcept
    int softdraw_xoshiro_advance(softdraw_xoshiro *generator, uint64_t low, uint64_t high) noexcept
    unsigned softdraw_alias_bits(size_t n) noexcept
    int softdraw_alias_build_f64(const double *weights, size_t n, uint64_t *buckets,
                                 uint64_t *scratch, size_t *where) noexcept
    int softdraw_alias_build_f32(const float *weights, size_t n, uint64_t *buckets,
                                 uint64_t *scratch, size_t *where) noexcept
    int softdraw_alias_build_u64(const uint64_t *weights, size_t n, uint64_t *buckets,
                                 uint64_t *scratch, size_t *where) noexcept
    size_t softdraw_alias_scratch(size_t n) noexcept
    int softdraw_alias_units(const uint64_t *buckets, unsigned bits, size_t n,
                             uint64_t *units) noexcept
    int softdraw_alias_map(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                           int64_t *out) noexcept
    int softdraw_alias_sample(const uint64_t *buckets, unsigned bits, softdraw_xoshiro *generator,
                              size_t n, int64_t *out) noexcept
    int softdraw_alias_draw(const uint64_t *buckets, unsigned bits,
                            uint64_t (*next)(void *state) noexcept nogil, void *state, size_t n,
                            int64_t *out) noexcept
    size_t softdraw_alias_rows_max_buckets(const int64_t *indptr, size_t rows) noexcept
    size_t softdraw_alias_rows_max_length(const int64_t *indptr, size_t rows) noexcept
    int softdraw_alias_rows_build_f64(const double *weights, const int64_t *indptr, size_t rows,
                                      uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                                      size_t *where) noexcept
    int softdraw_alias_rows_build_f32(const float *weights, const int64_t *indptr, size_t rows,
                                      uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                                      size_t *where) noexcept
    int softdraw_alias_rows_build_u64(const uint64_t *weights, const int64_t *indptr, size_t rows,
                                      uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                                      size_t *where) noexcept
    int softdraw_alias_rows_map(const uint64_t *buckets, const uint64_t *records, size_t count,
                                const int64_t *rows, const uint64_t *words, size_t n, int64_t *out,
                                size_t *where) noexcept
    int softdraw_sample_f32(const float *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                            const softdraw_filters *filters, const uint64_t *words, size_t draws,
                            int64_t *ids, float *logprobs, void *scratch, size_t *where) noexcept
    int softdraw_sample_f64(const double *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                            const softdraw_filters *filters, const uint64_t *words, size_t draws,
                            int64_t *ids, double *logprobs, void *scratch, size_t *where) noexcept
    int softdraw_sample_f16(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                            const softdraw_filters *filters, const uint64_t *words, size_t draws,
                            int64_t *ids, float *logprobs, void *scratch, size_t *where) noexcept
    int softdraw_sample_bf16(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                             const softdraw_filters *filters, const uint64_t *words, size_t draws,
                             int64_t *ids, float *logprobs, void *scratch, size_t *where) noexcept
    size_t softdraw_sample_scratch_f32(size_t n) noexcept
    size_t softdraw_sample_scratch_f64(size_t n) noexcept

cdef const char *strerror(int error) noexcept nogil:
    return softdraw_strerror(error)

cdef int version() noexcept nogil:
    return softdraw_version()

cdef int tier_count() noexcept nogil:
    return softdraw_tier_count()

cdef const char *tier_name(int tier) noexcept nogil:
    return softdraw_tier_name(tier)

cdef int tier_available(int tier) noexcept nogil:
    return softdraw_tier_available(tier)

cdef int tier_in_use() noexcept nogil:
    return softdraw_tier_in_use()

cdef int softmax_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_softmax_f32(x, x_stride, out, out_stride, rows, n, temperature,
                                temperature_stride)

cdef int softmax_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_softmax_f64(x, x_stride, out, out_stride, rows, n, temperature,
                                temperature_stride)

cdef int softmax_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_softmax_f16(x, x_stride, out, out_stride, rows, n, temperature,
                                temperature_stride)

cdef int softmax_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                      size_t rows, size_t n, const double *temperature,
                      ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_softmax_bf16(x, x_stride, out, out_stride, rows, n, temperature,
                                 temperature_stride)

cdef int log_softmax_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_log_softmax_f32(x, x_stride, out, out_stride, rows, n, temperature,
                                    temperature_stride)

cdef int log_softmax_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_log_softmax_f64(x, x_stride, out, out_stride, rows, n, temperature,
                                    temperature_stride)

cdef int log_softmax_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_log_softmax_f16(x, x_stride, out, out_stride, rows, n, temperature,
                                    temperature_stride)

cdef int log_softmax_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                          ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,
                          ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_log_softmax_bf16(x, x_stride, out, out_stride, rows, n, temperature,
                                     temperature_stride)

cdef int logsumexp_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                       size_t rows, size_t n, const double *temperature,
                       ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_logsumexp_f32(x, x_stride, out, out_stride, rows, n, temperature,
                                  temperature_stride)

cdef int logsumexp_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                       size_t rows, size_t n, const double *temperature,
                       ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_logsumexp_f64(x, x_stride, out, out_stride, rows, n, temperature,
                                  temperature_stride)

cdef int logsumexp_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                       size_t rows, size_t n, const double *temperature,
                       ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_logsumexp_f16(x, x_stride, out, out_stride, rows, n, temperature,
                                  temperature_stride)

cdef int logsumexp_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                        size_t rows, size_t n, const double *temperature,
                        ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_logsumexp_bf16(x, x_stride, out, out_stride, rows, n, temperature,
                                   temperature_stride)

cdef int entropy_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_entropy_f32(x, x_stride, out, out_stride, rows, n, temperature,
                                temperature_stride)

cdef int entropy_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_entropy_f64(x, x_stride, out, out_stride, rows, n, temperature,
                                temperature_stride)

cdef int entropy_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_entropy_f16(x, x_stride, out, out_stride, rows, n, temperature,
                                temperature_stride)

cdef int entropy_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                      size_t rows, size_t n, const double *temperature,
                      ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_entropy_bf16(x, x_stride, out, out_stride, rows, n, temperature,
                                 temperature_stride)

cdef int partial_f32(const float *x, ptrdiff_t x_stride, softdraw_partial *out, size_t rows,
                     size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_partial_f32(x, x_stride, out, rows, n, temperature, temperature_stride)

cdef int partial_f64(const double *x, ptrdiff_t x_stride, softdraw_partial *out, size_t rows,
                     size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_partial_f64(x, x_stride, out, rows, n, temperature, temperature_stride)

cdef int combine_partials(const softdraw_partial *partials, ptrdiff_t stride, softdraw_partial *out,
                          size_t rows, size_t n) noexcept nogil:
    return softdraw_combine_partials(partials, stride, out, rows, n)

cdef int softmax_piece_f32(const float *x, ptrdiff_t x_stride, const softdraw_partial *whole,
                           float *out, ptrdiff_t out_stride, size_t rows, size_t n,
                           int logarithms) noexcept nogil:
    return softdraw_softmax_piece_f32(x, x_stride, whole, out, out_stride, rows, n, logarithms)

cdef int softmax_piece_f64(const double *x, ptrdiff_t x_stride, const softdraw_partial *whole,
                           double *out, ptrdiff_t out_stride, size_t rows, size_t n,
                           int logarithms) noexcept nogil:
    return softdraw_softmax_piece_f64(x, x_stride, whole, out, out_stride, rows, n, logarithms)

cdef int temperature_for_f64(const double *x, ptrdiff_t x_stride, size_t rows, size_t n,
                             int quantity, const double *target, ptrdiff_t target_stride,
                             double *out, size_t *where) noexcept nogil:
    return softdraw_temperature_for_f64(x, x_stride, rows, n, quantity, target, target_stride, out,
                                        where)

cdef int temperature_for_range_f64(const double *x, size_t n, int quantity,
                                   double range[2]) noexcept nogil:
    return softdraw_temperature_for_range_f64(x, n, quantity, range)

cdef int softmax_vjp_f32(const float *p, ptrdiff_t p_stride, const float *g, ptrdiff_t g_stride,
                         float *out, ptrdiff_t out_stride, size_t rows, size_t n,
                         const double *temperature, ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_softmax_vjp_f32(p, p_stride, g, g_stride, out, out_stride, rows, n, temperature,
                                    temperature_stride)

cdef int softmax_vjp_f64(const double *p, ptrdiff_t p_stride, const double *g, ptrdiff_t g_stride,
                         double *out, ptrdiff_t out_stride, size_t rows, size_t n,
                         const double *temperature, ptrdiff_t temperature_stride) noexcept nogil:
    return softdraw_softmax_vjp_f64(p, p_stride, g, g_stride, out, out_stride, rows, n, temperature,
                                    temperature_stride)

cdef int xoshiro_seed(softdraw_xoshiro *generator, const uint64_t state[4]) noexcept nogil:
    return softdraw_xoshiro_seed(generator, state)

cdef uint64_t xoshiro_next(softdraw_xoshiro *generator) noexcept nogil:
    return softdraw_xoshiro_next(generator)

cdef int xoshiro_fill(softdraw_xoshiro *generator, uint64_t *out, size_t n) noexcept nogil:
    return softdraw_xoshiro_fill(generator, out, n)

cdef int xoshiro_jump(softdraw_xoshiro *generator, uint64_t jumps) noexcept nogil:
    return softdraw_xoshiro_jump(generator, jumps)

cdef int xoshiro_advance(softdraw_xoshiro *generator, uint64_t low, uint64_t high) noexcept nogil:
    return softdraw_xoshiro_advance(generator, low, high)

cdef unsigned alias_bits(size_t n) noexcept nogil:
    return softdraw_alias_bits(n)

cdef int alias_build_f64(const double *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                         size_t *where) noexcept nogil:
    return softdraw_alias_build_f64(weights, n, buckets, scratch, where)

cdef int alias_build_f32(const float *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                         size_t *where) noexcept nogil:
    return softdraw_alias_build_f32(weights, n, buckets, scratch, where)

cdef int alias_build_u64(const uint64_t *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                         size_t *where) noexcept nogil:
    return softdraw_alias_build_u64(weights, n, buckets, scratch, where)

cdef size_t alias_scratch(size_t n) noexcept nogil:
    return softdraw_alias_scratch(n)

cdef int alias_units(const uint64_t *buckets, unsigned bits, size_t n,
                     uint64_t *units) noexcept nogil:
    return softdraw_alias_units(buckets, bits, n, units)

cdef int alias_map(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                   int64_t *out) noexcept nogil:
    return softdraw_alias_map(buckets, bits, words, n, out)

cdef int alias_sample(const uint64_t *buckets, unsigned bits, softdraw_xoshiro *generator, size_t n,
                      int64_t *out) noexcept nogil:
    return softdraw_alias_sample(buckets, bits, generator, n, out)

cdef int alias_draw(const uint64_t *buckets, unsigned bits,
                    uint64_t (*next)(void *state) noexcept nogil, void *state, size_t n,
                    int64_t *out) noexcept nogil:
    return softdraw_alias_draw(buckets, bits, next, state, n, out)

cdef size_t alias_rows_max_buckets(const int64_t *indptr, size_t rows) noexcept nogil:
    return softdraw_alias_rows_max_buckets(indptr, rows)

cdef size_t alias_rows_max_length(const int64_t *indptr, size_t rows) noexcept nogil:
    return softdraw_alias_rows_max_length(indptr, rows)

cdef int alias_rows_build_f64(const double *weights, const int64_t *indptr, size_t rows,
                              uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                              size_t *where) noexcept nogil:
    return softdraw_alias_rows_build_f64(weights, indptr, rows, records, buckets, scratch, where)

cdef int alias_rows_build_f32(const float *weights, const int64_t *indptr, size_t rows,
                              uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                              size_t *where) noexcept nogil:
    return softdraw_alias_rows_build_f32(weights, indptr, rows, records, buckets, scratch, where)

cdef int alias_rows_build_u64(const uint64_t *weights, const int64_t *indptr, size_t rows,
                              uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                              size_t *where) noexcept nogil:
    return softdraw_alias_rows_build_u64(weights, indptr, rows, records, buckets, scratch, where)

cdef int alias_rows_map(const uint64_t *buckets, const uint64_t *records, size_t count,
                        const int64_t *rows, const uint64_t *words, size_t n, int64_t *out,
                        size_t *where) noexcept nogil:
    return softdraw_alias_rows_map(buckets, records, count, rows, words, n, out, where)

cdef int sample_f32(const float *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                    const softdraw_filters *filters, const uint64_t *words, size_t draws,
                    int64_t *ids, float *logprobs, void *scratch, size_t *where) noexcept nogil:
    return softdraw_sample_f32(logits, x_stride, rows, n, filters, words, draws, ids, logprobs,
                               scratch, where)

cdef int sample_f64(const double *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                    const softdraw_filters *filters, const uint64_t *words, size_t draws,
                    int64_t *ids, double *logprobs, void *scratch, size_t *where) noexcept nogil:
    return softdraw_sample_f64(logits, x_stride, rows, n, filters, words, draws, ids, logprobs,
                               scratch, where)

cdef int sample_f16(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                    const softdraw_filters *filters, const uint64_t *words, size_t draws,
                    int64_t *ids, float *logprobs, void *scratch, size_t *where) noexcept nogil:
    return softdraw_sample_f16(logits, x_stride, rows, n, filters, words, draws, ids, logprobs,
                               scratch, where)

cdef int sample_bf16(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                     const softdraw_filters *filters, const uint64_t *words, size_t draws,
                     int64_t *ids, float *logprobs, void *scratch, size_t *where) noexcept nogil:
    return softdraw_sample_bf16(logits, x_stride, rows, n, filters, words, draws, ids, logprobs,
                                scratch, where)

cdef size_t sample_scratch_f32(size_t n) noexcept nogil:
    return softdraw_sample_scratch_f32(n)

cdef size_t sample_scratch_f64(size_t n) noexcept nogil:
    return softdraw_sample_scratch_f64(n)
# tools/declarations.py: end
