/* Draws from logits of one floating-point type, over the exponential of exp2_f32.h or exp2_f64.h.
 *
 * An item's mass is its exponential, rounded; a word w draws the first item, in the order of the row,
 * at which the masses add up to more than w / 2^64 of their total. So a row is read once for the mass of
 * each block, relative to the largest item so far, and then only the block that the word falls into.
 * Filters say which items are left (filter_body.h and nucleus_body.h), as a list where they leave few, and
 * otherwise as a law by which the others have no mass. */

/* the longest row that is added up item by item, and drawn from side by side with others */
#define SD_FEW 16
/* items whose masses are kept at once, a multiple of what a word of mask bits holds */
#define SD_LIST (64 * SD_WIDTH)
/* blocks of a row; a row longer than their product has longer blocks, which are searched in turn */
#define SD_BLOCKS 256

/* ---- reading -------------------------------------------------------------------------------- */

SD_BODY SD_PACK F(read)(const sd_source *row, size_t i) {
    const SD_PACK lowest = P(set1)(-(SD_REAL)INFINITY);
    const size_t left = row->n - i;
    SD_PACK x = A(items_at)(row->x, row->format, i, left);
    if (row->allowed) {
        uint8_t last[16] = {0};
        if (left < 16) memcpy(last, row->allowed + i, left);
        x = P(where_bit)(sd_bits_of_bytes(left < 16 ? last : row->allowed + i), x, lowest);
    } else if (row->bits) {
        x = P(where_bit)(row->bits[i / 32] >> i % 32, x, lowest);
    }
    return x;
}

/* Items i to i + count <= i + SD_LIST as reals, -inf where they are masked out: where they lie if they
 * are, else in `room`, which holds SD_LIST. i is a multiple of 64. */
static const SD_REAL *F(fetch)(const sd_source *row, size_t i, size_t count, SD_REAL *room) {
    if (sd_as_it_lies(row)) return (const SD_REAL *)row->x + i;
    for (size_t j = 0; j < count; j += SD_WIDTH) P(store)(room + j, F(read)(row, i + j));
    return room;
}

static SD_REAL F(item)(const sd_source *row, size_t i) {
    if (row->allowed ? !row->allowed[i] : row->bits ? !(row->bits[i / 32] >> i % 32 & 1) : 0)
        return -(SD_REAL)INFINITY;
    return A(item_at)(row->x, row->format, i);
}

/* The largest of each group of `group` items, a divisor of SD_LIST and of at least two packs, and of
 * all; NaN if any item is. groups may be NULL. */
static SD_REAL F(maxima)(const sd_source *row, size_t group, SD_REAL *groups) {
    const SD_PACK lowest = P(set1)(-(SD_REAL)INFINITY);
    SD_PACK seen = P(set1)(0), all = lowest;
    SD_REAL room[SD_LIST];
    for (size_t i = 0; i < row->n; i += SD_LIST) {
        const size_t count = row->n - i < SD_LIST ? row->n - i : SD_LIST;
        const SD_REAL *x = F(fetch)(row, i, count, room);
        for (size_t j = 0; j < count; j += group) {
            const size_t end = count - j < group ? count : j + group;
            SD_PACK a = lowest, b = lowest;
            size_t k = j;
            for (; end - k >= 2 * SD_WIDTH; k += 2 * SD_WIDTH) {
                const SD_PACK first = P(load)(x + k), second = P(load)(x + k + SD_WIDTH);
                a = P(max)(first, a);
                b = P(max)(second, b);
                seen = P(or_nan)(seen, first, second);
            }
            for (; k < end; k += SD_WIDTH) {
                const SD_PACK pack = F(load_up_to)(x + k, end - k);
                a = P(max)(pack, a);
                seen = P(or_nan)(seen, pack, pack);
            }
            a = P(max)(a, b);
            all = P(max)(a, all);
            if (groups) *groups++ = P(largest)(a);
        }
    }
    return P(mask_ge)(seen, seen) == (1u << SD_WIDTH) - 1 ? P(largest)(all) : (SD_REAL)sd_nan();
}

