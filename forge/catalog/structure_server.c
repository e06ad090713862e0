/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/json/json_memory.h"
#include "base/options.h"
#include "base/size.h"
#include "forge/catalog/documents/document.h"
#include "forge/catalog/listing.h"
#include "forge/catalog/shelf.h"
#include "forge/catalog/structure_server.h"
#include "forge/plan/lineage.h"

enum { CONNECTIONS = 64, CONNECTIONS_OF_ONE = 16, IDLE_S = 15, LIFE_S = 60, STACK_BYTES = 1 << 20 };

/* A connection that is open; who drips its request, a byte now and then, is never idle, but has no more than LIFE_S. */
struct guest {
    int socket;
    uint64_t since_ns; /* 0: this entry is free */
};

struct server {
    struct MHD_Daemon *daemon;
    struct server_setup setup;
    pthread_mutex_t lock; /* guards guests: they come and go on the daemon's threads, and age on the owner's */
    struct guest guests[CONNECTIONS];
};

/* One request's body, as it comes. */
struct upload {
    char *text;
    size_t size, capacity;
};

/* ---- answers ---- */

/* Takes the text over (from malloc). */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type, char *text,
                              size_t size, const char *etag)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result;

    if (!response) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (etag)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
    if (status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer realm=\"wisp structures\"");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, POST, DELETE");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned status, const char *text)
{
    size_t size = strlen(text) + 2;
    char *line = malloc(size);

    if (!line)
        return MHD_NO;
    snprintf(line, size, "%s\n", text);
    return answer(connection, status, "text/plain; charset=utf-8", line, size - 1, NULL);
}

/* A failure of the store, or of a document. */
static enum MHD_Result say_failure(struct MHD_Connection *connection, int result, const struct reason *why)
{
    if (result < 0) {
        fprintf(stderr, "wisp structure serve: %s\n", why->text);
        return say(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "the server cannot do that now; its log says why");
    }
    if (result == WISP_E_NO_MODEL)
        return say(connection, MHD_HTTP_NOT_FOUND, why->text);
    if (result == WISP_E_BUSY)
        return say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, why->text);
    return say(connection, MHD_HTTP_UNPROCESSABLE_CONTENT, why->text);
}

/* With its ETag, or 304 when the client has the same. Takes the text over. */
static enum MHD_Result answer_tagged(struct MHD_Connection *connection, const char *type, char *text)
{
    const char *have = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
    XXH128_hash_t hash = XXH3_128bits(text, strlen(text));
    char etag[40];

    snprintf(etag, sizeof etag, "\"%016" PRIx64 "%016" PRIx64 "\"", (uint64_t)hash.high64, (uint64_t)hash.low64);
    if (have && strstr(have, etag)) {
        text[0] = 0;
        return answer(connection, MHD_HTTP_NOT_MODIFIED, type, text, 0, etag);
    }
    return answer(connection, MHD_HTTP_OK, type, text, strlen(text), etag);
}

/* ---- reading ---- */

static enum MHD_Result answer_listing(struct server *server, struct MHD_Connection *connection)
{
    const char *depth = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "depth");
    struct store_query query = { .processing = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "type"),
                                 .network = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "network") };
    struct reason why;
    json_t *array;
    char *text;
    int result;

    if (depth && !listing_depths(depth, &query))
        return say(connection, MHD_HTTP_BAD_REQUEST, "depth is a number, or two with a dash");
    result = shelf_list(server->setup.shelf, &query, &array, &why);
    if (result)
        return say_failure(connection, result, &why);
    text = json_to_text(array, JSON_FORM);
    json_decref(array);
    return text ? answer_tagged(connection, "application/json", text) : MHD_NO;
}

static enum MHD_Result answer_document(struct server *server, struct MHD_Connection *connection, const char *name)
{
    struct reason why;
    char *text;
    int result = shelf_document(server->setup.shelf, name, &text, &why);

    if (result)
        return say_failure(connection, result, &why);
    return answer_tagged(connection, "application/yaml", text);
}

/* ---- changing ---- */

static enum MHD_Result add(struct server *server, struct MHD_Connection *connection, const struct upload *upload)
{
    struct reason why = { "" };
    json_t *object;
    json_int_t stored;
    char *text;
    int result = shelf_add(server->setup.shelf, upload->text ? upload->text : "", upload->size, &object, &why);

