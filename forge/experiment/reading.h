/* SPDX-License-Identifier: Apache-2.0
 *
 * A line on a terminal that says what is going on while nothing else does ("reading: 1280 samples"), and goes when it
 * is over; nothing elsewhere.
 */
#ifndef FORGE_EXPERIMENT_READING_H
#define FORGE_EXPERIMENT_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reading {
    const char *what;
    bool shown; /* stderr is a terminal that can go back in a line */
    uint64_t drawn_ns;
};

struct reading reading_start(const char *what, bool quiet);
void reading_step(void *reading, size_t samples); /* as dataset_wish.step */
void reading_end(struct reading *reading);

#endif
