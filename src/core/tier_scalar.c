/* The kernels for one tier: plain C, the reference. */
#include "compiler.h"
#include "kernels.h"
#include "softdraw.h"

#include <float.h>
#include <math.h>

#include "pack_scalar.h"
#include "tile_plain.h"

#define SD_KERNELS sd_kernels_scalar
#include "kernels_body.h"
