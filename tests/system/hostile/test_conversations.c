/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversations with a real daemon, drawn at random: hellos and questions, good and damaged, in any order, at any time,
 * with descriptors of any kind and number; answers that are read or are not; buffers that are handed over, or something
 * else in their place. The daemon serves an honest client all the while, and what it holds afterwards is what it held.
 *
 * A conversation is what its number draws, so the same seed says the same again. A few are open at a time, those of
 * users of their own where the test is root's, since a user has a rate.
 *
 *   WISP_CONVERSATIONS        how many (400)
 *   WISP_CONVERSATIONS_SEED   which (1)
 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/size.h"
#include "support/both_loops.h"
#include "support/repetition.h"
#include "support/resources.h"
#include "system/siege.h"

enum {
    AT_ONCE = 4,
    STEPS_MOST = 40,
    LOOK_EVERY = 48, /* conversations, and then at the daemon */
    FDS_MOST = 253,  /* that the kernel passes with a message (SCM_MAX_FD) */
    GIVEN = 4,       /* descriptors of the daemon's that are kept to be passed on */
    USERS = 64,
    FIRST_UID = 61000,
    ATTACHERS = 8,   /* of the daemon's, which has them from when they are needed on, with a descriptor each */
    GROWN_KIB = 1536 /* the most that it may have more than after a quarter: tables, as they are first used */
};

struct talk {
    struct rng rng;
    unsigned steps; /* still to come */
    int socket;     /* -1: not connected, */
    int pair;       /* none */
    int given[GIVEN];
    unsigned given_count;
    uint64_t size; /* of the buffer that was asked for last */
};

static struct {
    unsigned long long messages, descriptors, refused, welcomes, answers, buffers;
} count;

static unsigned char bytes[2 * MESSAGE_MAX];

/* ---- descriptors that nobody asked for ---- */

static int odd[32];
static unsigned odd_count;

static void add(int fd)
{
    assert_true(fd >= 0 && odd_count < ARRAY_SIZE(odd));
    odd[odd_count++] = fd;
}

