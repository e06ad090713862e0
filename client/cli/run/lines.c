/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/insist.h"
#include "client/cli/run/lines.h"

static int open_file(struct lines *lines, const char *path, struct reason *why)
{
    struct stat status;

    lines->file = strcmp(path, "-") != 0 ? fopen(path, "re") : stdin;
    if (!lines->file)
        return refuse_errno(why, -errno, "cannot open %s", path);
    lines->text = malloc(LINE_MAX_BYTES + 1);
    if (!lines->text)
        return refuse_errno(why, -ENOMEM, "%s", path);
    if (!fstat(fileno(lines->file), &status) && S_ISDIR(status.st_mode))
        return refuse(why, WISP_E_FORMAT, "%s is a folder: name its files", path);
    return 0;
}

int lines_open(struct lines *lines, const char *path, struct reason *why)
{
    int result;

    *lines = (struct lines){ .file = NULL };
    result = open_file(lines, path, why);
    if (result)
        lines_close(lines);
    return result;
}

/* False at the end of the input. What does not fit is read over. */
static bool take_bytes(struct lines *lines)
{
    int c;

    insist(lines->file && lines->text);
    lines->length = 0;
    lines->wrong = NULL;
    while ((c = getc_unlocked(lines->file)) != EOF && c != '\n') {
        if (lines->length < LINE_MAX_BYTES)
            lines->text[lines->length++] = (char)c;
        else
            lines->wrong = "the line has more than 1 MiB";
    }
    lines->number++;
    return c != EOF || lines->length;
}

/* The mark that some programs put before UTF-8. */
static void take_mark_off(struct lines *lines)
{
    static const char mark[] = { '\xef', '\xbb', '\xbf' };

    if (lines->length < sizeof mark || memcmp(lines->text, mark, sizeof mark) != 0)
        return;
    lines->length -= sizeof mark;
    memmove(lines->text, lines->text + sizeof mark, lines->length);
}

/* A line of UTF-16 ends elsewhere than at a byte '\n', so none of them is what it seems. */
static bool is_no_text(const struct lines *lines)
{
    bool marked = lines->number == 1 && lines->length >= 2 &&
                  (!memcmp(lines->text, "\xff\xfe", 2) || !memcmp(lines->text, "\xfe\xff", 2));

    return marked || memchr(lines->text, 0, lines->length);
}

static bool read_line(struct lines *lines)
{
    bool there = take_bytes(lines);

    if (lines->number == 1)
        take_mark_off(lines);
    if (lines->length && lines->text[lines->length - 1] == '\r')
        lines->length--;
    insist(lines->length <= LINE_MAX_BYTES, "%zu", lines->length);
    lines->text[lines->length] = '\0';
    if (is_no_text(lines))
        lines->wrong = "no text, or UTF-16; iconv -f UTF-16 -t UTF-8 makes that readable";
    return there;
}

int lines_next(struct lines *lines)
{
    errno = 0;
    while (read_line(lines)) {
        if (strspn(lines->text, " \t") < lines->length)
            return 0;
    }
    return ferror(lines->file) ? -(errno ? errno : EIO) : -ENODATA;
}

void lines_close(struct lines *lines)
{
    if (lines->file && lines->file != stdin)
        fclose(lines->file);
    free(lines->text);
    *lines = (struct lines){ .file = NULL };
}
