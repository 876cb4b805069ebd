/* The kernels for float16 on AVX2, FMA and F16C. */
#include "../kernels.h"
#include "../simd/avx2.h"
#include "f16.h"
