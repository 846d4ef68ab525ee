#ifndef VECTORSTORE_VECTOR_KERNELS_H
#define VECTORSTORE_VECTOR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// Dot products of float32 vectors, one file per instruction set. All counts are in floats or rows.
//
// - The scalar file is the reference. Within one tier the value for a query and a row does not depend
//   on how many rows are scored together, where they lie or how they are aligned.
// - Nothing past the last float of a row is read.

typedef enum {
    VK_TIER_SCALAR = 0,
    VK_TIER_AVX2 = 1,
    VK_TIER_AVX512 = 2,
    VK_TIER_NEON = 3,
    VK_TIER_COUNT = 4
} vk_tier;

/// The tier in use: the best that this machine has, or the one that the environment variable
/// VECTORSTORE_KERNEL (scalar, avx2, avx512, neon) names if this machine has it.
vk_tier vk_active_tier(void);
/// 1 when this machine can run the tier.
int vk_tier_supported(vk_tier tier);
/// `scalar`, `avx2`, `avx512` or `neon`.
const char *vk_tier_name(vk_tier tier);

/// Zeroed bytes on a 64-byte boundary; from 2 MiB on they begin a huge page and the system is asked for
/// such pages. NULL when there is no memory left; freed by `vk_aligned_free`.
void *vk_aligned_allocate(size_t bytes);
void vk_aligned_free(void *start);

/// Asks for the cache line of an address.
static inline void vk_prefetch(const void *address) { __builtin_prefetch(address, 0, 2); }

/// out[i] = <query, rows + i·stride> for `count` rows.
void vk_dot_rows(const float *query, const float *rows, size_t stride, size_t count, size_t dim,
                 float *out);
/// out[i] = <query, base + ordinals[i]·stride> for `count` ordinals.
void vk_dot_gather(const float *query, const float *base, size_t stride, const uint32_t *ordinals,
                   size_t count, size_t dim, float *out);
/// out[i·ld + j] = <a + i·a_stride, b + j·b_stride>.
void vk_dot_block(const float *a, size_t a_stride, size_t a_count, const float *b, size_t b_stride,
                  size_t b_count, size_t dim, float *out, size_t ld);

// The same on a given tier; it must be supported.
void vk_dot_rows_tier(vk_tier tier, const float *query, const float *rows, size_t stride,
                      size_t count, size_t dim, float *out);
void vk_dot_gather_tier(vk_tier tier, const float *query, const float *base, size_t stride,
                        const uint32_t *ordinals, size_t count, size_t dim, float *out);
void vk_dot_block_tier(vk_tier tier, const float *a, size_t a_stride, size_t a_count,
                       const float *b, size_t b_stride, size_t b_count, size_t dim, float *out,
                       size_t ld);

#endif
