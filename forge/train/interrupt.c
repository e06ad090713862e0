/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stddef.h>

#include "forge/train/interrupt.h"

static volatile sig_atomic_t wanted;

static void note(int signal)
{
    (void)signal;
    wanted = 1;
}

/* A signal that was ignored when the process began stays so: a shell without job control starts its background
 * processes that way. */
static void catch_one(int signal)
{
    struct sigaction action = { .sa_handler = note, .sa_flags = SA_RESTART | (int)SA_RESETHAND }, before;

    sigemptyset(&action.sa_mask);
    if (sigaction(signal, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(signal, &action, NULL);
}

void interrupt_catch(void)
{
    catch_one(SIGINT);
    catch_one(SIGTERM);
}

bool interrupt_wanted(void)
{
    return wanted;
}
