/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages with descriptors over real sockets. Every test ends with the descriptors that it began with.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/size.h"
#include "libipc/message.h"
#include "support/resources.h"
#include "support/test.h"

static unsigned fds_before;
static int ends[2];
static struct message *message; /* larger than a stack frame may be */

static int begin(void **state)
{
    (void)state;
    fds_before = resources_fds();
    message = calloc(1, sizeof *message);
    return !message || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int end(void **state)
{
    (void)state;
    free(message);
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
    }
    return resources_fds() != fds_before;
}

static struct wire_control control_of(uint16_t type)
{
    return (struct wire_control){
        .header = { .magic = WIRE_MAGIC, .type = type, .length = sizeof(struct wire_control) },
        .id = 7,
    };
}

static void send_bytes(const void *bytes, size_t length)
{
    assert_int_equal(message_send(ends[0], bytes, length, NULL, 0, 0), 0);
}

/* Sends `count` descriptors, even more than message_send() takes. */
static void send_fds(const void *bytes, size_t length, unsigned count)
{
    struct iovec part = { .iov_base = (void *)bytes, .iov_len = length };
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(253 * sizeof(int))];
    } control = { .header = {
                      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int)) } };
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(count * sizeof(int))
    };

    for (unsigned i = 0; i < count; i++)
        memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &ends[0], sizeof(int));
    assert_int_equal(sendmsg(ends[0], &header, 0), (ssize_t)length);
}

static void test_a_message_arrives_whole(void **state)
{
    struct wire_control list = control_of(WIRE_LIST);
    struct reason why;

    (void)state;
    send_bytes(&list, sizeof list);
    assert_ok(message_receive(ends[1], message, false, 0, &why), why);
    assert_int_equal(message->length, sizeof list);
    assert_memory_equal(&message->control, &list, sizeof list);
    assert_int_equal(message->fd_count, 0);
    assert_int_equal(message_receive(ends[1], message, false, MSG_DONTWAIT, &why), -EAGAIN);
}

static void test_descriptors_travel(void **state)
{
    struct wire_control list = control_of(WIRE_LIST);
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    const int fds[] = { event, ends[0], event };
    uint64_t value = 41;
    struct reason why;

    (void)state;
    for (unsigned count = 1; count <= MESSAGE_FDS_MAX; count++) {
        assert_int_equal(message_send(ends[0], &list, sizeof list, fds, count, 0), 0);
        assert_ok(message_receive(ends[1], message, true, 0, &why), why);
        assert_int_equal(message->fd_count, count);
        for (unsigned i = 0; i < count; i++)
            assert_true(fcntl(message->fds[i], F_GETFD) & FD_CLOEXEC);
        assert_int_equal(write(message->fds[0], &value, sizeof value), sizeof value);
        assert_int_equal(read(event, &value, sizeof value), sizeof value);
        assert_int_equal(value, 41);
        message_deinit(message);
        message_deinit(message); /* idempotent */
    }
    assert_int_equal(message_send(ends[0], &list, sizeof list, fds, MESSAGE_FDS_MAX + 1, 0), -EINVAL);
    close(event);
}

static void test_a_descriptor_taken_out_stays_open(void **state)
{
    struct wire_control list = control_of(WIRE_LIST);
    struct reason why;
    int kept;

    (void)state;
    assert_int_equal(message_send(ends[0], &list, sizeof list, &ends[0], 1, 0), 0);
    assert_ok(message_receive(ends[1], message, true, 0, &why), why);
    kept = message->fds[0];
    message->fds[0] = -1;
    message_deinit(message);
    assert_true(fcntl(kept, F_GETFD) >= 0);
    close(kept);
}

static void test_unwanted_descriptors_are_refused(void **state)
{
    static const unsigned counts[] = { 1, 2, 3, 4, 5, 100, 253 };
    struct wire_control list = control_of(WIRE_LIST);
    unsigned before = resources_fds();
    struct reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        send_fds(&list, sizeof list, counts[i]);
        assert_int_equal(message_receive(ends[1], message, false, 0, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "descriptors"));
        assert_int_equal(resources_fds(), before);
    }
    for (size_t i = 3; i < ARRAY_SIZE(counts); i++) { /* more than there is room for */
        send_fds(&list, sizeof list, counts[i]);
        assert_int_equal(message_receive(ends[1], message, true, 0, &why), WISP_E_INVALID);
        assert_int_equal(message->fd_count, 0);
        assert_int_equal(resources_fds(), before);
    }
}

