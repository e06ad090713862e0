/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a document of structures: refused with a place and a sentence, or every structure of it reads back, from
 * its canonical text, to the same structure.
 */
#include <stdio.h>
#include <stdlib.h>

#include "forge/catalog/documents/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static int read_back(void *argument, const struct structure *structure)
{
    struct reason why = { "" };
    char *text;

    (void)argument;
    if (document_canonical(structure, &text, &why)) {
        fprintf(stderr, "%s\n", why.text);
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
