/* The kernels for one tier: NEON on aarch64. */
#include "compiler.h"

#if SD_NEON
#include "kernels.h"
#include "softdraw.h"

#include <float.h>
#include <math.h>

#include "pack_neon.h"
#include "tile_plain.h"

#define SD_KERNELS sd_kernels_neon
#include "kernels_body.h"
#else
typedef int sd_no_neon_here; /* ISO C wants a declaration in every file */
#endif
