// Codes and byte rows on AVX-512, with and without VNNI.

#include "codes.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw")))
#define VNNI __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512vnni")))

/// One stage of butterflies within a register: `partner` has each lane's other half, and `upper` marks
/// the lanes that receive the difference.
AVX512 static inline __m512 butterfly(__m512 x, __m512 partner, __mmask16 upper) {
    return _mm512_mask_sub_ps(_mm512_add_ps(x, partner), upper, partner, x);
}

AVX512 static void hadamard(float *x, size_t power) {
    for (size_t i = 0; i < power; i += 16) {
        __m512 v = _mm512_loadu_ps(x + i);
        v = butterfly(v, _mm512_permute_ps(v, 0xB1), 0xAAAA);
        v = butterfly(v, _mm512_permute_ps(v, 0x4E), 0xCCCC);
        v = butterfly(v, _mm512_shuffle_f32x4(v, v, 0xB1), 0xF0F0);
        v = butterfly(v, _mm512_shuffle_f32x4(v, v, 0x4E), 0xFF00);
        _mm512_storeu_ps(x + i, v);
    }
    size_t half = 16;
    // Two stages a pass over memory.
    for (; half * 2 < power; half *= 4)
        for (size_t i = 0; i < power; i += 4 * half)
            for (size_t j = i; j < i + half; j += 16) {
                __m512 a = _mm512_loadu_ps(x + j), b = _mm512_loadu_ps(x + j + half);
                __m512 c = _mm512_loadu_ps(x + j + 2 * half);
                __m512 d = _mm512_loadu_ps(x + j + 3 * half);
                __m512 ab = _mm512_add_ps(a, b), ba = _mm512_sub_ps(a, b);
                __m512 cd = _mm512_add_ps(c, d), dc = _mm512_sub_ps(c, d);
                _mm512_storeu_ps(x + j, _mm512_add_ps(ab, cd));
                _mm512_storeu_ps(x + j + half, _mm512_add_ps(ba, dc));
                _mm512_storeu_ps(x + j + 2 * half, _mm512_sub_ps(ab, cd));
                _mm512_storeu_ps(x + j + 3 * half, _mm512_sub_ps(ba, dc));
            }
    for (; half < power; half *= 2)
        for (size_t i = 0; i < power; i += 2 * half)
            for (size_t j = i; j < i + half; j += 16) {
                __m512 a = _mm512_loadu_ps(x + j), b = _mm512_loadu_ps(x + j + half);
                _mm512_storeu_ps(x + j, _mm512_add_ps(a, b));
                _mm512_storeu_ps(x + j + half, _mm512_sub_ps(a, b));
            }
}

AVX512 static void flip(float *x, const uint8_t *signs, size_t count) {
    __m512i sign = _mm512_set1_epi32((int)0x80000000);
    for (size_t i = 0; i < count; i += 16) {
        uint16_t bits;
        memcpy(&bits, signs + i / 8, 2);
        __m512i v = _mm512_loadu_si512(x + i);
        _mm512_storeu_si512(x + i, _mm512_mask_xor_epi32(v, bits, v, sign));
    }
}

AVX512 static void scale(float *x, float scale, size_t count) {
    __m512 factor = _mm512_set1_ps(scale);
    for (size_t i = 0; i < count; i += 16)
        _mm512_storeu_ps(x + i, _mm512_mul_ps(_mm512_loadu_ps(x + i), factor));
}

AVX512 static void turn(float *x, size_t half) {
    // The half of a multiple of 64 is one of 32.
    __m512 factor = _mm512_set1_ps(0.70710678f);
    for (size_t i = 0; i < half; i += 16) {
        __m512 a = _mm512_loadu_ps(x + i), b = _mm512_loadu_ps(x + i + half);
        _mm512_storeu_ps(x + i, _mm512_mul_ps(_mm512_add_ps(a, b), factor));
        _mm512_storeu_ps(x + i + half, _mm512_mul_ps(_mm512_sub_ps(a, b), factor));
    }
}

AVX512 static void tables(const float *rotated, size_t width, float step, uint8_t *lut) {
    __m512 inverse = _mm512_set1_ps(1 / step), round = _mm512_set1_ps(0.5f);
    __m512i most = _mm512_set1_epi32(31);
    static const __mmask16 set[4] = {0xAAAA, 0xCCCC, 0xF0F0, 0xFF00};
    for (size_t group = 0; group < width / 4; group++) {
        const float *q = rotated + group * 4;
        __m128 four = _mm_andnot_ps(_mm_set1_ps(-0.0f), _mm_loadu_ps(q));
        __m128 pairs = _mm_add_ps(four, _mm_movehdup_ps(four));
        float sum = _mm_cvtss_f32(_mm_add_ss(pairs, _mm_movehl_ps(pairs, pairs)));
        __m512 entry = _mm512_set1_ps(sum);
        for (int i = 0; i < 4; i++) {
            __m512 part = _mm512_set1_ps(q[i]);
            entry = _mm512_mask_add_ps(_mm512_sub_ps(entry, part), set[i], entry, part);
        }
        entry = _mm512_add_ps(_mm512_mul_ps(entry, inverse), round);
        __m512i value = _mm512_min_epi32(_mm512_cvttps_epi32(entry), most);
        _mm_storeu_si128((__m128i *)(lut + group * 16), _mm512_cvtepi32_epi8(value));
    }
}

