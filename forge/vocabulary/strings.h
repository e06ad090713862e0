/* SPDX-License-Identifier: Apache-2.0
 *
 * Different strings, numbered from 0 on in the order in which they came. What has been given stays where it is.
 */
#ifndef FORGE_VOCABULARY_STRINGS_H
#define FORGE_VOCABULARY_STRINGS_H

#include <stddef.h>
#include <stdint.h>

struct string {
    const char *bytes; /* not terminated */
    uint32_t length;
};

struct strings_block;

struct strings {
    struct string *list;
    size_t count, capacity;
    uint32_t *slots; /* 1 + the number of a string; 0: none */
    size_t slot_count;
    struct strings_block *blocks; /* of bytes; the one that is filled first */
};

void strings_deinit(struct strings *strings); /* of one that is all zeroes, too */

/* The string's number, which is strings->count - 1 of one that is new. -ENOMEM. */
int strings_number(struct strings *strings, const char *bytes, size_t length, uint32_t *out);

#endif
