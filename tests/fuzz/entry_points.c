/* A libFuzzer target for the functions of softdraw.h. Each input is bytes that become a call: which function,
 * lengths and strides, and the bits of every number. Arrays have exactly the size that the call may touch, so
 * that the address sanitizer sees any other access; results must be what softdraw.h says of any input. The
 * tier is that of SOFTDRAW_ISA. */
#include "../c/check.h"

typedef struct {
    const uint8_t *at, *end;
} bytes_t;

/* The next bytes as an integer below `limit`; 0 where they have ended. */
static size_t take_size(bytes_t *b, size_t limit) {
    size_t value = 0;
    for (int i = 0; i < 2 && b->at < b->end; i++) value = value << 8 | *b->at++;
    return value % limit;
}

static void *allocate(size_t size) {
    void *memory = malloc(size ? size : 1);
    CHECK(memory);
    return memory;
}

/* The next bytes, and zeros where they have ended, as `count` items. An item is either copied from the bytes,
 * so that it has any bits, or one of a few numbers near each other, which random bits seldom are. */
static void *take_items(bytes_t *b, size_t count, size_t itemsize) {
    uint8_t *items = allocate(count * itemsize);
    memset(items, 0, count * itemsize);
    const int plain = (int)take_size(b, 2);
    for (size_t i = 0; i < count && b->at < b->end; i++) {
        if (plain && itemsize >= 4) {
            const double value = (double)(int8_t)*b->at++ / 8;
            const float narrow = (float)value;
            memcpy(items + i * itemsize, itemsize == 8 ? (const void *)&value : &narrow, itemsize);
            continue;
        }
        const size_t left = (size_t)(b->end - b->at), size = left < itemsize ? left : itemsize;
        memcpy(items + i * itemsize, b->at, size);
        b->at += size;
    }
    return items;
}

/* Calls a function of the softmax family on one item type by number, through its own type. */
#define CALL(name, item)                                                                               \
    return softdraw_##name((const item *)x, x_stride, (item *)out, out_stride, rows, n, t, t_stride)
static int call_rows(size_t function, const void *x, ptrdiff_t x_stride, void *out, ptrdiff_t out_stride,
                     size_t rows, size_t n, const double *t, ptrdiff_t t_stride) {
    switch (function) {
    case 0: CALL(softmax_f32, float);
    case 1: CALL(softmax_f64, double);
    case 2: CALL(softmax_f16, uint16_t);
    case 3: CALL(softmax_bf16, uint16_t);
    case 4: CALL(log_softmax_f32, float);
    case 5: CALL(log_softmax_f64, double);
    case 6: CALL(log_softmax_f16, uint16_t);
    case 7: CALL(log_softmax_bf16, uint16_t);
    case 8: CALL(logsumexp_f32, float);
    case 9: CALL(logsumexp_f64, double);
    case 10: CALL(logsumexp_f16, uint16_t);
    case 11: CALL(logsumexp_bf16, uint16_t);
    case 12: CALL(entropy_f32, float);
    case 13: CALL(entropy_f64, double);
    case 14: CALL(entropy_f16, uint16_t);
    default: CALL(entropy_bf16, uint16_t);
    }
}

static const size_t item_sizes[4] = {4, 8, 2, 2}; /* of f32, f64, f16, bf16 */

