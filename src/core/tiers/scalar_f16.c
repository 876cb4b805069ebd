/* The kernels for float16 in plain C. */
#include "../kernels.h"
#include "../simd/scalar.h"
#include "f16.h"
