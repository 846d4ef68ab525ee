// Every kernel on every tier of this machine, with inputs that end where a page begins that cannot be
// touched, built with the address and undefined-behaviour sanitizers by scripts/kernel-guards.sh.
//
// The sanitizers do not see past mapped memory; the pages do. Results are compared with sums in double
// precision under a bound of dim * 2^-22 times the sum of magnitudes.

#define _GNU_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "code_kernels.h"
#include "vector_kernels.h"

static unsigned long long checks;

/// Memory that ends at an untouchable page, or begins right after one.
typedef struct {
    char *base;
    size_t pages;
} guarded;

static size_t page_size;

static guarded guarded_make(size_t bytes) {
    guarded g = {0};
    g.pages = (bytes + page_size - 1) / page_size + 1;
    g.base = mmap(NULL, (g.pages + 2) * page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.base == MAP_FAILED) abort();
    if (mprotect(g.base + page_size, g.pages * page_size, PROT_READ | PROT_WRITE)) abort();
    return g;
}

static void *guarded_end(guarded g, size_t bytes) {
    return g.base + page_size + g.pages * page_size - bytes;
}

static void *guarded_start(guarded g) { return g.base + page_size; }

static void guarded_free(guarded g) { munmap(g.base, (g.pages + 2) * page_size); }

static uint64_t state = 88172645463325252ull;
static uint64_t random_bits(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}
static float random_float(void) { return (float)(int32_t)random_bits() / 2147483648.0f; }

static void fill(float *values, size_t n) {
    for (size_t i = 0; i < n; i++) values[i] = random_float();
}

static void expect(int holds, const char *what, vk_tier tier, size_t dim, size_t count) {
    checks++;
    if (holds) return;
    fprintf(stderr, "%s, tier %s, dimension %zu, count %zu\n", what, vk_tier_name(tier), dim, count);
    exit(1);
}

static int close_to(float found, const float *a, const float *b, size_t dim) {
    double sum = 0, magnitude = 0;
    for (size_t i = 0; i < dim; i++) {
        sum += (double)a[i] * b[i];
        magnitude += fabs((double)a[i] * b[i]);
    }
    return fabs(found - sum) <= (double)dim * 0x1p-22 * magnitude + 1e-30;
}

static void dots(vk_tier tier, size_t dim, size_t count, int at_start) {
    guarded q = guarded_make(dim * 4), r = guarded_make(dim * 4 * (count + 1)),
            o = guarded_make((count + 1) * 4), n = guarded_make((count + 1) * 4);
    float *query = at_start ? guarded_start(q) : guarded_end(q, dim * 4);
    float *rows = at_start ? guarded_start(r) : guarded_end(r, dim * 4 * count);
    float *out = at_start ? guarded_start(o) : guarded_end(o, count * 4);
    uint32_t *ordinals = at_start ? guarded_start(n) : guarded_end(n, count * 4);
    fill(query, dim);
    fill(rows, dim * count);
    vk_dot_rows_tier(tier, query, rows, dim, count, dim, out);
    for (size_t i = 0; i < count; i++)
        expect(close_to(out[i], query, rows + i * dim, dim), "rows", tier, dim, count);
    for (size_t i = 0; i < count; i++) ordinals[i] = (uint32_t)(count - 1 - i);
    vk_dot_gather_tier(tier, query, rows, dim, ordinals, count, dim, out);
    for (size_t i = 0; i < count; i++)
        expect(close_to(out[i], query, rows + ordinals[i] * dim, dim), "gather", tier, dim, count);
    guarded_free(q), guarded_free(r), guarded_free(o), guarded_free(n);
}

static void blocks(vk_tier tier, size_t dim, size_t m, size_t n) {
    guarded a = guarded_make(dim * 4 * m), b = guarded_make(dim * 4 * n), o = guarded_make(m * n * 4);
    float *left = guarded_end(a, dim * 4 * m), *right = guarded_end(b, dim * 4 * n);
    float *out = guarded_end(o, m * n * 4);
    fill(left, dim * m);
    fill(right, dim * n);
    vk_dot_block_tier(tier, left, dim, m, right, dim, n, dim, out, n);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            expect(close_to(out[i * n + j], left + i * dim, right + j * dim, dim), "block", tier, dim,
                   m * n);
    guarded_free(a), guarded_free(b), guarded_free(o);
}

