#ifndef VECTORSTORE_KERNELS_H
#define VECTORSTORE_KERNELS_H

#include "vector_kernels.h"

// One table of functions per instruction set.

typedef struct {
    /// Four rows against one query; rows[i] point anywhere.
    void (*dot4)(const float *query, const float *const rows[4], size_t dim, float *out);
    void (*dot1)(const float *query, const float *row, size_t dim, float *out);
    /// A tile of the product of two blocks, with all of its rows and columns inside.
    void (*block)(const float *a, size_t a_stride, size_t a_count, const float *b, size_t b_stride,
                  size_t b_count, size_t dim, float *out, size_t ld);
} vk_functions;

extern const vk_functions vk_scalar_functions;
#if defined(__x86_64__)
extern const vk_functions vk_avx2_functions;
extern const vk_functions vk_avx512_functions;
#endif
#if defined(__aarch64__)
extern const vk_functions vk_neon_functions;
#endif

/// Asks for a row in the second-level cache ahead of its use. T1, not T0: the first level's miss
/// buffers hold half of what the second level's do, and halve the bandwidth of random rows.
static inline void vk_prefetch_row(const float *row, size_t dim) {
    const char *p = (const char *)row;
    for (size_t byte = 0; byte < dim * 4; byte += 64) __builtin_prefetch(p + byte, 0, 2);
}

#endif
