/* SPDX-License-Identifier: Apache-2.0 */
#include <wisp/wisp.h>

#include "base/export.h"

WISP_EXPORT const char *wisp_version(void)
{
    return WISP_VERSION;
}
