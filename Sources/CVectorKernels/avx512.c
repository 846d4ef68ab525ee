// AVX-512: sixteen floats a register, the tail under a mask.

#include "kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma")))

TARGET static inline __mmask16 tail_mask(size_t dim) {
    return (__mmask16)((1u << (dim & 15)) - 1);
}

// Two accumulators a row, for even and odd blocks of sixteen, added at the end: the same order
// whether a row is scored alone or with three others.
TARGET static void dot1(const float *query, const float *row, size_t dim, float *out) {
    __m512 even = _mm512_setzero_ps(), odd = _mm512_setzero_ps();
    size_t i = 0;
    for (; i + 32 <= dim; i += 32) {
        even = _mm512_fmadd_ps(_mm512_loadu_ps(query + i), _mm512_loadu_ps(row + i), even);
        odd = _mm512_fmadd_ps(_mm512_loadu_ps(query + i + 16), _mm512_loadu_ps(row + i + 16), odd);
    }
    if (i + 16 <= dim) {
        even = _mm512_fmadd_ps(_mm512_loadu_ps(query + i), _mm512_loadu_ps(row + i), even);
        i += 16;
    }
    if (i < dim) {
        __mmask16 m = tail_mask(dim);
        odd = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(m, query + i), _mm512_maskz_loadu_ps(m, row + i),
                              odd);
    }
    *out = _mm512_reduce_add_ps(_mm512_add_ps(even, odd));
}

TARGET static void dot4(const float *query, const float *const rows[4], size_t dim, float *out) {
    __m512 even[4], odd[4];
    for (int r = 0; r < 4; r++) even[r] = odd[r] = _mm512_setzero_ps();
    size_t i = 0;
    for (; i + 32 <= dim; i += 32) {
        __m512 q0 = _mm512_loadu_ps(query + i), q1 = _mm512_loadu_ps(query + i + 16);
#pragma clang loop unroll(full)
        for (int r = 0; r < 4; r++) {
            even[r] = _mm512_fmadd_ps(q0, _mm512_loadu_ps(rows[r] + i), even[r]);
            odd[r] = _mm512_fmadd_ps(q1, _mm512_loadu_ps(rows[r] + i + 16), odd[r]);
        }
    }
    if (i + 16 <= dim) {
        __m512 q = _mm512_loadu_ps(query + i);
#pragma clang loop unroll(full)
        for (int r = 0; r < 4; r++)
            even[r] = _mm512_fmadd_ps(q, _mm512_loadu_ps(rows[r] + i), even[r]);
        i += 16;
    }
    if (i < dim) {
        __mmask16 m = tail_mask(dim);
        __m512 q = _mm512_maskz_loadu_ps(m, query + i);
#pragma clang loop unroll(full)
        for (int r = 0; r < 4; r++)
            odd[r] = _mm512_fmadd_ps(q, _mm512_maskz_loadu_ps(m, rows[r] + i), odd[r]);
    }
    for (int r = 0; r < 4; r++) out[r] = _mm512_reduce_add_ps(_mm512_add_ps(even[r], odd[r]));
}

// Six rows of a against four rows of b: 24 accumulators, ten loads for 24 multiply-adds.
enum { TILE_A = 6, TILE_B = 4 };

TARGET static void tile(const float *a, size_t a_stride, const float *b, size_t b_stride,
                        size_t dim, float *out, size_t ld) {
    __m512 sum[TILE_A][TILE_B];
#pragma clang loop unroll(full)
    for (int r = 0; r < TILE_A; r++)
#pragma clang loop unroll(full)
        for (int c = 0; c < TILE_B; c++) sum[r][c] = _mm512_setzero_ps();
    for (size_t i = 0; i < dim; i += 16) {
        __mmask16 m = dim - i >= 16 ? (__mmask16)0xFFFF : tail_mask(dim);
        __m512 y[TILE_B];
#pragma clang loop unroll(full)
        for (int c = 0; c < TILE_B; c++) y[c] = _mm512_maskz_loadu_ps(m, b + c * b_stride + i);
#pragma clang loop unroll(full)
        for (int r = 0; r < TILE_A; r++) {
            __m512 x = _mm512_maskz_loadu_ps(m, a + r * a_stride + i);
#pragma clang loop unroll(full)
            for (int c = 0; c < TILE_B; c++) sum[r][c] = _mm512_fmadd_ps(x, y[c], sum[r][c]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < TILE_A; r++)
#pragma clang loop unroll(full)
        for (int c = 0; c < TILE_B; c++) out[r * ld + c] = _mm512_reduce_add_ps(sum[r][c]);
}

TARGET static void block(const float *a, size_t a_stride, size_t a_count, const float *b,
                         size_t b_stride, size_t b_count, size_t dim, float *out, size_t ld) {
    size_t i = 0;
    for (; i + TILE_A <= a_count; i += TILE_A) {
        const float *p = a + i * a_stride;
        size_t j = 0;
        for (; j + TILE_B <= b_count; j += TILE_B)
            tile(p, a_stride, b + j * b_stride, b_stride, dim, out + i * ld + j, ld);
        for (; j < b_count; j++)
            for (size_t r = 0; r < TILE_A; r++)
                dot1(p + r * a_stride, b + j * b_stride, dim, out + (i + r) * ld + j);
    }
    for (; i < a_count; i++) {
        size_t j = 0;
        for (; j + 4 <= b_count; j += 4) {
            const float *p = b + j * b_stride;
            const float *four[4] = {p, p + b_stride, p + 2 * b_stride, p + 3 * b_stride};
            dot4(a + i * a_stride, four, dim, out + i * ld + j);
        }
        for (; j < b_count; j++) dot1(a + i * a_stride, b + j * b_stride, dim, out + i * ld + j);
    }
}

const vk_functions vk_avx512_functions = {dot4, dot1, block};

#endif
