// The scan of posting lists: codes, then byte rows, then candidates.

// For clock_gettime(2), which a strict C11 leaves out.
#define _POSIX_C_SOURCE 200809L

#include "codes.h"
#include "scratch.h"

#include <math.h>
#include <time.h>

// Blocks that are scanned against one threshold, the same while there is none, and how far ahead blocks are
// asked for: about 10 KB.
enum { RUN_BLOCKS = 8, FIRST_BLOCKS = 64, AHEAD_BYTES = 10240 };
// Rows, by codes or by bytes, after which the clock is asked again if there is a deadline: about 5 us.
enum { CLOCK_ROWS = 2048 };

/// One search on its way.
typedef struct {
    const vk_code_functions *f;
    vk_scratch *scratch;
    const vk_query *query;
    const vk_search_options *options;
    vk_search_result *result;
    const vk_byte_rows *bytes;
    uint64_t *visited;
    /// The k best so far; the least of them is on top once there are k.
    float *heap;
    size_t heap_count;
    /// A row with a smaller similarity is no candidate.
    float threshold;
    uint32_t *rows;
    float *similarities;
    size_t capacity;
    size_t count;
    /// Rows whose bits are set.
    uint32_t *touched;
    size_t touched_count;
    /// How many rows are to be looked at before the clock is.
    size_t until_clock;
    /// How often the k best changed.
    size_t changes;
} run;

uint64_t vk_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/// Whether the deadline has come, before `rows` more are looked at.
static int is_late(run *r, size_t rows) {
    if (!r->options->deadline) return 0;
    if (r->until_clock >= rows) {
        r->until_clock -= rows;
        return 0;
    }
    r->until_clock = CLOCK_ROWS;
    r->result->truncated = vk_monotonic_nanoseconds() >= r->options->deadline;
    return r->result->truncated;
}

static void sift_down(float *heap, size_t count, float value) {
    size_t parent = 0;
    for (;;) {
        size_t child = 2 * parent + 1;
        if (child >= count) break;
        if (child + 1 < count && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= value) break;
        heap[parent] = heap[child];
        parent = child;
    }
    heap[parent] = value;
}

/// Takes a similarity among the k best, and raises the threshold.
static void keep(run *r, float similarity) {
    size_t k = r->options->k;
    if (r->heap_count < k) {
        size_t child = r->heap_count++;
        while (child > 0) {
            size_t parent = (child - 1) / 2;
            if (r->heap[parent] <= similarity) break;
            r->heap[child] = r->heap[parent];
            child = parent;
        }
        r->heap[child] = similarity;
        r->changes++;
        if (r->heap_count < k) return;
    } else if (similarity > r->heap[0]) {
        sift_down(r->heap, k, similarity);
        r->changes++;
    } else {
        return;
    }
    float threshold = r->heap[0] - r->options->margin;
    if (threshold > r->threshold) r->threshold = threshold;
}

/// Drops candidates that the threshold has risen past.
static void drop(run *r) {
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (r->similarities[i] < r->threshold) continue;
        r->rows[kept] = r->rows[i];
        r->similarities[kept++] = r->similarities[i];
    }
    r->count = kept;
}

/// Makes room for more candidates.
static int make_room(run *r) {
    drop(r);
    if (r->count * 2 <= r->capacity) return 1;
    size_t capacity = r->capacity * 2;
    r->rows = vk_buffer_extend(&r->scratch->rows, capacity * sizeof(uint32_t));
    r->similarities = vk_buffer_extend(&r->scratch->row_similarities, capacity * sizeof(float));
    if (!r->rows || !r->similarities) {
        r->result->failed = 1;
        return 0;
    }
    r->capacity = capacity;
    return 1;
}

static void offer(run *r, uint32_t row, float similarity) {
    if (similarity < r->threshold) return;
    if (r->options->accept && !r->options->accept(r->options->context, row)) return;
    if (r->count == r->capacity && !make_room(r)) return;
    r->rows[r->count] = row;
    r->similarities[r->count++] = similarity;
    keep(r, similarity);
}

