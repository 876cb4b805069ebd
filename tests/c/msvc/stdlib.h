/* What the core takes from a C library's stdlib.h. */
#include <stddef.h>
char *getenv(const char *);