static int memory(uint64_t size, bool whole, int seals)
{
    int fd = memfd_create("conversation", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    if (whole)
        assert_int_equal(region_touch(fd, size), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void make_odd(void)
{
    const int good = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    add(ends[0]);
    add(ends[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    add(ends[0]);
    add(ends[1]);
    add(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    add(open("/proc/self", O_PATH | O_CLOEXEC));
    add(open("/dev/null", O_RDWR | O_CLOEXEC));
    add(open("/dev/zero", O_RDWR | O_CLOEXEC));
    add(open(bed.alpha, O_RDONLY | O_CLOEXEC));
    add(open(bed.folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
    add(eventfd(0, EFD_CLOEXEC));
    add(epoll_create1(EPOLL_CLOEXEC));
    add(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    add(memory(0, false, good));
    add(memory(WIRE_PAGE, true, 0));
    add(memory(WIRE_PAGE, true, F_SEAL_SHRINK));
    add(memory(WIRE_PAGE, true, F_SEAL_SHRINK | F_SEAL_GROW));
    add(memory(WIRE_PAGE, false, good));
    add(memory(UINT64_C(1) << 40, false, good));
    add(memory(UINT64_C(1) << 40, false, 0));
}

/* So many of them, of those of the daemon's own, and of the socket that they go over. */
static void choose_descriptors(struct talk *talk, int *fds, unsigned many)
{
    for (unsigned i = 0; i < many; i++) {
        uint64_t which = rng_below(&talk->rng, odd_count + talk->given_count + 1);

        if (which < odd_count)
            fds[i] = odd[which];
        else
            fds[i] = which - odd_count < talk->given_count ? talk->given[which - odd_count] : talk->socket;
    }
}

/* Mostly few. */
static unsigned choose_number(struct rng *rng)
{
    static const unsigned most[] = { 1, 1, 2, 4, 16, FDS_MOST + 1 };

    return (unsigned)rng_below(rng, most[rng_below(rng, ARRAY_SIZE(most))]);
}

/* ---- messages ---- */

/* Numbers that are near what is looked for. */
static uint32_t choose_word(struct rng *rng)
{
    static const uint32_t words[] = { 0, 1, 2, 8, 0xffff, 0x7fffffff, 0x80000000, UINT32_MAX, WIRE_PAGE, MESSAGE_MAX };

    return words[rng_below(rng, ARRAY_SIZE(words))] + (uint32_t)rng_below(rng, 3) - 1;
}

static size_t put_hello(struct rng *rng)
{
    static const uint32_t entries[] = { 0, 4, 16, 64, WIRE_ENTRIES_NONE };
    struct wire_hello hello = raw_hello(entries[rng_below(rng, ARRAY_SIZE(entries))], WIRE_ARENA_MIN);

    if (!rng_below(rng, 4))
        hello.features = rng_u64(rng);
    if (!rng_below(rng, 8))
        hello.request_arena = rng_u64(rng) >> rng_below(rng, 64);
    memcpy(bytes, &hello, sizeof hello);
    return sizeof hello;
}

/* Of a buffer that there may be, mostly of few pages. */
static size_t put_attach(struct talk *talk, unsigned char *to, uint16_t type)
{
    struct wire_attach attach = { .size = 0 };

    if (type == WIRE_DETACH)
        attach.number = (uint32_t)rng_below(&talk->rng, WIRE_BUFFERS_MAX + 1);
    else
        attach.size = WIRE_PAGE * (1 + rng_below(&talk->rng, rng_below(&talk->rng, 8) ? 8 : 1 << 20));
    talk->size = attach.size;
    memcpy(to, &attach, sizeof attach);
    return sizeof attach;
}

static size_t put_question(struct talk *talk)
{
    static const uint16_t types[] = { WIRE_LIST,   WIRE_DESCRIBE, WIRE_STATUS, WIRE_STATS,  WIRE_CLIENTS, WIRE_RELOAD,
                                      WIRE_ATTACH, WIRE_ATTACH,   WIRE_ATTACH, WIRE_DETACH, WIRE_ROLLBACK };
    static const char *const names[] = { "alpha", "image", "image.classification", "nobody", "%s%n\033[2J" };
    struct wire_control control = { .header = { .magic = WIRE_MAGIC }, .id = rng_u32(&talk->rng) };
    size_t length = sizeof control;

    control.header.type = types[rng_below(&talk->rng, ARRAY_SIZE(types))];
    if (control.header.type == WIRE_DESCRIBE) {
        const char *name = names[rng_below(&talk->rng, ARRAY_SIZE(names))];

        memcpy(bytes + length, name, strlen(name));
        length += strlen(name);
    }
    if (control.header.type == WIRE_ATTACH || control.header.type == WIRE_DETACH)
        length += put_attach(talk, bytes + length, control.header.type);
    control.header.length = (uint32_t)length;
    memcpy(bytes, &control, sizeof control);
    return length;
}

/* One thing wrong, or several: bits, words, and how long it is, with and without saying so. */
static size_t damage(struct rng *rng, size_t length)
{
    do {
        uint32_t word = choose_word(rng);

        switch (rng_below(rng, 5)) {
        case 0:
            bytes[rng_below(rng, length)] ^= (unsigned char)(1u << rng_below(rng, 8));
            break;
        case 1:
            if (length >= sizeof word)
                memcpy(bytes + rng_below(rng, length / sizeof word) * sizeof word, &word, sizeof word);
            break;
        case 2:
            length = 1 + rng_below(rng, length);
            break;
        case 3:
            length += rng_below(rng, rng_below(rng, 8) ? 64 : 1 + sizeof bytes - length);
            break;
        default:
            bytes[offsetof(struct wire_header, type)] = (unsigned char)rng_below(rng, 16);
        }
        length = MIN(length, sizeof bytes);
        if (rng_below(rng, 2) && length >= sizeof(struct wire_header))
            memcpy(bytes + offsetof(struct wire_header, length), &(uint32_t){ (uint32_t)length }, sizeof(uint32_t));
    } while (!rng_below(rng, 3));
    return length;
}

/* Where the kernel lets nobody send descriptors, the message goes without. */
static bool put_out(int socket, size_t length, const int *fds, unsigned many)
{
    struct iovec part = { .iov_base = bytes, .iov_len = length };
    struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(FDS_MOST * sizeof(int))];
    } control = { .room = { 0 } };
    ssize_t sent;

    if (many) {
        header.msg_control = &control;
        header.msg_controllen = CMSG_SPACE(many * sizeof(int));
        control.header = (struct cmsghdr){ CMSG_LEN(many * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.header), fds, many * sizeof(int));
    }
    sent = sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    count.messages += sent >= 0;
    count.descriptors += sent >= 0 ? many : 0;
    if (sent < 0 && errno == EPERM && many) {
        count.refused++;
        return put_out(socket, length, NULL, 0);
    }
    return sent >= 0;
}

/* ---- one step of a conversation ---- */

static void hang_up(struct talk *talk)
{
    for (unsigned i = 0; i < talk->given_count; i++)
        close(talk->given[i]);
    talk->given_count = 0;
    if (talk->pair >= 0)
        close(talk->pair);
    if (talk->socket >= 0)
        close(talk->socket);
    talk->socket = talk->pair = -1;
}

static void call(struct talk *talk)
{
    const bool root = !geteuid();

    hang_up(talk);
    if (root) /* and root himself, who may have models loaded anew */
        assert_int_equal(seteuid(rng_below(&talk->rng, 32) ? (uid_t)(FIRST_UID + rng_below(&talk->rng, USERS)) : 0), 0);
    talk->socket = raw_connect(bed.daemon.socket);
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_true(talk->socket >= 0);
}

/* Three descriptors are a welcome's, one is the end of a pair on which a buffer is awaited. */
static void keep(struct talk *talk, struct message *message)
{
    for (unsigned i = 0; i < message->fd_count; i++) {
        if (message->fd_count == 1 && talk->pair < 0)
            talk->pair = message->fds[i];
        else if (talk->given_count < GIVEN)
            talk->given[talk->given_count++] = message->fds[i];
        else
            close(message->fds[i]);
        message->fds[i] = -1;
    }
}

/* What has come, or comes soon. */
static void hear(struct talk *talk)
{
    struct pollfd poller = { .fd = talk->socket, .events = POLLIN };
    static struct message message;
    struct reason why;

    while (poll(&poller, 1, (int)rng_below(&talk->rng, 3)) == 1) {
        int result = message_receive(talk->socket, &message, true, MSG_DONTWAIT, &why);

        if (result == -ECONNRESET)
            hang_up(talk);
        if (result)
            break;
        count.welcomes += message.fd_count == 3;
        count.answers += message.header.type > WIRE_REPLY;
        keep(talk, &message);
    }
}

static void say(struct talk *talk, size_t length)
{
    int fds[FDS_MOST];
    unsigned many = choose_number(&talk->rng);

    choose_descriptors(talk, fds, many);
    if (!put_out(talk->socket, length, fds, many) && errno != EAGAIN)
        hang_up(talk); /* as it has been hung up on */
}

static void say_hello(struct talk *talk)
{
    size_t length = put_hello(&talk->rng);

    say(talk, rng_below(&talk->rng, 3) ? length : damage(&talk->rng, length));
    if (talk->socket >= 0)
        hear(talk);
}

static void ask(struct talk *talk)
{
    say(talk, put_question(talk));
}

static void ask_nonsense(struct talk *talk)
{
    say(talk, damage(&talk->rng, put_question(talk)));
}

/* Whoever has not sealed his memory before is hung up on. */
static void ring(struct talk *talk)
{
    const uint64_t one = 1;

    if (talk->given_count && rng_below(&talk->rng, 4))
        (void)fcntl(talk->given[0], F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
    for (unsigned i = 0; i < talk->given_count; i++)
        (void)!write(talk->given[i], &one, sizeof one); /* the third is the doorbell */
}

static size_t put_request_for_buffer(struct talk *talk, uint64_t size)
{
    struct wire_control control = { .header = { .magic = WIRE_MAGIC, .type = WIRE_ATTACH }, .id = 1 };
    const struct wire_attach attach = { .size = size };

    control.header.length = sizeof control + sizeof attach;
    memcpy(bytes, &control, sizeof control);
    memcpy(bytes + sizeof control, &attach, sizeof attach);
    talk->size = size;
    return control.header.length;
}

static void ask_for_buffer(struct talk *talk)
{
    const uint64_t size = WIRE_PAGE * (1 + rng_below(&talk->rng, 8));

    if (talk->pair < 0 && put_out(talk->socket, put_request_for_buffer(talk, size), NULL, 0))
        hear(talk);
}

/* On the pair, if there is one: what was asked for, or what was not. */
static void hand_over(struct talk *talk)
{
    const uint64_t size = MIN(talk->size ? talk->size : WIRE_PAGE, (uint64_t)64 * WIRE_PAGE);
    struct pollfd poller = { .events = POLLIN };
    int fds[FDS_MOST], good = -1;
    unsigned many = 1;
    size_t length;

    ask_for_buffer(talk);
    if (talk->pair < 0)
        return;
    poller.fd = talk->pair;
    length = put_request_for_buffer(talk, size);
    if (rng_below(&talk->rng, 2)) {
        fds[0] = good = memory(size, true, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE);
    } else {
        many = choose_number(&talk->rng);
        choose_descriptors(talk, fds, many);
        length = rng_below(&talk->rng, 2) ? length : damage(&talk->rng, length);
    }
    if (put_out(talk->pair, length, fds, many) && poll(&poller, 1, 20) == 1 &&
        recv(talk->pair, bytes, sizeof bytes, MSG_DONTWAIT) >= (ssize_t)sizeof(struct wire_control))
        count.buffers += !((const struct wire_control *)(const void *)bytes)->status;
    if (good >= 0)
        close(good);
    close(talk->pair);
    talk->pair = -1;
}

static void stop_writing(struct talk *talk)
{
    shutdown(talk->socket, rng_below(&talk->rng, 2) ? SHUT_WR : SHUT_RD);
}

static void (*const steps[])(struct talk *talk) = { say_hello,    ask,       ask,          ask,    ask,
                                                    ask_nonsense, hear,      hear,         ring,   hand_over,
                                                    hand_over,    hand_over, stop_writing, hang_up };

/* Most begin as they should, and few are over soon. */
static void talk_begin(struct talk *talk, uint64_t seed, uint64_t number)
{
    *talk = (struct talk){ .rng = rng_make(seed, number), .socket = -1, .pair = -1 };
    talk->steps = 1 + (unsigned)rng_below(&talk->rng, STEPS_MOST);
    call(talk);
    if (rng_below(&talk->rng, 8)) {
        put_out(talk->socket, put_hello(&talk->rng), NULL, 0);
        hear(talk);
    }
}

/* The rarer a step is to be, the likelier another one is drawn in its place. */
static void talk_on(struct talk *talk)
{
    uint64_t step = rng_below(&talk->rng, ARRAY_SIZE(steps));

    if (talk->socket < 0)
        call(talk);
    if (step + 2 >= ARRAY_SIZE(steps) && rng_below(&talk->rng, 4))
        step = 1;
    if (step == 1 && rng_below(&talk->rng, 2))
        hear(talk);
    if (talk->socket >= 0)
        steps[step](talk);
}

/* ---- all of them ---- */

/* Of the daemon's own, not of what it shares with clients. */
static uint64_t private_kib(void)
{
    return resources_kib(bed.daemon.pid, "RssAnon");
}

/* A reload that root has asked for may be under way still. */
static uint64_t private_settles(uint64_t most)
{
    uint64_t now = private_kib();

    for (int waited = 0; waited < PATIENCE_MS && now > most; waited += 20) {
        poll(NULL, 0, 20);
        now = private_kib();
    }
    return now;
}

static void look(uint64_t seed, unsigned number)
{
    if (!daemon_settles(&bed.daemon, siege.descriptors + ATTACHERS, siege.mappings))
        fail_msg("WISP_CONVERSATIONS_SEED=%llu: something is left of those up to %u", (unsigned long long)seed, number);
    bed_serves();
}

static void talk_at_once(uint64_t seed, unsigned first)
{
    static struct talk talks[AT_ONCE];
    bool goes_on = true;

    for (unsigned i = 0; i < AT_ONCE; i++)
        talk_begin(&talks[i], seed, first + i);
    while (goes_on) {
        goes_on = false;
        for (unsigned i = 0; i < AT_ONCE; i++) {
            if (talks[i].steps && talks[i].steps--)
                talk_on(&talks[i]);
            goes_on |= talks[i].steps > 0;
        }
    }
    for (unsigned i = 0; i < AT_ONCE; i++)
        hang_up(&talks[i]);
}

static void whatever_is_said_it_serves_on(void **state)
{
    struct repetition rounds = repetition_begin("WISP_CONVERSATIONS", 400);
    const uint64_t seed = repeats("WISP_CONVERSATIONS_SEED", 1);
    const unsigned begun = rounds.done, grown = begun + (rounds.all - MIN(begun, rounds.all)) / 4;
    uint64_t before = 0, after;

    (void)state;
    if (rounds.done >= rounds.all)
        return; /* all were held before */
    assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
    make_odd();
    for (; repetition_goes_on(&rounds); repetition_note(&rounds, AT_ONCE)) {
        talk_at_once(seed, rounds.done);
        if (rounds.done % LOOK_EVERY < AT_ONCE)
            look(seed, rounds.done);
        if (!before && rounds.done >= grown)
            before = private_kib();
    }
    look(seed, rounds.done);
    after = private_settles(before + GROWN_KIB);
    printf("%llu messages, %llu descriptors (%llu times the kernel refused), %llu welcomes, %llu answers, %llu "
           "buffers; %llu KiB after a quarter, %llu at the end\n",
           count.messages, count.descriptors, count.refused, count.welcomes, count.answers, count.buffers,
           (unsigned long long)before, (unsigned long long)after);
    assert_true(rounds.all - begun < 100 || (count.welcomes && count.answers && count.buffers && count.descriptors));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* of which memory is another matter */
    assert_true(after <= before + GROWN_KIB);
#endif
    while (odd_count)
        close(odd[--odd_count]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(whatever_is_said_it_serves_on) };

    return run_over_both_loops(tests, siege_begin, siege_end);
}
