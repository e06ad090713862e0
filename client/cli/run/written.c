/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/insist.h"
#include "client/cli/run/written.h"

int written_open(struct run *run, const struct input *input, struct reason *why)
{
    struct written *written = &run->written;

    insist(run->writes && !written->file && !written->name); /* one at a time */
    *written = (struct written){ .name = outputs_name(run, input) };
    written->file = written->name ? open_memstream(&written->bytes, &written->length) : NULL;
    return written->file ? 0 : refuse_errno(why, -ENOMEM, "%s", input->name);
}

static int put(const struct written *written, struct reason *why)
{
    const struct file_part part = { written->bytes, written->length };

    insist(written->name && written->bytes);
    if (strcmp(written->name, "-") != 0)
        return file_write(written->name, &part, 1, why);
    fwrite(written->bytes, 1, written->length, stdout);
    return 0; /* main() looks whether it went out */
}

int written_close(struct run *run, bool keep, struct reason *why)
{
    struct written *written = &run->written;
    int result = written->file && (ferror(written->file) | fclose(written->file) || !written->bytes) ? -ENOMEM : 0;

    if (result)
        refuse_errno(why, result, "%s", written->name);
    else if (written->file && keep)
        result = put(written, why);
    free(written->bytes);
    free(written->name);
    *written = (struct written){ .name = NULL };
    return result;
}

/* A tab, or the end of a line, would make two cells, or rows, of one. */
static void put_cell(FILE *file, const char *text)
{
    for (; *text; text++)
        fputc(strchr("\t\n\r", *text) ? ' ' : *text, file);
}

void written_row(struct run *run, size_t count, const char *const *cells)
{
    struct written *written = &run->written;

    insist(written->file && count > 0);
    if (written->rows++)
        fputc(run->lines ? '\t' : '\n', written->file);
    for (size_t i = 0; i < count; i++) {
        if (i)
            fputc('\t', written->file);
        put_cell(written->file, cells[i]);
    }
}

void written_keep_step(struct run *run, uint64_t line)
{
    for (; run->written.lines + 1 < line; run->written.lines++)
        fputc('\n', run->written.file);
}

void written_begin(struct run *run, const struct input *input)
{
    written_keep_step(run, input->line);
    insist(!input->line || run->written.lines + 1 == input->line, "%llu before line %llu",
           (unsigned long long)run->written.lines, (unsigned long long)input->line);
    run->written.rows = 0;
}

void written_end(struct run *run)
{
    fputc('\n', run->written.file);
    run->written.lines++;
}
