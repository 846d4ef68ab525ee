// The scan of one-bit codes on NEON.

#include "codes.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#pragma STDC FP_CONTRACT OFF

size_t vk_neon_code_scan(const vk_code_query *query, const uint8_t *blocks, size_t count, float base,
                         float slack, float threshold, uint32_t first, uint32_t *rows,
                         float *bounds) {
    size_t code_bytes = query->groups * 16, found = 0;
    size_t bytes = code_bytes + 2 * VK_CODE_BLOCK_ROWS * sizeof(float);
    uint8x16_t nibbles = vdupq_n_u8(15);
    float bias = query->offset + slack;
    for (size_t start = 0; start < count; start += VK_CODE_BLOCK_ROWS, blocks += bytes) {
        // 32-bit sums: rows 0-3, 4-7, then 8-11 and so on.
        uint32x4_t sums[8];
        for (int i = 0; i < 8; i++) sums[i] = vdupq_n_u32(0);
        for (size_t at = 0; at < code_bytes;) {
            uint8x16_t low = vdupq_n_u8(0), high = low;
            size_t end = at + 8 * 16 < code_bytes ? at + 8 * 16 : code_bytes;
            for (; at < end; at += 16) {
                uint8x16_t code = vld1q_u8(blocks + at), lut = vld1q_u8(query->lut + at);
                low = vaddq_u8(low, vqtbl1q_u8(lut, vandq_u8(code, nibbles)));
                high = vaddq_u8(high, vqtbl1q_u8(lut, vshrq_n_u8(code, 4)));
            }
            uint16x8_t even_low = vandq_u16(vreinterpretq_u16_u8(low), vdupq_n_u16(0xFF));
            uint16x8_t odd_low = vshrq_n_u16(vreinterpretq_u16_u8(low), 8);
            uint16x8_t even_high = vandq_u16(vreinterpretq_u16_u8(high), vdupq_n_u16(0xFF));
            uint16x8_t odd_high = vshrq_n_u16(vreinterpretq_u16_u8(high), 8);
            uint16x8_t parts[4] = {even_low, odd_low, even_high, odd_high};
            for (int i = 0; i < 4; i++) {
                sums[2 * i] = vaddw_u16(sums[2 * i], vget_low_u16(parts[i]));
                sums[2 * i + 1] = vaddw_u16(sums[2 * i + 1], vget_high_u16(parts[i]));
            }
        }
        const float *factors = (const float *)(blocks + code_bytes);
        for (int i = 0; i < 8 && start + (size_t)i * 4 < count; i++) {
            float32x4_t signs = vmulq_n_f32(vcvtq_f32_u32(sums[i]), query->step);
            signs = vaddq_f32(signs, vdupq_n_f32(bias));
            float32x4_t bound = vmulq_f32(vld1q_f32(factors + i * 4), signs);
            bound = vaddq_f32(bound, vld1q_f32(factors + VK_CODE_BLOCK_ROWS + i * 4));
            bound = vaddq_f32(bound, vdupq_n_f32(base));
            float values[4];
            vst1q_f32(values, bound);
            for (size_t j = 0; j < 4; j++) {
                size_t row = start + (size_t)i * 4 + j;
                if (row >= count || !(values[j] >= threshold)) continue;
                rows[found] = first + (uint32_t)row;
                bounds[found++] = values[j];
            }
        }
    }
    return found;
}

#endif
