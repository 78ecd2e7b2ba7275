/* CRC-64/NVME: by carry-less multiplication where the processor has it, by tables elsewhere. The
 * `state` of the static functions is the CRC without its inversions. */
#include <endian.h>
#include <pthread.h>
#include <string.h>

#include "base/crc.h"
#include "base/crc_shift.h"

#define POLYNOMIAL 0x9a6c9329ac4bc9b5u /* reflected */

static uint64_t tables[8][256]; /* tables[n][b]: the byte b with n zero bytes after it */

static void fill_tables(void) {
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t state = byte;
        for (int bit = 0; bit < 8; bit++)
            state = state & 1 ? (state >> 1) ^ POLYNOMIAL : state >> 1;
        tables[0][byte] = state;
    }
    for (unsigned n = 1; n < 8; n++)
        for (unsigned byte = 0; byte < 256; byte++)
            tables[n][byte] = (tables[n - 1][byte] >> 8) ^ tables[0][tables[n - 1][byte] & 0xff];
}

static uint64_t update_by_tables(uint64_t state, const unsigned char *data, size_t length) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_tables);
    for (; length >= 8; data += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, data, 8);
        word = le64toh(word) ^ state;
        state = 0;
        for (unsigned n = 0; n < 8; n++)
            state ^= tables[7 - n][word >> 8 * n & 0xff];
    }
    for (; length > 0; data++, length--)
        state = (state >> 8) ^ tables[0][(state ^ *data) & 0xff];
    return state;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define FOLDING __attribute__((target("pclmul,sse4.1")))
enum { LANES = 8, LANE_BYTES = 16, BLOCK_BYTES = LANES * LANE_BYTES };

FOLDING static __m128i load(const unsigned char *data) {
    return _mm_loadu_si128((const __m128i_u *)data);
}

/* The lane moved as far as the factors say, modulo the polynomial. For n bits they are
 * x^(n + 63) for the lane's first half and x^(n - 1) for its second, reflected; the product of two
 * reflected halves is short of one bit. */
FOLDING static __m128i fold(__m128i lane, __m128i factors) {
    return _mm_xor_si128(_mm_clmulepi64_si128(lane, factors, 0x00),
                         _mm_clmulepi64_si128(lane, factors, 0x11));
}

/* At least one block. */
FOLDING static uint64_t update_by_folding(uint64_t state, const unsigned char *data,
                                          size_t length) {
    const __m128i by_block = _mm_set_epi64x(0x5f852fb61e8d92dc, (long long)0xa1ca681e733f9c40);
    const __m128i by_lane = _mm_set_epi64x(0x21e9761e252621ac, (long long)0xeadc41fd2ba3d420);
    const __m128i first = _mm_cvtsi64_si128((long long)state);
    unsigned char rest[LANE_BYTES];
    __m128i lanes[LANES];
    for (int i = 0; i < LANES; i++)
        lanes[i] = load(data + i * LANE_BYTES);
    lanes[0] = _mm_xor_si128(lanes[0], first);
    data += BLOCK_BYTES;
    length -= BLOCK_BYTES;
    for (; length >= BLOCK_BYTES; data += BLOCK_BYTES, length -= BLOCK_BYTES)
#pragma GCC unroll 8
        for (int i = 0; i < LANES; i++)
            lanes[i] = _mm_xor_si128(fold(lanes[i], by_block), load(data + i * LANE_BYTES));
    for (int i = 1; i < LANES; i++)
        lanes[0] = _mm_xor_si128(fold(lanes[0], by_lane), lanes[i]);
    for (; length >= LANE_BYTES; data += LANE_BYTES, length -= LANE_BYTES)
        lanes[0] = _mm_xor_si128(fold(lanes[0], by_lane), load(data));
    _mm_storeu_si128((__m128i_u *)rest, lanes[0]);
    return update_by_tables(update_by_tables(0, rest, sizeof rest), data, length);
}

static uint64_t update(uint64_t state, const unsigned char *data, size_t length) {
    if (length >= BLOCK_BYTES && __builtin_cpu_supports("pclmul") &&
        __builtin_cpu_supports("sse4.1"))
        return update_by_folding(state, data, length);
    return update_by_tables(state, data, length);
}
#else
static uint64_t update(uint64_t state, const unsigned char *data, size_t length) {
    return update_by_tables(state, data, length);
}
#endif

uint64_t scoop_crc64nvme(uint64_t crc, const void *data, size_t length) {
    return ~update(~crc, data, length);
}

uint64_t scoop_crc64nvme_by_tables(uint64_t crc, const void *data, size_t length) {
    return ~update_by_tables(~crc, data, length);
}

uint64_t scoop_crc64nvme_combine(uint64_t first, uint64_t second, uint64_t second_length) {
    static const struct scoop_crc_field field = {POLYNOMIAL, 64};
    return scoop_crc_shift(field, first, second_length) ^ second;
}
