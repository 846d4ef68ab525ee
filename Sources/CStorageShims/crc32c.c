// CRC-32C by the processor's instruction where there is one, else by slicing-by-8 tables
// (Kounavis and Berry, "A systematic approach to building high performance software-based CRC
// generators", 2005).

#include "storage_shims.h"

#include <pthread.h>
#include <string.h>

static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void fill_tables(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78u : 0);
        tables[0][i] = crc;
    }
    for (int t = 1; t < 8; t++)
        for (uint32_t i = 0; i < 256; i++)
            tables[t][i] = (tables[t - 1][i] >> 8) ^ tables[0][tables[t - 1][i] & 0xFF];
}

uint32_t vs_crc32c_portable(uint32_t crc, const void *bytes, size_t n) {
    pthread_once(&tables_once, fill_tables);
    const uint8_t *p = bytes;
    crc = ~crc;
    while (n >= 8) {
        uint64_t word = 0;
        for (int i = 0; i < 8; i++) word |= (uint64_t)p[i] << (8 * i);
        word ^= crc;
        crc = tables[7][word & 0xFF] ^ tables[6][(word >> 8) & 0xFF] ^
              tables[5][(word >> 16) & 0xFF] ^ tables[4][(word >> 24) & 0xFF] ^
              tables[3][(word >> 32) & 0xFF] ^ tables[2][(word >> 40) & 0xFF] ^
              tables[1][(word >> 48) & 0xFF] ^ tables[0][word >> 56];
        p += 8;
        n -= 8;
    }
    while (n--) crc = (crc >> 8) ^ tables[0][(crc ^ *p++) & 0xFF];
    return ~crc;
}

#if defined(__x86_64__)

#include <nmmintrin.h>

// Three independent streams hide the instruction's latency of three cycles; their results are joined
// by multiplying with x^(8·LANE) modulo the polynomial, tabulated once.
enum { LANE = 2048 };
static uint32_t shift_tables[4][256];
static pthread_once_t shift_once = PTHREAD_ONCE_INIT;

static void fill_shift_tables(void) {
    static const uint8_t zeros[LANE];
    pthread_once(&tables_once, fill_tables);
    uint32_t basis[32];
    for (int bit = 0; bit < 32; bit++) {
        uint32_t crc = 1u << bit;
        for (int i = 0; i < LANE; i++) crc = (crc >> 8) ^ tables[0][(crc ^ zeros[i]) & 0xFF];
        basis[bit] = crc;
    }
    for (int t = 0; t < 4; t++)
        for (uint32_t v = 0; v < 256; v++) {
            uint32_t crc = 0;
            for (int bit = 0; bit < 8; bit++)
                if (v >> bit & 1) crc ^= basis[8 * t + bit];
            shift_tables[t][v] = crc;
        }
}

static uint32_t shift(uint32_t crc) {
    return shift_tables[0][crc & 0xFF] ^ shift_tables[1][(crc >> 8) & 0xFF] ^
           shift_tables[2][(crc >> 16) & 0xFF] ^ shift_tables[3][crc >> 24];
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(
    uint32_t crc, const void *bytes, size_t n) {
    pthread_once(&shift_once, fill_shift_tables);
    const uint8_t *p = bytes;
    uint64_t a = ~crc;
    while (n >= 3 * LANE) {
        uint64_t b = 0, c = 0;
        for (size_t i = 0; i < LANE; i += 8) {
            uint64_t x, y, z;
            memcpy(&x, p + i, 8);
            memcpy(&y, p + i + LANE, 8);
            memcpy(&z, p + i + 2 * LANE, 8);
            a = _mm_crc32_u64(a, x);
            b = _mm_crc32_u64(b, y);
            c = _mm_crc32_u64(c, z);
        }
        a = shift(shift((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
        p += 3 * LANE;
        n -= 3 * LANE;
    }
    while (n >= 8) {
        uint64_t x;
        memcpy(&x, p, 8);
        a = _mm_crc32_u64(a, x);
        p += 8;
        n -= 8;
    }
    uint32_t tail = (uint32_t)a;
    while (n--) tail = _mm_crc32_u8(tail, *p++);
    return ~tail;
}

int vs_crc32c_is_hardware(void) { return __builtin_cpu_supports("sse4.2") != 0; }

uint32_t vs_crc32c(uint32_t crc, const void *bytes, size_t n) {
    return vs_crc32c_is_hardware() ? crc32c_sse42(crc, bytes, n) : vs_crc32c_portable(crc, bytes, n);
}

#else

int vs_crc32c_is_hardware(void) { return 0; }

uint32_t vs_crc32c(uint32_t crc, const void *bytes, size_t n) {
    return vs_crc32c_portable(crc, bytes, n);
}

#endif
