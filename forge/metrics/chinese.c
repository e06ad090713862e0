/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "base/size.h"
#include "forge/metrics/chinese.h"

/* In their order, and joined where sacrebleu's meet. The first is wider than its table says it: "\u20000" is two
 * characters in Python. */
static const struct {
    uint32_t first, last;
} ranges[] = {
    { 0x2001, 0x2a6d }, { 0x2e80, 0x2fdf }, { 0x2ff0, 0x303f }, { 0x3100, 0x312f }, { 0x31a0, 0x31bf },
    { 0x31c0, 0x31ef }, { 0x3200, 0x33ff }, { 0x3400, 0x4db5 }, { 0x4e00, 0x9fbb }, { 0xf900, 0xfa2d },
    { 0xfa30, 0xfa6a }, { 0xfa70, 0xfad9 }, { 0xfe10, 0xfe1f }, { 0xfe30, 0xfe4f }, { 0xff00, 0xffef },
};

static bool is_chinese(uint32_t character)
{
    size_t i = 0;

    while (i < ARRAY_SIZE(ranges) && character > ranges[i].last)
        i++;
    return i < ARRAY_SIZE(ranges) && character >= ranges[i].first;
}

/* White space among them: no word. */
static bool is_space(uint32_t character)
{
    return (character >= 0x2001 && character <= 0x200a) || character == 0x2028 || character == 0x2029 ||
           character == 0x202f || character == 0x205f || character == 0x3000;
}

/* The next character of valid UTF-8, and its bytes. */
static size_t take(const char *text, size_t left, uint32_t *out)
{
    const unsigned char first = (unsigned char)*text;
    const size_t length = MIN((size_t)(first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4), left);

    *out = first < 0x80 ? first : first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++)
        *out = *out << 6 | ((unsigned char)text[i] & 0x3f);
    return length;
}

size_t chinese_apart(const char *text, size_t length, char *out)
{
    size_t used = 0;

    for (size_t at = 0, bytes; at < length; at += bytes) {
        uint32_t character;
        bool apart;

        bytes = take(text + at, length - at, &character);
        apart = is_chinese(character);
        if (apart)
            out[used++] = ' ';
        if (is_space(character))
            continue;
        memcpy(out + used, text + at, bytes);
        used += bytes;
        if (apart)
            out[used++] = ' ';
    }
    return used;
}

void chinese_count(const char *text, size_t length, struct chinese_count *count)
{
    for (size_t at = 0, bytes; at < length; at += bytes) {
        uint32_t character;

        bytes = take(text + at, length - at, &character);
        if (is_chinese(character) && !is_space(character))
            count->chinese++;
        else
            count->other += character > ' ';
    }
}
