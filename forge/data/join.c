/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "forge/data/dataset.h"

/* Samples of one kind behind those that are there; nothing where there are none of it. */
static int append(void **to, size_t to_count, const void *from, size_t from_count, size_t size)
{
    void *larger;

    if (!*to)
        return 0;
    larger = realloc(*to, (to_count + from_count) * size);
    if (!larger)
        return -ENOMEM;
    *to = larger;
    memcpy((char *)larger + to_count * size, from, from_count * size);
    return 0;
}

int dataset_join(struct dataset *d, struct dataset *rest, struct reason *why)
{
    XXH128_hash_t hash;
    char both[2 * sizeof d->hash];

    d->rest = rest;
    d->own = d->count;
    if (append((void **)&d->classes, d->count, rest->classes, rest->count, sizeof *d->classes) ||
        append((void **)&d->pictures, d->count, rest->pictures, rest->count, sizeof *d->pictures) ||
        append((void **)&d->sounds, d->count, rest->sounds, rest->count, sizeof *d->sounds) ||
        append((void **)&d->texts, d->count, rest->texts, rest->count, sizeof *d->texts))
        return refuse_errno(why, -ENOMEM, "%zu samples", d->count + rest->count);
    d->count += rest->count;
    hash = XXH3_128bits(both, (size_t)snprintf(both, sizeof both, "%s\n%s", d->hash, rest->hash));
    snprintf(d->hash, sizeof d->hash, "xxh3-128:%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
             (uint64_t)hash.low64);
    return 0;
}
