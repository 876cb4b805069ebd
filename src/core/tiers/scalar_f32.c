/* The kernels for float32 in plain C. */
#include "../kernels.h"
#include "../simd/scalar.h"
#include "f32.h"