/// Marks a row; returns 0 when it was marked before.
static int visit(run *r, uint32_t row) {
    uint64_t bit = 1ull << (row & 63);
    if (r->visited[row >> 6] & bit) return 0;
    size_t bytes = (r->touched_count + 1) * sizeof(uint32_t);
    if (bytes > r->scratch->touched.bytes) {
        uint32_t *touched = vk_buffer_extend(&r->scratch->touched, bytes);
        if (!touched) {
            r->result->failed = 1;
            return 0;
        }
        r->touched = touched;
    }
    r->visited[row >> 6] |= bit;
    r->touched[r->touched_count++] = row;
    return 1;
}

enum { BLOCK_SHIFT = 16 };

static int is_verified(const vk_byte_rows *bytes, size_t at) {
    size_t block = at >> BLOCK_SHIFT;
    return __atomic_load_n(bytes->verified + (block >> 6), __ATOMIC_RELAXED) >> (block & 63) & 1;
}

/// Whether a row's bytes can be believed.
static int believe(run *r, uint32_t row) {
    const vk_byte_rows *bytes = r->bytes;
    if (!bytes->verified) return 1;
    size_t first = bytes->offset + (size_t)row * r->query->width;
    if (is_verified(bytes, first) && is_verified(bytes, first + r->query->width - 1)) return 1;
    if (bytes->verify(r->options->context, row)) return 1;
    r->result->failed = 1;
    return 0;
}

/// Compares waiting rows by their bytes. `bounds` may be NULL.
static void drain(run *r, const uint32_t *waiting, const float *bounds, size_t count) {
    size_t width = r->query->width;
    for (size_t first = 0; first < count;) {
        uint32_t rows[VK_BYTE_BATCH];
        const uint8_t *starts[VK_BYTE_BATCH];
        int32_t sums[VK_BYTE_BATCH];
        size_t batch = 0;
        for (; first < count && batch < VK_BYTE_BATCH; first++) {
            uint32_t row = waiting[first];
            if (bounds && bounds[first] < r->threshold) continue;
            if (r->visited && !visit(r, row)) continue;
            if (!believe(r, row)) return;
            rows[batch] = row;
            starts[batch++] = r->bytes->rows + (size_t)row * width;
        }
        r->f->bytes(r->query->bytes, starts, batch, width, sums);
        r->result->byte_rows += batch;
        for (size_t i = 0; i < batch; i++)
            offer(r, rows[i], vk_byte_similarity(r->query, sums[i]));
    }
}

/// Asks for the byte rows of waiting rows.
static void prefetch(const run *r, const uint32_t *waiting, size_t count) {
    size_t width = r->query->width;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *row = r->bytes->rows + (size_t)waiting[i] * width;
        for (size_t at = 0; at < width; at += 64) __builtin_prefetch(row + at, 0, 2);
    }
}

/// The row at a place of the lists.
static uint32_t row_at(const uint32_t *ordinals, uint32_t place) {
    return ordinals ? ordinals[place] : place;
}

/// While fewer than k are known no threshold holds anything back: the best bounds go first, and only what
/// they leave possible comes after. `places` are those of rows in `ordinals`, or rows where that is NULL.
static void drain_first(run *r, const uint32_t *ordinals, uint32_t *places, float *bounds,
                        size_t count) {
    size_t wanted = vk_best_row_count(r->options->k - r->heap_count);
    uint32_t *chosen =
        vk_buffer_reserve(&r->scratch->chosen, (count + 16) * sizeof(uint32_t));
    if (!chosen) {
        r->result->failed = 1;
        return;
    }
    if (count > wanted) {
        size_t best = r->f->select(bounds, count, r->f->cut(bounds, count, wanted), chosen);
        for (size_t i = 0; i < best; i++) {
            uint32_t at = chosen[i];
            chosen[i] = row_at(ordinals, places[at]);
            // Reaches no threshold.
            bounds[at] = NAN;
        }
        prefetch(r, chosen, best);
        drain(r, chosen, NULL, best);
        if (r->result->failed) return;
    }
    size_t left = r->f->select(bounds, count, r->threshold, chosen);
    for (size_t i = 0; i < left; i++) {
        uint32_t at = chosen[i];
        bounds[i] = bounds[at];
        chosen[i] = row_at(ordinals, places[at]);
    }
    prefetch(r, chosen, left);
    drain(r, chosen, bounds, left);
}

