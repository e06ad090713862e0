/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into a program (by fail.c, which says what the variables are): the Nth allocation that it makes from main()
 * on fails, in whatever library; or the calls of one kind that it makes to the kernel are shown to who stands by, who
 * fails one. docs/design/faults.md says why so.
 *
 * Runs on any thread. Counting is one atomic addition, ordered with nothing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FRAMES_MAX = 24 };

/* glibc's own, behind the names that are taken here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static long which;      /* fails; 0: none */
static long made;       /* so far */
static int report = -1; /* what fails is said there */

/* Once: from where. Allocates nothing: backtrace() was called before. */
static void say_where(void)
{
    void *frames[FRAMES_MAX];
    const int count = backtrace(frames, FRAMES_MAX);

    backtrace_symbols_fd(frames, count, report);
}

static int fails(void)
{
    const long number = __atomic_load_n(&which, __ATOMIC_RELAXED);

    if (!number || __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED) != number)
        return 0;
    say_where();
    errno = ENOMEM;
    return 1;
}

#define TAKES_PLACE __attribute__((visibility("default")))

TAKES_PLACE void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

TAKES_PLACE void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

TAKES_PLACE void *realloc(void *old, size_t size)
{
    return fails() ? NULL : __libc_realloc(old, size);
}

TAKES_PLACE void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

TAKES_PLACE void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

TAKES_PLACE int posix_memalign(void **out, size_t alignment, size_t size)
{
    const int before = errno;

    *out = fails() ? NULL : __libc_memalign(alignment, size);
    errno = before;
    return *out ? 0 : ENOMEM;
}

/* What the variable says, which nobody who is started from here sees any more; 0: nothing. */
static long taken(const char *name)
{
    const char *text = getenv(name);
    const long value = text ? strtol(text, NULL, 10) : 0;

    unsetenv(name);
    return value;
}

/* From now on whoever reads from the other end of `told` answers for each call of that number. The listener gets the
 * lowest descriptor that is free, and nothing can be said any more once it is there: the call that says it may be the
 * one that waits. */
static void show_calls(long number, int told)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { .len = sizeof filter / sizeof *filter, .filter = filter };
    const int free_one = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (free_one < 0 || close(free_one) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        write(told, &free_one, sizeof free_one) != sizeof free_one || close(told))
        _exit(125);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program) != free_one)
        _exit(125);
}

static __attribute__((constructor)) void begin(void)
{
    const long call = taken("WISP_FAULT_CALL"), told = taken("WISP_FAULT_TOLD"), at = taken("WISP_FAULT_REPORT");
    const long allocation = taken("WISP_FAULT_ALLOCATION");
    void *frames[1];

    unsetenv("LD_PRELOAD");
    if (told)
        show_calls(call, (int)told);
    if (!allocation)
        return;
    report = (int)at;
    (void)backtrace(frames, 1); /* loads what it needs */
    __atomic_store_n(&which, allocation, __ATOMIC_RELAXED);
}
