// Rounding, packing and selection of int8 blocks, the reference product, and the choice of tier.

#include "gemm.h"

#include <math.h>
#include <string.h>

size_t vk_i8_width(size_t dim) { return (dim + 15) / 16 * 16; }

void vk_i8_quantise_step(const float *in, size_t dim, float step, int8_t *out, float *error) {
#if defined(__x86_64__)
    if (vk_active_tier() != VK_TIER_SCALAR) {
        vk_avx2_i8_quantise(in, dim, step, out, error);
        return;
    }
#endif
    vk_i8_quantise_body(in, dim, step, out, error);
}

float vk_i8_quantise(const float *in, size_t dim, int8_t *out, float *error) {
    float top[16] = {0}, largest = 0;
    size_t i = 0;
    for (; i + 16 <= dim; i += 16)
        for (size_t j = 0; j < 16; j++) {
            float x = fabsf(in[i + j]);
            top[j] = x > top[j] ? x : top[j];
        }
    for (; i < dim; i++) {
        float x = fabsf(in[i]);
        largest = x > largest ? x : largest;
    }
    for (size_t j = 0; j < 16; j++) largest = top[j] > largest ? top[j] : largest;
    float step = largest / 127;
    vk_i8_quantise_step(in, dim, step, out, error);
    return step;
}

size_t vk_i8_panel_bytes(size_t count, size_t width) {
    return (count + VK_I8_PANEL_ROWS - 1) / VK_I8_PANEL_ROWS * VK_I8_PANEL_ROWS * width;
}

void vk_i8_pack(const int8_t *base, const uint32_t *ordinals, size_t count, size_t width,
                int8_t *panels) {
    for (size_t first = 0; first < count; first += VK_I8_PANEL_ROWS) {
        int8_t *panel = panels + first * width;
        for (size_t lane = 0; lane < VK_I8_PANEL_ROWS; lane++) {
            if (first + lane >= count) {
                for (size_t group = 0; group < width / 4; group++)
                    memset(panel + group * 64 + lane * 4, 0, 4);
                continue;
            }
            const int8_t *row = vk_i8_row(base, ordinals, first + lane, width);
            for (size_t group = 0; group < width / 4; group++)
                memcpy(panel + group * 64 + lane * 4, row + group * 4, 4);
        }
    }
}

void vk_scalar_i8_block(const int8_t *base, const uint32_t *ordinals, size_t count, size_t width,
                        const int8_t *panels, size_t panel_count, int32_t *scores, size_t ld) {
    for (size_t p = 0; p < panel_count; p++) {
        const int8_t *panel = panels + p * VK_I8_PANEL_ROWS * width;
        for (size_t i = 0; i < count; i++) {
            const int8_t *row = vk_i8_row(base, ordinals, i, width);
            int32_t sum[VK_I8_PANEL_ROWS] = {0};
            for (size_t group = 0; group < width / 4; group++)
                for (size_t lane = 0; lane < VK_I8_PANEL_ROWS; lane++)
                    for (size_t j = 0; j < 4; j++)
                        sum[lane] += panel[group * 64 + lane * 4 + j] * row[group * 4 + j];
            memcpy(scores + i * ld + p * VK_I8_PANEL_ROWS, sum, sizeof sum);
        }
    }
}

void vk_i8_block_tier(vk_tier tier, const int8_t *base, const uint32_t *ordinals, size_t count,
                      size_t width, const int8_t *panels, size_t panel_count, int32_t *scores,
                      size_t ld) {
    vk_i8_block_function *block = vk_scalar_i8_block;
#if defined(__x86_64__)
    if (tier == VK_TIER_AVX512)
        block = vk_vnni_supported() ? vk_avx512_i8_block : vk_avx2_i8_block;
    if (tier == VK_TIER_AVX2) block = vk_avx2_i8_block;
#endif
#if defined(__aarch64__)
    if (tier == VK_TIER_NEON) block = vk_neon_i8_block;
#endif
    block(base, ordinals, count, width, panels, panel_count, scores, ld);
}

