/* top_p of a long row, whose order it never needs: samples tell about where the set ends, one pass over
 * the row what it has above that place, and the end itself is sought among the items near it. */

/* the shortest row that this is for */
#define SD_SAMPLED 4096

/* One item at random of each of `count` parts of a row; -inf for NaN. */
static void F(take_samples)(const sd_source *row, SD_REAL *samples, size_t count) {
    const uint64_t part = ((uint64_t)row->n << 32) / count; /* in units of 2^-32 items */
    const int as_it_lies = sd_as_it_lies(row);
    const SD_REAL *x = row->x;
    uint64_t start = 0;
    uint32_t random = 1;
    for (size_t i = 0; i < count; i++, start += part) {
        random = random * 1664525u + 1013904223u;
        const size_t at = (size_t)((start + (part >> 24) * (random >> 8)) >> 32);
        const SD_REAL value = as_it_lies ? x[at] : F(item)(row, at);
        samples[i] = value == value ? value : -(SD_REAL)INFINITY;
    }
}

/* Sums over samples, a whole number of packs, that are at least some value: of what weighs 1, the mass
 * and its square. Nothing that is drawn depends on how these are rounded. */
typedef struct { double count, mass, square; } F(shares);

static F(shares) F(shares_from)(const SD_REAL *samples, const SD_REAL *masses, size_t count,
                                  SD_REAL least) {
    const SD_PACK limit = P(set1)(least), zero = P(set1)(0), one = P(set1)(1);
    SD_PACK number = zero, mass = zero, square = zero;
    for (size_t i = 0; i < count; i += SD_WIDTH) {
        const SD_PACK x = P(load)(samples + i), m = P(where_ge)(x, limit, P(load)(masses + i), zero);
        number = P(add)(number, P(where_ge)(x, limit, one, zero));
        mass = P(add)(mass, m);
        square = P(fma)(m, m, square);
    }
    const F(shares) r = {f64_total(A(widened)(number)), f64_total(A(widened)(mass)),
                          f64_total(A(widened)(square))};
    return r;
}

/* About the largest sample such that from it on samples are at least so many, or have so much mass,
 * sought between two values; -SD_LARGEST if from `low` on they are less. */
SD_BODY SD_REAL F(quantile)(const SD_REAL *samples, const SD_REAL *weights, size_t count, SD_REAL low,
                              SD_REAL high, double target) {
    const SD_PACK zero = P(set1)(0), one = P(set1)(1);
    SD_REAL try = low;
    for (int i = 0; i < 15; i++) {
        const SD_PACK limit = P(set1)(try);
        SD_PACK a = zero, b = zero;
        for (size_t j = 0; j < count; j += 2 * SD_WIDTH) {
            a = P(add)(a, P(where_ge)(P(load)(samples + j), limit,
                                      weights ? P(load)(weights + j) : one, zero));
            b = P(add)(b, P(where_ge)(P(load)(samples + j + SD_WIDTH), limit,
                                      weights ? P(load)(weights + j + SD_WIDTH) : one, zero));
        }
        if (f64_total(A(widened)(P(add)(a, b))) >= target) low = try;
        else if (i == 0) return -SD_LARGEST;
        else high = try;
        try = low / 2 + high / 2;
    }
    SD_PACK least = P(set1)(-high); /* a sample itself, in case that many items are like it */
    for (size_t j = 0; j < count; j += SD_WIDTH) {
        const SD_PACK x = P(load)(samples + j), limit = P(set1)(low);
        least = P(max)(P(where_ge)(x, limit, P(sub)(zero, x), least), least);
    }
    return -P(largest)(least);
}

static SD_NOINLINE SD_REAL F(of_rank)(const SD_REAL *samples, size_t count, SD_REAL low, SD_REAL high,
                                      double rank) {
    return F(quantile)(samples, NULL, count, low, high, rank > 1 ? rank : 1);
}

static SD_NOINLINE SD_REAL F(of_mass)(const SD_REAL *samples, const SD_REAL *masses, size_t count,
                                      SD_REAL low, SD_REAL high, double mass) {
    return F(quantile)(samples, masses, count, low, high, mass);
}

