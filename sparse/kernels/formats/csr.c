/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sparse/kernels/formats/csr.h"

/* Rows that are in flight together; more at a time would leave the rows of a small layer to one thread. And what a row
 * costs besides its connections, in these. */
enum { GRAIN = 4, ROW_WORK = 4 };

static bool can(const struct csr *w, unsigned batch_class)
{
    (void)w, (void)batch_class;
    return true;
}

static int pack(const struct csr *w, struct packed **out)
{
    struct packed_csr *made = calloc(1, sizeof *made);

    if (!made)
        return -ENOMEM;
    made->matrix = w;
    made->packed.units = w->rows;
    made->packed.grain = GRAIN;
    made->packed.work = &w->starts;
    made->packed.unit_work = ROW_WORK;
    made->packed.memory = sizeof *made;
    *out = &made->packed;
    return 0;
}

static void release(struct packed *packed)
{
    free(packed);
}

const struct weight_format weight_format_csr = { .name = "csr",
                                                 .costs = { { 0.0009f, 0.311f },
                                                            { 0.0006f, 0.337f },
                                                            { 0.0022f, 0.700f },
                                                            { 0.0012f, 0.329f },
                                                            { 0.0006f, 0.461f },
                                                            { 0.0025f, 0.898f },
                                                            { 0, 1.633f } },
                                                 .can = can,
                                                 .pack = pack,
                                                 .free = release,
                                                 .borrows = true };
