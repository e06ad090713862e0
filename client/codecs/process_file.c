/* SPDX-License-Identifier: Apache-2.0
 *
 * The files between which a call goes. What comes in is opened before anything else, and read when a processor asks:
 * and kept, for all may begin anew.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "client/codecs/process.h"

enum { FILE_MAX = 512 << 20 }; /* as large as a picture of as many pixels as are read is in any format */

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

int process_put(const struct process *process, int fd, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;

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
