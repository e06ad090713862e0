/* SPDX-License-Identifier: Apache-2.0
 *
 * Connecting when it does not work: no daemon, no permission, and things on the socket that are not wispd. The false
 * daemons are threads of this program that shake hands with libipc, wrongly.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wisp/wisp.h>

#include "base/clock.h"
#include "libipc/message.h"
#include "libipc/region.h"
#include "libipc/wire_check.h"
#include "support/resources.h"
#include "support/test.h"

enum { NOBODY = 65534 };

static const char *folder;
static char path[108];

static int begin(void **state)
{
    (void)state;
    folder = scratch_make();
    snprintf(path, sizeof path, "%s/wisp.sock", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static int connect_to(const char *where, uint32_t connect_ms)
{
    const struct wisp_options options = { .size = sizeof options, .socket_path = where, .connect_ms = connect_ms };
    wisp_client *client = (wisp_client *)&client;
    int result = wisp_connect(&client, &options);

    if (result)
        assert_null(client);
    assert_null(wisp_close(client));
    return result;
}

static void assert_says(const char *text)
{
    if (!strstr(wisp_last_error(), text))
        fail_msg("\"%s\" does not say \"%s\"", wisp_last_error(), text);
    assert_null(strchr(wisp_last_error(), '\n'));
}

static int listen_on(const char *where, int type)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", where);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* ---- nobody there ---- */

static void test_no_daemon(void **state)
{
    (void)state;
    assert_int_equal(connect_to(path, 0), WISP_E_NO_DAEMON);
    assert_says(path);
    assert_says("wispd --socket");
    close(listen_on(path, SOCK_SEQPACKET)); /* a socket that a killed daemon left */
    assert_int_equal(connect_to(path, 0), WISP_E_NO_DAEMON);
    assert_says("wispd --socket");
}

static void test_the_environment_names_the_socket(void **state)
{
    (void)state;
    setenv("WISP_SOCKET", path, 1);
    assert_int_equal(connect_to(NULL, 0), WISP_E_NO_DAEMON);
    assert_says(path);
    setenv("WISP_SOCKET", "", 1);
    assert_true(connect_to(NULL, 0) == WISP_E_NO_DAEMON || !strcmp(wisp_last_error(), ""));
    unsetenv("WISP_SOCKET");
}

static void test_it_is_something_else(void **state)
{
    int fd;

    (void)state;
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(connect_to(path, 0), WISP_E_NO_DAEMON);
    unlink(path);
    fd = listen_on(path, SOCK_STREAM);
    assert_int_equal(connect_to(path, 0), WISP_E_NO_DAEMON);
    assert_says("not the socket of wispd");
    close(fd);
}

static void test_a_path_too_long(void **state)
{
    char name[200];

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_int_equal(connect_to(name, 0), -ENAMETOOLONG);
    assert_says("107");
}

static void test_options_of_another_version(void **state)
{
    struct {
        struct wisp_options options;
        uint64_t newer;
    } large = { .options = { .size = sizeof large, .socket_path = path }, .newer = 0 };
    wisp_client *client;

    (void)state;
    assert_int_equal(wisp_connect(&client, &large.options), WISP_E_NO_DAEMON); /* unknown but unused */
    large.newer = 1;
    assert_int_equal(wisp_connect(&client, &large.options), WISP_E_VERSION);
    large.options.size = 1;
    assert_int_equal(wisp_connect(&client, &large.options), WISP_E_INVALID);
    assert_says("sizeof");
}

static void test_a_size_of_zero_is_the_first_version(void **state)
{
    struct {
        struct wisp_options options;
        uint64_t beyond;
    } given = { .options = { .socket_path = "/nonexistent/wisp.sock" }, .beyond = 1 };
    wisp_client *client;

    (void)state;
    assert_int_equal(wisp_connect(&client, &given.options), WISP_E_NO_DAEMON);
    assert_says("/nonexistent/wisp.sock"); /* its fields count */
    setenv("WISP_SOCKET", "/nonexistent/other.sock", 1);
    given.options = (struct wisp_options){ 0 };
    assert_int_equal(wisp_connect(&client, &given.options), WISP_E_NO_DAEMON);
    assert_says("/nonexistent/other.sock");
    unsetenv("WISP_SOCKET");
}

/* In a child that is nobody: 0 when it was denied and told what to do. */
static int connect_as_nobody(void)
{
    if (setgid(NOBODY) || setuid(NOBODY))
        return 2;
    if (connect_to(path, 0) != WISP_E_DENIED)
        return 3;
    return strstr(wisp_last_error(), "group wisp") && strstr(wisp_last_error(), path) ? 0 : 4;
}

