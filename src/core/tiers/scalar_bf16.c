/* The kernels for bfloat16 in plain C. */
#include "../kernels.h"
#include "../simd/scalar.h"
#include "bf16.h"
