/* SPDX-License-Identifier: Apache-2.0
 *
 * The event loop's contract, the same test bodies over both backends.
 */
#include "support/test.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/size.h"
#include "daemon/event/loop.h"

enum { CAPACITY = 16 };

/* ---- a kernel that is short of memory, for the next calls of either backend ---- */

static struct {
    int waits, begins;
    bool old; /* it has no epoll_pwait2(): before Linux 5.11 */
} shortage;

static bool short_of(int *calls)
{
    return *calls > 0 && (*calls)--;
}

/* What the linker puts in place of the calls: --wrap. */
int __real_epoll_ctl(int poller, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int poller, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int poller, int operation, int fd, struct epoll_event *event)
{
    if (operation != EPOLL_CTL_DEL && short_of(&shortage.begins)) {
        errno = ENOMEM;
        return -1;
    }
    return __real_epoll_ctl(poller, operation, fd, event);
}

int __real_epoll_pwait2(int poller, struct epoll_event *events, int max, const struct timespec *timeout,
                        const sigset_t *mask);
int __wrap_epoll_pwait2(int poller, struct epoll_event *events, int max, const struct timespec *timeout,
                        const sigset_t *mask);
int __wrap_epoll_pwait2(int poller, struct epoll_event *events, int max, const struct timespec *timeout,
                        const sigset_t *mask)
{
    if (shortage.old || short_of(&shortage.waits)) {
        errno = shortage.old ? ENOSYS : ENOMEM;
        return -1;
    }
    return __real_epoll_pwait2(poller, events, max, timeout, mask);
}

int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring)
{
    return short_of(&shortage.begins) ? -ENOMEM : __real_io_uring_submit(ring);
}

int __real_io_uring_submit_and_get_events(struct io_uring *ring);
int __wrap_io_uring_submit_and_get_events(struct io_uring *ring);
int __wrap_io_uring_submit_and_get_events(struct io_uring *ring)
{
    return short_of(&shortage.waits) ? -ENOMEM : __real_io_uring_submit_and_get_events(ring);
}

int __real_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned count,
                                            struct __kernel_timespec *timeout, sigset_t *mask);
int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned count,
                                            struct __kernel_timespec *timeout, sigset_t *mask);
int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned count,
                                            struct __kernel_timespec *timeout, sigset_t *mask)
{
    return short_of(&shortage.waits) ? -ENOMEM
                                     : __real_io_uring_submit_and_wait_timeout(ring, cqe, count, timeout, mask);
}

/* ---- the fixture ---- */

#define SOON (200 * NS_PER_MS)

struct fixture {
    struct loop *loop;
    struct loop_event events[CAPACITY];
};

static int setup(void **state, enum loop_kind kind)
{
    static struct fixture fixture;
    struct reason why;

    memset(&fixture, 0, sizeof fixture);
    assert_ok(loop_new(kind, 64, &fixture.loop, NULL, &why), why);
    *state = &fixture;
    return 0;
}

static int setup_uring(void **state)
{
    struct loop *probe = NULL;

    if (loop_new(LOOP_URING, 64, &probe, NULL, NULL)) {
        *state = NULL; /* forbidden here: the tests skip themselves */
        return 0;
    }
    loop_free(probe);
    return setup(state, LOOP_URING);
}

static int setup_epoll(void **state)
{
    return setup(state, LOOP_EPOLL);
}

static int setup_old_epoll(void **state)
{
    shortage.old = true;
    return setup(state, LOOP_EPOLL);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    shortage.old = false;
    if (fixture)
        fixture->loop = loop_free(fixture->loop);
    return 0;
}

static struct fixture *fixture_of(void **state)
{
    if (!*state)
        skip();
    return *state;
}

static int wait_for(struct fixture *f, uint64_t ns)
{
    uint64_t until = ns ? clock_ns() + ns : 0;
    int count;

    do {
        count = loop_wait(f->loop, f->events, CAPACITY, until);
        assert_true(count >= 0);
    } while (!count && clock_ns() < until);
    return count;
}

