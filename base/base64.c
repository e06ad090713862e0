/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "base/size.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *bytes, size_t size, char *out)
{
    const unsigned char *from = bytes;

    for (size_t i = 0; i < size; i += 3) {
        size_t left = MIN(size - i, (size_t)3);
        uint32_t bits = (uint32_t)from[i] << 16;

        if (left > 1)
            bits |= (uint32_t)from[i + 1] << 8;
        if (left > 2)
            bits |= from[i + 2];
        for (size_t k = 0; k < 4; k++)
            *out++ = k <= left ? alphabet[bits >> (18 - 6 * k) & 63] : '=';
    }
    *out = 0;
}

/* 64 for what is none of its characters. */
static uint32_t digit_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;

    return at ? (uint32_t)(at - alphabet) : 64;
}

bool base64_decode(const char *text, size_t length, void *out, size_t size)
{
    unsigned char *to = out;

    if (length != BASE64_LENGTH(size))
        return false;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = MIN(size - i, (size_t)3);
        uint32_t bits = 0;

        for (size_t k = 0; k < 4; k++, text++) {
            uint32_t digit = k <= left ? digit_of(*text) : 0;

            if (digit > 63 || (k > left && *text != '='))
                return false;
            bits |= digit << (18 - 6 * k);
        }
        for (size_t k = 0; k < left; k++)
            *to++ = (unsigned char)(bits >> (16 - 8 * k));
        if (left < 3 && bits << (8 + 8 * left)) /* what no byte takes is 0 */
            return false;
    }
    return true;
}