/* The first item that no draw can be made with, or n. */
static size_t F(first_bad)(const sd_source *row) {
    for (size_t i = 0; i < row->n; i += SD_WIDTH) {
        SD_REAL x[SD_WIDTH];
        P(store)(x, F(read)(row, i));
        for (size_t j = 0; j < SD_WIDTH; j++)
            if (!(x[j] <= SD_LARGEST)) return i + j;
    }
    return row->n;
}

/* ---- masses --------------------------------------------------------------------------------- */

/* How items get their masses, and which are left: above `least`, or equal to it and not after `last`,
 * and of at least least_mass. */
typedef struct {
    A(reduction) reduction;
    SD_REAL max, least, least_mass;
    size_t last;
    int moved;
    A(inverse) unit; /* what filters weigh masses with, 1 or one over the largest */
} F(law);

/* How many temperatures below the largest of n items others may be 0 in softmax. */
SD_INLINE double F(faint)(size_t n) {
    double bits = SD_FAINT;
    for (size_t left = n - 1; left > 0; left /= 2) bits--;
    return bits / SD_LOG2E_HI;
}

/* Where unequal temperatures and maxima are their limits, all that is left has one mass. Items so
 * unlikely that softmax gives them 0 are left out: the word 0 would draw the first of a row. */
static F(law) F(law_make)(const A(temperature) * ready, double t, SD_REAL max, size_t n) {
    F(law) law = {0};
    law.max = max;
    law.last = SIZE_MAX;
    law.unit.high = P(set1)(1);
    law.unit.low = P(set1)(0);
    if (ready->limit) {
        law.moved = 1;
        law.least = ready->limit == SD_ONLY_MAX ? max : -SD_LARGEST;
        law.reduction = A(reduction_equal)();
    } else {
        const double least = (double)max - t * F(faint)(n);
        law.moved = A(must_be_moved)(ready, max);
        law.least = least >= -SD_LARGEST ? (SD_REAL)least : -SD_LARGEST;
        law.reduction = law.moved ? A(reduction_moved)(ready, max) : A(reduction_plain)(ready, max);
    }
    return law;
}

SD_BODY void F(masses)(const F(law) * law, const int group, const SD_PACK *x, const int moved,
                       SD_PACK *e) {
    const SD_PACK zero = P(set1)(0), least = P(set1)(law->least);
    SD_PACK s[SD_MOST], q[SD_MOST];
    A(exponential)(&law->reduction, NULL, group, x, moved, 0, s, q);
    SD_EACH e[u] = P(fma)(s[u], q[u], s[u]);
    SD_EACH e[u] = P(where_ge)(x[u], least, e[u], zero);
}

static double F(mass)(const F(law) * law, SD_REAL x) {
    SD_PACK pack = P(set1)(x);
    F(masses)(law, 1, &pack, law->moved, &pack);
    return (double)P(first)(pack);
}

/* What filters compare: masses in units of the largest, whose weight is a power of two then, so that no
 * sum of equal ones is rounded. */
SD_BODY void F(weights)(const F(law) * law, const int group, const SD_PACK *x, const int moved,
                          SD_PACK *w) {
    F(masses)(law, group, x, moved, w);
    SD_EACH w[u] = P(fma)(w[u], law->unit.high, P(mul)(w[u], law->unit.low));
}

static double F(weight)(const F(law) * law, SD_REAL x) {
    SD_PACK pack = P(set1)(x);
    F(weights)(law, 1, &pack, law->moved, &pack);
    return (double)P(first)(pack);
}

static void F(weigh_by_largest)(F(law) * law) {
    const sd_sum largest = {F(mass)(law, law->max) * SD_UNSCALE, 0};
    law->unit = A(inverse_make)(largest);
}

