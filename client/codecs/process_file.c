/* SPDX-License-Identifier: Apache-2.0
 *
 * The files between which a call goes. What comes in is opened before anything else, and read when a processor asks:
 * whole, or a window at a time; of a pipe it is kept, for all may begin anew.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>
#include <wisp/private.h>

#include "base/byte_source.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/spool.h"
#include "client/codecs/process.h"

enum {
    FILE_MAX = 512 << 20,    /* as large as a picture of as many pixels as are read is in any format */
    SOURCE_MAX = 0x7effffff, /* with more of them the sizes in a WAV file may be none (media/audio/layout.c) */
};

int process_open(struct process_file *file, const char *path)
{
    file->name = strcmp(path, "-") != 0 ? path : "standard input";
    return file_open(path, &file->fd, wisp_private_last_error());
}

void process_close(struct process_file *file)
{
    if (file->fd >= 0)
        close(steal_fd(&file->fd));
    free(file->bytes);
    file->bytes = NULL;
}

int process_read(struct process_file *file)
{
    if (file->bytes)
        return 0;
    return file_read_fd(file->fd, file->name, FILE_MAX, &file->bytes, &file->length, wisp_private_last_error());
}

int process_source(struct process_file *file, struct byte_source *out)
{
    struct reason *why = wisp_private_last_error();
    struct stat status;
    int kept, result = fstat(file->fd, &status) < 0 ? -errno : 0;

    if (!result && !S_ISREG(status.st_mode)) {
        result = spool(file->fd, file->name, SOURCE_MAX, &kept, why);
        if (result)
            return result;
        close(file->fd);
        file->fd = kept;
    }
    if (!result)
        result = byte_source_of_file(out, file->fd);
    if (result)
        return refuse_errno(why, result, "cannot read %s", file->name);
    file->length = out->length;
    if (out->length <= SOURCE_MAX)
        return 0;
    byte_source_deinit(out);
    return refuse(why, WISP_E_FORMAT, "%s: larger than the %d bytes allowed here", file->name, SOURCE_MAX);
}

int process_put(struct process *process, int fd, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;

    process->made.bytes = length;
    while (length) {
        const ssize_t put = write(fd, from, length);

        if (put < 0 && errno != EINTR)
            return refuse_errno(wisp_private_last_error(), -errno, "cannot write %s", process_out_name(process));
        from += put > 0 ? put : 0;
        length -= put > 0 ? (size_t)put : 0;
    }
    return 0;
}

const char *process_out_name(const struct process *process)
{
    return process->out && strcmp(process->out, "-") != 0 ? process->out : "standard output";
}
