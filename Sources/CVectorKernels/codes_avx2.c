// Codes and byte rows on AVX2.

#include "codes.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,f16c")))

AVX2 static inline __m256 butterfly(__m256 x, __m256 partner, int upper) {
    __m256 sum = _mm256_add_ps(x, partner), difference = _mm256_sub_ps(partner, x);
    switch (upper) {
    case 1:
        return _mm256_blend_ps(sum, difference, 0xAA);
    case 2:
        return _mm256_blend_ps(sum, difference, 0xCC);
    default:
        return _mm256_blend_ps(sum, difference, 0xF0);
    }
}

AVX2 static void hadamard(float *x, size_t power) {
    for (size_t i = 0; i < power; i += 8) {
        __m256 v = _mm256_loadu_ps(x + i);
        v = butterfly(v, _mm256_permute_ps(v, 0xB1), 1);
        v = butterfly(v, _mm256_permute_ps(v, 0x4E), 2);
        v = butterfly(v, _mm256_permute2f128_ps(v, v, 1), 4);
        _mm256_storeu_ps(x + i, v);
    }
    for (size_t half = 8; half < power; half *= 2)
        for (size_t i = 0; i < power; i += 2 * half)
            for (size_t j = i; j < i + half; j += 8) {
                __m256 a = _mm256_loadu_ps(x + j), b = _mm256_loadu_ps(x + j + half);
                _mm256_storeu_ps(x + j, _mm256_add_ps(a, b));
                _mm256_storeu_ps(x + j + half, _mm256_sub_ps(a, b));
            }
}

AVX2 static void flip(float *x, const uint8_t *signs, size_t count) {
    __m256i bits = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24);
    __m256i sign = _mm256_set1_epi32((int)0x80000000);
    for (size_t i = 0; i < count; i += 8) {
        __m256i mask = _mm256_sllv_epi32(_mm256_set1_epi32(signs[i / 8]), bits);
        __m256i v = _mm256_loadu_si256((const __m256i *)(x + i));
        v = _mm256_xor_si256(v, _mm256_and_si256(mask, sign));
        _mm256_storeu_si256((__m256i *)(x + i), v);
    }
}

AVX2 static void scale(float *x, float scale, size_t count) {
    __m256 factor = _mm256_set1_ps(scale);
    for (size_t i = 0; i < count; i += 8)
        _mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_loadu_ps(x + i), factor));
}

AVX2 static void turn(float *x, size_t half) {
    __m256 factor = _mm256_set1_ps(0.70710678f);
    for (size_t i = 0; i < half; i += 8) {
        __m256 a = _mm256_loadu_ps(x + i), b = _mm256_loadu_ps(x + i + half);
        _mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_add_ps(a, b), factor));
        _mm256_storeu_ps(x + i + half, _mm256_mul_ps(_mm256_sub_ps(a, b), factor));
    }
}

/// Adds the even bytes of `sums` to one set of 16-bit lanes and the odd ones to another.
AVX2 static inline void widen(__m256i sums, __m256i *even, __m256i *odd) {
    *even = _mm256_add_epi16(*even, _mm256_and_si256(sums, _mm256_set1_epi16(0xFF)));
    *odd = _mm256_add_epi16(*odd, _mm256_srli_epi16(sums, 8));
}

/// Eight rows' sums: the 16-bit lanes of both halves, widened and added.
AVX2 static inline __m256i fold(__m256i lanes) {
    return _mm256_add_epi32(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(lanes)),
                            _mm256_cvtepu16_epi32(_mm256_extracti128_si256(lanes, 1)));
}