SD_BODY double F(sum_items)(const F(law) * law, const SD_REAL *x, size_t n, const int moved) {
    f64x8 sum = f64_set1(0);
    SD_PACK packs[SD_GROUP], e[SD_GROUP];
    size_t i = 0;
    const int group = SD_GROUP;
    for (; n - i >= SD_GROUP * SD_WIDTH; i += SD_GROUP * SD_WIDTH) {
        SD_EACH packs[u] = P(load)(x + i + (size_t)u * SD_WIDTH);
        F(weights)(law, group, packs, moved, e);
        SD_EACH sum = f64_add(sum, A(widened)(e[u]));
    }
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        F(weights)(law, 1, packs, moved, e);
        sum = f64_add(sum, A(widened)(e[0]));
    }
    return f64_total(sum);
}

static double F(sum)(const F(law) * law, const SD_REAL *x, size_t n) {
    return law->moved ? F(sum_items)(law, x, n, 1) : F(sum_items)(law, x, n, 0);
}

/* ---- drawing -------------------------------------------------------------------------------- */

/* The masses of at most SD_LIST items, and what all packs before each, and at last all, have. */
typedef struct {
    SD_REAL mass[SD_LIST];
    double before[SD_LIST / SD_WIDTH + 1];
    size_t packs;
} F(list);

SD_BODY void F(list_masses)(F(list) * list, const F(law) * law, const SD_REAL *x, size_t n,
                              const int moved) {
    const SD_PACK zero = P(set1)(0), least = P(set1)(law->least_mass);
    SD_PACK packs[SD_GROUP], e[SD_GROUP];
    size_t i = 0;
    const int group = SD_GROUP;
    for (; n - i >= SD_GROUP * SD_WIDTH; i += SD_GROUP * SD_WIDTH) {
        SD_EACH packs[u] = P(load)(x + i + (size_t)u * SD_WIDTH);
        F(masses)(law, group, packs, moved, e);
        SD_EACH P(store)(list->mass + i + (size_t)u * SD_WIDTH, P(where_ge)(e[u], least, e[u], zero));
    }
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        F(masses)(law, 1, packs, moved, e);
        P(store)(list->mass + i, P(where_ge)(e[0], least, e[0], zero));
    }
}

static double F(list_add_up)(F(list) * list, size_t n) {
    double sum = 0;
    list->packs = (n + SD_WIDTH - 1) / SD_WIDTH;
    for (size_t p = 0; p < list->packs; p++) {
        const SD_REAL *mass = list->mass + p * SD_WIDTH;
        list->before[p] = sum;
        if (n > SD_FEW) sum += f64_total(A(widened)(P(load)(mass)));
        else for (size_t i = 0; i < SD_WIDTH; i++) sum += (double)mass[i];
    }
    return list->before[list->packs] = sum;
}

/* Items first to first + n of a row; returns their mass. */
static double F(list_make)(F(list) * list, const F(law) * law, const SD_REAL *x, size_t n,
                           size_t first) {
    if (law->moved) F(list_masses)(list, law, x, n, 1);
    else F(list_masses)(list, law, x, n, 0);
    if (law->last < first + n) /* ties further on than the last one kept */
        for (size_t i = law->last < first ? 0 : law->last + 1 - first; i < n; i++)
            if (x[i] == law->least) list->mass[i] = 0;
    return F(list_add_up)(list, n);
}

/* The item at which masses add up to more than r, or the last that has any: sums that are rounded may
 * end a little before r. SIZE_MAX if none has. */
