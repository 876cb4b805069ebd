/* The kernels for float64 on NEON. */
#include "../kernels.h"
#include "../simd/neon.h"
#include "f64.h"
