/* SPDX-License-Identifier: Apache-2.0
 *
 * The sentence of the last error, one for each thread.
 */
#include "client/client.h"

static _Thread_local struct reason sentence;

struct reason *last_error(void)
{
    return &sentence;
}

WISP_EXPORT const char *wisp_last_error(void)
{
    return sentence.text;
}
