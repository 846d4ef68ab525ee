// Rotation and encoding, and the reference of what instruction sets bring.

#include "codes.h"

#include <math.h>

size_t vk_code_width(size_t dim) { return (dim + 63) / 64 * 64; }

size_t vk_code_block_bytes(size_t width) {
    return width / 4 * 16 + 2 * VK_CODE_BLOCK_ROWS * sizeof(uint16_t);
}

float vk_byte_scale(size_t width) { return 4.2f / (127.0f * sqrtf((float)width)); }

void vk_plain_hadamard(float *x, size_t power) {
    for (size_t half = 1; half < power; half *= 2)
        for (size_t i = 0; i < power; i += 2 * half)
            for (size_t j = i; j < i + half; j++) {
                float a = x[j], b = x[j + half];
                x[j] = a + b;
                x[j + half] = a - b;
            }
}

void vk_plain_flip(float *x, const uint8_t *signs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t word;
        memcpy(&word, x + i, 4);
        word ^= (uint32_t)(signs[i / 8] >> (i % 8) & 1) << 31;
        memcpy(x + i, &word, 4);
    }
}

void vk_plain_scale(float *x, float scale, size_t count) {
    for (size_t i = 0; i < count; i++) x[i] *= scale;
}

void vk_plain_turn(float *x, size_t half) {
    for (size_t i = 0; i < half; i++) {
        float a = x[i], b = x[i + half];
        x[i] = (a + b) * 0.70710678f;
        x[i + half] = (a - b) * 0.70710678f;
    }
}

void vk_code_rotate_tier(vk_tier tier, const float *in, size_t dim, const uint8_t *signs,
                         size_t width, float *out) {
    const vk_code_functions *f = vk_code_functions_of(tier);
    memcpy(out, in, dim * sizeof(float));
    memset(out + dim, 0, (width - dim) * sizeof(float));
    size_t power = 1;
    while (power * 2 <= width) power *= 2;
    float factor = 1.0f / sqrtf((float)power);
    for (size_t round = 0; round < 4; round++) {
        f->flip(out, signs + round * width / 8, width);
        float *part = round % 2 ? out + (width - power) : out;
        f->hadamard(part, power);
        f->scale(part, factor, power);
        if (power != width) f->turn(out, width / 2);
    }
}

void vk_code_rotate(const float *in, size_t dim, const uint8_t *signs, size_t width, float *out) {
    vk_code_rotate_tier(vk_active_tier(), in, dim, signs, width, out);
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
            size_t byte = vk_code_byte(row);
            int shift = row < 16 ? 0 : 4;
            // One sum for each of the four coordinates of a group, so that none waits for another.
            double squares[4] = {0}, magnitude[4] = {0}, residual[4] = {0}, sign[4] = {0};
            for (size_t group = 0; group < groups; group++) {
                unsigned nibble = 0;
                for (size_t i = 0; i < 4; i++) {
                    float c = centroid[group * 4 + i], r = x[group * 4 + i] - c;
                    int positive = r > 0;
                    nibble |= (unsigned)positive << i;
                    squares[i] += (double)r * r;
                    magnitude[i] += fabsf(r);
                    residual[i] += (double)r * c;
                    sign[i] += positive ? c : -c;
                }
                block[group * 16 + byte] |= (uint8_t)(nibble << shift);
            }
            double length = (squares[0] + squares[1]) + (squares[2] + squares[3]);
            double sum = (magnitude[0] + magnitude[1]) + (magnitude[2] + magnitude[3]);
            f = sum > 0 ? (float)(length / sum) : 0;
            add = (float)((residual[0] + residual[1]) + (residual[2] + residual[3]) -
                          f * ((sign[0] + sign[1]) + (sign[2] + sign[3])));
        }
        uint16_t halves[2] = {vk_float_to_half(f), vk_float_to_half(add)};
        memcpy(factors + row * 2, &halves[0], 2);
        memcpy(factors + (VK_CODE_BLOCK_ROWS + row) * 2, &halves[1], 2);
    }
}

