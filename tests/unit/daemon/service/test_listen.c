/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody who may write in the folder of the socket, which nobody else than its owner should, puts links, files and
 * nothing in the place of the socket and of the lock beside it, as fast as he can, while a daemon comes and goes there.
 * Either it listens or it says why not; what a link leads to stays as it was. The rounds: $WISP_RACES, or 2,000.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/size.h"
#include "daemon/service/listen.h"
#include "support/test.h"

enum { ROUNDS = 2000, MODE = 0660 };

static struct {
    char victim[128], closed[128], socket[128], lock[136], new[128];
    bool over; /* atomic; written when the rounds are over */
} race;

static void path_of(char *path, size_t size, const char *folder, const char *name)
{
    assert_true(snprintf(path, size, "%s/%s", folder, name) < (int)size);
}

/* There for a moment. Whatever of it fails, somebody else was faster. */
static void swap(struct rng *rng)
{
    const char *place = rng_below(rng, 4) ? race.socket : race.lock;

    switch (rng_below(rng, 4)) {
    case 0:
        (void)!symlink(race.victim, race.new);
        break;
    case 1:
        (void)!link(race.victim, race.new);
        break;
    case 2:
        (void)!symlink(race.closed, race.new);
        break;
    default:
        (void)!mknod(race.new, S_IFREG | 0600, 0);
    }
    (void)!rename(race.new, place);
    unlink(place);
}

static void *swap_until_over(void *argument)
{
    struct rng rng = rng_make(4, 1);

    (void)argument;
    while (!__atomic_load_n(&race.over, __ATOMIC_RELAXED))
        swap(&rng);
    return NULL;
}

static void victim_is_as_it_was(const struct stat *before)
{
    const int fd = open(race.victim, O_RDONLY | O_CLOEXEC);
    struct stat now;
    char text[8] = "";

    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &now), 0);
    assert_int_equal(now.st_ino, before->st_ino);
    assert_int_equal(now.st_mode, before->st_mode);
    assert_int_equal(now.st_size, before->st_size);
    assert_int_equal(read(fd, text, sizeof text), 4);
    assert_string_equal(text, "mine");
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0); /* nobody holds it */
    close(fd);
}

static void test_whoever_swaps_what_is_there(void **state)
{
    const char *wanted = getenv("WISP_RACES"), *folder = scratch_make();
    const unsigned rounds = wanted ? (unsigned)strtoul(wanted, NULL, 10) : ROUNDS;
    unsigned listened = 0, refused = 0;
    struct stat before;
    pthread_t swapper;
    FILE *file;

    (void)state;
    path_of(race.victim, sizeof race.victim, folder, "victim");
    path_of(race.closed, sizeof race.closed, folder, "missing/file");
    path_of(race.socket, sizeof race.socket, folder, "wisp.sock");
    path_of(race.lock, sizeof race.lock, folder, "wisp.sock.lock");
    path_of(race.new, sizeof race.new, folder, "new");
    file = fopen(race.victim, "w");
    assert_non_null(file);
    fputs("mine", file);
    fclose(file);
    assert_int_equal(chmod(race.victim, 0604), 0);
    assert_int_equal(stat(race.victim, &before), 0);
    assert_int_equal(pthread_create(&swapper, NULL, swap_until_over, NULL), 0);
    for (unsigned i = 0; i < rounds; i++) {
        struct passed passed = PASSED_NULL;
        struct listener listener = LISTENER_NULL;
        struct reason why = { "" };
        int result = listener_open(&listener, &passed, race.socket, MODE, &why);

        listened += !result;
        refused += result && strstr(why.text, folder);
        if (result && !*why.text)
            fail_msg("refused with %d and no sentence", result);
        listener_close(&listener);
        victim_is_as_it_was(&before);
    }
    __atomic_store_n(&race.over, true, __ATOMIC_RELAXED);
    pthread_join(swapper, NULL);
    assert_int_equal(listened + refused, rounds);
    printf("%u times it listened, %u times it was refused\n", listened, refused);
    scratch_remove(folder);
}

/* With nobody beside it: it listens, with just this mode, whatever the process's own mask is. */
static void test_the_mode_is_that_which_was_asked_for(void **state)
{
    static const mode_t modes[] = { 0600, 0660, 0666, 0777 }, masks[] = { 0, 022, 077, 0777 };
    const char *folder = scratch_make();
    char path[128];

    (void)state;
    path_of(path, sizeof path, folder, "s");
    for (size_t i = 0; i < ARRAY_SIZE(modes) * ARRAY_SIZE(masks); i++) {
        const mode_t mode = modes[i % ARRAY_SIZE(modes)], mask = umask(masks[i / ARRAY_SIZE(modes)]);
        struct passed passed = PASSED_NULL;
        struct listener listener;
        struct stat status;
        struct reason why;

        assert_ok(listener_open(&listener, &passed, path, mode, &why), why);
        assert_int_equal(umask(mask), masks[i / ARRAY_SIZE(modes)]);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode, S_IFSOCK | mode);
        listener_close(&listener);
        assert_int_equal(stat(path, &status), -1);
    }
    scratch_remove(folder);
}

/* ---- what is there already ---- */

