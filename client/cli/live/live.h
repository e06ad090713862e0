/* SPDX-License-Identifier: Apache-2.0
 *
 * A screen that is drawn again and again, until somebody presses q or interrupts it; on what is no terminal, text after
 * text. Whatever ends it, the terminal is as it was.
 */
#ifndef CLI_LIVE_LIVE_H
#define CLI_LIVE_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "client/cli/screen.h"

struct live {
    struct screen screen; /* to print to: its file is another one for each picture */
    FILE *terminal;       /* where it appears */
    unsigned lines;
    bool keys; /* keys are read one by one */
    struct termios before;
    char *text;
    size_t length;
};

void live_begin(struct live *live, FILE *file);
void live_end(struct live *live);

/* From one to the other live->screen takes a picture; then it appears. False without memory. */
bool live_draw(struct live *live);
bool live_show(struct live *live);

/* Waits; false: it is to end. */
bool live_wait(const struct live *live, uint64_t ns);

#endif
