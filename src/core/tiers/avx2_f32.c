/* The kernels for float32 on AVX2, FMA and F16C. */
#include "../kernels.h"
#include "../simd/avx2.h"
#include "f32.h"