/* A call of the softmax family, in place or not; probabilities are NaN or from 0 to 1. */
static void fuzz_rows(bytes_t *b) {
    const size_t function = take_size(b, 16), itemsize = item_sizes[function % 4];
    const size_t rows = take_size(b, 20), n = take_size(b, 300), gap = take_size(b, 3);
    const int reduces = function >= 8, in_place = !reduces && take_size(b, 2);
    const ptrdiff_t t_stride = (ptrdiff_t)take_size(b, 2), stride = (ptrdiff_t)(n + gap);
    const size_t size = rows ? (rows - 1) * (n + gap) + n : 0;
    void *x = take_items(b, size, itemsize), *copy = allocate(size * itemsize);
    memcpy(copy, x, size * itemsize);
    double *t = take_items(b, t_stride ? rows : 1, 8);
    void *out = in_place ? x : allocate((reduces ? rows : size) * itemsize);
    const int error = call_rows(function, x, stride, out, reduces ? 1 : stride, rows, n, t, t_stride);
    int fits = 1;
    for (size_t r = 0; r < (t_stride ? rows : rows > 0); r++) fits &= t[r] >= 0;
    CHECK(error == (fits ? SOFTDRAW_OK : SOFTDRAW_ERROR_TEMPERATURE));
    CHECK(in_place ? !error || !memcmp(x, copy, size * itemsize) : !memcmp(x, copy, size * itemsize));
    for (size_t r = 0; !error && r < rows && function < 2; r++)
        for (size_t i = 0; i < n; i++) {
            const size_t at = r * (n + gap) + i;
            const double p = function == 0 ? (double)((float *)out)[at] : ((double *)out)[at];
            CHECK(p != p || (p >= 0 && p <= 1));
        }
    if (out != x) free(out);
    free(t);
    free(copy);
    free(x);
}

static void fuzz_vjp(bytes_t *b) {
    const size_t type = take_size(b, 2), itemsize = item_sizes[type], rows = take_size(b, 9);
    const size_t n = take_size(b, 300);
    void *p = take_items(b, rows * n, itemsize), *g = take_items(b, rows * n, itemsize);
    double *t = take_items(b, 1, 8);
    void *out = take_size(b, 2) ? g : allocate(rows * n * itemsize);
    const ptrdiff_t s = (ptrdiff_t)n;
    const int error = type == 0 ? softdraw_softmax_vjp_f32(p, s, g, s, out, s, rows, n, t, 0)
                                : softdraw_softmax_vjp_f64(p, s, g, s, out, s, rows, n, t, 0);
    CHECK(error == (rows == 0 || *t > 0 ? SOFTDRAW_OK : SOFTDRAW_ERROR_TEMPERATURE));
    if (out != g) free(out);
    free(t);
    free(g);
    free(p);
}

/* Rows in pieces of any values, and then pieces of rows whose partials are any bits. */
static void fuzz_pieces(bytes_t *b) {
    const size_t type = take_size(b, 2), itemsize = item_sizes[type], rows = take_size(b, 5);
    const size_t pieces = 1 + take_size(b, 4), n = take_size(b, 150), count = rows * pieces;
    const int logarithms = (int)take_size(b, 2);
    const ptrdiff_t s = (ptrdiff_t)n;
    double *t = take_items(b, 1, 8);
    void *x = take_items(b, count * n, itemsize), *out = allocate(rows * n * itemsize);
    softdraw_partial *partials = allocate(count * sizeof *partials);
    softdraw_partial *whole = allocate(rows * sizeof *whole);
    int error = SOFTDRAW_OK;
    for (size_t i = 0; i < pieces && !error; i++) {
        const char *piece = (const char *)x + i * rows * n * itemsize;
        error = type == 0 ? softdraw_partial_f32((const float *)piece, s, whole, rows, n, t, 0)
                          : softdraw_partial_f64((const double *)piece, s, whole, rows, n, t, 0);
        for (size_t r = 0; r < rows && !error; r++) partials[r * pieces + i] = whole[r];
    }
    CHECK(error == (rows == 0 || *t >= 0 ? SOFTDRAW_OK : SOFTDRAW_ERROR_TEMPERATURE));
    for (int given = 0; given < 2; given++) {
        if (given) {
            free(partials);
            partials = take_items(b, count * (sizeof *partials / 8), 8);
        } else if (error) {
            continue;
        }
        const int combined = softdraw_combine_partials(partials, (ptrdiff_t)pieces, whole, rows, pieces);
        CHECK(given || combined == SOFTDRAW_OK);
        for (size_t i = 0; i < pieces && !combined; i++) {
            const char *piece = (const char *)x + i * rows * n * itemsize;
            const int written = type == 0 ? softdraw_softmax_piece_f32((const float *)piece, s, whole, out,
                                                                       s, rows, n, logarithms)
                                          : softdraw_softmax_piece_f64((const double *)piece, s, whole, out,
                                                                       s, rows, n, logarithms);
            CHECK(written == SOFTDRAW_OK);
            for (size_t k = 0; k < rows * n && !given && !logarithms; k++) {
                const double p = type == 0 ? (double)((float *)out)[k] : ((double *)out)[k];
                CHECK(p != p || (p >= 0 && p <= 1));
            }
        }
    }
    free(whole);
    free(partials);
    free(out);
    free(x);
    free(t);
}

