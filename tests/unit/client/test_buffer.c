/* SPDX-License-Identifier: Apache-2.0
 *
 * libwisp's buffers, with a real daemon: the same answers as from the client's shared memory, over restarts, and what
 * is refused.
 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/size.h"
#include "served.h"
#include "support/resources.h"

enum { PLACES = 16, STEP = 448 /* a sample of "small", and the next 64 */, MEMORY = 1 << 16 };

static void fill(wisp_request *request, uint64_t seed)
{
    assert_non_null(wisp_request_input(request));
    served_fill(request, 1, seed);
}

static void run(wisp_request *request, uint64_t seed)
{
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    served_check(request, 1, seed);
}

/* One request that goes from place to place, and one for each place, all under way at once. */
static void test_answers_from_a_buffer(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *requests[PLACES], *moved;
    wisp_buffer *buffer;

    (void)state;
    assert_int_equal(wisp_buffer_new(client, MEMORY, &buffer), 0);
    assert_int_equal(wisp_buffer_size(buffer), MEMORY);
    assert_int_equal(wisp_request_new_in(client, model, 1, buffer, 0, &moved), 0);
    for (uint64_t i = 0; i < PLACES; i++) {
        assert_int_equal(wisp_request_new_in(client, model, 1, buffer, i * STEP, &requests[i]), 0);
        assert_ptr_equal(wisp_request_input(requests[i]), (char *)wisp_buffer_data(buffer) + i * STEP);
        assert_ptr_equal(wisp_request_input_tensor(requests[i], 0), wisp_request_input(requests[i]));
        fill(requests[i], i);
        assert_int_equal(wisp_submit(requests[i]), 0);
        assert_int_equal(wisp_request_move(requests[i], buffer, 0), WISP_E_INVALID);
    }
    for (uint64_t i = 0; i < PLACES; i++) {
        assert_int_equal(wisp_wait(requests[i], PATIENCE_MS), 0);
        served_check(requests[i], 1, i);
    }
    for (uint64_t i = PLACES; i-- > 0;) {
        assert_int_equal(wisp_request_move(moved, buffer, i * STEP), 0);
        run(moved, i);
    }
    assert_int_equal(wisp_buffer_free(buffer), WISP_E_BUSY);
    assert_says("17 requests");
    for (uint64_t i = 0; i < PLACES; i++)
        wisp_request_free(requests[i]);
    wisp_request_free(moved);
    assert_int_equal(wisp_buffer_free(buffer), 0);
    wisp_model_free(model);
    wisp_close(client);
}

static int own_memory(int seals, void **map)
{
    int fd = memfd_create("own", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, MEMORY), 0);
    *map = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(*map != MAP_FAILED);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

/* Of whose pages none is there before: the library has them made. */
static void test_memory_of_the_programs_own(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *arena = served_request(client, model, 1), *request;
    wisp_buffer *buffer = NULL;
    void *map;
    int fd = own_memory(F_SEAL_SHRINK | F_SEAL_GROW, &map);

    (void)state;
    assert_int_equal(wisp_buffer_from_fd(client, fd, &buffer), WISP_E_INVALID);
    assert_says("FUTURE_WRITE or WRITE");
    assert_null(buffer);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
    assert_int_equal(wisp_buffer_from_fd(client, fd, &buffer), 0);
    close(fd);
    assert_null(wisp_buffer_data(buffer));
    assert_int_equal(wisp_request_new_in(client, model, 1, buffer, MEMORY - STEP, &request), 0);
    assert_null(wisp_request_input(request));
    assert_null(wisp_request_input_tensor(request, 0));
    assert_says("mapped by itself");
    fill(arena, 5);
    memcpy((char *)map + MEMORY - STEP, wisp_request_input(arena), SMALL_INPUTS * sizeof(float));
    run(request, 5);
    munmap(map, MEMORY);
    run(request, 5);
    assert_int_equal(wisp_buffer_from_fd(client, STDIN_FILENO, &buffer), WISP_E_INVALID);
    assert_int_equal(wisp_buffer_from_fd(client, -1, &buffer), -EBADF);
    wisp_model_free(model);
    wisp_close(client);
}

