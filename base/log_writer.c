/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/log_writer.h"

enum { LINES = 256 };

struct line {
    unsigned long lost; /* lines between the one before and this one */
    size_t length;
    char text[LOG_LINE_MAX];
};

static struct {
    pthread_mutex_t lock; /* of all below; held for a copy, never for a write */
    pthread_cond_t filled, emptied;
    pthread_t thread;
    bool running, stop;
    bool writing;       /* a line that is not in the queue any more */
    unsigned long lost; /* since the newest line */
    unsigned first, count;
    struct line lines[LINES];
} writer = { .lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER };

static void write_lost(unsigned long lost)
{
    char line[LOG_LINE_MAX];

    if (lost)
        log_write(line, log_format(line, LOG_LEVEL_WARNING, "%lu line%s of the log were lost: nobody read fast enough",
                                   lost, lost == 1 ? "" : "s"));
}

/* With the lock held: writes the oldest line, or how many were lost after the newest, without it. */
static void write_next(void)
{
    static struct line line; /* of the thread's */
    unsigned long lost = writer.lost;

    if (writer.count) {
        const struct line *oldest = &writer.lines[writer.first];

        line.length = oldest->length;
        line.lost = oldest->lost;
        memcpy(line.text, oldest->text, oldest->length);
        writer.first = (writer.first + 1) % LINES;
        writer.count--;
        lost = line.lost;
    } else {
        line.length = 0;
        writer.lost = 0;
    }
    writer.writing = true;
    pthread_mutex_unlock(&writer.lock);
    write_lost(lost);
    log_write(line.text, line.length);
    pthread_mutex_lock(&writer.lock);
    writer.writing = false;
}

static void *work(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&writer.lock);
    for (;;) {
        while (writer.count || writer.lost)
            write_next();
        pthread_cond_broadcast(&writer.emptied);
        if (writer.stop)
            break;
        pthread_cond_wait(&writer.filled, &writer.lock);
    }
    pthread_mutex_unlock(&writer.lock);
    return NULL;
}

int log_writer_start(void)
{
    pthread_condattr_t monotonic;
    int result;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer.emptied, &monotonic);
    pthread_condattr_destroy(&monotonic);
    writer.stop = false;
    result = pthread_create(&writer.thread, NULL, work, NULL);
    if (result)
        return -result;
    (void)pthread_setname_np(writer.thread, "wispd-log");
    pthread_mutex_lock(&writer.lock);
    writer.running = true;
    pthread_mutex_unlock(&writer.lock);
    return 0;
}

static bool is_empty(void)
{
    return !writer.count && !writer.lost && !writer.writing;
}

bool log_writer_stop(uint64_t patience_ns)
{
    struct timespec until = clock_timespec(clock_ns() + patience_ns);
    bool empty;

    pthread_mutex_lock(&writer.lock);
    if (!writer.running) {
        pthread_mutex_unlock(&writer.lock);
        return true;
    }
    writer.stop = true;
    pthread_cond_signal(&writer.filled);
    while (!(empty = is_empty()) && !pthread_cond_timedwait(&writer.emptied, &writer.lock, &until))
        ;
    if (empty)
        writer.running = false;
    pthread_mutex_unlock(&writer.lock);
    if (empty)
        pthread_join(writer.thread, NULL);
    return empty;
}

bool log_writer_take(const char *line, size_t length)
{
    bool running;

    pthread_mutex_lock(&writer.lock);
    running = writer.running;
    if (running && writer.count == LINES) {
        writer.lost++;
    } else if (running) {
        struct line *newest = &writer.lines[(writer.first + writer.count++) % LINES];

        newest->lost = writer.lost;
        newest->length = length;
        memcpy(newest->text, line, length);
        writer.lost = 0;
        pthread_cond_signal(&writer.filled);
    }
    pthread_mutex_unlock(&writer.lock);
    return running;
}
