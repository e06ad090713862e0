/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/insist.h"
#include "base/size.h"
#include "sparse/passes/forward_plan.h"
#include "sparse/passes/replicas.h"

static int make_replica(const struct forward *forward, struct forward **out)
{
    struct forward_setup setup = forward->setup;
    struct reason why;

    setup.batch = forward->replica_batch;
    setup.apart = false;
    setup.pool = NULL;
    setup.threads = 0;
    setup.choices = NULL;
    setup.weights_of = forward;
    return forward_new(&setup, out, &why);
}

/* Samples that each may have; 0: a batch has too few to part. */
static size_t wanted_batch(const struct forward *forward, unsigned threads)
{
    const size_t batch = forward->setup.batch;

    if (threads < 2 || batch < threads || (!forward->times.apart && batch < (size_t)2 * threads))
        return 0;
    return forward->times.apart ? 1 : (batch + threads - 1) / threads;
}

static int make_all(struct forward *forward, unsigned threads)
{
    int result = 0;

    forward->replicas = calloc(threads - 1, sizeof(struct forward *));
    if (!forward->replicas)
        return -ENOMEM;
    insist(!forward->replica_count && threads > 1, "%u, %u", forward->replica_count, threads);
    while (!result && forward->replica_count + 1 < threads) {
        struct forward **replica = &forward->replicas[forward->replica_count];

        result = make_replica(forward, replica);
        if (!result) {
            forward->replica_count++;
            forward->memory += (*replica)->memory;
        }
    }
    return result;
}

int replicas_make(struct forward *forward)
{
    const unsigned threads = MAX(forward->setup.threads, pool_parts(forward->setup.pool));
    const size_t batch = wanted_batch(forward, threads);
    int result = 0;

    if (batch != forward->replica_batch) /* times say something else now */
        forward_free_replicas(forward);
    forward->replica_batch = batch;
    if (batch && !forward->replicas)
        result = make_all(forward, threads);
    for (unsigned i = 0; i < forward->replica_count; i++)
        forward->replicas[i]->times = forward->times;
    return result;
}

bool replicas_suit(const struct forward *forward, size_t count, unsigned threads)
{
    return threads <= forward->replica_count + 1 && (count + threads - 1) / threads <= forward->replica_batch;
}

/* Where its one sample stands the caller says then. */
void replicas_begin(struct forward *forward)
{
    const struct serving *serving = &forward->serving;

    insist(serving->whole > 1 && replicas_suit(forward, serving->together, serving->abreast));
    for (unsigned thread = 1; thread < serving->abreast; thread++) {
        const size_t begin = serving->together * thread / serving->abreast;
        const size_t count = serving->together * (thread + 1) / serving->abreast - begin;
        struct forward *replica = forward->replicas[thread - 1];

        if (replica->serving.count != count)
            forward_place(replica, count);
        replica->serving = *serving;
        replica->serving.first += begin;
        replica->serving.count = count;
    }
}