static int is_possible(const void *x, size_t type, size_t i) {
    if (type == 0) return ((const float *)x)[i] > -INFINITY;
    if (type == 1) return ((const double *)x)[i] > -INFINITY;
    return ((const uint16_t *)x)[i] != (type == 2 ? 0xFC00 : 0xFF80);
}

/* Draws from rows, with any filters: an id is that of an item that may be drawn. */
static void fuzz_sample(bytes_t *b) {
    const size_t type = take_size(b, 4), itemsize = item_sizes[type], rows = take_size(b, 12);
    const size_t n = take_size(b, 4) ? take_size(b, 200) : take_size(b, 9000), draws = take_size(b, 4);
    const size_t set = take_size(b, 64), real = type == 1 ? 8 : 4;
    void *x = take_items(b, rows * n, itemsize);
    uint64_t *words = take_items(b, rows * draws, 8);
    double *t = take_items(b, 1, 8), *top_p = take_items(b, rows, 8), *min_p = take_items(b, 1, 8);
    uint64_t *top_k = allocate(8);
    *top_k = take_size(b, n + 3);
    uint8_t *allowed = take_items(b, rows * n, 1);
    uint32_t *bits = take_items(b, (n + 31) / 32, 4);
    softdraw_filters filters = SOFTDRAW_FILTERS_INIT;
    if (set & 1) filters.temperature = t;
    if (set & 2) filters.top_k = top_k;
    if (set & 4) filters.top_p = top_p, filters.top_p_stride = 1;
    if (set & 8) filters.min_p = min_p;
    if (set & 16) filters.allowed = allowed, filters.allowed_stride = (ptrdiff_t)n;
    if (set & 32) filters.allowed_bits = bits;
    int64_t *ids = allocate(rows * draws * 8);
    void *logprobs = take_size(b, 2) ? allocate(rows * draws * real) : NULL;
    void *scratch = allocate(type == 1 ? softdraw_sample_scratch_f64(n) : softdraw_sample_scratch_f32(n));
    size_t where = SIZE_MAX;
    const ptrdiff_t s = (ptrdiff_t)n;
    const int error =
        type == 0
            ? softdraw_sample_f32(x, s, rows, n, &filters, words, draws, ids, logprobs, scratch, &where)
        : type == 1
            ? softdraw_sample_f64(x, s, rows, n, &filters, words, draws, ids, logprobs, scratch, &where)
        : type == 2
            ? softdraw_sample_f16(x, s, rows, n, &filters, words, draws, ids, logprobs, scratch, &where)
            : softdraw_sample_bf16(x, s, rows, n, &filters, words, draws, ids, logprobs, scratch, &where);
    if (rows && n && (set & 16) && (set & 32))
        CHECK(error == SOFTDRAW_ERROR_FILTER || error == SOFTDRAW_ERROR_TEMPERATURE);
    if (error == SOFTDRAW_ERROR_LOGIT) CHECK(where < rows * n);
    else if (error && error != SOFTDRAW_ERROR_LENGTH) CHECK(where < rows);
    for (size_t i = 0; !error && i < rows * draws; i++) {
        CHECK(ids[i] >= 0 && (size_t)ids[i] < n);
        const size_t item = (size_t)ids[i], at = i / draws * n + item;
        CHECK(is_possible(x, type, at));
        if (set & 16) CHECK(allowed[at]);
        if (set & 32) CHECK(bits[item / 32] >> item % 32 & 1);
        if (logprobs) CHECK((real == 8 ? ((double *)logprobs)[i] : (double)((float *)logprobs)[i]) <= 0);
    }
    void *all[] = {x, words, t, top_p, min_p, top_k, allowed, bits, ids, logprobs, scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static double weight_at(const void *weights, size_t type, size_t i) {
    return type == 0   ? (double)((const float *)weights)[i]
           : type == 1 ? ((const double *)weights)[i]
                       : (double)((const uint64_t *)weights)[i];
}

/* Tables of rows of weights: units sum to 2^64, none for a weight of zero, some for any other. */
static void fuzz_alias(bytes_t *b) {
    const size_t type = take_size(b, 3), rows = take_size(b, 6);
    int64_t *indptr = allocate((rows + 1) * 8);
    indptr[0] = 0;
    for (size_t r = 0; r < rows; r++) indptr[r + 1] = indptr[r] + (int64_t)take_size(b, 400);
    const size_t n = (size_t)indptr[rows];
    void *weights = take_items(b, n, type == 0 ? 4 : 8);
    const size_t most = softdraw_alias_rows_max_buckets(indptr, rows);
    uint64_t *buckets = allocate(8 * most), *records = allocate(8 * rows);
    uint64_t *scratch = allocate(softdraw_alias_scratch(softdraw_alias_rows_max_length(indptr, rows)));
    size_t where = SIZE_MAX;
    const int error =
        type == 0 ? softdraw_alias_rows_build_f32(weights, indptr, rows, records, buckets, scratch, &where)
        : type == 1
            ? softdraw_alias_rows_build_f64(weights, indptr, rows, records, buckets, scratch, &where)
            : softdraw_alias_rows_build_u64(weights, indptr, rows, records, buckets, scratch, &where);
    CHECK(error == SOFTDRAW_OK || error == SOFTDRAW_ERROR_WEIGHT);
    if (error)
        CHECK(where < n &&
              !(weight_at(weights, type, where) >= 0 && weight_at(weights, type, where) < INFINITY));
    for (size_t r = 0; !error && r < rows; r++) {
        const size_t length = (size_t)(indptr[r + 1] - indptr[r]);
        const unsigned bits = (unsigned)(records[r] & 63);
        if (!bits) continue;
        CHECK(bits == softdraw_alias_bits(length));
        uint64_t *units = allocate(8 * length), sum = 0;
        const uint64_t *table = buckets + (records[r] >> 6);
        CHECK(!softdraw_alias_units(table, bits, length, units));
        size_t positive = 0, drawn = 0;
        for (size_t i = 0; i < length; i++) {
            const int is_positive = weight_at(weights, type, (size_t)indptr[r] + i) > 0;
            positive += is_positive;
            drawn += units[i] > 0;
            CHECK(is_positive || units[i] == 0);
            sum += units[i];
        }
        CHECK(sum == 0 && (positive == drawn || (positive == 1 && drawn == 0)));
        int64_t row = (int64_t)r, out;
        uint64_t word = take_size(b, 65536) * UINT64_C(0x0001000100010001);
        CHECK(!softdraw_alias_rows_map(buckets, records, rows, &row, &word, 1, &out, &where));
        CHECK(weight_at(weights, type, (size_t)(indptr[r] + out)) > 0);
        CHECK((uint64_t)out == softdraw_alias_map1(table, bits, word));
        free(units);
    }
    void *all[] = {indptr, weights, buckets, records, scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* A temperature that is not an end of the range gives the target to about the promised error. */
static void fuzz_temperature_for(bytes_t *b) {
    const size_t n = take_size(b, 100), quantity = take_size(b, 4), rows = take_size(b, 4) ? 1 : 3;
    double *x = take_items(b, n * rows, 8), *target = take_items(b, 1, 8), range[2],
           out[3] = {NAN, NAN, NAN};
    size_t where = SIZE_MAX;
    const int ranged = softdraw_temperature_for_range_f64(x, n, (int)quantity, range);
    if (!ranged && *target == 0) *target = range[0] + (range[1] - range[0]) * (double)take_size(b, 99) / 98;
    const int error =
        softdraw_temperature_for_f64(x, (ptrdiff_t)n, rows, n, (int)quantity, target, 0, out, &where);
    for (size_t r = 0; !error && r < rows; r++) CHECK(out[r] >= 0 && quantity < 3);
    if (error) CHECK(where < rows);
    CHECK(!error || error == SOFTDRAW_ERROR_LOGIT || error == SOFTDRAW_ERROR_TARGET);
    if (!ranged) CHECK(range[0] <= range[1]);
    free(target);
    free(x);
}

static uint64_t next_word(void *generator) { return softdraw_xoshiro_next(generator); }

/* One table, and all ways to draw from it: each gives the categories of the inline function. */
static void fuzz_table(bytes_t *b) {
    const size_t type = take_size(b, 3), n = take_size(b, 700), draws = take_size(b, 90);
    void *weights = take_items(b, n, type == 0 ? 4 : 8);
    const unsigned bits = softdraw_alias_bits(n);
    uint64_t *buckets = allocate(8 << bits), *scratch = allocate(softdraw_alias_scratch(n));
    uint64_t *units = allocate(8 * n), *words = take_items(b, draws, 8);
    softdraw_xoshiro generator, same;
    CHECK(!softdraw_xoshiro_seed(&generator, (const uint64_t[]){take_size(b, 9), 2, 3, take_size(b, 9)}));
    for (size_t skip = take_size(b, 17); skip > 0; skip--) softdraw_xoshiro_next(&generator);
    same = generator;
    int64_t *out = take_size(b, 2) ? (int64_t *)words : allocate(8 * draws), *drawn = allocate(8 * draws);
    size_t where = SIZE_MAX;
    const int error = type == 0   ? softdraw_alias_build_f32(weights, n, buckets, scratch, &where)
                      : type == 1 ? softdraw_alias_build_f64(weights, n, buckets, scratch, &where)
                                  : softdraw_alias_build_u64(weights, n, buckets, scratch, &where);
    CHECK(error == SOFTDRAW_OK || error == SOFTDRAW_ERROR_WEIGHT || error == SOFTDRAW_ERROR_ZERO ||
          (error == SOFTDRAW_ERROR_LENGTH && n == 0));
    if (!error) {
        CHECK(where < n && !softdraw_alias_units(buckets, bits, n, units));
        for (size_t i = 0; i < n; i++)
            CHECK(weight_at(weights, type, i) <= weight_at(weights, type, where) &&
                  (units[i] > 0 || i == where) >= (weight_at(weights, type, i) > 0));
        int64_t *expected = allocate(8 * draws);
        for (size_t i = 0; i < draws; i++)
            expected[i] = (int64_t)softdraw_alias_map1(buckets, bits, words[i]);
        CHECK(!softdraw_alias_map(buckets, bits, words, draws, out));
        CHECK(!memcmp(out, expected, 8 * draws));
        for (size_t i = 0; i < draws; i++)
            expected[i] = (int64_t)softdraw_alias_map1(buckets, bits, softdraw_xoshiro_word(&same));
        softdraw_xoshiro foreign = generator;
        CHECK(!softdraw_alias_sample(buckets, bits, &generator, draws, drawn));
        CHECK(!memcmp(drawn, expected, 8 * draws));
        CHECK(!softdraw_alias_draw(buckets, bits, next_word, &foreign, draws, drawn));
        CHECK(!memcmp(drawn, expected, 8 * draws));
        CHECK(softdraw_xoshiro_next(&generator) == softdraw_xoshiro_word(&same));
        free(expected);
    }
    if (out != (int64_t *)words) free(out);
    void *all[] = {weights, buckets, scratch, units, words, drawn};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/* A generator in any state that has a possible `used`: words one by one are the words of a fill. */
static void fuzz_generator(bytes_t *b) {
    softdraw_xoshiro *generator = take_items(b, sizeof *generator / 8, 8), *same = allocate(sizeof *same);
    if (take_size(b, 2)) CHECK(!softdraw_xoshiro_seed(generator, generator->s[0]));
    if (take_size(b, 8) == 0) CHECK(!softdraw_xoshiro_jump(generator, (uint64_t)take_size(b, 65536) << 48));
    generator->used %= 9;
    *same = *generator;
    const size_t passed = take_size(b, 40);
    for (size_t i = 0; i < passed; i++) softdraw_xoshiro_next(same);
    CHECK(!softdraw_xoshiro_advance(generator, passed, 0));
    const size_t n = take_size(b, 200);
    uint64_t *words = allocate(8 * n);
    CHECK(!softdraw_xoshiro_fill(generator, words, n));
    for (size_t i = 0; i < n; i++)
        CHECK(words[i] == (i % 2 ? softdraw_xoshiro_word(same) : softdraw_xoshiro_next(same)));
    CHECK(softdraw_xoshiro_next(generator) == softdraw_xoshiro_next(same));
    free(words);
    free(same);
    free(generator);
}

/* Functions of plain numbers, any of them, and of rows whose indptr is anything. */
static void fuzz_numbers(bytes_t *b) {
    int64_t *number = take_items(b, 1, 8);
    const int code = (int)*number;
    const size_t size = (size_t)*number;
    CHECK(softdraw_strerror(code) && *softdraw_strerror(code));
    const int is_tier = code >= 0 && code < softdraw_tier_count();
    CHECK(!softdraw_tier_name(code) == !is_tier && (is_tier || !softdraw_tier_available(code)));
    CHECK(softdraw_tier_available(softdraw_tier_in_use()) && softdraw_version() == SOFTDRAW_VERSION);
    CHECK(softdraw_sample_scratch_f32(size) >= size && softdraw_sample_scratch_f64(size) >= size);
    CHECK(softdraw_alias_scratch(size) >= size / 8);
    const size_t rows = take_size(b, 6);
    int64_t *indptr = take_items(b, rows + 1, 8), where_row = -1;
    int ascends = indptr[0] >= 0;
    for (size_t r = 0; r < rows; r++) ascends &= indptr[r + 1] >= indptr[r];
    softdraw_alias_rows_max_buckets(indptr, rows);
    softdraw_alias_rows_max_length(indptr, rows);
    size_t where = SIZE_MAX;
    uint64_t *records = allocate(8 * rows), bucket = 0, scratch = 0;
    for (size_t r = 0; r < rows; r++)
        where_row = where_row < 0 && indptr[r + 1] < indptr[r] ? (int64_t)r : where_row;
    if (!ascends && (indptr[0] < 0 || where_row == 0)) {
        const double none = 0;
        CHECK(softdraw_alias_rows_build_f64(&none, indptr, rows, records, &bucket, &scratch, &where) ==
              (rows ? SOFTDRAW_ERROR_LENGTH : SOFTDRAW_OK));
        CHECK(rows == 0 || where == 0);
    }
    memset(records, 0, 8 * rows); /* rows that have nothing */
    int64_t row = *number, id = -1;
    const int inside = row >= 0 && row < (int64_t)rows;
    CHECK(softdraw_alias_rows_map(&bucket, records, rows, &row, &scratch, 1, &id, &where) ==
          (inside ? SOFTDRAW_ERROR_ZERO : SOFTDRAW_ERROR_ROW));
    CHECK(where == 0);
    free(records);
    free(indptr);
    free(number);
}

/* libFuzzer ends the process without writing what is left in a buffer. */
int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    return setvbuf(stdout, NULL, _IONBF, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const targets[])(bytes_t *) = {
        fuzz_rows,  fuzz_vjp,       fuzz_sample,  fuzz_alias, fuzz_temperature_for,
        fuzz_table, fuzz_generator, fuzz_numbers, fuzz_pieces};
    bytes_t bytes = {data, data + size};
    if (size > 0) targets[*bytes.at++ % (sizeof targets / sizeof *targets)](&bytes);
    return 0;
}