static int begin(run *r, size_t row_count, int has_duplicates) {
    const vk_search_options *options = r->options;
    *r->result = (vk_search_result){0};
    r->capacity = 4 * options->k + 64;
    r->threshold = options->floor > -INFINITY ? options->floor - options->margin : -INFINITY;
    r->heap = vk_buffer_reserve(&r->scratch->heap, (options->k + 1) * sizeof(float));
    r->rows = vk_buffer_reserve(&r->scratch->rows, r->capacity * sizeof(uint32_t));
    r->similarities =
        vk_buffer_reserve(&r->scratch->row_similarities, r->capacity * sizeof(float));
    if (has_duplicates)
        r->visited = vk_buffer_zeroed(&r->scratch->visited, (row_count + 63) / 64 * 8);
    r->touched = r->scratch->touched.start;
    if (!r->heap || !r->rows || !r->similarities || (has_duplicates && !r->visited)) {
        r->result->failed = 1;
        return 0;
    }
    return 1;
}

static void finish(run *r) {
    for (size_t i = 0; i < r->touched_count; i++) r->visited[r->touched[i] >> 6] = 0;
    drop(r);
    r->result->rows = r->rows;
    r->result->similarities = r->similarities;
    r->result->count = r->count;
}

/// Walks the blocks of ranked lists, ahead of the scan.
typedef struct {
    const vk_lists *lists;
    const vk_ranked *order;
    /// Lists that are left, and blocks of the present one.
    size_t left, blocks_left;
    size_t block_bytes;
    const uint8_t *block;
    /// Of the block's rows; NULL where rows are places.
    const char *ordinals;
} cursor;

static int next_list(cursor *c) {
    while (c->left > 0) {
        uint32_t list = c->order->list, first = c->lists->block_starts[list];
        c->order++;
        c->left--;
        c->blocks_left = c->lists->block_starts[list + 1] - first;
        if (c->blocks_left == 0) continue;
        c->block = c->lists->blocks + first * c->block_bytes;
        if (c->lists->ordinals)
            c->ordinals = (const char *)(c->lists->ordinals + c->lists->starts[list]);
        return 1;
    }
    return 0;
}

/// The next block, whose rows are asked for; NULL behind the last one.
static const uint8_t *next_block(cursor *c) {
    if (c->blocks_left == 0 && !next_list(c)) return NULL;
    const uint8_t *block = c->block;
    c->block += c->block_bytes;
    c->blocks_left--;
    if (c->ordinals) {
        // 128 bytes that may lie across three lines.
        __builtin_prefetch(c->ordinals, 0, 2);
        __builtin_prefetch(c->ordinals + 64, 0, 2);
        c->ordinals += VK_CODE_BLOCK_ROWS * sizeof(uint32_t);
    }
    return block;
}

