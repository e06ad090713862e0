/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of clients' own that the daemon reads: by honest clients, and by those who hand over what is not what they
 * say, take it away, or name what is not there.
 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/size.h"
#include "support/both_loops.h"
#include "support/repetition.h"
#include "system/siege.h"

enum { SIZE = 16 * WIRE_PAGE, SIZE_SEALS = F_SEAL_SHRINK | F_SEAL_GROW, GOOD = SIZE_SEALS | F_SEAL_FUTURE_WRITE };

/* ---- what a client does by hand ---- */

/* A memfd whose pages are there, with these seals, mapped to be written before; *map may be NULL. */
static int make(size_t size, int seals, float **map)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    assert_int_equal(region_touch(fd, size), 0);
    if (map) {
        *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        assert_true(*map != MAP_FAILED);
    }
    if (seals)
        assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

struct attach_message {
    struct wire_control control;
    struct wire_attach attach;
};

static struct attach_message message_of(enum wire_type type, uint64_t size, uint32_t number)
{
    return (struct attach_message){
        .control = { .header = { WIRE_MAGIC, (uint16_t)type, 0, sizeof(struct attach_message) }, .id = 9 },
        .attach = { .size = size, .number = number },
    };
}

/* Begins; the reply's status, and on 0 the socket and the number. */
static int begin_now(struct raw_client *client, uint64_t size, int *socket, uint32_t *number)
{
    const struct attach_message message = message_of(WIRE_ATTACH, size, 0);
    struct reason why = { "" };

    assert_int_equal(message_send(client->socket, &message, sizeof message, NULL, 0, 0), 0);
    assert_ok(message_receive(client->socket, &client->message, true, 0, &why), why);
    assert_int_equal(client->message.header.type, WIRE_ATTACH | WIRE_REPLY);
    if (client->message.control.status)
        return client->message.control.status;
    assert_int_equal(client->message.fd_count, 1);
    *socket = client->message.fds[0];
    *number = client->message.control.route;
    client->message.fds[0] = -1;
    return 0;
}

static const char *said(const struct raw_client *client)
{
    return (const char *)client->message.bytes + sizeof(struct wire_control);
}

static int hear(struct raw_client *client, int socket)
{
    struct pollfd wait = { .fd = socket, .events = POLLIN };
    struct reason why = { "" };

    assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
    assert_ok(message_receive(socket, &client->message, false, 0, &why), why);
    close(socket);
    return client->message.control.status;
}

/* The attachment before is waited for: of that there is one at a time, and the answer comes before its end. */
static int begin(struct raw_client *client, uint64_t size, int *socket, uint32_t *number)
{
    int result;

    while ((result = begin_now(client, size, socket, number)) == WISP_E_BUSY && strstr(said(client), "being attached"))
        poll(NULL, 0, 1);
    return result;
}

/* Hands over `fd`, said to have `size` bytes. */
static int attach(struct raw_client *client, int fd, uint64_t size, uint32_t *number)
{
    const struct attach_message message = message_of(WIRE_ATTACH, size, 0);
    int socket, result = begin(client, size, &socket, number);

    if (result)
        return result;
    assert_int_equal(message_send(socket, &message, sizeof message, &fd, 1, 0), 0);
    return hear(client, socket);
}

static int detach(struct raw_client *client, uint32_t number)
{
    const struct attach_message message = message_of(WIRE_DETACH, 0, number);
    struct reason why = { "" };

    assert_int_equal(message_send(client->socket, &message, sizeof message, NULL, 0, 0), 0);
    assert_ok(message_receive(client->socket, &client->message, false, 0, &why), why);
    return client->message.control.status;
}

static struct wire_submission in_buffer(uint32_t rows, uint32_t number, uint64_t offset)
{
    struct wire_submission submission = alpha_request(siege.route, rows, 0);

    submission.flags |= WIRE_FLAG_BUFFER;
    submission.in_offset = (uint64_t)number << WIRE_BUFFER_SHIFT | offset;
    return submission;
}

