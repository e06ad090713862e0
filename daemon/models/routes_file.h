/* SPDX-License-Identifier: Apache-2.0
 *
 * Routes in a memfd, for the daemon that comes: a client that another daemon leaves to it goes on using the numbers
 * that it was given, and each is to lead to the same model or nowhere.
 */
#ifndef DAEMON_MODELS_ROUTES_FILE_H
#define DAEMON_MODELS_ROUTES_FILE_H

#include <stddef.h>

#include "base/error.h"
#include "daemon/models/routes.h"

/* A sealed memfd of them; -errno. */
int routes_write(const struct routes *routes);

/* The other way: routes that lead nowhere yet, to make others from (routes_make()). WISP_E_INVALID, and says why;
 * -errno. */
int routes_read(struct routes *out, int fd, struct reason *why);

/* The one check of what stands in such a file, of a private copy. As routes_read(). */
int routes_parse(struct routes *out, const void *bytes, size_t size, struct reason *why);

#endif
