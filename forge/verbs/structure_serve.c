/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp structure serve: this machine's database for others, over HTTP.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/options.h"
#include "base/outcome.h"
#include "forge/catalog/remote_catalog.h"
#include "forge/catalog/structure_server.h"
#include "forge/verbs/structure.h"

#define VERB "structure serve"

struct serve {
    const char *database, *listen, *token, *certificate, *key;
};

/* "127.0.0.1:8787", "[::1]:8787", ":8787": the address without brackets, and the port. */
static bool split_listen(const char *text, char address[static 64], uint64_t *port)
{
    const char *colon = strrchr(text, ':');
    size_t length;

    if (!colon || !parse_count(colon + 1, port) || *port > UINT16_MAX)
        return false;
    length = (size_t)(colon - text);
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    } else if (memchr(text, ':', length)) {
        return false; /* which colon would be the port's? */
    }
    if (length >= 64)
        return false;
    snprintf(address, 64, "%.*s", (int)length, text);
    if (!length)
        snprintf(address, 64, "127.0.0.1");
    return true;
}

static bool is_loopback(const char *address)
{
    return !strncmp(address, "127.", 4) || !strcmp(address, "::1");
}

static int run(const struct server_setup *setup)
{
    struct server *server;
    struct reason why;
    const struct timespec pause = { .tv_sec = 2 };
    sigset_t signals;
    int result;

    if (setup->token.text[0] && !setup->certificate && !is_loopback(setup->address))
        warn_user(VERB, "the token goes through the network in clear; give --tls-cert and --tls-key");
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    result = server_start(setup, &server, &why);
    if (result)
        return fail(VERB, result == WISP_E_INVALID ? EXIT_USAGE : EXIT_FAILED, "%s", why.text);
    printf("serving %s on %s://%s%s%s:%u%s\n", shelf_path(setup->shelf), setup->certificate ? "https" : "http",
           strchr(setup->address, ':') ? "[" : "", setup->address, strchr(setup->address, ':') ? "]" : "",
           server_port(server), setup->token.text[0] ? ", changes with the token" : ", to read only");
    fflush(stdout);
    while (sigtimedwait(&signals, NULL, &pause) < 0)
        server_age(server);
    server_stop(server);
    return EXIT_DONE;
}

static int read_pem(const char *option, const char *path, void **out)
{
    struct reason why;
    size_t size;
    int result = file_read(path, 1 << 20, out, &size, &why);

    return result ? fail(VERB, exit_for_input(result), "--%s: %s", option, why.text) : 0;
}

static int open_and_run(const struct serve *serve)
{
    cleanup_free void *certificate = NULL, *key = NULL;
    struct server_setup setup = { .shelf = NULL };
    char address[64];
    struct reason why;
    uint64_t port;
    int status, result;

    if (!split_listen(serve->listen, address, &port))
        return fail(VERB, EXIT_USAGE, "--listen %s: give ADDRESS:PORT, as 127.0.0.1:8787 or [::1]:8787", serve->listen);
    if (!serve->certificate != !serve->key)
        return fail(VERB, EXIT_USAGE, "--tls-cert and --tls-key belong together");
    if (serve->certificate && ((status = read_pem("tls-cert", serve->certificate, &certificate)) ||
                               (status = read_pem("tls-key", serve->key, &key))))
        return status;
    if (remote_address(serve->database))
        return fail(VERB, EXIT_USAGE, "%s is on a server already; serve a file", remote_address(serve->database));
    setup.address = address;
    setup.port = (uint16_t)port;
    setup.certificate = certificate;
    setup.key = key;
    result = token_read(serve->token, &setup.token, &why);
    if (!result)
        result = shelf_open(serve->database, setup.token.text[0] != 0, &setup.shelf, &why);
    if (result)
        return fail(VERB, exit_for_input(result), "%s", why.text);
    status = run(&setup);
    shelf_close(setup.shelf);
    return status;
}

int structure_serve(int argc, char **argv)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "[--listen ADDRESS:PORT] [--token FILE] [options]",
        .summary =
            "Offers the structure database to others: --db http://ADDRESS:PORT reads it. Changes need the token.\n"
            "Ends on SIGINT or SIGTERM.",
        .examples = "  wisp structure serve --listen 127.0.0.1:8787\n"
                    "  wisp structure list --db http://127.0.0.1:8787\n",
    };
    struct serve serve = { .listen = "127.0.0.1:8787" };
    struct operands none = { .max = 0 };
    struct option_table table = { .count = 0 };
    int status;

    option_text(&table, "listen", 'l', &serve.listen, "ADDRESS:PORT", "127.0.0.1:8787 if absent; port 0: any");
    option_text(&table, "token", 0, &serve.token, "FILE", "the secret for changes; $WISP_TOKEN if absent");
    option_text(&table, "tls-cert", 0, &serve.certificate, "FILE", "certificate, PEM: serve https");
    option_text(&table, "tls-key", 0, &serve.key, "FILE", "its key, PEM");
    option_text(&table, "db", 0, &serve.database, "FILE", "the structure database; $WISP_DB, or your own if absent");
    if (!options_read(&usage, &table, argc, argv, &none, &status))
        return status;
    return open_and_run(&serve);
}
