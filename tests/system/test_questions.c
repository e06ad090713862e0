/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions on the socket, asked by somebody who does not stop: they have a rate, they cost little memory, and whoever
 * wants answers of models gets them meanwhile.
 */
#include "support/test.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/size.h"
#include "support/both_loops.h"
#include "system/alpha.h"

enum { CHANNELS = 40 };

static struct raw_client clients[CHANNELS];

static int setup(void **state)
{
    (void)state;
    bed_start(NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return daemon_stop(&bed.daemon);
}

static void open_all(int count)
{
    struct wire_hello hello = raw_hello(4, 1 << 16);

    for (int i = 0; i < count; i++)
        assert_int_equal(raw_open(&clients[i], bed.daemon.socket, &hello), 0);
}

static void close_all(int count)
{
    for (int i = 0; i < count; i++)
        raw_close(&clients[i]);
}

/* Asks without waiting; false when the socket is full. */
static bool ask(struct raw_client *client, enum wire_type type, const char *name)
{
    size_t length = name ? strlen(name) + 1 : 0;
    unsigned char bytes[sizeof(struct wire_control) + 32];
    struct wire_control question = { .header = { WIRE_MAGIC, (uint16_t)type, 0, (uint32_t)(sizeof question + length) },
                                     .id = client->asked + 1 };

    memcpy(bytes, &question, sizeof question);
    if (name)
        memcpy(bytes + sizeof question, name, length);
    if (message_send(client->socket, bytes, sizeof question + length, NULL, 0, MSG_DONTWAIT))
        return false;
    client->asked++;
    return true;
}

/* What has come: replies that are complete, of them those with a status. */
struct heard {
    uint32_t replies, refused;
};

/* Reads what is there, or until every question has its reply. */
static void hear(struct raw_client *client, struct heard *heard, bool to_the_end)
{
    struct reason why;

    while (!to_the_end || heard->replies < client->asked) {
        const struct wire_control *reply = &client->message.control;
        int result = message_receive(client->socket, &client->message, false, to_the_end ? 0 : MSG_DONTWAIT, &why);

        if (result == -EAGAIN)
            return;
        assert_ok(result, why);
        if (reply->offset + (client->message.length - sizeof *reply) < reply->total)
            continue;
        assert_int_equal(reply->id, heard->replies + 1); /* in order, none left out */
        heard->replies++;
        heard->refused += reply->status != 0;
    }
}

static json_int_t state_of(const char *key)
{
    char *text;
    json_t *state;
    json_int_t value;

    assert_int_equal(raw_ask(&bed.honest, WIRE_STATUS, NULL, &text, NULL), 0);
    state = json_loads(text, 0, NULL);
    assert_true(json_is_integer(json_object_get(state, key)));
    value = json_integer_value(json_object_get(state, key));
    json_decref(state);
    free(text);
    return value;
}

/* A user asks on eight channels as fast as sockets take it. No more is answered than a burst and one a millisecond; all
 * is answered in the end; and requests are served meanwhile. */
static void questions_have_a_rate(void **state)
{
    enum { FLOOD = 8, BURST = 256 };
    struct heard heard[FLOOD] = { { 0 } };
    uint64_t begin = clock_ns(), took_ms;
    uint64_t answered = 0;
    uint32_t route;

    (void)state;
    alpha_open(&bed.honest, bed.daemon.socket);
    route = raw_route(&bed.honest, "alpha");
    open_all(FLOOD);
    for (uint64_t round = 0; clock_ns() - begin < 300 * NS_PER_MS; round++) {
        for (int i = 0; i < FLOOD; i++) {
            while (ask(&clients[i], WIRE_DESCRIBE, "alpha"))
                ;
            hear(&clients[i], &heard[i], false);
        }
        alpha_round(bed.reference, &bed.honest, route, 1, round);
    }
    answered = (uint64_t)state_of("questions");
    took_ms = (clock_ns() - begin) / NS_PER_MS + 1;
    assert_in_range(answered, 1, BURST + took_ms);
    for (int i = 0; i < FLOOD; i++) {
        hear(&clients[i], &heard[i], true);
        assert_int_equal(heard[i].refused, 0);
    }
    close_all(FLOOD);
    raw_close(&bed.honest);
}

/* What a program asks when it begins comes at once, and the counters in it are of now. */
static void descriptions_count_along(void **state)
{
    char *text;
    json_t *model;
    uint32_t route;

    (void)state;
    alpha_open(&bed.honest, bed.daemon.socket);
    route = raw_route(&bed.honest, "alpha");
    for (json_int_t i = 0; i < 3; i++) {
        assert_int_equal(raw_ask(&bed.honest, WIRE_DESCRIBE, "image", &text, NULL), 0);
        model = json_loads(text, 0, NULL);
        assert_non_null(model);
        assert_int_equal(json_integer_value(json_object_get(model, "requests")), i);
        assert_int_equal(json_integer_value(json_object_get(model, "samples")), 2 * i);
        assert_int_not_equal(json_integer_value(json_object_get(model, "route")), route); /* of the modality */
        json_decref(model);
        free(text);
        alpha_round(bed.reference, &bed.honest, route, 2, (uint64_t)i);
    }
    raw_close(&bed.honest);
}

/* ---- many models ---- */

enum { MODELS = 100 };

static int setup_many(void **state)
{
    static char yaml[MODELS * 512];
    size_t used = (size_t)snprintf(yaml, sizeof yaml, "models:\n");

    (void)state;
    for (int i = 0; i < MODELS; i++)
        used += (size_t)snprintf(yaml + used, sizeof yaml - used, "  - path: %s\n    name: m%0100d\n", bed.alpha, i);
    daemon_start(&bed.daemon, &(struct daemon_setup){ .yaml = yaml, .loop = loop_now });
    return 0;
}

/* A user's answers that nobody reads are counted: past a megabyte more of them are a sentence, until he reads. */
static void answers_that_nobody_reads_are_bounded(void **state)
{
    struct heard heard[CHANNELS] = { { 0 } };
    json_int_t before, now = -1;
    uint32_t refused = 0;

    (void)state;
    alpha_open(&bed.honest, bed.daemon.socket);
    open_all(CHANNELS);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < CHANNELS; i++)
            (void)ask(&clients[i], WIRE_LIST, NULL);
    }
    do { /* until every channel waits for its reader */
        before = now;
        poll(NULL, 0, 50);
        now = state_of("questions");
    } while (now != before + 1);
    raw_close(&bed.honest);
    for (int i = 0; i < CHANNELS; i++) {
        hear(&clients[i], &heard[i], true);
        refused += heard[i].refused;
    }
    assert_true(refused > 0);
    close_all(CHANNELS);
    open_all(1);
    for (int i = 0; i < 3; i++) {
        char *text;
        json_t *list;

        assert_int_equal(raw_ask(&clients[0], WIRE_LIST, NULL, &text, NULL), 0);
        list = json_loads(text, 0, NULL);
        assert_int_equal(json_array_size(list), MODELS);
        json_decref(list);
        free(text);
    }
    close_all(1);
}

