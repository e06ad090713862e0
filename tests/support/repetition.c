/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/repetition.h"
#include "support/resources.h"

enum { TELL = 250, DIGITS = 10 };

static int open_record(const char *variable)
{
    char name[128];
    const char *path;
    int record;

    snprintf(name, sizeof name, "%s_RECORD", variable);
    path = getenv(name);
    if (!path || !*path)
        return -1;
    record = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (record < 0) {
        perror(path);
        abort();
    }
    return record;
}

struct repetition repetition_begin(const char *variable, unsigned usual)
{
    struct repetition repetition = { variable, repeats(variable, usual), 0, open_record(variable) };
    char text[DIGITS + 1] = "";

    if (repetition.record >= 0 && pread(repetition.record, text, DIGITS, 0) > 0)
        repetition.done = (unsigned)strtoul(text, NULL, 10);
    return repetition;
}

bool repetition_goes_on(struct repetition *repetition)
{
    if (repetition->done < repetition->all)
        return true;
    if (repetition->record >= 0)
        close(repetition->record);
    repetition->record = -1;
    return false;
}

/* Always as many digits: whoever is killed while it is written leaves the number before, or this one. */
void repetition_note(struct repetition *repetition, unsigned count)
{
    char text[DIGITS + 2];
    const unsigned told = repetition->done / TELL;

    repetition->done += count;
    if (repetition->record < 0)
        return;
    snprintf(text, sizeof text, "%0*u\n", DIGITS, repetition->done);
    if (pwrite(repetition->record, text, DIGITS + 1, 0) != DIGITS + 1) {
        perror(repetition->variable);
        abort();
    }
    if (repetition->done / TELL > told || repetition->done >= repetition->all)
        fprintf(stderr, "%s: %u of %u\n", repetition->variable, repetition->done, repetition->all);
}
