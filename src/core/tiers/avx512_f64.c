/* The kernels for float64 on AVX-512 F, BW, DQ and VL. */
#include "../kernels.h"
#include "../simd/avx512.h"
#include "f64.h"