AVX2 static size_t scan(const vk_query *query, const uint8_t *blocks, size_t block_count,
                        size_t rows, const uint8_t *const *ahead, float base, float slack,
                        float threshold, uint32_t first, uint32_t *slots, float *bounds) {
    size_t code_bytes = query->width * 4, bytes = vk_code_block_bytes(query->width), found = 0;
    __m256i nibbles = _mm256_set1_epi8(15);
    __m256 step = _mm256_set1_ps(query->step), bias = _mm256_set1_ps(query->offset + slack);
    __m256 lists = _mm256_set1_ps(base), limit = _mm256_set1_ps(threshold);
    for (size_t b = 0; b < block_count; b++, blocks += bytes) {
        const uint8_t *next = ahead[b] ? ahead[b] : blocks;
        __m256i lanes[4];
        for (int i = 0; i < 4; i++) lanes[i] = _mm256_setzero_si256();
        for (size_t at = 0; at < code_bytes;) {
            __m256i low = _mm256_setzero_si256(), high = low;
            size_t end = at + VK_CODE_RUN * 32 < code_bytes ? at + VK_CODE_RUN * 32 : code_bytes;
            for (; at < end; at += 32) {
                __builtin_prefetch(next + at, 0, 2);
                __m256i code = _mm256_loadu_si256((const __m256i *)(blocks + at));
                __m256i table = _mm256_loadu_si256((const __m256i *)(query->lut + at));
                __m256i nibble = _mm256_and_si256(code, nibbles);
                low = _mm256_add_epi8(low, _mm256_shuffle_epi8(table, nibble));
                nibble = _mm256_and_si256(_mm256_srli_epi16(code, 4), nibbles);
                high = _mm256_add_epi8(high, _mm256_shuffle_epi8(table, nibble));
            }
            widen(low, &lanes[0], &lanes[1]);
            widen(high, &lanes[2], &lanes[3]);
        }
        const __m128i *factors = (const __m128i *)(blocks + code_bytes);
        unsigned survivors = 0;
        float block_bounds[VK_CODE_BLOCK_ROWS];
        for (int i = 0; i < 4; i++) {
            __m256 signs = _mm256_mul_ps(step, _mm256_cvtepi32_ps(fold(lanes[i])));
            signs = _mm256_add_ps(signs, bias);
            __m256 f = _mm256_cvtph_ps(_mm_loadu_si128(factors + i));
            __m256 add = _mm256_cvtph_ps(_mm_loadu_si128(factors + 4 + i));
            __m256 bound = _mm256_add_ps(_mm256_mul_ps(f, signs), add);
            bound = _mm256_add_ps(bound, lists);
            _mm256_storeu_ps(block_bounds + i * 8, bound);
            __m256 passes = _mm256_cmp_ps(bound, limit, _CMP_GE_OQ);
            survivors |= (unsigned)_mm256_movemask_ps(passes) << (i * 8);
        }
        size_t row = b * VK_CODE_BLOCK_ROWS;
        if (rows - row < VK_CODE_BLOCK_ROWS) survivors &= (1u << (rows - row)) - 1;
        for (; survivors; survivors &= survivors - 1) {
            unsigned place = (unsigned)__builtin_ctz(survivors);
            slots[found] = first + (uint32_t)row + place;
            bounds[found++] = block_bounds[place];
        }
    }
    return found;
}

AVX2 static void bytes(const int8_t *query, const uint8_t *const *rows, size_t count, size_t width,
                       int32_t *out) {
    for (size_t row = 0; row < count; row++) {
        __m256i sum = _mm256_setzero_si256();
        for (size_t i = 0; i < width; i += 16) {
            __m256i q = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(query + i)));
            __m256i x = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(rows[row] + i)));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, q));
        }
        __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
        half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
        out[row] = _mm_cvtsi128_si32(half);
    }
}

AVX2 static size_t select_places(const float *values, size_t count, float cut, uint32_t *out) {
    __m256 limit = _mm256_set1_ps(cut);
    size_t found = 0, i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256 passes = _mm256_cmp_ps(_mm256_loadu_ps(values + i), limit, _CMP_GE_OQ);
        unsigned places = (unsigned)_mm256_movemask_ps(passes);
        for (; places; places &= places - 1)
            out[found++] = (uint32_t)i + (uint32_t)__builtin_ctz(places);
    }
    for (; i < count; i++)
        if (values[i] >= cut) out[found++] = (uint32_t)i;
    return found;
}

VK_PORTABLE_FUNCTIONS(AVX2)

const vk_code_functions vk_avx2_code_functions = {
    hadamard, flip, scale, turn, vk_plain_tables, scan, bytes, select_places, cut, measure,
    round_bytes};

#endif