    if (result)
        return say_failure(connection, result, &why);
    stored = json_integer_value(json_object_get(object, "stored"));
    fprintf(stderr, "wisp structure serve: %" JSON_INTEGER_FORMAT " stored, %" JSON_INTEGER_FORMAT " there already\n",
            stored, json_integer_value(json_object_get(object, "known")));
    text = json_to_text(object, JSON_FORM);
    json_decref(object);
    return text ? answer(connection, stored ? MHD_HTTP_CREATED : MHD_HTTP_OK, "application/json", text, strlen(text),
                         NULL)
                : MHD_NO;
}

/* NAME,NAME…: all or none. */
static enum MHD_Result remove_names(struct server *server, struct MHD_Connection *connection, const char *names)
{
    struct reason why;
    int result = shelf_remove(server->setup.shelf, names, &why);

    if (result)
        return say_failure(connection, result, &why);
    fprintf(stderr, "wisp structure serve: removed %s\n", names);
    return say(connection, MHD_HTTP_OK, "removed");
}

/* Whether this request may change anything; if not, it has been answered. */
static bool may_change(struct server *server, struct MHD_Connection *connection, enum MHD_Result *result)
{
    static const char scheme[] = "Bearer ";
    const char *given = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);

    if (!server->setup.token.text[0]) {
        *result = say(connection, MHD_HTTP_FORBIDDEN, "this server takes no changes: it was started without --token");
        return false;
    }
    if (!given || strncmp(given, scheme, sizeof scheme - 1) != 0 ||
        !token_equal(&server->setup.token, given + sizeof scheme - 1)) {
        *result = say(connection, MHD_HTTP_UNAUTHORIZED, "changes need this server's token, in $WISP_TOKEN");
        return false;
    }
    return true;
}

/* ---- requests ---- */

static bool collect(struct upload *upload, const char *data, size_t size)
{
    if (size > DOCUMENT_BYTES_MAX - upload->size)
        return false;
    if (upload->size + size + 1 > upload->capacity) {
        size_t capacity = MAX(2 * upload->capacity, upload->size + size + 1);
        char *larger = realloc(upload->text, capacity);

        if (!larger)
            return false;
        upload->text = larger;
        upload->capacity = capacity;
    }
    memcpy(upload->text + upload->size, data, size);
    upload->size += size;
    upload->text[upload->size] = 0;
    return true;
}

static enum MHD_Result say_methods(struct MHD_Connection *connection)
{
    return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "there are GET, HEAD, POST and DELETE here");
}

static bool is_known(const char *method)
{
    static const char *const methods[] = { MHD_HTTP_METHOD_GET, MHD_HTTP_METHOD_HEAD, MHD_HTTP_METHOD_POST,
                                           MHD_HTTP_METHOD_DELETE };

    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        if (!strcmp(method, methods[i]))
            return true;
    }
    return false;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Whether what is announced is wanted at all; if not, it has been answered, and the connection ends without reading it.
 * Only who may change something has a document to send: nobody else's takes memory here. */
static bool may_send(struct server *server, struct MHD_Connection *connection, const char *method,
                     enum MHD_Result *result)
{
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    bool chunked = header(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING);
    uint64_t bytes = 0;

    if (!strcmp(method, MHD_HTTP_METHOD_POST) && !may_change(server, connection, result))
        return false;
    if (length && (!parse_count(length, &bytes) || bytes > DOCUMENT_BYTES_MAX)) {
        *result = say(connection, MHD_HTTP_CONTENT_TOO_LARGE, "a document has at most 8 MiB");
        return false;
    }
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0 && (bytes || chunked)) {
        *result = is_known(method) ? say(connection, MHD_HTTP_BAD_REQUEST, "only POST takes a document")
                                   : say_methods(connection);
        return false;
    }
    return true;
}

static enum MHD_Result finish(struct server *server, struct MHD_Connection *connection, const char *path,
                              const char *method, const struct upload *upload)
{
    static const char root[] = "/structures";
    const char *name = path + sizeof root - 1;
    bool reads = !strcmp(method, MHD_HTTP_METHOD_GET) || !strcmp(method, MHD_HTTP_METHOD_HEAD);
    enum MHD_Result result;

    if (!strcmp(path, "/") && reads)
        return say(connection, MHD_HTTP_OK, "a structure database of wisp: GET /structures, GET /structures/NAME");
    if (strncmp(path, root, sizeof root - 1) != 0 || (*name && *name != '/'))
        return say(connection, MHD_HTTP_NOT_FOUND, "there are /structures and /structures/NAME here");
    name += *name == '/';
    if (reads)
        return *name ? answer_document(server, connection, name) : answer_listing(server, connection);
    if (!is_known(method))
        return say_methods(connection);
    if (!may_change(server, connection, &result))
        return result;
    if (*method == 'D')
        return *name ? remove_names(server, connection, name)
                     : say(connection, MHD_HTTP_BAD_REQUEST, "DELETE takes /structures/NAME");
    if (*name)
        return say(connection, MHD_HTTP_BAD_REQUEST, "POST takes /structures; the document says the name");
    return add(server, connection, upload);
}

