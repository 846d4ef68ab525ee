#ifndef VECTORSTORE_CODES_H
#define VECTORSTORE_CODES_H

#include "code_kernels.h"

typedef size_t (*vk_code_scan_function)(const vk_code_query *query, const uint8_t *blocks,
                                        size_t count, float base, float slack, float threshold,
                                        uint32_t first, uint32_t *rows, float *bounds);

size_t vk_scalar_code_scan(const vk_code_query *query, const uint8_t *blocks, size_t count,
                           float base, float slack, float threshold, uint32_t first,
                           uint32_t *rows, float *bounds);
#if defined(__x86_64__)
size_t vk_avx2_code_scan(const vk_code_query *query, const uint8_t *blocks, size_t count, float base,
                         float slack, float threshold, uint32_t first, uint32_t *rows,
                         float *bounds);
size_t vk_avx512_code_scan(const vk_code_query *query, const uint8_t *blocks, size_t count,
                           float base, float slack, float threshold, uint32_t first,
                           uint32_t *rows, float *bounds);
#endif
#if defined(__aarch64__)
size_t vk_neon_code_scan(const vk_code_query *query, const uint8_t *blocks, size_t count, float base,
                         float slack, float threshold, uint32_t first, uint32_t *rows,
                         float *bounds);
#endif

#endif
