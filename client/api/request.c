/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests, for the program: made, freed, read, explained.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>

#include "base/export.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/api/request.h"
#include "client/ask.h"
#include "client/binding.h"
#include "client/deadline.h"
#include "client/engine.h"
#include "client/fork.h"
#include "client/last_error.h"
#include "client/model.h"
#include "client/reconnect.h"
#include "client/submit.h"

int request_check(const struct wisp_client *client)
{
    int result = client_check(client);

    if (!result && !client->requests.entries)
        result = last_error_set(WISP_E_INVALID,
                                "this client can only ask (entries is UINT32_MAX): connect another for requests");
    return result;
}

/* ---- making one ---- */

static int no_space(const struct wisp_client *client, const struct wisp_request *request, const char *name)
{
    return last_error_set(WISP_E_NO_SPACE,
                          "%" PRIu32 " samples of %s need %" PRIu64 " bytes for input and %" PRIu64
                          " for output, of which %" PRIu64 " and %" PRIu64
                          " are free in one piece: free requests, or connect with more input_bytes, output_bytes",
                          request->rows, name, request->in_length, request->out_length,
                          arena_largest(&client->requests.input), arena_largest(&client->requests.output));
}

static int take_places(struct wisp_client *client, struct wisp_request *request, const char *name)
{
    int result = request_take_places(&client->requests, request);

    if (result == -ENOSPC)
        return no_space(client, request, name);
    return result ? refuse_errno(last_error(), result, "a request of %s", name) : 0;
}

static int check_rows(uint32_t rows)
{
    if (!rows || rows > WIRE_ROWS_MAX)
        return last_error_set(WISP_E_INVALID, "a request of %" PRIu32 " samples: must be from 1 to %d", rows,
                              WIRE_ROWS_MAX);
    return 0;
}

static int refuse_rows(uint32_t rows, uint32_t max, const char *name)
{
    return last_error_set(WISP_E_INVALID,
                          "a request of %" PRIu32 " samples of %s: this wispd takes at most %" PRIu32
                          " (limits.rows in its configuration); make several of it",
                          rows, name, max);
}

/* What it is of, and where; a buffer is held with it. */
static void set_up(struct wisp_request *request, const wisp_model *model, struct binding *binding, uint32_t rows)
{
    request->binding = binding;
    request->rows = rows;
    request->input = model->inputs.block;
    request->output = model->outputs.block;
    request->simple_input = tensors_are_plain(&model->inputs);
    request->words_max = model->words_max;
    request->simple_output = tensors_are_plain(&model->outputs);
    request->in_length = wire_block_length(&request->input, rows);
    request->out_length = wire_block_length(&request->output, rows);
}

static int stand_in(struct wisp_request *request, wisp_buffer *buffer, uint64_t offset)
{
    if (offset % WIRE_ARENA_ALIGN)
        return last_error_set(WISP_E_INVALID, "an input at byte %" PRIu64 " of a buffer: must be a multiple of %d",
                              offset, WIRE_ARENA_ALIGN);
    if (!size_within(offset, request->in_length, buffer->size))
        return last_error_set(WISP_E_SHAPE,
                              "an input of %" PRIu64 " bytes at byte %" PRIu64 " reaches beyond its buffer of %" PRIu64
                              " bytes",
                              request->in_length, offset, buffer->size);
    if (request->buffer) {
        insist(request->buffer->requests > 0);
        request->buffer->requests--;
    }
    request->buffer = buffer;
    request->in_offset = offset;
    buffer->requests++;
    return 0;
}

static int make(wisp_client *client, struct wisp_request *request, const wisp_model *model, wisp_buffer *buffer,
                uint64_t offset)
{
    int result = 0;

    if (request->rows > request->binding->rows_max)
        return refuse_rows(request->rows, request->binding->rows_max, wisp_model_name(model));
    if (buffer)
        result = stand_in(request, buffer, offset);
    if (!result)
        result = take_places(client, request, wisp_model_name(model));
    if (result == WISP_E_NO_SPACE) { /* what was freed under way may have been answered */
        engine_poke(client, NULL);
        result = take_places(client, request, wisp_model_name(model));
    }
    return result;
}

