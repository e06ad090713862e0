/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "libipc/wake.h"
#include "support/raw_client.h"

int raw_connect(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0)
        return -errno;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (!connect(fd, (struct sockaddr *)&address, sizeof address))
        return fd;
    error = -errno;
    close(fd);
    return error;
}

struct wire_hello raw_hello(uint32_t entries, uint64_t arena)
{
    return (struct wire_hello){
        .header = { .magic = WIRE_MAGIC, .type = WIRE_HELLO, .length = sizeof(struct wire_hello) },
        .abi_min = WIRE_ABI_MIN,
        .abi_max = WIRE_ABI_MAX,
        .features = WIRE_FEATURES,
        .entries = entries,
        .request_arena = arena,
        .response_arena = arena,
        .name = "raw",
    };
}

static void attach(struct raw_client *client)
{
    struct message *message = &client->message;
    struct reason why;

    assert_int_equal(message->fd_count, 3);
    assert_ok(wire_layout(client->welcome.entries, client->welcome.request_arena, client->welcome.response_arena,
                          &client->layout, &why),
              why);
    assert_ok(region_map(&client->request, message->fds[0], client->layout.request_size, true, &why), why);
    assert_ok(region_map(&client->response, message->fds[1], client->layout.response_size, false, &why), why);
    client->eventfd = message->fds[2];
    message->fds[0] = message->fds[1] = message->fds[2] = -1;
    client->ours = client->request.address;
    client->theirs = client->response.address;
    client->input = (float *)((char *)client->request.address + client->layout.arena_offset);
    client->output = (const float *)((const char *)client->response.address + client->layout.arena_offset);
    ring_attach_client(&client->submit, &client->reap, client->request.address, client->response.address,
                       &client->layout, 0);
}

int raw_greet(struct raw_client *client, const char *path, const struct wire_hello *hello)
{
    struct reason why;
    int result;

    memset(client, 0, sizeof *client);
    client->eventfd = -1;
    client->request = client->response = REGION_NULL;
    client->socket = raw_connect(path);
    if (client->socket < 0)
        return client->socket;
    result = message_send(client->socket, hello, sizeof *hello, NULL, 0, 0);
    if (!result)
        result = message_receive(client->socket, &client->message, true, 0, &why);
    if (!result && client->message.header.type != WIRE_WELCOME)
        result = -EPROTO;
    if (!result) {
        client->welcome = client->message.welcome;
        result = client->welcome.status;
    }
    if (result) {
        raw_close(client);
        return result;
    }
    if (client->welcome.entries) /* else it is for questions alone */
        attach(client);
    return 0;
}

int raw_open(struct raw_client *client, const char *path, const struct wire_hello *hello)
{
    int result = raw_greet(client, path, hello);
    struct reason why;

    if (!result && client->welcome.entries)
        assert_ok(region_seal(&client->request, &why), why);
    return result;
}

void raw_close(struct raw_client *client)
{
    region_deinit(&client->request);
    region_deinit(&client->response);
    if (client->eventfd >= 0)
        close(client->eventfd);
    if (client->socket >= 0)
        close(client->socket);
    client->eventfd = client->socket = -1;
}

/* ---- requests ---- */

bool raw_submit(struct raw_client *client, const struct wire_submission *submission)
{
    if (!submit_ring_push(&client->submit, submission))
        return false;
    assert_int_equal(wake_daemon(client->theirs, client->eventfd), 0);
    return true;
}

bool raw_reap(struct raw_client *client, struct wire_completion *completion, int ms)
{
    uint64_t until = clock_ns() + (uint64_t)ms * NS_PER_MS;

    for (;;) {
        uint64_t now = clock_ns();
        uint32_t seen;

        if (reap_ring_take(&client->reap, completion))
            return true;
        if (now >= until)
            return false;
        seen = wake_client_arm(client->ours, client->theirs, WIRE_WAIT_FUTEX);
        if (!reap_ring_ready(&client->reap))
            wake_client_sleep(client->theirs, seen, until - now);
        wake_client_disarm(client->ours);
    }
}

struct wire_submission raw_infer(uint32_t route, uint32_t rows, uint64_t in_offset, uint64_t in_length,
                                 uint64_t out_offset, uint64_t out_length)
{
    return (struct wire_submission){
        .op = WIRE_OP_INFER,
        .route = route,
        .rows = rows,
        .in_offset = in_offset,
        .in_length = in_length,
        .out_offset = out_offset,
        .out_length = out_length,
    };
}

int raw_run(struct raw_client *client, const struct wire_submission *submission, struct wire_completion *completion)
{
    assert_true(raw_submit(client, submission));
    if (!raw_reap(client, completion, 20000))
        fail_msg("no completion within 20 s");
    assert_int_equal(completion->user_data, submission->user_data);
    return completion->status;
}

/* ---- control messages ---- */

int raw_ask(struct raw_client *client, enum wire_type type, const char *name, char **text, uint32_t *route)
{
    uint32_t id = ++client->asked;
    struct {
        struct wire_control control;
        char name[WIRE_NAME_MAX];
    } request = { .control = { .header = { .magic = WIRE_MAGIC, .type = (uint16_t)type }, .id = id } };
    size_t length = sizeof request.control;
    uint32_t have = 0;
    struct reason why;

    if (name) {
        snprintf(request.name, sizeof request.name, "%s", name);
        length += strlen(request.name) + 1;
    }
    request.control.header.length = (uint32_t)length;
    assert_int_equal(message_send(client->socket, &request, length, NULL, 0, 0), 0);
    *text = NULL;
    do {
        const struct wire_control *reply = &client->message.control;
        size_t piece;
        int result = message_receive(client->socket, &client->message, false, 0, &why);

        if (result)
            return result;
        if (client->message.header.type == WIRE_NOTIFY)
            continue;
        assert_int_equal(client->message.header.type, type | WIRE_REPLY);
        assert_int_equal(reply->id, id);
        assert_int_equal(reply->offset, have);
        piece = client->message.length - sizeof *reply;
        *text = realloc(*text, (size_t)reply->total + 1);
        assert_non_null(*text);
        memcpy(*text + have, client->message.bytes + sizeof *reply, piece);
        have += (uint32_t)piece;
        (*text)[have] = 0;
    } while (!*text || have < client->message.control.total);
    if (route)
        *route = client->message.control.route;
    return client->message.control.status;
}

uint32_t raw_route(struct raw_client *client, const char *name)
{
    uint32_t route = 0;
    char *text = NULL;

    assert_int_equal(raw_ask(client, WIRE_DESCRIBE, name, &text, &route), 0);
    free(text);
    assert_true(route != 0);
    return route;
}
