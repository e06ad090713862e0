/* SPDX-License-Identifier: Apache-2.0
 *
 * The table is written by threads that connect and disconnect, and read in a child, where only the thread that forked
 * is left. A socket is entered once it is there, and taken out before it is closed: a child never closes what is
 * something else by now; at the worst it keeps one that another thread was just opening or closing.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "base/insist.h"
#include "base/size.h"
#include "client/fork.h"

enum { SOCKETS_MAX = 1024 }; /* one that finds no room here is inherited */

static int sockets[SOCKETS_MAX]; /* a descriptor + 1, or 0; atomic */
static unsigned forks;           /* atomic only so that nobody need prove that a child has no other threads */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void after_fork(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
        int entry = __atomic_exchange_n(&sockets[i], 0, __ATOMIC_ACQUIRE); /* pairs with socket_note() */

        if (entry)
            close(entry - 1);
    }
    __atomic_fetch_add(&forks, 1, __ATOMIC_RELAXED); /* pairs with fork_count() */
}

static void watch(void)
{
    (void)pthread_atfork(NULL, NULL, after_fork);
}

void fork_watch(void)
{
    (void)pthread_once(&once, watch);
}

unsigned fork_count(void)
{
    return __atomic_load_n(&forks, __ATOMIC_RELAXED); /* pairs with after_fork() */
}

void socket_note(int socket)
{
    insist(socket >= 0);
    for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
        int none = 0;

        /* Pairs with after_fork(). */
        if (__atomic_compare_exchange_n(&sockets[i], &none, socket + 1, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            return;
    }
}

void socket_close(int socket)
{
    insist(socket >= 0);
    for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
        int entry = socket + 1;

        /* Pairs with after_fork(): it is out of the table before its number can be another's. */
        if (__atomic_compare_exchange_n(&sockets[i], &entry, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            break;
    }
    close(socket);
}
