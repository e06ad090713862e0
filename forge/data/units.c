/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "forge/data/units.h"

static bool is_space(char byte)
{
    return (unsigned char)byte <= ' ';
}

static size_t character(const char *at, const char *end)
{
    size_t length = 1;

    while (at + length < end && ((unsigned char)at[length] & 0xc0) == 0x80)
        length++;
    return length;
}

static size_t word(const char *at, const char *end)
{
    size_t length = 0;

    while (at + length < end && !is_space(at[length]))
        length++;
    return length;
}

void units_begin(struct units *units, const char *text, size_t length)
{
    units->at = text;
    units->end = text + length;
    while (units->at < units->end && is_space(*units->at))
        units->at++;
}

bool units_next(struct units *u, const char **unit, size_t *length)
{
    const char *begin = u->at;

    while (u->at < u->end && is_space(*u->at))
        u->at++;
    if (u->at == u->end)
        return false;
    *unit = u->at;
    *length = u->words ? word(u->at, u->end) : character(u->at, u->end);
    if (u->spaces && u->at != begin) {
        *unit = UNITS_SPACE;
        *length = strlen(UNITS_SPACE);
        return true;
    }
    u->at += *length;
    return true;
}

struct units units_of_labels(char *const *labels, size_t count)
{
    struct units units = { .words = false };

    for (size_t i = 1; i < count; i++) {
        units.words |= character(labels[i], labels[i] + strlen(labels[i])) < strlen(labels[i]);
        units.spaces |= !strcmp(labels[i], UNITS_SPACE);
    }
    units.spaces &= !units.words;
    return units;
}