WISP_EXPORT int wisp_request_new_in(wisp_client *client, const wisp_model *model, uint32_t rows, wisp_buffer *buffer,
                                    uint64_t offset, wisp_request **out)
{
    struct wisp_request *request;
    struct binding *binding;
    int result = request_check(client);

    *out = NULL;
    if (!result)
        result = check_rows(rows);
    if (!result && buffer && buffer->client != client)
        result = last_error_set(WISP_E_INVALID, "the buffer is another client's");
    if (!result)
        result = client_bind(client, model->asked, wisp_model_identity(model), &binding);
    if (result)
        return result;
    pthread_mutex_lock(&client->lock);
    request = request_make(&client->requests, client, client->session);
    if (request) {
        set_up(request, model, binding, rows);
        result = make(client, request, model, buffer, offset);
        if (result)
            request_remove(request);
        else
            *out = request;
    } else {
        result = refuse_errno(last_error(), -ENOMEM, "a request of %s", wisp_model_name(model));
    }
    pthread_mutex_unlock(&client->lock);
    return result;
}

WISP_EXPORT int wisp_request_new(wisp_client *client, const wisp_model *model, uint32_t rows, wisp_request **out)
{
    return wisp_request_new_in(client, model, rows, NULL, 0, out);
}

WISP_EXPORT int wisp_request_move(wisp_request *request, wisp_buffer *buffer, uint64_t offset)
{
    struct wisp_client *client = request->client;
    int result = 0;

    pthread_mutex_lock(&client->lock);
    if (!request->buffer || !buffer || buffer->client != client)
        result = last_error_set(WISP_E_INVALID,
                                "only a request of wisp_request_new_in() moves, and to a buffer of the same client");
    else if (request_under_way(request))
        result = last_error_set(WISP_E_INVALID, "the request is under way: wait for it first");
    else
        result = stand_in(request, buffer, offset);
    pthread_mutex_unlock(&client->lock);
    return result;
}

WISP_EXPORT wisp_request *wisp_request_free(wisp_request *request)
{
    struct wisp_client *client;

    /* An inherited one goes with its client. */
    if (!request || request->client->forks != fork_count())
        return NULL;
    client = request->client;
    pthread_mutex_lock(&client->lock);
    request_release(request);
    pthread_mutex_unlock(&client->lock);
    return NULL;
}

/* ---- what the program sees of it ---- */

/* `what` is "input" or "output". */
static void refuse_side(const struct wisp_request *request, const char *what)
{
    (void)last_error_set(WISP_E_SHAPE,
                         "%s has not just one %s of float32: wisp_request_%s_tensor() says where each of them is",
                         request->binding->name, what, what);
}

WISP_EXPORT float *wisp_request_input(wisp_request *request)
{
    unsigned char *place;

    if (!request->simple_input) {
        refuse_side(request, "input");
        return NULL;
    }
    place = request_place(request);
    if (!place)
        (void)last_error_set(WISP_E_INVALID, BUFFER_IS_ELSEWHERE);
    return (float *)(void *)place;
}

WISP_EXPORT const float *wisp_request_output(const wisp_request *request)
{
    if (!request->simple_output) {
        refuse_side(request, "output");
        return NULL;
    }
    return (const float *)(const void *)(session_output(request->session) + request->out_offset);
}

WISP_EXPORT void wisp_request_set_user(wisp_request *request, void *user)
{
    request->user = user;
}

WISP_EXPORT void *wisp_request_user(const wisp_request *request)
{
    return request->user;
}

WISP_EXPORT void wisp_request_set_noted(wisp_request *request, int noted)
{
    request->noted = noted || request->callback;
}

WISP_EXPORT void wisp_request_set_deadline(wisp_request *request, uint32_t microseconds)
{
    request->deadline_us = microseconds;
}

