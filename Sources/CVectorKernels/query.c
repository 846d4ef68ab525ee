// A query made ready, and the ranking of posting lists.

#include "codes.h"
#include "scratch.h"

#include <math.h>

int vk_query_prepare_tier(vk_tier tier, vk_scratch *scratch, const float *query, size_t dim,
                          const uint8_t *signs, vk_query *out) {
    const vk_code_functions *f = vk_code_functions_of(tier);
    size_t width = vk_code_width(dim);
    float *rotated = vk_buffer_reserve(&scratch->rotated, width * sizeof(float));
    uint8_t *lut = vk_buffer_reserve(&scratch->lut, width * 4);
    int8_t *bytes = vk_buffer_reserve(&scratch->bytes, width);
    if (!rotated || !lut || !bytes) return 0;
    vk_code_rotate_tier(tier, query, dim, signs, width, rotated);
    vk_query_measures measures = f->measure(rotated, width);
    float step = measures.group > 0 ? 2 * measures.group / 31 : 1;
    f->tables(rotated, width, step, lut);
    float scale = measures.most > 0 ? measures.most / 127 : 1;
    int32_t sum;
    float lost = f->round(rotated, width, scale, bytes, &sum);
    *out = (vk_query){
        .dim = dim,
        .width = width,
        .rotated = rotated,
        .lut = lut,
        .step = step,
        .offset = -measures.total,
        .bytes = bytes,
        .byte_bias = 128 * sum,
        .byte_scale = scale * vk_byte_scale(width),
        .byte_error = sqrtf(lost),
    };
    return 1;
}

int vk_code_bounds_tier(vk_tier tier, vk_scratch *scratch, const vk_query *query,
                        const uint8_t *blocks, size_t rows, float base, float slack,
                        float *bounds) {
    static const uint8_t *const nothing[1] = {0};
    uint32_t *places =
        vk_buffer_reserve(&scratch->chosen, (VK_CODE_BLOCK_ROWS + 16) * sizeof(uint32_t));
    if (!places) return 0;
    size_t bytes = vk_code_block_bytes(query->width);
    for (size_t first = 0; first < rows; first += VK_CODE_BLOCK_ROWS, blocks += bytes) {
        size_t part = rows - first < VK_CODE_BLOCK_ROWS ? rows - first : VK_CODE_BLOCK_ROWS;
        vk_code_functions_of(tier)->scan(query, blocks, 1, part, nothing, base, slack, -INFINITY, 0,
                                         places, bounds + first);
    }
    return 1;
}

// Fewer centroids are all compared by their bytes.
enum { FEW_CENTROIDS = 256 };
// Centroids that are looked at: so many for each list that is wanted, and so large a share of all.
static const float looked_per_list = 12, looked_share = 0.18f;
// Candidates for each list that is wanted.
static const float candidates_per_list = 1.5f;

/// The similarities of groups of centroids, and the bound that those reach which are looked at.
static float cut_groups(const vk_query *query, const vk_centroids *centroids,
                        const vk_code_functions *f, size_t wanted, float *similarities) {
    size_t groups = centroids->group_count, width = query->width;
    for (size_t first = 0; first < groups; first += VK_BYTE_BATCH) {
        const uint8_t *rows[VK_BYTE_BATCH];
        int32_t sums[VK_BYTE_BATCH];
        size_t batch = groups - first < VK_BYTE_BATCH ? groups - first : VK_BYTE_BATCH;
        for (size_t i = 0; i < batch; i++) rows[i] = centroids->group_rows + (first + i) * width;
        f->bytes(query->bytes, rows, batch, width, sums);
        for (size_t i = 0; i < batch; i++)
            similarities[first + i] = vk_byte_similarity(query, sums[i]);
    }
    float share = looked_share + looked_per_list * (float)wanted / (float)centroids->count;
    size_t nearest = (size_t)((float)groups * share) + 1;
    return nearest < groups ? f->cut(similarities, groups, nearest) : -INFINITY;
}

