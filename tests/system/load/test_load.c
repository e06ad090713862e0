/* SPDX-License-Identifier: Apache-2.0
 *
 * Right under load: 256 connections, of which 64 ask at a time, in turn; requests of several models and of one sample
 * to many, four under way on each connection. Every answer is compared, to the bit, with what the scalar kernels make
 * of its input. WISP_LOAD_REQUESTS says how many.
 */
#include "support/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"
#include "base/size.h"
#include "support/both_loops.h"
#include "support/repetition.h"
#include "system/alpha.h"

enum {
    CONNECTIONS = 256,
    ASKING = 64,
    UNDER_WAY = 4,   /* on each connection that asks */
    TURN = 500,      /* answers, and the next connection asks in place of the longest asking */
    ROWS_MAX = 16,   /* of a request */
    POOL = 300,      /* samples of each model */
    SLOT = 1 << 16,  /* bytes of a request's samples, at most */
    PIECE = 5000,    /* requests between two notes of how far it is */
    WAIT_MS = 60000, /* for any answer at all */
};

static const struct model_recipe recipes[] = {
    { .name = "narrow", .processing = "image.classification", .sizes = { 64, 50, 7 }, .density = 0.3, .seed = 3 },
    { .name = "deep",
      .processing = "image.classification",
      .sizes = { 96, 120, 70, 33, 10 },
      .density = 0.2,
      .seed = 5 },
    { .name = "wide", .processing = "image.classification", .sizes = { 784, 300, 100, 10 }, .density = 0.1, .seed = 9 },
};

/* A model, and what it makes of samples that are computed once. Both arrays hold the first ROWS_MAX samples again at
 * the end, so that a request may begin at any of POOL. */
static struct subject {
    uint32_t route;
    size_t inputs, outputs;
    float *input, *output;
} subjects[ARRAY_SIZE(recipes)];

static struct connection {
    struct raw_client client;
    struct asked {
        const struct subject *subject; /* NULL: none is under way here */
        uint32_t first, rows;
    } asked[UNDER_WAY];
} connections[CONNECTIONS];

static struct {
    uint64_t asked, answered, samples, of_model[ARRAY_SIZE(recipes)], of_connection[CONNECTIONS];
} counted;

static struct rng rng;

/* ---- set-up ---- */

static void subject_make(struct subject *subject, const char *path)
{
    struct reference *reference = reference_new(path);
    const size_t rows = POOL + ROWS_MAX;

    subject->inputs = reference_inputs(reference);
    subject->outputs = reference_outputs(reference);
    subject->input = calloc(rows * subject->inputs, sizeof *subject->input);
    subject->output = calloc(rows * subject->outputs, sizeof *subject->output);
    assert_non_null(subject->input);
    assert_non_null(subject->output);
    floats_make(subject->input, POOL * subject->inputs, 77, (uint64_t)(subject - subjects));
    memcpy(subject->input + POOL * subject->inputs, subject->input, ROWS_MAX * subject->inputs * sizeof(float));
    reference_run(reference, subject->input, rows, subject->output);
    reference_free(reference);
}

static int begin(void **state)
{
    const char *models[ARRAY_SIZE(recipes)];
    static char paths[ARRAY_SIZE(recipes)][256];

    bed_make(state);
    for (size_t i = 0; i < ARRAY_SIZE(recipes); i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s.safetensors", bed.folder, recipes[i].name);
        model_make(paths[i], &recipes[i]);
        subject_make(&subjects[i], paths[i]);
        models[i] = paths[i];
    }
    daemon_start(
        &bed.daemon,
        &(struct daemon_setup){ .models = models,
                                .model_count = ARRAY_SIZE(recipes),
                                .yaml = "limits:\n  channels: 256\n  channels_per_user: 256\n  memory_per_user: 1GiB\n",
                                .loop = loop_now,
                                .level = "info" });
    return 0;
}

static int end(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
        free(subjects[i].input);
        free(subjects[i].output);
    }
    bed_remove(state);
    return daemon_stop(&bed.daemon);
}

static void connect_all(void)
{
    const struct wire_hello hello = raw_hello(8, (uint64_t)UNDER_WAY * SLOT);

    for (int i = 0; i < CONNECTIONS; i++)
        assert_int_equal(raw_open(&connections[i].client, bed.daemon.socket, &hello), 0);
    for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
        subjects[i].route = raw_route(&connections[0].client, recipes[i].name);
}

