/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "forge/outcome.h"

int fail(const char *verb, enum exit_status status, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "wisp %s: ", verb);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

void warn_user(const char *verb, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "wisp %s: warning: ", verb);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

enum exit_status exit_for_input(int result)
{
    switch (result) {
    case 0:
        return EXIT_DONE;
    case -EACCES:
    case -EPERM:
    case WISP_E_DENIED:
        return EXIT_DENIED;
    case WISP_E_INVALID:
        return EXIT_USAGE;
    case -ENOENT:
    case -ENOTDIR:
    case -EISDIR:
    case -ELOOP:
    case -ENAMETOOLONG:
    case WISP_E_FORMAT:
    case WISP_E_SHAPE:
    case WISP_E_NO_MODEL:
        return EXIT_DATA;
    case WISP_E_INTERRUPTED:
        return EXIT_INTERRUPTED;
    default:
        return EXIT_FAILED;
    }
}

enum exit_status exit_for_output(int result)
{
    switch (result) {
    case 0:
        return EXIT_DONE;
    case -EACCES:
    case -EPERM:
        return EXIT_DENIED;
    default:
        return EXIT_FAILED;
    }
}
