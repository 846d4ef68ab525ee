// Products of int8 blocks with NEON.

#include "gemm.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

// Four rows of the panel a register: products of bytes widened to 16 bits, pairs added to 32, and the
// two halves of each four coordinates at the end.
static inline __attribute__((always_inline)) void tile(const int8_t *const *rows, size_t rows_n,
                                                       size_t width, const int8_t *panel,
                                                       int32_t *scores, size_t ld) {
    for (size_t quarter = 0; quarter < 4; quarter++) {
        int32x4_t low[4], high[4];
        for (size_t r = 0; r < rows_n; r++) low[r] = high[r] = vdupq_n_s32(0);
        for (size_t at = 0; at < width; at += 4) {
            int8x16_t y = vld1q_s8(panel + at * 16 + quarter * 16);
            for (size_t r = 0; r < rows_n; r++) {
                int32_t four;
                memcpy(&four, rows[r] + at, 4);
                int8x8_t x = vreinterpret_s8_s32(vdup_n_s32(four));
                low[r] = vpadalq_s16(low[r], vmull_s8(vget_low_s8(y), x));
                high[r] = vpadalq_s16(high[r], vmull_s8(vget_high_s8(y), x));
            }
        }
        for (size_t r = 0; r < rows_n; r++)
            vst1q_s32(scores + r * ld + quarter * 4, vpaddq_s32(low[r], high[r]));
    }
}

void vk_neon_i8_block(const int8_t *base, const uint32_t *ordinals, size_t count, size_t width,
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
            for (; i + 4 <= some; i += 4) tile(rows + i, 4, width, y, to + i * ld, ld);
            for (; i < some; i++) tile(rows + i, 1, width, y, to + i * ld, ld);
        }
    }
}

#endif
