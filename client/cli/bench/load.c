/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/cli/bench/load.h"
#include "client/cli/live/interrupt.h"

/* Below this nobody sleeps until the next is due: waking would be late. */
#define PRECISE_NS (200 * NS_PER_US)

enum { ALIGN = 64, DRAIN_MS = 10000 };

/* ---- requests ---- */

/* Blocks of tensors, each at the next multiple of 64 bytes (docs/protocol.md). */
static uint64_t block_bytes(const wisp_model *model, uint32_t rows, size_t count,
                            int (*tensor_of)(const wisp_model *, size_t, struct wisp_tensor *))
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        struct wisp_tensor tensor;

        if (!tensor_of(model, i, &tensor))
            bytes += ((uint64_t)rows * tensor.bytes + ALIGN - 1) / ALIGN * ALIGN;
    }
    return bytes;
}

void load_bytes(const wisp_model *model, const struct load_setup *setup, uint64_t *input, uint64_t *output)
{
    *input = setup->slots * block_bytes(model, setup->rows, wisp_model_input_count(model), wisp_model_input);
    *output = setup->slots * block_bytes(model, setup->rows, wisp_model_output_count(model), wisp_model_output);
}

/* Each request has those that follow the ones of the request before it. */
static void fill_from_samples(struct load *load, void *values, uint64_t bytes)
{
    for (uint32_t row = 0; row < load->setup->rows; row++) {
        const size_t sample = load->filled++ % load->setup->sample_count;

        memcpy((char *)values + row * bytes, (const char *)load->setup->samples + sample * bytes, bytes);
    }
}

static void fill_at_random(struct load *load, float *values, uint64_t elements)
{
    for (size_t k = 0; k < load->setup->rows * elements; k++)
        values[k] = rng_float(&load->rng);
}

/* Numbers from 0 to 1; of words and bytes the first, which every model has. */
static void fill(struct load *load, const wisp_model *model, wisp_request *request)
{
    for (size_t i = 0; i < wisp_model_input_count(model); i++) {
        struct wisp_tensor tensor;
        float *values = wisp_request_input_tensor(request, i);

        if (!values || wisp_model_input(model, i, &tensor))
            continue;
        memset(values, 0, load->setup->rows * tensor.bytes);
        if (load->setup->samples)
            fill_from_samples(load, values, tensor.bytes);
        else if (load->setup->zeros || tensor.dtype != WISP_FLOAT32)
            continue;
        else
            fill_at_random(load, values, tensor.elements);
    }
}

int load_init(struct load *load, wisp_client *client, const wisp_model *model, const struct load_setup *setup)
{
    insist(setup->slots > 0 && setup->rows > 0, "%u, %u", setup->slots, setup->rows);
    *load = (struct load){ .setup = setup, .rng = rng_make(1, 0) };
    load->slots = calloc(setup->slots, sizeof *load->slots);
    if (!load->slots)
        return -ENOMEM;
    for (uint32_t i = 0; i < setup->slots; i++) {
        int result = wisp_request_new(client, model, setup->rows, &load->slots[i].request);

        if (result)
            return result;
        wisp_request_set_deadline(load->slots[i].request, setup->deadline_us);
        fill(load, model, load->slots[i].request);
    }
    return 0;
}

void load_deinit(struct load *load)
{
    for (uint32_t i = 0; load->slots && i < load->setup->slots; i++)
        wisp_request_free(load->slots[i].request);
    free(load->slots);
    load->slots = NULL;
}

/* ---- one request ---- */

static int send_slot(struct load *load, struct slot *slot, uint64_t due_ns)
{
    int result;

    insist(!slot->under_way && load->under_way < load->setup->slots, "%u of %u", load->under_way, load->setup->slots);
    insist(load->left > 0);
    slot->due_ns = due_ns;
    slot->sent_ns = clock_ns();
    result = wisp_submit(slot->request);
    if (result)
        return result;
    load->left--;
    slot->turn = load->turns++;
    slot->under_way = true;
    load->under_way++;
    return 0;
}

/* `figures` NULL: nobody counts any more. */
static void take_answer(struct load *load, struct slot *slot, int status, struct figures *figures)
{
    struct wisp_timings timings;

    insist(slot->under_way && load->under_way > 0, "%u", load->under_way);
    insist(slot->sent_ns >= slot->due_ns); /* nothing is sent before it is due */
    slot->under_way = false;
    load->under_way--;
    if (status) {
        load->failed_status = status;
        snprintf(load->failed_text, sizeof load->failed_text, "%s", wisp_last_error());
    }
    if (!figures)
        return;
    if (status) {
        figures->failed++;
        return;
    }
    wisp_request_timings(slot->request, &timings);
    figures_add(figures, &(struct answer_times){ .latency_ns = slot->sent_ns - slot->due_ns + timings.total_ns,
                                                 .queue_ns = timings.queue_ns,
                                                 .compute_ns = timings.compute_ns,
                                                 .wake_ns = wisp_request_wake_ns(slot->request),
                                                 .batch = timings.batch });
}

