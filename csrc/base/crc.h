/* The CRCs of S3's additional checksums: CRC-32C and CRC-64/NVME. */
#ifndef SCOOP_BASE_CRC_H
#define SCOOP_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of the bytes whose CRC is `crc`, followed by data; begin with 0. Any thread. S3 wants the
 * result in base64 of its bytes, the highest first. */
uint32_t scoop_crc32c(uint32_t crc, const void *data, size_t length);
uint64_t scoop_crc64nvme(uint64_t crc, const void *data, size_t length);

/* The same as scoop_crc64nvme by tables alone: what it does on processors without carry-less
 * multiplication, and what tests compare it with. */
uint64_t scoop_crc64nvme_by_tables(uint64_t crc, const void *data, size_t length);

/* The CRC of first's bytes followed by second's, out of both CRCs and the second's length: a whole
 * object's CRC out of its parts'. Any thread. */
uint32_t scoop_crc32c_combine(uint32_t first, uint32_t second, uint64_t second_length);
uint64_t scoop_crc64nvme_combine(uint64_t first, uint64_t second, uint64_t second_length);

#endif
