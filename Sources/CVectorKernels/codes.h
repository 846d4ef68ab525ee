#ifndef VECTORSTORE_CODES_H
#define VECTORSTORE_CODES_H

#include "search_kernels.h"

#include <math.h>
#include <string.h>

// What each instruction set brings to codes and byte rows.

// Every tier gives the same floats, so none may fuse what the others do in two steps.
#pragma STDC FP_CONTRACT OFF

// Look-ups that add up in a byte before they are widened: 8 · 31 < 256.
enum { VK_CODE_RUN = 8 };
// Byte rows that are compared in one call at the most.
enum { VK_BYTE_BATCH = 16 };

/// What sets the steps of a query's tables and bytes: the sum of its coordinates' sizes, the largest sum
/// of a group of four, and the largest coordinate.
typedef struct {
    float total, group, most;
} vk_query_measures;

typedef struct {
    /// The transform of `power` floats, unscaled, smallest butterflies first.
    void (*hadamard)(float *x, size_t power);
    /// Flips signs by bits; `count` is a multiple of 64 and the bits begin a byte.
    void (*flip)(float *x, const uint8_t *signs, size_t count);
    /// x·scale for each.
    void (*scale)(float *x, float scale, size_t count);
    /// (a + b, a - b)/sqrt(2) for the halves of x.
    void (*turn)(float *x, size_t half);
    /// The tables of a rotated query: `step` and `offset` are set before.
    void (*tables)(const float *rotated, size_t width, float step, uint8_t *lut);
    /// Finds the rows of consecutive blocks whose upper bound base + add + f·(<s, q> + slack) reaches
    /// `threshold`. slots[i] receives `first` plus the place, rising, bounds[i] the bound; both have
    /// room for 16 more than there are. Asks for ahead[b] in the second-level cache while block b is
    /// scanned, unless it is NULL.
    size_t (*scan)(const vk_query *query, const uint8_t *blocks, size_t block_count, size_t rows,
                   const uint8_t *const *ahead, float base, float slack, float threshold,
                   uint32_t first, uint32_t *slots, float *bounds);
    /// out[i] = sum of rows[i][j]·query[j], up to VK_BYTE_BATCH rows.
    void (*bytes)(const int8_t *query, const uint8_t *const *rows, size_t count, size_t width,
                  int32_t *out);
    /// Writes the places of the values that reach `cut`, rising; `out` has room for 16 more than there
    /// are values.
    size_t (*select)(const float *values, size_t count, float cut, uint32_t *out);
    /// A bound that at least `wanted` of the bounds reach and few more, by halving the span.
    float (*cut)(const float *bounds, size_t count, size_t wanted);
    vk_query_measures (*measure)(const float *rotated, size_t width);
    /// Rounds coordinates to steps of `scale`, -127 to 127 of them, and adds up the bytes; returns the
    /// square of the length that rounding leaves out.
    float (*round)(const float *rotated, size_t width, float scale, int8_t *bytes, int32_t *sum);
} vk_code_functions;

extern const vk_code_functions vk_scalar_code_functions;
#if defined(__x86_64__)
extern const vk_code_functions vk_avx2_code_functions;
extern const vk_code_functions vk_avx512_code_functions;
/// AVX-512 without VNNI.
extern const vk_code_functions vk_avx512_plain_code_functions;
#endif
#if defined(__aarch64__)
extern const vk_code_functions vk_neon_code_functions;
#endif

const vk_code_functions *vk_code_functions_of(vk_tier tier);

// The reference of the transforms, for instruction sets that have nothing better.
void vk_plain_hadamard(float *x, size_t power);
void vk_plain_flip(float *x, const uint8_t *signs, size_t count);
void vk_plain_scale(float *x, float scale, size_t count);
void vk_plain_turn(float *x, size_t half);
void vk_plain_tables(const float *rotated, size_t width, float step, uint8_t *lut);
size_t vk_plain_select(const float *values, size_t count, float cut, uint32_t *out);

// What is written once and compiled for each instruction set, by VK_PORTABLE_FUNCTIONS below.

