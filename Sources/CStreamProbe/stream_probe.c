// How fast one thread can read memory.
//
// Eight independent sums, so that no addition waits for another one.

#include "stream_probe.h"

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("avx512f"))) static uint64_t sum_512(const uint64_t *words, size_t count) {
    __m512i sums[8];
    for (int i = 0; i < 8; i++) sums[i] = _mm512_setzero_si512();
    for (size_t at = 0; at < count; at += 64)
#pragma clang loop unroll(full)
        for (int i = 0; i < 8; i++)
            sums[i] = _mm512_add_epi64(sums[i], _mm512_load_si512(words + at + 8 * i));
    for (int i = 1; i < 8; i++) sums[0] = _mm512_add_epi64(sums[0], sums[i]);
    return (uint64_t)_mm512_reduce_add_epi64(sums[0]);
}

__attribute__((target("avx2"))) static uint64_t sum_256(const uint64_t *words, size_t count) {
    __m256i sums[8];
    for (int i = 0; i < 8; i++) sums[i] = _mm256_setzero_si256();
    for (size_t at = 0; at < count; at += 32)
#pragma clang loop unroll(full)
        for (int i = 0; i < 8; i++) {
            const __m256i *word = (const __m256i *)(words + at + 4 * i);
            sums[i] = _mm256_add_epi64(sums[i], _mm256_load_si256(word));
        }
    for (int i = 1; i < 8; i++) sums[0] = _mm256_add_epi64(sums[0], sums[i]);
    uint64_t parts[4];
    _mm256_storeu_si256((__m256i *)parts, sums[0]);
    return parts[0] + parts[1] + parts[2] + parts[3];
}

#endif

static uint64_t sum_plain(const uint64_t *words, size_t count) {
    uint64_t sums[8] = {0}, sum = 0;
    for (size_t at = 0; at < count; at += 8)
        for (int i = 0; i < 8; i++) sums[i] += words[at + i];
    for (int i = 0; i < 8; i++) sum += sums[i];
    return sum;
}

int stream_probe_register_bits(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return 512;
    if (__builtin_cpu_supports("avx2")) return 256;
#endif
    return 128;
}

uint64_t stream_probe_sum(const uint64_t *words, size_t count) {
#if defined(__x86_64__)
    switch (stream_probe_register_bits()) {
    case 512: return sum_512(words, count);
    case 256: return sum_256(words, count);
    }
#endif
    return sum_plain(words, count);
}
