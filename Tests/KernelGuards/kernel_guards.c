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

#include "gemm_kernels.h"
#include "search_kernels.h"

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

/// Rows encoded, looked at in two lists, and found again: every tier as the scalar one, bit by bit.
static void codes(size_t dim, size_t count) {
    size_t width = vk_code_width(dim), size = vk_code_block_bytes(width);
    size_t block_count = (count + VK_CODE_BLOCK_ROWS - 1) / VK_CODE_BLOCK_ROWS;
    guarded v = guarded_make(dim * 4), s = guarded_make(width / 2),
            r = guarded_make(width * 4 * (count + 1)), b = guarded_make(size * (block_count + 1)),
            y = guarded_make(width * (count + 1)), n = guarded_make((count + 1) * 4);
    float *in = guarded_end(v, dim * 4);
    uint8_t *signs = guarded_end(s, width / 2);
    float *rows = guarded_end(r, width * 4 * count);
    uint8_t *block = guarded_end(b, size * block_count), *bytes = guarded_end(y, width * count);
    uint32_t *ordinals = guarded_end(n, count * 4);
    for (size_t i = 0; i < width / 2; i++) signs[i] = (uint8_t)random_bits();
    float *centroid = calloc(width, 4), *other = calloc(width, 4);
    for (size_t i = 0; i < count; i++) {
        fill(in, dim);
        vk_code_rotate_tier(VK_TIER_SCALAR, in, dim, signs, width, rows + i * width);
        for (int tier = 1; tier < VK_TIER_COUNT; tier++) {
            if (!vk_tier_supported(tier)) continue;
            vk_code_rotate_tier(tier, in, dim, signs, width, other);
            expect(!memcmp(other, rows + i * width, width * 4), "rotation", tier, dim, count);
        }
        (void)vk_byte_encode(rows + i * width, width, bytes + i * width);
        ordinals[i] = (uint32_t)(count - 1 - i);
    }
    for (size_t i = 0; i < block_count; i++) {
        size_t left = count - i * VK_CODE_BLOCK_ROWS;
        vk_code_encode(rows + i * VK_CODE_BLOCK_ROWS * width,
                       left < VK_CODE_BLOCK_ROWS ? left : VK_CODE_BLOCK_ROWS, centroid, width,
                       block + i * size);
    }
    fill(in, dim);
    // One list of all rows, one that has no row.
    const uint32_t starts[3] = {0, (uint32_t)count, (uint32_t)count};
    const uint32_t block_starts[3] = {0, (uint32_t)block_count, (uint32_t)block_count};
    const vk_ranked order[2] = {{0, 0.1f, 1.2f}, {1, 0.05f, 1.3f}};
    vk_lists lists = {.blocks = block, .block_starts = block_starts, .starts = starts,
                      .ordinals = ordinals, .has_duplicates = 1,
                      .rows = {.rows = bytes, .count = count}};
    // Two groups, of which one may be empty of what a block has room for.
    uint32_t first_group = (uint32_t)(block_count / 2 * VK_CODE_BLOCK_ROWS);
    const uint32_t group_starts[3] = {0, first_group, (uint32_t)count};
    uint32_t *list_ids = calloc(count, 4);
    uint8_t *group_rows = calloc(2, width);
    for (size_t i = 0; i < count; i++) list_ids[i] = (uint32_t)(count - 1 - i);
    (void)vk_byte_encode(centroid, width, group_rows);
    (void)vk_byte_encode(centroid, width, group_rows + width);
    vk_centroids centroids = {.blocks = block, .rows = bytes, .lists = list_ids,
                              .group_rows = group_rows, .group_starts = group_starts,
                              .group_count = 2, .count = count, .width = width};
    float *bounds = calloc(count + 16, 4), *wanted_bounds = calloc(count + 16, 4);
    uint32_t *found = calloc(count + 16, 4);
    for (size_t k = 1; k <= 25; k += 12) {
        size_t wanted = 0;
        for (int tier = 0; tier < VK_TIER_COUNT; tier++) {
            if (!vk_tier_supported(tier)) continue;
            vk_scratch *scratch = vk_scratch_of_thread();
            vk_query query;
            expect(scratch && vk_query_prepare_tier(tier, scratch, in, dim, signs, &query), "query",
                   tier, dim, count);
            expect(vk_code_bounds_tier(tier, scratch, &query, block, count, 0.1f, 0.2f, bounds),
                   "bounds", tier, dim, count);
            if (tier == 0) memcpy(wanted_bounds, bounds, count * 4);
            expect(!memcmp(bounds, wanted_bounds, count * 4), "same bounds", tier, dim, count);
            vk_search_options options = {.k = k, .deviations = 2, .margin = 0.01f,
                                         .floor = -INFINITY, .patience = SIZE_MAX};
            vk_search_result result;
            vk_search_lists_tier(tier, scratch, &query, &lists, order, 2, &options, &result);
            expect(!result.failed && result.codes == count && result.count >= (k < count ? k : count),
                   "search", tier, dim, count);
            if (tier == 0) {
                wanted = result.count;
                memcpy(found, result.rows, wanted * 4);
            }
            expect(result.count == wanted && !memcmp(found, result.rows, wanted * 4), "same rows",
                   tier, dim, count);
            vk_search_bytes(scratch, &query, &lists.rows, NULL, 0, count, &options, &result);
            expect(!result.failed && result.byte_rows == count, "bytes", tier, dim, count);
            // The same rows by their numbers, the last one first.
            size_t in_order = result.count;
            vk_search_bytes(scratch, &query, &lists.rows, ordinals, 0, count, &options, &result);
            expect(!result.failed && result.byte_rows == count && result.count == in_order,
                   "bytes by number", tier, dim, count);
            const vk_ranked *ranked = NULL;
            size_t lists_found = vk_rank(scratch, &query, &centroids, k, &ranked);
            expect(lists_found == (k < count ? k : count), "rank", tier, dim, count);
        }
    }
    free(bounds), free(wanted_bounds), free(found), free(centroid), free(other);
    free(list_ids), free(group_rows);
    guarded_free(v), guarded_free(s), guarded_free(r), guarded_free(b), guarded_free(y), guarded_free(n);
}