/// A value that at least `wanted` reach and few more.
static inline __attribute__((always_inline)) float vk_halve(const float *bounds, size_t count,
                                                            size_t wanted) {
    enum { LANES = 16 };
    float lows[LANES], highs[LANES], low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < LANES; i++) lows[i] = INFINITY, highs[i] = -INFINITY;
    size_t first = 0;
    for (; first + LANES <= count; first += LANES)
        for (size_t i = 0; i < LANES; i++) {
            float bound = bounds[first + i];
            lows[i] = bound < lows[i] ? bound : lows[i];
            highs[i] = bound > highs[i] ? bound : highs[i];
        }
    for (size_t i = 0; first + i < count; i++) {
        float bound = bounds[first + i];
        lows[i] = bound < lows[i] ? bound : lows[i];
        highs[i] = bound > highs[i] ? bound : highs[i];
    }
    for (size_t i = 0; i < LANES; i++) {
        low = lows[i] < low ? lows[i] : low;
        high = highs[i] > high ? highs[i] : high;
    }
    for (int round = 0; round < 12; round++) {
        float middle = 0.5f * (low + high);
        uint32_t reached = 0;
        for (size_t i = 0; i < count; i++) reached += bounds[i] >= middle;
        // Chosen without a branch, which would be mispredicted every other time.
        int is_low = reached >= wanted;
        high = is_low ? high : middle;
        low = is_low ? middle : low;
        if (is_low & (reached <= wanted + wanted / 4)) break;
    }
    return low;
}

/// Writes the largest value of every `groups`-th place, where there are more than `groups`.
static inline __attribute__((always_inline)) void vk_largest_of(const float *bounds, size_t count,
                                                                float *largest, size_t groups) {
    memcpy(largest, bounds, groups * sizeof(float));
    size_t first = groups;
    for (; first + groups <= count; first += groups)
        for (size_t i = 0; i < groups; i++) {
            float bound = bounds[first + i];
            largest[i] = bound > largest[i] ? bound : largest[i];
        }
    for (size_t i = 0; first + i < count; i++) {
        float bound = bounds[first + i];
        largest[i] = bound > largest[i] ? bound : largest[i];
    }
}

/// Of many bounds only the largest of each group is looked at, for few of the best share one: so the cut is a
/// little lower than it need be.
static inline __attribute__((always_inline)) float vk_cut_of(const float *bounds, size_t count,
                                                             size_t wanted) {
    enum { MANY = 128, FEW = 64 };
    float largest[MANY];
    if (count >= 4 * FEW && wanted <= FEW / 4) {
        vk_largest_of(bounds, count, largest, FEW);
        return vk_halve(largest, FEW, wanted);
    }
    if (count >= 4 * MANY && wanted <= MANY / 3) {
        vk_largest_of(bounds, count, largest, MANY);
        return vk_halve(largest, MANY, wanted);
    }
    return vk_halve(bounds, count, wanted);
}

static inline __attribute__((always_inline)) vk_query_measures vk_measure_of(const float *rotated,
                                                                            size_t width) {
    enum { LANES = 16 };
    float sums[LANES] = {0}, groups[LANES / 4] = {0}, largest[LANES] = {0};
    for (size_t i = 0; i < width; i += LANES) {
        float absolute[LANES];
        for (size_t j = 0; j < LANES; j++) {
            absolute[j] = fabsf(rotated[i + j]);
            sums[j] += absolute[j];
            largest[j] = absolute[j] > largest[j] ? absolute[j] : largest[j];
        }
        for (size_t j = 0; j < LANES / 4; j++) {
            const float *a = absolute + 4 * j;
            float sum = (a[0] + a[1]) + (a[2] + a[3]);
            groups[j] = sum > groups[j] ? sum : groups[j];
        }
    }
    vk_query_measures all = {0, 0, 0};
    for (size_t j = 0; j < LANES; j++) {
        all.total += sums[j];
        all.most = largest[j] > all.most ? largest[j] : all.most;
    }
    for (size_t j = 0; j < LANES / 4; j++) all.group = groups[j] > all.group ? groups[j] : all.group;
    return all;
}

