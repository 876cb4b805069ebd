/* A row of logits as it lies in memory, with its mask: read item by item, by packs, by blocks, or once for
 * its maxima. Masked items read as -inf, whatever they are. */

/* How many items are read at once, and how many masses a block holds; a multiple of 32, the number of items
 * for which one word of mask bits stands. */
#define BLOCK_ITEMS (64 * WIDTH)

/* n logits in one of the formats of kernels.h, and which of them may be drawn: those whose byte of
 * `allowed` or whose bit of `bits` is set, or all if both are NULL. */
typedef struct {
    const void *x;
    int format;
    const uint8_t *allowed;
    const uint32_t *bits;
    size_t n;
} source_t;

/* Whether the row consists of reals without a mask, so that it can be used where it lies. */
SD_INLINE int is_plain(const source_t *row) {
    return row->format == SD_NATIVE && !row->allowed && !row->bits;
}

/* The pack of items from i on; -inf in lanes past the end of the row. */
SD_BODY pack_t read_pack(const source_t *row, size_t i) {
    const pack_t lowest = v_set1(-(real_t)INFINITY);
    const size_t left = row->n - i;
    pack_t x = read_items(row->x, row->format, i, left);
    if (row->allowed) {
        uint8_t last[16] = {0};
        if (left < 16) memcpy(last, row->allowed + i, left);
        x = v_where_bit(sd_bits_of_bytes(left < 16 ? last : row->allowed + i), x, lowest);
    } else if (row->bits) {
        x = v_where_bit(row->bits[i / 32] >> i % 32, x, lowest);
    }
    return x;
}

static SD_NOINLINE const real_t *read_block(const source_t *row, size_t i, size_t count, real_t *room) {
    for (size_t j = 0; j < count; j += WIDTH) v_store(room + j, read_pack(row, i + j));
    return room;
}

/* Returns items i to i + count - 1 as reals, -inf if masked: in place if the row is plain, otherwise in
 * `room`. count is at most BLOCK_ITEMS, which room has space for, and i is a multiple of WIDTH. */
SD_INLINE const real_t *fetch_block(const source_t *row, size_t i, size_t count, real_t *room) {
    return is_plain(row) ? (const real_t *)row->x + i : read_block(row, i, count, room);
}

static real_t read_item(const source_t *row, size_t i) {
    if (row->allowed ? !row->allowed[i] : row->bits ? !(row->bits[i / 32] >> i % 32 & 1) : 0)
        return -(real_t)INFINITY;
    return read_one(row->x, row->format, i);
}

/* Whether v_mark_nan has marked a lane. */
SD_INLINE int has_nan(pack_t marks) { return v_mask_ge(marks, marks) != mask_first(WIDTH); }

/* The maximum of each lane of the four packs at x. */
SD_INLINE pack_t find_lane_max_of_four(const real_t *x, pack_t *nan_marks) {
    const pack_t a = v_load(x), b = v_load(x + WIDTH), c = v_load(x + 2 * WIDTH), d = v_load(x + 3 * WIDTH);
    *nan_marks = v_mark_nan(v_mark_nan(*nan_marks, a, b), c, d);
    return v_max(v_max(a, b), v_max(c, d));
}

/* Returns the largest item, or NaN if any item is NaN. group_maxima, unless it is NULL, receives the
 * largest item of every `group` items; group is a divisor of BLOCK_ITEMS and at least two packs. */
static real_t find_maxima(const source_t *row, size_t group, real_t *group_maxima) {
    const pack_t lowest = v_set1(-(real_t)INFINITY);
    pack_t nan_marks = v_set1(0), all = lowest;
    real_t room[BLOCK_ITEMS];
    for (size_t i = 0; i < row->n; i += BLOCK_ITEMS) {
        const size_t count = row->n - i < BLOCK_ITEMS ? row->n - i : BLOCK_ITEMS;
        const real_t *x = fetch_block(row, i, count, room);
        size_t j = 0;
        for (; group >= 4 * WIDTH && count - j >= group; j += group) {
            pack_t a = find_lane_max_of_four(x + j, &nan_marks);
            for (size_t k = 4 * WIDTH; k < group; k += 4 * WIDTH)
                a = v_max(find_lane_max_of_four(x + j + k, &nan_marks), a);
            all = v_max(a, all);
            if (group_maxima) *group_maxima++ = v_reduce_max(a);
        }
        for (; j < count; j += group) {
            const size_t end = count - j < group ? count : j + group;
            pack_t a = lowest, b = lowest;
            size_t k = j;
            for (; end - k >= 2 * WIDTH; k += 2 * WIDTH) {
                const pack_t first = v_load(x + k), second = v_load(x + k + WIDTH);
                a = v_max(first, a);
                b = v_max(second, b);
                nan_marks = v_mark_nan(nan_marks, first, second);
            }
            for (; k < end; k += WIDTH) {
                const pack_t pack = load_up_to(x + k, end - k);
                a = v_max(pack, a);
                nan_marks = v_mark_nan(nan_marks, pack, pack);
            }
            a = v_max(a, b);
            all = v_max(a, all);
            if (group_maxima) *group_maxima++ = v_reduce_max(a);
        }
    }
    return has_nan(nan_marks) ? (real_t)sd_nan() : v_reduce_max(all);
}

/* The index of the first item that is NaN or +inf, or n. */
static size_t find_bad_item(const source_t *row) {
    for (size_t i = 0; i < row->n; i += WIDTH) {
        real_t x[WIDTH];
        v_store(x, read_pack(row, i));
        for (size_t j = 0; j < WIDTH; j++)
            if (!(x[j] <= LARGEST)) return i + j;
    }
    return row->n;
}
