/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to a server that is not trusted: it may be slow, endless, or lie. Every answer has a limit in bytes and in
 * time; redirects are not followed (the reason says where to); certificates are verified; http and https only.
 *
 * One connection is kept for all requests of an object. Used by one thread.
 */
#ifndef FORGE_CATALOG_REMOTE_HTTP_H
#define FORGE_CATALOG_REMOTE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct http;

struct http_answer {
    long status; /* 200, 304, … */
    char *body;  /* with a zero after it; freed by http_answer_deinit() */
    size_t size;
    char etag[128]; /* "" when there is none, or a longer one */
};

struct http_request {
    const char *method; /* NULL: GET */
    const char *path;   /* after the object's address: "/structures" */
    const char *etag;   /* for If-None-Match; NULL or "": none */
    const char *body;   /* NULL: none */
    size_t size;
    size_t limit; /* bytes of the answer */
    bool changes; /* the token goes with it */
};

/* The first line of what a server said, for people: printable ASCII only, because a terminal acts on the rest. */
void http_plain_text(const char *text, size_t size, char *out, size_t room);

/* Whether a database's name is an address, of whatever kind. */
bool http_is_address(const char *text);

/* `address` is http://… or https://…, without user, query or fragment. WISP_E_INVALID; -ENOMEM. */
int http_new(const char *address, struct http **out, struct reason *why);
struct http *http_free(struct http *http); /* accepts NULL; returns NULL */
const char *http_address(const struct http *http);

/* 0 for any status that the server answers; -EHOSTUNREACH when it cannot be reached; WISP_E_FORMAT when its answer is
 * too long, too slow or cut off; WISP_E_INVALID or an errno when the token cannot be had or must not be sent. */
int http_ask(struct http *http, const struct http_request *request, struct http_answer *out, struct reason *why);
void http_answer_deinit(struct http_answer *answer); /* idempotent */

#endif
