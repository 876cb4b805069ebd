/* All kernels on rows, in the order in which they use each other. rows_f32.h and rows_f64.h, which include
 * this, bring the arithmetic of a type. */
#include "exponential.h"
#include "many_rows.h"
#include "load.h"
#include "sum.h"
#include "softmax_long.h"
#ifdef MAX_STORED
#include "softmax_stored.h"
#endif
#include "softmax_short.h"
#include "softmax_columns.h"
#include "softmax.h"
#include "excess.h"
#include "log1p_eight.h"
#include "log_columns.h"
#include "log_softmax.h"
#include "entropy.h"
