/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon of one's own, for one call of `wisp run --model FILE`: wispd with one model on a socket that nobody else can
 * reach, as systemd would start it, with the listening socket made here. So one can connect at once, and is answered
 * when the model is loaded; a daemon that cannot load it ends, and the connection with it.
 *
 * It ends with this process, however that ends: the kernel kills it then. The socket's folder is removed as soon as it
 * is no longer needed, or by a signal's handler before that; only SIGKILL in that moment leaves it behind.
 */
#ifndef CLI_PRIVATE_DAEMON_H
#define CLI_PRIVATE_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

struct private_daemon {
    pid_t pid; /* 0: none */
    const char *model;
    char folder[72];
    char socket[96];
};

/* Starts it; on failure says why on standard error. Returns an exit status. There is one at a time. */
int private_daemon_start(struct private_daemon *daemon, const char *verb, const char *model);

/* After a connection failed with `result`: true if that is because the daemon ended. It has said why on standard error;
 * *status is what to exit with, after one more sentence. */
bool private_daemon_ended(struct private_daemon *daemon, const char *verb, int result, int *status);

/* Nobody need connect any more. */
void private_daemon_hide(struct private_daemon *daemon);

/* Ends it, and waits for that. */
void private_daemon_stop(struct private_daemon *daemon);

#endif
