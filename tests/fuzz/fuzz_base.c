/* SPDX-License-Identifier: Apache-2.0
 *
 * Base values that people bring: any file must be refused with a reason or give finite weights, to a linear layer and
 * to a deconvolution.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "forge/plan/pretrained.h"
#include "sparse/layers/layer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* All connections of a layer of two outputs, and its bias. */
static void inherit(const struct pretrained *base, const char *kind, const char *name, uint32_t columns)
{
    struct layer layer = { .kind = layer_kind_find(kind) };
    struct reason why = { "" };
    float bias[2] = { 0 };

    memcpy(layer.name, name, strlen(name));
    layer.vectors[0] = (struct vector){ .data = bias, .count = 2 };
    must(!csr_alloc(&layer.weight, 2, columns, 2ull * columns));
    for (uint32_t k = 0; k < 2 * columns; k++)
        layer.weight.index.narrow[k] = (uint16_t)(k % columns);
    layer.weight.starts[1] = columns;
    layer.weight.starts[2] = 2ull * columns;
    if (pretrained_inherit(base, &layer, true, &why))
        must(why.text[0] != 0);
    else
        must(!csr_check(&layer.weight, &why) && isfinite(bias[0]) && isfinite(bias[1]));
    csr_deinit(&layer.weight);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1); /* its own, so that a read past it is seen */
    struct reason why = { "" };
    struct pretrained *base;

    must(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    if (pretrained_parse("fuzz", copy, size, &base, &why)) {
        must(why.text[0] != 0);
        return 0;
    }
    inherit(base, "linear", "a", 3);
    inherit(base, "deconv2d", "b", 3 * 4);
    pretrained_close(base);
    return 0;
}
