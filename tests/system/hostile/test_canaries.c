/* SPDX-License-Identifier: Apache-2.0
 *
 * Two users at once, each with all of his memory full of words that are his alone: neither ever finds one of the
 * other's in what the daemon writes for him, in what it says, or in memory that is new.
 *
 *   WISP_CANARY_ROUNDS   how many rounds of twelve requests (60)
 */
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/size.h"
#include "support/both_loops.h"
#include "support/repetition.h"
#include "system/siege.h"

enum { ARENA = 1 << 16, MEMORY = 1 << 20, REQUESTS = 6, ROWS_MAX = 3, TEXTS_EVERY = 16, ANEW_EVERY = 20 };

/* What is sent: good, bad in one of two ways, and what may be given up. */
enum sort { GOOD, NOT_FINITE, WRONG_LENGTH, CANCELLED, LATE };

/* A user, and what is his alone: the upper half of each word of his input, a number that reads as a finite float; that
 * of his requests; his program's name, and a model's that he asks for. */
struct party {
    uid_t uid;
    uint32_t input, request;
    const char *name, *model;
    struct raw_client client;
    uint32_t route;
    char output[ARENA]; /* as it is to be */
    float expected[REQUESTS][ROWS_MAX * ALPHA_OUTPUTS];
    struct wire_submission requests[REQUESTS];
    enum sort sorts[REQUESTS];
};

static struct party parties[2] = {
    { .uid = 60001, .input = 0x3eca, .request = 0xca9a41e5, .name = "canary-one", .model = "canary-of-one" },
    { .uid = 60002, .input = 0xbe5b, .request = 0x5caf1e1d, .name = "canary-two", .model = "canary-of-two" },
};

static void *arena_of(const struct party *party)
{
    return party->client.input;
}

static void fill(const struct party *party, void *at, size_t bytes, uint64_t seed)
{
    uint32_t *words = at;

    for (size_t i = 0; i < bytes / 4; i++)
        words[i] = party->input << 16 | ((seed * 2654435761u + i * 40503u) & 0xffff);
}

/* ---- what is found ---- */

/* Two words of his input, one after the other, or a number of his requests. */
static void assert_nothing_of(const struct party *other, const void *memory, size_t bytes)
{
    const uint32_t *words = memory;

    for (size_t i = 0; i + 1 < bytes / 4; i++) {
        if (words[i] == other->request || (words[i] >> 16 == other->input && words[i + 1] >> 16 == other->input))
            fail_msg("byte %zu of what one user sees is another's", i * 4);
    }
}

static void assert_zeros(const void *memory, size_t bytes)
{
    const unsigned char *byte = memory;

    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(byte[i], 0);
}

/* No name, number or path of whoever is not asking, and no address. */
static void assert_says_nothing_of(const struct party *other, const char *text)
{
    char number[32];
    const char *never[] = {
        other->name, other->model, number, bed.folder, bed.daemon.folder, "memfd", "0x7f", "/proc"
    };

    snprintf(number, sizeof number, "\"uid\":%u", (unsigned)other->uid);
    for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
        if (strstr(text, never[i]))
            fail_msg("\"%s\" in what another user is told: %s", never[i], text);
    }
}

/* ---- coming ---- */

/* Memory that is new holds nothing; then all of it holds what is this user's. */
static void come(struct party *party)
{
    struct wire_hello hello = raw_hello(ALPHA_ENTRIES, ARENA);
    const struct wire_layout *layout = &party->client.layout;

    snprintf(hello.name, sizeof hello.name, "%s", party->name);
    assert_int_equal(seteuid(party->uid), 0);
    assert_int_equal(raw_open(&party->client, bed.daemon.socket, &hello), 0);
    assert_int_equal(seteuid(0), 0);
    assert_zeros(party->client.request.address, layout->request_size);
    assert_zeros((const char *)party->client.response.address + layout->ring_offset,
                 layout->response_size - layout->ring_offset);
    party->route = raw_route(&party->client, "alpha");
    memset(party->output, 0, sizeof party->output);
    fill(party, arena_of(party), ARENA, 1);
}

/* What is wrong with a hello is said to whoever said it. */
static void assert_refusals_say_nothing(const struct party *party, const struct party *other)
{
    struct wire_hello wrong[] = { raw_hello(16, 2 * MEMORY), raw_hello(16, ARENA), raw_hello(16, ARENA) };
    static struct raw_client client;

    wrong[1].abi_min = wrong[1].abi_max = WIRE_ABI_MAX + 1;
    wrong[2].features = wrong[2].features_needed = 1ull << 63;
    assert_int_equal(seteuid(party->uid), 0);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_true(raw_open(&client, bed.daemon.socket, &wrong[i]) > 0);
        assert_says_nothing_of(other, client.welcome.text);
    }
    assert_int_equal(seteuid(0), 0);
}

static void assert_texts_say_nothing(struct party *party, const struct party *other)
{
    const struct {
        enum wire_type type;
        const char *name;
    } asked[] = { { WIRE_LIST, NULL },   { WIRE_DESCRIBE, "alpha" }, { WIRE_DESCRIBE, party->model },
                  { WIRE_STATUS, NULL }, { WIRE_STATS, NULL },       { WIRE_CLIENTS, NULL },
                  { WIRE_RELOAD, NULL }, { WIRE_ROLLBACK, NULL } };
    char *text;

    for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
        raw_ask(&party->client, asked[i].type, asked[i].name, &text, NULL);
        assert_true(strlen(text) > 1);
        assert_says_nothing_of(other, text);
        /* … and of himself, where he asks who is there: so it is looked at the right place. */
        if (asked[i].type == WIRE_CLIENTS)
            assert_non_null(strstr(text, party->name));
        free(text);
    }
    assert_refusals_say_nothing(party, other);
}