/* Takes what there is until nothing comes for a moment; the sum of events. */
static int drain(struct fixture *f)
{
    int sum = 0, count;

    while ((count = wait_for(f, 5 * NS_PER_MS)) > 0)
        sum += count;
    return sum;
}

static void ring_doorbell(int fd)
{
    uint64_t one = 1;

    assert_int_equal(write(fd, &one, sizeof one), sizeof one);
}

static void ready_is_one_shot(void **state)
{
    struct fixture *f = fixture_of(state);
    int pair[2];
    char byte;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(loop_ready(f->loop, pair[0], POLLIN, 7), 0);
    assert_int_equal(loop_ready(f->loop, pair[0], POLLIN, 8), -EBUSY);
    assert_int_equal(wait_for(f, 0), 0);
    assert_int_equal(send(pair[1], "x", 1, 0), 1);
    assert_int_equal(wait_for(f, SOON), 1);
    assert_int_equal(f->events[0].token, 7);
    assert_true(f->events[0].result & POLLIN);
    assert_int_equal(wait_for(f, 5 * NS_PER_MS), 0); /* still readable, and not begun anew */
    assert_int_equal(loop_ready(f->loop, pair[0], POLLIN, 9), 0);
    assert_int_equal(wait_for(f, SOON), 1); /* level: what waits already counts */
    assert_int_equal(f->events[0].token, 9);
    assert_int_equal(recv(pair[0], &byte, 1, 0), 1);
    assert_int_equal(loop_ready(f->loop, pair[0], POLLOUT, 10), 0);
    assert_int_equal(wait_for(f, SOON), 1);
    assert_true(f->events[0].result & POLLOUT);
    loop_cancel(f->loop, pair[0]);
    close(pair[0]);
    close(pair[1]);
}

static void a_closed_peer_is_an_event(void **state)
{
    struct fixture *f = fixture_of(state);
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(loop_ready(f->loop, pair[0], POLLIN, 1), 0);
    assert_int_equal(wait_for(f, 0), 0);
    close(pair[1]);
    assert_int_equal(wait_for(f, SOON), 1);
    assert_true(f->events[0].result & POLLHUP);
    loop_cancel(f->loop, pair[0]);
    close(pair[0]);
}

static void every_write_is_an_edge_though_nobody_reads(void **state)
{
    struct fixture *f = fixture_of(state);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(loop_edge(f->loop, fd, 3), 0);
    assert_int_equal(wait_for(f, 0), 0);
    for (int i = 0; i < 5000; i++) {
        ring_doorbell(fd);
        assert_int_equal(wait_for(f, SOON), 1);
        assert_int_equal(f->events[0].token, 3);
    }
    assert_int_equal(wait_for(f, 5 * NS_PER_MS), 0);
    loop_cancel(f->loop, fd);
    ring_doorbell(fd);
    assert_int_equal(drain(f), 0);
    close(fd);
}

static void writes_while_nobody_waits_coalesce(void **state)
{
    struct fixture *f = fixture_of(state);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int count;

    assert_int_equal(loop_edge(f->loop, fd, 3), 0);
    assert_int_equal(wait_for(f, 0), 0);
    for (int i = 0; i < 1000; i++)
        ring_doorbell(fd);
    count = drain(f);
    assert_in_range(count, 1, 4);
    ring_doorbell(fd);
    assert_int_equal(wait_for(f, SOON), 1);
    loop_cancel(f->loop, fd);
    close(fd);
}

static void an_edge_begun_late_reports_once(void **state)
{
    struct fixture *f = fixture_of(state);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    ring_doorbell(fd);
    assert_int_equal(loop_edge(f->loop, fd, 3), 0);
    assert_int_equal(drain(f), 1);
    loop_cancel(f->loop, fd);
    close(fd);
}

