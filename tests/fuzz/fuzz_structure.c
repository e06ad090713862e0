/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a document of structures: refused with a place and a sentence, or every structure of it reads back, from
 * its canonical text, to the same hash.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "forge/structures/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static int compare_hash(void *argument, const struct structure *structure)
{
    char hash[33];

    structure_hash(structure, hash);
    require(!strcmp(hash, argument), "the canonical text is of another structure");
    return 0;
}

static int read_back(void *argument, const struct structure *structure)
{
    struct reason why = { "" };
    char *text = document_print(structure);
    char hash[33];

    (void)argument;
    require(text != NULL, "no memory");
    structure_hash(structure, hash);
    if (document_parse("printed", text, strlen(text), compare_hash, hash, stderr, &why)) {
        fprintf(stderr, "%s\n%s", why.text, text);
        abort();
    }
    free(text);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reason why = { "" };
    int result = document_parse("fuzz.yaml", (const char *)data, size, read_back, NULL, NULL, &why);

    require(!result || why.text[0], "a refusal without a reason");
    return 0;
}
