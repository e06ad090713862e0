/* SPDX-License-Identifier: Apache-2.0
 *
 * One request at a time, and where its time goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "e2e.h"

/* Long enough that both ends sleep, and that their cores do. */
#define GAP_NS (300 * NS_PER_US)

int latency_init(struct latency *latency, size_t capacity)
{
    *latency = (struct latency){ 0 };
    return samples_init(&latency->total, capacity) || samples_init(&latency->queue, capacity) ||
                   samples_init(&latency->compute, capacity) || samples_init(&latency->rest, capacity)
               ? -1
               : 0;
}

void latency_deinit(struct latency *latency)
{
    samples_deinit(&latency->total);
    samples_deinit(&latency->queue);
    samples_deinit(&latency->compute);
    samples_deinit(&latency->rest);
}

int complain(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, wisp_last_error());
    return -1;
}

int endpoint_open(struct endpoint *endpoint, const char *socket, uint32_t spin_us, unsigned depth)
{
    const struct wisp_options options = {
        .size = sizeof options,
        .socket_path = socket,
        .spin_us = spin_us,
        .connect_ms = 30000, /* sixty-four at once on one core, beside whoever else is there */
        .reconnect_ms = UINT32_MAX,
    };

    *endpoint = (struct endpoint){ .depth = depth };
    if (wisp_connect(&endpoint->client, &options))
        return complain("connecting");
    if (wisp_find(endpoint->client, "image.classification", &endpoint->model))
        return complain("finding the model");
    for (unsigned i = 0; i < depth; i++) {
        float *input;

        if (wisp_request_new(endpoint->client, endpoint->model, 1, &endpoint->requests[i]))
            return complain("reserving a request");
        input = wisp_request_input(endpoint->requests[i]);
        for (size_t k = 0; k < wisp_model_input_size(endpoint->model); k++)
            input[k] = (float)(k * 37 % 101) / 101;
    }
    return 0;
}

void endpoint_close(struct endpoint *endpoint)
{
    wisp_model_free(endpoint->model);
    wisp_close(endpoint->client);
    *endpoint = (struct endpoint){ 0 };
}

static int infer_once(struct endpoint *endpoint, struct latency *latency)
{
    wisp_request *request = endpoint->requests[0];
    struct wisp_timings timings;
    uint64_t begin = clock_ns(), total, inside;

    if (wisp_submit(request) || wisp_wait(request, UINT32_MAX))
        return complain("request");
    total = clock_ns() - begin;
    wisp_request_timings(request, &timings);
    inside = timings.queue_ns + timings.compute_ns;
    if (!latency)
        return 0;
    samples_add(&latency->total, total);
    samples_add(&latency->queue, timings.queue_ns);
    samples_add(&latency->compute, timings.compute_ns);
    samples_add(&latency->rest, total > inside ? total - inside : 0);
    return 0;
}

static int nop_once(struct endpoint *endpoint, struct latency *latency)
{
    uint64_t ns;

    if (wisp_ping(endpoint->client, UINT32_MAX, &ns))
        return complain("ping");
    if (latency)
        samples_add(&latency->total, ns);
    return 0;
}

int latency_measure(struct latency *latency, const char *socket, enum wait_kind wait, int nop, size_t count)
{
    int (*once)(struct endpoint *, struct latency *) = nop ? nop_once : infer_once;
    const struct timespec gap = { .tv_nsec = GAP_NS };
    struct endpoint endpoint;
    int result = endpoint_open(&endpoint, socket, wait == WAIT_SPIN ? SPIN_LONG_US : UINT32_MAX, 1);

    for (size_t i = 0; !result && i < WARM_UP; i++)
        result = once(&endpoint, NULL);
    for (size_t i = 0; !result && i < count; i++) {
        if (wait == WAIT_SLEEP)
            nanosleep(&gap, NULL);
        result = once(&endpoint, latency);
    }
    endpoint_close(&endpoint);
    return result;
}
