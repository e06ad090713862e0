/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/insist.h"
#include "client/buffer.h"
#include "client/deadline.h"
#include "client/request.h"
#include "client/times.h"

int requests_init(struct request_table *table, const struct wire_layout *layout)
{
    int result;

    insist(!table->slots && !table->first);
    table->slots = calloc(layout->entries ? layout->entries : 1, sizeof *table->slots);
    if (!table->slots)
        return -ENOMEM;
    table->entries = layout->entries;
    for (uint32_t i = 0; i < layout->entries; i++)
        table->slots[i].next_free = i + 1;
    result = arena_init(&table->input, layout->request_arena);
    return result ? result : arena_init(&table->output, layout->response_arena);
}

void requests_deinit(struct request_table *table)
{
    insist(!table->first);
    arena_deinit(&table->input);
    arena_deinit(&table->output);
    free(table->spare);
    free(table->slots);
    *table = (struct request_table){ .slots = NULL };
}

struct wisp_request *request_make(struct request_table *table, struct wisp_client *client, struct session *session)
{
    struct wisp_request *request = table->spare ? table->spare : malloc(sizeof *request);

    if (!request)
        return NULL;
    table->spare = NULL;
    *request = (struct wisp_request){ .client = client, .table = table };
    request->session = session_hold(session);
    request->next = table->first;
    if (request->next)
        request->next->previous = request;
    table->first = request;
    return request;
}

int request_take_places(struct request_table *table, struct wisp_request *request)
{
    insist(!request->placed && request_state(request) == REQUEST_IDLE);
    int result = request->buffer ? 0 : arena_take(&table->input, request->in_length, &request->in_offset);

    if (result)
        return result;
    result = arena_take(&table->output, request->out_length, &request->out_offset);
    if (result && !request->buffer)
        arena_give(&table->input, request->in_offset, request->in_length);
    request->placed = !result;
    return result;
}

unsigned char *request_place(const struct wisp_request *request)
{
    const struct wisp_buffer *buffer = request->buffer;

    if (!buffer)
        return session_input(request->session) + request->in_offset;
    return buffer->address ? buffer->address + request->in_offset : NULL;
}

/* ---- those that are to be handed out ---- */

static void list_done(struct wisp_request *request)
{
    struct request_table *table = request->table;
    struct done_list *list = request->callback ? &table->calls : &table->done;

    insist(!request->list && request_state(request) == REQUEST_DONE);
    insist(!list->first == !list->last);
    request->done_before = list->last;
    request->done_after = NULL;
    *(list->last ? &list->last->done_after : &list->first) = request;
    list->last = request;
    request->list = list;
}

void request_unlist(struct wisp_request *request)
{
    struct done_list *list = request->list;

    if (!list)
        return;
    insist((request->done_before ? request->done_before->done_after : list->first) == request);
    insist((request->done_after ? request->done_after->done_before : list->last) == request);
    *(request->done_before ? &request->done_before->done_after : &list->first) = request->done_after;
    *(request->done_after ? &request->done_after->done_before : &list->last) = request->done_before;
    request->list = NULL;
}

void request_remove(struct wisp_request *request)
{
    struct request_table *table = request->table;

    request_unlist(request);
    if (request->placed && !request->buffer)
        arena_give(&table->input, request->in_offset, request->in_length);
    if (request->placed)
        arena_give(&table->output, request->out_offset, request->out_length);
    if (request->buffer) {
        insist(request->buffer->requests > 0);
        request->buffer->requests--;
    }
    insist((request->previous ? request->previous->next : table->first) == request);
    if (request->previous)
        request->previous->next = request->next;
    else
        table->first = request->next;
    if (request->next)
        request->next->previous = request->previous;
    session_drop(request->session);
    if (request->binding || table->spare)
        free(request);
    else
        table->spare = request;
}

/* ---- slots ---- */

