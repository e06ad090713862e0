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
