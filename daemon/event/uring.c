/* SPDX-License-Identifier: Apache-2.0
 *
 * The io_uring backend.
 *
 * The ring is this thread's alone and is never shared with a client. It starts disabled, is restricted to polling and
 * cancelling, and is then enabled: whoever takes over the process cannot open files or sockets through it.
 * (liburing 2.3's shared library does not export the helpers for that, hence io_uring_register() itself.)
 *
 * With DEFER_TASKRUN nothing happens behind this thread's back: the kernel sets a bit in the mapped submission flags,
 * and completions appear when we ask. That bit is what loop_pending() looks at while the shard spins.
 */
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/size.h"
#include "daemon/event/backend.h"

#define KEY_IGNORED UINT64_MAX

enum { SUBMISSIONS = 256, BATCH = 64, COMPLETIONS_MAX = 65536, CANCEL_TRIES = 100 };

struct loop_uring {
    struct loop loop;
    struct io_uring ring;
};

static struct loop_uring *uring_of(struct loop *loop)
{
    return (struct loop_uring *)loop;
}

/* The next free submission entry; makes room by submitting what stands there. */
static struct io_uring_sqe *sqe_get(struct loop_uring *uring)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

    if (!sqe && io_uring_submit(&uring->ring) >= 0)
        sqe = io_uring_get_sqe(&uring->ring);
    return sqe;
}

static int uring_begin(struct loop *loop, int fd, const struct loop_watch *watch, uint64_t key)
{
    struct io_uring_sqe *sqe = sqe_get(uring_of(loop));

    if (!sqe)
        return -EBUSY;
    if (watch->verb == LOOP_VERB_EDGE)
        io_uring_prep_poll_multishot(sqe, fd, POLLIN | (unsigned)EPOLLET);
    else
        io_uring_prep_poll_add(sqe, fd, watch->events);
    io_uring_sqe_set_data64(sqe, key);
    return 0;
}

static void uring_cancel(struct loop *loop, int fd, uint64_t key)
{
    struct loop_uring *uring = uring_of(loop);
    struct io_uring_sqe *sqe;

    (void)fd;
    if (loop_key_verb(key) == LOOP_VERB_NONE)
        return;
    for (int i = 0; !(sqe = sqe_get(uring)) && i < CANCEL_TRIES; i++)
        loop_breathe();
    if (!sqe)
        return;
    io_uring_prep_cancel64(sqe, key, 0);
    io_uring_sqe_set_data64(sqe, KEY_IGNORED);
    /* At once: the caller closes the descriptor next, and a verb that still stood in the queue would be begun on
     * whatever gets its number. And with the kernel's deferred work, which drops the poll's hold on the file: the peer
     * is to see the close. */
    io_uring_submit_and_get_events(&uring->ring);
}

static bool uring_pending(struct loop *loop, uint64_t now_ns)
{
    const struct io_uring *ring = &uring_of(loop)->ring;

    (void)now_ns;
    return (IO_URING_READ_ONCE(*ring->sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) ||
           io_uring_cq_ready(ring) || io_uring_sq_ready(ring);
}

static int uring_sleep(struct loop_uring *uring, uint64_t until_ns)
{
    struct __kernel_timespec timeout;
    struct io_uring_cqe *cqe;
    uint64_t now;

    if (until_ns == LOOP_FOREVER)
        return io_uring_submit_and_wait(&uring->ring, 1);
    now = clock_ns();
    if (until_ns <= now)
        return io_uring_submit_and_get_events(&uring->ring);
    timeout.tv_sec = (long long)((until_ns - now) / NS_PER_S);
    timeout.tv_nsec = (long long)((until_ns - now) % NS_PER_S);
    return io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1, &timeout, NULL);
}

/* A persistent poll that the kernel ended by itself is begun again: on an eventfd that was written before, it then
 * reports once more, which is harmless. */
static void renew(struct loop *loop, uint64_t key)
{
    struct loop_watch *watch = loop_watch_find(loop, key);

    if (watch && uring_begin(loop, loop_key_fd(key), watch, key))
        loop_put_off(loop, watch);
}

