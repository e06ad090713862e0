/* SPDX-License-Identifier: Apache-2.0
 *
 * The schema as a table: a field is one key, its kind, its bounds, and its place in the struct that its section fills
 * in. Reading (read.c) and printing (print.c) are two walks over the same table.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/name.h"
#include "base/yaml/findings.h"
#include "base/yaml/tree.h"
#include "config/config.h"
#include "config/value.h"

enum {
    CONFIG_NAME_MAX = NAME_BYTES_MAX - 1, /* bytes of a model's name */
    CONFIG_SOCKET_MAX = 107,              /* bytes of a socket's path; sun_path less one */
};

enum form { FORM_NUMBER, FORM_CHOICE, FORM_WORD, FORM_TEXT, FORM_SECTION, FORM_MODELS };

struct kind {
    enum form form;
    const char *what; /* "a size such as 4MiB", for messages */
    size_t width;     /* of a number: bytes in the struct */
    bool plain;       /* of a number: quotes would make it a text */
    bool (*parse)(const char *text, uint64_t *out);
    void (*format)(uint64_t value, char out[VALUE_TEXT_MAX]);
    const char *automatic; /* of a number: the word for UINT64_MAX, where there is one */
    /* Of a text: NULL when it is fine, else what is wrong with it. */
    const char *(*check)(const char *text);
    bool in_folder; /* of a text: a path that, when relative, begins at the configuration's folder */
};

struct choice {
    const char *name;
    int value;
};

struct field {
    const char *key; /* NULL ends a table */
    const struct kind *kind;
    size_t offset;
    uint64_t min, max;            /* of a number */
    bool power;                   /* of a number: only powers of two */
    bool needed;                  /* its section is wrong without it */
    bool live;                    /* a configuration that is read again can change it; so of `models`, with all below */
    const struct choice *choices; /* of a choice or word; the end has no name */
    const struct field *fields;   /* of a section, or of each of the models */
};

/* The whole file, into struct config; and each of `models`, into struct config_model. */
extern const struct field config_fields[];

/* Fills in `config` from the tree; what is wrong goes to `findings`. `folder` ends in '/' or is "". -ENOMEM. */
int schema_read(const struct node *root, const char *folder, struct config *config, struct findings *findings);

#endif
