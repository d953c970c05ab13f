// libuv: event loop, timers, descriptor readiness, thread pool.
// Manual: https://docs.libuv.org/en/v1.x/
#ifndef CARILLON_CLIBUV_SHIM_H
#define CARILLON_CLIBUV_SHIM_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#if defined(__linux__)
#include <malloc.h>
#include <sys/prctl.h>
#elif defined(__APPLE__)
#include <malloc/malloc.h>
#endif
#include <uv.h>

#if UV_VERSION_HEX < ((1 << 16) | (44 << 8))
#error "Carillon needs libuv 1.44 or newer"
#endif

// Names the calling thread for debuggers and `top`; libuv has a function of its own only since 1.50.
static inline void carillon_thread_set_name(const char *name) {
#if defined(__linux__)
    prctl(PR_SET_NAME, name, 0, 0, 0);
#elif defined(__APPLE__)
    pthread_setname_np(name);
#endif
}

// Keeps SIGPIPE from the calling thread, to which it is sent for its own writes.
static inline void carillon_thread_block_sigpipe(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

// Lets a thread free itself at its end; libuv can only join.
static inline void carillon_thread_detach(uv_thread_t thread) {
    pthread_detach(thread);
}

// Bounds what malloc keeps of freed memory at the end of each of its heaps, and lets smaller blocks than that stay in them
// (mallopt(3)): by itself glibc raises both bounds up to 64 MiB with the greatest block that was freed. Elsewhere nothing.
static inline void carillon_malloc_bound(int octets) {
#if defined(__GLIBC__)
    mallopt(M_TRIM_THRESHOLD, octets);
    mallopt(M_MMAP_THRESHOLD, octets);
#else
    (void)octets;
#endif
}

// Gives memory that was freed back to the system (malloc_trim(3)); nothing where the C library has no such call.
static inline void carillon_malloc_trim(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#elif defined(__APPLE__)
    malloc_zone_pressure_relief(NULL, 0);
#endif
}

// Begins to bring the line of memory at an address, and the next, into the processor's caches. Any address is allowed.
static inline void carillon_memory_fetch(const void *address) {
    __builtin_prefetch(address);
    __builtin_prefetch((const char *)address + 64);
}

// The calling thread as a number that can be compared.
static inline uintptr_t carillon_thread_id(void) {
    return (uintptr_t)pthread_self();
}

#endif
