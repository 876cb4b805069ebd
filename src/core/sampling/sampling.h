/* Draws from logits: the kernel `sample`, which ../sample.c calls, and its parts, in the order in which
 * they use each other. A tier's file includes real_f32.h or real_f64.h first.
 *
 * The words of this folder: an item is one logit x of a row. Its mass is its rounded exponential, which is
 * proportional to its probability (masses.h). A draw scales its 64-bit word to the total mass and returns
 * the first item, in the order of the row, at which the masses add up to more. top_k and top_p keep the
 * largest items: all above a cutoff, and the first few of the ties, the items equal to it. What filters
 * keep is either gathered (kept_items.h), or described by a mass rule and the mass of each block of the row
 * (block_sums.h). `ready` is always what make_temperature makes of the temperature t. */
#include "source.h"
#include "masses.h"
#include "block.h"
#include "block_sums.h"
#include "one_pass.h"
#include "draw.h"
#include "kept_items.h"
#include "cutoff.h"
#include "filter.h"
#include "samples.h"
#include "top_k.h"
#include "top_p.h"
#include "min_p.h"
#include "ties.h"
#include "top_p_peaked.h"
#include "top_p_cut.h"
#include "top_p_row.h"
#include "filters.h"
#include "filter_columns.h"
#include "short_rows.h"
#include "sample.h"
