/* SPDX-License-Identifier: Apache-2.0 */
#include <langinfo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/insist.h"
#include "base/size.h"
#include "client/cli/screen.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value && *value;
}

void screen_init(struct screen *screen, FILE *file)
{
    const char *kind = getenv("TERM");
    struct winsize size = { .ws_col = 0 };

    *screen = (struct screen){ .file = file, .terminal = isatty(fileno(file)), .columns = 80 };
    screen->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    screen->colour = screen->terminal && !is_set("NO_COLOR") && kind && strcmp(kind, "dumb") != 0;
    if (screen->terminal && !ioctl(fileno(file), TIOCGWINSZ, &size) && size.ws_col)
        screen->columns = size.ws_col;
    insist(screen->columns > 0);
}

/* ---- characters ---- */

/* Length of the UTF-8 sequence at `text` and its code point; 0 when it is none, overlong, or a surrogate. */
static size_t decode(const char *text, uint32_t *point)
{
    static const uint32_t min[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *bytes = (const unsigned char *)text;
    size_t length = *bytes < 0x80 ? 1 : *bytes >> 5 == 6 ? 2 : *bytes >> 4 == 14 ? 3 : *bytes >> 3 == 30 ? 4 : 0;

    if (!length)
        return 0;
    *point = length == 1 ? *bytes : *bytes & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] >> 6 != 2)
            return 0;
        *point = *point << 6 | (bytes[i] & 0x3f);
    }
    return *point < min[length] || *point > 0x10ffff || *point >> 11 == 0x1b ? 0 : length;
}

/* Would move the cursor, change the terminal's state, or turn the direction of what follows. */
static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x202a && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0x2028 || point == 0x2029;
}

static size_t columns_of(uint32_t point)
{
    int width = point < 0x80 ? 1 : wcwidth((wchar_t)point);

    return width < 0 ? 1 : (size_t)width;
}

size_t text_columns(const char *text)
{
    size_t columns = 0, length;
    uint32_t point;

    for (; *text; text += length ? length : 1) {
        length = decode(text, &point);
        columns += length && !is_control(point) ? columns_of(point) : 1;
    }
    return columns;
}

char *text_to_utf8(const char *text)
{
    const size_t room = strlen(text) * strlen(REPLACEMENT) + 1;
    char *copy = malloc(room), *to = copy;
    uint32_t point;

    while (copy && *text) {
        size_t length = decode(text, &point);

        to = length ? mempcpy(to, text, length) : mempcpy(to, REPLACEMENT, strlen(REPLACEMENT));
        text += length ? length : 1;
    }
    insist((size_t)(to - copy) < room || !copy, "%zd of %zu", to - copy, room); /* no byte becomes more than a mark */
    if (copy)
        *to = '\0';
    return copy;
}

/* ---- writing ---- */

static void put_character(const struct screen *screen, const char *text, size_t length, uint32_t point)
{
    bool ascii_only = screen->terminal && !screen->utf8;

    if (length && !is_control(point) && !(ascii_only && length > 1))
        fwrite(text, 1, length, screen->file);
    else
        fputs(ascii_only ? "?" : REPLACEMENT, screen->file);
}

static void put_text(const struct screen *screen, enum style style, const char *text)
{
    static const char *const begin[] = {
        [STYLE_PLAIN] = "", [STYLE_STRONG] = "\033[1m", [STYLE_FAINT] = "\033[2m", [STYLE_BAR] = "\033[36m"
    };
    bool styled = screen->colour && style != STYLE_PLAIN;
    uint32_t point = 0;
    size_t length;

    insist((size_t)style < ARRAY_SIZE(begin), "%d", style);
    if (styled)
        fputs(begin[style], screen->file);
    for (; *text; text += length ? length : 1) {
        length = decode(text, &point);
        put_character(screen, text, length, point);
    }
    if (styled)
        fputs("\033[0m", screen->file);
}

static void put_blanks(const struct screen *screen, const char *text, size_t width)
{
    size_t columns = text_columns(text);

    if (columns < width)
        fprintf(screen->file, "%*s", (int)(width - columns), "");
}

void screen_text(const struct screen *screen, enum style style, const char *text, size_t width)
{
    put_text(screen, style, text);
    put_blanks(screen, text, width);
}

void screen_right(const struct screen *screen, enum style style, const char *text, size_t width)
{
    put_blanks(screen, text, width);
    put_text(screen, style, text);
}

enum { BAR_MAX = 40 };

void screen_bar(const struct screen *screen, double fraction, unsigned width)
{
    static const char eighths[8][4] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
    char bar[BAR_MAX * 3 + 4] = "", *to = bar;
    unsigned steps;

    if (!screen->terminal || !(fraction > 0))
        return;
    width = MIN(width, BAR_MAX);
    steps = (unsigned)(MIN(fraction, 1.0) * width * 8 + 0.5);
    for (unsigned i = 0; i < steps / 8; i++)
        to = stpcpy(to, screen->utf8 ? "█" : "#");
    insist((size_t)(to - bar) + sizeof *eighths <= sizeof bar, "%zd", to - bar);
    if (screen->utf8)
        stpcpy(to, eighths[steps % 8]);
    put_text(screen, STYLE_BAR, bar);
}

/* ---- numbers ---- */

const char *format_count(unsigned long long count, char *buffer)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", count);
    char *to = buffer;

    insist(length > 0 && length < (int)sizeof digits, "%d", length);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return buffer;
}

const char *format_bytes(unsigned long long bytes, char *buffer)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 999.5 && unit + 1 < ARRAY_SIZE(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(buffer, 32, unit && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return buffer;
}

const char *format_ms(unsigned long long ns, char *buffer)
{
    double ms = (double)ns / 1e6;

    snprintf(buffer, 32, ms < 0.0995 ? "%.3f" : ms < 9.995 ? "%.2f" : "%.1f", ms);
    return buffer;
}
