"""The C core for Cython: types and inline functions of softdraw.h, and its functions as linked
into the extension module softdraw._core, where all other modules find them.
"""

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

# Made from include/softdraw.h by tools/declarations.py: begin
cdef extern from "softdraw.h" nogil:
    int SOFTDRAW_OK
    int SOFTDRAW_ERROR_TEMPERATURE
    int SOFTDRAW_ERROR_ISA
    int SOFTDRAW_ERROR_LENGTH
    int SOFTDRAW_ERROR_WEIGHT
    int SOFTDRAW_ERROR_ZERO
    int SOFTDRAW_ERROR_ROW
    int SOFTDRAW_ERROR_FILTER
    int SOFTDRAW_ERROR_LOGIT
    int SOFTDRAW_ERROR_NOTHING
    int SOFTDRAW_ERROR_TARGET
    int SOFTDRAW_ERROR_NULL
    int SOFTDRAW_SCALAR
    int SOFTDRAW_AVX2
    int SOFTDRAW_AVX512
    int SOFTDRAW_NEON
    int SOFTDRAW_ENTROPY
    int SOFTDRAW_PERPLEXITY
    int SOFTDRAW_TOP_PROB

    ctypedef struct softdraw_partial:
        double temperature
        double max
        double excess
        double excess_low

    ctypedef struct softdraw_xoshiro:
        uint64_t s[4][8]
        uint64_t buffer[8]
        uint32_t used
        uint32_t has_uint32
        uint32_t uinteger

    ctypedef struct softdraw_filters:
        size_t size
        const uint8_t *allowed
        ptrdiff_t allowed_stride
        const uint32_t *allowed_bits
        ptrdiff_t allowed_bits_stride
        const double *temperature
        ptrdiff_t temperature_stride
        const uint64_t *top_k
        ptrdiff_t top_k_stride
        const double *top_p
        ptrdiff_t top_p_stride
        const double *min_p
        ptrdiff_t min_p_stride

cdef const char *strerror(int error) noexcept nogil
cdef int version() noexcept nogil
cdef int tier_count() noexcept nogil
cdef const char *tier_name(int tier) noexcept nogil
cdef int tier_available(int tier) noexcept nogil
cdef int tier_in_use() noexcept nogil
cdef int softmax_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil
cdef int softmax_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil
cdef int softmax_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil
cdef int softmax_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                      size_t rows, size_t n, const double *temperature,
                      ptrdiff_t temperature_stride) noexcept nogil
cdef int log_softmax_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride) noexcept nogil
cdef int log_softmax_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride) noexcept nogil
cdef int log_softmax_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                         size_t rows, size_t n, const double *temperature,
                         ptrdiff_t temperature_stride) noexcept nogil
cdef int log_softmax_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out,
                          ptrdiff_t out_stride, size_t rows, size_t n, const double *temperature,
                          ptrdiff_t temperature_stride) noexcept nogil
cdef int logsumexp_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                       size_t rows, size_t n, const double *temperature,
                       ptrdiff_t temperature_stride) noexcept nogil
cdef int logsumexp_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                       size_t rows, size_t n, const double *temperature,
                       ptrdiff_t temperature_stride) noexcept nogil
cdef int logsumexp_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                       size_t rows, size_t n, const double *temperature,
                       ptrdiff_t temperature_stride) noexcept nogil
cdef int logsumexp_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                        size_t rows, size_t n, const double *temperature,
                        ptrdiff_t temperature_stride) noexcept nogil