/* The sample of a rank that is likely to be a little below a bound, or the last that has any mass. */
static SD_REAL F(below)(const SD_REAL *samples, size_t count, SD_REAL least, SD_REAL bound, double rank) {
    const SD_REAL near = bound - (bound - least) / 16;
    if (rank > (double)count) rank = (double)count;
    const SD_REAL low = F(of_rank)(samples, count, near, bound, rank);
    return low > -SD_LARGEST ? low : F(of_rank)(samples, count, least, near, rank);
}

/* How often each block has a value. */
static size_t F(count_ties)(const sd_source *row, SD_REAL value, size_t length, size_t *ties) {
    const SD_PACK same = P(set1)(value);
    SD_REAL room[SD_LIST];
    size_t all = 0;
    for (size_t i = 0, b = 0; i < row->n; b++) {
        const size_t end = row->n - i < length ? row->n : i + length;
        ties[b] = 0;
        for (size_t count; i < end; i += count) {
            count = end - i < SD_LIST ? end - i : SD_LIST;
            const SD_REAL *x = F(fetch)(row, i, count, room);
            for (size_t j = 0; j < count; j += SD_WIDTH) {
                const SD_PACK pack = F(load_up_to)(x + j, count - j);
                ties[b] += SD_COUNT_BITS(P(mask_ge)(pack, same) & P(mask_ge)(same, pack));
            }
        }
        all += ties[b];
    }
    return all;
}

/* How many items are at least some value. */
static size_t F(how_many)(const sd_source *row, SD_REAL least) {
    SD_REAL room[SD_LIST];
    double all = 0;
    for (size_t i = 0; i < row->n; i += SD_LIST) {
        const size_t count = row->n - i < SD_LIST ? row->n - i : SD_LIST;
        all += F(count)(F(fetch)(row, i, count, room), count, least);
    }
    return (size_t)all;
}

/* The first `kept` items of a value are left, besides all above it, which blocks have. */
static void F(leave_ties)(F(blocks) * blocks, F(law) * law, const sd_source *row, SD_REAL value,
                          const size_t *ties, size_t kept) {
    const double one = F(mass)(law, value);
    law->least = value;
    for (size_t b = 0; b < blocks->count && kept > 0; b++) {
        size_t here = ties[b] < kept ? ties[b] : kept;
        blocks->before[b + 1] += (double)here * one;
        kept -= here;
        if (kept > 0) continue;
        size_t i = b * blocks->length;
        while (i + 1 < row->n && (F(item)(row, i) != value || --here > 0)) i++;
        law->last = i;
    }
}

/* What is left ends among items: blocks get the masses of those that are, or if `had` lose those of the
 * others. */
static void F(leave_items)(F(blocks) * blocks, F(law) * law, const F(items) * items, const F(end) * end,
                           SD_REAL *work, const int had) {
    const SD_PACK least = P(set1)(end->least), zero = P(set1)(0);
    const SD_REAL one = had ? 0 : (SD_REAL)F(mass)(law, end->least);
    const size_t n = items->n;
    size_t ties = end->ties;
    for (size_t i = 0; i < n; i += SD_WIDTH) {
        const SD_PACK pack = F(load_up_to)(items->x + i, n - i);
        SD_PACK e;
        F(masses)(law, 1, &pack, 0, &e);
        P(store)(work + i, P(where_ge)(least, pack, had ? e : zero, had ? zero : e));
        unsigned equal = P(mask_ge)(pack, least) & P(mask_ge)(least, pack);
        for (; equal && ties > 0; equal &= equal - 1, ties--) {
            const size_t at = i + SD_FIRST_BIT((uint64_t)equal);
            work[at] = one;
            law->last = items->index[at];
        }
    }
    law->least = end->least;
    for (size_t i = 0; i < n;) { /* a block at a time, for a sum that is in memory has to be waited for */
        const size_t block = items->index[i] / blocks->length, after = (block + 1) * blocks->length;
        f64x8 packs = f64_set1(0);
        double sum = 0;
        for (; n - i >= SD_WIDTH && items->index[i + SD_WIDTH - 1] < after; i += SD_WIDTH)
            packs = f64_add(packs, A(widened)(P(load)(work + i)));
        for (; i < n && items->index[i] < after; i++) sum += (double)work[i];
        sum += f64_total(packs);
        blocks->before[block + 1] += had ? -sum : sum;
    }
}

