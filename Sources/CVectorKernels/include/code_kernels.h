#ifndef VECTORSTORE_CODE_KERNELS_H
#define VECTORSTORE_CODE_KERNELS_H

#include "vector_kernels.h"

// One-bit codes of residuals, 32 rows a block (RaBitQ, arXiv:2405.12497; scanned by table look-up in
// registers as in Quick ADC, arXiv:1704.07355).
//
// - Row x under centroid c, both rotated: r = x - c, s = sign(r), f = |r|^2 / <s, r>,
//   add = <r, c> - f <s, c>. Then <q, x> is estimated by <q, c> + add + f <s, q>.
// - A block is `groups` times 16 bytes, then f[32], then add[32], float32. Byte b of group g holds in
//   its low nibble the signs of coordinates 4g to 4g + 3 of row p(b), in its high nibble those of
//   row p(b) + 16, where p(2i) = i and p(2i + 1) = i + 8. A set bit is a positive sign.
// - Slots without a row have f = 0 and add = VK_CODE_PADDING.
// - Estimates are the same bits on every tier: sums of the look-ups are integers, and the two
//   multiplications and additions after them are never fused.

enum { VK_CODE_BLOCK_ROWS = 32 };
#define VK_CODE_PADDING (-60000.0f)

/// Coordinates of a rotated vector: `dim` rounded up to a multiple of 64.
size_t vk_code_width(size_t dim);
/// Bytes of a block.
size_t vk_code_block_bytes(size_t width);

/// Rotates `dim` floats and zeros up to `width` by four rounds of random signs, a fast Hadamard
/// transform and, when `width` is no power of two, a turn by 45 degrees between the halves
/// (FHT-Kac). Lengths and inner products are kept.
/// `signs` has 4·width bits, least significant first.
void vk_code_rotate(const float *in, size_t dim, const uint8_t *signs, size_t width, float *out);

/// Encodes up to 32 rotated rows, `width` floats apart, under a rotated centroid. The block's bytes
/// are all written.
void vk_code_encode(const float *rows, size_t count, const float *centroid, size_t width,
                    uint8_t *block);

/// A query ready for scans.
typedef struct {
    /// 16 entries a group, 0 to 31.
    const uint8_t *lut;
    size_t groups;
    /// <s, q> is about step · (sum of look-ups) + offset.
    float step;
    float offset;
} vk_code_query;

/// Fills the table of a rotated query, `width / 4 · 16` bytes.
vk_code_query vk_code_prepare(const float *query, size_t width, uint8_t *lut);

/// Finds the rows of a list whose upper bound `base + add + f·(<s, q> + slack)` reaches `threshold`.
///
/// rows[i] receives `first` plus the place in the list, in rising order, bounds[i] the bound. Both need
/// room for the list's rows and 16 more.
/// Returns how many there are.
size_t vk_code_scan(const vk_code_query *query, const uint8_t *blocks, size_t count, float base,
                    float slack, float threshold, uint32_t first, uint32_t *rows, float *bounds);
size_t vk_code_scan_tier(vk_tier tier, const vk_code_query *query, const uint8_t *blocks,
                         size_t count, float base, float slack, float threshold, uint32_t first,
                         uint32_t *rows, float *bounds);

/// A value that at least `wanted` of `count` values reach, and seldom many more.
float vk_cut(const float *values, size_t count, size_t wanted);

/// Asks for memory in the second-level cache.
void vk_prefetch(const void *start, size_t bytes);

#endif
