/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel says of a file, so that one that stays as it is need not be read again to know that.
 *
 * Whoever writes to a file moves its time of change, which no program can set. But it moves by ticks of a clock: two
 * writes within one look alike. So a stamp that is taken less than a second after the file changed proves nothing.
 */
#ifndef DAEMON_MODELS_STAMP_H
#define DAEMON_MODELS_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
    bool settled; /* it had not changed for a second */
};

/* Of a file that cannot be looked at: one that is not settled. */
struct file_stamp file_stamp_take(const char *path);

/* Whether a file with the second stamp has the bytes that it had with the first. */
bool file_stamp_proves(const struct file_stamp *before, const struct file_stamp *now);

#endif