static void test_what_is_refused(void **state)
{
    struct wisp_options asking = { .entries = UINT32_MAX };
    wisp_client *client = served_connect(NULL), *other = served_connect(NULL), *asks = served_connect(&asking);
    wisp_model *model = served_find(client, "small");
    wisp_request *request = served_request(client, model, 1), *refused;
    wisp_buffer *buffer, *more[8];

    (void)state;
    assert_int_equal(wisp_buffer_new(client, 1, &buffer), 0);
    assert_int_equal(wisp_buffer_size(buffer), 4096);
    assert_int_equal(wisp_request_new_in(client, model, 1, buffer, 32, &refused), WISP_E_INVALID);
    assert_int_equal(wisp_request_new_in(client, model, 1, buffer, 4096 - 320, &refused), WISP_E_SHAPE);
    assert_int_equal(wisp_request_new_in(client, model, 1, buffer, UINT64_MAX - 63, &refused), WISP_E_SHAPE);
    assert_int_equal(wisp_request_new_in(client, model, 11, buffer, 0, &refused), WISP_E_SHAPE);
    assert_null(refused);
    assert_int_equal(wisp_request_new_in(other, model, 1, buffer, 0, &refused), WISP_E_INVALID);
    assert_int_equal(wisp_request_move(request, buffer, 0), WISP_E_INVALID);
    assert_int_equal(wisp_buffer_new(asks, 1, &more[0]), WISP_E_INVALID);
    assert_int_equal(wisp_buffer_new(client, 0, &more[0]), WISP_E_INVALID);
    assert_int_equal(wisp_buffer_new(client, SIZE_MAX, &more[0]), WISP_E_INVALID);
    for (int i = 0; i < 7; i++)
        assert_int_equal(wisp_buffer_new(client, 1, &more[i]), 0);
    assert_int_equal(wisp_buffer_new(client, 1, &more[7]), WISP_E_NO_SPACE);
    assert_int_equal(wisp_buffer_free(more[3]), 0);
    assert_int_equal(wisp_buffer_new(client, 1, &more[3]), 0);
    assert_int_equal(wisp_buffer_new(client, 1ull << 30, &more[7]), WISP_E_NO_SPACE);
    assert_int_equal(wisp_buffer_new(other, 1ull << 30, &more[7]), WISP_E_DENIED);
    assert_int_equal(wisp_buffer_free(NULL), 0);
    wisp_model_free(model);
    wisp_close(asks);
    wisp_close(other);
    wisp_close(client);
}

/* The next daemon has the buffers, too, under other numbers, and their freed ones not. */
static void test_buffers_outlive_the_daemon(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_buffer *buffers[4];
    wisp_request *requests[4];

    (void)state;
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(wisp_buffer_new(client, MEMORY, &buffers[i]), 0);
        assert_int_equal(wisp_request_new_in(client, model, 1, buffers[i], i * STEP, &requests[i]), 0);
        fill(requests[i], i);
        run(requests[i], i);
    }
    wisp_request_free(requests[0]);
    assert_int_equal(wisp_buffer_free(buffers[0]), 0);
    for (int round = 0; round < 3; round++) {
        daemon_kill(&served);
        for (uint64_t i = 1; i < 4; i++)
            assert_int_equal(wisp_submit(requests[i]), 0);
        daemon_restart(&served);
        for (uint64_t i = 1; i < 4; i++) {
            assert_int_equal(wisp_wait(requests[i], PATIENCE_MS), 0);
            served_check(requests[i], 1, i);
        }
    }
    wisp_request_free(requests[2]);
    assert_int_equal(wisp_buffer_free(buffers[2]), 0);
    run(requests[1], 1);
    run(requests[3], 3);
    wisp_model_free(model);
    wisp_close(client);
}

static void test_nothing_is_left(void **state)
{
    const int fds = resources_fds();

    (void)state;
    for (int i = 0; i < 20; i++) {
        wisp_client *client = served_connect(NULL);
        wisp_buffer *buffer, *freed;

        assert_int_equal(wisp_buffer_new(client, MEMORY, &buffer), 0);
        assert_int_equal(wisp_buffer_new(client, MEMORY, &freed), 0);
        assert_int_equal(wisp_buffer_free(freed), 0);
        wisp_close(client);
        assert_int_equal(resources_fds(), fds);
    }
}

static void test_a_child_has_none(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_buffer *buffer, *other;
    pid_t child;
    int status;

    (void)state;
    assert_int_equal(wisp_buffer_new(client, MEMORY, &buffer), 0);
    child = fork();
    if (!child) {
        int right = wisp_buffer_new(client, 1, &other) == WISP_E_LOST && wisp_buffer_free(buffer) == WISP_E_LOST &&
                    !wisp_close(client);

        _exit(right ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(wisp_buffer_free(buffer), 0);
    wisp_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_from_a_buffer), cmocka_unit_test(test_memory_of_the_programs_own),
        cmocka_unit_test(test_what_is_refused),       cmocka_unit_test(test_buffers_outlive_the_daemon),
        cmocka_unit_test(test_nothing_is_left),       cmocka_unit_test(test_a_child_has_none),
    };

    return cmocka_run_group_tests(tests, served_begin, served_end);
}
