/* SPDX-License-Identifier: Apache-2.0
 *
 * YAML as a small tree: texts, sections (maps) and lists, each with its place. The part of YAML that a configuration
 * needs, and no more: one document; no aliases, anchors, tags or directives; keys are words; no control characters;
 * bounded depth and size. tree.c alone knows libyaml.
 */
#ifndef BASE_YAML_TREE_H
#define BASE_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/yaml/findings.h"

enum { TREE_DEPTH_MAX = 12, TREE_NODES_MAX = 65536 };

enum node_kind {
    NODE_TEXT,
    NODE_SECTION,
    NODE_LIST,
    NODE_REFUSED, /* something stood here that is already a finding; not to be checked again */
};

struct node {
    enum node_kind kind;
    struct mark mark;
    bool plain;           /* a text written without quotes */
    char *text;           /* of a text; no control characters, UTF-8 */
    char *key;            /* of a child of a section; NULL when it is a finding already */
    struct mark key_mark; /* where the key stands */
    struct node *first;   /* child of a section or list */
    struct node *next;    /* sibling */
};

/* What is wrong with the YAML goes to `findings`. *root is the whole tree, or NULL when the text is empty or so wrong
 * that judging a part of it would mislead. -ENOMEM. */
int tree_parse(const char *text, size_t length, struct node **root, struct findings *findings);

/* The same for a text of any length that may be a list under one key: when `list->key` is the first key of the root and
 * a list stands there, `list->visit` borrows each of its items as soon as it is read, and then it is gone;
 * TREE_NODES_MAX holds for each item, and the list in *root is empty. list->streamed tells. What visit returns ends the
 * pass if it is not 0, and is returned. */
struct tree_list {
    const char *key;
    int (*visit)(void *argument, const struct node *item);
    void *argument;
    bool streamed;
};
int tree_parse_list(const char *text, size_t length, struct tree_list *list, struct node **root,
                    struct findings *findings);
struct node *tree_free(struct node *node); /* accepts NULL; returns NULL */

/* An empty value: "key:", "key: ~" or "key: null". */
bool node_is_empty(const struct node *node);

#endif