static void test_no_permission(void **state)
{
    int fd = listen_on(path, SOCK_SEQPACKET), status;
    pid_t child;

    (void)state;
    if (geteuid() != 0) {
        close(fd);
        skip();
    }
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chmod(path, 0660), 0);
    child = fork();
    if (child == 0)
        _exit(connect_as_nobody());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(fd);
}

/* ---- somebody wrong there ---- */

struct impostor {
    int listener;
    unsigned connections; /* to serve: all but the last are hung up on */
    void (*act)(int socket, struct message *hello);
};

static void *impostor_run(void *argument)
{
    struct impostor *impostor = argument;
    struct message *hello = calloc(1, sizeof *hello);

    while (impostor->connections--) {
        int socket = accept4(impostor->listener, NULL, NULL, SOCK_CLOEXEC);
        struct reason why;

        if (socket < 0)
            break;
        if (impostor->connections == 0 && !message_receive(socket, hello, false, 0, &why))
            impostor->act(socket, hello);
        close(socket);
    }
    free(hello);
    return NULL;
}

static int meet(void (*act)(int socket, struct message *hello), unsigned connections, uint32_t connect_ms)
{
    struct impostor impostor = { .listener = listen_on(path, SOCK_SEQPACKET), .connections = connections, .act = act };
    unsigned fds = resources_fds(), maps = resources_maps("memfd:");
    pthread_t thread;
    int result;

    assert_int_equal(pthread_create(&thread, NULL, impostor_run, &impostor), 0);
    result = connect_to(path, connect_ms);
    shutdown(impostor.listener, SHUT_RDWR); /* ends accept() when fewer came */
    pthread_join(thread, NULL);
    assert_int_equal(resources_fds(), fds);
    assert_int_equal(resources_maps("memfd:"), maps);
    close(impostor.listener);
    unlink(path);
    return result;
}

/* An honest welcome, and what belongs to it, for the impostors to spoil. */
struct offer {
    struct wire_welcome welcome;
    struct wire_layout layout;
    struct region request, response;
    int fds[3];
    unsigned fd_count;
};

static struct offer offer_make(const struct wire_hello *hello)
{
    const struct wire_offer can = { .abi_min = WIRE_ABI_MIN,
                                    .abi_max = WIRE_ABI_MAX,
                                    .features = WIRE_FEATURES,
                                    .entries_default = 4,
                                    .entries_max = 64,
                                    .request_default = WIRE_ARENA_MIN,
                                    .response_default = WIRE_ARENA_MIN,
                                    .arena_max = WIRE_ARENA_MAX };
    struct wire_daemon_control *control;
    struct offer offer;
    struct reason why;

    wire_negotiate(hello, &can, &offer.welcome);
    memcpy(offer.welcome.name, "impostor 1.0", sizeof "impostor 1.0");
    offer.welcome.epoch = 5;
    wire_layout(offer.welcome.entries, offer.welcome.request_arena, offer.welcome.response_arena, &offer.layout, &why);
    region_create(&offer.request, "wisp-request", offer.layout.request_size, false, &why);
    region_create(&offer.response, "wisp-response", offer.layout.response_size, true, &why);
    control = offer.response.address;
    control->magic = WIRE_MAGIC;
    control->epoch = 5;
    control->state = WIRE_STATE_READY;
    offer.fds[0] = offer.request.fd;
    offer.fds[1] = region_reopen_readonly(&offer.response);
    offer.fds[2] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    offer.fd_count = 3;
    return offer;
}

static void offer_send(struct offer *offer, int socket)
{
    message_send(socket, &offer->welcome, sizeof offer->welcome, offer->fds, offer->fd_count, 0);
    close(offer->fds[1]);
    close(offer->fds[2]);
    region_deinit(&offer->request);
    region_deinit(&offer->response);
}

static void be_honest(int socket, struct message *hello)
{
    struct offer offer = offer_make(&hello->hello);
    char byte;

    offer_send(&offer, socket);
    (void)recv(socket, &byte, 1, 0); /* until it hangs up */
}

static void be_of_another_abi(int socket, struct message *hello)
{
    struct offer offer = offer_make(&hello->hello);

    offer.welcome.abi = 7;
    offer_send(&offer, socket);
}

static void send_two_descriptors(int socket, struct message *hello)
{
    struct offer offer = offer_make(&hello->hello);

    offer.fd_count = 2;
    offer_send(&offer, socket);
}

