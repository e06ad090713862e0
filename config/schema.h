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

enum form { FORM_NUMBER, FORM_CHOICE, FORM_WORD, FORM_TEXT, FORM_SECTION, FORM_LIST };

/* A list of sections, each into a struct of an array of malloc. */
struct list {
    const char *item;     /* what one of them is, for messages: "a section with the model's path" */
    size_t count, line;   /* where the config has how many there are, and one of them where it stands */
    size_t size, max;     /* of one; how many at most */
    void (*init)(void *); /* one with its defaults */
    /* What is wrong with them together. */
    void (*check)(const struct config *config, const struct node *list, struct findings *findings);
};

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
    bool numbers;   /* of a text: it may be a number, without quotes */
    const struct list *list;
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
    bool live;                    /* a configuration that is read again can change it; so of a list, with all below */
    const struct choice *choices; /* of a choice or word; the end has no name */
    const struct field *fields;   /* of a section, or of each of a list */
};

/* The whole file, into struct config. */
extern const struct field config_fields[];

/* Two of them that could not be told apart (twins.c). */
void twins_of_models(const struct config *config, const struct node *list, struct findings *findings);
void twins_of_users(const struct config *config, const struct node *list, struct findings *findings);

/* Fills in `config` from the tree; what is wrong goes to `findings`. `folder` ends in '/' or is "". -ENOMEM. */
int schema_read(const struct node *root, const char *folder, struct config *config, struct findings *findings);

#endif
