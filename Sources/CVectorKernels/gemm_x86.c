// Products of int8 blocks with AVX-512 VNNI and with AVX2.

#include "gemm.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#define VNNI __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512vnni")))
#define AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw")))
#define AVX2 __attribute__((target("avx2")))

int vk_vnni_supported(void) { return __builtin_cpu_supports("avx512vnni") != 0; }

// vpdpbusd multiplies unsigned by signed bytes: panels are lifted by 128 as they are loaded, and the
// sums start at -128 times the row's sum.
VNNI static inline __attribute__((always_inline)) void vnni_tile(
    const int8_t *const *rows, const int32_t *starts, size_t rows_n, size_t width,
    const int8_t *panels, size_t panels_n, int32_t *scores, size_t ld) {
    __m512i sum[8][3];
    const __m512i lift = _mm512_set1_epi8((char)0x80);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows_n; r++)
#pragma clang loop unroll(full)
        for (size_t p = 0; p < panels_n; p++) sum[r][p] = _mm512_set1_epi32(starts[r]);
    for (size_t at = 0; at < width; at += 4) {
        __m512i y[3];
#pragma clang loop unroll(full)
        for (size_t p = 0; p < panels_n; p++)
            y[p] = _mm512_xor_si512(
                lift, _mm512_loadu_si512(panels + p * VK_I8_PANEL_ROWS * width + at * 16));
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows_n; r++) {
            int32_t four;
            memcpy(&four, rows[r] + at, 4);
            __m512i x = _mm512_set1_epi32(four);
#pragma clang loop unroll(full)
            for (size_t p = 0; p < panels_n; p++) sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], y[p], x);
        }
    }
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows_n; r++)
#pragma clang loop unroll(full)
        for (size_t p = 0; p < panels_n; p++)
            _mm512_storeu_si512(scores + r * ld + p * VK_I8_PANEL_ROWS, sum[r][p]);
}

VNNI static int32_t vnni_start(const int8_t *row, size_t width) {
    __m128i sum = _mm_setzero_si128();
    const __m128i ones = _mm_set1_epi8(1);
    for (size_t at = 0; at < width; at += 16)
        sum = _mm_dpbusd_epi32(sum, ones, _mm_loadu_si128((const __m128i *)(row + at)));
    int32_t part[4];
    _mm_storeu_si128((__m128i *)part, sum);
    return -128 * (part[0] + part[1] + part[2] + part[3]);
}

VNNI void vk_avx512_i8_block(const int8_t *base, const uint32_t *ordinals, size_t count,
                             size_t width, const int8_t *panels, size_t panel_count,
                             int32_t *scores, size_t ld) {
    enum { SOME = 64 };
    for (size_t first = 0; first < count; first += SOME) {
        size_t some = count - first < SOME ? count - first : SOME;
        const int8_t *rows[SOME];
        int32_t starts[SOME];
        for (size_t i = 0; i < some; i++) {
            rows[i] = vk_i8_row(base, ordinals, first + i, width);
            starts[i] = vnni_start(rows[i], width);
        }
        int32_t *out = scores + first * ld;
        size_t p = 0;
        // Three panels stay in the first-level cache while the rows pass by.
        for (; p + 3 <= panel_count; p += 3) {
            const int8_t *y = panels + p * VK_I8_PANEL_ROWS * width;
            int32_t *to = out + p * VK_I8_PANEL_ROWS;
            size_t i = 0;
            for (; i + 8 <= some; i += 8)
                vnni_tile(rows + i, starts + i, 8, width, y, 3, to + i * ld, ld);
            for (; i < some; i++) vnni_tile(rows + i, starts + i, 1, width, y, 3, to + i * ld, ld);
        }
        for (; p < panel_count; p++) {
            const int8_t *y = panels + p * VK_I8_PANEL_ROWS * width;
            int32_t *to = out + p * VK_I8_PANEL_ROWS;
            size_t i = 0;
            for (; i + 8 <= some; i += 8)
                vnni_tile(rows + i, starts + i, 8, width, y, 1, to + i * ld, ld);
            for (; i < some; i++) vnni_tile(rows + i, starts + i, 1, width, y, 1, to + i * ld, ld);
        }
    }
}