static int uring_wait(struct loop *loop, struct loop_event *events, unsigned capacity, uint64_t until_ns)
{
    struct loop_uring *uring = uring_of(loop);
    struct io_uring_cqe *cqes[BATCH];
    unsigned got, count = 0;
    int result;

    result = uring_sleep(uring, io_uring_cq_ready(&uring->ring) ? 0 : until_ns);
    if (result < 0 && result != -ETIME && result != -EINTR && !loop_passes(result))
        return result;
    got = io_uring_peek_batch_cqe(&uring->ring, cqes, MIN(capacity, (unsigned)BATCH));
    if (!got && loop_passes(result))
        loop_breathe();
    for (unsigned i = 0; i < got; i++) {
        uint64_t key = cqes[i]->user_data;

        if (key == KEY_IGNORED)
            continue;
        if (loop_key_verb(key) == LOOP_VERB_EDGE && cqes[i]->res >= 0 && !(cqes[i]->flags & IORING_CQE_F_MORE))
            renew(loop, key);
        count += loop_complete(loop, key, cqes[i]->res, &events[count]);
    }
    io_uring_cq_advance(&uring->ring, got);
    return (int)count;
}

static void uring_free(struct loop *loop)
{
    io_uring_queue_exit(&uring_of(loop)->ring);
    free(loop);
}

static const struct loop_backend uring_backend = {
    .name = "io_uring",
    .begin = uring_begin,
    .cancel = uring_cancel,
    .pending = uring_pending,
    .wait = uring_wait,
    .free = uring_free,
};

/* ---- start ---- */

/* Whether an operation really goes through: a sandbox may allow the set-up and refuse to enter. */
static int probe(struct reason *why)
{
    struct io_uring ring;
    struct io_uring_sqe *sqe;
    struct io_uring_cqe *cqe;
    int result = io_uring_queue_init(2, &ring, 0);

    if (result)
        return refuse_errno(why, result, "io_uring_setup");
    sqe = io_uring_get_sqe(&ring);
    io_uring_prep_nop(sqe);
    result = io_uring_submit_and_wait(&ring, 1);
    if (result >= 0)
        result = io_uring_peek_cqe(&ring, &cqe);
    if (!result)
        result = cqe->res;
    io_uring_queue_exit(&ring);
    return result < 0 ? refuse_errno(why, result, "io_uring_enter") : 0;
}

static int restrict_and_enable(struct io_uring *ring)
{
    static const uint8_t allowed[] = { IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL };
    struct io_uring_restriction restrictions[ARRAY_SIZE(allowed)] = { { 0 } };
    int result;

    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
        restrictions[i].opcode = IORING_RESTRICTION_SQE_OP;
        restrictions[i].sqe_op = allowed[i];
    }
    result = io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_RESTRICTIONS, restrictions,
                               ARRAY_SIZE(restrictions));
    if (!result)
        result = io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    return result;
}

/* From what Linux 6.1 can do down to plain. */
static const unsigned setups[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
        IORING_SETUP_R_DISABLED,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED,
    IORING_SETUP_R_DISABLED,
    0,
};

static int ring_open(struct io_uring *ring, unsigned flags, unsigned completions)
{
    struct io_uring_params parameters = { .flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
                                          .cq_entries = completions };
    int result = io_uring_queue_init_params(SUBMISSIONS, ring, &parameters);

    if (result)
        return result;
    if (!(ring->features & IORING_FEAT_EXT_ARG) || !(ring->features & IORING_FEAT_NODROP))
        result = -ENOSYS;
    else if (flags & IORING_SETUP_R_DISABLED)
        result = restrict_and_enable(ring);
    if (result)
        io_uring_queue_exit(ring);
    return result;
}

int loop_uring_new(unsigned descriptors, struct loop **out, struct reason *why)
{
    unsigned completions = descriptors > COMPLETIONS_MAX / 4 ? COMPLETIONS_MAX : MAX(4 * descriptors, 2u * SUBMISSIONS);
    struct loop_uring *uring;
    int result = probe(why);

    if (result)
        return result;
    uring = calloc(1, sizeof *uring);
    if (!uring)
        return refuse_errno(why, -ENOMEM, "io_uring");
    uring->loop.backend = &uring_backend;
    for (size_t i = 0; i < ARRAY_SIZE(setups); i++) {
        result = ring_open(&uring->ring, setups[i], completions);
        if (!result) {
            *out = &uring->loop;
            return 0;
        }
    }
    free(uring);
    return refuse_errno(why, result, "io_uring_setup");
}