/* The thread that attaches is made when it is first needed, and stays. */
static void warm(void)
{
    int fd = make(SIZE, GOOD, NULL);
    uint32_t number;

    alpha_open(&bed.client, bed.daemon.socket);
    assert_int_equal(attach(&bed.client, fd, SIZE, &number), 0);
    raw_close(&bed.client);
    close(fd);
    siege.descriptors++;
    assert_true(daemon_settles(&bed.daemon, siege.descriptors, siege.mappings));
}

static int begin_siege(void **state)
{
    int result = siege_begin(state);

    if (!result)
        warm();
    return result;
}

/* ---- the tests ---- */

/* The bits of the arena, from any place. */
static void an_answer_from_a_buffer_is_that_of_the_arena(void **state)
{
    struct wire_submission arena, submission;
    struct wire_completion completion;
    float expected[3 * ALPHA_OUTPUTS], *map;
    int fd = make(SIZE, GOOD, &map);
    uint32_t number = 99;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    assert_int_equal(attach(&bed.client, fd, SIZE, &number), 0);
    close(fd);
    for (uint64_t offset = 0; offset <= SIZE - 3 * ALPHA_IN_BYTES; offset += 64) {
        arena = alpha_request(siege.route, 3, 0);
        alpha_fill(&bed.client, &arena, offset);
        assert_int_equal(raw_run(&bed.client, &arena, &completion), 0);
        memcpy(expected, bed.client.output + arena.out_offset / 4, sizeof expected);
        memcpy((char *)map + offset, bed.client.input + arena.in_offset / 4, 3 * ALPHA_IN_BYTES);
        memset(bed.client.input + arena.in_offset / 4, 0, 3 * ALPHA_IN_BYTES);
        submission = in_buffer(3, number, offset);
        assert_int_equal(raw_run(&bed.client, &submission, &completion), 0);
        assert_memory_equal(bed.client.output + arena.out_offset / 4, expected, sizeof expected);
    }
    map[5] = NAN;
    submission = in_buffer(1, number, 0);
    assert_int_equal(raw_run(&bed.client, &submission, &completion), WISP_E_INVALID);
    assert_int_equal(completion.cause, WIRE_CAUSE_NOT_FINITE);
    munmap(map, SIZE);
    raw_close(&bed.client);
}

/* Each with what the sentence has to say. */
static void what_is_no_sealed_memory_is_not_taken(void **state)
{
    const struct {
        int seals;
        size_t size, said;
        const char *why;
    } cases[] = {
        { 0, SIZE, SIZE, "could still resize" },
        { F_SEAL_GROW | F_SEAL_FUTURE_WRITE, SIZE, SIZE, "could still resize" },
        { F_SEAL_SHRINK | F_SEAL_WRITE, SIZE, SIZE, "could still resize" },
        { SIZE_SEALS, SIZE, SIZE, "take pages out" },
        { SIZE_SEALS | F_SEAL_SEAL, SIZE, SIZE, "take pages out" },
        { GOOD, SIZE, 2 * SIZE, "agreed" },
        { GOOD, 2 * SIZE, SIZE, "agreed" },
    };
    struct {
        const char *path;
        int flags;
    } files[] = {
        { "/dev/null", O_RDWR },
        { "/proc/self/status", O_RDONLY },
        { "/", O_RDONLY | O_DIRECTORY },
        { "/", O_PATH },
    };
    uint32_t number;
    int fd, pair[2];

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fd = make(cases[i].size, cases[i].seals, NULL);
        assert_int_equal(attach(&bed.client, fd, cases[i].said, &number), WISP_E_INVALID);
        assert_non_null(strstr(said(&bed.client), cases[i].why));
        close(fd);
    }
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        fd = open(files[i].path, files[i].flags);
        assert_int_equal(attach(&bed.client, fd, SIZE, &number), WISP_E_INVALID);
        close(fd);
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(attach(&bed.client, pair[0], SIZE, &number), WISP_E_INVALID);
    close(pair[0]);
    close(pair[1]);
    fd = memfd_create("test", MFD_ALLOW_SEALING); /* sealed, and a page is missing */
    assert_int_equal(ftruncate(fd, SIZE), 0);
    assert_int_equal(region_touch(fd, SIZE - WIRE_PAGE), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, GOOD), 0);
    assert_int_equal(attach(&bed.client, fd, SIZE, &number), WISP_E_INVALID);
    assert_non_null(strstr(said(&bed.client), "are there"));
    assert_int_equal(fallocate(fd, 0, 0, SIZE), 0); /* reserved, and written by nobody */
    assert_int_equal(attach(&bed.client, fd, SIZE, &number), WISP_E_INVALID);
    assert_non_null(strstr(said(&bed.client), "nobody has written"));
    assert_true(!region_touch(fd, SIZE) && !attach(&bed.client, fd, SIZE, &number));
    close(fd);
    /* Sealed against every write, and by a descriptor that only reads. */
    fd = make(SIZE, SIZE_SEALS | F_SEAL_WRITE, NULL);
    assert_int_equal(attach(&bed.client, fd, SIZE, &number), 0);
    close(fd);
    raw_close(&bed.client);
}

