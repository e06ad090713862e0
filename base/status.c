/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include <wisp/status.h>

#include "base/export.h"

static const struct {
    const char *name;
    const char *text;
} table[WISP_E_MAX] = {
    [WISP_OK] = { "WISP_OK", "success" },
    [WISP_E_INVALID] = { "WISP_E_INVALID", "malformed request" },
    [WISP_E_SHAPE] = { "WISP_E_SHAPE", "tensor of the wrong shape" },
    [WISP_E_NO_MODEL] = { "WISP_E_NO_MODEL", "no such model" },
    [WISP_E_BUSY] = { "WISP_E_BUSY", "busy, try again" },
    [WISP_E_DEADLINE] = { "WISP_E_DEADLINE", "deadline passed" },
    [WISP_E_SHUTDOWN] = { "WISP_E_SHUTDOWN", "the daemon is stopping" },
    [WISP_E_NO_DAEMON] = { "WISP_E_NO_DAEMON", "wispd is not running" },
    [WISP_E_DENIED] = { "WISP_E_DENIED", "permission denied" },
    [WISP_E_VERSION] = { "WISP_E_VERSION", "no common protocol version" },
    [WISP_E_FORMAT] = { "WISP_E_FORMAT", "damaged or unknown file format" },
    [WISP_E_CONFIG] = { "WISP_E_CONFIG", "bad configuration" },
    [WISP_E_CANCELLED] = { "WISP_E_CANCELLED", "cancelled" },
    [WISP_E_NO_SPACE] = { "WISP_E_NO_SPACE", "not enough shared memory" },
    [WISP_E_LOST] = { "WISP_E_LOST", "connection lost" },
    [WISP_E_TIMEOUT] = { "WISP_E_TIMEOUT", "timed out" },
    [WISP_E_NOT_SPARSE] = { "WISP_E_NOT_SPARSE", "not a sparse tensor" },
    [WISP_E_INTERRUPTED] = { "WISP_E_INTERRUPTED", "interrupted" },
    [WISP_E_CHANGED] = { "WISP_E_CHANGED", "another model than was found" },
};

WISP_EXPORT const char *wisp_status_text(int status)
{
    if (status < 0)
        return strerrordesc_np(-status) ? strerrordesc_np(-status) : "unknown system error";
    if (status >= WISP_E_MAX)
        return "unknown condition";
    return table[status].text;
}

WISP_EXPORT const char *wisp_status_name(int status)
{
    if (status < 0)
        return strerrorname_np(-status) ? strerrorname_np(-status) : "E?";
    if (status >= WISP_E_MAX)
        return "WISP_E_?";
    return table[status].name;
}