/* ---- requests ---- */

/* Slots of the arenas, as alpha_request() has them. */
static void prepare(struct party *party, uint32_t at, uint64_t round)
{
    static const enum sort sorts[REQUESTS] = { GOOD, NOT_FINITE, GOOD, WRONG_LENGTH, CANCELLED, LATE };
    struct wire_submission *request = &party->requests[at];
    float *input = (float *)arena_of(party);

    party->sorts[at] = sorts[(at + round) % REQUESTS];
    *request = alpha_request(party->route, 1 + (uint32_t)(at + round) % ROWS_MAX, at);
    request->user_data = (uint64_t)party->request << 32 | at;
    input += request->in_offset / 4;
    fill(party, input, request->in_length, round * REQUESTS + at);
    reference_run(bed.reference, input, request->rows, party->expected[at]);
    if (party->sorts[at] == NOT_FINITE)
        input[request->in_length / 4 - 1] = NAN;
    if (party->sorts[at] == WRONG_LENGTH)
        request->out_length += 4;
    if (party->sorts[at] == LATE)
        request->deadline_us = 1;
}

static void submit(struct party *party, uint32_t at)
{
    struct wire_submission cancel = { .op = WIRE_OP_CANCEL, .user_data = party->requests[at].user_data };

    assert_true(raw_submit(&party->client, &party->requests[at]));
    if (party->sorts[at] == CANCELLED)
        assert_true(raw_submit(&party->client, &cancel));
}

/* What is given up is there, or what was there before is, word for word: where a request is run in parts, on a machine
 * that seems slow, one of its parts may be answered before another is given up, or found to be no numbers. */
static void take_given_up(struct party *party, uint32_t at)
{
    const struct wire_submission *request = &party->requests[at];
    const uint32_t *found = (const uint32_t *)party->client.output + request->out_offset / 4;
    const uint32_t *expected = (const uint32_t *)party->expected[at];
    uint32_t *before = (uint32_t *)(party->output + request->out_offset);

    for (size_t i = 0; i < request->out_length / 4; i++) {
        assert_true(found[i] == expected[i] || found[i] == before[i]);
        before[i] = found[i];
    }
}

static void take(struct party *party)
{
    static const int refusals[] = { [NOT_FINITE] = WISP_E_INVALID,
                                    [WRONG_LENGTH] = WISP_E_SHAPE,
                                    [CANCELLED] = WISP_E_CANCELLED,
                                    [LATE] = WISP_E_DEADLINE };
    struct wire_completion completion;
    uint32_t at;

    assert_true(raw_reap(&party->client, &completion, PATIENCE_MS));
    at = (uint32_t)completion.user_data;
    assert_int_equal(completion.user_data >> 32, party->request);
    assert_in_range(at, 0, REQUESTS - 1);
    assert_true(completion.status == refusals[party->sorts[at]] ||
                (completion.status == 0 && party->sorts[at] >= CANCELLED));
    if (!completion.status)
        memcpy(party->output + party->requests[at].out_offset, party->expected[at], party->requests[at].out_length);
    else if (party->sorts[at] != WRONG_LENGTH)
        take_given_up(party, at);
}

/* All that the daemon has written for this user. */
static void assert_sees_nothing_of(const struct party *party, const struct party *other)
{
    const struct region *response = &party->client.response;

    assert_memory_equal(party->client.output, party->output, ARENA);
    assert_nothing_of(other, response->address, party->client.layout.response_size);
}

/* ---- the test ---- */

static void nobody_sees_what_is_anothers(void **state)
{
    struct repetition rounds = repetition_begin("WISP_CANARY_ROUNDS", 60);

    (void)state;
    for (int i = 0; i < 2; i++)
        come(&parties[i]);
    for (; repetition_goes_on(&rounds); repetition_note(&rounds, 1)) {
        for (uint32_t at = 0; at < REQUESTS; at++) { /* side by side, so that they are run together */
            for (int i = 0; i < 2; i++)
                prepare(&parties[i], at, rounds.done + (unsigned)i);
        }
        for (uint32_t at = 0; at < REQUESTS; at++) {
            for (int i = 0; i < 2; i++)
                submit(&parties[i], at);
        }
        for (int k = 0; k < 2 * REQUESTS; k++)
            take(&parties[k % 2]);
        for (int i = 0; i < 2; i++) {
            assert_sees_nothing_of(&parties[i], &parties[!i]);
            if (rounds.done % TEXTS_EVERY == (unsigned)i)
                assert_texts_say_nothing(&parties[i], &parties[!i]);
        }
        if (rounds.done % ANEW_EVERY == 0) {
            struct party *goes = &parties[rounds.done / ANEW_EVERY % 2];

            raw_close(&goes->client);
            come(goes);
        }
    }
    for (int i = 0; i < 2; i++)
        raw_close(&parties[i].client);
}

static int setup(void **state)
{
    if (seteuid(0)) /* a test that failed may have been somebody */
        return -1;
    bed_make(state);
    /* Long enough for both users' requests to be run together. */
    bed_start("    batch:\n      max: 16\n      wait: 200us\n", "limits:\n  memory_per_user: 1MiB\n");
    return chmod(bed.daemon.folder, 0755);
}

static int teardown(void **state)
{
    bed_remove(state);
    return daemon_stop(&bed.daemon);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(nobody_sees_what_is_anothers) };

    if (geteuid()) {
        print_message("it takes root to be two users\n");
        return 77;
    }
    return run_over_both_loops(tests, setup, teardown);
}