/* ---- who sends nothing more ---- */

static bool is_hung_up_on(int socket)
{
    struct pollfd poller = { .fd = socket };

    return poll(&poller, 1, PATIENCE_MS) == 1 && poller.revents & POLLHUP;
}

/* While an answer waits for room, or is being found: he is hung up on. The kernel tells of him again and again, so the
 * thread that everybody asks would do nothing else. */
static void who_stops_sending_is_not_waited_for(void **state)
{
    (void)state;
    open_all(1);
    for (int full = 0; full < 20; full++) {
        while (ask(&clients[0], WIRE_DESCRIBE, "alpha"))
            full = 0;
        poll(NULL, 0, 5);
    }
    assert_int_equal(shutdown(clients[0].socket, SHUT_WR), 0);
    assert_true(is_hung_up_on(clients[0].socket));
    close_all(1);
    bed_serves();
}

static void a_reload_is_not_waited_for_either(void **state)
{
    (void)state;
    open_all(1);
    assert_true(ask(&clients[0], WIRE_RELOAD, NULL));
    assert_int_equal(shutdown(clients[0].socket, SHUT_WR), 0);
    assert_true(is_hung_up_on(clients[0].socket));
    close_all(1);
    bed_serves();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(questions_have_a_rate, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptions_count_along, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_that_nobody_reads_are_bounded, setup_many, teardown),
        cmocka_unit_test_setup_teardown(who_stops_sending_is_not_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reload_is_not_waited_for_either, setup, teardown),
    };

    return run_over_both_loops(tests, bed_make, bed_remove);
}