/* The number of a closed descriptor is given out again at once; nothing of the old one may show up under the new. */
static void a_reused_number_gets_no_stale_event(void **state)
{
    struct fixture *f = fixture_of(state);

    for (int i = 0; i < 200; i++) {
        int old = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), fresh;

        if (i & 1)
            assert_int_equal(loop_edge(f->loop, old, 100), 0);
        else
            assert_int_equal(loop_ready(f->loop, old, POLLIN, 100), 0);
        if (i & 2)
            assert_int_equal(wait_for(f, 0), 0);
        ring_doorbell(old);
        loop_cancel(f->loop, old);
        close(old);
        fresh = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        assert_int_equal(fresh, old);
        assert_int_equal(loop_edge(f->loop, fresh, 200), 0);
        assert_int_equal(wait_for(f, 0), 0);
        ring_doorbell(fresh);
        assert_int_equal(wait_for(f, SOON), 1);
        assert_int_equal(f->events[0].token, 200);
        loop_cancel(f->loop, fresh);
        close(fresh);
    }
}

/* A cancelled poll holds no reference: the peer sees the close. */
static void cancel_then_close_hangs_up(void **state)
{
    struct fixture *f = fixture_of(state);
    struct pollfd poller;
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(loop_ready(f->loop, pair[0], POLLIN, 1), 0);
    assert_int_equal(wait_for(f, 0), 0);
    loop_cancel(f->loop, pair[0]);
    close(pair[0]);
    assert_int_equal(wait_for(f, NS_PER_MS), 0);
    poller = (struct pollfd){ .fd = pair[1], .events = POLLIN };
    assert_int_equal(poll(&poller, 1, 1000), 1);
    assert_true(poller.revents & POLLHUP);
    close(pair[1]);
}

static void timers_come_in_order(void **state)
{
    struct fixture *f = fixture_of(state);
    uint64_t now = clock_ns();

    assert_int_equal(loop_timer(f->loop, now + 20 * NS_PER_MS, 2), 0);
    assert_int_equal(loop_timer(f->loop, now + 5 * NS_PER_MS, 1), 0);
    assert_int_equal(loop_timer(f->loop, now + 10 * NS_PER_MS, 9), 0);
    assert_int_equal(loop_timer(f->loop, now + 30 * NS_PER_MS, 3), 0);
    assert_false(loop_pending(f->loop, 0));
    assert_true(loop_pending(f->loop, now + 5 * NS_PER_MS));
    loop_timer_cancel(f->loop, 9);
    for (uint64_t want = 1; want <= 3;) {
        int count = loop_wait(f->loop, f->events, CAPACITY, LOOP_FOREVER);

        assert_true(count >= 0);
        for (int i = 0; i < count; i++)
            assert_int_equal(f->events[i].token, want++);
    }
    assert_true(clock_ns() >= now + 30 * NS_PER_MS);
}

static void waiting_ends_in_time(void **state)
{
    struct fixture *f = fixture_of(state);
    uint64_t begin = clock_ns(), until = begin + 20 * NS_PER_MS;
    int returns = 0;

    /* Coming back early with nothing is allowed (the end of the last test's ring interrupts), doing so forever is not.
     */
    while (clock_ns() < until) {
        assert_int_equal(loop_wait(f->loop, f->events, CAPACITY, until), 0);
        assert_in_range(++returns, 1, 20);
    }
    assert_true(clock_ns() - begin < 2000 * NS_PER_MS);
}

/* While the shard spins it looks at this word only; it must turn up without a call that enters the kernel for it. */
static void pending_sees_a_doorbell(void **state)
{
    struct fixture *f = fixture_of(state);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    uint64_t begin;

    assert_int_equal(loop_edge(f->loop, fd, 5), 0);
    assert_true(loop_pending(f->loop, clock_ns() + NS_PER_MS)); /* the poll itself waits to be begun */
    assert_int_equal(wait_for(f, 0), 0);
    ring_doorbell(fd);
    begin = clock_ns();
    while (!loop_pending(f->loop, clock_ns()))
        assert_true(clock_ns() - begin < NS_PER_S);
    assert_int_equal(wait_for(f, 0), 1);
    loop_cancel(f->loop, fd);
    close(fd);
}