static bool slot_take(struct request_table *table, struct wisp_request *request)
{
    struct slot *slot;

    if (table->free_slot == table->entries)
        return false;
    request->slot = table->free_slot;
    slot = &table->slots[request->slot];
    insist_debug(table->free_slot < table->entries && !slot->request, "%u of %u", table->free_slot, table->entries);
    table->free_slot = slot->next_free;
    slot->request = request;
    slot->generation++;
    return true;
}

static void slot_give(struct request_table *table, const struct wisp_request *request)
{
    struct slot *slot = &table->slots[request->slot];

    insist_debug(slot->request == request);
    slot->request = NULL;
    slot->next_free = table->free_slot;
    table->free_slot = request->slot;
}

uint64_t request_number(const struct wisp_request *request)
{
    insist_debug(request->table->slots[request->slot].request == request);
    return (uint64_t)request->table->slots[request->slot].generation << 32 | request->slot;
}

struct wisp_request *request_by_number(const struct request_table *table, uint64_t number)
{
    uint32_t index = (uint32_t)number;
    const struct slot *slot = index < table->entries ? &table->slots[index] : NULL;

    if (!slot || !slot->request || slot->generation != number >> 32)
        return NULL;
    return request_state(slot->request) == REQUEST_SENT ? slot->request : NULL;
}

struct wisp_request *request_next(const struct request_table *table, uint32_t *slot, enum request_state state)
{
    while (*slot < table->entries) {
        struct wisp_request *request = table->slots[(*slot)++].request;

        if (request && request_state(request) == state)
            return request;
    }
    return NULL;
}

/* ---- states ---- */

void request_set(struct wisp_request *request, enum request_state state)
{
    struct request_table *table = request->table;
    enum request_state before = request_state(request);

    table->queued += (state == REQUEST_QUEUED) - (before == REQUEST_QUEUED);
    table->sent += (state == REQUEST_SENT) - (before == REQUEST_SENT);
    insist_debug(table->queued + table->sent <= table->entries, "%u, %u", table->queued, table->sent);
    __atomic_store_n(&request->state, (uint32_t)state, __ATOMIC_RELEASE);
}

bool request_queue(struct wisp_request *request)
{
    insist_debug(!request_under_way(request));
    if (!slot_take(request->table, request))
        return false;
    request_unlist(request);
    request_set(request, REQUEST_QUEUED);
    request->was_sent = request->cancelled = false;
    request->losses = 0;
    request->timings = (struct wisp_timings){ 0 };
    request->wake_ns = 0;
    request->submitted_ns = clock_ns();
    return true;
}

void request_lose(struct wisp_request *request)
{
    insist(request_state(request) == REQUEST_SENT && request->losses < LOSSES_MAX, "%u", request->losses);
    request_set(request, REQUEST_QUEUED);
    request->table->suspects += ++request->losses == SUSPICIONS;
}

bool request_finish(struct wisp_request *request, int status, const struct wire_completion *completion)
{
    struct request_table *table = request->table;

    insist_debug(request_under_way(request));
    insist_debug(table->suspects >= (request->losses >= SUSPICIONS) && table->owed >= request->owed);
    slot_give(table, request);
    table->suspects -= request->losses >= SUSPICIONS;
    table->owed -= request->owed;
    request->owed = false;
    if (request->abandoned) {
        request_set(request, REQUEST_IDLE);
        request_remove(request);
        return false;
    }
    request->status = status;
    request->timings.total_ns = clock_ns() - request->submitted_ns;
    request->cause = completion ? completion->cause : WIRE_CAUSE_NONE;
    if (completion) {
        memcpy(request->where, completion->where, sizeof request->where);
        request->wake_ns = times_take(&request->timings, request->submitted_ns, completion);
    }
    request_set(request, REQUEST_DONE);
    if (request->noted)
        list_done(request);
    return true;
}

uint64_t request_deadline(const struct wisp_request *request)
{
    return request->deadline_us ? request->submitted_ns + request->deadline_us * NS_PER_US : FOREVER;
}
