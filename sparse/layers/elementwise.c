/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/elementwise.h"
#include "base/pool.h"
#include "base/size.h"

/* Of a gradient that is added to: small enough for the first cache. */
enum { BLOCK = 1024 };

void elementwise_forward(const struct layer_run *run)
{
    unsigned long long begin, end;

    pool_share(tensor_count(run->out), BLOCK, run->part, run->parts, &begin, &end);
    run->layer->kind->elementwise->activate(run, run->in[0]->data + begin, run->out->data + begin, end - begin);
}

void elementwise_backward(const struct layer_back *back)
{
    const struct layer_run *run = &back->run;
    unsigned long long begin, end;
    float block[BLOCK];

    if (!back->in_gradient[0])
        return;
    pool_share(tensor_count(run->out), BLOCK, run->part, run->parts, &begin, &end);
    for (unsigned long long at = begin; at < end; at += BLOCK) {
        size_t n = MIN(end - at, (unsigned long long)BLOCK);
        float *into = back->in_gradient[0] + at;

        run->layer->kind->elementwise->go_back(run,
                                               &(struct elementwise_back){ run->in[0]->data + at, run->out->data + at,
                                                                           back->out_gradient + at,
                                                                           back->accumulate[0] ? block : into },
                                               n);
        if (back->accumulate[0])
            run->kernels->add(into, block, n);
    }
}
