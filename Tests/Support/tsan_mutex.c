// Tells ThreadSanitizer what a contended Synchronization.Mutex does. Loaded in front of everything (LD_PRELOAD) by `make tsan`.
//
// A Mutex that is free is taken and let go by atomics in the code that uses it, which ThreadSanitizer sees. One that is
// contended is taken by functions of libswiftSynchronization, which is built without it: what the last owner did before he let
// go seems to race with what the next one does. These functions stand in front of those of Swift's library, call them, and say
// so. Their names are Swift's own; if they are others some day, the false reports are back, and nothing is hidden.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// Those of ThreadSanitizer's runtime, in programs that have it.
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

typedef SWIFT void (*lock_function)(uint32_t thread, SELF);
typedef SWIFT void (*unlock_function)(SELF);

static void *swifts(_Atomic(void *) *kept, const char *name) {
    void *found = atomic_load_explicit(kept, memory_order_acquire);
    if (found == NULL) {
        found = dlsym(RTLD_NEXT, name);
        atomic_store_explicit(kept, found, memory_order_release);
    }
    return found;
}

SWIFT void lock_slow(uint32_t thread, SELF self) __asm__(LOCK_SLOW);
SWIFT void lock_slow(uint32_t thread, SELF self) {
    static _Atomic(void *) kept;
    ((lock_function)swifts(&kept, LOCK_SLOW))(thread, self);
    if (__tsan_acquire != NULL) __tsan_acquire(self);
}

SWIFT void unlock_slow(SELF self) __asm__(UNLOCK_SLOW);
SWIFT void unlock_slow(SELF self) {
    static _Atomic(void *) kept;
    if (__tsan_release != NULL) __tsan_release(self);
    ((unlock_function)swifts(&kept, UNLOCK_SLOW))(self);
}
