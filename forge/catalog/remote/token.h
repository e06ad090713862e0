/* SPDX-License-Identifier: Apache-2.0
 *
 * The secret that lets somebody change a database on a server: from a file that nobody else can read, or from the
 * environment; never from the command line, which everybody can see.
 */
#ifndef FORGE_CATALOG_REMOTE_TOKEN_H
#define FORGE_CATALOG_REMOTE_TOKEN_H

#include <stdbool.h>

#include "base/error.h"

enum { TOKEN_MIN = 16, TOKEN_MAX = 256 };

struct token {
    char text[TOKEN_MAX + 1]; /* "": none */
};

/* `path`, or the file of $WISP_TOKEN_FILE, or $WISP_TOKEN; none of them: an empty token, and 0. WISP_E_INVALID when it
 * is too short, too long, not of printable ASCII, or the file's mode lets others read it. */
int token_read(const char *path, struct token *out, struct reason *why);

/* In a time that says nothing of where they differ. False when either is empty. */
bool token_equal(const struct token *token, const char *text);

#endif
