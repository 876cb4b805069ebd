/* The kernels on 64-bit words in plain C. */
#include "../kernels.h"
#include "../simd/scalar.h"
#include "words.h"