/* Once it is taken nobody can make it shorter or take a page out, so that no read of it can fault. */
static void what_is_taken_stays_whole(void **state)
{
    float *map;
    int fd = make(SIZE, GOOD, &map);
    struct wire_submission submission;
    struct wire_completion completion;
    uint32_t number;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    assert_int_equal(attach(&bed.client, fd, SIZE, &number), 0);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 2 * SIZE), -1);
    assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE), -1);
    assert_int_equal(madvise(map, SIZE, MADV_REMOVE), -1);
    munmap(map, SIZE);
    close(fd);
    submission = in_buffer(1, number, SIZE - 64 * ((ALPHA_IN_BYTES + 63) / 64)); /* zeros, to the end */
    assert_int_equal(raw_run(&bed.client, &submission, &completion), 0);
    raw_close(&bed.client);
}

static void what_is_not_there_cannot_be_named(void **state)
{
    const uint64_t places[] = { 4, SIZE, SIZE - 64, (uint64_t)SIZE << 8, (UINT64_C(1) << 48) - 64 };
    struct wire_submission submission;
    struct wire_completion completion;
    int fd = make(SIZE, GOOD, NULL);
    uint32_t number;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    for (uint32_t i = 0; i < 2 * WIRE_BUFFERS_MAX; i++) {
        submission = in_buffer(1, i, 0);
        assert_int_equal(raw_run(&bed.client, &submission, &completion), WISP_E_INVALID);
    }
    assert_int_equal(attach(&bed.client, fd, SIZE, &number), 0);
    close(fd);
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        submission = in_buffer(1, number, places[i]);
        assert_int_equal(raw_run(&bed.client, &submission, &completion), WISP_E_INVALID);
    }
    submission = in_buffer(1, UINT16_MAX, 0);
    assert_int_equal(raw_run(&bed.client, &submission, &completion), WISP_E_INVALID);
    submission = in_buffer(1, number, 0);
    assert_int_equal(raw_run(&bed.client, &submission, &completion), 0);
    assert_int_equal(detach(&bed.client, number), 0);
    assert_int_equal(raw_run(&bed.client, &submission, &completion), WISP_E_INVALID);
    assert_int_equal(detach(&bed.client, number), WISP_E_INVALID);
    raw_close(&bed.client);
}

/* Somebody has buffers; whoever has none, and tries numbers and routes, comes upon none of them, and his output stays
 * as it was. */