void vk_i8_block(const int8_t *base, const uint32_t *ordinals, size_t count, size_t width,
                 const int8_t *panels, size_t panel_count, int32_t *scores, size_t ld) {
    vk_i8_block_tier(vk_active_tier(), base, ordinals, count, width, panels, panel_count, scores,
                     ld);
}

// MARK: - Selection

static void maxima_of(const int32_t *scores, size_t panels, int32_t *maxima) {
#if defined(__x86_64__)
    if (vk_active_tier() == VK_TIER_AVX512) {
        vk_avx512_i8_maxima(scores, panels, maxima);
        return;
    }
#endif
    for (size_t p = 0; p < panels; p++) {
        int32_t top = scores[p * 16];
        for (size_t j = 1; j < 16; j++) {
            int32_t value = scores[p * 16 + j];
            top = value > top ? value : top;
        }
        maxima[p] = top;
    }
}

static size_t places_of(const int32_t *scores, size_t count, int32_t floor, uint32_t *places) {
    size_t found = 0, i = 0;
#if defined(__x86_64__)
    if (vk_active_tier() == VK_TIER_AVX512) {
        i = count / 16 * 16;
        found = vk_avx512_i8_places(scores, i, floor, places);
    }
#endif
    for (; i < count; i++) {
        places[found] = (uint32_t)i;
        found += scores[i] >= floor;
    }
    return found;
}

size_t vk_i8_largest(const int32_t *scores, size_t count) {
    enum { CHUNK = 256 };
    int32_t maxima[CHUNK], best = INT32_MIN;
    size_t place = 0, panels = count / 16;
    for (size_t first = 0; first < panels; first += CHUNK) {
        size_t some = panels - first < CHUNK ? panels - first : CHUNK;
        maxima_of(scores + first * 16, some, maxima);
        for (size_t p = 0; p < some; p++)
            if (maxima[p] > best) {
                best = maxima[p];
                place = (first + p) * 16;
            }
    }
    if (panels > 0) while (scores[place] != best) place++;
    for (size_t i = panels * 16; i < count; i++)
        if (scores[i] > best) {
            best = scores[i];
            place = i;
        }
    return place;
}

size_t vk_i8_reach(const int32_t *scores, size_t count, size_t k, int32_t slack, uint32_t *places) {
    enum { CHUNK = 256, MOST = 64 };
    if (k > MOST) k = MOST;
    // The k largest values seen, falling: of sixteens' maxima while there are enough sixteens.
    int32_t top[MOST + 1], maxima[CHUNK];
    size_t held = 0;
    size_t step = count / 16 >= k ? 16 : 1, parts = step == 16 ? count / 16 : count;
    for (size_t first = 0; first < parts; first += CHUNK) {
        size_t some = parts - first < CHUNK ? parts - first : CHUNK;
        const int32_t *values = scores + first;
        if (step == 16) {
            maxima_of(scores + first * 16, some, maxima);
            values = maxima;
        }
        for (size_t p = 0; p < some; p++) {
            int32_t value = values[p];
            if (held == k && value <= top[k - 1]) continue;
            size_t at = held < k ? held++ : k - 1;
            for (; at > 0 && top[at - 1] < value; at--) top[at] = top[at - 1];
            top[at] = value;
        }
    }
    if (held == 0) return 0;
    int64_t floor = (int64_t)top[held - 1] - slack;
    return places_of(scores, count, floor < INT32_MIN ? INT32_MIN : (int32_t)floor, places);
}

void vk_i8_accumulate(const int8_t *row, size_t width, float scale, float *sums) {
#if defined(__x86_64__)
    if (vk_active_tier() != VK_TIER_SCALAR) {
        vk_avx2_i8_accumulate(row, width, scale, sums);
        return;
    }
#endif
    vk_i8_accumulate_body(row, width, scale, sums);
}
