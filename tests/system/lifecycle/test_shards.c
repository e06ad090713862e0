/* SPDX-License-Identifier: Apache-2.0
 *
 * Several shards: the same answers to the bit as one gives, channels on all of them, limits that hold on all together,
 * models that change under load, and threads that stay on their processors where they are told to.
 */
#include "support/test.h"

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/size.h"
#include "support/both_loops.h"
#include "support/process_threads.h"
#include "system/alpha.h"

enum { CLIENTS = 5, MANY = 32, SHARDS_MOST = 3 };

static struct raw_client clients[CLIENTS];

static void open_all(void)
{
    for (int i = 0; i < CLIENTS; i++)
        alpha_open(&clients[i], bed.daemon.socket);
}

static void close_all(void)
{
    for (int i = 0; i < CLIENTS; i++)
        raw_close(&clients[i]);
}

static json_t *ask(enum wire_type type)
{
    char *text = NULL;
    json_t *answer;

    assert_int_equal(raw_ask(&clients[0], type, NULL, &text, NULL), 0);
    answer = json_loads(text, 0, NULL);
    assert_non_null(answer);
    free(text);
    return answer;
}

static json_int_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void start(unsigned shards, const char *model_yaml, const char *more)
{
    char yaml[200];

    snprintf(yaml, sizeof yaml, "shards: %u\n%s", shards, more);
    bed_start(model_yaml, yaml);
}

/* What a client has under way until now is answered, and right. */
static void check_many(struct raw_client *client, uint32_t route, uint32_t count)
{
    const uint64_t until = clock_ns() + PATIENCE_MS * NS_PER_MS;
    struct wire_completion completion;

    for (uint32_t done = 0; done < count;) {
        struct wire_submission request;

        if (!reap_ring_take(&client->reap, &completion)) {
            assert_true(clock_ns() < until);
            sched_yield();
            continue;
        }
        assert_int_equal(completion.status, 0);
        request = alpha_request(route, 1, (uint32_t)completion.user_data);
        alpha_check(bed.reference, client, &request, 1);
        done++;
    }
}

/* How many threads compute; `look` is called with the status of each. */
static unsigned for_each_shard(void (*look)(const char *status, void *argument), void *argument)
{
    return process_threads(bed.daemon.pid, "wispd-shard\n", "status", look, argument);
}

/* ---- answers ---- */

/* Of the channels no shard has two more than another. */
static void check_spread(unsigned shards)
{
    unsigned channels[SHARDS_MOST] = { 0 }, fewest = CLIENTS, most = 0;
    json_t *answer = ask(WIRE_CLIENTS);
    const json_t *list = json_object_get(answer, "clients");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_int_t shard = number(json_array_get(list, i), "shard");

        assert_in_range(shard, 0, shards - 1);
        channels[shard]++;
    }
    json_decref(answer);
    for (unsigned i = 0; i < shards; i++) {
        fewest = MIN(fewest, channels[i]);
        most = MAX(most, channels[i]);
    }
    assert_in_range(most, fewest, fewest + 1);
}

/* Whoever computed them, all are counted: of the daemon, of the model, of the user. */
static void check_sums(unsigned shards, json_int_t requests)
{
    json_t *answer = ask(WIRE_STATS);
    const json_t *state = json_object_get(answer, "daemon");
    const json_t *model = json_array_get(json_object_get(answer, "models"), 0);
    const json_t *user = json_array_get(json_object_get(answer, "users"), 0);

    assert_int_equal(number(state, "shards"), shards);
    assert_int_equal(number(state, "requests"), requests);
    assert_int_equal(number(model, "requests"), requests);
    assert_int_equal(number(model, "samples"), requests);
    assert_int_equal(number(model, "under_way"), 0);
    assert_int_equal(number(json_object_get(model, "waited"), "count"), requests);
    assert_int_equal(number(user, "requests"), requests);
    assert_int_equal(number(user, "channels"), CLIENTS);
    json_decref(answer);
}

