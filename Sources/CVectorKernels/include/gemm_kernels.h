#ifndef VECTORSTORE_GEMM_KERNELS_H
#define VECTORSTORE_GEMM_KERNELS_H

#include "vector_kernels.h"

// Products of blocks of int8 rows: what training and assignment spend their time in.
//
// - Values are -127 to 127, so that every tier computes the same integers.
// - The right side lies in panels of 16 rows: for every four coordinates 64 bytes, row by row.
// - A width is a multiple of 4; rows are padded with zeros.

enum { VK_I8_PANEL_ROWS = 16 };

/// Coordinates of an int8 row: `dim` rounded up to a multiple of 16.
size_t vk_i8_width(size_t dim);

/// Rounds a row to int8: out[i] ≈ in[i] / step with step = largest magnitude / 127. Returns step, 0
/// for a row of zeros; `error` receives the length of what was rounded away.
float vk_i8_quantise(const float *in, size_t dim, int8_t *out, float *error);
/// The same with a given step; larger values are cut off.
void vk_i8_quantise_step(const float *in, size_t dim, float step, int8_t *out, float *error);

/// Bytes of the panels of `count` rows.
size_t vk_i8_panel_bytes(size_t count, size_t width);
/// Packs the rows `base + ordinals[i]·width` (`base + i·width` without ordinals) into panels.
void vk_i8_pack(const int8_t *base, const uint32_t *ordinals, size_t count, size_t width,
                int8_t *panels);

/// scores[i·ld + j] = <row i, panel row j> for `count` rows and all of `panel_count` panels.
/// Row i lies at `base + ordinals[i]·width`, without ordinals at `base + i·width`.
void vk_i8_block(const int8_t *base, const uint32_t *ordinals, size_t count, size_t width,
                 const int8_t *panels, size_t panel_count, int32_t *scores, size_t ld);
void vk_i8_block_tier(vk_tier tier, const int8_t *base, const uint32_t *ordinals, size_t count,
                      size_t width, const int8_t *panels, size_t panel_count, int32_t *scores,
                      size_t ld);

/// The place of the largest of `count` scores; of equals the first.
size_t vk_i8_largest(const int32_t *scores, size_t count);

/// The places, rising, of all scores that are at most `slack` below the k-th largest, and perhaps of
/// some that are lower; at least min(k, count) of them. k is at most 64, `places` has room for
/// `count` and 16 more.
size_t vk_i8_reach(const int32_t *scores, size_t count, size_t k, int32_t slack, uint32_t *places);

/// sums[i] += sum of row[i] · scale.
void vk_i8_accumulate(const int8_t *row, size_t width, float scale, float *sums);

#endif