/* Takes what has been answered; how many there were. */
static unsigned sweep(struct load *load, uint32_t slots, struct figures *figures)
{
    unsigned taken = 0;

    for (uint32_t i = 0; i < slots; i++) {
        int status;

        if (!load->slots[i].under_way)
            continue;
        status = wisp_poll(load->slots[i].request);
        if (status == -EAGAIN)
            continue;
        take_answer(load, &load->slots[i], status, figures);
        taken++;
    }
    return taken;
}

static struct slot *oldest(const struct load *load)
{
    struct slot *found = NULL;

    for (uint32_t i = 0; i < load->setup->slots; i++) {
        struct slot *slot = &load->slots[i];

        if (slot->under_way && (!found || slot->turn < found->turn))
            found = slot;
    }
    return found;
}

static struct slot *free_slot(const struct load *load, uint32_t slots)
{
    for (uint32_t i = 0; i < slots; i++) {
        if (!load->slots[i].under_way)
            return &load->slots[i];
    }
    return NULL;
}

/* `end_ns` of a run that is counted: never. */
static bool goes_on(const struct load *load, uint64_t end_ns)
{
    return clock_ns() < end_ns && !interrupt_came() && (load->left || load->under_way);
}

/* ---- closed loop ---- */

static int run_closed(struct load *load, uint32_t concurrency, uint64_t end_ns, struct figures *figures)
{
    insist(concurrency > 0 && concurrency <= load->setup->slots, "%u of %u", concurrency, load->setup->slots);
    while (goes_on(load, end_ns)) {
        struct slot *slot;

        while (load->left && load->under_way < concurrency && (slot = free_slot(load, concurrency))) {
            int result = send_slot(load, slot, clock_ns());

            if (result)
                return result;
            slot->due_ns = slot->sent_ns;
        }
        /* Waiting reaps the others, too, each at its time. */
        slot = oldest(load);
        if (slot && wisp_wait(slot->request, (uint32_t)(MIN(end_ns - MIN(end_ns, clock_ns()), NS_PER_S) / NS_PER_MS) +
                                                 1) == WISP_E_TIMEOUT)
            continue;
        sweep(load, load->setup->slots, figures);
    }
    return 0;
}

/* ---- open loop ---- */

static uint64_t gap_ns(struct load *load, double rate)
{
    const double mean = 1e9 / rate;

    insist(rate > 0);
    if (load->setup->arrivals == ARRIVALS_CONSTANT)
        return (uint64_t)mean;
    return (uint64_t)(-log(1 - rng_double(&load->rng)) * mean);
}

/* Until the next one is due, or the end, or an answer. */
static void wait_until(struct load *load, uint64_t until_ns, struct figures *figures)
{
    const uint64_t now = clock_ns();

    if (sweep(load, load->setup->slots, figures) || now >= until_ns)
        return;
    if (until_ns - now <= PRECISE_NS) {
        cpu_pause();
        return;
    }
    if (load->under_way) {
        struct slot *slot = oldest(load);

        insist(slot, "%u", load->under_way); /* whose counter and flags go together */
        if (until_ns - now > 2 * NS_PER_MS)
            (void)wisp_wait(slot->request, (uint32_t)((until_ns - now) / NS_PER_MS) - 1);
    } else {
        const struct timespec sleep = clock_timespec(until_ns - now - PRECISE_NS / 2);

        (void)nanosleep(&sleep, NULL);
    }
}

static int run_open(struct load *load, double rate, uint64_t end_ns, struct figures *figures)
{
    if (!load->next_ns)
        load->next_ns = clock_ns();
    while (goes_on(load, end_ns)) {
        const bool due = load->left && load->next_ns <= clock_ns();
        struct slot *slot = due ? free_slot(load, load->setup->slots) : NULL;
        int result;

        load->blocked |= due && !slot;
        if (!slot) {
            wait_until(load, MIN(MAX(load->next_ns, clock_ns() + 1), end_ns), figures);
            continue;
        }
        figures->delayed += load->blocked;
        load->blocked = false;
        result = send_slot(load, slot, load->next_ns);
        if (result)
            return result;
        load->next_ns += gap_ns(load, rate);
    }
    return 0;
}

int load_run(struct load *load, uint32_t concurrency, double rate, struct load_length length, struct figures *figures)
{
    const uint64_t begin = clock_ns(), end = length.requests ? UINT64_MAX : begin + length.ns;
    int result;

    if (length.requests)
        load_drain(load); /* whatever the run before has left is not counted in this one */
    load->left = length.requests ? length.requests : UINT64_MAX;
    figures_begin(figures);
    result = rate > 0 ? run_open(load, rate, end, figures) : run_closed(load, concurrency, end, figures);
    figures_end(figures, (double)(clock_ns() - begin) / 1e9);
    return result;
}

void load_drain(struct load *load)
{
    for (uint32_t i = 0; i < load->setup->slots; i++) {
        struct slot *slot = &load->slots[i];

        if (slot->under_way)
            take_answer(load, slot, wisp_wait(slot->request, DRAIN_MS), NULL);
    }
    insist(!load->under_way, "%u", load->under_way);
    load->next_ns = 0;
    load->blocked = false;
}
