/* SPDX-License-Identifier: Apache-2.0
 *
 * Edge lists and Matrix Market files that people bring. The first byte says which, and whether the layer is square, as
 * symmetric matrices are; what is accepted must be a sound matrix, and read the same after it was written.
 */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "sparse/construct/exchange.h"

enum { ROWS = 70, COLUMNS = 90 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void read_again(const struct csr *matrix, enum exchange_form form, uint32_t columns)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    struct csr back;

    must(out && !exchange_write(matrix, form, out) && !fclose(out));
    must(!exchange_read("again", text, length, form, ROWS, columns, &back, NULL, NULL));
    must(back.count == matrix->count && !memcmp(back.starts, matrix->starts, (ROWS + 1) * sizeof *back.starts) &&
         !memcmp(back.index.narrow, matrix->index.narrow, back.count * sizeof *back.index.narrow) &&
         !memcmp(back.values, matrix->values, back.count * sizeof *back.values));
    csr_deinit(&back);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum exchange_form form = size && *data % 2 ? EXCHANGE_MARKET : EXCHANGE_EDGES;
    uint32_t columns = size && *data & 2 ? ROWS : COLUMNS;
    size_t length = size ? size - 1 : 0;
    char *text = malloc(length + 1); /* its own, so that a read past it is seen */
    struct reason why = { "" };
    struct csr made;

    must(text != NULL);
    if (length)
        memcpy(text, data + 1, length);
    if (exchange_read("fuzz", text, length, form, ROWS, columns, &made, NULL, &why)) {
        must(why.text[0] != 0);
    } else {
        must(!csr_check(&made, &why));
        read_again(&made, form, columns);
        csr_deinit(&made);
    }
    free(text);
    return 0;
}
