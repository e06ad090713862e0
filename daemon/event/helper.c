/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/log.h"
#include "daemon/event/helper.h"
#include "daemon/event/pulse.h"

enum { NICER = 10 }; /* an eleventh of a processor that others want */

struct job_list {
    struct helper_job *head, *tail;
};

struct helper {
    pthread_t thread;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t asked;
    struct job_list todo, done;
    bool stop, ended;
    uint64_t wanted, heard; /* heartbeats that were asked for; the last one that was given */
    struct pulse pulse;
    int eventfd;
};

static void append(struct job_list *list, struct helper_job *job)
{
    insist(!list->head == !list->tail);
    job->next = NULL;
    if (list->tail)
        list->tail->next = job;
    else
        list->head = job;
    list->tail = job;
}

static struct helper_job *pop(struct job_list *list)
{
    struct helper_job *job = list->head;

    if (!job)
        return NULL;
    list->head = job->next;
    if (!list->head)
        list->tail = NULL;
    return job;
}

/* Of this thread, as Linux has it: zeroing pages is the kernel's work, and where the daemon has one processor a request
 * would wait for the whole of it. Where a filter forbids it that is felt, and all is right. */
static void give_way(void)
{
    if (setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICER))
        log_debug("a helper goes on at the priority of requests: %m");
}

static void *work(void *argument)
{
    static const uint64_t one = 1;
    struct helper *helper = argument;
    struct helper_job *job;

    give_way();
    pthread_mutex_lock(&helper->lock);
    for (;;) {
        for (;;) {
            helper->heard = helper->wanted;
            job = pop(&helper->todo);
            if (job || helper->stop)
                break;
            pthread_cond_wait(&helper->asked, &helper->lock);
        }
        if (!job)
            break;
        pthread_mutex_unlock(&helper->lock);
        job->run(job);
        pthread_mutex_lock(&helper->lock);
        append(&helper->done, job);
        /* Cannot block: nobody else has the descriptor. A full counter would still be an event. */
        (void)!write(helper->eventfd, &one, sizeof one);
    }
    helper->ended = true;
    pthread_cond_signal(&helper->asked);
    pthread_mutex_unlock(&helper->lock);
    return NULL;
}

/* With the clock that patience is measured by. */
static void init_asked(struct helper *helper)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&helper->asked, &attributes);
    pthread_condattr_destroy(&attributes);
}

int helper_new(const char *name, struct helper **out)
{
    struct helper *helper = calloc(1, sizeof *helper);
    int result;

    if (!helper)
        return -ENOMEM;
    helper->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (helper->eventfd < 0) {
        result = -errno;
        free(helper);
        return result;
    }
    pthread_mutex_init(&helper->lock, NULL);
    init_asked(helper);
    result = pthread_create(&helper->thread, NULL, work, helper);
    if (result) {
        close(helper->eventfd);
        free(helper);
        return -result;
    }
    (void)pthread_setname_np(helper->thread, name);
    *out = helper;
    return 0;
}

static void tell_to_stop(struct helper *helper)
{
    pthread_mutex_lock(&helper->lock);
    insist(!pthread_equal(pthread_self(), helper->thread)); /* it would wait for itself */
    helper->stop = true;
    pthread_cond_signal(&helper->asked);
    pthread_mutex_unlock(&helper->lock);
}

static void destroy(struct helper *helper)
{
    pthread_cond_destroy(&helper->asked);
    pthread_mutex_destroy(&helper->lock);
    close(helper->eventfd);
    free(helper);
}

struct helper *helper_free(struct helper *helper)
{
    if (!helper)
        return NULL;
    tell_to_stop(helper);
    pthread_join(helper->thread, NULL);
    destroy(helper);
    return NULL;
}

/* Whether its thread is at its end. Not by pthread_clockjoin_np(), of which ThreadSanitizer knows nothing. */
static bool ends_until(struct helper *helper, const struct timespec *until)
{
    bool ended;

    pthread_mutex_lock(&helper->lock);
    while (!helper->ended && !pthread_cond_timedwait(&helper->asked, &helper->lock, until))
        continue;
    ended = helper->ended;
    pthread_mutex_unlock(&helper->lock);
    return ended;
}

bool helper_end(struct helper *helper, uint64_t patience_ns)
{
    const struct timespec until = clock_timespec(clock_ns() + patience_ns);

    if (!helper)
        return true;
    tell_to_stop(helper);
    if (!ends_until(helper, &until)) {
        pthread_detach(helper->thread);
        return false;
    }
    return !helper_free(helper);
}

int helper_eventfd(const struct helper *helper)
{
    return helper->eventfd;
}

void helper_ask(struct helper *helper, struct helper_job *job)
{
    pthread_mutex_lock(&helper->lock);
    insist(!helper->stop && job->run);
    append(&helper->todo, job);
    pthread_cond_signal(&helper->asked);
    pthread_mutex_unlock(&helper->lock);
}

void helper_ask_beat(struct helper *helper)
{
    pthread_mutex_lock(&helper->lock);
    insist(helper->heard <= helper->wanted);
    if (helper->heard == helper->wanted)
        helper->wanted++;
    pulse_ask(&helper->pulse, helper->thread);
    pthread_cond_signal(&helper->asked);
    pthread_mutex_unlock(&helper->lock);
}

bool helper_lives(struct helper *helper)
{
    bool lives;

    pthread_mutex_lock(&helper->lock);
    lives = pulse_beats(&helper->pulse, helper->thread, helper->heard == helper->wanted);
    pthread_mutex_unlock(&helper->lock);
    return lives;
}

bool helper_take_back(struct helper *helper, struct helper_job *job)
{
    struct helper_job *previous = NULL, *at;

    pthread_mutex_lock(&helper->lock);
    for (at = helper->todo.head; at && at != job; at = at->next)
        previous = at;
    if (at && previous)
        previous->next = job->next;
    else if (at)
        helper->todo.head = job->next;
    if (at && helper->todo.tail == job)
        helper->todo.tail = previous;
    pthread_mutex_unlock(&helper->lock);
    return at;
}

struct helper_job *helper_done(struct helper *helper)
{
    struct helper_job *job;

    pthread_mutex_lock(&helper->lock);
    job = pop(&helper->done);
    pthread_mutex_unlock(&helper->lock);
    return job;
}
