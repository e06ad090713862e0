/* SPDX-License-Identifier: Apache-2.0
 *
 * Between loop.c and its two backends; what both of them need of the table of watches stands in watch.c.
 *
 * loop.c keeps the table of watches, one for each descriptor. What the kernel is given as user data is a watch's key:
 * descriptor, verb and serial number. So a completion finds its watch by the descriptor, and is stale when the serial
 * number does not fit.
 */
#ifndef DAEMON_EVENT_BACKEND_H
#define DAEMON_EVENT_BACKEND_H

#include <pthread.h>

#include "base/clock.h"
#include "base/insist.h"
#include "daemon/event/loop.h"

enum { LOOP_FD_MAX = 0xffffff }; /* what a key has room for */

enum loop_verb { LOOP_VERB_NONE, LOOP_VERB_READY, LOOP_VERB_EDGE };

struct loop_watch {
    uint64_t token;
    uint32_t serial; /* of the latest verb */
    uint8_t verb;    /* NONE: nothing under way */
    bool late;       /* not begun yet: the kernel was short of something */
    uint32_t events; /* poll bits of a READY */
};

struct loop_backend {
    const char *name;
    int (*begin)(struct loop *loop, int fd, const struct loop_watch *watch, uint64_t key);
    void (*cancel)(struct loop *loop, int fd, uint64_t key);
    bool (*pending)(struct loop *loop, uint64_t now_ns);
    int (*wait)(struct loop *loop, struct loop_event *events, unsigned capacity, uint64_t until_ns);
    void (*free)(struct loop *loop);
};

struct loop_timer {
    uint64_t at_ns;
    uint64_t token;
};

/* The head of either backend's own struct. */
struct loop {
    const struct loop_backend *backend;
    pthread_t owner;            /* the thread that made it, the only one that uses it */
    struct loop_watch *watches; /* by descriptor */
    unsigned watch_count;
    struct loop_timer *timers; /* by time, the earliest first */
    unsigned timer_count, timer_capacity;
    unsigned late_count; /* watches that are late, */
    uint64_t late_ns;    /* and when they are tried again */
};

int loop_uring_new(unsigned descriptors, struct loop **out, struct reason *why);
int loop_epoll_new(struct loop **out, struct reason *why);

static inline uint64_t loop_key(int fd, const struct loop_watch *watch)
{
    insist(fd >= 0 && fd <= LOOP_FD_MAX, "%d", fd);
    return (uint64_t)(uint32_t)fd | (uint64_t)watch->verb << 24 | (uint64_t)watch->serial << 32;
}
static inline int loop_key_fd(uint64_t key)
{
    return (int)(key & LOOP_FD_MAX);
}
static inline enum loop_verb loop_key_verb(uint64_t key)
{
    return (enum loop_verb)(key >> 24 & 0xff);
}

/* When what the kernel had no room for is tried again. */
#define LOOP_LATE_NS (4 * NS_PER_MS)

/* Whether an error of the kernel's is likely to be gone in a moment. */
bool loop_passes(int error);
/* A moment, for a backend that got such an error and nothing else. */
void loop_breathe(void);
/* The watch's verb, which the kernel would not begin, is tried again soon. */
void loop_put_off(struct loop *loop, struct loop_watch *watch);

/* The watch that a key belongs to; NULL when it is stale. */
struct loop_watch *loop_watch_find(struct loop *loop, uint64_t key);

/* Turns a result into an event and ends a one-shot verb; false when the key is stale. */
bool loop_complete(struct loop *loop, uint64_t key, int32_t result, struct loop_event *event);

#endif
