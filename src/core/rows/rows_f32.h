/* All kernels on rows that are computed in float32. */
#include "reduction.h"
#include "exp2_f32.h"
#include "accumulate_f32.h"
#include "many_rows_f32.h"
#include "log_f32.h"
#include "moments_f32.h"
#include "rows.h"
