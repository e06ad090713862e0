/* SPDX-License-Identifier: Apache-2.0
 *
 * A helper: a thread of its own for what takes long and has to do with no request.
 *
 * There is one for channels, and one that loads models (loading.h). Making a channel's memory zeroes all its pages,
 * milliseconds for a few megabytes, and taking it apart is not free either; on the control thread everybody who
 * connects would wait for it. It gives way to the threads that serve. Jobs run one at a time, in order. Whoever asks
 * hands the job over, and what it points to, and has it back when helper_done() gives it.
 */
#ifndef DAEMON_EVENT_HELPER_H
#define DAEMON_EVENT_HELPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct helper;

struct helper_job {
    struct helper_job *next;
    void (*run)(struct helper_job *job); /* on the helper's thread */
};

/* `name`: of the thread, at most 15 bytes. -ENOMEM, -EAGAIN, -EMFILE. */
int helper_new(const char *name, struct helper **out);

/* Runs what was asked for to its end, stops the thread, and drops the jobs: they are the caller's. Accepts NULL;
 * returns NULL. */
struct helper *helper_free(struct helper *helper);

/* The same, if that takes no longer than this. False: it goes on with the job that it has, which is never given back,
 * and ends with the process. */
bool helper_end(struct helper *helper, uint64_t patience_ns);

/* An eventfd that is written when a job is done. */
int helper_eventfd(const struct helper *helper);

void helper_ask(struct helper *helper, struct helper_job *job);

/* Takes back a job that has not begun; false: it has, and comes with helper_done(). */
bool helper_take_back(struct helper *helper, struct helper_job *job);

/* Asks the thread for a sign of life. */
void helper_ask_beat(struct helper *helper);
/* Whether there was one since: it came round between two jobs, or, in a long one, uses processor time. */
bool helper_lives(struct helper *helper);

/* A job that is done, the oldest first; NULL when there is none. */
struct helper_job *helper_done(struct helper *helper);

#endif
