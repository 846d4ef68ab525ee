// Scans of one-bit codes on AVX2 and AVX-512.

#include "codes.h"

#if defined(__x86_64__)

#include <immintrin.h>

#pragma STDC FP_CONTRACT OFF

#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw")))

// Look-ups that add up in a byte before they are widened: 8 · 31 < 256.
enum { RUN = 8 };

/// Adds the even bytes of `sums` to one set of 16-bit lanes and the odd ones to another.
AVX2 static inline void widen256(__m256i sums, __m256i *even, __m256i *odd) {
    *even = _mm256_add_epi16(*even, _mm256_and_si256(sums, _mm256_set1_epi16(0xFF)));
    *odd = _mm256_add_epi16(*odd, _mm256_srli_epi16(sums, 8));
}

/// Eight rows' sums: the 16-bit lanes of both halves, widened and added.
AVX2 static inline __m256i fold256(__m256i lanes) {
    return _mm256_add_epi32(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(lanes)),
                            _mm256_cvtepu16_epi32(_mm256_extracti128_si256(lanes, 1)));
}

AVX2 size_t vk_avx2_code_scan(const vk_code_query *query, const uint8_t *blocks, size_t count,
                              float base, float slack, float threshold, uint32_t first,
                              uint32_t *rows, float *bounds) {
    size_t code_bytes = query->groups * 16, found = 0;
    size_t bytes = code_bytes + 2 * VK_CODE_BLOCK_ROWS * sizeof(float);
    __m256i nibbles = _mm256_set1_epi8(15);
    __m256 step = _mm256_set1_ps(query->step), bias = _mm256_set1_ps(query->offset + slack);
    __m256 lists = _mm256_set1_ps(base), limit = _mm256_set1_ps(threshold);
    for (size_t start = 0; start < count; start += VK_CODE_BLOCK_ROWS, blocks += bytes) {
        __m256i lanes[4];
        for (int i = 0; i < 4; i++) lanes[i] = _mm256_setzero_si256();
        for (size_t at = 0; at < code_bytes;) {
            __m256i low = _mm256_setzero_si256(), high = low;
            size_t end = at + RUN * 32 < code_bytes ? at + RUN * 32 : code_bytes;
            for (; at < end; at += 32) {
                __m256i code = _mm256_loadu_si256((const __m256i *)(blocks + at));
                __m256i lut = _mm256_loadu_si256((const __m256i *)(query->lut + at));
                low = _mm256_add_epi8(low, _mm256_shuffle_epi8(lut, _mm256_and_si256(code, nibbles)));
                code = _mm256_and_si256(_mm256_srli_epi16(code, 4), nibbles);
                high = _mm256_add_epi8(high, _mm256_shuffle_epi8(lut, code));
            }
            widen256(low, &lanes[0], &lanes[1]);
            widen256(high, &lanes[2], &lanes[3]);
        }
        const float *factors = (const float *)(blocks + code_bytes);
        unsigned survivors = 0;
        float block_bounds[VK_CODE_BLOCK_ROWS];
        for (int i = 0; i < 4; i++) {
            __m256 signs = _mm256_cvtepi32_ps(fold256(lanes[i]));
            signs = _mm256_mul_ps(step, signs);
            signs = _mm256_add_ps(signs, bias);
            __m256 bound = _mm256_mul_ps(_mm256_loadu_ps(factors + i * 8), signs);
            bound = _mm256_add_ps(bound, _mm256_loadu_ps(factors + VK_CODE_BLOCK_ROWS + i * 8));
            bound = _mm256_add_ps(bound, lists);
            _mm256_storeu_ps(block_bounds + i * 8, bound);
            __m256 passes = _mm256_cmp_ps(bound, limit, _CMP_GE_OQ);
            survivors |= (unsigned)_mm256_movemask_ps(passes) << (i * 8);
        }
        if (count - start < VK_CODE_BLOCK_ROWS) survivors &= (1u << (count - start)) - 1;
        for (; survivors; survivors &= survivors - 1) {
            unsigned row = (unsigned)__builtin_ctz(survivors);
            rows[found] = first + (uint32_t)start + row;
            bounds[found++] = block_bounds[row];
        }
    }
    return found;
}

