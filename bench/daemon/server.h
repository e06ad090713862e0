/* SPDX-License-Identifier: Apache-2.0
 *
 * A wispd of our own for a measurement: on a private socket, pinned to one core, gone with us.
 */
#ifndef BENCH_DAEMON_SERVER_H
#define BENCH_DAEMON_SERVER_H

#include <sys/types.h>

struct server {
    pid_t pid; /* 0: not running */
    char socket[96];
    char config[96];
};

struct server_options {
    const char *program;          /* path of wispd */
    const char *folder;           /* for the socket and the configuration */
    const char *model;            /* absolute path of the model file, */
    const char *more;             /* and of another; NULL: none */
    const char *name, *more_name; /* NULL: as the files say */
    const char *loop;             /* "io_uring", "epoll" */
    const char *spin;             /* "0", "100ms" */
    int core;                     /* -1: any */
    const char *limits;           /* what stands behind `limits:`; NULL: the usual ones */
    const char *preload;          /* a library to be loaded before its own, */
    const char *counters;         /* and the file that this writes (bench/ipc/counted.c); NULL: none */
};

/* Starts it and waits until it accepts. -1 after saying why on stderr. */
int server_start(struct server *server, const struct server_options *options);
/* Stops it and waits for its end. Idempotent. */
void server_stop(struct server *server);

/* Pins the calling thread; -1 after saying why. */
int pin_to(int core);

#endif
