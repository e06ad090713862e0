/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libipc/wire_check.h"
#include "raw.h"

int raw_connect(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int result, fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (!connect(fd, (const struct sockaddr *)&address, sizeof address))
        return fd;
    result = -errno;
    close(fd);
    return result;
}

static int greet(struct raw *raw, const struct wire_hello *hello)
{
    struct reason why;
    int result = message_send(raw->socket, hello, sizeof *hello, NULL, 0, 0);

    if (!result)
        result = message_receive(raw->socket, &raw->message, true, 0, &why);
    if (!result && raw->message.header.type != WIRE_WELCOME)
        result = -EPROTO;
    return result ? result : raw->message.welcome.status;
}

static int attach(struct raw *raw)
{
    const struct wire_welcome *welcome = &raw->message.welcome;
    struct wire_layout layout;
    struct reason why;
    int result = wire_layout(welcome->entries, welcome->request_arena, welcome->response_arena, &layout, &why);

    if (!result)
        result = region_map(&raw->request, raw->message.fds[0], layout.request_size, true, &why);
    if (!result)
        result = region_map(&raw->response, raw->message.fds[1], layout.response_size, false, &why);
    if (!result)
        result = region_seal(&raw->request, &why);
    if (result)
        return result;
    raw->eventfd = raw->message.fds[2];
    raw->ours = raw->request.address;
    raw->theirs = raw->response.address;
    ring_attach_client(&raw->submit, &raw->reap, raw->request.address, raw->response.address, &layout, 0);
    return 0;
}

int raw_open(struct raw *raw, const char *path, uint32_t entries, uint64_t input_bytes, uint64_t output_bytes)
{
    const struct wire_hello hello = { .header = { WIRE_MAGIC, WIRE_HELLO, 0, sizeof hello },
                                      .abi_min = WIRE_ABI_MIN,
                                      .abi_max = WIRE_ABI_MAX,
                                      .features = WIRE_FEATURES,
                                      .entries = entries,
                                      .request_arena = input_bytes,
                                      .response_arena = output_bytes,
                                      .name = "bench" };
    int result;

    memset(raw, 0, sizeof *raw);
    raw->eventfd = -1;
    raw->request = raw->response = REGION_NULL;
    raw->socket = raw_connect(path);
    if (raw->socket < 0)
        return raw->socket;
    result = greet(raw, &hello);
    if (!result && entries != WIRE_ENTRIES_NONE)
        result = attach(raw);
    if (result)
        raw_close(raw);
    return result;
}

void raw_close(struct raw *raw)
{
    region_deinit(&raw->request);
    region_deinit(&raw->response);
    if (raw->eventfd >= 0)
        close(raw->eventfd);
    if (raw->socket >= 0)
        close(raw->socket);
    raw->eventfd = raw->socket = -1;
}

bool raw_ask(struct raw *raw, const char *model)
{
    struct {
        struct wire_control control;
        char name[WIRE_NAME_MAX];
    } question = { .control = { .header = { .magic = WIRE_MAGIC, .type = WIRE_DESCRIBE }, .id = 1 } };
    const size_t length = sizeof question.control + strlen(model) + 1;

    snprintf(question.name, sizeof question.name, "%s", model);
    question.control.header.length = (uint32_t)length;
    return !message_send(raw->socket, &question, length, NULL, 0, MSG_DONTWAIT);
}

int64_t raw_route(struct raw *raw, const char *model)
{
    const struct wire_control *reply = &raw->message.control;
    uint64_t have = 0;
    struct reason why;

    if (!raw_ask(raw, model))
        return -1;
    do {
        if (message_receive(raw->socket, &raw->message, false, 0, &why) || reply->status)
            return -1;
        have += raw->message.length - sizeof *reply;
    } while (have < reply->total);
    return reply->route;
}
