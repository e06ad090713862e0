/* SPDX-License-Identifier: Apache-2.0
 *
 * Stops one thread of a process, as a fault would, and nobody else: hold TID. Says "held", and ends when the thread is
 * gone, or when it is ended itself, which lets go of the thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
    const pid_t thread = argc == 2 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
    int status;

    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) || ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) ||
        waitpid(thread, &status, __WALL) != thread || !WIFSTOPPED(status)) {
        perror("hold");
        return 1;
    }
    puts("held");
    fflush(stdout);
    while (waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status))
        continue;
    return 0;
}
