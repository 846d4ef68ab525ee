// Aligned memory, and that of one thread for searches.
#define _DEFAULT_SOURCE

#include "scratch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *vk_aligned_allocate(size_t bytes) {
    const size_t huge = 2u << 20;
    size_t unit = bytes >= huge ? huge : 64;
    size_t whole = (bytes + unit - 1) / unit * unit;
    void *start = aligned_alloc(unit, whole ? whole : unit);
    if (!start) return NULL;
#if defined(MADV_HUGEPAGE)
    // Before the first touch, which is what makes pages.
    if (unit == huge) (void)madvise(start, whole, MADV_HUGEPAGE);
#endif
    memset(start, 0, whole ? whole : unit);
    return start;
}

void vk_aligned_free(void *start) { free(start); }

static void *reserve(vk_buffer *buffer, size_t bytes, int keep) {
    if (buffer->bytes >= bytes && buffer->start) return buffer->start;
    size_t grown = buffer->bytes + buffer->bytes / 2;
    if (grown < bytes) grown = bytes;
    grown = (grown + 4095) / 4096 * 4096;
    void *start = aligned_alloc(64, grown);
    if (!start) return NULL;
    if (keep && buffer->bytes) memcpy(start, buffer->start, buffer->bytes);
    free(buffer->start);
    buffer->start = start;
    buffer->bytes = grown;
    return start;
}

void *vk_buffer_reserve(vk_buffer *buffer, size_t bytes) { return reserve(buffer, bytes, 0); }

void *vk_buffer_extend(vk_buffer *buffer, size_t bytes) { return reserve(buffer, bytes, 1); }

void *vk_buffer_zeroed(vk_buffer *buffer, size_t bytes) {
    size_t before = buffer->bytes;
    char *start = reserve(buffer, bytes, 1);
    if (start && buffer->bytes > before) memset(start + before, 0, buffer->bytes - before);
    return start;
}

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int has_key;
static _Thread_local vk_scratch *mine;

static void release(void *memory) {
    vk_scratch *scratch = memory;
    vk_buffer *buffers = (vk_buffer *)scratch;
    for (size_t i = 0; i < sizeof *scratch / sizeof *buffers; i++) free(buffers[i].start);
    free(scratch);
    mine = NULL;
}

static void make_key(void) { has_key = pthread_key_create(&key, release) == 0; }

vk_scratch *vk_scratch_of_thread(void) {
    if (mine) return mine;
    pthread_once(&once, make_key);
    if (!has_key) return NULL;
    vk_scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch) return NULL;
    if (pthread_setspecific(key, scratch) != 0) {
        free(scratch);
        return NULL;
    }
    return mine = scratch;
}
