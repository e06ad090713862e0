/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <wisp/wisp.h>

#include "server.h"

enum { START_MS = 10000 };

int pin_to(int core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(core, &set);
    if (!sched_setaffinity(0, sizeof set, &set))
        return 0;
    fprintf(stderr, "bench: cannot run on core %d: %s\n", core, strerror(errno));
    return -1;
}

static void write_name(FILE *file, const char *name)
{
    if (name)
        fprintf(file, "    name: %s\n", name);
}

static int write_config(const struct server *server, const struct server_options *options)
{
    FILE *file = fopen(server->config, "we");

    if (!file) {
        fprintf(stderr, "bench: %s: %s\n", server->config, strerror(errno));
        return -1;
    }
    fprintf(file, "socket: \"%s\"\nloop: %s\nspin: %s\nlog: {level: warning}\nmodels:\n  - path: \"%s\"\n",
            server->socket, options->loop, options->spin, options->model);
    write_name(file, options->name);
    if (options->more) {
        fprintf(file, "  - path: \"%s\"\n", options->more);
        write_name(file, options->more_name);
    }
    if (options->limits)
        fprintf(file, "limits: %s\n", options->limits);
    return fclose(file);
}

static int run(const struct server *server, const struct server_options *options)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (options->preload) {
        setenv("LD_PRELOAD", options->preload, 1);
        setenv("WISP_BENCH_COUNTERS", options->counters, 1);
    }
    if (options->core < 0 || !pin_to(options->core)) {
        execl(options->program, "wispd", "--config", server->config, (char *)NULL);
        fprintf(stderr, "bench: %s: %s\n", options->program, strerror(errno));
    }
    return 127;
}

/* wisp_connect() waits for a daemon that is not there yet. */
static int wait_until_it_serves(const struct server *server)
{
    const struct wisp_options options = { .size = sizeof options, .socket_path = server->socket };
    wisp_client *client = NULL;

    for (int waited_ms = 0; waited_ms < START_MS; waited_ms += 10) {
        const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

        if (!wisp_connect(&client, &options)) {
            wisp_close(client);
            return 0;
        }
        if (waitpid(server->pid, NULL, WNOHANG) != 0)
            break;
        nanosleep(&pause, NULL);
    }
    fprintf(stderr, "bench: wispd did not start: %s\n", wisp_last_error());
    return -1;
}

int server_start(struct server *server, const struct server_options *options)
{
    *server = (struct server){ 0 };
    snprintf(server->socket, sizeof server->socket, "%s/%s-%s.sock", options->folder, options->loop, options->spin);
    snprintf(server->config, sizeof server->config, "%s/%s-%s.yaml", options->folder, options->loop, options->spin);
    if (write_config(server, options))
        return -1;
    server->pid = fork();
    if (server->pid < 0) {
        fprintf(stderr, "bench: fork: %s\n", strerror(errno));
        server->pid = 0;
        return -1;
    }
    if (!server->pid)
        _exit(run(server, options));
    if (!wait_until_it_serves(server))
        return 0;
    server_stop(server);
    return -1;
}

void server_stop(struct server *server)
{
    if (server->pid > 0) {
        kill(server->pid, SIGTERM);
        waitpid(server->pid, NULL, 0);
    }
    if (server->config[0])
        unlink(server->config);
    server->pid = 0;
}
