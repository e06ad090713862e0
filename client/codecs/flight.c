/* SPDX-License-Identifier: Apache-2.0 */
#include <wisp/private.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/codecs/flight.h"

enum { UNDER_WAY = 64 };

/* Requests in a ring: sample n is in the request n mod `window`. */
struct flight {
    wisp_client *client;
    const wisp_model *model;
    const struct flight_work *work;
    wisp_request *requests[UNDER_WAY];
    uint32_t window;      /* how many of them there can be */
    uint64_t sent, taken; /* samples */
    struct wisp_timings timings;
};

/* The request of the next sample. Where there is no room for one more, those there are have to do. */
static int make_request(struct flight *f)
{
    int result = wisp_request_new(f->client, f->model, 1, &f->requests[f->sent]);

    insist(f->sent < f->window && f->window <= UNDER_WAY, "%llu of %u", (unsigned long long)f->sent, f->window);
    if (result == WISP_E_NO_SPACE && f->sent) {
        f->window = (uint32_t)f->sent;
        return -EAGAIN;
    }
    return result;
}

/* -EAGAIN: an answer has to be taken first. */
static int send_next(struct flight *f)
{
    const uint64_t place = f->sent % f->window;
    int result;

    insist(f->sent >= f->taken && f->sent - f->taken < f->window);
    result = f->requests[place] ? 0 : make_request(f);
    if (!result)
        result = f->work->fill(f->work->user, f->sent, f->requests[place]);
    if (!result)
        result = wisp_submit(f->requests[place]);
    if (result == WISP_E_BUSY && f->sent > f->taken)
        return -EAGAIN; /* other threads have the rest of the entries; it is filled in anew */
    f->sent += !result;
    return result;
}

static uint32_t milliseconds_until(uint64_t deadline_ns)
{
    const uint64_t now = clock_ns();

    if (deadline_ns == UINT64_MAX)
        return UINT32_MAX;
    return deadline_ns > now ? (uint32_t)MIN((deadline_ns - now) / NS_PER_MS + 1, UINT32_MAX - 1) : 0;
}

static void add_timings(struct wisp_timings *sum, const struct wisp_timings *one)
{
    sum->queue_ns = MAX(sum->queue_ns, one->queue_ns);
    sum->compute_ns += one->compute_ns / MAX(one->batch, 1u);
    sum->batch = MAX(sum->batch, one->batch);
    sum->resubmitted += one->resubmitted;
}

static int take_next(struct flight *f)
{
    wisp_request *request = f->requests[f->taken % f->window];
    struct wisp_timings timings;
    const uint32_t patience = milliseconds_until(wisp_private_answer_by(f->client));
    int result = wisp_wait(request, patience);

    insist(f->taken < f->sent);
    if (result == WISP_E_TIMEOUT)
        return refuse(wisp_private_last_error(), result, "no answer within the %u ms of answer_ms", patience);
    if (result)
        return result;
    wisp_request_timings(request, &timings);
    add_timings(&f->timings, &timings);
    result = f->work->take(f->work->user, f->taken, request);
    f->taken += !result;
    return result;
}

static int run(struct flight *f, const struct wisp_process_options *options)
{
    int result = 0;

    while (!result && f->taken < f->work->count) {
        while (!result && f->sent < f->work->count && f->sent - f->taken < f->window)
            result = send_next(f);
        if (result && result != -EAGAIN)
            return result;
        result = take_next(f);
        if (!result && options->progress)
            options->progress(options->progress_user, f->taken, f->work->count);
    }
    return result;
}

int flight_run(wisp_client *client, const wisp_model *model, const struct flight_work *work,
               const struct wisp_process_options *options, struct wisp_timings *timings)
{
    struct flight f = { .client = client, .model = model, .work = work };
    const uint64_t begun = clock_ns();
    int result;

    f.window = (uint32_t)MIN((uint64_t)(options->under_way ? MIN(options->under_way, UNDER_WAY) : UNDER_WAY),
                             MAX(work->count, (uint64_t)1));
    insist(f.window > 0 && f.window <= UNDER_WAY, "%u", f.window);
    result = run(&f, options);
    for (uint32_t i = 0; i < UNDER_WAY; i++)
        wisp_request_free(f.requests[i]);
    insist(result || f.taken == work->count);
    f.timings.total_ns = clock_ns() - begun;
    if (timings)
        *timings = f.timings;
    return result;
}
