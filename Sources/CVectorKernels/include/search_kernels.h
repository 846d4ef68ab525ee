#ifndef VECTORSTORE_SEARCH_KERNELS_H
#define VECTORSTORE_SEARCH_KERNELS_H

#include "code_kernels.h"

// A search of posting lists in one call: codes choose the rows whose byte rows are looked at, and these
// the few that the caller compares exactly.
//
// - A row passes its code when `estimate + slack` reaches the threshold, which is the k-th best
//   similarity by byte rows so far less a margin.
// - Candidates are rows whose similarity by byte rows reaches the k-th best less the margin, for in
//   truth they may be among the k best.
// - Everything is the same on every tier, the order of candidates included.

/// Memory of one thread for searches, freed with the thread. A query and its results lie in it and are
/// valid until the thread prepares another query.
typedef struct vk_scratch vk_scratch;

/// The calling thread's memory; NULL when there is none left.
vk_scratch *vk_scratch_of_thread(void);

/// A query ready to be compared with codes and byte rows of one rotation.
typedef struct {
    size_t dim;
    size_t width;
    /// Rotated, `width` floats.
    const float *rotated;
    /// 16 entries for 4 coordinates, 0 to 31: <s, q> is about step · (sum of look-ups) + offset.
    const uint8_t *lut;
    float step;
    float offset;
    /// Bytes of the rotated query; <q, x> is about byte_scale · (sum over (byte row) · bytes - bias).
    const int8_t *bytes;
    int32_t byte_bias;
    float byte_scale;
    /// Length of what the bytes leave out of the query.
    float byte_error;
} vk_query;

/// Rotates a query of unit length and fills its tables. Returns 0 when memory ran out.
int vk_query_prepare_tier(vk_tier tier, vk_scratch *scratch, const float *query, size_t dim,
                          const uint8_t *signs, vk_query *out);

/// Upper bounds of the rows of consecutive blocks: `base` is the similarity of query and centroid,
/// `slack` what is allowed for an estimate that is too low. `bounds` has room for 16 more than `rows`.
/// Returns 0 when memory ran out.
int vk_code_bounds_tier(vk_tier tier, vk_scratch *scratch, const vk_query *query,
                        const uint8_t *blocks, size_t rows, float base, float slack, float *bounds);

/// A posting list, how similar its centroid is to the query, and how far from it.
typedef struct {
    uint32_t list;
    float similarity;
    float distance;
} vk_ranked;

/// Centroids of unit length, rotated, in groups of neighbours: codes under the mean of their group, and
/// byte rows. A place is a centroid's turn, group by group.
typedef struct {
    /// Each group begins a block.
    const uint8_t *blocks;
    /// In the order of places.
    const uint8_t *rows;
    /// The list at each place.
    const uint32_t *lists;
    /// Byte rows of the groups' means.
    const uint8_t *group_rows;
    /// First place of each group, and the end.
    const uint32_t *group_starts;
    size_t group_count;
    size_t count;
    size_t width;
} vk_centroids;

/// Whether `vk_rank` leaves centroids out when so many lists are wanted.
int vk_ranks_in_part(const vk_centroids *centroids, size_t wanted);

/// The nearest `wanted` lists by byte rows, about in falling order of similarity; of large indexes only
/// the groups nearest to the query are looked at, and of these the centroids whose codes are best.
///
/// Returns how many there are, at most `wanted`; the array lies in `scratch`.
size_t vk_rank(vk_scratch *scratch, const vk_query *query, const vk_centroids *centroids,
               size_t wanted, const vk_ranked **out);

/// The byte rows of a segment, `width` bytes each.
typedef struct {
    const uint8_t *rows;
    size_t count;
    /// One bit a block of 64 KiB, set when the block was found to match its checksum; the first row lies
    /// `offset` bytes into the first block. NULL when every block was checked.
    const uint64_t *verified;
    size_t offset;
    /// Checks the blocks of a row; returns 0 when they cannot be believed.
    int (*verify)(void *context, uint32_t row);
} vk_byte_rows;

/// Posting lists over the rows of one segment.
typedef struct {
    /// Blocks of all lists, list by list.
    const uint8_t *blocks;
    /// First block of each list, and the end.
    const uint32_t *block_starts;
    /// First place of each list, and the end, little-endian. A place is a row's turn in its list.
    const uint32_t *starts;
    /// The row at each place; NULL when place p is row `first_row` + p.
    const uint32_t *ordinals;
    uint32_t first_row;
    /// Whether a row may be in more than one list.
    int has_duplicates;
    vk_byte_rows rows;
} vk_lists;

/// Whether a row counts.
typedef int (*vk_accept)(void *context, uint32_t row);

/// What a search keeps.
typedef struct {
    /// How many are wanted.
    size_t k;
    /// Deviations by which a code's estimate may be too low.
    float deviations;
    /// By how much a byte row's similarity may be too low.
    float margin;
    /// The least similarity that counts.
    float floor;
    /// So many lists in a row that changed none of the k best, once there are k, end the search; SIZE_MAX for
    /// never.
    size_t patience;
    /// On the clock of `vk_monotonic_nanoseconds`: the search ends soon after it; 0 for never.
    uint64_t deadline;
    vk_accept accept;
    void *context;
} vk_search_options;

typedef struct {
    /// Candidates, in no order; they lie in the scratch.
    const uint32_t *rows;
    const float *similarities;
    size_t count;
    size_t lists;
    size_t blocks;
    size_t codes;
    size_t byte_rows;
    /// The deadline came first: what was not looked at may be nearer.
    int truncated;
    /// Memory ran out, or a row cannot be believed: the candidates say nothing.
    int failed;
} vk_search_result;

/// The time since an unspecified start, CLOCK_MONOTONIC of clock_gettime(2).
uint64_t vk_monotonic_nanoseconds(void);

/// How many rows wait for each other before the first of them are compared: without a threshold the best
/// bounds go first.
static inline size_t vk_first_row_count(size_t k) { return 300 + 2 * k; }

/// How many of those go first when so many are wanted.
static inline size_t vk_best_row_count(size_t wanted) { return wanted + wanted / 4 + 2; }

/// Scans lists in the given order.
void vk_search_lists_tier(vk_tier tier, vk_scratch *scratch, const vk_query *query,
                          const vk_lists *lists, const vk_ranked *order, size_t count,
                          const vk_search_options *options, vk_search_result *result);

/// Compares the byte rows of `ordinals` with a query, or `first` to `first + count` where that is NULL.
void vk_search_bytes(vk_scratch *scratch, const vk_query *query, const vk_byte_rows *rows,
                     const uint32_t *ordinals, uint32_t first, size_t count,
                     const vk_search_options *options, vk_search_result *result);

/// Standard deviation of a code's estimate, as a multiple of the row's factor and the distance between
/// query and centroid: sqrt(1 - 2/pi), what a sign leaves of a normal coordinate.
#define VK_CODE_DEVIATION 0.6028f

#endif
