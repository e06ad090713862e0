/* SPDX-License-Identifier: Apache-2.0
 *
 * A structure database offered over HTTP. Each connection has a thread of libmicrohttpd's; they share a shelf
 * (shelf.h).
 *
 *   GET /structures[?type=T&network=N&depth=D]  200, the listing (forge/catalog/listing.h); 304 when the ETag is the
 * same GET /structures/NAME                         200, the canonical document; 404 POST /structures 201 stored, 200
 * all was there; 422, and nothing is stored stored DELETE /structures/NAME[,NAME…]              200; 404, and nothing
 * is removed
 *
 * HEAD is answered as GET without a body. Changes need the token: 403 without one here, 401 without the right one
 * there. A body that is no answer is one line of text that says what is wrong.
 */
#ifndef FORGE_CATALOG_STRUCTURE_SERVER_H
#define FORGE_CATALOG_STRUCTURE_SERVER_H

#include "base/error.h"
#include "forge/catalog/remote/token.h"
#include "forge/catalog/shelf.h"

struct server_setup {
    struct shelf *shelf;
    const char *address; /* "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t port;       /* 0: any that is free */
    struct token token;
    const char *certificate, *key; /* PEM texts; NULL: no TLS */
};

struct server;

/* -EADDRINUSE and the like; WISP_E_INVALID when the address is none or TLS cannot be had. */
int server_start(const struct server_setup *setup, struct server **out, struct reason *why);
uint16_t server_port(const struct server *server);
/* To be called every few seconds: ends connections that have been open for a minute. */
void server_age(struct server *server);
/* Ends after the requests at hand. Accepts NULL; returns NULL. */
struct server *server_stop(struct server *server);

#endif