AVX512 static inline void widen(__m512i sums, __m512i *even, __m512i *odd) {
    *even = _mm512_add_epi16(*even, _mm512_and_si512(sums, _mm512_set1_epi16(0xFF)));
    *odd = _mm512_add_epi16(*odd, _mm512_srli_epi16(sums, 8));
}

/// Eight rows' sums: the 16-bit lanes of all four quarters. Quarters hold at most 31·1,000 each, so two
/// of them add up within 16 bits.
AVX512 static inline __m256i fold(__m512i lanes) {
    __m256i pair = _mm256_add_epi16(_mm512_castsi512_si256(lanes),
                                    _mm512_extracti64x4_epi64(lanes, 1));
    return _mm256_add_epi32(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(pair)),
                            _mm256_cvtepu16_epi32(_mm256_extracti128_si256(pair, 1)));
}

/// Adds up what the tables say of one run of lines, and asks for the same lines of `next`.
AVX512 static inline __attribute__((always_inline)) void add_lines(const uint8_t *codes,
                                                                   const uint8_t *lut,
                                                                   const uint8_t *next,
                                                                   size_t count,
                                                                   __m512i lanes[4]) {
    __m512i nibbles = _mm512_set1_epi8(15), low = _mm512_setzero_si512(), high = low;
    for (size_t at = 0; at < count * 64; at += 64) {
        __builtin_prefetch(next + at, 0, 2);
        __m512i code = _mm512_loadu_si512(codes + at);
        __m512i table = _mm512_loadu_si512(lut + at);
        __m512i nibble = _mm512_and_si512(code, nibbles);
        low = _mm512_add_epi8(low, _mm512_shuffle_epi8(table, nibble));
        nibble = _mm512_and_si512(_mm512_srli_epi16(code, 4), nibbles);
        high = _mm512_add_epi8(high, _mm512_shuffle_epi8(table, nibble));
    }
    widen(low, &lanes[0], &lanes[1]);
    widen(high, &lanes[2], &lanes[3]);
}

AVX512 static size_t scan(const vk_query *query, const uint8_t *blocks, size_t block_count,
                          size_t rows, const uint8_t *const *ahead, float base, float slack,
                          float threshold, uint32_t first, uint32_t *slots, float *bounds) {
    enum { RUN = VK_CODE_RUN * 64 };
    size_t code_bytes = query->width * 4, bytes = vk_code_block_bytes(query->width), found = 0;
    const uint8_t *lut = query->lut;
    __m512 step = _mm512_set1_ps(query->step), bias = _mm512_set1_ps(query->offset + slack);
    __m512 lists = _mm512_set1_ps(base), limit = _mm512_set1_ps(threshold);
    __m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    for (size_t row = 0; row < block_count * VK_CODE_BLOCK_ROWS;
         row += VK_CODE_BLOCK_ROWS, blocks += bytes) {
        // A prefetch of nothing is harmless; one of the block itself is a hit.
        const uint8_t *next = *ahead ? *ahead : blocks;
        ahead++;
        __m512i lanes[4];
        for (int i = 0; i < 4; i++) lanes[i] = _mm512_setzero_si512();
        size_t at = 0;
        // Of a count that is known, the compiler makes no loop.
        for (; at + RUN <= code_bytes; at += RUN)
            add_lines(blocks + at, lut + at, next + at, VK_CODE_RUN, lanes);
        if (at < code_bytes)
            add_lines(blocks + at, lut + at, next + at, (code_bytes - at) / 64, lanes);
        __builtin_prefetch(next + code_bytes, 0, 2);
        __builtin_prefetch(next + code_bytes + 64, 0, 2);
        const uint8_t *factors = blocks + code_bytes;
        __m512 bound[2];
        uint32_t passes = 0;
        for (int half = 0; half < 2; half++) {
            __m512i sums = _mm512_inserti64x4(_mm512_castsi256_si512(fold(lanes[2 * half])),
                                              fold(lanes[2 * half + 1]), 1);
            __m512 signs = _mm512_mul_ps(step, _mm512_cvtepi32_ps(sums));
            signs = _mm512_add_ps(signs, bias);
            __m512 f = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)factors + half));
            __m512 add = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)factors + 2 + half));
            bound[half] = _mm512_add_ps(_mm512_mul_ps(f, signs), add);
            bound[half] = _mm512_add_ps(bound[half], lists);
            passes |= (uint32_t)_mm512_cmp_ps_mask(bound[half], limit, _CMP_GE_OQ) << 16 * half;
        }
        if (rows - row < VK_CODE_BLOCK_ROWS) passes &= (1u << (rows - row)) - 1;
        if (!passes) continue;
        for (int half = 0; half < 2; half++) {
            // Compressed in the register and stored whole: a compressing store is slow on Zen 4.
            __mmask16 here = (__mmask16)(passes >> 16 * half);
            __m512i numbers = _mm512_add_epi32(places, _mm512_set1_epi32((int)(first + row) + 16 * half));
            _mm512_storeu_si512(slots + found, _mm512_maskz_compress_epi32(here, numbers));
            _mm512_storeu_ps(bounds + found, _mm512_maskz_compress_ps(here, bound[half]));
            found += (size_t)__builtin_popcount(here);
        }
    }
    return found;
}

