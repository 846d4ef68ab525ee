// AVX2 with FMA: eight floats a register, the tail under a mask.

#include "kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma")))

TARGET static inline __m256i tail_mask(size_t dim) {
    static const int32_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(lanes + 8 - (dim & 7)));
}

TARGET static inline float add_lanes(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

// Two accumulators a row, for even and odd blocks of eight: the same order whether a row is scored
// alone or with three others.
TARGET static void dot1(const float *query, const float *row, size_t dim, float *out) {
    __m256 even = _mm256_setzero_ps(), odd = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + 16 <= dim; i += 16) {
        even = _mm256_fmadd_ps(_mm256_loadu_ps(query + i), _mm256_loadu_ps(row + i), even);
        odd = _mm256_fmadd_ps(_mm256_loadu_ps(query + i + 8), _mm256_loadu_ps(row + i + 8), odd);
    }
    if (i + 8 <= dim) {
        even = _mm256_fmadd_ps(_mm256_loadu_ps(query + i), _mm256_loadu_ps(row + i), even);
        i += 8;
    }
    if (i < dim) {
        __m256i m = tail_mask(dim);
        odd = _mm256_fmadd_ps(_mm256_maskload_ps(query + i, m), _mm256_maskload_ps(row + i, m), odd);
    }
    *out = add_lanes(_mm256_add_ps(even, odd));
}

TARGET static void dot4(const float *query, const float *const rows[4], size_t dim, float *out) {
    __m256 even[4], odd[4];
    for (int r = 0; r < 4; r++) even[r] = odd[r] = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + 16 <= dim; i += 16) {
        __m256 q0 = _mm256_loadu_ps(query + i), q1 = _mm256_loadu_ps(query + i + 8);
#pragma clang loop unroll(full)
        for (int r = 0; r < 4; r++) {
            even[r] = _mm256_fmadd_ps(q0, _mm256_loadu_ps(rows[r] + i), even[r]);
            odd[r] = _mm256_fmadd_ps(q1, _mm256_loadu_ps(rows[r] + i + 8), odd[r]);
        }
    }
    if (i + 8 <= dim) {
        __m256 q = _mm256_loadu_ps(query + i);
#pragma clang loop unroll(full)
        for (int r = 0; r < 4; r++)
            even[r] = _mm256_fmadd_ps(q, _mm256_loadu_ps(rows[r] + i), even[r]);
        i += 8;
    }
    if (i < dim) {
        __m256i m = tail_mask(dim);
        __m256 q = _mm256_maskload_ps(query + i, m);
#pragma clang loop unroll(full)
        for (int r = 0; r < 4; r++)
            odd[r] = _mm256_fmadd_ps(q, _mm256_maskload_ps(rows[r] + i, m), odd[r]);
    }
    for (int r = 0; r < 4; r++) out[r] = add_lanes(_mm256_add_ps(even[r], odd[r]));
}

// Three rows of a against four rows of b: twelve of the sixteen registers hold sums.
enum { TILE_A = 3, TILE_B = 4 };

TARGET static void tile(const float *a, size_t a_stride, const float *b, size_t b_stride,
                        size_t dim, float *out, size_t ld) {
    __m256 sum[TILE_A][TILE_B];
#pragma clang loop unroll(full)
    for (int r = 0; r < TILE_A; r++)
#pragma clang loop unroll(full)
        for (int c = 0; c < TILE_B; c++) sum[r][c] = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + 8 <= dim; i += 8) {
        __m256 x[TILE_A];
#pragma clang loop unroll(full)
        for (int r = 0; r < TILE_A; r++) x[r] = _mm256_loadu_ps(a + r * a_stride + i);
#pragma clang loop unroll(full)
        for (int c = 0; c < TILE_B; c++) {
            __m256 y = _mm256_loadu_ps(b + c * b_stride + i);
#pragma clang loop unroll(full)
            for (int r = 0; r < TILE_A; r++) sum[r][c] = _mm256_fmadd_ps(x[r], y, sum[r][c]);
        }
    }
    if (i < dim) {
        __m256i m = tail_mask(dim);
        for (int c = 0; c < TILE_B; c++) {
            __m256 y = _mm256_maskload_ps(b + c * b_stride + i, m);
            for (int r = 0; r < TILE_A; r++)
                sum[r][c] =
                    _mm256_fmadd_ps(_mm256_maskload_ps(a + r * a_stride + i, m), y, sum[r][c]);
        }
    }
    for (int r = 0; r < TILE_A; r++)
        for (int c = 0; c < TILE_B; c++) out[r * ld + c] = add_lanes(sum[r][c]);
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
    for (; i < a_count; i++)
        for (size_t j = 0; j < b_count; j++)
            dot1(a + i * a_stride, b + j * b_stride, dim, out + i * ld + j);
}

const vk_functions vk_avx2_functions = {dot4, dot1, block};

#endif
