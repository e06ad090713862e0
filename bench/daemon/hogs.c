/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "hogs.h"
#include "libipc/wake.h"
#include "raw.h"
#include "server.h"

enum { ENTRIES = 64, CONNECTORS = 4, SLEEPERS = 4000, SLEEPER_STACK = 16384, NAP_US = 300 };

static bool goes_on(struct hog_stage *stage)
{
    /* Pairs with the store in hog_stop(). */
    return !__atomic_load_n(&stage->stop, __ATOMIC_ACQUIRE);
}

static void is_ready(struct hog_stage *stage)
{
    /* Pairs with the load in hog_start(). */
    __atomic_store_n(&stage->ready, 1, __ATOMIC_RELEASE);
}

static void count(struct hog_stage *stage, uint64_t more)
{
    __atomic_fetch_add(&stage->done, more, __ATOMIC_RELAXED);
}

/* As many of its channels as it gets; 0 after saying why there is none. */
static uint32_t open_all(struct raw **out, const struct hog_setup *setup, uint32_t entries, uint64_t input_bytes,
                         uint64_t output_bytes)
{
    struct raw *raws = calloc(setup->channels, sizeof *raws);
    uint32_t opened = 0;
    int result = 0;

    while (raws && opened < setup->channels && !result) {
        result = raw_open(&raws[opened], setup->socket, entries, input_bytes, output_bytes);
        opened += !result;
    }
    if (!opened)
        fprintf(stderr, "bench: a hog gets no channel: %d\n", result);
    *out = raws;
    return opened;
}

/* ---- one that wants all ---- */

/* Whether anything was reaped or asked. */
static bool keep_full(struct raw *raw, const struct wire_submission *ask, struct hog_stage *stage)
{
    struct wire_completion completion;
    bool sent = false, reaped = false;

    while (reap_ring_take(&raw->reap, &completion)) {
        reaped = true;
        if (!completion.status)
            count(stage, ask->rows);
    }
    while (submit_ring_push(&raw->submit, ask))
        sent = true;
    if (sent)
        wake_daemon(raw->theirs, raw->eventfd);
    return sent || reaped;
}

int hog_flood(const struct hog_setup *setup, struct hog_stage *stage)
{
    const uint64_t in = setup->rows * setup->input_bytes, out = setup->rows * setup->output_bytes;
    struct wire_submission ask = { .op = WIRE_OP_INFER, .rows = setup->rows, .in_length = in, .out_length = out };
    struct raw *raws;
    const uint32_t opened = open_all(&raws, setup, ENTRIES, in, out);
    int64_t route = opened ? raw_route(&raws[0], setup->model) : -1;

    if (route < 0)
        return 1;
    ask.route = (uint32_t)route;
    is_ready(stage);
    while (goes_on(stage)) {
        bool worked = false;

        for (uint32_t i = 0; i < opened; i++)
            worked |= keep_full(&raws[i], &ask, stage);
        if (!worked)
            usleep(NAP_US);
    }
    return 0;
}

/* ---- one that asks ---- */

int hog_questions(const struct hog_setup *setup, struct hog_stage *stage)
{
    static char answer[MESSAGE_MAX];
    struct raw *raws;
    const uint32_t opened = open_all(&raws, setup, 4, 0, 0);

    if (!opened)
        return 1;
    is_ready(stage);
    while (goes_on(stage)) {
        for (uint32_t i = 0; i < opened; i++) {
            while (raw_ask(&raws[i], setup->model))
                continue;
            while (recv(raws[i].socket, answer, sizeof answer, MSG_DONTWAIT) > 0)
                count(stage, 1);
        }
        usleep(NAP_US);
    }
    return 0;
}

/* ---- one that connects ---- */

struct connector {
    const struct hog_setup *setup;
    struct hog_stage *stage;
};

static void *connect_and_close(void *argument)
{
    const struct connector *connector = argument;
    struct raw *raw = calloc(1, sizeof *raw);

    while (raw && goes_on(connector->stage)) {
        if (raw_open(raw, connector->setup->socket, 4, 0, 0))
            continue;
        raw_close(raw);
        count(connector->stage, 1);
    }
    free(raw);
    return NULL;
}

int hog_connections(const struct hog_setup *setup, struct hog_stage *stage)
{
    struct connector connector = { setup, stage };
    pthread_t threads[CONNECTORS];

    for (unsigned i = 0; i < CONNECTORS; i++) {
        if (pthread_create(&threads[i], NULL, connect_and_close, &connector))
            return 1;
    }
    is_ready(stage);
    for (unsigned i = 0; i < CONNECTORS; i++)
        pthread_join(threads[i], NULL);
    return 0;
}

