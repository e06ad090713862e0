/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_MODELS_NAMED_USER_H
#define DAEMON_MODELS_NAMED_USER_H

#include <sys/types.h>

/* Of a name of the system, or a number. Any thread; may take as long as a directory service does. -ENOENT. */
int named_user_find(const char *name, uid_t *out);

#endif