static size_t F(list_find)(const F(list) * list, double r) {
    size_t p = 0;
    while (p + 1 < list->packs && list->before[p + 1] <= r) p++;
    const SD_REAL *mass = list->mass + p * SD_WIDTH;
    double sum = list->before[p];
    size_t i = 0;
    for (int lane = 0; lane < SD_WIDTH; lane++) { /* without a branch, which would be guessed wrong */
        sum += (double)mass[lane];
        i += sum <= r;
    }
    if (i < SD_WIDTH) return p * SD_WIDTH + i;
    for (i = (p + 1) * SD_WIDTH; i > 0; i--)
        if (list->mass[i - 1] > 0) return i - 1;
    return SIZE_MAX;
}

/* What the blocks before each, and at last all, have. */
typedef struct {
    size_t length, count;
    double before[SD_BLOCKS + 1];
} F(blocks);

SD_INLINE size_t F(block_length)(size_t n) {
    size_t length = SD_LIST;
    while (n > length * SD_BLOCKS) length *= 2;
    return length;
}

/* From the blocks' own masses, in before[1] onwards. */
static void F(blocks_add_up)(F(blocks) * blocks) {
    blocks->before[0] = 0;
    for (size_t b = 0; b < blocks->count; b++) blocks->before[b + 1] += blocks->before[b];
}

/* The mass that a plain law leaves of items, where that is no matter of ties: by their masses alone if
 * law->least itself has too little, and otherwise by what they are, for a larger item has no smaller mass. */
SD_BODY double F(sum_left)(const F(law) * law, const SD_REAL *x, size_t n, const int by_mass) {
    const SD_PACK zero = P(set1)(0), least = P(set1)(law->least), least_mass = P(set1)(law->least_mass);
    const A(reduction) r = law->reduction;
    SD_PACK s[SD_GROUP], q[SD_GROUP], packs[SD_GROUP], e[SD_GROUP], max = P(set1)(law->max);
    F(masses)(law, 1, &max, 0, &max);
    A(mass_sum) sum = A(mass_sum_make)(max);
    size_t i = 0;
    const int group = SD_GROUP;
    for (; n - i >= SD_GROUP * SD_WIDTH; i += SD_GROUP * SD_WIDTH) {
        SD_EACH packs[u] = P(load)(x + i + (size_t)u * SD_WIDTH);
        A(exponential)(&r, NULL, group, packs, 0, 0, s, q);
        SD_EACH e[u] = P(fma)(s[u], q[u], s[u]);
        if (by_mass) SD_EACH e[u] = P(where_ge)(e[u], least_mass, e[u], zero);
        else SD_EACH e[u] = P(where_ge)(packs[u], least, e[u], zero);
        A(mass_sum_add)(&sum, group, e);
    }
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        F(masses)(law, 1, packs, 0, e);
        e[0] = P(where_ge)(e[0], least_mass, e[0], zero);
        A(mass_sum_add)(&sum, 1, e);
    }
    return A(mass_sum_total)(&sum);
}

/* Of items first to first + n, made with a law. */
static void F(blocks_of_law)(F(blocks) * blocks, const F(law) * law, const sd_source *row,
                             size_t first, size_t n) {
    F(list) list;
    SD_REAL room[SD_LIST];
    const int by_mass = (double)law->least_mass > F(mass)(law, law->least);
    blocks->length = F(block_length)(n);
    blocks->count = 0;
    for (size_t i = 0; i < n; blocks->count++) {
        const size_t end = n - i < blocks->length ? n : i + blocks->length;
        double sum = 0;
        for (; i < end; i += SD_LIST) {
            const size_t count = end - i < SD_LIST ? end - i : SD_LIST;
            const SD_REAL *x = F(fetch)(row, first + i, count, room);
            if (!law->moved && law->last >= first + i + count)
                sum += by_mass ? F(sum_left)(law, x, count, 1) : F(sum_left)(law, x, count, 0);
            else sum += F(list_make)(&list, law, x, count, first + i);
        }
        i = end;
        blocks->before[blocks->count + 1] = sum;
    }
    F(blocks_add_up)(blocks);
}

static size_t F(blocks_find)(const F(blocks) * blocks, const F(law) * law, const sd_source *row,
                             size_t first, size_t n, double r);

