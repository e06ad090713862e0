/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp-forge as a real process, and a small data set on disk for it.
 */
#ifndef TESTS_UNIT_FORGE_PROCESS_H
#define TESTS_UNIT_FORGE_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { OUTPUT_MAX = 1 << 16, ARGUMENTS_MAX = 48 };

struct ran {
    int status; /* exit status, or 128 + signal */
    char out[OUTPUT_MAX], err[OUTPUT_MAX];
};

/* Runs "wisp-forge" with the words of `command` (separated by single spaces; no quoting) in `folder`. */
void forge_run(struct ran *ran, const char *folder, const char *command);
/* The same; anything but success fails the test. */
void forge_run_well(struct ran *ran, const char *folder, const char *command);
/* Commands that end with a status, and a whole sentence on stderr after "wisp VERB: ". */
struct refusal {
    const char *command;
    int status;
    const char *said;
};

void forge_refuses(struct ran *ran, const char *folder, const struct refusal *refusals, size_t count);
/* Starts it with stdout to the file `out` in the folder; returns its process id. */
pid_t forge_start(const char *folder, const char *command, const char *out);
/* Exit status, or 128 + signal. */
int forge_wait(pid_t pid);
/* The most bytes that it had in memory, if it did well. */
uint64_t forge_peak(const char *folder, const char *command);
/* Starts a training with its events to the pipe `events` in the folder, which is there, and ends it by the signal when
 * so many epochs are over; its status. The pipe is too small for the events of all, so that it cannot have come to its
 * end by itself, however fast it is. */
int forge_stop(const char *folder, const char *command, int epochs, int signal);

/* Grey 8x8 pictures of four classes (which quadrant is bright, under noise) as idx files in `folder`: "train" and
 * "t10k". */
void write_quadrants(const char *folder, unsigned train, unsigned test);

/* The whole file, NUL after it; freed by the caller. */
char *slurp(const char *path, size_t *size);

/* That two files of a folder are the same, byte for byte. */
void assert_same_bytes(const char *folder, const char *a, const char *b);

#endif
