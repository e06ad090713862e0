/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/train/nonzeros.h"

/* One thread's. */
struct part {
    struct sparse_element *elements;
    size_t count, capacity;
};

struct place {
    uint32_t part, count;
    size_t begin;
};

struct nonzeros {
    size_t samples, part_max; /* elements of a part at most */
    unsigned part_count;
    struct place *places; /* by sample */
    struct part parts[];
};

int nonzeros_new(size_t samples, unsigned parts, uint64_t max_bytes, struct nonzeros **out)
{
    struct nonzeros *made = calloc(1, sizeof *made + parts * sizeof *made->parts);

    if (!made || !(made->places = memory_zalloc(samples, sizeof *made->places))) {
        free(made);
        return -ENOMEM;
    }
    made->samples = samples;
    made->part_count = parts;
    made->part_max = max_bytes / sizeof(struct sparse_element) / parts;
    *out = made;
    return 0;
}

struct nonzeros *nonzeros_free(struct nonzeros *nonzeros)
{
    for (unsigned i = 0; nonzeros && i < nonzeros->part_count; i++)
        free(nonzeros->parts[i].elements);
    if (nonzeros)
        free(nonzeros->places);
    free(nonzeros);
    return NULL;
}

static int reserve(struct nonzeros *nonzeros, struct part *part, size_t more)
{
    size_t wanted = part->count + more, capacity = MAX(part->capacity * 2, MAX(wanted, (size_t)4096));
    struct sparse_element *larger;

    if (wanted <= part->capacity)
        return 0;
    if (wanted > nonzeros->part_max)
        return -EFBIG;
    capacity = MIN(capacity, nonzeros->part_max);
    larger = realloc(part->elements, capacity * sizeof *larger);
    if (!larger)
        return -ENOMEM;
    part->elements = larger;
    part->capacity = capacity;
    return 0;
}

/* A -0 is kept too: what comes out has the bits that went in. */
static bool is_zero(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    return !bits;
}

int nonzeros_open(struct nonzeros *nonzeros, unsigned part, size_t sample, size_t max, struct sparse_element **out)
{
    struct part *own = &nonzeros->parts[part];
    int result = reserve(nonzeros, own, max);

    if (result)
        return result;
    nonzeros->places[sample] = (struct place){ part, 0, own->count };
    *out = own->elements + own->count;
    return 0;
}

void nonzeros_close(struct nonzeros *nonzeros, size_t sample, size_t count)
{
    struct place *place = &nonzeros->places[sample];

    place->count = (uint32_t)count;
    nonzeros->parts[place->part].count += count;
}

int nonzeros_add(struct nonzeros *nonzeros, unsigned part, size_t sample, const float *tensor, size_t elements)
{
    struct part *own = &nonzeros->parts[part];
    size_t count = 0;
    int result;

    for (size_t i = 0; i < elements; i++)
        count += !is_zero(tensor[i]);
    result = reserve(nonzeros, own, count);
    if (result)
        return result;
    nonzeros->places[sample] = (struct place){ part, (uint32_t)count, own->count };
    for (size_t i = 0; i < elements; i++) {
        if (!is_zero(tensor[i]))
            own->elements[own->count++] = (struct sparse_element){ (uint32_t)i, tensor[i] };
    }
    return 0;
}

struct sparse_vector nonzeros_vector(const struct nonzeros *nonzeros, size_t sample)
{
    const struct place *place = &nonzeros->places[sample];

    return (struct sparse_vector){ nonzeros->parts[place->part].elements + place->begin, place->count };
}

void nonzeros_spread(const struct nonzeros *nonzeros, size_t sample, float *out, size_t stride)
{
    const struct sparse_vector vector = nonzeros_vector(nonzeros, sample);

    for (uint32_t i = 0; i < vector.count; i++)
        out[vector.elements[i].index * stride] = vector.elements[i].value;
}

void nonzeros_clear(struct nonzeros *nonzeros)
{
    for (unsigned i = 0; i < nonzeros->part_count; i++)
        nonzeros->parts[i].count = 0;
}

uint64_t nonzeros_memory(const struct nonzeros *nonzeros)
{
    uint64_t bytes = nonzeros->samples * sizeof *nonzeros->places;

    for (unsigned i = 0; i < nonzeros->part_count; i++)
        bytes += nonzeros->parts[i].capacity * sizeof(struct sparse_element);
    return bytes;
}
