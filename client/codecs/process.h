/* SPDX-License-Identifier: Apache-2.0
 *
 * From a file to a file: what each kind of answer does between them. process.c has the list, and reads and writes.
 */
#ifndef CODECS_PROCESS_H
#define CODECS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include <wisp/media.h>

#include "base/error.h"

struct media;
struct media_picture;

struct byte_source;

struct process_file {
    const char *name;
    int fd;
    void *bytes; /* once it has been read whole */
    size_t length;
};

struct process {
    wisp_client *client;
    const wisp_model *model;
    const struct media *media;
    struct process_file *files; /* as many as the description says */
    size_t count;
    const char *out; /* the file's name, whose ending may say the format; NULL: none is wished */
    const struct wisp_process_options *options;
    struct wisp_timings *timings;  /* NULL */
    bool begun;                    /* something has been written that cannot be taken back */
    struct wisp_extent read, made; /* what a processor found and made; bytes are counted as they go */
};

struct processor {
    /* Whether such models, of such a description, are its. */
    bool (*is_for)(const struct process *process);
    /* Before anything is computed: whether a file of that name can be written. */
    int (*check_name)(const char *name, struct reason *why);
    /* Writes the file that comes out to `fd`, an empty file or standard output; -1: none is wished. The sentence is in
     * wisp_private_last_error(). */
    int (*run)(struct process *process, int fd);
};

extern const struct processor process_coded, process_picture, process_sound;

/* "-" is standard input. WISP_E_FORMAT, -errno. */
int process_open(struct process_file *file, const char *path);
void process_close(struct process_file *file);

/* All of it, at `bytes`; or where it can be read a window at a time, which the caller deinits. WISP_E_FORMAT, -errno.
 */
int process_read(struct process_file *file);
int process_source(struct process_file *file, struct byte_source *out);

/* To `fd`, of a processor that makes a file in one. -errno. */
int process_put(struct process *process, int fd, const void *bytes, size_t length);
const char *process_out_name(const struct process *process); /* for sentences */

/* Of a mask, above which a pixel is set. */
float process_threshold(const struct process *process);

/* What else is wished of a mask: it over the picture that it was made of, in a file, and its objects. */
int process_mask(const struct process *process, const struct media_picture *picture, const struct media_picture *mask);

#endif
