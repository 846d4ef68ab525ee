#ifndef STREAM_PROBE_H
#define STREAM_PROBE_H

#include <stddef.h>
#include <stdint.h>

/// The sum of `count` words, modulo 2^64: as little work a byte as reading it allows, in the widest
/// registers that the processor has.
///
/// `words` lies on a 64-byte boundary and `count` is a multiple of 64.
uint64_t stream_probe_sum(const uint64_t *words, size_t count);

/// Bits of the registers that `stream_probe_sum` uses.
int stream_probe_register_bits(void);

#endif
