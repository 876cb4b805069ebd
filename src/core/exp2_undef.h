/* Ends what exp2_f32.h or exp2_f64.h began, so that the next type can begin. */
#undef SD_REAL
#undef SD_PACK
#undef SD_WIDTH
#undef SD_LARGEST
#undef P
#undef A
#undef SD_SCALE
#undef SD_UNSCALE
#undef SD_CUTOFF
#undef SD_OFFSET
#undef SD_GRID
#undef SD_TILT
#undef SD_SPLIT
#undef SD_BLOCK
#undef SD_STORED
#undef SD_LOST
#undef SD_FAINT