static void guessed_handles_are_nobodys(void **state)
{
    struct repetition guesses = repetition_begin("WISP_GUESSED_HANDLES", 2000);
    struct rng rng = rng_make(5, guesses.done);
    struct wire_submission submission;
    struct wire_completion completion;
    uint32_t numbers[WIRE_BUFFERS_MAX], of_type;
    int fd = make(SIZE, GOOD, NULL);

    (void)state;
    alpha_open(&bed.honest, bed.daemon.socket);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        assert_int_equal(attach(&bed.honest, fd, SIZE, &numbers[i]), 0);
    close(fd);
    alpha_open(&bed.client, bed.daemon.socket);
    of_type = raw_route(&bed.client, "image");
    for (; repetition_goes_on(&guesses); repetition_note(&guesses, 1)) {
        submission = in_buffer(1, guesses.done & UINT16_MAX, rng_below(&rng, SIZE / 64) * 64);
        if (guesses.done & 1)
            submission = alpha_request(rng_u32(&rng), 1, 0);
        if (submission.flags || (submission.route != siege.route && submission.route != of_type)) {
            assert_int_not_equal(raw_run(&bed.client, &submission, &completion), 0);
            assert_int_equal(completion.out_length, 0);
        }
        if (guesses.done % 64 == 0) /* questions have a rate */
            assert_true(detach(&bed.client, rng_u32(&rng) % WIRE_BUFFERS_MAX) > 0);
    }
    for (size_t i = 0; i < ALPHA_ARENA / 4; i++)
        assert_true(bed.client.output[i] == 0);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        submission = in_buffer(1, numbers[i], 0);
        assert_int_equal(raw_run(&bed.honest, &submission, &completion), 0);
    }
    raw_close(&bed.client);
    raw_close(&bed.honest);
}

/* A client that knows nothing of buffers is taken at its word. */
static void without_the_feature_there_are_none(void **state)
{
    struct wire_hello hello = raw_hello(16, 1 << 16);
    const struct attach_message message = message_of(WIRE_ATTACH, SIZE, 0);
    struct wire_submission submission = in_buffer(1, 0, 0);
    struct wire_completion completion;

    (void)state;
    hello.features &= ~WIRE_FEATURE_BUFFERS;
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), 0);
    assert_int_equal(raw_run(&bed.client, &submission, &completion), WISP_E_INVALID);
    assert_int_equal(message_send(bed.client.socket, &message, sizeof message, NULL, 0, 0), 0);
    assert_true(siege_closes(bed.client.socket, PATIENCE_MS));
    raw_close(&bed.client);
    hello = raw_hello(WIRE_ENTRIES_NONE, 0);
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), 0);
    assert_int_equal(message_send(bed.client.socket, &message, sizeof message, NULL, 0, 0), 0);
    assert_true(siege_closes(bed.client.socket, PATIENCE_MS));
    raw_close(&bed.client);
}

/* Eight of a channel; a detached one's number and bytes are there again, and so is all of a channel that goes. */
static void they_are_counted(void **state)
{
    int fd = make(SIZE, GOOD, NULL), socket;
    uint32_t number, numbers = 0;

    (void)state;
    for (int round = 0; round < 20; round++) {
        alpha_open(&bed.client, bed.daemon.socket);
        numbers = 0;
        for (int i = 0; i < WIRE_BUFFERS_MAX; i++) {
            assert_int_equal(attach(&bed.client, fd, SIZE, &number), 0);
            numbers |= 1u << number;
        }
        assert_int_equal(numbers, (1u << WIRE_BUFFERS_MAX) - 1);
        assert_int_equal(begin(&bed.client, SIZE, &socket, &number), WISP_E_NO_SPACE);
        assert_int_equal(detach(&bed.client, 3), 0);
        assert_int_equal(attach(&bed.client, fd, SIZE, &number), 0);
        assert_int_equal(number, 3);
        raw_close(&bed.client);
    }
    close(fd);
}

