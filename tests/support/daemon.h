/* SPDX-License-Identifier: Apache-2.0
 *
 * A real wispd for a test: its own folder, socket, configuration and log, gone at the end.
 *
 *     struct test_daemon daemon;
 *     const char *models[] = { path };
 *
 *     daemon_start(&daemon, &(struct daemon_setup){ .models = models, .model_count = 1 });
 *     … connect to daemon.socket …
 *     assert_int_equal(daemon_stop(&daemon), 0);
 *
 * WISP_TEST_SHARDS in the environment is how many shards it has.
 *
 * What cannot be done ends the test with the daemon's log on standard error.
 */
#ifndef TESTS_SUPPORT_DAEMON_H
#define TESTS_SUPPORT_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct manager;

struct daemon_setup {
    const char *const *models; /* paths of model files */
    size_t model_count;
    const char *model_yaml;  /* more keys of each of them: "    batch:\n      max: 8\n"; NULL: none */
    const char *yaml;        /* more of the configuration: "limits:\n  channels: 4\n"; NULL: none */
    const char *loop;        /* "io_uring", "epoll"; NULL: as the environment says, else auto */
    const char *kernels;     /* WISP_CPU for it; NULL: as the environment says */
    const char *socket;      /* NULL: "wisp.sock" in its folder */
    const char *level;       /* of the log; NULL: debug */
    struct manager *manager; /* that starts it, and keeps things for it; NULL: nobody */
    int log_fd;              /* its standard error, if above 0; else its log file */
};

struct test_daemon {
    pid_t pid; /* 0: not running */
    char folder[160];
    char socket[108];
    char config[192];
    char log[192];
    struct daemon_setup setup;
};

/* Starts it and waits until it takes connections. */
void daemon_start(struct test_daemon *daemon, const struct daemon_setup *setup);

/* Starts it in the folder of a stopped or killed one, as it was. */
void daemon_restart(struct test_daemon *daemon);

/* SIGTERM, and waits; its exit code, or 128 + the signal that ended it. Removes the folder. */
int daemon_stop(struct test_daemon *daemon);

/* SIGKILL, and waits; the folder and the socket's file stay. */
void daemon_kill(struct test_daemon *daemon);

/* Sends a signal, SIGSTOP until all threads have stopped; waits for the end without sending anything (exit code as
 * above; -1: not within `ms`). */
void daemon_signal(const struct test_daemon *daemon, int signal);
int daemon_wait(struct test_daemon *daemon, int ms);

/* Runs wispd with these arguments (after the program's name, NULL at the end) until it exits by itself; its exit code.
 * What it printed on both outputs stands in `output`. */
int daemon_run(const char *const *arguments, char *output, size_t capacity);

/* Descriptors open in it, and memory mappings: to see that nothing is left over. */
unsigned daemon_descriptors(const struct test_daemon *daemon);
unsigned daemon_mappings(const struct test_daemon *daemon);
/* Waits until both are at most these, for up to five seconds. */
bool daemon_settles(const struct test_daemon *daemon, unsigned descriptors, unsigned mappings);

/* Whether its log contains the text, within five seconds: lines are written by a thread of their own. */
bool daemon_logged(const struct test_daemon *daemon, const char *text);
/* How many of its lines do by now. */
unsigned daemon_log_count(const struct test_daemon *daemon, const char *text);

#endif