static void test_descriptors_of_a_bad_message_are_closed(void **state)
{
    struct wire_control bad = control_of(99);
    unsigned before = resources_fds();
    struct reason why;

    (void)state;
    send_fds(&bad, sizeof bad, 3);
    assert_int_equal(message_receive(ends[1], message, true, 0, &why), WISP_E_INVALID);
    assert_int_equal(resources_fds(), before);
}

static void test_other_ancillary_data_is_not_a_descriptor(void **state)
{
    struct wire_control list = control_of(WIRE_LIST);
    int on = 1;
    struct reason why;

    (void)state;
    assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
    send_bytes(&list, sizeof list);
    assert_ok(message_receive(ends[1], message, true, 0, &why), why); /* credentials are not descriptors */
    assert_int_equal(message->fd_count, 0);
}

static void test_lengths_that_lie(void **state)
{
    static unsigned char bytes[MESSAGE_MAX + 100];
    struct wire_control *control = (struct wire_control *)bytes;
    struct reason why;

    (void)state;
    *control = control_of(WIRE_LIST | WIRE_REPLY);
    for (size_t length = 1; length < sizeof *control; length++) {
        send_bytes(bytes, length);
        assert_int_equal(message_receive(ends[1], message, false, 0, &why), WISP_E_INVALID);
    }
    send_bytes(bytes, sizeof *control + 1); /* says one less */
    assert_int_equal(message_receive(ends[1], message, false, 0, &why), WISP_E_INVALID);

    control->total = WIRE_CONTROL_MAX;
    control->header.length = MESSAGE_MAX;
    send_bytes(bytes, MESSAGE_MAX); /* the longest */
    assert_ok(message_receive(ends[1], message, false, 0, &why), why);
    assert_int_equal(message->length, MESSAGE_MAX);
    for (size_t length = MESSAGE_MAX + 1; length <= sizeof bytes; length += 33) {
        control->header.length = (uint32_t)length;
        control->total = WIRE_TEXT_MAX;
        send_bytes(bytes, length);
        assert_int_equal(message_receive(ends[1], message, false, 0, &why), WISP_E_INVALID);
        assert_non_null(strstr(why.text, "more than"));
    }
}

static void test_the_end_of_the_peer(void **state)
{
    struct wire_control list = control_of(WIRE_LIST);
    struct reason why;

    (void)state;
    send_bytes(&list, sizeof list);
    close(ends[0]);
    ends[0] = -1;
    assert_ok(message_receive(ends[1], message, false, 0, &why), why); /* what was sent before the end still comes */
    assert_int_equal(message_receive(ends[1], message, false, 0, &why), -ECONNRESET);
    assert_int_equal(message_send(ends[1], &list, sizeof list, NULL, 0, 0), -EPIPE); /* and no SIGPIPE */
}

static void test_a_full_socket_says_so(void **state)
{
    struct wire_control list = control_of(WIRE_LIST);
    int result = 0, sent = 0;
    struct reason why;

    (void)state;
    while (!result && sent++ < 100000)
        result = message_send(ends[0], &list, sizeof list, NULL, 0, MSG_DONTWAIT);
    assert_int_equal(result, -EAGAIN);
    for (int i = 1; i < sent; i++)
        assert_ok(message_receive(ends[1], message, false, MSG_DONTWAIT, &why), why);
    assert_int_equal(message_receive(ends[1], message, false, MSG_DONTWAIT, &why), -EAGAIN);
}

#define counted(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        counted(test_a_message_arrives_whole),
        counted(test_descriptors_travel),
        counted(test_a_descriptor_taken_out_stays_open),
        counted(test_unwanted_descriptors_are_refused),
        counted(test_descriptors_of_a_bad_message_are_closed),
        counted(test_other_ancillary_data_is_not_a_descriptor),
        counted(test_lengths_that_lie),
        counted(test_the_end_of_the_peer),
        counted(test_a_full_socket_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
