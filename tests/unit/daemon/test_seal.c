/* SPDX-License-Identifier: Apache-2.0
 *
 * After the seal nobody in the process can make a ring or run a program, and everything else goes on.
 */
#include "support/test.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/seal.h"

/* What each call comes to: its errno. */
static int try_ring(void)
{
    struct io_uring_params parameters = { .flags = 0 };

    return syscall(SYS_io_uring_setup, 2, &parameters) < 0 ? errno : 0;
}

static int try_register(void)
{
    return syscall(SYS_io_uring_register, -1, 0, NULL, 0) < 0 ? errno : 0;
}

static int try_program(void)
{
    char *none[] = { NULL };

    return execve("/bin/true", none, none) < 0 ? errno : 0;
}

static int try_program_by_descriptor(void)
{
    char *none[] = { NULL };

    return syscall(SYS_execveat, -1, "", none, none, 0) < 0 ? errno : 0;
}

static int (*const tries[])(void) = { try_ring, try_register, try_program, try_program_by_descriptor };

enum { TRIES = sizeof tries / sizeof *tries };

static int refused(void)
{
    int count = 0;

    for (int i = 0; i < TRIES; i++)
        count += tries[i]() == EPERM;
    return count;
}

static pthread_barrier_t sealed;

static void *before(void *argument)
{
    int *count = argument;

    pthread_barrier_wait(&sealed);
    *count = refused();
    return NULL;
}

static void *after(void *argument)
{
    *(int *)argument = refused();
    return NULL;
}

/* In a child: the number of what went wrong. */
static int be_sealed(void)
{
    int early = 0, late = 0;
    pthread_t thread;

    if (try_register() == EPERM)
        return 1;
    pthread_barrier_init(&sealed, NULL, 2);
    if (pthread_create(&thread, NULL, before, &early))
        return 2;
    if (process_seal())
        return 3;
    pthread_barrier_wait(&sealed);
    pthread_join(thread, NULL);
    if (refused() != TRIES || early != TRIES)
        return 4;
    /* Threads, memory and files are as ever. */
    if (pthread_create(&thread, NULL, after, &late) || pthread_join(thread, NULL) || late != TRIES)
        return 5;
    if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED || access("/", F_OK))
        return 6;
    return process_seal() ? 7 : 0; /* twice is no harm */
}

static void a_sealed_process_makes_no_rings(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (!pid)
        _exit(be_sealed());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_process_makes_no_rings),
    };

    return cmocka_run_group_tests_name("the seal of the process", tests, NULL, NULL);
}
