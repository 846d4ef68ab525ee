#define _GNU_SOURCE
#include "storage_shims.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

static int last_error(int result) { return result == 0 ? 0 : errno; }

int vs_open(const char *path, int mode, int *descriptor) {
    static const int flags[] = {O_RDONLY, O_RDWR, O_RDWR | O_CREAT | O_EXCL, O_RDWR | O_CREAT};
    int fd;
    do fd = open(path, flags[mode] | O_CLOEXEC | O_NOFOLLOW, 0600);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) return errno;
    if (fd <= 2) {
        // Standard streams may be closed; a stray write to them must not reach a store file.
        int above = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        int error = errno;
        close(fd);
        if (above < 0) return error;
        fd = above;
    }
    *descriptor = fd;
    return 0;
}

int vs_rename_new(const char *from, const char *to) {
    return last_error(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE));
}

int vs_lock_exclusively(int descriptor) {
    return last_error(flock(descriptor, LOCK_EX | LOCK_NB));
}

int vs_reserve(int descriptor, uint64_t byte_count) {
    return last_error(fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, (off_t)byte_count));
}

int vs_drop_cache(int descriptor) {
    return posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
}

int vs_advise(void *address, size_t byte_count, int advice) {
    static const int values[] = {MADV_NORMAL,   MADV_RANDOM,        MADV_SEQUENTIAL, MADV_WILLNEED,
                                 MADV_DONTNEED, MADV_POPULATE_READ, MADV_HUGEPAGE};
    return last_error(madvise(address, byte_count, values[advice]));
}

int vs_map(int descriptor, size_t byte_count, void **address) {
    void *base = mmap(NULL, byte_count, PROT_READ, MAP_SHARED, descriptor, 0);
    if (base == MAP_FAILED) return errno;
    *address = base;
    return 0;
}

int vs_allocate_pages(size_t byte_count, void **address) {
    void *base = mmap(NULL, byte_count, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return errno;
    *address = base;
    return 0;
}

int vs_free_bytes(const char *path, uint64_t *byte_count, uint64_t *capacity) {
    struct statvfs info;
    if (statvfs(path, &info) != 0) return errno;
    *byte_count = (uint64_t)info.f_bavail * info.f_frsize;
    *capacity = (uint64_t)info.f_blocks * info.f_frsize;
    return 0;
}
