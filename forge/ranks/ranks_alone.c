/* SPDX-License-Identifier: Apache-2.0
 *
 * A build without MPI: every process is alone.
 */
#include <string.h>

#include "forge/ranks/launch.h"
#include "forge/ranks/ranks.h"

const char *ranks_library(char text[static 64])
{
    (void)text;
    return NULL;
}

int ranks_begin(struct ranks **out, struct reason *why)
{
    const unsigned long count = launch_count();

    *out = NULL;
    if (count <= 1)
        return 0;
    return refuse(why, WISP_E_INVALID,
                  "%lu processes were started together, but this wisp is built without MPI, and each would train by "
                  "itself; build it with cmake -DWISP_MPI=ON",
                  count);
}

void ranks_end(struct ranks *ranks, int status)
{
    (void)ranks, (void)status;
}

unsigned ranks_count(const struct ranks *ranks)
{
    (void)ranks;
    return 1;
}

unsigned ranks_rank(const struct ranks *ranks)
{
    (void)ranks;
    return 0;
}

void ranks_sum(const struct ranks *ranks, float *values, size_t count)
{
    (void)ranks, (void)values, (void)count;
}

void ranks_sum_doubles(const struct ranks *ranks, double *values, size_t count)
{
    (void)ranks, (void)values, (void)count;
}

bool ranks_agree(const struct ranks *ranks, bool wish)
{
    (void)ranks;
    return wish;
}

void ranks_gather(const struct ranks *ranks, const void *own, size_t bytes, void *all)
{
    (void)ranks;
    memcpy(all, own, bytes);
}

void ranks_copy(const struct ranks *ranks, unsigned from, void *data, size_t bytes)
{
    (void)ranks, (void)from, (void)data, (void)bytes;
}
