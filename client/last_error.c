/* SPDX-License-Identifier: Apache-2.0 */
#include <wisp/private.h>

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

WISP_EXPORT struct reason *wisp_private_last_error(void)
{
    return &sentence;
}