/* Refused so, and the sentence has that. */
static void refuses(struct passed *passed, const char *path, int result, const char *says)
{
    struct listener listener = LISTENER_NULL;
    struct reason why = { "" };

    assert_int_equal(listener_open(&listener, passed, path, MODE, &why), result);
    if (!strstr(why.text, says))
        fail_msg("\"%s\", and not \"%s\"", why.text, says);
    assert_int_equal(listener.fd, -1);
}

static void listens(const char *path)
{
    struct passed passed = PASSED_NULL;
    struct listener listener;
    struct reason why;

    assert_ok(listener_open(&listener, &passed, path, MODE, &why), why);
    refuses(&passed, path, WISP_E_BUSY, "another daemon answers on");
    listener_close(&listener);
    assert_int_equal(access(path, F_OK), -1);
}

static int socket_at(const char *path, int type)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_true(snprintf(address.sun_path, sizeof address.sun_path, "%s", path) < (int)sizeof address.sun_path);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void touch(const char *path, mode_t mode)
{
    assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_what_is_in_the_place_of_the_socket(void **state)
{
    const char *folder = scratch_make();
    struct passed passed = PASSED_NULL;
    char path[128], lock[136], longest[200];
    int fd;

    (void)state;
    path_of(path, sizeof path, folder, "s");
    path_of(lock, sizeof lock, folder, "s.lock");
    listens(path);
    touch(path, 0600);
    refuses(&passed, path, WISP_E_CONFIG, "exists and is not a socket");
    unlink(path);
    close(socket_at(path, SOCK_SEQPACKET)); /* whoever it was has gone */
    listens(path);
    fd = socket_at(path, SOCK_DGRAM); /* somebody is there, of another kind */
    refuses(&passed, path, WISP_E_BUSY, "another daemon answers on");
    close(fd);
    listens(path);
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = 0;
    refuses(&passed, longest, WISP_E_CONFIG, "a socket's path has at most 107 characters");
    refuses(&passed, scratch_path(folder, "none/at/all"), -ENOENT,
            "of the socket does not exist: make it with mkdir -p");
    scratch_remove(folder);
}

static void test_whose_lock_it_is(void **state)
{
    const char *folder = scratch_make();
    struct passed passed = PASSED_NULL;
    char path[128], lock[136];
    int fd;

    (void)state;
    path_of(path, sizeof path, folder, "s");
    path_of(lock, sizeof lock, folder, "s.lock");
    touch(lock, 0644);
    refuses(&passed, path, -EPERM, "is not a file of this user's alone");
    unlink(lock);
    if (!geteuid()) {
        touch(lock, 0600);
        assert_int_equal(chown(lock, 1, 1), 0);
        refuses(&passed, path, -EPERM, "is not a file of this user's alone");
        unlink(lock);
    }
    assert_int_equal(mkfifo(lock, 0600), 0);
    refuses(&passed, path, -EPERM, "is not a file of this user's alone");
    unlink(lock);
    assert_int_equal(symlink("/dev/null", lock), 0);
    refuses(&passed, path, -ELOOP, "s.lock");
    unlink(lock);
    touch(lock, 0600);
    fd = open(lock, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    refuses(&passed, path, -EAGAIN, "is held by another wispd that is starting"); /* after two seconds */
    close(fd);
    listens(path); /* one that was left, and that nobody holds, is taken */
    assert_int_equal(access(lock, F_OK), -1);
    scratch_remove(folder);
}

/* ---- what systemd passes ---- */

static void test_what_is_passed(void **state)
{
    const char *folder = scratch_make();
    struct listener listener;
    struct reason why;
    struct passed passed = { .sockets = 2, .socket = 0 };
    const int stream = socket_at(scratch_path(folder, "stream"), SOCK_STREAM);
    const int packets = socket_at(scratch_path(folder, "packets"), SOCK_SEQPACKET);

    (void)state;
    refuses(&passed, NULL, WISP_E_CONFIG, "systemd passed 2 sockets");
    passed = (struct passed){ .sockets = 1, .socket = stream };
    refuses(&passed, NULL, WISP_E_CONFIG, "something else than a listening SEQPACKET socket");
    passed.socket = packets; /* and does not listen */
    refuses(&passed, NULL, WISP_E_CONFIG, "something else than a listening SEQPACKET socket");
    passed.socket = 1 << 20;
    refuses(&passed, NULL, -EBADF, "the socket that systemd passed");
    passed.socket = packets;
    assert_int_equal(listen(packets, 1), 0);
    assert_ok(listener_open(&listener, &passed, NULL, MODE, &why), why);
    assert_int_equal(listener.fd, packets);
    assert_true(fcntl(packets, F_GETFL) & O_NONBLOCK);
    listener_close(&listener);
    assert_int_equal(access(scratch_path(folder, "packets"), F_OK), 0); /* that is systemd's */
    close(stream);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_in_the_place_of_the_socket),
        cmocka_unit_test(test_whose_lock_it_is),
        cmocka_unit_test(test_what_is_passed),
        cmocka_unit_test(test_whoever_swaps_what_is_there),
        cmocka_unit_test(test_the_mode_is_that_which_was_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