/* ---- one that breaks what it can ---- */

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* A while of it; the daemon may close the channel meanwhile. */
static void scribble(struct raw *raw, uint32_t *state)
{
    uint32_t *words = raw->request.address;
    const uint32_t ring = sizeof(struct wire_client_control) / 4 + ENTRIES * sizeof(struct wire_submission) / 4;

    for (unsigned i = 0; i < 20000; i++) {
        __atomic_store_n(&words[next_random(state) % ring], next_random(state), __ATOMIC_RELAXED);
        if (i % 100)
            continue;
        (void)!write(raw->eventfd, &(uint64_t){ 1 }, sizeof(uint64_t));
        (void)!fallocate(raw->request.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)raw->request.size);
    }
}

int hog_hostile(const struct hog_setup *setup, struct hog_stage *stage)
{
    uint32_t state = 2463534242;
    struct raw *raw = calloc(1, sizeof *raw);

    if (!raw)
        return 1;
    is_ready(stage);
    while (goes_on(stage)) {
        if (raw_open(raw, setup->socket, ENTRIES, 0, 0)) {
            usleep(NAP_US);
            continue;
        }
        scribble(raw, &state);
        raw_close(raw);
        count(stage, 1);
    }
    return 0;
}

/* ---- one with many that sleep ---- */

static void *sleep_on_it(void *argument)
{
    const struct raw *raw = argument;

    for (;;) {
        /* Pairs with the daemon's increment: the value to sleep on. */
        uint32_t seen = __atomic_load_n(&raw->theirs->cq_futex, __ATOMIC_ACQUIRE);

        wake_client_sleep(raw->theirs, seen, UINT64_MAX);
    }
    return NULL;
}

int hog_sleepers(const struct hog_setup *setup, struct hog_stage *stage)
{
    static struct raw raw;
    const struct wire_submission nop = { .op = WIRE_OP_NOP };
    struct wire_completion completion;
    pthread_attr_t attributes;
    pthread_t thread;

    if (raw_open(&raw, setup->socket, ENTRIES, 0, 0))
        return 1;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SLEEPER_STACK);
    for (unsigned i = 0; i < SLEEPERS && !pthread_create(&thread, &attributes, sleep_on_it, &raw); i++)
        continue;
    wake_client_arm(raw.ours, raw.theirs, WIRE_WAIT_FUTEX);
    is_ready(stage);
    while (goes_on(stage)) {
        if (submit_ring_push(&raw.submit, &nop))
            wake_daemon(raw.theirs, raw.eventfd);
        while (reap_ring_take(&raw.reap, &completion))
            count(stage, 1);
        sched_yield();
    }
    _exit(0); /* without the others */
}

/* ---- beginning and end ---- */

static int run(hog_function *function, const struct hog_setup *setup, struct hog_stage *stage)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    /* Whoever is measured shares the core with it: what is to be seen is the daemon, not the scheduler of the system.
     */
    if (pin_to(setup->core) || setpriority(PRIO_PROCESS, 0, 19) || setresuid(setup->uid, setup->uid, setup->uid)) {
        perror("bench: another user");
        return 1;
    }
    return function(setup, stage);
}

int hog_start(struct hog *hog, hog_function *function, const struct hog_setup *setup)
{
    *hog = (struct hog){ 0 };
    hog->stage = mmap(NULL, sizeof *hog->stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (hog->stage == MAP_FAILED) {
        perror("bench: mmap");
        hog->stage = NULL;
        return -1;
    }
    hog->pid = fork();
    if (!hog->pid)
        _exit(run(function, setup, hog->stage));
    /* Pairs with the store in is_ready(). */
    while (hog->pid > 0 && !__atomic_load_n(&hog->stage->ready, __ATOMIC_ACQUIRE)) {
        if (waitpid(hog->pid, NULL, WNOHANG))
            hog->pid = 0;
        usleep(1000);
    }
    if (hog->pid > 0)
        return 0;
    fprintf(stderr, "bench: a hog did not start\n");
    hog_stop(hog);
    return -1;
}

uint64_t hog_done(const struct hog *hog)
{
    return __atomic_load_n(&hog->stage->done, __ATOMIC_RELAXED);
}

void hog_stop(struct hog *hog)
{
    if (!hog->stage)
        return;
    __atomic_store_n(&hog->stage->stop, 1, __ATOMIC_RELEASE);
    if (hog->pid > 0)
        waitpid(hog->pid, NULL, 0);
    munmap(hog->stage, sizeof *hog->stage);
    *hog = (struct hog){ 0 };
}