/* The item of block b at which the masses of all blocks add up to more than r. */
static size_t F(block_find)(const F(blocks) * blocks, size_t b, const F(law) * law,
                            const sd_source *row, size_t first, size_t n, double r) {
    const size_t start = b * blocks->length;
    const size_t length = n - start < blocks->length ? n - start : blocks->length;
    r = r > blocks->before[b] ? r - blocks->before[b] : 0;
    first += start;
    if (blocks->length > SD_LIST) {
        F(blocks) inner;
        F(blocks_of_law)(&inner, law, row, first, length);
        return F(blocks_find)(&inner, law, row, first, length, r);
    }
    F(list) list;
    SD_REAL room[SD_LIST];
    F(list_make)(&list, law, F(fetch)(row, first, length, room), length, first);
    const size_t found = F(list_find)(&list, r);
    return found == SIZE_MAX ? found : first + found;
}

/* The item of first to first + n at which masses add up to more than r; SIZE_MAX if none has any. A block
 * that has nothing may have kept a rounding of what was there: then it is the next one's, or if there is
 * none the last one's before. */
static size_t F(blocks_find)(const F(blocks) * blocks, const F(law) * law, const sd_source *row,
                             size_t first, size_t n, double r) {
    size_t at = 0, found = SIZE_MAX;
    while (at + 1 < blocks->count && blocks->before[at + 1] <= r) at++;
    for (size_t b = at; b < blocks->count && found == SIZE_MAX; b++)
        found = F(block_find)(blocks, b, law, row, first, n, r);
    for (size_t b = at; b > 0 && found == SIZE_MAX; b--)
        found = F(block_find)(blocks, b - 1, law, row, first, n, r);
    return found;
}

/* In a row that changes meanwhile there may be nothing left to find. */
SD_INLINE size_t F(some_item)(size_t found) { return found == SIZE_MAX ? 0 : found; }

/* ---- a row without filters ------------------------------------------------------------------- */

/* The mass of a block; or if `two` of what is above a bound, and of the rest, but that with roundings
 * of up to 2^-20 of it. */
typedef struct { double sum, rest; } F(sums);

/* Meanwhile the lane maxima of the next block, as softmax's add_block has them. */
SD_BODY F(sums) F(block_sums)(const A(reduction) * reduction, const SD_REAL *x, size_t n,
                                SD_PACK *lane_max, const SD_REAL *next, size_t n_next, SD_REAL bound,
                                const int two) {
    const SD_PACK limit = P(set1)(bound), zero = P(set1)(0);
    const A(reduction) r = *reduction;
    const size_t step = SD_GROUP * SD_WIDTH, span = two ? 16 * SD_WIDTH : step;
    SD_PACK s[SD_GROUP], q[SD_GROUP], packs[SD_GROUP], e[SD_GROUP];
    SD_PACK max = P(set1)(-(SD_REAL)INFINITY);
    A(exponential)(&r, NULL, 1, lane_max, 0, 0, s, q);
    A(mass_sum) sum = A(mass_sum_make)(P(fma)(s[0], q[0], s[0]));
    SD_PACK rest = zero; /* of up to 16 packs, */
    f64x8 all_rest = f64_set1(0); /* and of all before them */
    const int group = SD_GROUP;
    size_t i = 0;
    while (n_next - i >= span) { /* the next block is not the longer one */
        for (const size_t end = i + span; i < end; i += step) {
            SD_EACH max = P(max)(P(load)(next + i + (size_t)u * SD_WIDTH), max);
            SD_EACH packs[u] = P(load)(x + i + (size_t)u * SD_WIDTH);
            A(exponential)(&r, NULL, group, packs, 0, 0, s, q);
            SD_EACH e[u] = P(fma)(s[u], q[u], s[u]);
            if (two) {
                SD_EACH rest = P(add)(rest, P(where_ge)(limit, packs[u], e[u], zero));
                SD_EACH e[u] = P(where_ge)(limit, packs[u], zero, e[u]);
            }
            A(mass_sum_add)(&sum, group, e);
        }
        if (two) {
            all_rest = f64_add(all_rest, A(widened)(rest));
            rest = zero;
        }
    }
    *lane_max = P(max)(max, F(lane_max)(next + i, n_next - i));
    for (; i < n; i += SD_WIDTH) {
        packs[0] = F(load_up_to)(x + i, n - i);
        A(exponential)(&r, NULL, 1, packs, 0, 0, s, q);
        e[0] = P(fma)(s[0], q[0], s[0]);
        if (two) {
            rest = P(add)(rest, P(where_ge)(limit, packs[0], e[0], zero));
            e[0] = P(where_ge)(limit, packs[0], zero, e[0]);
        }
        A(mass_sum_add)(&sum, 1, e);
        if (two && i % span == span - SD_WIDTH) {
            all_rest = f64_add(all_rest, A(widened)(rest));
            rest = zero;
        }
    }
    const F(sums) sums = {A(mass_sum_total)(&sum), two ? f64_total(f64_add(all_rest, A(widened)(rest))) : 0};
    return sums;
}

