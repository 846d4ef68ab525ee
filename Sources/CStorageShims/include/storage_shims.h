#ifndef VECTORSTORE_STORAGE_SHIMS_H
#define VECTORSTORE_STORAGE_SHIMS_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, RFC 3720 B.4) of `byte_count` bytes, continuing from `crc` (0 to begin).
uint32_t vs_crc32c(uint32_t crc, const void *bytes, size_t byte_count);
/// The table-driven form, on any machine.
uint32_t vs_crc32c_portable(uint32_t crc, const void *bytes, size_t byte_count);
/// 1 when `vs_crc32c` uses the processor's instruction.
int vs_crc32c_is_hardware(void);

// System calls that Swift imports badly. Each returns 0, or the errno.

/// open(2) with close-on-exec and no symbolic links; the descriptor is above 2.
/// mode: 0 read, 1 read and write, 2 create new, 3 create or open for locking.
int vs_open(const char *path, int mode, int *descriptor);
/// renameat2(2) with RENAME_NOREPLACE.
int vs_rename_new(const char *from, const char *to);
/// flock(2): exclusive, without waiting.
int vs_lock_exclusively(int descriptor);
/// fallocate(2) with FALLOC_FL_KEEP_SIZE.
int vs_reserve(int descriptor, uint64_t byte_count);
/// posix_fadvise(2) with POSIX_FADV_DONTNEED over the whole file.
int vs_drop_cache(int descriptor);
/// madvise(2): 0 normal, 1 random, 2 sequential, 3 will need, 4 do not need, 5 populate for reading,
/// 6 huge pages.
int vs_advise(void *address, size_t byte_count, int advice);
/// Maps the first `byte_count` bytes for reading, shared.
int vs_map(int descriptor, size_t byte_count, void **address);
/// Private pages of zeros that take no memory until they are written to.
int vs_allocate_pages(size_t byte_count, void **address);
/// statvfs(3): bytes that an unprivileged writer may allocate, and bytes of the whole file system.
int vs_free_bytes(const char *path, uint64_t *byte_count, uint64_t *capacity);

// Mappings whose pages may turn out unreadable; see bus_guard.c.

/// Watches a mapping; the slot, or -1 when 65,536 are watched already.
int vs_guard_add(const void *base, size_t byte_count);
/// Ends the watch, before the mapping goes.
void vs_guard_remove(int slot);
/// 1 once a page of the mapping could not be read.
int vs_guard_failed(int slot);

#endif