WISP_EXPORT int wisp_request_set_priority(wisp_request *request, enum wisp_priority priority)
{
    _Static_assert((int)WISP_PRIORITY_USUAL == WIRE_CLASS_USUAL && (int)WISP_PRIORITY_FIRST == WIRE_CLASS_FIRST &&
                       (int)WISP_PRIORITY_LAST == WIRE_CLASS_LAST,
                   "one number");
    if ((unsigned)priority > WISP_PRIORITY_LAST)
        return last_error_set(WISP_E_INVALID, "a priority of %u: there are 0, 1 and 2", (unsigned)priority);
    request->priority = (uint8_t)priority;
    return 0;
}

WISP_EXPORT void wisp_request_timings(const wisp_request *request, struct wisp_timings *timings)
{
    *timings = request->timings;
}

WISP_EXPORT uint64_t wisp_request_wake_ns(const wisp_request *request)
{
    return request->wake_ns;
}

/* The name that it had in 0.1.0. */
WISP_EXPORT void wisp_request_receipt(const wisp_request *request, struct wisp_timings *timings)
    __attribute__((alias("wisp_request_timings")));

/* The reason belongs to the client and may be changing. */
static int explain_lost(struct wisp_client *client)
{
    struct reason why;

    pthread_mutex_lock(&client->lock);
    why = client->lost_why;
    pthread_mutex_unlock(&client->lock);
    return last_error_set(WISP_E_LOST, "the connection to wispd was lost: %s", why.text);
}

static int explain_invalid(const struct wisp_request *request, const char *name)
{
    if (request->cause == WIRE_CAUSE_NOT_FINITE && request->input.count > 1)
        return last_error_set(WISP_E_INVALID,
                              "element %" PRIu32 " of sample %" PRIu32 " of input %" PRIu32
                              " (from 0) is NaN or infinite: inputs of %s must be finite numbers",
                              request->where[1], request->where[0], request->where[2], name);
    if (request->cause == WIRE_CAUSE_NOT_FINITE)
        return last_error_set(WISP_E_INVALID,
                              "element %" PRIu32 " of sample %" PRIu32
                              " is NaN or infinite: the input of %s must be finite numbers",
                              request->where[1], request->where[0], name);
    if (request->cause == WIRE_CAUSE_BEAM)
        return beam_explain(request, WISP_E_INVALID);
    if (request->cause == WIRE_CAUSE_ROWS)
        return refuse_rows(request->rows, request->where[0], name);
    return last_error_set(WISP_E_INVALID, "wispd takes a request of %" PRIu32 " samples of %s for malformed",
                          request->rows, name);
}

int request_explain(const struct wisp_request *request)
{
    const char *name = request->binding ? request->binding->name : "a ping";

    insist_debug(!request_under_way(request));
    if (request_state(request) == REQUEST_IDLE)
        return last_error_set(WISP_E_INVALID, "the request was not submitted");
    if (request->status && request->buffer && request->buffer->status == request->status)
        return last_error_set(request->status, "the new wispd does not take the buffer: %s", request->buffer->why.text);
    switch (request->status) {
    case 0:
        return 0;
    case WISP_E_DEADLINE:
        return last_error_set(WISP_E_DEADLINE, "the deadline of %" PRIu32 " us passed before the answer of %s",
                              request->deadline_us, name);
    case WISP_E_LOST:
        if (request->losses == LOSSES_MAX)
            return last_error_set(
                WISP_E_LOST,
                "wispd ended %d times while it had this request of %s: it is given up; see journalctl -u wispd",
                LOSSES_MAX, name);
        return explain_lost(request->client);
    case WISP_E_SHUTDOWN:
        return last_error_set(WISP_E_SHUTDOWN, "wispd is stopping, and reconnecting is off");
    case WISP_E_CANCELLED:
        return last_error_set(WISP_E_CANCELLED, "the request of %s was cancelled", name);
    case WISP_E_BUSY:
        return last_error_set(WISP_E_BUSY, "wispd has no room for a request of %s: try again", name);
    case WISP_E_INVALID:
        return explain_invalid(request, name);
    case WISP_E_VERSION:
        return beam_explain(request, WISP_E_VERSION);
    default:
        return request->binding ? binding_explain(request->binding, request->status)
                                : last_error_set(request->status, "a ping: %s", wisp_status_text(request->status));
    }
}
