/* SPDX-License-Identifier: Apache-2.0
 *
 * The real daemon's log: nobody who reads slowly or writes much can hold it up or keep others out of it, and how much
 * it says can be changed while it serves.
 */
#include "support/test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/both_loops.h"
#include "system/alpha.h"

static void start(const char *level, int log_fd)
{
    const char *models[] = { bed.alpha };

    daemon_start(&bed.daemon,
                 &(struct daemon_setup){
                     .models = models, .model_count = 1, .level = level, .loop = loop_now, .log_fd = log_fd });
}

static void comes_and_goes(int times)
{
    for (int i = 0; i < times; i++) {
        alpha_open(&bed.client, bed.daemon.socket);
        raw_close(&bed.client);
    }
}

/* Every line that it wrote, or said that it lost: of those that begin as `text` says. */
static unsigned long count_lines(FILE *log, const char *text, unsigned long *lost)
{
    char line[1024];
    unsigned long found = 0, number;

    *lost = 0;
    while (fgets(line, sizeof line, log)) {
        found += strstr(line, text) != NULL;
        if (sscanf(line, "wispd: warning: %lu lines of", &number) == 1) /* NOLINT(cert-err34-c): our own line */
            *lost += number;
    }
    return found;
}

/* Standard error is a pipe that nobody reads, and clients make it say more than fits: they are served all the same. */
static void a_log_that_nobody_reads_holds_up_nobody(void **state)
{
    enum { CLIENTS = 500 };
    unsigned long said, lost;
    int ends[2];
    FILE *log;

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 0);
    start("debug", ends[1]);
    close(ends[1]);
    comes_and_goes(CLIENTS);
    bed_serves();
    /* Once somebody reads, it says how many lines are missing. */
    log = fdopen(ends[0], "r");
    assert_non_null(log);
    assert_int_equal(kill(bed.daemon.pid, SIGTERM), 0);
    said = count_lines(log, ": connected: ", &lost);
    fclose(log);
    assert_int_equal(daemon_wait(&bed.daemon, PATIENCE_MS), 0);
    assert_in_range(lost, 1, CLIENTS);
    assert_in_range(said + lost, CLIENTS, CLIENTS + 20); /* it said something else too */
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* And it stops, though its last words do not get out. */
static void a_log_that_nobody_reads_keeps_it_from_no_end(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 0);
    start("debug", ends[1]);
    comes_and_goes(100);
    daemon_signal(&bed.daemon, SIGTERM);
    assert_int_equal(daemon_wait(&bed.daemon, PATIENCE_MS), 0);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* A client that breaks the protocol under this name; the daemon has hung up when it returns. */
static void misbehaves(const char *name)
{
    struct wire_control nonsense = { .header = { WIRE_MAGIC, WIRE_WELCOME, 0, sizeof nonsense } };
    struct wire_hello hello = raw_hello(4, 1 << 16);
    struct reason why;

    snprintf(hello.name, sizeof hello.name, "%s", name);
    assert_int_equal(raw_open(&bed.client, bed.daemon.socket, &hello), 0);
    assert_int_equal(message_send(bed.client.socket, &nonsense, sizeof nonsense, NULL, 0, 0), 0);
    assert_int_equal(message_receive(bed.client.socket, &bed.client.message, false, 0, &why), -ECONNRESET);
    raw_close(&bed.client);
}

static void nobody_silences_the_log_about_others(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    if (geteuid())
        skip();
    start("info", 0);
    assert_int_equal(chmod(bed.daemon.folder, 0755), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        if (setgid(65534) || setuid(65534))
            _exit(9);
        for (int i = 0; i < 60; i++)
            misbehaves("loud");
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(daemon_logged(&bed.daemon, "client loud"));
    misbehaves("quiet");
    daemon_signal(&bed.daemon, SIGTERM); /* it writes what it has to say before it ends */
    assert_int_equal(daemon_wait(&bed.daemon, PATIENCE_MS), 0);
    assert_true(daemon_logged(&bed.daemon, "client quiet"));
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

/* SIGUSR1 makes it say more, a step at a time, SIGUSR2 what was configured; neither ends it. */
static void the_level_can_be_changed(void **state)
{
    (void)state;
    start("notice", 0);
    comes_and_goes(1);
    daemon_signal(&bed.daemon, SIGUSR1);
    assert_true(daemon_logged(&bed.daemon, "the log level is now info"));
    daemon_signal(&bed.daemon, SIGUSR1);
    assert_true(daemon_logged(&bed.daemon, "the log level is now debug"));
    comes_and_goes(1);
    assert_true(daemon_logged(&bed.daemon, ": connected: "));
    daemon_signal(&bed.daemon, SIGUSR1); /* there is no more */
    bed_serves();
    daemon_signal(&bed.daemon, SIGUSR2);
    assert_true(daemon_logged(&bed.daemon, "the log level is now notice"));
    bed_serves();
    assert_int_equal(daemon_stop(&bed.daemon), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_nobody_reads_holds_up_nobody),
        cmocka_unit_test(a_log_that_nobody_reads_keeps_it_from_no_end),
        cmocka_unit_test(nobody_silences_the_log_about_others),
        cmocka_unit_test(the_level_can_be_changed),
    };

    return run_over_both_loops(tests, bed_make, bed_remove);
}
