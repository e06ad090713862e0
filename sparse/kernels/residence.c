/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "sparse/kernels/residence.h"

/* What a processor is taken to have that does not say. */
enum { PRIVATE_BYTES = 1 << 20, SHARED_BYTES = 32 << 20 };

/* What is read over to empty a cache of any size: it is read often. */
enum { DISTANCE_MAX = 64 << 20 };

/* Fitted to the cold cells of docs/results/kernels/kernels.csv. */
static const double byte_ns[RESIDENCES] = { [RESIDENCE_MEMORY] = 0.02 };

static const char *const names[RESIDENCES] = {
    [RESIDENCE_PRIVATE] = "private", [RESIDENCE_SHARED] = "shared", [RESIDENCE_MEMORY] = "memory"
};

static size_t cache_bytes(int name, size_t unknown)
{
    const long bytes = sysconf(name);

    return bytes > 0 ? (size_t)bytes : unknown;
}

static size_t private_bytes(void)
{
    return cache_bytes(_SC_LEVEL2_CACHE_SIZE, PRIVATE_BYTES);
}

static size_t shared_bytes(void)
{
    return cache_bytes(_SC_LEVEL3_CACHE_SIZE, SHARED_BYTES);
}

/* A quarter of what is shared: others are there too. Measured: what has 5 MB is there on a virtual machine whose shared
 * cache has 32, what has 10 is not. */
enum residence residence_of(uint64_t bytes)
{
    if (bytes <= private_bytes())
        return RESIDENCE_PRIVATE;
    return bytes <= shared_bytes() / 4 ? RESIDENCE_SHARED : RESIDENCE_MEMORY;
}

size_t residence_distance(enum residence residence)
{
    if (residence == RESIDENCE_PRIVATE)
        return 0;
    return MIN(residence == RESIDENCE_SHARED ? 2 * private_bytes() : shared_bytes(), (size_t)DISTANCE_MAX);
}

double residence_byte_ns(enum residence residence)
{
    return byte_ns[residence];
}

const char *residence_name(enum residence residence)
{
    return names[residence];
}

bool residence_find(const char *name, enum residence *out)
{
    for (enum residence i = 0; i < RESIDENCES; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        *out = i;
        return true;
    }
    return false;
}