float vk_byte_encode(const float *row, size_t width, uint8_t *out) {
    float scale = vk_byte_scale(width), inverse = 1 / scale;
    double lost = 0;
    for (size_t i = 0; i < width; i++) {
        float steps = rintf(row[i] * inverse);
        steps = steps < -127 ? -127 : steps > 127 ? 127 : steps;
        out[i] = (uint8_t)((int)steps + 128);
        double rest = (double)row[i] - (double)steps * scale;
        lost += rest * rest;
    }
    return (float)sqrt(lost);
}

void vk_plain_tables(const float *rotated, size_t width, float step, uint8_t *lut) {
    float inverse = 1 / step;
    for (size_t group = 0; group < width / 4; group++)
        vk_code_table(rotated + group * 4, inverse, lut + group * 16);
}

static size_t scan(const vk_query *query, const uint8_t *blocks, size_t block_count, size_t rows,
                   const uint8_t *const *ahead, float base, float slack, float threshold,
                   uint32_t first, uint32_t *slots, float *bounds) {
    size_t groups = query->width / 4, bytes = vk_code_block_bytes(query->width), found = 0;
    float bias = query->offset + slack;
    (void)ahead;
    for (size_t b = 0; b < block_count; b++, blocks += bytes) {
        uint32_t sums[VK_CODE_BLOCK_ROWS] = {0};
        for (size_t group = 0; group < groups; group++) {
            const uint8_t *code = blocks + group * 16, *lut = query->lut + group * 16;
            for (size_t row = 0; row < 16; row++) {
                uint8_t byte = code[vk_code_byte(row)];
                sums[row] += lut[byte & 15];
                sums[row + 16] += lut[byte >> 4];
            }
        }
        const uint8_t *factors = blocks + groups * 16;
        size_t start = b * VK_CODE_BLOCK_ROWS;
        for (size_t row = 0; row < VK_CODE_BLOCK_ROWS && start + row < rows; row++) {
            uint16_t halves[2];
            memcpy(&halves[0], factors + row * 2, 2);
            memcpy(&halves[1], factors + (VK_CODE_BLOCK_ROWS + row) * 2, 2);
            float signs = query->step * (float)(int32_t)sums[row];
            signs = signs + bias;
            float bound = vk_half_to_float(halves[0]) * signs;
            bound = bound + vk_half_to_float(halves[1]);
            bound = bound + base;
            if (bound < threshold) continue;
            slots[found] = first + (uint32_t)(start + row);
            bounds[found++] = bound;
        }
    }
    return found;
}

static void bytes(const int8_t *query, const uint8_t *const *rows, size_t count, size_t width,
                  int32_t *out) {
    for (size_t row = 0; row < count; row++) {
        int32_t sum = 0;
        for (size_t i = 0; i < width; i++) sum += (int32_t)rows[row][i] * query[i];
        out[row] = sum;
    }
}

size_t vk_plain_select(const float *values, size_t count, float cut, uint32_t *out) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        out[found] = (uint32_t)i;
        found += values[i] >= cut;
    }
    return found;
}

VK_PORTABLE_FUNCTIONS()

const vk_code_functions vk_scalar_code_functions = {
    vk_plain_hadamard, vk_plain_flip, vk_plain_scale, vk_plain_turn, vk_plain_tables,
    scan,              bytes,         vk_plain_select, cut,            measure,
    round_bytes};

const vk_code_functions *vk_code_functions_of(vk_tier tier) {
    switch (tier) {
#if defined(__x86_64__)
    case VK_TIER_AVX2:
        return &vk_avx2_code_functions;
    case VK_TIER_AVX512:
        return __builtin_cpu_supports("avx512vnni") ? &vk_avx512_code_functions
                                                    : &vk_avx512_plain_code_functions;
#endif
#if defined(__aarch64__)
    case VK_TIER_NEON:
        return &vk_neon_code_functions;
#endif
    default:
        return &vk_scalar_code_functions;
    }
}
