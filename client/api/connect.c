/* SPDX-License-Identifier: Apache-2.0
 *
 * A client, for the program: its options, its first connection, its end.
 *
 * What the first daemon grants (entries, arena sizes) is what every later one is asked for: then a request has the same
 * place in every session.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/export.h"
#include "base/insist.h"
#include "base/size.h"
#include "base/socket_path.h"
#include "client/api/callback.h"
#include "client/binding.h"
#include "client/buffers.h"
#include "client/client.h"
#include "client/deadline.h"
#include "client/fork.h"
#include "client/last_error.h"

enum { CONNECT_MS = 5000, RECONNECT_MS = 30000, SPIN_US = 50, RETRY_FIRST_MS = 10, RETRY_MOST_MS = 200 };

/* ---- options ---- */

/* What a program has that left `size` zero: the fields of the first version, whatever follows here later. */
#define SIZE_FIRST (offsetof(struct wisp_options, output_bytes) + sizeof(uint64_t))

/* Fields that this version does not know must be zero: then they ask for nothing. */
static int read_options(const struct wisp_options *given, struct wisp_options *out)
{
    const unsigned char *bytes = (const unsigned char *)given;
    size_t size;

    *out = (struct wisp_options){ .size = sizeof *out };
    if (!given)
        return 0;
    size = given->size ? given->size : SIZE_FIRST;
    if (size < SIZE_FIRST)
        return last_error_set(WISP_E_INVALID, "wisp_options.size must be sizeof(struct wisp_options), or 0");
    memcpy(out, given, MIN(size, sizeof *out));
    for (size_t i = sizeof *out; i < size; i++) {
        if (bytes[i])
            return last_error_set(WISP_E_VERSION,
                                  "wisp_options has a field that libwisp " WISP_VERSION " does not know");
    }
    return 0;
}

/* 0: the default; UINT32_MAX: none at all. */
static uint64_t choose(uint32_t value, uint64_t unit, uint64_t usual)
{
    return value == UINT32_MAX ? 0 : value ? value * unit : usual * unit;
}

/* To be freed; NULL without memory. */
static char *choose_path(const struct wisp_options *options)
{
    const char *environment = secure_getenv("WISP_SOCKET");
    char path[SOCKET_PATH_MAX];

    if (options->socket_path)
        return strdup(options->socket_path);
    if (environment && *environment)
        return strdup(environment);
    socket_to_connect(path);
    return strdup(path);
}

/* Spinning on the only processor would keep the daemon from answering. */
static uint64_t default_spin_us(void)
{
    cpu_set_t usable;

    return sched_getaffinity(0, sizeof usable, &usable) || CPU_COUNT(&usable) < 2 ? 0 : SPIN_US;
}

static void set_options(struct wisp_client *client, const struct wisp_options *options)
{
    const char *name = options->name ? options->name : program_invocation_short_name;

    client->reconnect_ns = choose(options->reconnect_ms, NS_PER_MS, RECONNECT_MS);
    client->answer_ns = options->answer_ms == UINT32_MAX ? FOREVER : options->answer_ms * NS_PER_MS;
    client->spin_ns = choose(options->spin_us, NS_PER_US, default_spin_us());
    client->hello = (struct wire_hello){
        .header = { .magic = WIRE_MAGIC, .type = WIRE_HELLO, .length = sizeof client->hello },
        .abi_min = WIRE_ABI_MIN,
        .abi_max = WIRE_ABI_MAX,
        .features = WIRE_FEATURES,
        .features_needed = options->entries == WIRE_ENTRIES_NONE ? WIRE_FEATURE_ASKING : 0,
        .entries = options->entries,
        .request_arena = options->input_bytes,
        .response_arena = options->output_bytes,
    };
    snprintf(client->hello.name, sizeof client->hello.name, "%s", name);
}

/* ---- the first connection ---- */

/* Waits for the welcome until `deadline_ns`; -EAGAIN when it did not come. */
static int connect_once(const struct wisp_client *client, uint64_t deadline_ns, struct session **out)
{
    struct pollfd wait = { .events = POLLIN };
    int result = session_begin(client->socket_path, &client->hello, &wait.fd, last_error());

    if (result)
        return result;
    for (;;) {
        result = session_finish(wait.fd, &client->hello, out, last_error());
        if (result != -EAGAIN)
            return result;
        if (clock_ns() >= deadline_ns) {
            socket_close(wait.fd);
            return -EAGAIN;
        }
        (void)poll(&wait, 1, deadline_poll_ms(deadline_ns));
    }
}

/* A daemon that is just stopping or starting, or full: it may be worth asking again. */
static bool is_passing(int result)
{
    return result == WISP_E_SHUTDOWN || result == -ECONNRESET || result == -EPIPE || result == WISP_E_BUSY;
}

/* Until the next try, but not past the deadline: twice as long each time, and each 25 % more or less, so that many that
 * wait for the same quota do not come in step. */
static void pause_before(uint64_t try, struct rng *jitter, uint64_t deadline_ns)
{
    uint64_t pause = MIN(RETRY_FIRST_MS << MIN(try, 8), RETRY_MOST_MS) * NS_PER_MS, now = clock_ns();
    struct timespec time;

    pause += rng_below(jitter, pause / 2) - pause / 4;
    insist(pause > 0 && pause < 2 * RETRY_MOST_MS * NS_PER_MS);
    time = clock_timespec(MIN(pause, deadline_ns > now ? deadline_ns - now : 0));
    (void)nanosleep(&time, NULL);
}

