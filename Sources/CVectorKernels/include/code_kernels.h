#ifndef VECTORSTORE_CODE_KERNELS_H
#define VECTORSTORE_CODE_KERNELS_H

#include "vector_kernels.h"

// Two tiers of approximations of rotated rows: one-bit codes of residuals, 32 rows a block (RaBitQ,
// arXiv:2405.12497; scanned by table look-up in registers as in Quick ADC, arXiv:1704.07355), and rows
// of one byte a coordinate.
//
// - Row x under centroid c, both rotated: r = x - c, s = sign(r), f = |r|^2 / <s, r>,
//   add = <r, c> - f <s, c>. Then <q, x> is estimated by <q, c> + add + f <s, q>.
// - A block is `groups` times 16 bytes, then f[32], then add[32], IEEE 754 binary16. Byte b of group g
//   holds in its low nibble the signs of coordinates 4g to 4g + 3 of row p(b), in its high nibble those
//   of row p(b) + 16, where p(2i) = i and p(2i + 1) = i + 8. A set bit is a positive sign.
// - Slots without a row have f = 0 and add = VK_CODE_PADDING.
// - A byte row holds min(max(round(x / scale), -127), 127) + 128 of each rotated coordinate.
// - Every tier gives the same bits: sums of integers are exact, and the multiplications and additions of
//   floats around them have one order and are never fused.

enum { VK_CODE_BLOCK_ROWS = 32 };
#define VK_CODE_PADDING (-60000.0f)

/// Coordinates of a rotated vector: `dim` rounded up to a multiple of 64.
size_t vk_code_width(size_t dim);
/// Bytes of a block.
size_t vk_code_block_bytes(size_t width);
/// The step of byte rows: coordinates of a rotated unit vector are about normal with deviation
/// 1/sqrt(width), and 4.2 deviations are within 127 steps.
float vk_byte_scale(size_t width);

/// Rotates `dim` floats and zeros up to `width` by four rounds of random signs, a fast Hadamard
/// transform and, when `width` is no power of two, a turn by 45 degrees between the halves
/// (FHT-Kac). Lengths and inner products are kept.
/// `signs` has 4·width bits, least significant first.
void vk_code_rotate(const float *in, size_t dim, const uint8_t *signs, size_t width, float *out);
void vk_code_rotate_tier(vk_tier tier, const float *in, size_t dim, const uint8_t *signs,
                         size_t width, float *out);

/// Encodes up to 32 rotated rows, `width` floats apart, under a rotated centroid. The block's bytes
/// are all written.
void vk_code_encode(const float *rows, size_t count, const float *centroid, size_t width,
                    uint8_t *block);

/// Writes the byte row of a rotated row.
///
/// Returns the length of what the bytes leave out.
float vk_byte_encode(const float *row, size_t width, uint8_t *out);

#endif
