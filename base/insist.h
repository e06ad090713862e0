/* SPDX-License-Identifier: Apache-2.0
 *
 * Assertions: insist(condition) ends the process where the condition does not hold, in every build
 * (docs/design/assertions.md says why). It is for what only a fault of this program can break: the states of its own
 * objects, counters that pair, what a caller has promised. Never for what somebody else can bring about: a message, a
 * file, shared memory, a system call that fails. That is checked, and answered.
 *
 *     insist(queue->under_way > 0);
 *     insist(count <= capacity, "%zu of %zu", count, capacity);
 *
 * The values are what one would want to know at three in the morning; they are computed only when it fails. The
 * condition has no effect, and costs a comparison of what is at hand: no loop, no system call.
 */
#ifndef BASE_INSIST_H
#define BASE_INSIST_H

#ifndef __FILE_NAME__ /* the name alone: where the tree stood when it was built is nobody's affair */
#define __FILE_NAME__ __FILE__
#endif

#define insist(condition, ...)                                                                                         \
    (__builtin_expect(!!(condition), 1)                                                                                \
         ? (void)0                                                                                                     \
         : insist_failed(__FILE_NAME__, __LINE__, __func__, #condition, " " __VA_ARGS__))

/* The same where the build has NDEBUG not, as those of the sanitizers: on the path of a request without a model, which
 * is 150 ns long in two processes, where each costs a third of one. In every build it compiles. */
#ifdef NDEBUG
#define insist_debug(condition, ...)                                                                                   \
    do {                                                                                                               \
        if (0)                                                                                                         \
            insist(condition, __VA_ARGS__);                                                                            \
    } while (0)
#else
#define insist_debug insist
#endif

/* Says file, line, function, condition and values in one line of the log (an error), and aborts. From any thread; of
 * several at once the first speaks. Takes no lock, allocates nothing, and waits for who reads the log no longer than
 * INSIST_PATIENCE_MS. */
enum { INSIST_PATIENCE_MS = 500 };
_Noreturn void insist_failed(const char *file, int line, const char *function, const char *condition,
                             const char *format, ...) __attribute__((cold, noinline, format(printf, 5, 6)));

/* What is called before the line is written: the daemon writes what its log still has, so that the lines before it are
 * not lost. It may not wait for long, and may not insist. NULL: nothing. */
void insist_set_farewell(void (*farewell)(void));

#endif