/* What top_p leaves of a row that is peaked, from its largest items alone, which are above a bound: 1 if
 * that could be said. The rest has a mass of about rest 2^power. If it `may_do` without the exact sum, all
 * items are looked at first: one may be NaN. */
static int F(nucleus_of_largest)(F(filter) * f, F(law) * law, const sd_source *row, SD_REAL bound,
                                 double rest, double power, int may_do) {
    F(items) *items = &f->items;
    const size_t n = row->n, group = may_do ? SD_LIST / 4 : SD_LIST;
    F(end) end, other;
    SD_REAL max = may_do ? F(maxima)(row, group, f->groups) : bound;
    if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return 0;
    F(gather_from)(items, row, A(next_up)(bound), group, may_do ? f->groups : NULL, n / 8);
    if (items->n > n / 8 || items->n == 0) return 0;
    if (!may_do) max = P(largest)(F(lane_max)(items->x, items->n));
    *law = F(law_make)(f->ready, f->t, max, n);
    if (law->moved) return 0;
    const double certain = F(sum)(law, items->x, items->n);
    const double most = (double)(n - items->n) * F(mass)(law, bound);
    const double lower = f->top_p * certain * (1 - 0x1p-45);
    const double upper = f->top_p * (certain + most) * (1 + 0x1p-45);
    if (may_do && upper <= certain) { /* what the rest may have changes nothing? */
        if (F(end_of_items)(f, &end, law, lower) && F(end_of_items)(f, &other, law, upper) &&
            end.least == other.least && end.ties == other.ties) {
            F(keep)(items, end.least, end.ties);
            return 1;
        }
    }
    F(blocks) blocks;
    rest *= SD_SCALE * sd_power_of_2(power - law->reduction.power);
    if (f->top_p * (certain + 1.05 * rest) > certain ||
        !F(sum_blocks)(&blocks, law, f->ready, f->t, row) ||
        !F(end_of_items)(f, &end, law, f->top_p * blocks.before[blocks.count]))
        return 0;
    F(keep)(items, end.least, end.ties);
    return 1;
}

/* Whether a set that ends so is the one that reaches any target between two. */
SD_INLINE int F(is_the_end)(const F(end) * end, double one, double lower, double upper) {
    return end->above + (double)(end->ties - 1) * one < lower &&
           end->above + (double)end->ties * one >= upper;
}

/* Ends the set among the items that are equal to the bound, as end_near does. */
static int F(end_in_ties)(F(filter) * f, F(blocks) * blocks, F(law) * law, const sd_source *row,
                          SD_REAL bound, double above, double all, double error) {
    const double target = f->top_p * all, off = f->top_p * error, one = F(mass)(law, bound);
    size_t ties[SD_BLOCKS];
    const size_t most = F(count_ties)(row, bound, blocks->length, ties);
    if (above == 0 && all <= (double)most * one * (1 + 1e-6) && F(how_many)(row, law->least) == most) {
        F(leave_ties)(blocks, law, row, bound, ties, F(ties_of)(f->top_p, most));
        return 1;
    }
    if (!(above + (double)most * one >= target + off)) return 0;
    const F(end) end = {bound, F(ties_reaching)(above, one, most, target), above};
    if (error > 0 && !F(is_the_end)(&end, one, target - off, target + off)) return -1;
    F(leave_ties)(blocks, law, row, bound, ties, end.ties);
    return 1;
}

/* What all items have, or about: but for an error. */
typedef struct { double all, error; } F(total);

