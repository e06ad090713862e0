/* SPDX-License-Identifier: Apache-2.0
 *
 * The wake-up protocols with real futexes, eventfds and sockets: a daemon end and a client end that sleep after every
 * look that finds nothing, as threads of one process and as two processes. A wake-up that is lost shows as a sleep that
 * runs into its limit, which no honest one comes near.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "base/rng.h"
#include "libipc/message.h"
#include "libipc/region.h"
#include "libipc/ring.h"
#include "libipc/wake.h"
#include "libipc/wire_check.h"
#include "support/test.h"

enum { LIMIT_MS = 5000, SPIN = 200, START = -50 };

/* What either end holds; over threads both are views of the same two regions. */
struct end {
    struct wire_layout layout;
    struct region request, response;
    int eventfd, socket;
    uint64_t count;
    uint32_t window;    /* requests under way at once */
    enum wire_wait how; /* of the client */
    const char *fault;  /* what went wrong, or NULL */
    uint64_t sleeps;
};

/* ---- the daemon's end: answers, and sleeps on the eventfd between ---- */

/* Edge-triggered, and never read, as the daemon's event loop does it. */
static int eventfd_watch(int eventfd)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLET };
    int watch = epoll_create1(EPOLL_CLOEXEC);

    assert_true(watch >= 0);
    assert_int_equal(epoll_ctl(watch, EPOLL_CTL_ADD, eventfd, &event), 0);
    return watch;
}

static void answer(struct end *end, struct finish_ring *finish, const struct wire_submission *request)
{
    struct wire_control notify = { .header = { WIRE_MAGIC, WIRE_NOTIFY, 0, sizeof notify } };
    struct wire_completion completion = { .user_data = request->user_data, .out_length = request->user_data * 3 };

    finish_ring_push(finish, &completion);
    if (wake_client(end->request.address, end->response.address) == WIRE_WAIT_SOCKET)
        (void)message_send(end->socket, &notify, sizeof notify, NULL, 0, MSG_DONTWAIT);
}

static void *daemon_end(void *argument)
{
    struct end *end = argument;
    struct wire_daemon_control *control = end->response.address;
    struct intake_ring intake;
    struct finish_ring finish;
    struct wire_submission copy;
    struct rng rng = rng_make(1, 2);
    struct epoll_event event;
    int watch = eventfd_watch(end->eventfd);

    ring_attach_daemon(&intake, &finish, end->request.address, end->response.address, &end->layout, (uint32_t)START);
    for (uint64_t done = 0; done < end->count && !end->fault;) {
        /* The client never has more than `entries` under way, so there is credit for each. */
        if (intake_ring_take(&intake, &copy)) {
            if (finish_ring_credit(&finish, 0) <= 0)
                end->fault = "daemon: no credit for a request that was taken";
            else
                answer(end, &finish, &copy);
            done++;
            continue;
        }
        for (uint64_t spin = rng_below(&rng, SPIN); spin && !intake_ring_ready(&intake); spin--)
            cpu_pause();
        wake_daemon_arm(control);
        if (!intake_ring_ready(&intake)) {
            end->sleeps++;
            if (epoll_wait(watch, &event, 1, LIMIT_MS) != 1)
                end->fault = "daemon: a wake-up was lost";
        }
        wake_daemon_disarm(control);
    }
    close(watch);
    return NULL;
}

/* ---- the client's end ---- */

