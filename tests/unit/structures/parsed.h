/* SPDX-License-Identifier: Apache-2.0
 *
 * A document, read: what hash its structure has, and that it is refused with these words.
 */
#ifndef TESTS_UNIT_STRUCTURES_PARSED_H
#define TESTS_UNIT_STRUCTURES_PARSED_H

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "forge/catalog/documents/document.h"
#include "support/test.h"

static inline int keep_hash(void *argument, const struct structure *structure)
{
    structure_hash(structure, argument);
    return 0;
}

static inline void hash_of(const char *text, char hash[33])
{
    struct reason why;

    assert_ok(document_parse("t", text, strlen(text), keep_hash, hash, NULL, &why), why);
}

static inline void assert_refused(const char *text, const char *expected)
{
    cleanup_free char *said = NULL;
    char hash[33];
    size_t size;
    FILE *errors = open_memstream(&said, &size);
    struct reason why;
    int result = document_parse("t", text, strlen(text), keep_hash, hash, errors, &why);

    fclose(errors);
    assert_int_equal(result, WISP_E_FORMAT);
    if (!strstr(said, expected))
        fail_msg("\"%s\": \"%s\" lacks \"%s\"", text, said, expected);
}

#endif