/* Sums the row for what all items have; 0 where that is not to be had. */
static int F(sum_all)(const F(filter) * f, const sd_source *row, F(total) * total) {
    F(blocks) blocks;
    F(law) law;
    if (!F(sum_blocks)(&blocks, &law, f->ready, f->t, row)) return 0;
    total->all = blocks.before[blocks.count];
    total->error = 0;
    return total->all > 0;
}

/* Ends the set that top_p leaves, given what is above a bound: among the items from `other` to the bound,
 * or above the bound and up to `other`. 0 if it does not end there, and -1 if the row has no sum, which is
 * taken where it makes a difference. */
static int F(end_near)(F(filter) * f, F(blocks) * blocks, F(law) * law, const sd_source *row,
                       SD_REAL other, SD_REAL bound, double above, F(total) * total) {
    const int upwards = other > bound;
    SD_REAL *work = f->work + 2 * SD_SAMPLES; /* after samples and masses */
    F(items) *items = &f->items;
    F(end) end = {bound, 1, above};
    if (other == bound) {
        int found = F(end_in_ties)(f, blocks, law, row, bound, above, total->all, total->error);
        if (found < 0 && F(sum_all)(f, row, total))
            found = F(end_in_ties)(f, blocks, law, row, bound, above, total->all, 0);
        return found;
    }
    F(gather)(items, row, upwards ? A(next_up)(bound) : other, upwards ? other : bound, SD_LIST, NULL,
              row->n);
    const double base = upwards ? above - F(sum)(law, items->x, items->n) : above;
    for (;;) {
        const double target = f->top_p * total->all, off = f->top_p * total->error;
        if (upwards && !(base < target - off && items->n > 0) && other < law->max) return 0;
        memcpy(work, items->x, items->n * sizeof *work);
        const int found = F(end_by_mass)(&end, law, work, items->n,
                                         upwards && other >= law->max ? 0 : base, target);
        if (!found && !upwards && other > -SD_LARGEST) return 0;
        if (total->error == 0) {
            if (found) break;
            end.least = upwards ? bound : law->least; /* sums that are rounded: all are left */
            end.ties = upwards ? 0 : SIZE_MAX;
            break;
        }
        if (found && F(is_the_end)(&end, F(mass)(law, end.least), target - off, target + off)) break;
        if (!F(sum_all)(f, row, total)) return -1;
    }
    F(leave_items)(blocks, law, items, &end, work, upwards);
    return 1;
}

/* Samples of a row, with their masses in units of their own, each standing for `weight` items. */
typedef struct {
    const SD_REAL *x, *masses;
    size_t count;
    double weight, power;
    SD_REAL least, max;
} F(samples);

/* Whether it may be that all items have one mass, but are not equal: they are counted then, which takes
 * all of them. Of the samples, those of no mass do not matter. */
static int F(may_have_one_mass)(const F(samples) * samples, const sd_source *row) {
    const SD_PACK zero = P(set1)(0), from = P(set1)(samples->least);
    const SD_REAL largest = P(largest)(F(lane_max)(samples->masses, samples->count));
    SD_PACK least = P(set1)(-largest);
    for (size_t i = 0; i < samples->count; i += SD_WIDTH) {
        const SD_PACK minus = P(sub)(zero, P(load)(samples->masses + i));
        least = P(max)(P(where_ge)(P(load)(samples->x + i), from, minus, least), least);
    }
    if (-P(largest)(least) < largest) return 0;
    size_t ties[SD_BLOCKS];
    return F(count_ties)(row, samples->max, F(block_length)(row->n), ties) < F(how_many)(row, samples->least);
}

/* A row split at a bound, which `from` samples reach and `past` exceed: what is above it, what all have,
 * and how much of that is wanting above it, or if negative too much. */
typedef struct {
    SD_REAL bound;
    double from, past, above, wanted;
    F(total) total;
    int is_tied; /* by many items */
} F(part);

