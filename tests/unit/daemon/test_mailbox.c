/* SPDX-License-Identifier: Apache-2.0
 *
 * The mailbox between two threads: everything arrives, once, in order, whole, and nobody sleeps while a mail is there.
 */
#include "support/test.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/futex.h"
#include "daemon/event/mailbox.h"
#include "libipc/wake.h"

static void it_is_full_and_empty(void **state)
{
    struct mailbox box;
    struct mail mail;

    (void)state;
    assert_int_equal(mailbox_init(&box, 5), 0);
    assert_false(mailbox_take(&box, &mail));
    for (int round = 0; round < 3; round++) {
        uint32_t posted = 0;

        while (mailbox_post(&box, (struct mail){ .kind = posted, .subject = &box }))
            posted++;
        assert_true(posted >= 5);
        assert_false(mailbox_arm(&box));
        for (uint32_t i = 0; i < posted; i++) {
            assert_true(mailbox_take(&box, &mail));
            assert_int_equal(mail.kind, i);
            assert_ptr_equal(mail.subject, &box);
        }
        assert_false(mailbox_take(&box, &mail));
    }
    mailbox_deinit(&box);
    mailbox_deinit(&box);
}

/* An awake reader costs the writer no system call; a sleeping one is rung for. */
static void only_a_sleeper_is_rung_for(void **state)
{
    struct pollfd poller;
    struct mailbox box;
    struct mail mail;

    (void)state;
    assert_int_equal(mailbox_init(&box, 4), 0);
    poller = (struct pollfd){ .fd = box.eventfd, .events = POLLIN };
    assert_true(mailbox_post(&box, (struct mail){ .kind = 1 }));
    assert_int_equal(poll(&poller, 1, 0), 0);
    assert_true(mailbox_take(&box, &mail));
    assert_true(mailbox_arm(&box));
    assert_true(mailbox_post(&box, (struct mail){ .kind = 2 }));
    assert_int_equal(poll(&poller, 1, 0), 1);
    mailbox_disarm(&box);
    mailbox_deinit(&box);
}

enum { MAILS = 200000, ROOM = 4 };

struct letter {
    uint64_t words[2];
};

static struct letter letters[MAILS];

/* Waits in vain for room where the reader sleeps for good: then the test's time runs out. */
static void *write_all(void *argument)
{
    struct mailbox *box = argument;

    for (uint32_t i = 0; i < MAILS; i++) {
        letters[i] = (struct letter){ { i, ~(uint64_t)i } };
        while (!mailbox_post(box, (struct mail){ .kind = i, .subject = &letters[i] }))
            cpu_pause();
    }
    return NULL;
}

static void nothing_is_lost_between_two_threads(void **state)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };
    int poller = epoll_create1(EPOLL_CLOEXEC);
    uint32_t taken = 0, slept = 0;
    struct mailbox box;
    pthread_t writer;

    (void)state;
    assert_int_equal(mailbox_init(&box, ROOM), 0);
    assert_int_equal(epoll_ctl(poller, EPOLL_CTL_ADD, box.eventfd, &event), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_all, &box), 0);
    while (taken < MAILS) {
        struct mail mail;

        while (mailbox_take(&box, &mail)) {
            const struct letter *letter = mail.subject;

            assert_int_equal(mail.kind, taken);
            assert_true(letter->words[0] == taken && letter->words[1] == ~(uint64_t)taken);
            taken++;
        }
        if (taken == MAILS || !mailbox_arm(&box))
            continue;
        assert_int_equal(epoll_wait(poller, &event, 1, 10000), 1); /* a lost wake-up */
        slept++;
        mailbox_disarm(&box);
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_true(slept > 0);
    close(poller);
    mailbox_deinit(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_full_and_empty),
        cmocka_unit_test(only_a_sleeper_is_rung_for),
        cmocka_unit_test(nothing_is_lost_between_two_threads),
    };

    return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
