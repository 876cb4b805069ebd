/* Allocations that fail when they are told to. This library is loaded before the C library (LD_PRELOAD), so
   that it gets the allocations of Python, NumPy and softdraw. It is for glibc. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/* glibc's own functions, under names that nothing takes the place of. */
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

/* Python reads and sets these, by assignments that allocate nothing: how many allocations there were since
   `asked` was set to 0, which of them fail, counted from 0, and how many blocks are not freed. */
int64_t asked, first_failing, end_of_failing, blocks;

/* The functions that were being called when the first of them failed. */
static void *callers[64];
static int depth;

static int fails(void) {
    static int looks;  /* backtrace allocates memory */
    int64_t number;
    if (looks) return 0;
    number = asked++;
    if (number < first_failing || number >= end_of_failing) return 0;
    if (number == first_failing) {
        looks = 1;
        depth = backtrace(callers, 64);
        looks = 0;
    }
    errno = ENOMEM;
    return 1;
}

/* The file of the innermost of these that is of an extension module of Python. Or "list": that is CPython's
   own copy of a sequence, which in CPython 3.11 keeps a reference if it finds no memory. */
const char *asker(void) {
    Dl_info info;
    for (int i = 0; i < depth; i++) {
        if (!dladdr(callers[i], &info)) continue;
        if (info.dli_sname && strcmp(info.dli_sname, "PySequence_List") == 0) return "list";
        if (info.dli_fname && strstr(info.dli_fname, ".cpython-")) return info.dli_fname;
    }
    return "";
}

static void *counted(void *memory) {
    blocks += memory != NULL;
    return memory;
}

void *malloc(size_t size) {
    return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
    return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *memory, size_t size) {
    if (memory == NULL) return malloc(size);
    return fails() ? NULL : __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
    return fails() ? NULL : counted(__libc_memalign(alignment, size));
}

void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    *memory = memalign(alignment, size);
    return *memory == NULL ? ENOMEM : 0;
}

void free(void *memory) {
    blocks -= memory != NULL;
    __libc_free(memory);
}

/* Ends a process that crashes, with exit status 33 if NumPy had asked for what failed. */
static void end(int signal) {
    (void)signal;
    _exit(strstr(asker(), "numpy") ? 33 : 34);
}

void end_if_it_crashes(void) {
    signal(SIGSEGV, end);
    signal(SIGABRT, end);
}

/* What NumPy shall take memory for data from. Its own functions keep small blocks for the next array. */
static void *take(void *context, size_t size) {
    (void)context;
    return malloc(size);
}

static void *take_zeros(void *context, size_t count, size_t size) {
    (void)context;
    return calloc(count, size);
}

static void *resize(void *context, void *memory, size_t size) {
    (void)context;
    return realloc(memory, size);
}

static void give(void *context, void *memory, size_t size) {
    (void)context, (void)size;
    free(memory);
}

/* A PyDataMem_Handler of NumPy, version 1. */
struct {
    char name[127];
    uint8_t version;
    void *context;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *, size_t);
} handler = {"failing", 1, NULL, take, take_zeros, resize, give};
