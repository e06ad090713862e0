/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/size.h"
#include "sparse/kernels/formats/batch_class.h"
#include "sparse/kernels/formats/format.h"
#include "sparse/kernels/kernels.h"

#define WEIGHT_FORMAT(name) extern const struct weight_format weight_format_##name;
#include "sparse/kernels/formats/formats.inc"
#undef WEIGHT_FORMAT

static const struct weight_format *const formats[] = {
#define WEIGHT_FORMAT(name) &weight_format_##name,
#include "sparse/kernels/formats/formats.inc"
#undef WEIGHT_FORMAT
};

_Static_assert(ARRAY_SIZE(formats) <= WEIGHT_FORMATS_MAX, "kernels->run has no room for one more");

const struct weight_format *weight_format_at(unsigned number)
{
    return number < ARRAY_SIZE(formats) ? formats[number] : NULL;
}

bool weight_format_find(const char *name, unsigned *number)
{
    for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
        if (!strcmp(formats[i]->name, name)) {
            *number = i;
            return true;
        }
    }
    return false;
}

bool weight_format_can(const struct kernels *kernels, unsigned number, const struct csr *w, unsigned batch_class)
{
    return kernels->run[number] && formats[number]->can(w, batch_class);
}

int packed_new(const struct csr *w, unsigned number, struct packed **out)
{
    const struct weight_format *format = formats[number];
    struct packed *packed = NULL;
    int result = format->pack(w, &packed);

    if (packed) {
        packed->format = format;
        packed->number = number;
        packed->rows = w->rows;
        packed->columns = w->columns;
    }
    if (result) {
        packed_free(packed);
        return result;
    }
    *out = packed;
    return 0;
}

struct packed *packed_free(struct packed *packed)
{
    if (packed)
        packed->format->free(packed);
    return NULL;
}

/* Where the part begins, or units where all parts have ended. Of the two bounds beside what it should be the nearer, so
 * that no part has more than its share and one grain. */
static uint32_t share_bound(const struct packed *packed, unsigned part, unsigned parts)
{
    const uint64_t aim = packed_work(packed, packed->units) * part / parts;
    uint32_t begin = 0, end = (uint32_t)(((uint64_t)packed->units + packed->grain - 1) / packed->grain);

    if (part == 0 || part == parts)
        return part ? packed->units : 0;
    while (begin < end) { /* the first that has no less before it */
        const uint32_t middle = begin + (end - begin) / 2;

        if (packed_work(packed, middle * packed->grain) < aim)
            begin = middle + 1;
        else
            end = middle;
    }
    begin = (uint32_t)MIN((uint64_t)begin * packed->grain, (uint64_t)packed->units);
    end = begin > packed->grain ? (begin - 1) / packed->grain * packed->grain : 0;
    return aim - packed_work(packed, end) <= packed_work(packed, begin) - aim ? end : begin;
}

void packed_share(const struct packed *packed, unsigned part, unsigned parts, uint32_t *begin, uint32_t *end)
{
    *begin = share_bound(packed, part, parts);
    *end = share_bound(packed, part + 1, parts);
}

static const struct {
    const char *name;
    size_t columns;
} classes[BATCH_CLASSES] = { { "1", 1 },      { "2-4", 4 },    { "5-7", 6 }, { "8-15", 8 },
                             { "16-31", 16 }, { "32-63", 32 }, { "64-", 64 } };

const char *batch_class_name(unsigned batch_class)
{
    return classes[batch_class].name;
}

size_t batch_class_columns(unsigned batch_class)
{
    return classes[batch_class].columns;
}
