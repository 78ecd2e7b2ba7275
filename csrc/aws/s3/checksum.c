#include "scoop/s3_checksum.h"

#include <string.h>

#include "base/crc.h"
#include "base/crypto.h"
#include "scoop/buffer.h"

static const struct scoop_s3_checksum_names names[] = {
    [SCOOP_S3_CHECKSUM_CRC32C] = {"CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C"},
    [SCOOP_S3_CHECKSUM_CRC64NVME] = {"CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME"},
};

const struct scoop_s3_checksum_names *scoop_s3_checksum_names(enum scoop_s3_checksum kind) {
    return kind == SCOOP_S3_CHECKSUM_NONE ? NULL : &names[kind];
}

uint64_t scoop_s3_checksum_add(enum scoop_s3_checksum kind, uint64_t value, const void *data,
                               size_t length) {
    switch (kind) {
    case SCOOP_S3_CHECKSUM_CRC32C:
        return scoop_crc32c((uint32_t)value, data, length);
    case SCOOP_S3_CHECKSUM_CRC64NVME:
        return scoop_crc64nvme(value, data, length);
    default:
        return 0;
    }
}

uint64_t scoop_s3_checksum_join(enum scoop_s3_checksum kind, uint64_t first, uint64_t second,
                                uint64_t second_length) {
    switch (kind) {
    case SCOOP_S3_CHECKSUM_CRC32C:
        return scoop_crc32c_combine((uint32_t)first, (uint32_t)second, second_length);
    case SCOOP_S3_CHECKSUM_CRC64NVME:
        return scoop_crc64nvme_combine(first, second, second_length);
    default:
        return 0;
    }
}

int scoop_s3_checksum_text(enum scoop_s3_checksum kind, uint64_t value,
                           char text[SCOOP_S3_CHECKSUM_SIZE], struct scoop_error *error) {
    size_t length = kind == SCOOP_S3_CHECKSUM_NONE ? 0 : kind == SCOOP_S3_CHECKSUM_CRC32C ? 4 : 8;
    unsigned char bytes[8];
    struct scoop_buf buf;
    for (size_t i = 0; i < length; i++)
        bytes[i] = (unsigned char)(value >> 8 * (length - 1 - i));
    scoop_buf_init(&buf, SCOOP_S3_CHECKSUM_SIZE);
    int status = scoop_base64_encode(&buf, bytes, length, error);
    if (status == 0) {
        memcpy(text, buf.data == NULL ? (void *)"" : buf.data, buf.length);
        text[buf.length] = 0;
    }
    scoop_buf_free(&buf);
    return status;
}

static int base64_digit(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c == 0 ? NULL : strchr(digits, c);
    return found == NULL ? -1 : (int)(found - digits);
}

bool scoop_s3_checksum_parse(enum scoop_s3_checksum kind, const char *text, uint64_t *value) {
    size_t bits = kind == SCOOP_S3_CHECKSUM_CRC32C ? 32 : 64;
    size_t digits = (bits + 5) / 6, padding = kind == SCOOP_S3_CHECKSUM_CRC32C ? 2 : 1;
    uint64_t result = 0;
    if (kind == SCOOP_S3_CHECKSUM_NONE || strlen(text) != digits + padding ||
        strcmp(text + digits, padding == 2 ? "==" : "=") != 0)
        return false;
    for (size_t i = 0; i < digits; i++) {
        int digit = base64_digit(text[i]);
        size_t surplus = i + 1 < digits ? 0 : digits * 6 - bits;
        if (digit < 0 || (digit & ((1 << surplus) - 1)) != 0)
            return false;
        result = result << (6 - surplus) | (uint64_t)digit >> surplus;
    }
    *value = result;
    return true;
}
