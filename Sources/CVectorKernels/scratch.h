#ifndef VECTORSTORE_SCRATCH_H
#define VECTORSTORE_SCRATCH_H

#include "search_kernels.h"

// One thread's memory for searches. Each array grows to what was asked of it at the most and is never
// made smaller while the thread lives.

typedef struct {
    void *start;
    size_t bytes;
} vk_buffer;

struct vk_scratch {
    vk_buffer rotated;
    vk_buffer lut;
    vk_buffer bytes;
    /// Centroids that were looked at and their estimates, then those chosen and their similarities.
    vk_buffer places;
    vk_buffer estimates;
    vk_buffer chosen;
    vk_buffer similarities;
    vk_buffer order;
    /// Rows that wait for their byte rows to be compared, and their bounds.
    vk_buffer slots;
    vk_buffer bounds;
    /// The k best similarities, a heap with the least on top.
    vk_buffer heap;
    vk_buffer rows;
    vk_buffer row_similarities;
    /// One bit a row of a segment; all zero between searches.
    vk_buffer visited;
    /// The rows whose bits are set.
    vk_buffer touched;
};

/// Makes a buffer have at least `bytes`, 64-byte aligned; its contents are lost when it moves.
/// Returns NULL when there is no memory left.
void *vk_buffer_reserve(vk_buffer *buffer, size_t bytes);
/// The same, with the contents kept.
void *vk_buffer_extend(vk_buffer *buffer, size_t bytes);
/// The same, with zeros in all that was not there before.
void *vk_buffer_zeroed(vk_buffer *buffer, size_t bytes);

#endif