cdef int entropy_f32(const float *x, ptrdiff_t x_stride, float *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil
cdef int entropy_f64(const double *x, ptrdiff_t x_stride, double *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil
cdef int entropy_f16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil
cdef int entropy_bf16(const uint16_t *x, ptrdiff_t x_stride, uint16_t *out, ptrdiff_t out_stride,
                      size_t rows, size_t n, const double *temperature,
                      ptrdiff_t temperature_stride) noexcept nogil
cdef int partial_f32(const float *x, ptrdiff_t x_stride, softdraw_partial *out, size_t rows,
                     size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil
cdef int partial_f64(const double *x, ptrdiff_t x_stride, softdraw_partial *out, size_t rows,
                     size_t n, const double *temperature,
                     ptrdiff_t temperature_stride) noexcept nogil
cdef int combine_partials(const softdraw_partial *partials, ptrdiff_t stride, softdraw_partial *out,
                          size_t rows, size_t n) noexcept nogil
cdef int softmax_piece_f32(const float *x, ptrdiff_t x_stride, const softdraw_partial *whole,
                           float *out, ptrdiff_t out_stride, size_t rows, size_t n,
                           int logarithms) noexcept nogil
cdef int softmax_piece_f64(const double *x, ptrdiff_t x_stride, const softdraw_partial *whole,
                           double *out, ptrdiff_t out_stride, size_t rows, size_t n,
                           int logarithms) noexcept nogil
cdef int temperature_for_f64(const double *x, ptrdiff_t x_stride, size_t rows, size_t n,
                             int quantity, const double *target, ptrdiff_t target_stride,
                             double *out, size_t *where) noexcept nogil
cdef int temperature_for_range_f64(const double *x, size_t n, int quantity,
                                   double range[2]) noexcept nogil
cdef int softmax_vjp_f32(const float *p, ptrdiff_t p_stride, const float *g, ptrdiff_t g_stride,
                         float *out, ptrdiff_t out_stride, size_t rows, size_t n,
                         const double *temperature, ptrdiff_t temperature_stride) noexcept nogil
cdef int softmax_vjp_f64(const double *p, ptrdiff_t p_stride, const double *g, ptrdiff_t g_stride,
                         double *out, ptrdiff_t out_stride, size_t rows, size_t n,
                         const double *temperature, ptrdiff_t temperature_stride) noexcept nogil
cdef int xoshiro_seed(softdraw_xoshiro *generator, const uint64_t state[4]) noexcept nogil
cdef uint64_t xoshiro_next(softdraw_xoshiro *generator) noexcept nogil
cdef int xoshiro_fill(softdraw_xoshiro *generator, uint64_t *out, size_t n) noexcept nogil
cdef int xoshiro_jump(softdraw_xoshiro *generator, uint64_t jumps) noexcept nogil
cdef int xoshiro_advance(softdraw_xoshiro *generator, uint64_t low, uint64_t high) noexcept nogil
cdef unsigned alias_bits(size_t n) noexcept nogil
cdef int alias_build_f64(const double *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                         size_t *where) noexcept nogil
cdef int alias_build_f32(const float *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                         size_t *where) noexcept nogil
cdef int alias_build_u64(const uint64_t *weights, size_t n, uint64_t *buckets, uint64_t *scratch,
                         size_t *where) noexcept nogil
cdef size_t alias_scratch(size_t n) noexcept nogil
cdef int alias_units(const uint64_t *buckets, unsigned bits, size_t n,
                     uint64_t *units) noexcept nogil
cdef int alias_map(const uint64_t *buckets, unsigned bits, const uint64_t *words, size_t n,
                   int64_t *out) noexcept nogil
cdef int alias_sample(const uint64_t *buckets, unsigned bits, softdraw_xoshiro *generator, size_t n,
                      int64_t *out) noexcept nogil
cdef int alias_draw(const uint64_t *buckets, unsigned bits,
                    uint64_t (*next)(void *state) noexcept nogil, void *state, size_t n,
                    int64_t *out) noexcept nogil
cdef size_t alias_rows_max_buckets(const int64_t *indptr, size_t rows) noexcept nogil
cdef size_t alias_rows_max_length(const int64_t *indptr, size_t rows) noexcept nogil
cdef int alias_rows_build_f64(const double *weights, const int64_t *indptr, size_t rows,
                              uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                              size_t *where) noexcept nogil
cdef int alias_rows_build_f32(const float *weights, const int64_t *indptr, size_t rows,
                              uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                              size_t *where) noexcept nogil
cdef int alias_rows_build_u64(const uint64_t *weights, const int64_t *indptr, size_t rows,
                              uint64_t *records, uint64_t *buckets, uint64_t *scratch,
                              size_t *where) noexcept nogil
cdef int alias_rows_map(const uint64_t *buckets, const uint64_t *records, size_t count,
                        const int64_t *rows, const uint64_t *words, size_t n, int64_t *out,
                        size_t *where) noexcept nogil
cdef int sample_f32(const float *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                    const softdraw_filters *filters, const uint64_t *words, size_t draws,
                    int64_t *ids, float *logprobs, void *scratch, size_t *where) noexcept nogil
cdef int sample_f64(const double *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                    const softdraw_filters *filters, const uint64_t *words, size_t draws,
                    int64_t *ids, double *logprobs, void *scratch, size_t *where) noexcept nogil
cdef int sample_f16(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                    const softdraw_filters *filters, const uint64_t *words, size_t draws,
                    int64_t *ids, float *logprobs, void *scratch, size_t *where) noexcept nogil
cdef int sample_bf16(const uint16_t *logits, ptrdiff_t x_stride, size_t rows, size_t n,
                     const softdraw_filters *filters, const uint64_t *words, size_t draws,
                     int64_t *ids, float *logprobs, void *scratch, size_t *where) noexcept nogil
cdef size_t sample_scratch_f32(size_t n) noexcept nogil
cdef size_t sample_scratch_f64(size_t n) noexcept nogil
# tools/declarations.py: end

cdef extern from "softdraw.h" nogil:
    uint64_t softdraw_xoshiro_word(softdraw_xoshiro *generator) noexcept
    uint64_t softdraw_alias_map1(const uint64_t *buckets, unsigned bits, uint64_t word) noexcept

# of src/core/transpose.h, for the modules of this package
cdef void transpose(size_t itemsize, const void *x, ptrdiff_t x_stride, void *out,
                    ptrdiff_t out_stride, size_t rows, size_t columns,
                    int past_caches) noexcept nogil

# of src/core/arith/host_state.h, likewise: room for a state of any machine; where conversions by NumPy or
# comparisons are part of a result, the default state is set before them, and the one before put back
cdef struct HostState:
    uint64_t[16] room

cdef void set_default_state(HostState *before) noexcept nogil
cdef void restore_state(const HostState *before) noexcept nogil
