// The reference: one float after another, in order.

#include "kernels.h"

static void dot1(const float *query, const float *row, size_t dim, float *out) {
    float sum = 0;
    for (size_t i = 0; i < dim; i++) sum += query[i] * row[i];
    *out = sum;
}

static void dot4(const float *query, const float *const rows[4], size_t dim, float *out) {
    for (int r = 0; r < 4; r++) dot1(query, rows[r], dim, out + r);
}

static void block(const float *a, size_t a_stride, size_t a_count, const float *b, size_t b_stride,
                  size_t b_count, size_t dim, float *out, size_t ld) {
    for (size_t i = 0; i < a_count; i++)
        for (size_t j = 0; j < b_count; j++)
            dot1(a + i * a_stride, b + j * b_stride, dim, out + i * ld + j);
}

const vk_functions vk_scalar_functions = {dot4, dot1, block};