static int F(split_row)(F(part) * split, const F(filter) * f, F(blocks) * blocks, F(law) * law,
                        const sd_source *row, const F(samples) * samples) {
    double rest;
    split->from = F(shares_from)(samples->x, samples->masses, samples->count, split->bound).count;
    split->past =
        F(shares_from)(samples->x, samples->masses, samples->count, A(next_up)(split->bound)).count;
    split->is_tied = split->from - split->past > (double)samples->count / 128;
    if (!F(split_blocks)(blocks, law, &rest, f->ready, f->t, row, split->bound)) return 0;
    split->above = 0;
    for (size_t b = 0; b < blocks->count; b++) split->above += blocks->before[b + 1];
    split->total.all = split->above + rest;
    split->total.error = rest * 0x1p-20;
    split->wanted = f->top_p * split->total.all - split->above;
    return split->total.all > 0;
}

/* How many samples have together what is wanted, if all are like the bound. */
static double F(wanted_samples)(const F(part) * split, const F(law) * law, const F(samples) * samples) {
    return split->wanted / (samples->weight * F(mass)(law, split->bound));
}

/* Where the row should be split instead, now that it is known what all have, of which samples may have
 * missed the largest: at the bound itself if that is not far off. */
static SD_REAL F(better_bound)(const F(part) * split, const F(law) * law, const F(samples) * samples) {
    const SD_REAL *x = samples->x, *masses = samples->masses, bound = split->bound;
    const size_t count = samples->count;
    if (split->is_tied) { /* the value above? */
        if (split->wanted > 0 || split->past < 1) return bound;
        return F(of_rank)(x, count, bound, samples->max, split->past);
    }
    const double unit = samples->weight * SD_SCALE * sd_power_of_2(samples->power - law->reduction.power);
    const double mass = F(shares_from)(x, masses, count, bound).mass + split->wanted / unit;
    const SD_REAL other = F(of_mass)(x, masses, count, samples->least, samples->max, mass);
    if (other == -SD_LARGEST) /* not in samples: then in items that are larger than most of them */
        return F(below)(x, count, samples->least, bound, split->from + (double)(count / 32));
    const double off = F(shares_from)(x, masses, count, other).count - split->from;
    return fabs(off) > (double)(count / 10) ? other : bound;
}

/* How far from the bound items are likely to have together what is wanted, by how close samples are on
 * both sides of it, or `margin` times as likely; 0 where that tells little. */
static double F(likely_reach)(const F(part) * split, const F(samples) * samples, double wanted, double t,
                              double margin) {
    if (split->is_tied) return 0;
    double width = ((double)samples->max - (double)samples->least) / 32, near = 0;
    for (int i = 0; i < 4 && !(near >= 64 && near <= 200); i++) {
        if (i > 0) width *= near < 16 ? 8 : near > 1000 ? 0.125 : 112 / near;
        const SD_REAL from = (SD_REAL)((double)split->bound - width);
        const SD_REAL to = (SD_REAL)((double)split->bound + width);
        near = F(shares_from)(samples->x, samples->masses, samples->count, from).count -
               F(shares_from)(samples->x, samples->masses, samples->count, to).count;
    }
    const double apart = 2 * width / (near * samples->weight), items = fabs(wanted) * samples->weight;
    const double reach = items * apart, error = margin * 2.4 * sqrt(1 / near + 1 / (items + 1));
    if (!(near >= 32 && reach < t)) return 0;
    return reach * (1 + error + (wanted > 0 ? reach / (2 * t) : 0)) + 3 * apart;
}

/* Ends the set near where a row was split, as end_near does: where samples have it end, or `margin` times
 * as far off. */