/// Products of int8 rows; every tier must give the same integers.
static void products(size_t dim, size_t count) {
    size_t width = vk_i8_width(dim), panel_bytes = vk_i8_panel_bytes(count, width);
    size_t panels_count = (count + VK_I8_PANEL_ROWS - 1) / VK_I8_PANEL_ROWS;
    size_t ld = panels_count * VK_I8_PANEL_ROWS;
    guarded f = guarded_make(dim * 4), r = guarded_make(width * (count + 1)),
            p = guarded_make(panel_bytes + 1), o = guarded_make(ld * count * 4 + 4);
    float *in = guarded_end(f, dim * 4), error;
    int8_t *rows = guarded_end(r, width * count), *panels = guarded_end(p, panel_bytes);
    int32_t *out = guarded_end(o, ld * count * 4);
    memset(rows, 0, width * count);
    for (size_t i = 0; i < count; i++) {
        fill(in, dim);
        (void)vk_i8_quantise(in, dim, rows + i * width, &error);
    }
    vk_i8_pack(rows, NULL, count, width, panels);
    for (int tier = 0; tier < VK_TIER_COUNT; tier++) {
        if (!vk_tier_supported(tier)) continue;
        vk_i8_block_tier(tier, rows, NULL, count, width, panels, panels_count, out, ld);
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < count; j++) {
                int32_t sum = 0;
                for (size_t d = 0; d < dim; d++)
                    sum += (int32_t)rows[i * width + d] * rows[j * width + d];
                expect(out[i * ld + j] == sum, "products", tier, dim, count);
            }
    }
    guarded_free(f), guarded_free(r), guarded_free(p), guarded_free(o);
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
    // More rows than wait for each other at the beginning of a search.
    for (size_t dim = 1; dim <= 257; dim += 32) codes(dim, 700);
    for (size_t dim = 1; dim <= 257; dim += 3)
        for (size_t count = 1; count <= 40; count += 3) products(dim, count);
    printf("kernels: %llu comparisons, no finding\n", checks);
    return 0;
}
