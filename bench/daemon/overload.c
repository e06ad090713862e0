/* SPDX-License-Identifier: Apache-2.0
 *
 * One process with several channels, which looks at all of them all the time; a request's user_data says when it was
 * asked.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/size.h"
#include "libipc/wake.h"
#include "overload.h"
#include "raw.h"

enum { ENTRIES = 64, SAMPLES = 1 << 22, LATE_US = 1000 };

struct load {
    struct raw *raws;
    uint32_t count, next, deadline_us;
    struct wire_submission ask;
};

int overload_init(struct overload *overload)
{
    *overload = (struct overload){ .deadline_us = 20000 };
    return samples_init(&overload->refusals, SAMPLES) || samples_init(&overload->answers, SAMPLES) ? -1 : 0;
}

void overload_deinit(struct overload *overload)
{
    samples_deinit(&overload->refusals);
    samples_deinit(&overload->answers);
}

/* One more, if its channel has room; false: it has none. */
static bool ask(struct load *load, uint64_t now)
{
    struct raw *raw = &load->raws[load->next];

    load->next = load->next + 1 < load->count ? load->next + 1 : 0;
    load->ask.user_data = now;
    if (load->ask.flags & WIRE_FLAG_UNTIL)
        load->ask.deadline_us = (uint32_t)(now / NS_PER_US) + load->deadline_us;
    if (!submit_ring_push(&raw->submit, &load->ask))
        return false;
    wake_daemon(raw->theirs, raw->eventfd);
    return true;
}

static void count(struct overload *overload, const struct wire_completion *completion, uint64_t now)
{
    const uint64_t took = now - completion->user_data;

    overload->late += took > ((uint64_t)overload->deadline_us + LATE_US) * NS_PER_US;
    if (completion->status) {
        overload->refused++;
        samples_add(&overload->refusals, took);
    } else {
        overload->good++;
        samples_add(&overload->answers, took);
    }
}

static uint64_t reap(const struct load *load, struct overload *overload)
{
    struct wire_completion completion;
    uint64_t done = 0;

    for (uint32_t i = 0; i < load->count; i++) {
        while (reap_ring_take(&load->raws[i].reap, &completion)) {
            done++;
            if (overload)
                count(overload, &completion, clock_ns());
        }
    }
    return done;
}

static void drain(const struct load *load)
{
    const uint64_t end = clock_ns() + 200 * NS_PER_MS;

    while (clock_ns() < end)
        reap(load, NULL);
}

/* Of another process; 0 where that cannot be known. */
static uint64_t cpu_ns(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
        return 0;
    return (uint64_t)used.tv_sec * NS_PER_S + (uint64_t)used.tv_nsec;
}

/* As many as rings have room for. */
static void close_loop(struct load *load, struct overload *overload, pid_t daemon, uint64_t ns)
{
    const uint64_t begin = clock_ns(), cpu = cpu_ns(daemon);
    uint64_t now = begin;

    load->ask.deadline_us = 0;
    load->ask.flags = 0;
    for (; now < begin + ns; now = clock_ns()) {
        for (uint32_t i = 0; i < load->count * ENTRIES && ask(load, now); i++)
            continue;
        overload->peak += reap(load, NULL);
    }
    overload->peak_ns += now - begin;
    overload->peak_cpu_ns += cpu_ns(daemon) - cpu;
    drain(load);
}

static void open_loop(struct load *load, struct overload *overload, double per_ns, uint64_t ns)
{
    const uint64_t begin = clock_ns();
    uint64_t offered = 0;

    load->ask.flags = WIRE_FLAG_UNTIL;
    for (uint64_t now = begin; now < begin + ns; now = clock_ns()) {
        uint64_t due = (uint64_t)((double)(now - begin) * per_ns);

        for (; offered < due; offered++) {
            overload->untaken += !ask(load, now);
            if (!(offered % 16))
                reap(load, overload);
        }
        reap(load, overload);
    }
    overload->offered += offered;
    overload->open_ns += clock_ns() - begin;
    drain(load);
}

int overload_measure(struct overload *overload, const struct hog_setup *setup, pid_t daemon, double times, uint64_t ns)
{
    struct load load = {
        .raws = calloc(setup->channels, sizeof *load.raws),
        .deadline_us = overload->deadline_us,
        .ask = { .op = WIRE_OP_INFER, .rows = 1, .in_length = setup->input_bytes, .out_length = setup->output_bytes }
    };
    int64_t route = -1;

    while (load.raws && load.count < setup->channels && !raw_open(&load.raws[load.count], setup->socket, ENTRIES, 0, 0))
        load.count++;
    if (load.count)
        route = raw_route(&load.raws[0], setup->model);
    if (route >= 0) {
        load.ask.route = (uint32_t)route;
        close_loop(&load, overload, daemon, ns);
        open_loop(&load, overload, times * (double)overload->peak / (double)overload->peak_ns, ns);
    } else {
        fprintf(stderr, "bench: the overload gets no channel\n");
    }
    for (uint32_t i = 0; i < load.count; i++)
        raw_close(&load.raws[i]);
    free(load.raws);
    return route >= 0 ? 0 : -1;
}