static enum MHD_Result handle(void *argument, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *data, size_t *size, void **state)
{
    struct server *server = argument;
    struct upload *upload = *state;

    (void)version;
    if (!upload) {
        enum MHD_Result result;

        if (!may_send(server, connection, method, &result))
            return result;
        upload = calloc(1, sizeof *upload);
        *state = upload;
        return upload ? MHD_YES : MHD_NO;
    }
    if (*size) {
        bool kept = collect(upload, data, *size);

        *size = 0;
        return kept ? MHD_YES : MHD_NO;
    }
    return finish(server, connection, path, method, upload);
}

static void end_request(void *argument, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code)
{
    struct upload *upload = *state;

    (void)argument, (void)connection, (void)code;
    if (upload)
        free(upload->text);
    free(upload);
    *state = NULL;
}

/* ---- life ---- */

static void note_guest(void *argument, struct MHD_Connection *connection, void **state,
                       enum MHD_ConnectionNotificationCode code)
{
    struct server *server = argument;
    int socket = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    bool comes = code == MHD_CONNECTION_NOTIFY_STARTED;

    (void)state;
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < ARRAY_SIZE(server->guests); i++) {
        struct guest *guest = &server->guests[i];

        if (comes ? !guest->since_ns : guest->since_ns && guest->socket == socket) {
            *guest = comes ? (struct guest){ socket, clock_ns() } : (struct guest){ .since_ns = 0 };
            break;
        }
    }
    pthread_mutex_unlock(&server->lock);
}

void server_age(struct server *server)
{
    uint64_t now_ns = clock_ns();

    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < ARRAY_SIZE(server->guests); i++) {
        if (server->guests[i].since_ns && now_ns - server->guests[i].since_ns > LIFE_S * NS_PER_S)
            shutdown(server->guests[i].socket, SHUT_RDWR);
    }
    pthread_mutex_unlock(&server->lock);
}

static int make_address(const struct server_setup *setup, struct sockaddr_storage *out, bool *six, struct reason *why)
{
    struct sockaddr_in *four = (struct sockaddr_in *)out;
    struct sockaddr_in6 *sixteen = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof *out);
    *six = strchr(setup->address, ':') != NULL;
    if (*six) {
        sixteen->sin6_family = AF_INET6;
        sixteen->sin6_port = htons(setup->port);
        if (inet_pton(AF_INET6, setup->address, &sixteen->sin6_addr) == 1)
            return 0;
    } else {
        four->sin_family = AF_INET;
        four->sin_port = htons(setup->port);
        if (inet_pton(AF_INET, setup->address, &four->sin_addr) == 1)
            return 0;
    }
    return refuse(why, WISP_E_INVALID, "%s is no address; give one as 127.0.0.1 or ::1", setup->address);
}

int server_start(const struct server_setup *setup, struct server **out, struct reason *why)
{
    struct server *server = calloc(1, sizeof *server);
    struct sockaddr_storage address;
    bool six = false;
    /* A thread for each, so that nobody waits while the document of another is checked. */
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_AUTO;
    struct MHD_OptionItem tls[3] = { { MHD_OPTION_END, 0, NULL } };
    int result = server ? make_address(setup, &address, &six, why) : refuse_errno(why, -ENOMEM, "serve");

    if (result) {
        free(server);
        return result;
    }
    server->setup = *setup;
    pthread_mutex_init(&server->lock, NULL);
    if (setup->certificate) {
        flags |= MHD_USE_TLS;
        tls[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)setup->certificate };
        tls[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)setup->key };
        tls[2] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    }
    errno = 0;
    server->daemon = MHD_start_daemon(
        flags | (six ? MHD_USE_IPv6 : 0), setup->port, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_NOTIFY_COMPLETED, end_request, NULL, MHD_OPTION_NOTIFY_CONNECTION, note_guest, server,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_OF_ONE, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_THREAD_STACK_SIZE,
        (size_t)STACK_BYTES, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
    if (!server->daemon) {
        result = errno ? -errno : -EIO;
        free(server);
        return refuse_errno(why, result, "cannot listen on %s port %u", setup->address, setup->port);
    }
    *out = server;
    return 0;
}

uint16_t server_port(const struct server *server)
{
    return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

struct server *server_stop(struct server *server)
{
    if (server)
        MHD_stop_daemon(server->daemon);
    free(server);
    return NULL;
}
