#ifndef VECTORSTORE_GEMM_H
#define VECTORSTORE_GEMM_H

#include "gemm_kernels.h"

#include <math.h>
#include <string.h>

/// What one instruction set does of the product of blocks.
typedef void vk_i8_block_function(const int8_t *base, const uint32_t *ordinals, size_t count,
                                  size_t width, const int8_t *panels, size_t panel_count,
                                  int32_t *scores, size_t ld);

extern vk_i8_block_function vk_scalar_i8_block;
#if defined(__x86_64__)
extern vk_i8_block_function vk_avx2_i8_block;
extern vk_i8_block_function vk_avx512_i8_block;
/// Whether `vk_avx512_i8_block` runs here: not every machine with AVX-512 has VNNI.
int vk_vnni_supported(void);
/// Scores of whole sixteens; returns how many places were written.
size_t vk_avx512_i8_places(const int32_t *scores, size_t count, int32_t floor, uint32_t *places);
void vk_avx512_i8_maxima(const int32_t *scores, size_t panels, int32_t *maxima);
void vk_avx2_i8_quantise(const float *in, size_t dim, float step, int8_t *out, float *error);
void vk_avx2_i8_accumulate(const int8_t *row, size_t width, float scale, float *sums);
#endif
#if defined(__aarch64__)
extern vk_i8_block_function vk_neon_i8_block;
#endif

static inline const int8_t *vk_i8_row(const int8_t *base, const uint32_t *ordinals, size_t i,
                                      size_t width) {
    return base + (ordinals ? (size_t)ordinals[i] : i) * width;
}

// Loops that the compiler makes wide under the target of the function they are inlined into. None is
// built with fused multiply-add, so that all give the same bits.

static inline __attribute__((always_inline)) void vk_i8_quantise_body(
    const float *in, size_t dim, float step, int8_t *out, float *error) {
    size_t width = vk_i8_width(dim);
    float inverse = step > 0 ? 1 / step : 0;
    // Adding 1.5 · 2^23 rounds to the nearest integer and leaves it in the low bits.
    const float magic = 12582912.0f;
    float lost[16] = {0};
    size_t i = 0;
    for (; i + 16 <= dim; i += 16)
        for (size_t j = 0; j < 16; j++) {
            float x = in[i + j] * inverse;
            x = x > 127 ? 127 : x < -127 ? -127 : x;
            float rounded = (x + magic) - magic;
            float e = in[i + j] - rounded * step;
            lost[j] += e * e;
            out[i + j] = (int8_t)(int32_t)rounded;
        }
    for (; i < dim; i++) {
        float x = in[i] * inverse;
        x = x > 127 ? 127 : x < -127 ? -127 : x;
        float rounded = (x + magic) - magic;
        float e = in[i] - rounded * step;
        lost[0] += e * e;
        out[i] = (int8_t)(int32_t)rounded;
    }
    memset(out + dim, 0, width - dim);
    float sum = 0;
    for (size_t j = 0; j < 16; j++) sum += lost[j];
    *error = sqrtf(sum);
}

static inline __attribute__((always_inline)) void vk_i8_accumulate_body(const int8_t *row,
                                                                        size_t width, float scale,
                                                                        float *sums) {
    for (size_t i = 0; i < width; i++) sums[i] += (float)row[i] * scale;
}

#endif
