/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread has the priority of whoever asks: malloc_trim() holds a heap's lock for as long as it takes, tens of
 * milliseconds, and at the loader's priority that were seconds for whoever frees or allocates meanwhile.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "daemon/models/heaps.h"

enum { END_BYTES = 128 << 10 };

enum { IDLE, TRIMS, TRIMS_AGAIN };

/* Atomic: whoever asks, and the thread, each take it from what it is to what follows. */
static int state;

static bool takes(int from, int to)
{
    /* Acquire and release: what was freed before the asking is there for the thread, whichever of the two it meets. */
    return __atomic_compare_exchange_n(&state, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static void *trim(void *argument)
{
    (void)argument;
    do {
        (void)takes(TRIMS_AGAIN, TRIMS);
        (void)malloc_trim(0);
    } while (!takes(TRIMS, IDLE));
    return NULL;
}

static int begin(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int result = pthread_attr_init(&attributes);

    if (result)
        return result;
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    result = pthread_create(&thread, &attributes, trim, NULL);
    pthread_attr_destroy(&attributes);
    return result;
}

void heaps_shrink(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, END_BYTES);
}

void heaps_trim(void)
{
    int result;

    if (takes(TRIMS, TRIMS_AGAIN) || !takes(IDLE, TRIMS))
        return; /* it looks once more */
    result = begin();
    if (result) {
        (void)takes(TRIMS, IDLE);
        log_debug("what is free in heaps stays there: no thread: error %d", result);
    }
}
