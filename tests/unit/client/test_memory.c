/* SPDX-License-Identifier: Apache-2.0
 *
 * Every allocation of libwisp fails once, over a whole course with a real daemon: connect, find, request, answer, list,
 * event loop, close. Each time there is one clear error and nothing left over; then, with memory again, it works. And
 * what is to need no memory is done while all fail.
 */
#include "support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "served.h"
#include "support/resources.h"

/* Allocations of this program, and so of the library that is linked into it, still to succeed; negative: all do. */
static long left = -1;

static bool fails(void)
{
    if (left < 0)
        return false;
    return left-- == 0;
}

/* ld --wrap: the library's calls come here. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(old, count, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t length)
{
    return fails() ? NULL : __real_strndup(text, length);
}

/* With malloc() failing somewhere: 0, or the error that came of it. Frees all that it got. */
static int course(void)
{
    const struct wisp_options options = { .size = sizeof options, .socket_path = served.socket };
    wisp_client *client = NULL;
    wisp_model *model = NULL;
    wisp_request *requests[40] = { NULL }; /* enough for the arena's list to grow */
    char *json = NULL;
    int result = wisp_connect(&client, &options);

    if (!result)
        result = wisp_find(client, "image", &model);
    for (int i = 0; i < 40 && !result; i++)
        result = wisp_request_new(client, model, 1, &requests[i]);
    if (!result)
        result = wisp_submit(requests[0]);
    if (!result)
        result = wisp_wait(requests[0], PATIENCE_MS);
    if (!result)
        result = wisp_ping(client, PATIENCE_MS, NULL);
    if (!result)
        result = wisp_list(client, &json);
    if (!result)
        result = wisp_arm(client);
    for (int i = 0; i < 40; i++)
        wisp_request_free(requests[i]);
    free(json);
    wisp_model_free(model);
    wisp_close(client);
    return result;
}

static void test_every_allocation_fails_once(void **state)
{
    unsigned fds = resources_fds(), maps = resources_maps("memfd:");
    int result = -ENOMEM;
    long at;

    (void)state;
    for (at = 0; result; at++) {
        left = at;
        result = course();
        if (result)
            assert_int_equal(left, -1); /* it was that one */
        left = -1;
        if (result && result != -ENOMEM)
            fail_msg("allocation %ld: %d, %s", at, result, wisp_last_error());
        if (result)
            assert_says("emory");
        assert_int_equal(resources_fds(), fds);
        assert_int_equal(resources_maps("memfd:"), maps);
    }
    assert_true(at > 60);
    assert_int_equal(course(), 0);
}

/* While every allocation fails: whoever has sent a request, and a ping, once, needs no memory for the next. */
static void test_requests_and_pings_allocate_nothing(void **state)
{
    const struct wisp_options options = { .size = sizeof options, .socket_path = served.socket };
    wisp_client *client = NULL;
    wisp_model *model = NULL;
    wisp_request *request = NULL;

    (void)state;
    assert_int_equal(wisp_connect(&client, &options), 0);
    assert_int_equal(wisp_find(client, "image", &model), 0);
    assert_int_equal(wisp_request_new(client, model, 1, &request), 0);
    assert_int_equal(wisp_ping(client, PATIENCE_MS, NULL), 0);
    left = 0;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(wisp_ping(client, PATIENCE_MS, NULL), 0);
        assert_int_equal(wisp_submit(request), 0);
        assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    }
    assert_int_equal(left, 0); /* nobody asked */
    left = -1;
    wisp_request_free(request);
    wisp_model_free(model);
    wisp_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_fails_once),
        cmocka_unit_test(test_requests_and_pings_allocate_nothing),
    };

    return cmocka_run_group_tests(tests, served_begin, served_end);
}
