/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/models/named_user.h"

enum { ENTRY_BYTES = 4096, DIGITS_MAX = 10 };

static int from_digits(const char *name, uid_t *out)
{
    const unsigned long long number = strtoull(name, NULL, 10);

    *out = (uid_t)number;
    return strlen(name) <= DIGITS_MAX && number < (uid_t)-1 ? 0 : -ENOENT; /* the last is nobody's */
}

int named_user_find(const char *name, uid_t *out)
{
    char buffer[ENTRY_BYTES];
    struct passwd entry, *found = NULL;

    if (!name[strspn(name, "0123456789")])
        return from_digits(name, out);
    if (getpwnam_r(name, &entry, buffer, sizeof buffer, &found) || !found)
        return -ENOENT;
    *out = found->pw_uid;
    return 0;
}
