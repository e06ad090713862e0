/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/insist.h"
#include "base/size.h"
#include "sparse/passes/forward_plan.h"
#include "sparse/passes/replicas.h"

/* Where it has values they stay: none of several samples stands in memory of the caller's. */
static int make_replica(const struct forward *forward, struct forward **out)
{
    struct forward_setup setup = forward->setup;
    struct reason why;
    int result;

    setup.batch = 1;
    setup.apart = true;
    setup.pool = NULL;
    setup.threads = 0;
    setup.choices = NULL;
    setup.weights_of = forward;
    result = forward_new(&setup, out, &why);
    if (!result)
        forward_place(*out, 1);
    return result;
}

int replicas_make(struct forward *forward)
{
    const unsigned threads = MAX(forward->setup.threads, pool_parts(forward->setup.pool));

    if (!forward->replicas && threads > 1) {
        forward->replicas = calloc(threads - 1, sizeof(struct forward *));
        if (!forward->replicas)
            return -ENOMEM;
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

void replicas_begin(struct forward *forward)
{
    insist(forward->serving.count == 1 && forward->serving.whole > 1);
    for (unsigned i = 0; i < forward->replica_count; i++) {
        forward->replicas[i]->serving = forward->serving;
        forward->replicas[i]->serving.first += 1 + i;
    }
}
