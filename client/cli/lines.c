/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/lines.h"

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

/* One line, however long. False at the end of the input. */
static bool read_line(struct lines *lines)
{
    int c;

    lines->length = 0;
    lines->too_long = false;
    while ((c = getc_unlocked(lines->file)) != EOF && c != '\n') {
        if (lines->length < LINE_MAX_BYTES)
            lines->text[lines->length++] = (char)c;
        else
            lines->too_long = true;
    }
    if (lines->length && lines->text[lines->length - 1] == '\r')
        lines->length--;
    lines->text[lines->length] = '\0';
    lines->number++;
    return c != EOF || lines->length;
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
