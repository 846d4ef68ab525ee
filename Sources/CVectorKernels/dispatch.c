// Which instruction set runs, and the loops over rows that all of them share.

#include "kernels.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[VK_TIER_COUNT] = {"scalar", "avx2", "avx512", "neon"};

const char *vk_tier_name(vk_tier tier) { return names[tier]; }

int vk_tier_supported(vk_tier tier) {
    switch (tier) {
    case VK_TIER_SCALAR:
        return 1;
#if defined(__x86_64__)
    case VK_TIER_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("f16c");
    case VK_TIER_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
#endif
#if defined(__aarch64__)
    case VK_TIER_NEON:
        return 1;
#endif
    default:
        return 0;
    }
}

static vk_tier choose_tier(void) {
    const char *wanted = getenv("VECTORSTORE_KERNEL");
    if (wanted)
        for (int tier = 0; tier < VK_TIER_COUNT; tier++)
            if (strcmp(wanted, names[tier]) == 0 && vk_tier_supported(tier)) return tier;
    static const vk_tier best[] = {VK_TIER_AVX512, VK_TIER_AVX2, VK_TIER_NEON};
    for (size_t i = 0; i < sizeof best / sizeof *best; i++)
        if (vk_tier_supported(best[i])) return best[i];
    return VK_TIER_SCALAR;
}

vk_tier vk_active_tier(void) {
    static _Atomic int cached = -1;
    int tier = atomic_load_explicit(&cached, memory_order_relaxed);
    if (tier < 0) {
        tier = choose_tier();
        atomic_store_explicit(&cached, tier, memory_order_relaxed);
    }
    return (vk_tier)tier;
}

static const vk_functions *functions_of(vk_tier tier) {
    switch (tier) {
#if defined(__x86_64__)
    case VK_TIER_AVX2:
        return &vk_avx2_functions;
    case VK_TIER_AVX512:
        return &vk_avx512_functions;
#endif
#if defined(__aarch64__)
    case VK_TIER_NEON:
        return &vk_neon_functions;
#endif
    default:
        return &vk_scalar_functions;
    }
}

// How far ahead rows are asked for; measured best around 8 KB on Zen 4.
enum { PREFETCH_BYTES = 8192 };

static size_t rows_ahead(size_t dim) {
    size_t rows = PREFETCH_BYTES / (dim * 4 + 1);
    return rows < 4 ? 4 : (rows > 64 ? 64 : rows);
}

void vk_dot_rows_tier(vk_tier tier, const float *query, const float *rows, size_t stride,
                      size_t count, size_t dim, float *out) {
    const vk_functions *f = functions_of(tier);
    size_t ahead = rows_ahead(dim), i = 0;
    for (; i + 4 <= count; i += 4) {
        const float *p = rows + i * stride;
        const float *four[4] = {p, p + stride, p + 2 * stride, p + 3 * stride};
        if (i + ahead + 4 <= count)
            for (int r = 0; r < 4; r++) vk_prefetch_row(p + (ahead + r) * stride, dim);
        f->dot4(query, four, dim, out + i);
    }
    for (; i < count; i++) f->dot1(query, rows + i * stride, dim, out + i);
}

void vk_dot_gather_tier(vk_tier tier, const float *query, const float *base, size_t stride,
                        const uint32_t *ordinals, size_t count, size_t dim, float *out) {
    const vk_functions *f = functions_of(tier);
    size_t ahead = rows_ahead(dim), i = 0;
    for (size_t j = 0; j < ahead && j < count; j++)
        vk_prefetch_row(base + (size_t)ordinals[j] * stride, dim);
    for (; i + 4 <= count; i += 4) {
        const float *four[4];
        for (int r = 0; r < 4; r++) {
            if (i + ahead + r < count)
                vk_prefetch_row(base + (size_t)ordinals[i + ahead + r] * stride, dim);
            four[r] = base + (size_t)ordinals[i + r] * stride;
        }
        f->dot4(query, four, dim, out + i);
    }
    for (; i < count; i++) f->dot1(query, base + (size_t)ordinals[i] * stride, dim, out + i);
}

void vk_dot_block_tier(vk_tier tier, const float *a, size_t a_stride, size_t a_count,
                       const float *b, size_t b_stride, size_t b_count, size_t dim, float *out,
                       size_t ld) {
    const vk_functions *f = functions_of(tier);
    // Tiles of b stay in the second-level cache while all of a passes by.
    size_t tile = 131072 / (dim + 1);
    tile = tile < 16 ? 16 : tile / 4 * 4;
    for (size_t j = 0; j < b_count; j += tile) {
        size_t columns = b_count - j < tile ? b_count - j : tile;
        f->block(a, a_stride, a_count, b + j * b_stride, b_stride, columns, dim, out + j, ld);
    }
}

void vk_dot_rows(const float *query, const float *rows, size_t stride, size_t count, size_t dim,
                 float *out) {
    vk_dot_rows_tier(vk_active_tier(), query, rows, stride, count, dim, out);
}

void vk_dot_gather(const float *query, const float *base, size_t stride, const uint32_t *ordinals,
                   size_t count, size_t dim, float *out) {
    vk_dot_gather_tier(vk_active_tier(), query, base, stride, ordinals, count, dim, out);
}

void vk_dot_block(const float *a, size_t a_stride, size_t a_count, const float *b, size_t b_stride,
                  size_t b_count, size_t dim, float *out, size_t ld) {
    vk_dot_block_tier(vk_active_tier(), a, a_stride, a_count, b, b_stride, b_count, dim, out, ld);
}
