// Rotation, encoding and query tables of one-bit codes, and the choice of the scan.

#include "codes.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

size_t vk_code_width(size_t dim) { return (dim + 63) / 64 * 64; }

size_t vk_code_block_bytes(size_t width) {
    return width / 4 * 16 + 2 * VK_CODE_BLOCK_ROWS * sizeof(float);
}

static void hadamard(float *x, size_t n) {
    for (size_t half = 1; half < n; half *= 2)
        for (size_t i = 0; i < n; i += 2 * half)
            for (size_t j = i; j < i + half; j++) {
                float a = x[j], b = x[j + half];
                x[j] = a + b;
                x[j + half] = a - b;
            }
}

void vk_code_rotate(const float *in, size_t dim, const uint8_t *signs, size_t width, float *out) {
    memcpy(out, in, dim * sizeof(float));
    memset(out + dim, 0, (width - dim) * sizeof(float));
    size_t power = 1;
    while (power * 2 <= width) power *= 2;
    float scale = 1.0f / sqrtf((float)power);
    for (size_t round = 0; round < 4; round++) {
        for (size_t i = 0; i < width; i++) {
            size_t bit = round * width + i;
            uint32_t word;
            memcpy(&word, out + i, 4);
            word ^= (uint32_t)(signs[bit / 8] >> (bit % 8) & 1) << 31;
            memcpy(out + i, &word, 4);
        }
        float *part = round % 2 ? out + (width - power) : out;
        hadamard(part, power);
        for (size_t i = 0; i < power; i++) part[i] *= scale;
        if (power == width) continue;
        size_t half = width / 2;
        for (size_t i = 0; i < half; i++) {
            float a = out[i], b = out[i + half];
            out[i] = (a + b) * 0.70710678f;
            out[i + half] = (a - b) * 0.70710678f;
        }
    }
}

/// Where a row's nibbles lie: the byte within a group, and the shift.
static size_t byte_of(size_t row) {
    size_t low = row & 15;
    return low < 8 ? 2 * low : 2 * (low - 8) + 1;
}

void vk_code_encode(const float *rows, size_t count, const float *centroid, size_t width,
                    uint8_t *block) {
    size_t groups = width / 4;
    memset(block, 0, groups * 16);
    uint8_t *factors = block + groups * 16;
    for (size_t row = 0; row < VK_CODE_BLOCK_ROWS; row++) {
        float f = 0, add = VK_CODE_PADDING;
        if (row < count) {
            const float *x = rows + row * width;
            size_t byte = byte_of(row);
            int shift = row < 16 ? 0 : 4;
            double squares = 0, magnitude = 0, residual_centroid = 0, sign_centroid = 0;
            for (size_t group = 0; group < groups; group++) {
                unsigned nibble = 0;
                for (size_t i = 0; i < 4; i++) {
                    float c = centroid[group * 4 + i], r = x[group * 4 + i] - c;
                    int positive = r > 0;
                    nibble |= (unsigned)positive << i;
                    squares += (double)r * r;
                    magnitude += fabsf(r);
                    residual_centroid += (double)r * c;
                    sign_centroid += positive ? c : -c;
                }
                block[group * 16 + byte] |= (uint8_t)(nibble << shift);
            }
            f = magnitude > 0 ? (float)(squares / magnitude) : 0;
            add = (float)(residual_centroid - f * sign_centroid);
        }
        memcpy(factors + row * 4, &f, 4);
        memcpy(factors + (VK_CODE_BLOCK_ROWS + row) * 4, &add, 4);
    }
}

vk_code_query vk_code_prepare(const float *query, size_t width, uint8_t *lut) {
    size_t groups = width / 4;
    float largest = 0;
    double total = 0;
    for (size_t group = 0; group < groups; group++) {
        const float *q = query + group * 4;
        float sum = fabsf(q[0]) + fabsf(q[1]) + fabsf(q[2]) + fabsf(q[3]);
        if (sum > largest) largest = sum;
        total += sum;
    }
    // 0 to 31: eight look-ups add up within a byte.
    float step = largest > 0 ? 2 * largest / 31 : 1, inverse = 1 / step;
    for (size_t group = 0; group < groups; group++) {
        const float *q = query + group * 4;
        float sum = fabsf(q[0]) + fabsf(q[1]) + fabsf(q[2]) + fabsf(q[3]);
        float low = sum - q[0] - q[1] - q[2] - q[3];
        float entry[16];
        entry[0] = low;
        for (unsigned nibble = 1; nibble < 16; nibble++)
            entry[nibble] = entry[nibble & (nibble - 1)] + 2 * q[__builtin_ctz(nibble)];
        for (unsigned nibble = 0; nibble < 16; nibble++) {
            float value = entry[nibble] * inverse + 0.5f;
            lut[group * 16 + nibble] = value < 0 ? 0 : value >= 31.5f ? 31 : (uint8_t)value;
        }
    }
    return (vk_code_query){lut, groups, step, (float)-total};
}