/* ---- asking ---- */

/* Mostly one sample or a few. */
static uint32_t draw_rows(const struct subject *subject)
{
    const uint32_t most = (uint32_t)MIN((size_t)ROWS_MAX, SLOT / (subject->inputs * sizeof(float)));

    return 1 + (uint32_t)rng_below(&rng, rng_below(&rng, 4) ? 3 : most);
}

static bool ask(struct connection *connection, uint32_t at)
{
    struct asked *asked = &connection->asked[at];
    const struct subject *subject = &subjects[rng_below(&rng, ARRAY_SIZE(subjects))];
    const uint32_t rows = draw_rows(subject), first = (uint32_t)rng_below(&rng, POOL);
    const size_t bytes = rows * subject->inputs * sizeof(float);
    struct wire_submission request = raw_infer(subject->route, rows, (uint64_t)at * SLOT, bytes, (uint64_t)at * SLOT,
                                               rows * subject->outputs * sizeof(float));

    memcpy((char *)connection->client.input + (size_t)at * SLOT, subject->input + first * subject->inputs, bytes);
    request.user_data = at;
    assert_true(raw_submit(&connection->client, &request));
    *asked = (struct asked){ subject, first, rows };
    counted.asked++;
    counted.samples += rows;
    counted.of_model[subject - subjects]++;
    return true;
}

static void check(struct connection *connection, const struct wire_completion *completion)
{
    struct asked *asked = &connection->asked[completion->user_data];
    const struct subject *subject = asked->subject;
    const size_t bytes = asked->rows * subject->outputs * sizeof(float);

    assert_int_equal(completion->status, 0);
    assert_int_equal(completion->out_length, bytes);
    assert_memory_equal((const char *)connection->client.output + completion->user_data * SLOT,
                        subject->output + asked->first * subject->outputs, bytes);
    asked->subject = NULL;
    counted.answered++;
    counted.of_connection[connection - connections]++;
}

static bool reap(struct connection *connection)
{
    struct wire_completion completion;
    bool any = false;

    for (; reap_ring_take(&connection->client.reap, &completion); any = true) {
        assert_true(completion.user_data < UNDER_WAY && connection->asked[completion.user_data].subject);
        check(connection, &completion);
    }
    return any;
}

/* Those that ask are a window over all of them, which goes on by one each TURN. */
static bool is_asking(uint64_t number)
{
    return (number + CONNECTIONS - counted.answered / TURN % CONNECTIONS) % CONNECTIONS < ASKING;
}

static bool look_at_all(uint64_t until)
{
    bool moved = false;

    for (int i = 0; i < CONNECTIONS; i++) {
        moved |= reap(&connections[i]);
        for (uint32_t at = 0; is_asking((uint64_t)i) && at < UNDER_WAY && counted.asked < until; at++)
            moved |= !connections[i].asked[at].subject && ask(&connections[i], at);
    }
    return moved;
}

static void every_answer_is_right(void **state)
{
    struct repetition requests = repetition_begin("WISP_LOAD_REQUESTS", 20000);
    const uint64_t begun = clock_ns();
    uint64_t last = begun;

    (void)state;
    rng = rng_make(21, 21 + requests.done);
    memset(&counted, 0, sizeof counted);
    connect_all();
    while (repetition_goes_on(&requests)) {
        const uint32_t piece = MIN(requests.all - requests.done, (unsigned)PIECE);

        for (const uint64_t until = counted.answered + piece; counted.answered < until;) {
            if (look_at_all(until))
                last = clock_ns();
            else
                usleep(50);
            assert_true(clock_ns() - last < WAIT_MS * NS_PER_MS);
        }
        repetition_note(&requests, piece);
    }
    print_message("%llu requests of %llu samples in %.1f s on %d connections: every answer right\n",
                  (unsigned long long)counted.answered, (unsigned long long)counted.samples,
                  (double)(clock_ns() - begun) / NS_PER_S, CONNECTIONS);
    for (size_t i = 0; i < ARRAY_SIZE(subjects) && counted.answered; i++)
        assert_true(counted.of_model[i] > 0);
    for (int i = 0; i < CONNECTIONS; i++)
        raw_close(&connections[i].client);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_answer_is_right) };

    return run_over_both_loops(tests, begin, end);
}
