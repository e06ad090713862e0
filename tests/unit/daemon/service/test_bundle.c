/* SPDX-License-Identifier: Apache-2.0
 *
 * The descriptors of a channel that another daemon has left: whatever is wrong with one of them, or with what it holds,
 * the channel is refused with a sentence, its client sees that it has ended, and nothing stays open.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/size.h"
#include "daemon/service/bundle.h"
#include "support/resources.h"
#include "support/test.h"

enum { ENTRIES = 16, ARENA = 65536, SOCKET = 0, EVENTFD, REQUEST, RESPONSE, JOURNAL, EXTRA };

/* What a daemon has put into the store, and the client's end of its socket. */
static struct left {
    struct channel_memory memory;
    struct passed_fd fds[EXTRA + 1];
    unsigned count;
    int client;
} left;

static void begin_journal(struct journal *journal)
{
    *journal = (struct journal){ .magic = JOURNAL_MAGIC,
                                 .version = JOURNAL_VERSION,
                                 .request_size = sizeof(struct request),
                                 .welcome = { .abi = WIRE_ABI_MAX,
                                              .features = WIRE_FEATURES,
                                              .entries = ENTRIES,
                                              .request_arena = ARENA,
                                              .response_arena = ARENA },
                                 .name = "somebody" };
}

static void leave(int type, bool seal)
{
    struct wire_daemon_control *control;
    struct wire_layout layout;
    struct region client;
    struct reason why;
    int ends[2];

    assert_int_equal(wire_layout(ENTRIES, ARENA, ARENA, &layout, NULL), 0);
    left = (struct left){ .count = BUNDLE_FDS };
    assert_ok(channel_memory_make(&left.memory, &layout, &why), why);
    begin_journal(left.memory.journal);
    control = left.memory.response.address;
    control->magic = WIRE_MAGIC;
    control->abi = WIRE_ABI_MAX;
    control->state = WIRE_STATE_READY;
    if (seal) {
        assert_ok(region_map(&client, dup(left.memory.request.fd), layout.request_size, true, &why), why);
        assert_ok(region_seal(&client, &why), why);
        region_deinit(&client);
    }
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
    left.client = ends[1];
    for (int i = 0; i <= EXTRA; i++)
        left.fds[i] = (struct passed_fd){ .name = STORE_CHANNEL "1", .fd = -1 };
    left.fds[SOCKET].fd = ends[0];
    left.fds[EVENTFD].fd = dup(left.memory.eventfd);
    left.fds[REQUEST].fd = dup(left.memory.request.fd);
    left.fds[RESPONSE].fd = dup(left.memory.response.fd);
    left.fds[JOURNAL].fd = dup(left.memory.pages.fd);
}

/* Nobody has the socket any more. */
static bool client_sees_the_end(void)
{
    char byte;

    return recv(left.client, &byte, 1, MSG_DONTWAIT) == 0;
}

static void put_away(void)
{
    for (unsigned i = 0; i <= EXTRA; i++) {
        if (left.fds[i].fd >= 0)
            close(left.fds[i].fd);
    }
    close(left.client);
    channel_memory_unmake(&left.memory);
}

static void is_refused(const char *says)
{
    struct reason why = { "" };
    struct bundle bundle;

    assert_int_equal(bundle_open(&bundle, left.fds, left.count, &why), WISP_E_INVALID);
    if (!strstr(why.text, says))
        fail_msg("said \"%s\", not \"%s\"", why.text, says);
    assert_int_equal(bundle.socket, -1);
    assert_null(bundle.memory.journal);
}

static void test_what_is_whole_is_taken(void **state)
{
    static const int orders[][BUNDLE_FDS] = { { 0, 1, 2, 3, 4 }, { 4, 3, 2, 1, 0 }, { 2, 0, 4, 1, 3 } };
    const unsigned before = resources_fds();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
        struct passed_fd ordered[BUNDLE_FDS];
        struct bundle bundle;
        struct reason why;

        leave(SOCK_SEQPACKET, true);
        for (int k = 0; k < BUNDLE_FDS; k++) {
            ordered[k] = left.fds[orders[i][k]];
            left.fds[orders[i][k]].fd = -1;
        }
        assert_ok(bundle_open(&bundle, ordered, BUNDLE_FDS, &why), why);
        assert_string_equal(bundle.name, "somebody");
        assert_int_equal(bundle.layout.entries, ENTRIES);
        assert_int_equal(left.memory.journal->attempts, 1);
        assert_false(client_sees_the_end());
        channel_memory_unmake(&bundle.memory);
        close(bundle.socket);
        put_away();
    }
    assert_int_equal(resources_fds(), before);
}