static void more_events_than_room_come_later(void **state)
{
    struct fixture *f = fixture_of(state);
    int fds[3 * CAPACITY];
    bool seen[ARRAY_SIZE(fds)] = { false };
    size_t sum = 0;

    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
        assert_int_equal(loop_ready(f->loop, fds[i], POLLIN, i), 0);
    }
    while (sum < ARRAY_SIZE(fds)) {
        int count = wait_for(f, SOON);

        assert_in_range(count, 1, CAPACITY);
        for (int i = 0; i < count; i++) {
            assert_false(seen[f->events[i].token]);
            seen[f->events[i].token] = true;
        }
        sum += (size_t)count;
    }
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        loop_cancel(f->loop, fds[i]);
        close(fds[i]);
    }
}

/* More verbs than the submission queue has entries. */
static void many_descriptors(void **state)
{
    enum { MANY = 700 };
    struct fixture *f = fixture_of(state);
    static int fds[MANY];

    for (int i = 0; i < MANY; i++) {
        fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        assert_true(fds[i] >= 0);
        assert_int_equal(loop_edge(f->loop, fds[i], (uint64_t)i), 0);
    }
    assert_int_equal(wait_for(f, 0), 0);
    for (int i = MANY - 1; i >= 0; i -= 31) {
        ring_doorbell(fds[i]);
        assert_int_equal(wait_for(f, SOON), 1);
        assert_int_equal(f->events[0].token, i);
    }
    for (int i = 0; i < MANY; i++) {
        loop_cancel(f->loop, fds[i]);
        close(fds[i]);
    }
    assert_int_equal(drain(f), 0);
}

/* When more happens at once than there is room for, the kernel ends persistent polls. They go on all the same, and no
 * eventfd is forgotten. */
static void edges_survive_an_overflow(void **state)
{
    enum { MANY = 900 };
    struct fixture *f = fixture_of(state);
    static int fds[MANY];

    for (int i = 0; i < MANY; i++) {
        fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        assert_true(fds[i] >= 0);
        assert_int_equal(loop_edge(f->loop, fds[i], (uint64_t)i), 0);
    }
    assert_int_equal(wait_for(f, 0), 0);
    for (int round = 0; round < 5; round++) {
        static bool seen[MANY];
        int left = MANY;

        memset(seen, 0, sizeof seen);
        for (int i = 0; i < MANY; i++)
            ring_doorbell(fds[i]);
        while (left) {
            int count = wait_for(f, SOON);

            assert_true(count > 0);
            for (int i = 0; i < count; i++) {
                left -= !seen[f->events[i].token];
                seen[f->events[i].token] = true;
            }
        }
    }
    for (int i = 0; i < MANY; i++) {
        loop_cancel(f->loop, fds[i]);
        close(fds[i]);
    }
}

static void bad_descriptors_are_errors(void **state)
{
    struct fixture *f = fixture_of(state);
    int count, result;

    assert_int_equal(loop_ready(f->loop, -1, POLLIN, 1), -EBADF);
    /* epoll refuses at once, io_uring with the event: either way the caller learns of it. */
    result = loop_ready(f->loop, 900, POLLIN, 4);
    if (!result) {
        count = wait_for(f, SOON);
        assert_int_equal(count, 1);
        assert_int_equal(f->events[0].token, 4);
        result = f->events[0].result;
    }
    assert_int_equal(result, -EBADF);
}

/* Waiting fails for lack of memory, once and several times: nothing is lost, and nobody is told of an end. */
static void waiting_outlasts_a_shortage(void **state)
{
    struct fixture *f = fixture_of(state);
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(loop_edge(f->loop, fd, 5), 0);
    for (int failures = 1; failures <= 8; failures *= 2) {
        ring_doorbell(fd);
        shortage.waits = failures;
        assert_int_equal(wait_for(f, SOON), 1);
        assert_true(shortage.waits < failures);
        assert_int_equal(f->events[0].token, 5);
    }
    shortage.waits = 0;
    loop_cancel(f->loop, fd);
    close(fd);
}

