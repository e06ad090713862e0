/* SPDX-License-Identifier: Apache-2.0
 *
 * The second half of a description's validator; spec.c has the first, key by key.
 */
#ifndef MEDIA_SPEC_SPEC_FINISH_H
#define MEDIA_SPEC_SPEC_FINISH_H

#include "media/spec/spec.h"

/* Of a description whose keys are read, each for itself. WISP_E_FORMAT; -ENOMEM. */
int spec_finish(struct media *media, struct reason *why);

#endif