static void send_wrong_sizes(int socket, struct message *hello)
{
    struct offer offer = offer_make(&hello->hello);

    offer.welcome.entries *= 256;
    offer_send(&offer, socket);
}

static void send_pipes(int socket, struct message *hello)
{
    struct offer offer = offer_make(&hello->hello);

    offer.fds[0] = offer.fds[2];
    offer_send(&offer, socket);
}

static void send_unsealed_memory(int socket, struct message *hello)
{
    struct offer offer = offer_make(&hello->hello);
    int open_fd = memfd_create("wisp-request", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    (void)!ftruncate(open_fd, (off_t)offer.layout.request_size);
    offer.fds[0] = open_fd;
    offer_send(&offer, socket);
    close(open_fd);
}

static void send_another_channel(int socket, struct message *hello)
{
    struct offer offer = offer_make(&hello->hello);

    offer.welcome.epoch++;
    offer_send(&offer, socket);
}

static void send_nonsense(int socket, struct message *hello)
{
    (void)hello;
    message_send(socket, "GET / HTTP/1.0\r\n\r\n", 18, NULL, 0, 0);
}

static void send_a_list(int socket, struct message *hello)
{
    struct wire_control list = { .header = { WIRE_MAGIC, WIRE_LIST, 0, sizeof list } };

    (void)hello;
    message_send(socket, &list, sizeof list, NULL, 0, 0);
}

static void refuse_with(int socket, int status, const char *text)
{
    struct wire_welcome welcome = { .header = { WIRE_MAGIC, WIRE_WELCOME, 0, sizeof welcome }, .status = status };

    snprintf(welcome.text, sizeof welcome.text, "%s", text);
    message_send(socket, &welcome, sizeof welcome, NULL, 0, 0);
}

static void refuse_version(int socket, struct message *hello)
{
    (void)hello;
    refuse_with(socket, WISP_E_VERSION, "the client speaks ABI 1 to 1, the daemon 2 to 3");
}

static void refuse_quota(int socket, struct message *hello)
{
    (void)hello;
    refuse_with(socket, WISP_E_BUSY, "your user has its 256 MiB");
}

static void say_nothing(int socket, struct message *hello)
{
    char byte;

    (void)hello;
    (void)recv(socket, &byte, 1, 0);
}

static void test_an_honest_server_is_believed(void **state)
{
    (void)state;
    assert_int_equal(meet(be_honest, 1, 0), 0);
}

static void test_bad_welcomes_are_refused(void **state)
{
    static const struct {
        void (*act)(int socket, struct message *hello);
        const char *says;
    } cases[] = {
        { be_of_another_abi, "ABI" },       { send_two_descriptors, "descriptors" },
        { send_wrong_sizes, "" },           { send_pipes, "not plain shared memory" },
        { send_unsealed_memory, "resize" }, { send_another_channel, "not a channel" },
        { send_nonsense, "mark" },          { send_a_list, "type 3" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(meet(cases[i].act, 1, 0), WISP_E_VERSION);
        assert_says(cases[i].says);
        assert_says(cases[i].act == be_of_another_abi ? "refused" : path);
    }
}

static void test_refusals_are_passed_on(void **state)
{
    (void)state;
    assert_int_equal(meet(refuse_version, 1, 0), WISP_E_VERSION);
    assert_says("the daemon 2 to 3");
    assert_int_equal(meet(refuse_quota, 1, 300), WISP_E_BUSY);
    assert_says("256 MiB");
}

static void test_a_silent_server_is_given_up_on(void **state)
{
    uint64_t before = clock_ns();

    (void)state;
    assert_int_equal(meet(say_nothing, 1, 100), WISP_E_TIMEOUT);
    assert_says("does not answer");
    assert_in_range((clock_ns() - before) / NS_PER_MS, 100, 5000);
}

static void test_a_stopping_server_is_asked_again(void **state)
{
    (void)state;
    assert_int_equal(meet(be_honest, 4, 5000), 0); /* the fourth time */
}

#define at_a_path(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        at_a_path(test_no_daemon),
        at_a_path(test_the_environment_names_the_socket),
        at_a_path(test_it_is_something_else),
        at_a_path(test_a_path_too_long),
        at_a_path(test_options_of_another_version),
        cmocka_unit_test(test_a_size_of_zero_is_the_first_version),
        at_a_path(test_no_permission),
        at_a_path(test_an_honest_server_is_believed),
        at_a_path(test_bad_welcomes_are_refused),
        at_a_path(test_refusals_are_passed_on),
        at_a_path(test_a_silent_server_is_given_up_on),
        at_a_path(test_a_stopping_server_is_asked_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
