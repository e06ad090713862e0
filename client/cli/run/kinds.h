/* SPDX-License-Identifier: Apache-2.0
 *
 * The kinds of files that models take, as the ends of their names say.
 */
#ifndef CLI_KINDS_H
#define CLI_KINDS_H

#include "client/cli/run/run.h"

enum { ENDINGS_MAX = 10 };

struct kind {
    const char *name, *said;
    const char *endings[ENDINGS_MAX]; /* NULL behind the last; without one, all files are of the kind */
};

/* That of the model. NULL: it does not say what files it takes. */
const struct kind *kinds_of(const struct run *run);

bool kinds_has(const struct kind *kind, const char *name);

/* Whether it is the name of a picture, compressed or not, or of a recording. */
bool kinds_of_media(const char *name);

#endif