void vk_search_lists_tier(vk_tier tier, vk_scratch *scratch, const vk_query *query,
                          const vk_lists *lists, const vk_ranked *order, size_t count,
                          const vk_search_options *options, vk_search_result *result) {
    run r = {.f = vk_code_functions_of(tier), .scratch = scratch, .query = query,
             .options = options, .result = result, .bytes = &lists->rows};
    if (!begin(&r, lists->rows.count, lists->has_duplicates)) return;
    size_t block_bytes = vk_code_block_bytes(query->width), waiting = 0, capacity = 0;
    uint32_t *slots = NULL;
    float *bounds = NULL;
    cursor ahead = {.lists = lists, .order = order, .left = count, .block_bytes = block_bytes};
    size_t changes = 0, quiet = 0;
    size_t lead = AHEAD_BYTES / block_bytes + 1;
    for (size_t i = 0; i < lead; i++) {
        const uint8_t *block = next_block(&ahead);
        if (!block) break;
        for (size_t at = 0; at < block_bytes; at += 64) __builtin_prefetch(block + at, 0, 2);
    }
    for (size_t place = 0; place < count; place++) {
        uint32_t list = order[place].list;
        size_t first = lists->starts[list], rows = lists->starts[list + 1] - first;
        uint32_t first_place = (uint32_t)first + (lists->ordinals ? 0 : lists->first_row);
        const uint8_t *blocks = lists->blocks + (size_t)lists->block_starts[list] * block_bytes;
        float slack = options->deviations * VK_CODE_DEVIATION * order[place].distance;
        for (size_t at = 0; at < rows;) {
            size_t part = VK_CODE_BLOCK_ROWS *
                          (r.heap_count < options->k ? (size_t)FIRST_BLOCKS : (size_t)RUN_BLOCKS);
            if (part > rows - at) part = rows - at;
            if (is_late(&r, part)) break;
            size_t run_blocks = (part + VK_CODE_BLOCK_ROWS - 1) / VK_CODE_BLOCK_ROWS;
            const uint8_t *coming[FIRST_BLOCKS];
            for (size_t b = 0; b < run_blocks; b++) coming[b] = next_block(&ahead);
            if (waiting + part + 32 > capacity) {
                capacity = waiting + FIRST_BLOCKS * VK_CODE_BLOCK_ROWS + 64;
                slots = vk_buffer_extend(&scratch->slots, capacity * sizeof(uint32_t));
                bounds = vk_buffer_extend(&scratch->bounds, capacity * sizeof(float));
                if (!slots || !bounds) {
                    result->failed = 1;
                    break;
                }
            }
            size_t found = r.f->scan(query, blocks, run_blocks, part, coming,
                                     order[place].similarity, slack, r.threshold,
                                     first_place + (uint32_t)at, slots + waiting, bounds + waiting);
            result->blocks += run_blocks;
            result->codes += part;
            blocks += run_blocks * block_bytes;
            at += part;
            if (r.heap_count < options->k) {
                waiting += found;
                if (waiting < vk_first_row_count(options->k)) continue;
                drain_first(&r, lists->ordinals, slots, bounds, waiting);
                if (result->failed) break;
                waiting = 0;
                continue;
            }
            for (size_t i = waiting; i < waiting + found; i++)
                slots[i] = row_at(lists->ordinals, slots[i]);
            prefetch(&r, slots + waiting, found);
            waiting += found;
            if (waiting < VK_BYTE_BATCH) continue;
            drain(&r, slots, bounds, waiting);
            waiting = 0;
            if (result->failed) break;
        }
        if (result->failed || result->truncated) break;
        result->lists++;
        quiet = r.changes == changes && r.heap_count == options->k ? quiet + 1 : 0;
        changes = r.changes;
        // Before there are k, what waits are places.
        if (quiet < options->patience || r.heap_count < options->k) continue;
        // What waits may be nearer than what is known.
        drain(&r, slots, bounds, waiting);
        waiting = 0;
        if (result->failed || r.changes == changes) break;
    }
    if (!result->failed) {
        if (r.heap_count < options->k)
            drain_first(&r, lists->ordinals, slots, bounds, waiting);
        else
            drain(&r, slots, bounds, waiting);
    }
    finish(&r);
}

void vk_search_bytes(vk_scratch *scratch, const vk_query *query, const vk_byte_rows *rows,
                     const uint32_t *ordinals, uint32_t first, size_t count,
                     const vk_search_options *options, vk_search_result *result) {
    run r = {.f = vk_code_functions_of(vk_active_tier()), .scratch = scratch, .query = query,
             .options = options, .result = result, .bytes = rows};
    if (!begin(&r, 0, 0)) return;
    size_t width = query->width;
    for (size_t at = 0; at < count; at += VK_BYTE_BATCH) {
        uint32_t numbers[VK_BYTE_BATCH];
        const uint8_t *starts[VK_BYTE_BATCH];
        int32_t sums[VK_BYTE_BATCH];
        size_t batch = count - at < VK_BYTE_BATCH ? count - at : VK_BYTE_BATCH;
        if (is_late(&r, batch)) break;
        for (size_t i = 0; i < batch; i++) {
            numbers[i] = ordinals ? ordinals[at + i] : first + (uint32_t)(at + i);
            if (!believe(&r, numbers[i])) break;
            starts[i] = rows->rows + (size_t)numbers[i] * width;
        }
        if (result->failed) break;
        for (size_t ahead = 0; ahead < batch * width; ahead += 64)
            __builtin_prefetch(starts[0] + AHEAD_BYTES + ahead, 0, 2);
        r.f->bytes(query->bytes, starts, batch, width, sums);
        for (size_t i = 0; i < batch; i++)
            offer(&r, numbers[i], vk_byte_similarity(query, sums[i]));
        result->byte_rows += batch;
    }
    finish(&r);
}