static inline __attribute__((always_inline)) float vk_round_of(const float *rotated, size_t width,
                                                               float scale, int8_t *bytes,
                                                               int32_t *sum) {
    enum { LANES = 16 };
    float inverse = 1 / scale, lost[LANES] = {0}, left = 0;
    int32_t sums[LANES] = {0};
    for (size_t i = 0; i < width; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            // Adding and taking away 1.5·2^23 rounds to the nearest integer, ties to even.
            float steps = rotated[i + j] * inverse;
            steps = steps + 12582912.0f;
            steps = steps - 12582912.0f;
            int32_t value = (int32_t)steps;
            bytes[i + j] = (int8_t)value;
            sums[j] += value;
            float rest = rotated[i + j] - steps * scale;
            lost[j] += rest * rest;
        }
    *sum = 0;
    for (size_t j = 0; j < LANES; j++) {
        left += lost[j];
        *sum += sums[j];
    }
    return left;
}

/// Defines `cut`, `measure` and `round_bytes` of an instruction set; `TARGET` is its attribute.
#define VK_PORTABLE_FUNCTIONS(TARGET)                                                              \
    TARGET static float cut(const float *bounds, size_t count, size_t wanted) {                    \
        return vk_cut_of(bounds, count, wanted);                                                   \
    }                                                                                              \
    TARGET static vk_query_measures measure(const float *rotated, size_t width) {                  \
        return vk_measure_of(rotated, width);                                                      \
    }                                                                                              \
    TARGET static float round_bytes(const float *rotated, size_t width, float scale,               \
                                    int8_t *bytes, int32_t *sum) {                                 \
        return vk_round_of(rotated, width, scale, bytes, sum);                                     \
    }

/// The tables of one group of four coordinates: entry n is the sum of |q| plus or minus each, in a
/// fixed order, in steps, rounded.
static inline void vk_code_table(const float *q, float inverse, uint8_t *lut) {
    float sum = (__builtin_fabsf(q[0]) + __builtin_fabsf(q[1])) +
                (__builtin_fabsf(q[2]) + __builtin_fabsf(q[3]));
    for (unsigned nibble = 0; nibble < 16; nibble++) {
        float entry = sum;
        for (unsigned i = 0; i < 4; i++) entry = nibble >> i & 1 ? entry + q[i] : entry - q[i];
        entry = entry * inverse;
        entry = entry + 0.5f;
        int value = (int)entry;
        lut[nibble] = (uint8_t)(value > 31 ? 31 : value);
    }
}

/// The similarity of a byte row whose products with the query's bytes add up to `sum`.
static inline float vk_byte_similarity(const vk_query *query, int32_t sum) {
    return (float)(sum - query->byte_bias) * query->byte_scale;
}

/// Where a row's nibbles lie within a group; rows from 16 on have the high ones.
static inline size_t vk_code_byte(size_t row) {
    size_t low = row & 15;
    return low < 8 ? 2 * low : 2 * (low - 8) + 1;
}

/// Binary16 to float, exactly.
static inline float vk_half_to_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31;
    uint32_t mantissa = half & 0x3FF, bits;
    if (exponent == 0) {
        float value = (float)mantissa * 0x1p-24f;
        memcpy(&bits, &value, 4);
        bits |= sign;
    } else if (exponent == 31) {
        bits = sign | 0x7F800000 | mantissa << 13;
    } else {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    }
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

/// Float to the nearest binary16, ties to even; what is too large becomes the largest.
static inline uint16_t vk_float_to_half(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    float magnitude = __builtin_fabsf(value);
    if (!(magnitude < 65504.0f)) return sign | 0x7BFF;
    if (magnitude < 0x1p-14f) {
        // Adding 2^-1 leaves the subnormal's 24th binary place as the last of the float.
        float shifted = magnitude + 0.5f;
        uint32_t low;
        memcpy(&low, &shifted, 4);
        return (uint16_t)(sign | (low & 0x7FF));
    }
    memcpy(&bits, &magnitude, 4);
    bits += 0xFFF + (bits >> 13 & 1);
    return (uint16_t)(sign | ((bits >> 13) - (112u << 10)));
}

#endif