size_t vk_scalar_code_scan(const vk_code_query *query, const uint8_t *blocks, size_t count,
                           float base, float slack, float threshold, uint32_t first,
                           uint32_t *rows, float *bounds) {
    size_t bytes = query->groups * 16 + 2 * VK_CODE_BLOCK_ROWS * sizeof(float), found = 0;
    float bias = query->offset + slack;
    for (size_t start = 0; start < count; start += VK_CODE_BLOCK_ROWS, blocks += bytes) {
        uint32_t sums[VK_CODE_BLOCK_ROWS] = {0};
        for (size_t group = 0; group < query->groups; group++) {
            const uint8_t *code = blocks + group * 16, *lut = query->lut + group * 16;
            for (size_t row = 0; row < 16; row++) {
                uint8_t byte = code[byte_of(row)];
                sums[row] += lut[byte & 15];
                sums[row + 16] += lut[byte >> 4];
            }
        }
        const uint8_t *factors = blocks + query->groups * 16;
        for (size_t row = 0; row < VK_CODE_BLOCK_ROWS && start + row < count; row++) {
            float f, add;
            memcpy(&f, factors + row * 4, 4);
            memcpy(&add, factors + (VK_CODE_BLOCK_ROWS + row) * 4, 4);
            float scaled = query->step * (float)(int32_t)sums[row];
            float signs = scaled + bias;
            float product = f * signs;
            float bound = product + add;
            bound = bound + base;
            if (bound < threshold) continue;
            rows[found] = first + (uint32_t)(start + row);
            bounds[found++] = bound;
        }
    }
    return found;
}

static vk_code_scan_function scan_of(vk_tier tier) {
    switch (tier) {
#if defined(__x86_64__)
    case VK_TIER_AVX2:
        return vk_avx2_code_scan;
    case VK_TIER_AVX512:
        return vk_avx512_code_scan;
#endif
#if defined(__aarch64__)
    case VK_TIER_NEON:
        return vk_neon_code_scan;
#endif
    default:
        return vk_scalar_code_scan;
    }
}

size_t vk_code_scan_tier(vk_tier tier, const vk_code_query *query, const uint8_t *blocks,
                         size_t count, float base, float slack, float threshold, uint32_t first,
                         uint32_t *rows, float *bounds) {
    return scan_of(tier)(query, blocks, count, base, slack, threshold, first, rows, bounds);
}

size_t vk_code_scan(const vk_code_query *query, const uint8_t *blocks, size_t count, float base,
                    float slack, float threshold, uint32_t first, uint32_t *rows, float *bounds) {
    return scan_of(vk_active_tier())(query, blocks, count, base, slack, threshold, first, rows,
                                     bounds);
}

void vk_prefetch(const void *start, size_t bytes) {
    const char *p = start;
    for (size_t byte = 0; byte < bytes; byte += 64) __builtin_prefetch(p + byte, 0, 2);
}

float vk_cut(const float *values, size_t count, size_t wanted) {
    if (wanted >= count) return -INFINITY;
    enum { LANES = 16, BINS = 256 };
    float low[LANES], high[LANES];
    for (size_t i = 0; i < LANES; i++) low[i] = high[i] = values[0];
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            float value = values[i + j];
            low[j] = value < low[j] ? value : low[j];
            high[j] = value > high[j] ? value : high[j];
        }
    for (; i < count; i++) {
        low[0] = values[i] < low[0] ? values[i] : low[0];
        high[0] = values[i] > high[0] ? values[i] : high[0];
    }
    for (size_t j = 1; j < LANES; j++) {
        low[0] = low[j] < low[0] ? low[j] : low[0];
        high[0] = high[j] > high[0] ? high[j] : high[0];
    }
    float span = high[0] - low[0];
    if (!(span > 0)) return low[0];
    // Four histograms in turn: one alone waits for itself when neighbours fall into the same bin.
    uint32_t bins[4][BINS];
    memset(bins, 0, sizeof bins);
    float scale = (BINS - 1) / span;
    for (i = 0; i < count; i++) bins[i & 3][(int)((values[i] - low[0]) * scale)]++;
    size_t reached = 0;
    int bin = BINS;
    while (bin > 0 && reached < wanted) {
        bin--;
        reached += bins[0][bin] + bins[1][bin] + bins[2][bin] + bins[3][bin];
    }
    if (bin == 0) return low[0];
    // A little lower than the bin's edge, against rounding.
    return low[0] + ((float)bin - 0.01f) / scale;
}
