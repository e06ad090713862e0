/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/pool.h"
#include "sparse/kernels/choice_cache.h"
#include "sparse/kernels/choose.h"
#include "sparse/kernels/weights.h"

struct weights {
    const struct kernels *kernels;
    const struct packed *choice[BATCH_CLASSES];
    struct packed *packed[WEIGHT_FORMATS_MAX]; /* by number; NULL: not chosen */
    struct csc by_column;                      /* CSC_NULL: none was made */
    size_t memory;
    unsigned first, last; /* the classes that can come */
};

static int pack_chosen(struct weights *weights, const struct csr *w, const struct choice *choice)
{
    for (unsigned c = 0; c < BATCH_CLASSES; c++) {
        const unsigned number = choice->format[c];

        if (!weight_format_can(weights->kernels, number, w, c))
            continue; /* a class that cannot come */
        if (!weights->packed[number]) {
            int result = packed_new(w, number, &weights->packed[number]);

            if (result)
                return result;
            weights->memory += weights->packed[number]->memory;
        }
        weights->choice[c] = weights->packed[number];
    }
    return 0;
}

static int make(const struct kernels *kernels, const struct csr *w, const struct choice *choice, struct weights **out)
{
    struct weights *weights = calloc(1, sizeof *weights);
    int result;

    if (!weights)
        return -ENOMEM;
    weights->kernels = kernels;
    weights->memory = sizeof *weights;
    weights->first = choice->first;
    weights->last = choice->last;
    result = pack_chosen(weights, w, choice);
    if (result) {
        weights_free(weights);
        return result;
    }
    *out = weights;
    return 0;
}

int weights_new(const struct kernels *kernels, const struct csr *w, size_t columns_min, size_t columns_max,
                struct choice_cache *cache, struct weights **out)
{
    struct choice choice = { .first = batch_class_of(columns_min), .last = batch_class_of(columns_max) };

    if (!cache || !choice_cache_find(cache, kernels, w, &choice)) {
        int result = choose_formats(kernels, w, choice.first, choice.last, &choice);

        if (result)
            return result;
        if (cache)
            choice_cache_add(cache, kernels, w, &choice);
    }
    return make(kernels, w, &choice, out);
}

int weights_borrow(const struct kernels *kernels, const struct csr *w, struct weights **out)
{
    struct choice choice;
    unsigned number = 0;

    while (!weight_format_at(number)->borrows)
        number++;
    for (unsigned c = 0; c < BATCH_CLASSES; c++)
        choice.format[c] = number;
    return make(kernels, w, &choice, out);
}

int weights_index_columns(struct weights *weights, const struct csr *w)
{
    int result = csc_init(&weights->by_column, w);

    if (!result)
        weights->memory += csc_memory(w);
    return result;
}

const struct csc *weights_columns(const struct weights *weights)
{
    return weights->by_column.starts ? &weights->by_column : NULL;
}

struct weights *weights_free(struct weights *weights)
{
    if (!weights)
        return NULL;
    for (unsigned f = 0; f < WEIGHT_FORMATS_MAX; f++)
        packed_free(weights->packed[f]);
    csc_deinit(&weights->by_column);
    free(weights);
    return NULL;
}

void weights_run(const struct weights *weights, const struct product *product, unsigned part, unsigned parts)
{
    const struct packed *packed = weights->choice[batch_class_of(product->n)];
    unsigned long long begin, end;

    pool_share(packed->units, packed->grain, part, parts, &begin, &end);
    weights->kernels->run[packed->number](packed, product, (uint32_t)begin, (uint32_t)end);
}

void weights_run_rows(const struct weights *weights, const struct product *product, uint32_t begin, uint32_t end)
{
    const struct packed *packed = weights->choice[batch_class_of(product->n)];

    weights->kernels->run[packed->number](packed, product, begin, end); /* a unit of csr is a row */
}

size_t weights_memory(const struct weights *weights)
{
    return weights->memory;
}

bool weights_borrow_csr(const struct weights *weights)
{
    for (unsigned f = 0; f < WEIGHT_FORMATS_MAX; f++) {
        if (weights->packed[f] && weights->packed[f]->format->borrows)
            return true;
    }
    return false;
}

const char *weights_format(const struct weights *weights, size_t columns)
{
    return weights->choice[batch_class_of(columns)]->format->name;
}

const char *weights_class_format(const struct weights *weights, unsigned batch_class)
{
    const bool comes = batch_class >= weights->first && batch_class <= weights->last;

    return comes ? weights->choice[batch_class]->format->name : NULL;
}
