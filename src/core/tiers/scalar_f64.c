/* The kernels for float64 in plain C. */
#include "../kernels.h"
#include "../simd/scalar.h"
#include "f64.h"
