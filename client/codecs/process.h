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

struct process_file {
    const char *name;
    void *bytes;
    size_t length;
};

struct process {
    wisp_client *client;
    const wisp_model *model;
    const struct media *media;
    const char *name; /* of the input, for sentences; of several the first's */
    const void *bytes;
    size_t length;
    const struct process_file *files; /* all of them, as many as the description says */
    size_t count;
    const char *out; /* the file's name, whose ending may say the format; NULL: none is wished */
    const struct wisp_process_options *options;
    struct wisp_timings *timings; /* NULL */
};

struct processor {
    /* Whether such models, of such a description, are its. */
    bool (*is_for)(const struct process *process);
    /* Before anything is computed: whether a file of that name can be written. */
    int (*check_name)(const char *name, struct reason *why);
    /* The file that comes out, which the caller frees; the sentence is in wisp_private_last_error(). */
    int (*run)(const struct process *process, void **bytes, size_t *length);
};

extern const struct processor process_coded, process_picture, process_sound;

/* Of a mask, above which a pixel is set. */
float process_threshold(const struct process *process);

/* What else is wished of a mask: it over the picture that it was made of, in a file, and its objects. */
int process_mask(const struct process *process, const struct media_picture *picture, const struct media_picture *mask);

#endif