static void they_are_charged(void **state)
{
    const size_t size = 3 << 20;
    int fd = make(size, GOOD, NULL), socket;
    uint32_t number;

    (void)state;
    siege_with_limits("limits:\n  memory_per_user: 8MiB\n");
    for (int i = 0; i < 10; i++) {
        alpha_open(&bed.client, bed.daemon.socket); /* of a little more than 2 MiB */
        assert_int_equal(attach(&bed.client, fd, size, &number), 0);
        assert_int_equal(begin(&bed.client, size, &socket, &number), WISP_E_BUSY);
        assert_non_null(strstr(said(&bed.client), "shared memory"));
        assert_int_equal(begin(&bed.client, 16 << 20, &socket, &number), WISP_E_DENIED);
        assert_int_equal(detach(&bed.client, 0), 0);
        assert_int_equal(attach(&bed.client, fd, size, &number), 0);
        raw_close(&bed.client);
        assert_true(daemon_settles(&bed.daemon, UINT_MAX, 0)); /* it learns of that a moment later */
    }
    close(fd);
    siege_without_limits();
    warm();
}

/* Silence, nothing but words, too many descriptors, an end in between, and a channel that goes meanwhile. */
static void who_breaks_off_gets_nothing(void **state)
{
    const struct attach_message message = message_of(WIRE_ATTACH, SIZE, 0);
    int fd = make(SIZE, GOOD, NULL), fds[3] = { fd, fd, fd }, socket;
    uint32_t number;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    assert_int_equal(begin(&bed.client, SIZE, &socket, &number), 0);
    assert_int_equal(hear(&bed.client, socket), WISP_E_TIMEOUT);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(begin(&bed.client, SIZE, &socket, &number), 0);
        if (i == 3) {
            assert_int_equal(send(socket, "?", 1, 0), 1);
        } else {
            assert_int_equal(message_send(socket, &message, sizeof message, fds, i == 1 ? 0 : i == 0 ? 2 : 3, 0), 0);
        }
        assert_true(hear(&bed.client, socket) > 0);
    }
    for (int i = 0; i < 50; i++) {
        assert_int_equal(begin(&bed.client, SIZE, &socket, &number), 0);
        if (i % 2)
            (void)message_send(socket, &message, sizeof message, &fd, 1, 0);
        if (i % 4 > 1 || i % 8 == 1) {
            raw_close(&bed.client);
            alpha_open(&bed.client, bed.daemon.socket);
        }
        close(socket);
    }
    assert_int_equal(attach(&bed.client, fd, SIZE, &number), 0);
    close(fd);
    raw_close(&bed.client);
}

/* What is used is not taken back; what is taken back and named at once is used or refused, and nothing else. */
static void what_is_used_stays(void **state)
{
    enum { ROUNDS = 300, ROWS = 40 };
    int fd = make(SIZE, GOOD, NULL);
    struct wire_submission submission;
    struct wire_completion completion;
    uint32_t number;
    unsigned used = 0;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    assert_int_equal(attach(&bed.client, fd, SIZE, &number), 0);
    for (int i = 0; i < ROUNDS; i++) {
        int result;

        submission = in_buffer(ROWS, number, 0);
        submission.user_data = (uint64_t)i;
        assert_true(raw_submit(&bed.client, &submission));
        result = detach(&bed.client, number);
        assert_true(raw_reap(&bed.client, &completion, PATIENCE_MS));
        if (result == WISP_E_BUSY) {
            assert_int_equal(completion.status, 0);
            used++;
            continue;
        }
        assert_int_equal(result, 0);
        assert_true(completion.status == 0 || completion.status == WISP_E_INVALID);
        assert_int_equal(attach(&bed.client, fd, SIZE, &number), 0);
    }
    print_message("a buffer was in use %u times of %d\n", used, ROUNDS);
    close(fd);
    raw_close(&bed.client);
}

/* ---- while it is taken away ---- */

struct thief {
    pthread_t thread;
    int fd;
    uint64_t seed, tries, went; /* the last two: read after join */
    bool stop;                  /* relaxed: read until it is seen */
};

/* All that makes pages go, or the file another: what of it the seals allow by now. */
static int take_away(int fd, struct rng *rng)
{
    const off_t page = (off_t)rng_below(rng, SIZE / WIRE_PAGE) * WIRE_PAGE;

    switch (rng_below(rng, 4)) {
    case 0:
        return ftruncate(fd, page);
    case 1:
        return ftruncate(fd, SIZE + page);
    case 2:
        return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page, WIRE_PAGE);
    default:
        return fcntl(fd, F_ADD_SEALS, rng_below(rng, 2) ? F_SEAL_GROW : F_SEAL_SEAL);
    }
}

