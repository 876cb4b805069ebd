/* What the core takes from MSVC's math.h, for a look at the core by MSVC's rules without MSVC. INFINITY
 * and NAN are spelled as there, the NaN negative as in older versions. */
#define INFINITY ((float)(1e300 * 1e300))
#define NAN (-__builtin_nanf(""))
#define HUGE_VAL ((double)INFINITY)
double fabs(double), sqrt(double);
