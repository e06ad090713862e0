/* SPDX-License-Identifier: Apache-2.0 */
#include <wisp/wisp.h>

#include "base/export.h"
#include "client/last_error.h"

static _Thread_local struct reason sentence;

struct reason *last_error(void)
{
    return &sentence;
}

WISP_EXPORT const char *wisp_last_error(void)
{
    return sentence.text;
}
