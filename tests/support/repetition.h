/* SPDX-License-Identifier: Apache-2.0
 *
 * What is done very often, perhaps for hours: it says how far it is, and goes on where it was stopped.
 *
 * The environment says how often (VARIABLE), and by VARIABLE_RECORD in which file the number of those done is kept.
 */
#ifndef TESTS_SUPPORT_REPETITION_H
#define TESTS_SUPPORT_REPETITION_H

#include <stdbool.h>

struct repetition {
    const char *variable;
    unsigned all, done;
    int record; /* -1: none is kept */
};

/* `usual` where the environment says nothing. Aborts, and says why, where the record cannot be read or kept. */
struct repetition repetition_begin(const char *variable, unsigned usual);
/* Whether there is one more to do. */
bool repetition_goes_on(struct repetition *repetition);
/* So many more are done. */
void repetition_note(struct repetition *repetition, unsigned count);

#endif
