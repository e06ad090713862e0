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

struct process {
    wisp_client *client;
    const wisp_model *model;
    const struct media *media;
    const char *name; /* of the input, for sentences */
    const void *bytes;
    size_t length;
    const char *out; /* the file's name, whose ending may say the format */
    const struct wisp_process_options *options;
    struct wisp_timings *timings; /* NULL */
};

struct processor {
    /* Whether models of that description are its. */
    bool (*is_for)(const struct media *media);
    /* Before anything is computed: whether a file of that name can be written. */
    int (*check_name)(const char *name, struct reason *why);
    /* The file that comes out, which the caller frees; the sentence is in wisp_private_last_error(). */
    int (*run)(const struct process *process, void **bytes, size_t *length);
};

extern const struct processor process_picture, process_sound;

#endif