static bool socket_sleep(int socket)
{
    struct pollfd wait = { .fd = socket, .events = POLLIN };
    char bytes[sizeof(struct wire_control)];

    if (poll(&wait, 1, LIMIT_MS) != 1)
        return false;
    while (recv(socket, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
    return true;
}

static void client_sleep(struct end *end, const struct reap_ring *reap)
{
    uint32_t seen = wake_client_arm(end->request.address, end->response.address, end->how);

    if (!reap_ring_ready(reap)) {
        end->sleeps++;
        if (end->how == WIRE_WAIT_SOCKET) {
            if (!socket_sleep(end->socket))
                end->fault = "client: a notice was lost";
        } else if (wake_client_sleep(end->response.address, seen, LIMIT_MS * NS_PER_MS) == -ETIMEDOUT) {
            end->fault = "client: a wake-up was lost";
        }
    }
    wake_client_disarm(end->request.address);
}

static void *client_end(void *argument)
{
    struct end *end = argument;
    struct submit_ring submit;
    struct reap_ring reap;
    struct wire_completion copy;
    struct rng rng = rng_make(3, 4);
    uint64_t sent = 0, received = 0;

    ring_attach_client(&submit, &reap, end->request.address, end->response.address, &end->layout, (uint32_t)START);
    while (received < end->count && !end->fault) {
        while (sent < end->count && sent - received < end->window) {
            struct wire_submission entry = { .user_data = sent };

            if (!submit_ring_push(&submit, &entry))
                break;
            sent++;
            if (wake_daemon(end->response.address, end->eventfd) < 0)
                end->fault = "client: cannot ring the doorbell";
        }
        for (uint64_t spin = rng_below(&rng, SPIN); spin && !reap_ring_ready(&reap); spin--)
            cpu_pause();
        if (!reap_ring_ready(&reap))
            client_sleep(end, &reap);
        while (reap_ring_take(&reap, &copy)) {
            if (copy.user_data != received || copy.out_length != received * 3)
                end->fault = "client: wrong answer";
            received++;
        }
    }
    return NULL;
}

/* ---- the two of them ---- */

static struct end daemon_make(uint32_t entries, uint64_t count)
{
    struct end end = { .count = count, .window = entries, .socket = -1 };
    struct reason why;

    assert_ok(wire_layout(entries, WIRE_ARENA_MIN, WIRE_ARENA_MIN, &end.layout, &why), why);
    assert_ok(region_create(&end.request, "wisp-request", end.layout.request_size, true, &why), why);
    assert_ok(region_create(&end.response, "wisp-response", end.layout.response_size, true, &why), why);
    ((struct wire_client_control *)end.request.address)->cq_head = (uint32_t)START;
    ((struct wire_daemon_control *)end.response.address)->sq_head = (uint32_t)START;
    end.eventfd = eventfd(0, EFD_CLOEXEC);
    assert_true(end.eventfd >= 0);
    return end;
}

static void daemon_drop(struct end *end)
{
    region_deinit(&end->request);
    region_deinit(&end->response);
    close(end->eventfd);
}

static void run_threads(uint32_t entries, uint32_t window, enum wire_wait how, uint64_t count)
{
    struct end daemon = daemon_make(entries, count), client;
    int pair[2];
    pthread_t thread;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    client = daemon;
    daemon.socket = pair[0];
    client.socket = pair[1];
    client.how = how;
    client.window = window;
    assert_int_equal(pthread_create(&thread, NULL, daemon_end, &daemon), 0);
    client_end(&client);
    pthread_join(thread, NULL);
    close(pair[0]);
    close(pair[1]);
    if (client.fault || daemon.fault)
        fail_msg("%s", client.fault ? client.fault : daemon.fault);
    assert_true(client.sleeps > 0);
    daemon_drop(&daemon);
}

static void test_threads_by_futex(void **state)
{
    (void)state;
    run_threads(4, 1, WIRE_WAIT_FUTEX, 10000); /* both sleep at every turn */
    run_threads(4, 4, WIRE_WAIT_FUTEX, 20000);
    run_threads(16, 16, WIRE_WAIT_FUTEX, 40000);
}

static void test_threads_by_socket(void **state)
{
    (void)state;
    run_threads(4, 1, WIRE_WAIT_SOCKET, 5000);
    run_threads(16, 16, WIRE_WAIT_SOCKET, 20000);
}

/* ---- two processes, joined as the real ones are: descriptors over a socket, the response region read-only ---- */

static int client_process(int socket, uint64_t count)
{
    struct message *message = calloc(1, sizeof *message);
    struct end end = { .count = count, .window = 4, .how = WIRE_WAIT_FUTEX, .socket = socket };
    struct reason why = { "" };

    if (!message || message_receive(socket, message, true, 0, &why) || message->fd_count != 3 ||
        wire_layout(message->welcome.entries, WIRE_ARENA_MIN, WIRE_ARENA_MIN, &end.layout, &why) ||
        region_map(&end.request, message->fds[0], end.layout.request_size, true, &why) ||
        region_map(&end.response, message->fds[1], end.layout.response_size, false, &why)) {
        fprintf(stderr, "client: %s\n", why.text);
        return 1;
    }
    end.eventfd = message->fds[2];
    client_end(&end);
    if (end.fault)
        fprintf(stderr, "%s\n", end.fault);
    free(message);
    return end.fault != NULL;
}

static void test_processes(void **state)
{
    struct end daemon = daemon_make(16, 20000);
    struct wire_welcome welcome = { .header = { WIRE_MAGIC, WIRE_WELCOME, 0, sizeof welcome },
                                    .abi = 1,
                                    .entries = daemon.layout.entries };
    int pair[2], fds[3], status;
    pid_t child;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(client_process(pair[1], daemon.count));
    fds[0] = daemon.request.fd;
    fds[1] = region_reopen_readonly(&daemon.response);
    fds[2] = daemon.eventfd;
    assert_int_equal(message_send(pair[0], &welcome, sizeof welcome, fds, 3, 0), 0);
    daemon_end(&daemon);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (daemon.fault)
        fail_msg("%s", daemon.fault);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(fds[1]);
    close(pair[0]);
    close(pair[1]);
    daemon_drop(&daemon);
}

/* ---- the corners ---- */

static void test_awake_peers_make_no_call(void **state)
{
    struct end end = daemon_make(4, 0);
    struct wire_client_control *client = end.request.address;
    struct wire_daemon_control *daemon = end.response.address;

    (void)state;
    assert_int_equal(wake_daemon(daemon, -1), 0); /* no descriptor is touched */
    assert_int_equal(wake_client(client, daemon), WIRE_WAIT_NONE);
    assert_int_equal(daemon->cq_futex, 0);
    wake_daemon_arm(daemon);
    assert_int_equal(wake_daemon(daemon, -1), -EBADF);
    wake_daemon_disarm(daemon);
    assert_int_equal(wake_daemon(daemon, -1), 0);
    daemon_drop(&end);
}

static void test_unknown_wishes_are_none(void **state)
{
    static const uint32_t wishes[] = { 3, 4, 255, 0x80000001, UINT32_MAX };
    struct end end = daemon_make(4, 0);
    struct wire_client_control *client = end.request.address;

    (void)state;
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        client->cq_wait = wishes[i];
        assert_int_equal(wake_client(client, end.response.address), WIRE_WAIT_NONE);
    }
    daemon_drop(&end);
}

static void test_a_sleep_ends(void **state)
{
    struct end end = daemon_make(4, 0);
    struct wire_daemon_control *daemon = end.response.address;
    uint64_t before = clock_ns();
    uint32_t seen;

    (void)state;
    assert_int_equal(wake_client_sleep(daemon, 0, 20 * NS_PER_MS), -ETIMEDOUT);
    assert_true(clock_ns() - before >= 20 * NS_PER_MS);
    assert_int_equal(wake_client_sleep(daemon, 1, UINT64_MAX), 0); /* had changed already */
    seen = wake_client_arm(end.request.address, daemon, WIRE_WAIT_FUTEX);
    assert_int_equal(wake_client(end.request.address, daemon), WIRE_WAIT_FUTEX);
    assert_int_equal(wake_client_sleep(daemon, seen, UINT64_MAX), 0);
    daemon_drop(&end);
}

struct sleeper {
    const struct wire_daemon_control *daemon;
    pthread_t thread;
    _Atomic int id;
};

static void *sleep_once(void *argument)
{
    struct sleeper *sleeper = argument;

    sleeper->id = (int)syscall(SYS_gettid);
    (void)wake_client_sleep(sleeper->daemon, 0, UINT64_MAX);
    return NULL;
}

static bool is_in_futex(const struct sleeper *sleeper)
{
    char path[64], call[16] = "";
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", sleeper->id);
    file = fopen(path, "re");
    if (!file)
        return false;
    if (!fgets(call, sizeof call, file))
        call[0] = 0;
    fclose(file);
    return strtol(call, NULL, 10) == SYS_futex;
}

/* A client that puts many threads to sleep on its futex makes a completion no dearer: one is woken, the rest sleep on.
 */
static void test_one_sleeper_is_woken(void **state)
{
    enum { MANY = 20 };
    struct end end = daemon_make(4, 0);
    struct wire_client_control *client = end.request.address;
    struct wire_daemon_control *daemon = end.response.address;
    static struct sleeper sleepers[MANY];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        sleepers[i] = (struct sleeper){ .daemon = daemon };
        assert_int_equal(pthread_create(&sleepers[i].thread, NULL, sleep_once, &sleepers[i]), 0);
    }
    for (int i = 0; i < MANY; i++) {
        while (!is_in_futex(&sleepers[i]))
            poll(NULL, 0, 1);
    }
    client->cq_wait = WIRE_WAIT_FUTEX;
    assert_int_equal(wake_client(client, daemon), WIRE_WAIT_FUTEX);
    assert_int_equal(syscall(SYS_futex, &daemon->cq_futex, FUTEX_WAKE, INT_MAX, NULL, NULL, 0), MANY - 1);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(pthread_join(sleepers[i].thread, NULL), 0);
    daemon_drop(&end);
}

static void test_a_full_eventfd_is_no_error(void **state)
{
    struct end end = daemon_make(4, 0);
    uint64_t max = UINT64_MAX - 1;

    (void)state;
    assert_int_equal(fcntl(end.eventfd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(write(end.eventfd, &max, sizeof max), sizeof max);
    wake_daemon_arm(end.response.address);
    assert_int_equal(wake_daemon(end.response.address, end.eventfd), 0);
    daemon_drop(&end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_awake_peers_make_no_call),
        cmocka_unit_test(test_unknown_wishes_are_none),
        cmocka_unit_test(test_a_sleep_ends),
        cmocka_unit_test(test_one_sleeper_is_woken),
        cmocka_unit_test(test_a_full_eventfd_is_no_error),
        cmocka_unit_test(test_threads_by_futex),
        cmocka_unit_test(test_threads_by_socket),
        cmocka_unit_test(test_processes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