// vpmaddubsw saturates unless one side is a magnitude of at most 127: the sign moves to the other.
AVX2 static inline __attribute__((always_inline)) void avx2_tile(
    const int8_t *const *rows, size_t rows_n, size_t width, const int8_t *panel, int32_t *scores,
    size_t ld) {
    __m256i sum[4][2];
    const __m256i ones = _mm256_set1_epi16(1);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows_n; r++) sum[r][0] = sum[r][1] = _mm256_setzero_si256();
    for (size_t at = 0; at < width; at += 4) {
        __m256i y[2], size[2];
#pragma clang loop unroll(full)
        for (size_t h = 0; h < 2; h++) {
            y[h] = _mm256_loadu_si256((const __m256i *)(panel + at * 16 + h * 32));
            size[h] = _mm256_abs_epi8(y[h]);
        }
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows_n; r++) {
            int32_t four;
            memcpy(&four, rows[r] + at, 4);
            __m256i x = _mm256_set1_epi32(four);
#pragma clang loop unroll(full)
            for (size_t h = 0; h < 2; h++) {
                __m256i pairs = _mm256_maddubs_epi16(size[h], _mm256_sign_epi8(x, y[h]));
                sum[r][h] = _mm256_add_epi32(sum[r][h], _mm256_madd_epi16(pairs, ones));
            }
        }
    }
#pragma clang loop unroll(full)
    for (size_t r = 0; r < rows_n; r++)
#pragma clang loop unroll(full)
        for (size_t h = 0; h < 2; h++)
            _mm256_storeu_si256((__m256i *)(scores + r * ld + h * 8), sum[r][h]);
}

AVX2 void vk_avx2_i8_block(const int8_t *base, const uint32_t *ordinals, size_t count, size_t width,
                           const int8_t *panels, size_t panel_count, int32_t *scores, size_t ld) {
    enum { SOME = 64 };
    for (size_t first = 0; first < count; first += SOME) {
        size_t some = count - first < SOME ? count - first : SOME;
        const int8_t *rows[SOME];
        for (size_t i = 0; i < some; i++) rows[i] = vk_i8_row(base, ordinals, first + i, width);
        for (size_t p = 0; p < panel_count; p++) {
            const int8_t *y = panels + p * VK_I8_PANEL_ROWS * width;
            int32_t *to = scores + first * ld + p * VK_I8_PANEL_ROWS;
            size_t i = 0;
            for (; i + 4 <= some; i += 4) avx2_tile(rows + i, 4, width, y, to + i * ld, ld);
            for (; i < some; i++) avx2_tile(rows + i, 1, width, y, to + i * ld, ld);
        }
    }
}

AVX2 void vk_avx2_i8_quantise(const float *in, size_t dim, float step, int8_t *out, float *error) {
    vk_i8_quantise_body(in, dim, step, out, error);
}

AVX2 void vk_avx2_i8_accumulate(const int8_t *row, size_t width, float scale, float *sums) {
    vk_i8_accumulate_body(row, width, scale, sums);
}

// MARK: - Selection

AVX512 void vk_avx512_i8_maxima(const int32_t *scores, size_t panels, int32_t *maxima) {
    for (size_t p = 0; p < panels; p++)
        maxima[p] = _mm512_reduce_max_epi32(_mm512_loadu_si512(scores + p * 16));
}

AVX512 size_t vk_avx512_i8_places(const int32_t *scores, size_t count, int32_t floor,
                                  uint32_t *places) {
    const __m512i limit = _mm512_set1_epi32(floor);
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    size_t found = 0;
    for (size_t i = 0; i < count; i += 16) {
        __mmask16 m = _mm512_cmpge_epi32_mask(_mm512_loadu_si512(scores + i), limit);
        if (!m) continue;
        __m512i at = _mm512_add_epi32(lanes, _mm512_set1_epi32((int)i));
        // Compressed in a register: to memory it takes microcode on Zen 4.
        _mm512_storeu_si512(places + found, _mm512_maskz_compress_epi32(m, at));
        found += (size_t)__builtin_popcount(m);
    }
    return found;
}

#endif