static void *steal(void *argument)
{
    struct thief *thief = argument;
    struct rng rng = rng_make(thief->seed, 17);

    do {
        thief->went += !take_away(thief->fd, &rng);
        thief->tries++;
    } while (!__atomic_load_n(&thief->stop, __ATOMIC_RELAXED));
    return NULL;
}

/* What the daemon has taken in is there for good, whatever the client does: its bits are those of what stands there. */
static void ask_from(uint32_t number, const float *map)
{
    const struct wire_submission submission = in_buffer(SIZE / ALPHA_IN_BYTES, number, 0);
    static float expected[SIZE / ALPHA_IN_BYTES * ALPHA_OUTPUTS];
    struct wire_completion completion;
    int result;

    reference_run(bed.reference, map, SIZE / ALPHA_IN_BYTES, expected);
    assert_int_equal(raw_run(&bed.client, &submission, &completion), 0);
    assert_memory_equal(bed.client.output + submission.out_offset / 4, expected, sizeof expected);
    while ((result = detach(&bed.client, number)) == WISP_E_BUSY) /* its shard lets go of it a moment later */
        poll(NULL, 0, 1);
    assert_int_equal(result, 0);
}

/* A client that shrinks its memory, and punches holes into it, before it hands it over, meanwhile and afterwards. */
static void memory_that_is_taken_away_is_refused_or_stays(void **state)
{
    static const int seals[] = { GOOD, GOOD, GOOD, SIZE_SEALS, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE, 0 };
    struct repetition times = repetition_begin("WISP_STOLEN_MEMORY", 200);
    struct rng rng = rng_make(13, 13 + times.done);
    uint64_t taken = 0, tries = 0, went = 0;

    (void)state;
    alpha_open(&bed.client, bed.daemon.socket);
    for (; repetition_goes_on(&times); repetition_note(&times, 1)) {
        static struct thief thief; /* outlives an assertion */
        uint32_t number;
        float *map;
        int status;

        thief = (struct thief){ .fd = make(SIZE, 0, &map), .seed = times.done };
        floats_make(map, SIZE / sizeof *map, times.done, 1);
        if (!rng_below(&rng, 4))
            (void)!take_away(thief.fd, &rng);
        (void)fcntl(thief.fd, F_ADD_SEALS, seals[rng_below(&rng, ARRAY_SIZE(seals))]);
        assert_int_equal(pthread_create(&thief.thread, NULL, steal, &thief), 0);
        status = attach(&bed.client, thief.fd, SIZE, &number);
        assert_true(status == 0 || status == WISP_E_INVALID);
        if (!status)
            ask_from(number, map);
        __atomic_store_n(&thief.stop, true, __ATOMIC_RELAXED);
        assert_int_equal(pthread_join(thief.thread, NULL), 0);
        taken += !status;
        tries += thief.tries;
        went += thief.went;
        munmap(map, SIZE);
        close(thief.fd);
    }
    print_message("%u handed over, %" PRIu64 " taken in; of %" PRIu64 " tries to change them %" PRIu64
                  " went through\n",
                  times.done, taken, tries, went);
    raw_close(&bed.client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIEGE(an_answer_from_a_buffer_is_that_of_the_arena),
        SIEGE(what_is_no_sealed_memory_is_not_taken),
        SIEGE(what_is_taken_stays_whole),
        SIEGE(what_is_not_there_cannot_be_named),
        SIEGE(guessed_handles_are_nobodys),
        SIEGE(without_the_feature_there_are_none),
        SIEGE(they_are_counted),
        SIEGE(they_are_charged),
        SIEGE(who_breaks_off_gets_nothing),
        SIEGE(what_is_used_stays),
        SIEGE(memory_that_is_taken_away_is_refused_or_stays),
    };

    return run_over_both_loops(tests, begin_siege, siege_end);
}
