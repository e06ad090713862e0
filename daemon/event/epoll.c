/* SPDX-License-Identifier: Apache-2.0
 *
 * The epoll backend: for sandboxes that forbid io_uring, with the same contract and the same tests.
 *
 * A descriptor stays registered between two one-shot verbs (EPOLLONESHOT disables it), and leaves with loop_cancel().
 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "daemon/event/backend.h"

#define LOOK_NS (20 * NS_PER_US)

enum { BATCH = 64 };

struct loop_epoll {
    struct loop loop;
    int fd;
    uint64_t looked_ns;
    bool no_pwait2; /* an older kernel, or a sandbox: milliseconds then */
};

static struct loop_epoll *epoll_of(struct loop *loop)
{
    return (struct loop_epoll *)loop;
}

static int epoll_begin(struct loop *loop, int fd, const struct loop_watch *watch, uint64_t key)
{
    /* EPOLLIN and EPOLLOUT have the values of POLLIN and POLLOUT. */
    struct epoll_event event = {
        .events = watch->verb == LOOP_VERB_EDGE ? EPOLLIN | (uint32_t)EPOLLET : watch->events | EPOLLONESHOT,
        .data.u64 = key,
    };
    int poller = epoll_of(loop)->fd;

    if (!epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event))
        return 0;
    if (errno != ENOENT || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event))
        return -errno;
    return 0;
}

static void epoll_cancel(struct loop *loop, int fd, uint64_t key)
{
    (void)key;
    epoll_ctl(epoll_of(loop)->fd, EPOLL_CTL_DEL, fd, NULL);
}

static bool epoll_pending(struct loop *loop, uint64_t now_ns)
{
    return now_ns - epoll_of(loop)->looked_ns >= LOOK_NS;
}

static int epoll_sleep(struct loop_epoll *epoll, struct epoll_event *events, int capacity, uint64_t until_ns)
{
    uint64_t now = clock_ns();
    uint64_t left = until_ns > now ? until_ns - now : 0;
    struct timespec timeout = clock_timespec(left);
    int result;

    if (!epoll->no_pwait2) {
        result = epoll_pwait2(epoll->fd, events, capacity, until_ns == LOOP_FOREVER ? NULL : &timeout, NULL);
        if (result >= 0 || (errno != ENOSYS && errno != EPERM))
            return result < 0 ? -errno : result;
        epoll->no_pwait2 = true;
    }
    left = (left + NS_PER_MS - 1) / NS_PER_MS;
    result = epoll_wait(epoll->fd, events, capacity, until_ns == LOOP_FOREVER ? -1 : (int)MIN(left, 1000000ull));
    return result < 0 ? -errno : result;
}

static int epoll_wait_events(struct loop *loop, struct loop_event *events, unsigned capacity, uint64_t until_ns)
{
    struct loop_epoll *epoll = epoll_of(loop);
    struct epoll_event ready[BATCH];
    unsigned count = 0;
    int got = epoll_sleep(epoll, ready, (int)MIN(capacity, (unsigned)BATCH), until_ns);

    epoll->looked_ns = clock_ns();
    if (loop_passes(got))
        loop_breathe();
    if (got < 0)
        return got == -EINTR || loop_passes(got) ? 0 : got;
    for (int i = 0; i < got; i++)
        count += loop_complete(loop, ready[i].data.u64, (int32_t)ready[i].events, &events[count]);
    return (int)count;
}

static void epoll_free(struct loop *loop)
{
    close(epoll_of(loop)->fd);
    free(loop);
}

static const struct loop_backend epoll_backend = {
    .name = "epoll",
    .begin = epoll_begin,
    .cancel = epoll_cancel,
    .pending = epoll_pending,
    .wait = epoll_wait_events,
    .free = epoll_free,
};

int loop_epoll_new(struct loop **out, struct reason *why)
{
    struct loop_epoll *epoll = calloc(1, sizeof *epoll);

    if (!epoll)
        return refuse_errno(why, -ENOMEM, "epoll");
    epoll->loop.backend = &epoll_backend;
    epoll->fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll->fd < 0) {
        int result = -errno;

        free(epoll);
        return refuse_errno(why, result, "epoll_create");
    }
    *out = &epoll->loop;
    return 0;
}
