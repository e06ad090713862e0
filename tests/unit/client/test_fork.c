/* SPDX-License-Identifier: Apache-2.0
 *
 * Children of a program with a client: what they can do with it, and what they do not inherit.
 */
#include "support/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "served.h"
#include "support/model.h"
#include "support/resources.h"

static int use_in_child(wisp_client *client, wisp_model *model, wisp_request *request, unsigned parents_fds)
{
    char *json;
    wisp_client *own;
    wisp_request *other;

    if (resources_fds() != parents_fds - 1) /* the socket is the parent's alone */
        return 6;
    if (wisp_submit(request) != WISP_E_LOST || !strstr(wisp_last_error(), "fork"))
        return 1;
    if (wisp_wait(request, 10) != WISP_E_LOST || wisp_poll(request) != WISP_E_LOST)
        return 2;
    if (wisp_list(client, &json) != WISP_E_LOST || wisp_ping(client, 10, NULL) != WISP_E_LOST)
        return 3;
    if (wisp_request_new(client, model, 1, &other) != WISP_E_LOST || wisp_arm(client) != WISP_E_LOST)
        return 4;
    wisp_request_free(request);
    wisp_close(client);
    own = served_connect(NULL); /* anew */
    other = served_request(own, model, 1);
    served_fill(other, 1, 4);
    if (wisp_submit(other) || wisp_wait(other, PATIENCE_MS) || !served_is_right(wisp_request_output(other), 1, 4))
        return 5;
    wisp_model_free(model);
    wisp_close(own);
    return 0;
}

/* Waits until the daemon has so many; how many it has then. */
static int wait_for_channels(wisp_client *client, int wanted)
{
    int channels = -1;

    for (int i = 0; i < PATIENCE_MS / 10 && channels != wanted; i++) {
        char *json, *at;

        assert_int_equal(wisp_status(client, &json), 0);
        at = strstr(json, "\"channels\":");
        assert_non_null(at);
        channels = (int)strtol(at + strlen("\"channels\":"), NULL, 10);
        free(json);
        if (channels != wanted)
            usleep(10000);
    }
    return channels;
}

static void test_fork(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1);
    unsigned fds = resources_fds();
    int status;
    pid_t child;

    (void)state;
    served_fill(request, 1, 6);
    assert_int_equal(wisp_submit(request), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(use_in_child(client, model, request, fds));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0); /* the parent's is as it was */
    served_check(request, 1, 6);
    wisp_model_free(model);
    wisp_close(client);
}

/* ---- leaks ---- */

/* A child that never heard of wisp does not hold the channel of a parent that has died. */
static void test_a_child_inherits_no_channel(void **state)
{
    wisp_client *watcher = served_connect(NULL);
    pid_t parent, child = 0;
    int ends[2], status;

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(wait_for_channels(watcher, 1), 1);
    parent = fork();
    assert_true(parent >= 0);
    if (!parent) {
        wisp_client *client = served_connect(NULL);

        child = fork();
        if (!child)
            pause();
        if (write(ends[1], &child, sizeof child) == sizeof child && client)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ends[0], &child, sizeof child), sizeof child);
    assert_true(child > 0);
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(wait_for_channels(watcher, 1), 1);
    kill(child, SIGKILL);
    close(ends[0]);
    close(ends[1]);
    wisp_close(watcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_a_child_inherits_no_channel),
    };

    return cmocka_run_group_tests(tests, served_begin, served_end);
}
