/* Many alias tables of any lengths in one block of memory: softdraw_alias_rows_*. A row is the weights of
 * one table.
 *
 * Tables are built row by row. A draw from a random row of many waits for memory twice, for the record of
 * the row and then for its bucket, so both are fetched some draws ahead. */
#include "compiler.h"
#include "kernels.h"
#include "softdraw.h"

/* A record has, in its low 6 bits, the bits of the row's table, or 0 if the row has nothing to draw; and
 * above them the index of the row's first bucket. */
enum { BITS = 6 };
static unsigned bits_of(uint64_t record) { return (unsigned)(record & ((1u << BITS) - 1)); }

/* The length of a row; 0 if indptr decreases there, which building refuses. */
static size_t row_length(const int64_t *indptr, size_t r) {
    return indptr[r] < indptr[r + 1] ? (size_t)((uint64_t)indptr[r + 1] - (uint64_t)indptr[r]) : 0;
}

size_t softdraw_alias_rows_max_buckets(const int64_t *indptr, size_t rows) {
    size_t buckets = 0;
    if (!indptr) return 0;
    for (size_t r = 0; r < rows; r++) {
        const size_t n = row_length(indptr, r);
        if (n) buckets += (size_t)1 << softdraw_alias_bits(n);
    }
    return buckets;
}

size_t softdraw_alias_rows_max_length(const int64_t *indptr, size_t rows) {
    size_t longest = 0;
    if (!indptr) return 0;
    for (size_t r = 0; r < rows; r++) {
        const size_t n = row_length(indptr, r);
        if (n > longest) longest = n;
    }
    return longest;
}

/* The index of the first row whose bounds are negative or decrease, or `rows` if there is none. */
static size_t find_bad_row(const int64_t *indptr, size_t rows) {
    size_t r = 0;
    while (r < rows && indptr[r] >= 0 && indptr[r] <= indptr[r + 1]) r++;
    return r;
}

static int build_row(enum sd_weight_type type, const void *weights, size_t first, size_t n,
                     uint64_t *buckets, uint64_t *scratch, size_t *where) {
    switch (type) {
    case SD_WEIGHTS_F64:
        return softdraw_alias_build_f64((const double *)weights + first, n, buckets, scratch, where);
    case SD_WEIGHTS_F32:
        return softdraw_alias_build_f32((const float *)weights + first, n, buckets, scratch, where);
    default: return softdraw_alias_build_u64((const uint64_t *)weights + first, n, buckets, scratch, where);
    }
}

static int build_rows(enum sd_weight_type type, const void *weights, const int64_t *indptr, size_t rows,
                      uint64_t *records, uint64_t *buckets, uint64_t *scratch, size_t *where) {
    size_t start = 0, index, unused;
    if (!where) where = &unused;
    if (rows && (!indptr || !records)) return SOFTDRAW_ERROR_NULL;
    const size_t bad = find_bad_row(indptr, rows);
    if (bad < rows) {
        *where = bad;
        return SOFTDRAW_ERROR_LENGTH;
    }
    if (rows && indptr[rows] > indptr[0] && (!weights || !buckets || !scratch)) return SOFTDRAW_ERROR_NULL;
    for (size_t r = 0; r < rows; r++) {
        const size_t first = (size_t)indptr[r], n = (size_t)indptr[r + 1] - first;
        const int error =
            n ? build_row(type, weights, first, n, buckets + start, scratch, &index) : SOFTDRAW_ERROR_ZERO;
        records[r] = (uint64_t)start << BITS;
        if (error == SOFTDRAW_OK) {
            const unsigned bits = softdraw_alias_bits(n);
            records[r] |= bits;
            start += (size_t)1 << bits;
        } else if (error != SOFTDRAW_ERROR_ZERO) {
            *where = error == SOFTDRAW_ERROR_WEIGHT ? first + index : r;
            return error;
        }
    }
    *where = start;
    return SOFTDRAW_OK;
}

#define DEFINE_BUILD(function, weight, type)                                                      \
    int function(const weight *weights, const int64_t *indptr, size_t rows, uint64_t *records,    \
                 uint64_t *buckets, uint64_t *scratch, size_t *where) {                           \
        return build_rows(type, weights, indptr, rows, records, buckets, scratch, where);         \
    }
DEFINE_BUILD(softdraw_alias_rows_build_f64, double, SD_WEIGHTS_F64)
DEFINE_BUILD(softdraw_alias_rows_build_f32, float, SD_WEIGHTS_F32)
DEFINE_BUILD(softdraw_alias_rows_build_u64, uint64_t, SD_WEIGHTS_U64)

int softdraw_alias_rows_map(const uint64_t *buckets, const uint64_t *records, size_t count,
                            const int64_t *rows, const uint64_t *words, size_t n, int64_t *out,
                            size_t *where) {
    /* how many draws lie between fetching a record and reading it, and then a bucket and reading that */
    enum { AHEAD = 32, RING = 2 * AHEAD };
    struct {
        uint64_t row, record;
    } ring[RING];
    int error = SOFTDRAW_OK;
    if (n && (!rows || !words || !out || (count && (!records || !buckets)))) return SOFTDRAW_ERROR_NULL;
    for (size_t i = 0; i < n + 2 * AHEAD; i++) {
        if (i < n) {
            /* read once, in case another thread changes it */
            const uint64_t row = (uint64_t)((const volatile int64_t *)rows)[i];
            if (row < count) {
                SD_FETCH(records + row);
                ring[i % RING].row = row;
            } else { /* an error, unless a row before it is one, so these are still looked at */
                if (where) *where = i;
                error = SOFTDRAW_ERROR_ROW;
                n = i;
            }
        }
        if (i >= AHEAD && i - AHEAD < n) {
            const size_t j = i - AHEAD;
            const uint64_t record = records[ring[j % RING].row];
            if (!bits_of(record)) {
                if (where) *where = j;
                return SOFTDRAW_ERROR_ZERO;
            }
            SD_FETCH(buckets + (record >> BITS) + (words[j] >> (64 - bits_of(record))));
            ring[j % RING].record = record;
        }
        if (i >= 2 * AHEAD) {
            const size_t j = i - 2 * AHEAD;
            const uint64_t record = ring[j % RING].record;
            const uint64_t *table = buckets + (record >> BITS);
            out[j] = (int64_t)softdraw_alias_map1(table, bits_of(record), words[j]);
        }
    }
    return error;
}
