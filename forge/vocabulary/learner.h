/* SPDX-License-Identifier: Apache-2.0
 *
 * Learns a vocabulary (media/spec/vocabulary.h) of texts: again and again the string that would be put together most
 * often becomes a piece, and is put together. Strings are characters of more than one byte, and two neighbouring parts
 * of a chunk. Of strings that occur equally often the first by its bytes is taken, and nothing is drawn: the same texts
 * give the same vocabulary everywhere. One thread.
 */
#ifndef FORGE_VOCABULARY_LEARNER_H
#define FORGE_VOCABULARY_LEARNER_H

#include <stddef.h>

#include "media/spec/vocabulary.h"

#define LEARNER_TEXT_MAX (64u << 20) /* bytes that count; what comes after them says little more */

struct learner;

struct learner *learner_new(void);                     /* NULL: out of memory */
struct learner *learner_free(struct learner *learner); /* accepts NULL; returns NULL */

/* Valid UTF-8. -ENOMEM, -EOVERFLOW. */
int learner_add(struct learner *learner, const char *text, size_t length);

/* Once, after the last text: so many pieces, or as many as there are strings that occur twice. -ENOMEM. */
int learner_finish(struct learner *learner, size_t pieces, struct vocabulary **out);

#endif
