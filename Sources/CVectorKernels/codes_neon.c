// Codes and byte rows on NEON.

#include "codes.h"

#if defined(__aarch64__)

#include <arm_neon.h>

static size_t scan(const vk_query *query, const uint8_t *blocks, size_t block_count, size_t rows,
                   const uint8_t *const *ahead, float base, float slack, float threshold,
                   uint32_t first, uint32_t *slots, float *bounds) {
    size_t code_bytes = query->width * 4, bytes = vk_code_block_bytes(query->width), found = 0;
    uint8x16_t nibbles = vdupq_n_u8(15);
    float bias = query->offset + slack;
    for (size_t b = 0; b < block_count; b++, blocks += bytes) {
        const uint8_t *next = ahead[b] ? ahead[b] : blocks;
        // 32-bit sums: rows 0-3, 4-7, then 8-11 and so on.
        uint32x4_t sums[8];
        for (int i = 0; i < 8; i++) sums[i] = vdupq_n_u32(0);
        for (size_t at = 0; at < code_bytes;) {
            uint8x16_t low = vdupq_n_u8(0), high = low;
            size_t end = at + VK_CODE_RUN * 16 < code_bytes ? at + VK_CODE_RUN * 16 : code_bytes;
            for (; at < end; at += 16) {
                if (at % 64 == 0) __builtin_prefetch(next + at, 0, 2);
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
        const uint8_t *factors = blocks + code_bytes;
        size_t start = b * VK_CODE_BLOCK_ROWS;
        for (size_t i = 0; i < 8 && start + i * 4 < rows; i++) {
            float32x4_t f = vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(factors + i * 8)));
            float32x4_t add = vcvt_f32_f16(
                vreinterpret_f16_u8(vld1_u8(factors + VK_CODE_BLOCK_ROWS * 2 + i * 8)));
            float32x4_t signs = vmulq_n_f32(vcvtq_f32_u32(sums[i]), query->step);
            signs = vaddq_f32(signs, vdupq_n_f32(bias));
            float32x4_t bound = vaddq_f32(vmulq_f32(f, signs), add);
            bound = vaddq_f32(bound, vdupq_n_f32(base));
            float values[4];
            vst1q_f32(values, bound);
            for (size_t j = 0; j < 4; j++) {
                size_t row = start + i * 4 + j;
                if (row >= rows || !(values[j] >= threshold)) continue;
                slots[found] = first + (uint32_t)row;
                bounds[found++] = values[j];
            }
        }
    }
    return found;
}

static void bytes(const int8_t *query, const uint8_t *const *rows, size_t count, size_t width,
                  int32_t *out) {
    for (size_t row = 0; row < count; row++) {
        int32x4_t sums[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
        for (size_t i = 0; i < width; i += 16) {
            int8x16_t q = vld1q_s8(query + i);
            uint8x16_t x = vld1q_u8(rows[row] + i);
            int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(x)));
            int16x8_t high = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(x)));
            int16x8_t q_low = vmovl_s8(vget_low_s8(q)), q_high = vmovl_s8(vget_high_s8(q));
            sums[0] = vmlal_s16(sums[0], vget_low_s16(low), vget_low_s16(q_low));
            sums[1] = vmlal_s16(sums[1], vget_high_s16(low), vget_high_s16(q_low));
            sums[0] = vmlal_s16(sums[0], vget_low_s16(high), vget_low_s16(q_high));
            sums[1] = vmlal_s16(sums[1], vget_high_s16(high), vget_high_s16(q_high));
        }
        out[row] = vaddvq_s32(vaddq_s32(sums[0], sums[1]));
    }
}

VK_PORTABLE_FUNCTIONS()

const vk_code_functions vk_neon_code_functions = {
    vk_plain_hadamard, vk_plain_flip, vk_plain_scale, vk_plain_turn, vk_plain_tables,
    scan,              bytes,         vk_plain_select, cut,            measure,
    round_bytes};

#endif
