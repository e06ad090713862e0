/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include <xxhash.h>

#include "base/size.h"
#include "sparse/file/model_checksum.h"
#include "sparse/file/safetensors.h"

static const char lead[] = "\"" CHECKSUM_KEY "\":\"" CHECKSUM_PREFIX;

char *checksum_find(void *data, size_t size)
{
    const size_t min = strlen(lead) + CHECKSUM_DIGITS;
    char *text = data, *found;
    uint64_t length;

    if (size < SAFETENSORS_LENGTH)
        return NULL;
    memcpy(&length, data, sizeof length);
    length = MIN(length, size - SAFETENSORS_LENGTH);
    if (length < min)
        return NULL;
    found = memmem(text + SAFETENSORS_LENGTH, length - CHECKSUM_DIGITS, lead, strlen(lead));
    return found ? found + strlen(lead) : NULL;
}

int checksum_compute(const struct file_part *parts, size_t count, char out[CHECKSUM_DIGITS + 1])
{
    static const char hexadecimal[] = "0123456789abcdef";
    XXH3_state_t *state = XXH3_createState();
    XXH128_canonical_t hash;

    if (!state)
        return -ENOMEM;
    XXH3_128bits_reset(state);
    for (size_t i = 0; i < count; i++)
        XXH3_128bits_update(state, parts[i].data, parts[i].size);
    XXH128_canonicalFromHash(&hash, XXH3_128bits_digest(state));
    XXH3_freeState(state);
    for (size_t i = 0; i < sizeof hash.digest; i++) {
        out[2 * i] = hexadecimal[hash.digest[i] >> 4];
        out[2 * i + 1] = hexadecimal[hash.digest[i] & 15];
    }
    out[CHECKSUM_DIGITS] = 0;
    return 0;
}

static int compute_around(const char *data, size_t size, const char *digits, char out[CHECKSUM_DIGITS + 1])
{
    const char *after = digits + CHECKSUM_DIGITS;
    char zeroes[CHECKSUM_DIGITS];
    const struct file_part parts[] = {
        { data, (size_t)(digits - data) },
        { zeroes, sizeof zeroes },
        { after, size - (size_t)(after - data) },
    };

    memset(zeroes, '0', sizeof zeroes);
    return checksum_compute(parts, ARRAY_SIZE(parts), out);
}

int checksum_check(const void *data, size_t size, struct reason *why)
{
    const char *digits = checksum_find((void *)data, size);
    char computed[CHECKSUM_DIGITS + 1];
    int result;

    if (!digits)
        return refuse(why, WISP_E_FORMAT, "the header has no plain text %sDIGITS\"", lead);
    result = compute_around(data, size, digits, computed);
    if (result)
        return refuse_errno(why, result, "the checksum");
    if (memcmp(computed, digits, CHECKSUM_DIGITS) != 0)
        return refuse(
            why, WISP_E_FORMAT,
            "damaged, or changed by another program: the checksum of its content is %s, but it should be %.*s",
            computed, CHECKSUM_DIGITS, digits);
    return 0;
}

int checksum_seal(void *data, size_t size)
{
    char *digits = checksum_find(data, size);
    char computed[CHECKSUM_DIGITS + 1];
    int result;

    if (!digits)
        return WISP_E_FORMAT;
    result = compute_around(data, size, digits, computed);
    if (!result)
        memcpy(digits, computed, CHECKSUM_DIGITS);
    return result;
}