/// Codes made and scanned; every tier must find what the scalar one finds, bit by bit.
static void codes(size_t dim, size_t count) {
    size_t width = vk_code_width(dim), size = vk_code_block_bytes(width);
    size_t block_count = (count + VK_CODE_BLOCK_ROWS - 1) / VK_CODE_BLOCK_ROWS;
    guarded v = guarded_make(dim * 4), w = guarded_make(width * 4), s = guarded_make(width / 2),
            r = guarded_make(width * 4 * (count + 1)), b = guarded_make(size * (block_count + 1)),
            l = guarded_make(width / 4 * 16);
    float *in = guarded_end(v, dim * 4), *rotated = guarded_end(w, width * 4);
    uint8_t *signs = guarded_end(s, width / 2);
    float *rows = guarded_end(r, width * 4 * count);
    uint8_t *block = guarded_end(b, size * block_count), *lut = guarded_end(l, width / 4 * 16);
    for (size_t i = 0; i < width / 2; i++) signs[i] = (uint8_t)random_bits();
    float *centroid = calloc(width, 4);
    for (size_t i = 0; i < count; i++) {
        fill(in, dim);
        vk_code_rotate(in, dim, signs, width, rows + i * width);
    }
    for (size_t i = 0; i < block_count; i++) {
        size_t left = count - i * VK_CODE_BLOCK_ROWS;
        vk_code_encode(rows + i * VK_CODE_BLOCK_ROWS * width,
                       left < VK_CODE_BLOCK_ROWS ? left : VK_CODE_BLOCK_ROWS, centroid, width,
                       block + i * size);
    }
    fill(in, dim);
    vk_code_rotate(in, dim, signs, width, rotated);
    vk_code_query query = vk_code_prepare(rotated, width, lut);
    uint32_t *expected = calloc(count + 16, 4), *found = calloc(count + 16, 4);
    float *bounds = calloc(count + 16, 4), *other = calloc(count + 16, 4);
    for (int pass = 0; pass < 3; pass++) {
        float threshold = pass == 0 ? -1e30f : pass == 1 ? 0.0f : 0.5f;
        size_t wanted = vk_code_scan_tier(VK_TIER_SCALAR, &query, block, count, 0.1f, 0.2f, threshold,
                                          5, expected, bounds);
        for (int tier = 1; tier < VK_TIER_COUNT; tier++) {
            if (!vk_tier_supported(tier)) continue;
            size_t got = vk_code_scan_tier(tier, &query, block, count, 0.1f, 0.2f, threshold, 5, found,
                                           other);
            expect(got == wanted && !memcmp(expected, found, wanted * 4) &&
                       !memcmp(bounds, other, wanted * 4),
                   "codes", tier, dim, count);
        }
        if (pass == 0) expect(wanted == count, "all codes", VK_TIER_SCALAR, dim, count);
        if (wanted > 0) {
            guarded c = guarded_make(wanted * 4);
            float *values = guarded_end(c, wanted * 4);
            memcpy(values, bounds, wanted * 4);
            (void)vk_cut(values, wanted, wanted / 2 + 1);
            guarded_free(c);
        }
    }
    free(expected), free(found), free(bounds), free(other), free(centroid);
    guarded_free(v), guarded_free(w), guarded_free(s), guarded_free(r), guarded_free(b), guarded_free(l);
}

/// Values that are no numbers must not trip anything.
static void extremes(vk_tier tier) {
    const float values[] = {NAN, INFINITY, -INFINITY, 1e-42f, -0.0f, 3.4e38f, -3.4e38f, 1.0f};
    float a[67], b[67], out[3];
    for (int i = 0; i < 67; i++) a[i] = values[i % 8], b[i] = values[(i * 3 + 1) % 8];
    vk_dot_rows_tier(tier, a, b, 67, 1, 67, out);
    for (int i = 0; i < 67; i++) a[i] = 0.0f, b[i] = -0.0f;
    vk_dot_rows_tier(tier, a, b, 67, 1, 67, out);
    expect(out[0] == 0.0f, "zeros", tier, 67, 1);
}

int main(void) {
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    for (int tier = 0; tier < VK_TIER_COUNT; tier++) {
        if (!vk_tier_supported(tier)) continue;
        for (size_t dim = 1; dim <= 257; dim++)
            for (size_t count = 0; count <= 33; count++)
                for (int at_start = 0; at_start < 2; at_start++) dots(tier, dim, count, at_start);
        for (size_t dim = 1; dim <= 257; dim += 4)
            for (size_t m = 1; m <= 9; m++)
                for (size_t n = 1; n <= 9; n++) blocks(tier, dim, m, n);
        extremes(tier);
        printf("%s: done\n", vk_tier_name(tier));
    }
    for (size_t dim = 1; dim <= 257; dim += 3)
        for (size_t count = 0; count <= 100; count += 7) codes(dim, count);
    printf("kernels: %llu comparisons, no finding\n", checks);
    return 0;
}
