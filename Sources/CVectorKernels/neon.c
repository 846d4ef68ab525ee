// NEON: four floats a register; every arm64 machine has it.

#include "kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

// Two accumulators a row, for even and odd blocks of four, then the tail one by one.
static void dot1(const float *query, const float *row, size_t dim, float *out) {
    float32x4_t even = vdupq_n_f32(0), odd = vdupq_n_f32(0);
    size_t i = 0;
    for (; i + 8 <= dim; i += 8) {
        even = vfmaq_f32(even, vld1q_f32(query + i), vld1q_f32(row + i));
        odd = vfmaq_f32(odd, vld1q_f32(query + i + 4), vld1q_f32(row + i + 4));
    }
    float sum = vaddvq_f32(vaddq_f32(even, odd));
    for (; i < dim; i++) sum += query[i] * row[i];
    *out = sum;
}

static void dot4(const float *query, const float *const rows[4], size_t dim, float *out) {
    float32x4_t even[4], odd[4];
    for (int r = 0; r < 4; r++) even[r] = odd[r] = vdupq_n_f32(0);
    size_t i = 0;
    for (; i + 8 <= dim; i += 8) {
        float32x4_t q0 = vld1q_f32(query + i), q1 = vld1q_f32(query + i + 4);
        for (int r = 0; r < 4; r++) {
            even[r] = vfmaq_f32(even[r], q0, vld1q_f32(rows[r] + i));
            odd[r] = vfmaq_f32(odd[r], q1, vld1q_f32(rows[r] + i + 4));
        }
    }
    for (int r = 0; r < 4; r++) {
        float sum = vaddvq_f32(vaddq_f32(even[r], odd[r]));
        for (size_t j = i; j < dim; j++) sum += query[j] * rows[r][j];
        out[r] = sum;
    }
}

static void block(const float *a, size_t a_stride, size_t a_count, const float *b, size_t b_stride,
                  size_t b_count, size_t dim, float *out, size_t ld) {
    for (size_t i = 0; i < a_count; i++) {
        size_t j = 0;
        for (; j + 4 <= b_count; j += 4) {
            const float *p = b + j * b_stride;
            const float *four[4] = {p, p + b_stride, p + 2 * b_stride, p + 3 * b_stride};
            dot4(a + i * a_stride, four, dim, out + i * ld + j);
        }
        for (; j < b_count; j++) dot1(a + i * a_stride, b + j * b_stride, dim, out + i * ld + j);
    }
}

const vk_functions vk_neon_functions = {dot4, dot1, block};

#endif
