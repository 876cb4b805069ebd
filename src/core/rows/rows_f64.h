/* All kernels on rows that are computed in float64. */
#include "reduction.h"
#include "exp2_f64.h"
#include "accumulate_f64.h"
#include "many_rows_f64.h"
#include "log_f64.h"
#include "moments_f64.h"
#include "rows.h"