/* Asks again while that may help. When time runs out, what the daemon said last is worth more than that it fell silent.
 */
static int connect_patiently(struct wisp_client *client, uint64_t deadline_ns, struct session **out)
{
    struct reason said = { "" };
    int refusal = 0, result;
    uint64_t tries = 0;

    while (is_passing(result = connect_once(client, deadline_ns, out))) {
        refusal = result;
        said = *last_error();
        if (clock_ns() >= deadline_ns)
            break;
        pause_before(tries++, &client->jitter, deadline_ns);
    }
    if (result != -EAGAIN)
        return result;
    if (!refusal)
        return last_error_set(WISP_E_TIMEOUT, "wispd on %s does not answer: %s", client->socket_path,
                              socket_is_of_service(client->socket_path)
                                  ? "see systemctl status wispd"
                                  : "it loads its models, is stopped, or is stuck");
    *last_error() = said;
    return refusal;
}

static int connect_first(struct wisp_client *client, uint64_t deadline_ns, struct session **out)
{
    int result = connect_patiently(client, deadline_ns, out);

    if (result == WISP_E_INVALID)
        return refuse_in(last_error(), WISP_E_VERSION, "%s does not speak as wispd does", client->socket_path);
    if (result == -ECONNRESET || result == -EPIPE || result == WISP_E_SHUTDOWN)
        return last_error_set(WISP_E_NO_DAEMON, "wispd on %s ends connections: it is stopping%s", client->socket_path,
                              socket_is_of_service(client->socket_path) ? "; see systemctl status wispd" : "");
    return result;
}

/* What the first session decides for all later ones. */
static int settle(struct wisp_client *client, struct session *session)
{
    const struct wire_layout *layout = &session->layout;
    int result = client_adopt(client, session);

    if (result) {
        session_drop(session);
        return result;
    }
    insist(session->serial == 1 && client->session == session);
    if (client->hello.entries != WIRE_ENTRIES_NONE)
        client->hello.entries = layout->entries;
    client->hello.request_arena = layout->request_arena;
    client->hello.response_arena = layout->response_arena;
    return requests_init(&client->requests, layout);
}

CLEANUP_DEFINE(client, struct wisp_client, wisp_close)

WISP_EXPORT int wisp_connect(wisp_client **out, const struct wisp_options *given)
{
    cleanup(client_at_exit) struct wisp_client *client = NULL;
    struct wisp_options options;
    struct session *session = NULL;
    uint64_t deadline;
    int result;

    *out = NULL;
    fork_watch();
    result = read_options(given, &options);
    if (result)
        return result;
    client = calloc(1, sizeof *client);
    if (!client)
        return refuse_errno(last_error(), -ENOMEM, "connecting to wispd");
    client->self = client;
    client->attempt = client->poll_fd = client->timer_fd = -1;
    client->forks = fork_count();
    pthread_mutex_init(&client->lock, NULL);
    pthread_mutex_init(&client->asking, NULL);
    client->jitter = rng_make(clock_ns() ^ (uint64_t)getpid() << 32, 0);
    set_options(client, &options);
    client->socket_path = choose_path(&options);
    if (!client->socket_path)
        return refuse_errno(last_error(), -ENOMEM, "connecting to wispd");
    deadline = clock_ns() + choose(options.connect_ms, NS_PER_MS, CONNECT_MS);
    result = connect_first(client, deadline, &session);
    if (!session)
        return result;
    result = settle(client, session);
    if (result)
        return refuse_errno(last_error(), result, "connecting to wispd");
    *out = steal(&client);
    return 0;
}

WISP_EXPORT const char *wisp_server(const wisp_client *client)
{
    return __atomic_load_n(&client->server, __ATOMIC_ACQUIRE); /* pairs with note_server() */
}

/* ---- the end ---- */

/* In a forked child the mappings are not there (MADV_DONTFORK), the socket was closed (fork.c), and what is at their
 * place now is not ours. */
static void forget_inherited(struct session *session)
{
    session->request = session->response = REGION_NULL;
    session->socket = -1;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static void free_requests(struct wisp_client *client)
{
    bool inherited = client->forks != fork_count();

    while (client->requests.first) {
        if (inherited)
            forget_inherited(client->requests.first->session);
        request_remove(client->requests.first);
    }
    requests_deinit(&client->requests);
    if (client->session && inherited)
        forget_inherited(client->session);
    session_drop(client->session);
}

WISP_EXPORT wisp_client *wisp_close(wisp_client *client)
{
    if (!client || callback_closes(client))
        return NULL;
    /* No thread is in a call of it: where it was inherited, another process's may be. */
    insist(client->forks != fork_count() || (!client->reaper && !client->waiters.first));
    free_requests(client);
    if (client->attempt >= 0 && client->forks == fork_count())
        socket_close(client->attempt);
    close_fd(client->poll_fd);
    close_fd(client->timer_fd);
    bindings_free(client);
    buffers_free(client);
    while (client->server_names) {
        struct server_name *name = client->server_names;

        client->server_names = name->next;
        free(name);
    }
    free(client->socket_path);
    pthread_mutex_destroy(&client->lock);
    pthread_mutex_destroy(&client->asking);
    free(client);
    return NULL;
}

WISP_EXPORT uint32_t wisp_entries(const wisp_client *client)
{
    return client->requests.entries;
}