static void answers_are_the_same_on_any_number(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= SHARDS_MOST; shards++) {
        uint32_t route;

        start(shards, NULL, "");
        assert_int_equal(for_each_shard(NULL, NULL), shards);
        open_all();
        route = raw_route(&clients[0], "alpha");
        for (int i = 0; i < CLIENTS; i++)
            alpha_submit_many(&clients[i], route, MANY);
        for (int i = 0; i < CLIENTS; i++)
            check_many(&clients[i], route, MANY);
        check_spread(shards);
        check_sums(shards, (json_int_t)CLIENTS * MANY);
        close_all();
        assert_int_equal(daemon_stop(&bed.daemon), 0);
    }
}

/* ---- limits ---- */

/* Of all channels of a user no more are under way than he may have, but that each has one, whichever shards they are
 * on. They wait for company, so that what is under way can be seen. */
static void what_is_under_way_is_limited_on_all(void **state)
{
    enum { MOST = 4, EACH = 6 };
    const uint64_t until = clock_ns() + PATIENCE_MS * NS_PER_MS;
    json_int_t most = 0, answered = 0;
    uint32_t route;

    (void)state;
    start(2, "    batch: {wait: 50ms}\n", "limits: {under_way_per_user: 4}\n");
    open_all();
    route = raw_route(&clients[0], "alpha");
    for (int i = 0; i < CLIENTS; i++) {
        for (uint32_t k = 0; k < EACH; k++) {
            struct wire_submission request = alpha_request(route, 1, k);

            alpha_fill(&clients[i], &request, 1);
            assert_true(raw_submit(&clients[i], &request));
        }
    }
    while (answered < (json_int_t)CLIENTS * EACH) {
        json_t *answer = ask(WIRE_STATS);
        const json_t *user = json_array_get(json_object_get(answer, "users"), 0);

        assert_true(clock_ns() < until);
        most = MAX(most, number(user, "under_way"));
        answered = number(user, "requests");
        json_decref(answer);
        poll(NULL, 0, 2);
    }
    assert_in_range(most, MOST, MOST + CLIENTS - 1);
    for (int i = 0; i < CLIENTS; i++)
        check_many(&clients[i], route, EACH);
    close_all();
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* ---- models that change ---- */

enum { RELOADS = 12, ROUTES_MOST = 2 * RELOADS };

static struct reference *other_reference; /* of a model that takes alpha's place */

static struct reloads {
    struct raw_client client;
    uint32_t done; /* atomic: all of them */
} reloads;

static struct model_recipe recipe_of(bool other)
{
    struct model_recipe recipe = alpha_recipe;

    recipe.seed += other;
    return recipe;
}

/* Another model behind the same name, and back again. */
static void *reload_again_and_again(void *argument)
{
    (void)argument;
    for (int i = 0; i < RELOADS; i++) {
        const struct model_recipe recipe = recipe_of(i % 2 == 0);
        char *text = NULL;

        model_make(bed.alpha, &recipe);
        assert_int_equal(raw_ask(&reloads.client, WIRE_RELOAD, NULL, &text, NULL), 0);
        free(text);
    }
    /* Pairs with the acquire load of who asks for answers meanwhile. */
    __atomic_store_n(&reloads.done, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* Which model a number leads to, once an answer has shown it. */
static struct known {
    uint32_t route;
    struct reference *reference;
} known[ROUTES_MOST];

static bool answers_as(struct reference *reference, const struct raw_client *client,
                       const struct wire_submission *request)
{
    float input[ALPHA_INPUTS], want[ALPHA_OUTPUTS];

    floats_make(input, ALPHA_INPUTS, 5, request->user_data);
    reference_run(reference, input, 1, want);
    return !memcmp(client->output + request->out_offset / 4, want, sizeof want);
}

/* The model that its number has always led to. */
static void check_model(const struct raw_client *client, const struct wire_submission *request)
{
    struct known *entry = known;

    while (entry->route && entry->route != request->route)
        entry++;
    assert_true(entry < known + ROUTES_MOST - 1);
    if (!entry->route)
        *entry = (struct known){ request->route,
                                 answers_as(bed.reference, client, request) ? bed.reference : other_reference };
    assert_true(answers_as(entry->reference, client, request));
}

/* How many were answered: one, or none because the number leads nowhere any more. */
static unsigned run_and_check(struct raw_client *client, uint32_t *route, uint32_t round)
{
    struct wire_submission request = alpha_request(*route, 1, round % MANY);
    struct wire_completion completion;
    int status;

    alpha_fill(client, &request, 5);
    status = raw_run(client, &request, &completion);
    if (status == WISP_E_CHANGED || status == WISP_E_NO_MODEL) {
        *route = raw_route(client, "alpha");
        return 0;
    }
    assert_int_equal(status, 0);
    check_model(client, &request);
    return 1;
}

static void models_change_on_all_shards(void **state)
{
    const struct model_recipe recipe = recipe_of(true);
    struct wire_hello hello = raw_hello(WIRE_ENTRIES_NONE, 0);
    const char *path = scratch_path(bed.folder, "other.safetensors");
    uint32_t routes[CLIENTS], rounds = 0, answered = 0;
    pthread_t thread;

    (void)state;
    memset(known, 0, sizeof known);
    model_make(path, &recipe);
    other_reference = reference_new(path);
    start(2, NULL, "");
    open_all();
    reloads.done = 0;
    hello.features_needed = WIRE_FEATURE_ASKING | WIRE_FEATURE_RELOAD;
    assert_int_equal(raw_greet(&reloads.client, bed.daemon.socket, &hello), 0);
    for (int i = 0; i < CLIENTS; i++)
        routes[i] = raw_route(&clients[i], "alpha");
    assert_int_equal(pthread_create(&thread, NULL, reload_again_and_again, NULL), 0);
    while (!__atomic_load_n(&reloads.done, __ATOMIC_ACQUIRE)) {
        for (int i = 0; i < CLIENTS; i++)
            answered += run_and_check(&clients[i], &routes[i], rounds);
        rounds++;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(answered >= RELOADS);
    raw_close(&reloads.client);
    close_all();
    assert_int_equal(daemon_stop(&bed.daemon), 0);
    other_reference = reference_free(other_reference);
    model_make(bed.alpha, &alpha_recipe);
}

/* ---- processors ---- */

static void note_processors(const char *status, void *argument)
{
    const char *line = strstr(status, "\nCpus_allowed_list:\t");
    cpu_set_t *seen = argument;
    char *end;
    long one;

    assert_non_null(line);
    one = strtol(line + strlen("\nCpus_allowed_list:\t"), &end, 10);
    assert_int_equal(*end, '\n'); /* a single one */
    assert_false(CPU_ISSET((size_t)one, seen));
    CPU_SET((size_t)one, seen);
}

static void shards_stay_where_they_are_told(void **state)
{
    cpu_set_t usable, seen;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof usable, &usable), 0);
    if (CPU_COUNT(&usable) < 2)
        skip();
    CPU_ZERO(&seen);
    start(2, NULL, "pin: true\n");
    assert_int_equal(for_each_shard(note_processors, &seen), 2);
    assert_int_equal(CPU_COUNT(&seen), 2);
    bed_serves();
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* Too many for the machine: it says so, and serves. */
static void too_few_processors_are_said(void **state)
{
    cpu_set_t usable;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof usable, &usable), 0);
    if (CPU_COUNT(&usable) >= 16)
        skip();
    start(16, NULL, "pin: true\n");
    assert_true(daemon_logged(&bed.daemon, "so none is bound"));
    assert_int_equal(for_each_shard(NULL, NULL), 16);
    bed_serves();
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_the_same_on_any_number), cmocka_unit_test(what_is_under_way_is_limited_on_all),
        cmocka_unit_test(models_change_on_all_shards),        cmocka_unit_test(shards_stay_where_they_are_told),
        cmocka_unit_test(too_few_processors_are_said),
    };

    return run_over_both_loops(tests, bed_make, bed_remove);
}
