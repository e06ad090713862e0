/* SPDX-License-Identifier: Apache-2.0
 *
 * One request after the other, through one piece of shared memory where they are of a size.
 */
#include <string.h>

#include "base/insist.h"
#include "base/size.h"
#include "client/cli/run/decoded.h"
#include "client/cli/run/run.h"

static int explain(int result, struct reason *why)
{
    const char *text = wisp_last_error();

    return refuse(why, result, "%s", *text ? text : wisp_status_text(result));
}

int run_send(struct run *run, struct reason *why)
{
    int result;

    insist(run->request && run->rows > 0);
    result = wisp_submit(run->request);
    if (!result)
        result = decoded_wait(run, connection_wait_ms(&run->connection));
    if (result == WISP_E_TIMEOUT) {
        run->request = wisp_request_free(run->request);
        run->let_go = true;
    }
    return result ? explain(result, why) : 0;
}

int run_prepare(struct run *run, uint32_t rows, struct reason *why)
{
    const uint64_t deadline_us = run->deadline_us ? run->deadline_us : run->connection.timeout_ms * 1000;
    int result = 0;

    insist(rows > 0 && run->model && run->connection.client);
    if (run->request && run->rows != rows)
        run->request = wisp_request_free(run->request);
    if (!run->request)
        result = wisp_request_new(run->connection.client, run->model, rows, &run->request);
    run->rows = rows;
    if (result == WISP_E_NO_SPACE && run->let_go)
        return refuse(why, WISP_E_TIMEOUT, "wispd has not answered what was sent before: this one was not sent");
    if (result)
        return explain(result, why);
    insist(run->request);
    wisp_request_set_deadline(run->request, (uint32_t)MIN(deadline_us, UINT32_MAX));
    result = wisp_request_set_priority(run->request, run->priority);
    if (!result && wisp_model_words(run->model))
        result = wisp_request_set_beam(run->request, (uint32_t)run->beam);
    return result ? explain(result, why) : 0;
}

void run_add_timings(const struct run *run, struct wisp_timings *sum)
{
    struct wisp_timings timings;

    wisp_request_timings(run->request, &timings);
    sum->total_ns += timings.total_ns;
    sum->queue_ns += timings.queue_ns;
    sum->compute_ns += timings.compute_ns;
    sum->resubmitted += timings.resubmitted;
    sum->batch = MAX(sum->batch, timings.batch);
}
