/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting when memory runs out: every allocation of the start fails once, and each time the daemon says no, leaves
 * nothing, and can be started again.
 */
#include "support/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/control/wispd.h"
#include "support/model.h"
#include "support/resources.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

static long until_failure = -1; /* allocations that still succeed; negative: all */

static bool fails(void)
{
    if (until_failure < 0)
        return false;
    if (until_failure == 0) {
        until_failure = -1; /* once */
        errno = ENOMEM;
        return true;
    }
    until_failure--;
    return false;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

static void each_allocation_may_fail(void **state)
{
    static const struct model_recipe recipe = {
        .name = "small", .processing = "image.classification", .sizes = { 20, 30, 5 }, .density = 0.4, .seed = 1
    };
    const char *folder = scratch_make();
    struct config config;
    unsigned before, failures = 0;

    (void)state;
    model_make(scratch_path(folder, "small.safetensors"), &recipe);
    assert_int_equal(config_init(&config), 0);
    free(config.socket);
    config.socket = strdup(scratch_path(folder, "wisp.sock"));
    config.loop = CONFIG_LOOP_EPOLL; /* a ring is taken apart later, and its descriptors could not be counted */
    config.models = calloc(1, sizeof *config.models);
    config_model_init(config.models);
    config.models->path = strdup(scratch_path(folder, "small.safetensors"));
    config.model_count = 1;
    before = resources_fds();
    for (long k = 0;; k++) {
        struct wispd *daemon = NULL;
        struct reason why = { "" };
        bool failed;
        int result;

        until_failure = k;
        result = wispd_new(&config, NULL, &daemon, &why);
        failed = until_failure < 0;
        until_failure = -1;
        if (!failed) {
            assert_int_equal(result, 0);
            wispd_free(daemon);
            break;
        }
        failures++;
        /* Doing without is allowed; half a daemon is not. */
        if (result) {
            assert_null(daemon);
            assert_true(why.text[0] != 0);
        } else {
            wispd_free(daemon);
        }
        assert_int_equal(resources_fds(), before);
        assert_int_equal(access(config.socket, F_OK), -1);
    }
    print_message("%u allocations failed in turn\n", failures);
    assert_true(failures > 20);
    assert_int_equal(resources_fds(), before);
    config_deinit(&config);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_may_fail) };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("start without memory", tests, NULL, NULL);
}