/* One of them is missing, there twice, or something else; or there is one more. */
static void test_each_part_once(void **state)
{
    const unsigned before = resources_fds();

    (void)state;
    for (int part = SOCKET; part <= JOURNAL; part++) {
        leave(SOCK_SEQPACKET, true);
        close(left.fds[part].fd);
        left.fds[part].fd = left.fds[JOURNAL].fd;
        left.fds[JOURNAL].fd = -1;
        left.count = BUNDLE_FDS - 1;
        is_refused("4 descriptors of 5");
        put_away();

        leave(SOCK_SEQPACKET, true);
        left.fds[EXTRA].fd = dup(left.fds[part].fd);
        left.count = EXTRA + 1;
        is_refused("twice the same");
        put_away();

        leave(SOCK_SEQPACKET, true);
        assert_true(dup2(STDERR_FILENO, left.fds[part].fd) >= 0);
        is_refused("no part of a channel");
        put_away();

        leave(SOCK_SEQPACKET, true);
        close(left.fds[part].fd); /* it is none */
        left.fds[part].fd = 1 << 20;
        is_refused("no part of a channel");
        left.fds[part].fd = -1;
        put_away();
    }
    assert_int_equal(resources_fds(), before);
}

static void ends_in_the_middle(struct journal *journal)
{
    memset(journal->name, 'x', sizeof journal->name);
}

static void has_another_magic(struct journal *journal)
{
    journal->magic++;
}

static void has_another_version(struct journal *journal)
{
    journal->version++;
}

static void has_other_requests(struct journal *journal)
{
    journal->request_size++;
}

static void has_failed_often(struct journal *journal)
{
    journal->attempts = 3;
}

static void asks(struct journal *journal)
{
    journal->asking = 1;
}

static void was_not_welcome(struct journal *journal)
{
    journal->welcome.status = WISP_E_BUSY;
}

static void is_too_old(struct journal *journal)
{
    journal->welcome.abi = WIRE_ABI_MIN - 1;
}

static void is_too_new(struct journal *journal)
{
    journal->welcome.abi = WIRE_ABI_MAX + 1;
}

static void can_more(struct journal *journal)
{
    journal->welcome.features = ~(uint64_t)0;
}

static void has_an_odd_ring(struct journal *journal)
{
    journal->welcome.entries = ENTRIES + 1;
}

/* So many that the journal would be longer. */
static void has_a_longer_ring(struct journal *journal)
{
    journal->welcome.entries = 1024;
}

static void test_each_word_of_the_journal(void **state)
{
    static const struct {
        void (*damage)(struct journal *journal);
        const char *says;
    } damages[] = {
        { has_another_magic, "another build" },
        { has_another_version, "another build" },
        { has_other_requests, "another build" },
        { has_failed_often, "3 daemons have ended" },
        { asks, "an answer that nobody has" },
        { was_not_welcome, "nothing that this daemon offers" },
        { is_too_old, "nothing that this daemon" },
        { is_too_new, "nothing that this daemon" },
        { can_more, "nothing that this daemon" },
        { ends_in_the_middle, "name has no end" },
        { has_an_odd_ring, "" },
        { has_a_longer_ring, "bytes for 1024 requests" },
    };
    const unsigned before = resources_fds();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        leave(SOCK_SEQPACKET, true);
        damages[i].damage(left.memory.journal);
        is_refused(damages[i].says);
        assert_true(client_sees_the_end());
        put_away();
    }
    assert_int_equal(resources_fds(), before);
}

static void is_closed(struct wire_daemon_control *control)
{
    control->state = WIRE_STATE_CLOSED;
}

static void has_no_magic(struct wire_daemon_control *control)
{
    control->magic = 0;
}

static void speaks_another(struct wire_daemon_control *control)
{
    control->abi = WIRE_ABI_MIN - 1;
}

static void test_what_it_shares(void **state)
{
    void (*const damages[])(struct wire_daemon_control * control) = { is_closed, has_no_magic, speaks_another };
    const unsigned before = resources_fds();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(damages); i++) {
        leave(SOCK_SEQPACKET, true);
        damages[i](left.memory.response.address);
        is_refused("it was closed");
        assert_true(client_sees_the_end());
        put_away();
    }
    leave(SOCK_SEQPACKET, false);
    is_refused("not sealed it yet");
    put_away();
    leave(SOCK_STREAM, true);
    is_refused("no socket of a client");
    put_away();
    leave(SOCK_SEQPACKET, true);
    close(left.fds[JOURNAL].fd);
    left.fds[JOURNAL].fd = memfd_create("wisp-journal", MFD_CLOEXEC); /* of the right name, and empty */
    is_refused("no journal");
    put_away();
    assert_int_equal(resources_fds(), before);
}

/* Who is started by nobody that keeps anything says so. */
static void test_nobody_keeps_anything(void **state)
{
    int fd = eventfd(0, EFD_CLOEXEC);

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(store_put(STORE_CHANNEL "1", &fd, 1), -ENOTCONN);
    assert_int_equal(store_remove(STORE_CHANNEL "1"), -ENOTCONN);
    assert_int_equal(setenv("FDSTORE", "512", 1), 0);
    assert_int_equal(store_capacity(), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", "/nowhere", 1), 0);
    assert_int_equal(store_capacity(), 512);
    assert_int_equal(setenv("FDSTORE", "99999999999", 1), 0);
    assert_int_equal(store_capacity(), 0);
    assert_true(store_put(STORE_CHANNEL "1", &fd, 1) < 0);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("FDSTORE");
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_whole_is_taken),   cmocka_unit_test(test_each_part_once),
        cmocka_unit_test(test_each_word_of_the_journal), cmocka_unit_test(test_what_it_shares),
        cmocka_unit_test(test_nobody_keeps_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