static int F(end_near_split)(F(filter) * f, F(blocks) * blocks, F(law) * law, const sd_source *row,
                             F(part) * split, const F(samples) * samples, double margin) {
    const double wanted = F(wanted_samples)(split, law, samples);
    const SD_REAL bound = split->bound;
    const double reach = margin > 4 ? 0 : F(likely_reach)(split, samples, wanted, f->t, margin);
    SD_REAL other = bound;
    if (reach > 0) {
        other = (SD_REAL)((double)bound + (wanted > 0 ? -reach : reach));
        if (wanted <= 0 && !(other > bound && other < law->max)) other = law->max;
    } else if (wanted > 0 && !(split->is_tied && margin == 1)) {
        const double rank = split->from + margin * (1.1 * wanted + 2.4 * sqrt(wanted) + 1.6);
        other = margin > 500 ? -SD_LARGEST
                             : F(below)(samples->x, samples->count, samples->least, bound, rank);
    } else if (wanted <= 0) {
        const double rank = split->from + margin * (1.1 * wanted - 2.4 * sqrt(-wanted) - 1.6);
        if (rank >= 1 && margin <= 500)
            other = F(of_rank)(samples->x, samples->count, bound, samples->max, rank);
        if (!(other > bound)) other = law->max;
    }
    return F(end_near)(f, blocks, law, row, other, bound, split->above, &split->total);
}

/* top_p of a long row, as apply has it; -1 if it has no plain law or no sum. Samples tell a bound that
 * is near the last item of the set. One pass sums what is above it, and the rest, so that what is wanting
 * or too much is known; the end is found among what is gathered next to the bound. Nothing depends on the
 * samples but the time that this takes. */
static int F(nucleus_of_row)(F(filter) * f, F(law) * law, const sd_source *row, F(blocks) * blocks) {
    const size_t n = row->n, step = 2 * SD_WIDTH;
    const size_t count = (256 + n / 64 < SD_SAMPLES ? 256 + n / 64 : SD_SAMPLES) / step * step;
    SD_REAL *x = f->work, *masses = f->work + count;
    F(take_samples)(row, x, count);
    const SD_REAL max = P(largest)(F(lane_max)(x, count));
    if (!(max <= SD_LARGEST && max >= -SD_LARGEST)) return -1;
    *law = F(law_make)(f->ready, f->t, max, n);
    if (law->moved) return -1;
    for (size_t i = 0; i < count; i += SD_WIDTH) {
        SD_PACK pack = P(load)(x + i);
        F(masses)(law, 1, &pack, 0, &pack);
        P(store)(masses + i, P(mul)(pack, P(set1)(SD_UNSCALE)));
    }
    const F(samples) samples = {x,         masses, count, (double)n / (double)count, law->reduction.power,
                                law->least, max};
    if (F(may_have_one_mass)(&samples, row)) return -1;
    const F(shares) all = F(shares_from)(x, masses, count, -SD_LARGEST);
    if (all.mass * all.mass < all.square * (double)count / 8) {
        const SD_REAL high = F(of_rank)(x, count, samples.least, max, (double)(count / 32));
        const double of_largest = F(shares_from)(x, masses, count, high).mass;
        if (of_largest > 0.7 * f->top_p * all.mass) {
            const double rest = samples.weight * (all.mass - of_largest);
            const double most = of_largest + (double)F(mass)(law, high) * SD_UNSCALE * (double)count;
            const int may_do = f->top_p * most < of_largest;
            if (F(nucleus_of_largest)(f, law, row, high, rest, samples.power, may_do)) return 1;
            F(take_samples)(row, x, count);
        }
    }
    const SD_REAL middle = F(of_mass)(x, masses, count, samples.least, max, f->top_p * all.mass);
    F(part) split;
    split.bound = middle < max ? middle : max;
    for (int again = 0, found = 0; found == 0; again++) {
        if (!F(split_row)(&split, f, blocks, law, row, &samples)) return -1;
        SD_REAL bound = split.bound; /* to split the row at instead */
        const int is_far = fabs(F(wanted_samples)(&split, law, &samples)) > (double)(count / 10);
        if (again < 2 && (split.is_tied || is_far)) bound = F(better_bound)(&split, law, &samples);
        for (double margin = 1; found == 0 && bound == split.bound; margin *= 4) {
            found = F(end_near_split)(f, blocks, law, row, &split, &samples, margin);
            if (found < 0) return -1;
            if (found == 0 && again < 2) bound = F(better_bound)(&split, law, &samples);
        }
        split.bound = bound;
    }
    F(blocks_add_up)(blocks);
    return 0;
}
