/* SPDX-License-Identifier: Apache-2.0
 *
 * The event loop: one contract, two backends (io_uring and epoll), chosen at start. Control plane only: a request that
 * finds the daemon awake never gets here.
 *
 * Verbs begin something that ends in an event: the caller's token and a result. A descriptor has at most one verb under
 * way. ready is one-shot: it ends with its event and is begun anew. edge is persistent: one event for every write to an
 * eventfd, which nobody reads (writes between two waits may coalesce to one event); the backend renews it where the
 * kernel ends it. Timers are the loop's own, so both backends keep the same time. Accepting, receiving and sending are
 * the caller's non-blocking calls: they are rare, and so no descriptor and no buffer is ever in the kernel's hands.
 *
 * After loop_cancel() the backend reports nothing more about that descriptor, even when something had happened already:
 * every verb carries a serial number, and what arrives under an old one is dropped. Events that were handed out before
 * the cancel are the caller's to tell (its tokens carry a generation). A descriptor is cancelled before it is closed.
 *
 * Where the kernel is short of memory for a moment, a verb is begun later and a wait sees nothing: no caller goes deaf.
 *
 * One thread, the one that made the loop.
 */
#ifndef DAEMON_EVENT_LOOP_H
#define DAEMON_EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define LOOP_FOREVER UINT64_MAX

enum loop_kind { LOOP_AUTO, LOOP_URING, LOOP_EPOLL };

struct loop;

struct loop_event {
    uint64_t token;
    int32_t result; /* ready, edge: poll bits; timer: 0; or -errno, and the verb has ended */
};

/* LOOP_AUTO tries io_uring, with a real operation, and falls back to epoll; `fallback` (may be NULL) then says why.
 * A kind asked for by name is that or an error. `descriptors` is how many are expected at once, for sizing. */
int loop_new(enum loop_kind kind, unsigned descriptors, struct loop **out, struct reason *fallback, struct reason *why);
struct loop *loop_free(struct loop *loop); /* accepts NULL; returns NULL; closes no descriptor of the caller's */
const char *loop_name(const struct loop *loop);

/* One of `events` (POLLIN, POLLOUT; POLLHUP and POLLERR always) holds. */
int loop_ready(struct loop *loop, int fd, unsigned events, uint64_t token);
/* The eventfd was written, or was not zero when this began. */
int loop_edge(struct loop *loop, int fd, uint64_t token);
void loop_cancel(struct loop *loop, int fd);

/* At a time of clock_ns(), once. Several timers may share a token; cancelling ends them all. */
int loop_timer(struct loop *loop, uint64_t at_ns, uint64_t token);
void loop_timer_cancel(struct loop *loop, uint64_t token);

/* Whether a loop_wait() that does not sleep has something to do. Reads mapped memory only with io_uring; with epoll,
 * which has no such word, it says yes every 20 microseconds. */
bool loop_pending(struct loop *loop, uint64_t now_ns);

/* Begins what was asked for since, sleeps until an event or `until_ns` (LOOP_FOREVER; a time that is past: does not
 * sleep), and fills in up to `capacity` events. How many, or -errno. It may come back early with none (a signal). */
int loop_wait(struct loop *loop, struct loop_event *events, unsigned capacity, uint64_t until_ns);

#endif
