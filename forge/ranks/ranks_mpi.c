/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranks by MPI. A sum goes block by block: each rank gets all ranks' numbers of its piece of the block, adds them in
 * the order of ranks, and sends the sums to all. That is as much on the wire as MPI's own sum of a large array, and
 * has the same bits with every MPI, whose order of additions is its own affair.
 */
#include <errno.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/size.h"
#include "forge/ranks/launch.h"
#include "forge/ranks/ranks.h"

enum { BLOCK = 1 << 20 /* floats that are summed at a time */, DOUBLES = 1 << 10, BYTES = 1 << 26 };

struct ranks {
    unsigned count, rank;
    int *pieces, *begins; /* of a block, by rank: elements, and where they begin */
    int *same, *places;   /* this rank's piece as each rank sends it: elements, and where it is received */
    float *received;
    double *gathered;
};

const char *ranks_library(char text[static 64])
{
    char whole[MPI_MAX_LIBRARY_VERSION_STRING];
    int length;

    MPI_Get_library_version(whole, &length);
    whole[strcspn(whole, ",\n")] = 0; /* what follows says who built it */
    snprintf(text, 64, "%.63s", whole);
    return text;
}

static struct ranks *ranks_free(struct ranks *ranks)
{
    free(ranks->pieces);
    free(ranks->received);
    free(ranks->gathered);
    free(ranks);
    return NULL;
}

static struct ranks *make(unsigned count, unsigned rank)
{
    struct ranks *ranks = calloc(1, sizeof *ranks);
    const size_t piece = (BLOCK + count - 1) / count;

    if (!ranks)
        return NULL;
    *ranks = (struct ranks){ .count = count,
                             .rank = rank,
                             .pieces = memory_alloc(4 * count, sizeof *ranks->pieces),
                             .received = memory_alloc(piece * count, sizeof *ranks->received),
                             .gathered = memory_alloc(DOUBLES * count, sizeof *ranks->gathered) };
    if (!ranks->pieces || !ranks->received || !ranks->gathered)
        return ranks_free(ranks);
    ranks->begins = ranks->pieces + count;
    ranks->same = ranks->begins + count;
    ranks->places = ranks->same + count;
    return ranks;
}

int ranks_begin(struct ranks **out, struct reason *why)
{
    int provided, count, rank;

    *out = NULL;
    if (launch_count() <= 1)
        return 0;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    *out = make((unsigned)count, (unsigned)rank);
    return *out ? 0 : refuse_errno(why, -ENOMEM, "joining %d processes", count);
}

void ranks_end(struct ranks *ranks, int status)
{
    if (!ranks)
        return;
    fflush(NULL);
    if (status)
        MPI_Abort(MPI_COMM_WORLD, status);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    ranks_free(ranks);
}

unsigned ranks_count(const struct ranks *ranks)
{
    return ranks ? ranks->count : 1;
}

unsigned ranks_rank(const struct ranks *ranks)
{
    return ranks ? ranks->rank : 0;
}

/* Who has which piece of a block of `count`. */
static void cut(const struct ranks *ranks, size_t count)
{
    for (unsigned r = 0; r < ranks->count; r++) {
        unsigned long long begin, end;

        pool_share(count, 1, r, ranks->count, &begin, &end);
        ranks->begins[r] = (int)begin;
        ranks->pieces[r] = (int)(end - begin);
    }
    for (unsigned r = 0; r < ranks->count; r++) {
        ranks->same[r] = ranks->pieces[ranks->rank];
        ranks->places[r] = (int)r * ranks->same[r];
    }
}

static void sum_block(const struct ranks *ranks, float *values, size_t count)
{
    float *sum = ranks->received;
    size_t own;

    cut(ranks, count);
    own = (size_t)ranks->pieces[ranks->rank];
    MPI_Alltoallv(values, ranks->pieces, ranks->begins, MPI_FLOAT, ranks->received, ranks->same, ranks->places,
                  MPI_FLOAT, MPI_COMM_WORLD);
    for (unsigned r = 1; r < ranks->count; r++) {
        const float *more = ranks->received + r * own;

        for (size_t i = 0; i < own; i++)
            sum[i] += more[i];
    }
    MPI_Allgatherv(sum, (int)own, MPI_FLOAT, values, ranks->pieces, ranks->begins, MPI_FLOAT, MPI_COMM_WORLD);
}

void ranks_sum(const struct ranks *ranks, float *values, size_t count)
{
    for (size_t done = 0; ranks && done < count; done += BLOCK)
        sum_block(ranks, values + done, MIN((size_t)BLOCK, count - done));
}

/* Few numbers: all ranks add them. */
void ranks_sum_doubles(const struct ranks *ranks, double *values, size_t count)
{
    for (size_t done = 0; ranks && done < count; done += DOUBLES) {
        const size_t now = MIN((size_t)DOUBLES, count - done);

        ranks_gather(ranks, values + done, now * sizeof *values, ranks->gathered);
        for (size_t i = 0; i < now; i++) {
            double sum = ranks->gathered[i];

            for (unsigned r = 1; r < ranks->count; r++)
                sum += ranks->gathered[r * now + i];
            values[done + i] = sum;
        }
    }
}

bool ranks_agree(const struct ranks *ranks, bool wish)
{
    double wishes = wish;

    ranks_sum_doubles(ranks, &wishes, 1);
    return wishes > 0;
}

void ranks_gather(const struct ranks *ranks, const void *own, size_t bytes, void *all)
{
    if (ranks)
        MPI_Allgather(own, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, MPI_COMM_WORLD);
    else
        memcpy(all, own, bytes);
}

void ranks_copy(const struct ranks *ranks, unsigned from, void *data, size_t bytes)
{
    for (size_t done = 0; ranks && done < bytes; done += BYTES)
        MPI_Bcast((char *)data + done, (int)MIN((size_t)BYTES, bytes - done), MPI_BYTE, (int)from, MPI_COMM_WORLD);
}