VNNI static void bytes_vnni(const int8_t *query, const uint8_t *const *rows, size_t count,
                            size_t width, int32_t *out) {
    size_t row = 0;
    for (; row + 4 <= count; row += 4) {
        __m512i sums[4];
        for (int r = 0; r < 4; r++) sums[r] = _mm512_setzero_si512();
        for (size_t i = 0; i < width; i += 64) {
            __m512i q = _mm512_loadu_si512(query + i);
            for (int r = 0; r < 4; r++)
                sums[r] = _mm512_dpbusd_epi32(sums[r], _mm512_loadu_si512(rows[row + r] + i), q);
        }
        for (int r = 0; r < 4; r++) out[row + r] = _mm512_reduce_add_epi32(sums[r]);
    }
    for (; row < count; row++) {
        __m512i sum = _mm512_setzero_si512();
        for (size_t i = 0; i < width; i += 64)
            sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(rows[row] + i),
                                      _mm512_loadu_si512(query + i));
        out[row] = _mm512_reduce_add_epi32(sum);
    }
}

AVX512 static void bytes_plain(const int8_t *query, const uint8_t *const *rows, size_t count,
                               size_t width, int32_t *out) {
    for (size_t row = 0; row < count; row++) {
        __m512i sum = _mm512_setzero_si512();
        for (size_t i = 0; i < width; i += 32) {
            __m512i q = _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(query + i)));
            __m512i x = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(rows[row] + i)));
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(x, q));
        }
        out[row] = _mm512_reduce_add_epi32(sum);
    }
}

AVX512 static size_t select_places(const float *values, size_t count, float cut, uint32_t *out) {
    __m512 limit = _mm512_set1_ps(cut);
    __m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    size_t found = 0, i = 0;
    // Most values stay below: four vectors are looked at together.
    for (; i + 64 <= count; i += 64) {
        __mmask16 passes[4];
        for (int j = 0; j < 4; j++)
            passes[j] = _mm512_cmp_ps_mask(_mm512_loadu_ps(values + i + 16 * j), limit, _CMP_GE_OQ);
        if (!(passes[0] | passes[1] | passes[2] | passes[3])) continue;
        for (int j = 0; j < 4; j++) {
            __m512i numbers = _mm512_add_epi32(places, _mm512_set1_epi32((int)i + 16 * j));
            _mm512_storeu_si512(out + found, _mm512_maskz_compress_epi32(passes[j], numbers));
            found += (size_t)__builtin_popcount(passes[j]);
        }
    }
    for (; i < count; i += 16) {
        __mmask16 here = count - i < 16 ? (__mmask16)((1u << (count - i)) - 1) : (__mmask16)0xFFFF;
        __m512 v = _mm512_maskz_loadu_ps(here, values + i);
        __mmask16 passes = _mm512_mask_cmp_ps_mask(here, v, limit, _CMP_GE_OQ);
        if (!passes) continue;
        __m512i numbers = _mm512_add_epi32(places, _mm512_set1_epi32((int)i));
        _mm512_storeu_si512(out + found, _mm512_maskz_compress_epi32(passes, numbers));
        found += (size_t)__builtin_popcount(passes);
    }
    return found;
}

VK_PORTABLE_FUNCTIONS(AVX512)

const vk_code_functions vk_avx512_code_functions = {
    hadamard, flip, scale, turn, tables, scan, bytes_vnni, select_places, cut, measure,
    round_bytes};
const vk_code_functions vk_avx512_plain_code_functions = {
    hadamard, flip, scale, turn, tables, scan, bytes_plain, select_places, cut, measure,
    round_bytes};

#endif
