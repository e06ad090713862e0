/* SPDX-License-Identifier: Apache-2.0
 *
 * What a daemon that has been taken over could do with the ring that it has: nothing else than its event loop does.
 */
#include "support/test.h"

#include <errno.h>
#include <liburing.h>

#include "base/clock.h"
#include "base/size.h"
#include "daemon/event/loop.h"

static struct io_uring *ring_seen; /* the loop's */

/* What the linker puts in place of the call: --wrap. */
int __real_io_uring_submit_and_get_events(struct io_uring *ring);
int __wrap_io_uring_submit_and_get_events(struct io_uring *ring);
int __wrap_io_uring_submit_and_get_events(struct io_uring *ring)
{
    ring_seen = ring;
    return __real_io_uring_submit_and_get_events(ring);
}

static void the_ring_polls_and_cancels_alone(void **state)
{
    static const unsigned char forbidden[] = { IORING_OP_NOP,     IORING_OP_OPENAT, IORING_OP_READ,   IORING_OP_WRITE,
                                               IORING_OP_CONNECT, IORING_OP_ACCEPT, IORING_OP_SENDMSG };
    struct loop_event event;
    struct loop *loop;

    (void)state;
    if (loop_new(LOOP_URING, 4, &loop, NULL, NULL))
        skip(); /* forbidden here */
    assert_int_equal(loop_wait(loop, &event, 1, 0), 0);
    assert_non_null(ring_seen);
    for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(ring_seen);
        struct io_uring_cqe *cqe;

        assert_non_null(sqe);
        io_uring_prep_rw(forbidden[i], sqe, -1, NULL, 0, 0);
        assert_true(io_uring_submit_and_wait(ring_seen, 1) >= 0);
        assert_int_equal(io_uring_peek_cqe(ring_seen, &cqe), 0);
        assert_int_equal(cqe->res, -EACCES);
        io_uring_cqe_seen(ring_seen, cqe);
    }
    assert_int_equal(io_uring_register_eventfd(ring_seen, 0), -EACCES);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ring_polls_and_cancels_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