/* The kernel begins nothing for a while: what was asked for is begun when it can be, each once. */
static void what_cannot_begin_begins_later(void **state)
{
    enum { MANY = 600 }; /* more than io_uring's queue takes without submitting */
    struct fixture *f = fixture_of(state);
    static bool seen[MANY];
    static int fds[MANY];
    int left = MANY;

    memset(seen, 0, sizeof seen);
    shortage.begins = 400;
    for (int i = 0; i < MANY; i++) {
        fds[i] = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
        assert_true(fds[i] >= 0);
        assert_int_equal(loop_ready(f->loop, fds[i], POLLIN, (uint64_t)i), 0);
    }
    assert_true(shortage.begins < 400);
    shortage.begins = 3; /* and the first tries again fail too */
    while (left) {
        int count = wait_for(f, SOON);

        assert_true(count > 0);
        for (int i = 0; i < count; i++) {
            assert_false(seen[f->events[i].token]);
            seen[f->events[i].token] = true;
            left--;
        }
    }
    shortage.begins = 0;
    for (int i = 0; i < MANY; i++) {
        loop_cancel(f->loop, fds[i]);
        close(fds[i]);
    }
    assert_int_equal(drain(f), 0);
}

/* One that was put off and is cancelled meanwhile never happens. */
static void what_is_late_can_be_cancelled(void **state)
{
    struct fixture *f = fixture_of(state);
    int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC), other = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);

    assert_true(fd >= 0 && other >= 0);
    shortage.begins = 1;
    assert_int_equal(loop_ready(f->loop, fd, POLLIN, 1), 0);
    loop_cancel(f->loop, fd);
    shortage.begins = 0;
    assert_int_equal(loop_ready(f->loop, other, POLLIN, 2), 0);
    assert_int_equal(wait_for(f, SOON), 1);
    assert_int_equal(f->events[0].token, 2);
    assert_int_equal(drain(f), 0);
    loop_cancel(f->loop, other);
    close(fd);
    close(other);
}

static void auto_finds_one(void **state)
{
    struct loop *loop = NULL;
    struct reason why;

    (void)state;
    assert_ok(loop_new(LOOP_AUTO, 8, &loop, NULL, &why), why);
    assert_true(!strcmp(loop_name(loop), "io_uring") || !strcmp(loop_name(loop), "epoll"));
    assert_null(loop_free(loop));
    assert_null(loop_free(NULL));
}

#define BOTH(test)                                                                                                     \
    { #test " (io_uring)", test, setup_uring, teardown, NULL },                                                        \
    {                                                                                                                  \
#test " (epoll)", test, setup_epoll, teardown, NULL                                                            \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(ready_is_one_shot),
        BOTH(a_closed_peer_is_an_event),
        BOTH(every_write_is_an_edge_though_nobody_reads),
        BOTH(writes_while_nobody_waits_coalesce),
        BOTH(an_edge_begun_late_reports_once),
        BOTH(a_reused_number_gets_no_stale_event),
        BOTH(cancel_then_close_hangs_up),
        BOTH(timers_come_in_order),
        BOTH(waiting_ends_in_time),
        BOTH(pending_sees_a_doorbell),
        BOTH(more_events_than_room_come_later),
        BOTH(many_descriptors),
        BOTH(edges_survive_an_overflow),
        BOTH(bad_descriptors_are_errors),
        BOTH(waiting_outlasts_a_shortage),
        BOTH(what_cannot_begin_begins_later),
        BOTH(what_is_late_can_be_cancelled),
        { "timers (an old kernel)", timers_come_in_order, setup_old_epoll, teardown, NULL },
        { "waiting (an old kernel)", waiting_ends_in_time, setup_old_epoll, teardown, NULL },
        cmocka_unit_test(auto_finds_one),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
