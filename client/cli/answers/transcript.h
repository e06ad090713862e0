/* SPDX-License-Identifier: Apache-2.0
 *
 * What a model has written down, of which the labels are units of a transcript and, the first, "<blank>": it gives a
 * score for each at every position. Said is, position by position, the label with the largest score; what follows
 * itself is said once, and blanks are left out (Graves et al. 2006). Labels of several characters are words; of
 * characters U+2581 is the space between them.
 */
#ifndef CLI_TRANSCRIPT_H
#define CLI_TRANSCRIPT_H

#include <stdbool.h>

#include <wisp/wisp.h>

/* Whether that is what the model's only output is. */
bool transcript_is_given(const wisp_model *model);

/* Of one sample, as it was sent and answered. Of a recording's frames [bands][frames], those that are silent to the end
 * are behind it: what is said there, nobody has said. To be freed; NULL: out of memory. */
char *transcript_of(const wisp_model *model, const float *input, const float *output);

#endif