/* The law of a row in one pass, each block being summed relative to the largest item so far, and what
 * the blocks have; or if `two` have above a bound, and in *rest all that is not. 0 where the row must be
 * moved, which its maximum decides. The sum is NaN if an item is. */
SD_BODY int F(one_pass)(F(blocks) * blocks, F(law) * law, double *rest, const A(temperature) * ready,
                          double t, const sd_source *row, SD_REAL bound, const int two) {
    const size_t n = row->n;
    SD_REAL room[2][SD_LIST], largest[SD_BLOCKS], max = -(SD_REAL)INFINITY;
    double power[SD_BLOCKS], below = 0;
    A(reduction) reduction = A(reduction_plain)(ready, 0);
    size_t count = n < SD_LIST ? n : SD_LIST, at = 0;
    const SD_REAL *x = F(fetch)(row, 0, count, room[0]);
    SD_PACK lane_max = F(lane_max)(x, count);
    if (ready->limit) return 0;
    blocks->length = F(block_length)(n);
    blocks->count = 0;
    for (size_t i = 0; i < n; blocks->count++) {
        const size_t end = n - i < blocks->length ? n : i + blocks->length;
        double sum = 0;
        SD_REAL top = -(SD_REAL)INFINITY;
        while (i < end) {
            const size_t left = n - i - count, n_next = left < SD_LIST ? left : SD_LIST;
            at ^= 1;
            const SD_REAL *next = F(fetch)(row, i + count, n_next, room[at]);
            const SD_REAL here = P(largest)(lane_max);
            if (here > top) top = here;
            if (here > max) {
                if (A(must_be_moved)(ready, here)) return 0;
                const double before = reduction.power;
                reduction = A(reduction_plain)(ready, max = here);
                sum *= sd_power_of_2(before - reduction.power);
                below *= sd_power_of_2(before - reduction.power);
            }
            if (here >= (SD_REAL)reduction.floor && max >= -SD_LARGEST) {
                const F(sums) sums = F(block_sums)(&reduction, x, count, &lane_max, next, n_next, bound, two);
                sum += sums.sum;
                below += sums.rest;
            } else { /* nothing but masked items, or as unlikely ones; NaN has no maximum */
                sum += F(count)(x, count, SD_LARGEST) * 0;
                lane_max = F(lane_max)(next, n_next);
            }
            i += count;
            x = next;
            count = n_next;
        }
        blocks->before[blocks->count + 1] = sum;
        power[blocks->count] = reduction.power;
        largest[blocks->count] = top;
    }
    *law = F(law_make)(ready, t, max, n);
    *rest = below;
    for (size_t b = 0; b < blocks->count; b++)
        blocks->before[b + 1] *= largest[b] >= law->least || blocks->before[b + 1] != blocks->before[b + 1]
                                     ? sd_power_of_2(power[b] - reduction.power)
                                     : 0;
    return 1;
}

