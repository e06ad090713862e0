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

int replicas_make(struct forward *forward)
{
    const unsigned threads = MAX(forward->setup.threads, pool_parts(forward->setup.pool));

    if (threads < 2)
        return 0;
    if (!forward->replicas) {
        forward->replicas = calloc(threads - 1, sizeof(struct forward *));
        if (!forward->replicas)
            return -ENOMEM;
        insist(!forward->replica_count);
        forward->replica_batch = forward->times.apart ? 1 : (forward->setup.batch + threads - 1) / threads;
    }
    while (forward->replica_count + 1 < threads) {
        struct forward **replica = &forward->replicas[forward->replica_count];
        int result = make_replica(forward, replica);

        if (result)
            return result;
        forward->replica_count++;
        forward->memory += (*replica)->memory;
    }
    for (unsigned i = 0; i < forward->replica_count; i++)
        forward->replicas[i]->times = forward->times;
    return 0;
}

void replicas_free(struct forward *forward)
{
    for (unsigned i = 0; i < forward->replica_count; i++) {
        forward->replicas[i]->times = (struct step_times){ .one = NULL }; /* they are not its own */
        forward_free(forward->replicas[i]);
    }
    free(forward->replicas);
}

bool replicas_suit(const struct forward *forward, size_t count, unsigned threads)
{
    return threads <= forward->replica_count + 1 && (count + threads - 1) / threads <= forward->replica_batch;
}

/* None of several samples stands in memory of the caller's, so values have their places in the replica's. */
void replicas_begin(struct forward *forward)
{
    const struct serving *serving = &forward->serving;

    insist(serving->whole > 1 && replicas_suit(forward, serving->together, serving->abreast));
    for (unsigned thread = 1; thread < serving->abreast; thread++) {
        const size_t begin = serving->together * thread / serving->abreast;
        struct forward *replica = forward->replicas[thread - 1];

        replica->serving = *serving;
        replica->serving.first += begin;
        replica->serving.count = serving->together * (thread + 1) / serving->abreast - begin;
        forward_place(replica, replica->serving.count);
    }
}
