/* SPDX-License-Identifier: Apache-2.0
 *
 * What is wrong with a text: a bounded list of sentences with their places, in the order of the text. A validator goes
 * on after a finding, so that one run names everything; past FINDINGS_MAX it only counts.
 */
#ifndef BASE_YAML_FINDINGS_H
#define BASE_YAML_FINDINGS_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

enum { FINDINGS_MAX = 100 };

/* From 1, as editors count; line 0: the whole text. The column counts characters, not bytes. */
struct mark {
    unsigned line, column;
};

struct finding {
    struct mark mark;
    char text[240];
};

struct findings {
    struct finding *list; /* sorted by mark, equal ones in the order they came */
    size_t count;
    size_t dropped;
};

int findings_init(struct findings *findings); /* -ENOMEM */
void findings_deinit(struct findings *findings);

void findings_add(struct findings *findings, struct mark mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One line each, "name:line:column: text", to `out` (may be NULL); the first also to `why`. 0 when there are none,
 * else WISP_E_CONFIG. */
int findings_report(const struct findings *findings, const char *name, FILE *out, struct reason *why);

#endif
