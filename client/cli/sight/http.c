/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/insist.h"
#include "client/cli/sight/http.h"

enum { REQUEST_MAX = 4096, PATIENCE_MS = 2000 };

/* Whether something came, or the other end's end, before `deadline_ns`. */
static bool wait_for(int fd, uint64_t deadline_ns)
{
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    uint64_t now;

    while ((now = clock_ns()) < deadline_ns) {
        const int ready = poll(&wait, 1, (int)((deadline_ns - now) / NS_PER_MS) + 1);

        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
    return false;
}

bool http_read(int fd, enum http_method *method)
{
    const uint64_t deadline = clock_ns() + PATIENCE_MS * NS_PER_MS;
    char request[REQUEST_MAX + 1];
    size_t have = 0;

    while (have < REQUEST_MAX) {
        ssize_t got;

        if (!wait_for(fd, deadline))
            return false;
        got = read(fd, request + have, REQUEST_MAX - have);
        if (got <= 0)
            return false;
        have += (size_t)got;
        insist(have <= REQUEST_MAX, "%zu", have);
        request[have] = '\0';
        if (!strstr(request, "\r\n\r\n") && !strstr(request, "\n\n"))
            continue;
        *method = !strncmp(request, "GET ", 4) ? HTTP_GET : !strncmp(request, "HEAD ", 5) ? HTTP_HEAD : HTTP_OTHER;
        return true;
    }
    return false;
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t wrote = write(fd, bytes, length);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -errno;
        insist((size_t)wrote <= length, "%zd of %zu", wrote, length);
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return 0;
}

/* `more`: further headers, each with its end of line. */
static int write_head(int fd, const char *status, const char *more)
{
    char head[256];
    int length = snprintf(head, sizeof head, "HTTP/1.0 %s\r\n%sConnection: close\r\n\r\n", status, more);

    insist(length > 0 && length < (int)sizeof head, "%d", length); /* all of it is ours */
    return write_all(fd, head, (size_t)length);
}

int http_answer(int fd, enum http_method method, const char *type, const char *body, size_t length)
{
    char more[160];
    int result;

    if (method == HTTP_OTHER)
        return write_head(fd, "405 Method Not Allowed", "Allow: GET, HEAD\r\nContent-Length: 0\r\n");
    snprintf(more, sizeof more, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, length);
    result = write_head(fd, "200 OK", more);
    return result || method == HTTP_HEAD ? result : write_all(fd, body, length);
}

int http_refuse(int fd)
{
    return write_head(fd, "400 Bad Request", "Content-Length: 0\r\n");
}
