/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/clock.h"
#include "forge/experiment/reading.h"
#include "forge/train/progress.h"

enum { EVERY = 16 }; /* samples between looks at the clock */

struct reading reading_start(const char *what, bool quiet)
{
    struct reading reading = { .what = what, .shown = !quiet && terminal_goes_back(), .drawn_ns = clock_ns() };

    if (reading.shown)
        fprintf(stderr, "\r\033[K%s", what);
    return reading;
}

void reading_step(void *argument, size_t samples)
{
    struct reading *reading = argument;

    if (!reading->shown || samples % EVERY || clock_ns() - reading->drawn_ns < 100 * NS_PER_MS)
        return;
    reading->drawn_ns = clock_ns();
    fprintf(stderr, "\r\033[K%s: %zu samples", reading->what, samples);
    fflush(stderr);
}

void reading_end(struct reading *reading)
{
    if (reading->shown)
        fputs("\r\033[K", stderr);
    reading->shown = false;
}
