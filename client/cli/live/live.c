/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "client/cli/live/interrupt.h"
#include "client/cli/live/live.h"

#define ENTER "\033[?1049h\033[?25l\033[?7l" /* a screen of its own, without a cursor; long lines are cut off */
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

static void read_keys(struct live *live)
{
    struct termios single;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &live->before))
        return;
    single = live->before;
    single.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    live->keys = !tcsetattr(STDIN_FILENO, TCSANOW, &single);
}

void live_begin(struct live *live, FILE *file)
{
    *live = (struct live){ .terminal = file };
    screen_init(&live->screen, file);
    interrupt_watch();
    if (!live->screen.terminal)
        return;
    read_keys(live);
    fputs(ENTER, file);
}

void live_end(struct live *live)
{
    if (!live->screen.terminal)
        return;
    fputs(LEAVE, live->terminal);
    fflush(live->terminal);
    if (live->keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &live->before);
}

bool live_draw(struct live *live)
{
    struct winsize size = { .ws_row = 0 };

    insist(live->screen.file == live->terminal || !live->screen.file); /* live_show() comes between two */
    live->lines = 24;
    if (live->screen.terminal && !ioctl(fileno(live->terminal), TIOCGWINSZ, &size) && size.ws_row)
        live->lines = size.ws_row;
    live->screen.file = open_memstream(&live->text, &live->length);
    return live->screen.file;
}

/* As many lines as there is room for, each wiped to its end. */
static void put_lines(const struct live *live)
{
    const char *line = live->text;

    insist(line && live->lines > 0);
    fputs("\033[H", live->terminal);
    for (unsigned i = 0; *line && i + 1 < live->lines; i++) {
        const size_t length = strcspn(line, "\n");

        fprintf(live->terminal, "%.*s\033[K\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    fputs("\033[J", live->terminal);
}

/* What was drawn is the screen's no more, whatever comes of it. */
static bool end_drawing(struct live *live)
{
    FILE *drawn = live->screen.file;

    insist(drawn && drawn != live->terminal);
    live->screen.file = live->terminal;
    return !fclose(drawn) && live->text;
}

bool live_show(struct live *live)
{
    if (!end_drawing(live)) {
        free(live->text);
        return false;
    }
    if (live->screen.terminal)
        put_lines(live);
    else
        fputs(live->text, live->terminal);
    fflush(live->terminal);
    free(live->text);
    return true;
}

bool live_wait(const struct live *live, uint64_t ns)
{
    const uint64_t until = clock_ns() + ns;
    struct pollfd wait = { .fd = STDIN_FILENO, .events = POLLIN };
    uint64_t now;
    char key;

    while (!interrupt_came() && (now = clock_ns()) < until) {
        const struct timespec left = clock_timespec(until - now);

        if (ppoll(&wait, live->keys ? 1 : 0, &left, NULL) <= 0)
            continue;
        if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q')
            return false;
    }
    return !interrupt_came();
}