AVX512 static inline void widen512(__m512i sums, __m512i *even, __m512i *odd) {
    *even = _mm512_add_epi16(*even, _mm512_and_si512(sums, _mm512_set1_epi16(0xFF)));
    *odd = _mm512_add_epi16(*odd, _mm512_srli_epi16(sums, 8));
}

/// Eight rows' sums: the 16-bit lanes of all four quarters. Quarters hold at most 31·1,000 each, so two
/// of them add up within 16 bits.
AVX512 static inline __m256i fold512(__m512i lanes) {
    __m256i pair = _mm256_add_epi16(_mm512_castsi512_si256(lanes),
                                    _mm512_extracti64x4_epi64(lanes, 1));
    return _mm256_add_epi32(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(pair)),
                            _mm256_cvtepu16_epi32(_mm256_extracti128_si256(pair, 1)));
}

AVX512 size_t vk_avx512_code_scan(const vk_code_query *query, const uint8_t *blocks, size_t count,
                                  float base, float slack, float threshold, uint32_t first,
                                  uint32_t *rows, float *bounds) {
    size_t code_bytes = query->groups * 16, found = 0;
    size_t bytes = code_bytes + 2 * VK_CODE_BLOCK_ROWS * sizeof(float);
    __m512i nibbles = _mm512_set1_epi8(15);
    __m512 step = _mm512_set1_ps(query->step), bias = _mm512_set1_ps(query->offset + slack);
    __m512 lists = _mm512_set1_ps(base), limit = _mm512_set1_ps(threshold);
    __m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (size_t start = 0; start < count; start += VK_CODE_BLOCK_ROWS, blocks += bytes) {
        __m512i lanes[4];
        for (int i = 0; i < 4; i++) lanes[i] = _mm512_setzero_si512();
        for (size_t at = 0; at < code_bytes;) {
            __m512i low = _mm512_setzero_si512(), high = low;
            size_t end = at + RUN * 64 < code_bytes ? at + RUN * 64 : code_bytes;
            for (; at < end; at += 64) {
                __m512i code = _mm512_loadu_si512(blocks + at);
                __m512i lut = _mm512_loadu_si512(query->lut + at);
                low = _mm512_add_epi8(low, _mm512_shuffle_epi8(lut, _mm512_and_si512(code, nibbles)));
                code = _mm512_and_si512(_mm512_srli_epi16(code, 4), nibbles);
                high = _mm512_add_epi8(high, _mm512_shuffle_epi8(lut, code));
            }
            widen512(low, &lanes[0], &lanes[1]);
            widen512(high, &lanes[2], &lanes[3]);
        }
        const float *factors = (const float *)(blocks + code_bytes);
        for (int half = 0; half < 2; half++) {
            size_t row = start + (size_t)half * 16;
            if (row >= count) break;
            __m512i sums = _mm512_inserti64x4(_mm512_castsi256_si512(fold512(lanes[2 * half])),
                                              fold512(lanes[2 * half + 1]), 1);
            __m512 signs = _mm512_mul_ps(step, _mm512_cvtepi32_ps(sums));
            signs = _mm512_add_ps(signs, bias);
            __m512 bound = _mm512_mul_ps(_mm512_loadu_ps(factors + half * 16), signs);
            bound = _mm512_add_ps(bound, _mm512_loadu_ps(factors + VK_CODE_BLOCK_ROWS + half * 16));
            bound = _mm512_add_ps(bound, lists);
            __mmask16 passes = _mm512_cmp_ps_mask(bound, limit, _CMP_GE_OQ);
            if (count - row < 16) passes &= (__mmask16)((1u << (count - row)) - 1);
            if (!passes) continue;
            // Compressed in the register and stored whole: a compressing store is slow on Zen 4.
            __m512i numbers = _mm512_add_epi32(places, _mm512_set1_epi32((int)(first + row)));
            _mm512_storeu_si512(rows + found, _mm512_maskz_compress_epi32(passes, numbers));
            _mm512_storeu_ps(bounds + found, _mm512_maskz_compress_ps(passes, bound));
            found += (size_t)__builtin_popcount(passes);
        }
    }
    return found;
}

#endif
