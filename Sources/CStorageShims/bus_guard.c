// What happens when a page of a mapped file cannot be read: the disk failed, or another process cut
// the file short. The kernel sends SIGBUS to the reading thread (see mmap(2)). The handler notes the
// failure at the mapping and puts a page of zeros in the place, so that the reader comes to its end;
// whoever reads must look at the note afterwards and throw the result away.
//
// - The note is made before the zeros appear: who has read zeros finds the note.
// - The handler takes no lock and calls mmap(2) and sigaction(2) only.
// - A signal that is none of ours goes to the handler that was there before.

#define _GNU_SOURCE
#include "storage_shims.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

// The kernel permits 65,530 mappings a process (vm.max_map_count).
enum { SLOT_COUNT = 1 << 16 };

struct slot {
    _Atomic uintptr_t base;  // 0 when free
    _Atomic size_t byte_count;
    _Atomic int failed;
};

static struct slot slots[SLOT_COUNT];
static _Atomic int used_count;
static int first_free;
static uintptr_t page_byte_count;
static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t installed = PTHREAD_ONCE_INIT;
static struct sigaction previous;

static void handle(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    int saved = errno;
    uintptr_t address = (uintptr_t)info->si_addr;
    int count = atomic_load_explicit(&used_count, memory_order_acquire);
    for (int i = 0; i < count; i++) {
        uintptr_t base = atomic_load_explicit(&slots[i].base, memory_order_acquire);
        if (base == 0 || address < base) continue;
        size_t length = atomic_load_explicit(&slots[i].byte_count, memory_order_relaxed);
        length = (length + page_byte_count - 1) & ~(size_t)(page_byte_count - 1);
        if (address - base >= length) continue;
        atomic_store_explicit(&slots[i].failed, 1, memory_order_seq_cst);
        void *page = (void *)(address & ~(page_byte_count - 1));
        if (mmap(page, page_byte_count, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                 0) == MAP_FAILED)
            break;
        errno = saved;
        return;
    }
    // The access is repeated after the return and meets the handler of before.
    sigaction(SIGBUS, &previous, NULL);
    errno = saved;
}

static void install(void) {
    page_byte_count = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {0};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
}

int vs_guard_add(const void *base, size_t byte_count) {
    pthread_once(&installed, install);
    pthread_mutex_lock(&table);
    int slot = first_free;
    while (slot < SLOT_COUNT && atomic_load_explicit(&slots[slot].base, memory_order_relaxed) != 0)
        slot++;
    if (slot < SLOT_COUNT) {
        first_free = slot + 1;
        atomic_store_explicit(&slots[slot].failed, 0, memory_order_relaxed);
        atomic_store_explicit(&slots[slot].byte_count, byte_count, memory_order_relaxed);
        atomic_store_explicit(&slots[slot].base, (uintptr_t)base, memory_order_release);
        if (slot >= atomic_load_explicit(&used_count, memory_order_relaxed))
            atomic_store_explicit(&used_count, slot + 1, memory_order_release);
    }
    pthread_mutex_unlock(&table);
    return slot < SLOT_COUNT ? slot : -1;
}

void vs_guard_remove(int slot) {
    pthread_mutex_lock(&table);
    atomic_store_explicit(&slots[slot].base, 0, memory_order_release);
    if (slot < first_free) first_free = slot;
    pthread_mutex_unlock(&table);
}

int vs_guard_failed(int slot) {
    return atomic_load_explicit(&slots[slot].failed, memory_order_seq_cst);
}
