/* The API of draws from logits: arguments are checked here, then the kernel of the tier in use draws. */
#include "arith/host_state.h"
#include "kernels.h"
#include "softdraw.h"

/* Each release's softdraw_filters begins with the fields of the first one, whose last is min_p_stride. None
 * will be as large as LAST_SIZE, so that a size which was never set is not taken for a size. */
enum { FIRST_SIZE = offsetof(softdraw_filters, min_p_stride) + sizeof(ptrdiff_t), LAST_SIZE = 4096 };

/* The caller's filters in the form of this release; NULL if their size is invalid, or if one is set that
 * this release does not know. `room` takes those of an older program, with the filters off that it does not
 * know. */
static const softdraw_filters *read_filters(const softdraw_filters *given, softdraw_filters *room) {
    static const softdraw_filters none = SOFTDRAW_FILTERS_INIT;
    if (!given) return &none;
    if (given->size < FIRST_SIZE || given->size > LAST_SIZE) return NULL;
    for (size_t i = sizeof *given; i < given->size; i++)
        if (((const unsigned char *)given)[i] != 0) return NULL;
    if (given->size >= sizeof *given) return given;
    memset(room, 0, sizeof *room);
    return memcpy(room, given, given->size);
}

/* The first row whose value is not from least to most, or `rows`. A value that all rows share, at a stride
 * of 0, is looked at once; `value` may be NULL. */
static size_t first_outside(const double *value, ptrdiff_t stride, size_t rows, double least, double most) {
    const size_t count = !value ? 0 : stride == 0 && rows > 1 ? 1 : rows;
    for (size_t r = 0; r < count; r++)
        if (!(value[(ptrdiff_t)r * stride] >= least && value[(ptrdiff_t)r * stride] <= most)) return r;
    return rows;
}

/* Returns SOFTDRAW_OK, or the error of the first row with an invalid parameter, which *where becomes. */
static int check(const softdraw_filters *f, size_t rows, size_t n, size_t *where) {
    if (n == 0 || n > UINT32_MAX - 127) return SOFTDRAW_ERROR_LENGTH;
    if (f->allowed && f->allowed_bits) return SOFTDRAW_ERROR_FILTER;
    *where = first_outside(f->temperature, f->temperature_stride, rows, 0, HUGE_VAL);
    if (*where < rows) return SOFTDRAW_ERROR_TEMPERATURE;
    const size_t count = !f->top_k ? 0 : f->top_k_stride == 0 && rows > 1 ? 1 : rows;
    for (*where = 0; *where < count; ++*where)
        if (f->top_k[(ptrdiff_t)*where * f->top_k_stride] == 0) return SOFTDRAW_ERROR_FILTER;
    *where = first_outside(f->top_p, f->top_p_stride, rows, 0, 1);
    if (*where < rows) return SOFTDRAW_ERROR_FILTER;
    *where = first_outside(f->min_p, f->min_p_stride, rows, 0, 1);
    return *where < rows ? SOFTDRAW_ERROR_FILTER : SOFTDRAW_OK;
}

/* Whether an argument is NULL that may not be; scratch is needed only by filters and log-probabilities. */
static int is_missing(const void *logits, const softdraw_filters *f, const uint64_t *words, size_t draws,
                      const int64_t *ids, const void *logprobs, const void *scratch) {
    const int needs_scratch = f->top_k || f->top_p || f->min_p || logprobs;
    return !logits || (draws && (!words || !ids)) || (needs_scratch && !scratch);
}

static int sample_rows(enum sd_type type, int format, const void *logits, ptrdiff_t x_stride, size_t rows,
                       size_t n, const softdraw_filters *filters, const uint64_t *words, size_t draws,
                       int64_t *ids, void *logprobs, void *scratch, size_t *where) {
    const sd_kernels *kernels = sd_kernels_in_use(type);
    size_t place = 0;
    softdraw_filters room;
    if (!kernels) return SOFTDRAW_ERROR_ISA;
    if (rows == 0) return SOFTDRAW_OK;
    filters = read_filters(filters, &room);
    const sd_host_state before = sd_set_default_state();
    int error = filters ? check(filters, rows, n, &place) : SOFTDRAW_ERROR_FILTER;
    if (!error && is_missing(logits, filters, words, draws, ids, logprobs, scratch)) {
        error = SOFTDRAW_ERROR_NULL;
        where = NULL; /* which no row is to blame for */
    }
    if (!error) {
        const sd_draws all = {logits,  format, x_stride, rows,     n,      draws,
                              filters, words,  ids,      logprobs, scratch};
        error = kernels->sample(&all, &place);
    }
    sd_restore_state(before);
    if (error && where) *where = place;
    return error;
}

#define DEFINE_SAMPLE(function, item, real, type, format)                                         \
    int function(const item *logits, ptrdiff_t x_stride, size_t rows, size_t n,                   \
                 const softdraw_filters *filters, const uint64_t *words, size_t draws,            \
                 int64_t *ids, real *logprobs, void *scratch, size_t *where) {                    \
        return sample_rows(type, format, logits, x_stride, rows, n, filters, words, draws, ids,   \
                           logprobs, scratch, where);                                             \
    }
DEFINE_SAMPLE(softdraw_sample_f32, float, float, SD_F32, SD_NATIVE)
DEFINE_SAMPLE(softdraw_sample_f64, double, double, SD_F64, SD_NATIVE)
DEFINE_SAMPLE(softdraw_sample_f16, uint16_t, float, SD_F32, SD_FORMAT_F16)
DEFINE_SAMPLE(softdraw_sample_bf16, uint16_t, float, SD_F32, SD_FORMAT_BF16)

static size_t scratch_bytes(size_t n, size_t itemsize) {
    if (n > SIZE_MAX / 4 / itemsize) return SIZE_MAX; /* where the sum would wrap; there is no such row in any memory */
    const size_t room = sd_scratch_room(n);
    return room * (2 * itemsize + sizeof(uint32_t)) + (room / 16 + 2 * SD_MAX_SAMPLES) * itemsize;
}

size_t softdraw_sample_scratch_f32(size_t n) { return scratch_bytes(n, sizeof(float)); }
size_t softdraw_sample_scratch_f64(size_t n) { return scratch_bytes(n, sizeof(double)); }
