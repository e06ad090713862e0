/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/size.h"
#include "forge/catalog/remote/http.h"
#include "forge/catalog/remote/token.h"

/* Seconds. Slower than a kilobyte a second for twenty of them is as good as nothing; a server may wait ten for its
 * database. */
enum { CONNECT_S = 5, REQUEST_S = 120, SLOW_S = 20, SLOW_BYTES = 1024, ADDRESS_MAX = 1024, PATH_BYTES_MAX = 2048 };
/* All requests of one object together: nobody waits longer for a database. */
#define ALTOGETHER_NS (600 * NS_PER_S)

struct http {
    CURL *curl;
    char address[ADDRESS_MAX]; /* without a slash at its end */
    char error[CURL_ERROR_SIZE];
    bool plain;  /* http */
    bool secure; /* https, or this machine */
    uint64_t began_ns;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool http_is_address(const char *text)
{
    return text && strstr(text, "://");
}

static bool is_this_machine(const char *host)
{
    static const char *const names[] = { "localhost", "127.0.0.1", "::1", "[::1]" };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcasecmp(host, names[i]))
            return true;
    }
    return false;
}

/* By curl's own reader of addresses, so that what is checked is what is used. */
static int check_address(struct http *http, const char *address, struct reason *why)
{
    static const CURLUPart none[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT };
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL;
    int result = 0;

    if (!url)
        return refuse_errno(why, -ENOMEM, "%s", address);
    if (strlen(address) >= sizeof http->address ||
        curl_url_set(url, CURLUPART_URL, address, CURLU_NON_SUPPORT_SCHEME) ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) || curl_url_get(url, CURLUPART_HOST, &host, 0))
        result = refuse(why, WISP_E_INVALID, "%.200s is no address", address);
    if (!result && strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        result = refuse(why, WISP_E_INVALID, "%.200s: a database on a server is at http:// or https://", address);
    for (size_t i = 0; i < ARRAY_SIZE(none) && !result; i++) {
        char *part = NULL;

        if (!curl_url_get(url, none[i], &part, 0))
            result = refuse(why, WISP_E_INVALID,
                            "%.200s: an address of a database has no user, password, query or fragment; a token goes "
                            "into $WISP_TOKEN",
                            address);
        curl_free(part);
    }
    if (!result) {
        http->plain = !strcmp(scheme, "http");
        http->secure = !http->plain || is_this_machine(host);
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(url);
    return result;
}

int http_new(const char *address, struct http **out, struct reason *why)
{
    struct http *http = calloc(1, sizeof *http);
    size_t length;
    int result;

    pthread_once(&once, begin);
    if (http)
        http->began_ns = clock_ns();
    if (!http || !(http->curl = curl_easy_init())) {
        free(http);
        return refuse_errno(why, -ENOMEM, "%s", address);
    }
    result = check_address(http, address, why);
    if (result) {
        http_free(http);
        return result;
    }
    snprintf(http->address, sizeof http->address, "%s", address);
    for (length = strlen(http->address); length && http->address[length - 1] == '/'; length--)
        http->address[length - 1] = 0;
    *out = http;
    return 0;
}

struct http *http_free(struct http *http)
{
    if (http)
        curl_easy_cleanup(http->curl);
    free(http);
    return NULL;
}

const char *http_address(const struct http *http)
{
    return http->address;
}

void http_answer_deinit(struct http_answer *answer)
{
    free(answer->body);
    answer->body = NULL;
}

void http_plain_text(const char *text, size_t size, char *out, size_t room)
{
    size_t used = 0;

    for (size_t i = 0; i < size && used + 1 < room && text[i] != '\n'; i++) {
        if (text[i] >= ' ' && text[i] <= '~')
            out[used++] = text[i];
    }
    out[used] = 0;
}

/* ---- the answer ---- */

struct receiving {
    struct http_answer *answer;
    size_t limit, capacity;
    bool too_long, no_memory;
};

static size_t take_body(char *data, size_t size, size_t count, void *user)
{
    struct receiving *r = user;
    struct http_answer *answer = r->answer;
    size_t more = size * count;

    if (more > r->limit - answer->size) {
        r->too_long = true;
        return 0;
    }
    if (answer->size + more + 1 > r->capacity) {
        size_t capacity = MAX(2 * r->capacity, answer->size + more + 1);
        char *larger = realloc(answer->body, capacity);

        if (!larger) {
            r->no_memory = true;
            return 0;
        }
        answer->body = larger;
        r->capacity = capacity;
    }
    memcpy(answer->body + answer->size, data, more);
    answer->size += more;
    answer->body[answer->size] = 0;
    return more;
}

static size_t take_header(char *data, size_t size, size_t count, void *user)
{
    static const char name[] = "etag:";
    struct receiving *r = user;
    size_t length = size * count, from = sizeof name - 1;

    if (length > from && !strncasecmp(data, name, from)) {
        while (from < length && data[from] == ' ')
            from++;
        while (length > from && (data[length - 1] == '\r' || data[length - 1] == '\n'))
            length--;
        r->answer->etag[0] = 0;
        if (length - from < sizeof r->answer->etag)
            snprintf(r->answer->etag, sizeof r->answer->etag, "%.*s", (int)(length - from), data + from);
    }
    return size * count;
}

static int check(struct http *http, CURLcode code, const struct receiving *r, struct reason *why)
{
    const char *said = http->error[0] ? http->error : curl_easy_strerror(code);
    char *to = NULL;

    if (r->no_memory || code == CURLE_OUT_OF_MEMORY)
        return refuse_errno(why, -ENOMEM, "%s", http->address);
    if (r->too_long)
        return refuse(why, WISP_E_FORMAT, "%s answers with more than %zu bytes", http->address, r->limit);
    switch (code) {
    case CURLE_OK:
        curl_easy_getinfo(http->curl, CURLINFO_REDIRECT_URL, &to);
        if (to) {
            char safe[200];

            http_plain_text(to, strlen(to), safe, sizeof safe);
            return refuse(why, WISP_E_FORMAT, "%s has moved to %s: give that address instead", http->address, safe);
        }
        return 0;
    case CURLE_OPERATION_TIMEDOUT:
        if (r->answer->size)
            return refuse(why, WISP_E_FORMAT, "%s answers too slowly: %s", http->address, said);
        return refuse(why, -EHOSTUNREACH, "%s does not answer: %s", http->address, said);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
        return refuse(why, -EHOSTUNREACH, "cannot reach %s: %s", http->address, said);
    case CURLE_PEER_FAILED_VERIFICATION:
        return refuse(why, WISP_E_FORMAT, "%s is not who it says it is: %s", http->address, said);
    default:
        return refuse(why, WISP_E_FORMAT, "%s does not answer as a structure database does: %s", http->address, said);
    }
}

/* ---- the request ---- */

static struct curl_slist *add(struct curl_slist *list, const char *name, const char *value, bool *failed)
{
    char line[TOKEN_MAX + 64];
    struct curl_slist *longer;

    snprintf(line, sizeof line, "%s: %s", name, value);
    longer = curl_slist_append(list, line);
    *failed |= !longer;
    return longer ? longer : list;
}

static int make_headers(const struct http *http, const struct http_request *request, struct curl_slist **out,
                        struct reason *why)
{
    struct token token = { "" };
    bool failed = false;
    int result = request->changes ? token_read(NULL, &token, why) : 0;

    if (result)
        return result;
    if (token.text[0] && !http->secure)
        return refuse(why, WISP_E_INVALID,
                      "a token is not sent to %s, where everybody on the way could read it: use https", http->address);
    if (token.text[0]) {
        char value[TOKEN_MAX + 16];

        snprintf(value, sizeof value, "Bearer %s", token.text);
        *out = add(*out, "Authorization", value, &failed);
    }
    if (request->etag && *request->etag)
        *out = add(*out, "If-None-Match", request->etag, &failed);
    if (request->body)
        *out = add(*out, "Content-Type", "application/yaml", &failed);
    *out = add(*out, "Expect", "", &failed);
    return failed ? refuse_errno(why, -ENOMEM, "%s", http->address) : 0;
}

static void set_up(struct http *http, const struct http_request *request, const char *url, struct curl_slist *headers,
                   struct receiving *r)
{
    CURL *curl = http->curl;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    /* A proxy would read what is not encrypted, and this machine needs none to reach itself. */
    if (http->plain)
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)REQUEST_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
    curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "wisp");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, r);
    if (request->body) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->size);
    }
    if (request->method)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

int http_ask(struct http *http, const struct http_request *request, struct http_answer *out, struct reason *why)
{
    struct receiving r = { .answer = out, .limit = request->limit };
    struct curl_slist *headers = NULL;
    char url[ADDRESS_MAX + PATH_BYTES_MAX];
    CURLcode code;
    int result;

    *out = (struct http_answer){ .status = 0 };
    if (clock_ns() - http->began_ns > ALTOGETHER_NS)
        return refuse(why, WISP_E_FORMAT, "%s takes too long altogether", http->address);
    if (snprintf(url, sizeof url, "%s%s", http->address, request->path) >= (int)sizeof url)
        return refuse(why, WISP_E_INVALID, "%.200s…: the address is too long", request->path);
    result = make_headers(http, request, &headers, why);
    if (!result) {
        http->error[0] = 0;
        set_up(http, request, url, headers, &r);
        code = curl_easy_perform(http->curl);
        curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &out->status);
        result = check(http, code, &r, why);
    }
    curl_slist_free_all(headers);
    if (!result && !out->body && !(out->body = calloc(1, 1)))
        result = refuse_errno(why, -ENOMEM, "%s", http->address);
    if (result)
        http_answer_deinit(out);
    return result;
}