/// Chooses centroids by their codes; returns 0 when fewer than `wanted` were looked at.
static size_t choose(vk_scratch *scratch, const vk_query *query, const vk_centroids *centroids,
                     const vk_code_functions *f, size_t wanted, uint32_t *chosen) {
    static const uint8_t *const nothing[8] = {0};
    enum { RUN = 8 * VK_CODE_BLOCK_ROWS };
    size_t block_bytes = vk_code_block_bytes(query->width), found = 0;
    float *estimates = scratch->estimates.start, *similarities = scratch->similarities.start;
    uint32_t *places = scratch->places.start;
    float cut = cut_groups(query, centroids, f, wanted, similarities);
    const uint8_t *blocks = centroids->blocks;
    for (size_t group = 0; group < centroids->group_count; group++) {
        size_t first = centroids->group_starts[group];
        size_t end = centroids->group_starts[group + 1];
        const uint8_t *next = blocks + (end - first + VK_CODE_BLOCK_ROWS - 1) /
                                           VK_CODE_BLOCK_ROWS * block_bytes;
        for (; similarities[group] >= cut && first < end; first += RUN) {
            size_t rows = end - first < RUN ? end - first : RUN;
            size_t count = (rows + VK_CODE_BLOCK_ROWS - 1) / VK_CODE_BLOCK_ROWS;
            found += f->scan(query, blocks, count, rows, nothing, similarities[group], 0, -INFINITY,
                             (uint32_t)first, places + found, estimates + found);
            blocks += count * block_bytes;
        }
        blocks = next;
    }
    if (found < wanted) return 0;
    size_t candidates = (size_t)(candidates_per_list * (float)wanted) + 1;
    if (candidates < found) {
        found = f->select(estimates, found, f->cut(estimates, found, candidates), chosen);
        for (size_t i = 0; i < found; i++) chosen[i] = places[chosen[i]];
    } else {
        memcpy(chosen, places, found * sizeof(uint32_t));
    }
    return found;
}

int vk_ranks_in_part(const vk_centroids *centroids, size_t wanted) {
    return centroids->count >= FEW_CENTROIDS && 5 * wanted < centroids->count;
}

size_t vk_rank(vk_scratch *scratch, const vk_query *query, const vk_centroids *centroids,
               size_t wanted, const vk_ranked **out) {
    size_t count = centroids->count, width = query->width;
    const vk_code_functions *f = vk_code_functions_of(vk_active_tier());
    if (wanted > count) wanted = count;
    float *estimates = vk_buffer_reserve(&scratch->estimates, (count + 64) * sizeof(float));
    uint32_t *chosen = vk_buffer_reserve(&scratch->chosen, (count + 64) * sizeof(uint32_t));
    uint32_t *places = vk_buffer_reserve(&scratch->places, (count + 64) * sizeof(uint32_t));
    float *similarities = vk_buffer_reserve(&scratch->similarities, (count + 64) * sizeof(float));
    vk_ranked *order = vk_buffer_reserve(&scratch->order, (count + 1) * sizeof(vk_ranked));
    if (!estimates || !chosen || !places || !similarities || !order || wanted == 0) return 0;
    size_t found = 0;
    if (vk_ranks_in_part(centroids, wanted))
        found = choose(scratch, query, centroids, f, wanted, chosen);
    if (found == 0)
        for (; found < count; found++) chosen[found] = (uint32_t)found;

    float low = INFINITY, high = -INFINITY;
    enum { AHEAD = 2 * VK_BYTE_BATCH };
    for (size_t i = 0; i < found && i < AHEAD; i++)
        for (size_t at = 0; at < width; at += 64)
            __builtin_prefetch(centroids->rows + chosen[i] * width + at, 0, 2);
    for (size_t first = 0; first < found; first += VK_BYTE_BATCH) {
        const uint8_t *rows[VK_BYTE_BATCH];
        int32_t sums[VK_BYTE_BATCH];
        size_t batch = found - first < VK_BYTE_BATCH ? found - first : VK_BYTE_BATCH;
        for (size_t i = 0; i < batch; i++) {
            rows[i] = centroids->rows + chosen[first + i] * width;
            if (first + i + AHEAD < found)
                for (size_t at = 0; at < width; at += 64)
                    __builtin_prefetch(centroids->rows + chosen[first + i + AHEAD] * width + at, 0,
                                       2);
        }
        f->bytes(query->bytes, rows, batch, width, sums);
        for (size_t i = 0; i < batch; i++) {
            float similarity = vk_byte_similarity(query, sums[i]);
            similarities[first + i] = similarity;
            low = similarity < low ? similarity : low;
            high = similarity > high ? similarity : high;
        }
    }

    // Sorted by bins: within a bin of 1/128 of the span the order of lists does not matter.
    enum { BINS = 128 };
    uint32_t bins[BINS + 1];
    memset(bins, 0, sizeof bins);
    float scale = high > low ? (BINS - 1) / (high - low) : 0;
    for (size_t i = 0; i < found; i++) {
        int bin = (int)((high - similarities[i]) * scale);
        bins[(bin < BINS ? bin : BINS - 1) + 1]++;
    }
    for (size_t bin = 0; bin < BINS; bin++) bins[bin + 1] += bins[bin];
    for (size_t i = 0; i < found; i++) {
        int bin = (int)((high - similarities[i]) * scale);
        // Of more than are wanted too: what is behind the end costs less than to ask.
        uint32_t place = bins[bin < BINS ? bin : BINS - 1]++;
        float rest = 2 - 2 * similarities[i];
        float distance = rest > 0 ? sqrtf(rest) : 0;
        order[place] = (vk_ranked){centroids->lists[chosen[i]], similarities[i], distance};
    }
    *out = order;
    return wanted;
}