static SD_NOINLINE int F(sum_blocks)(F(blocks) * blocks, F(law) * law, const A(temperature) * ready,
                                     double t, const sd_source *row) {
    double none;
    const int done = F(one_pass)(blocks, law, &none, ready, t, row, 0, 0);
    if (done) F(blocks_add_up)(blocks);
    return done;
}

static SD_NOINLINE int F(split_blocks)(F(blocks) * blocks, F(law) * law, double *rest,
                                       const A(temperature) * ready, double t, const sd_source *row,
                                       SD_REAL bound) {
    return F(one_pass)(blocks, law, rest, ready, t, row, bound, 1);
}

/* word / 2^64 of a total; in halves, since compilers ask a word for its top bit, which is random. */
SD_INLINE double F(share)(uint64_t word, double total) {
    return ((double)(int64_t)(word >> 32) * 0x1p-32 + (double)(int64_t)(word & 0xffffffff) * 0x1p-64) * total;
}

/* What is the matter with a row whose largest item, or sum, is no number. */
static int F(row_error)(const sd_source *row, size_t *where) {
    *where = F(first_bad)(row);
    return *where < row->n ? SOFTDRAW_ERROR_LOGIT : SOFTDRAW_ERROR_NOTHING;
}

/* Draws from all items, t > 0. */
static int F(draw_from_all)(const A(temperature) * ready, double t, const sd_source *row,
                            const uint64_t *words, size_t draws, int64_t *out, size_t *where) {
    const size_t n = row->n;
    if (n <= SD_LIST) {
        F(list) list;
        SD_REAL room[SD_LIST];
        const SD_REAL max = F(maxima)(row, SD_LIST, NULL);
        if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return F(row_error)(row, where);
        const F(law) law = F(law_make)(ready, t, max, n);
        const double total = F(list_make)(&list, &law, F(fetch)(row, 0, n, room), n, 0);
        for (size_t i = 0; i < draws; i++)
            out[i] = (int64_t)F(some_item)(F(list_find)(&list, F(share)(words[i], total)));
        return SOFTDRAW_OK;
    }
    F(blocks) blocks;
    F(law) law;
    if (!F(sum_blocks)(&blocks, &law, ready, t, row)) {
        const SD_REAL max = F(maxima)(row, SD_LIST, NULL);
        if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return F(row_error)(row, where);
        law = F(law_make)(ready, t, max, n);
        F(blocks_of_law)(&blocks, &law, row, 0, n);
    }
    const double total = blocks.before[blocks.count];
    if (!(total > 0)) return F(row_error)(row, where);
    for (size_t i = 0; i < draws; i++)
        out[i] = (int64_t)F(some_item)(
            F(blocks_find)(&blocks, &law, row, 0, n, F(share)(words[i], total)));
    return SOFTDRAW_OK;
}

/* At T = 0: the first of the largest. */
static int F(draw_largest)(const sd_source *row, size_t draws, int64_t *out, size_t *where) {
    const SD_REAL max = F(maxima)(row, SD_LIST, NULL);
    if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return F(row_error)(row, where);
    const SD_PACK least = P(set1)(max);
    size_t i = 0;
    unsigned found = 0;
    for (; i < row->n; i += SD_WIDTH)
        if ((found = P(mask_ge)(F(read)(row, i), least)) != 0) break;
    while (found != 0 && !(found & 1)) {
        found >>= 1;
        i++;
    }
    if (found == 0) i = 0; /* a row that changes meanwhile */
    for (size_t d = 0; d < draws; d++) out[d] = (int64_t)i;
    return SOFTDRAW_OK;
}
