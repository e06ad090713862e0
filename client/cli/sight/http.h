/* SPDX-License-Identifier: Apache-2.0
 *
 * One request of HTTP/1 on standard input, one answer on standard output: a program that systemd starts for each
 * connection (Accept=yes, StandardInput=socket). What asks is not trusted: its request is read up to a limit of bytes
 * and of time, and nothing of it is used but its first word.
 */
#ifndef CLI_SIGHT_HTTP_H
#define CLI_SIGHT_HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OTHER };

/* False: what came is no request, not all of it within two seconds, or longer than 4 KiB. */
bool http_read(int fd, enum http_method *method);

/* The answer to it, with a body of `length` bytes. -errno. */
int http_answer(int fd, enum http_method method, const char *type, const char *body, size_t length);

/* Says that there was no request. */
int http_refuse(int fd);

#endif
