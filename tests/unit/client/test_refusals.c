/* SPDX-License-Identifier: Apache-2.0
 *
 * What is refused, and the sentence that says why: inputs and answers that are no numbers.
 */
#include "support/test.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/size.h"
#include "served.h"
#include "support/model.h"

static const float not_finite[] = { NAN, INFINITY, -INFINITY };

static void test_every_element_is_looked_at(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    float input[SMALL_INPUTS], output[SMALL_OUTPUTS];
    char expected[64];

    (void)state;
    for (size_t i = 0; i < SMALL_INPUTS; i++) {
        floats_make(input, SMALL_INPUTS, 1, 1);
        input[i] = not_finite[i % ARRAY_SIZE(not_finite)];
        assert_int_equal(wisp_infer(client, model, input, 1, output, NULL), WISP_E_INVALID);
        snprintf(expected, sizeof expected, "element %zu of sample 0 is NaN or infinite", i);
        assert_says(expected);
        assert_says("small");
    }
    floats_make(input, SMALL_INPUTS, 1, 1);
    assert_int_equal(wisp_infer(client, model, input, 1, output, NULL), 0);
    assert_true(served_is_right(output, 1, 1));
    wisp_model_free(model);
    wisp_close(client);
}

/* All of them are there when the daemon goes on, and so in one batch. */
static void test_neighbours_in_the_batch_are_answered(void **state)
{
    enum { COUNT = 9, ROWS = 3 };
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    wisp_request *requests[COUNT];

    (void)state;
    daemon_signal(&served, SIGSTOP);
    for (unsigned i = 0; i < COUNT; i++) {
        requests[i] = served_request(client, model, ROWS);
        served_fill(requests[i], ROWS, i);
        if (i % 2)
            wisp_request_input(requests[i])[2 * SMALL_INPUTS + i] = NAN;
        assert_int_equal(wisp_submit(requests[i]), 0);
    }
    daemon_signal(&served, SIGCONT);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_int_equal(wisp_wait(requests[i], PATIENCE_MS), i % 2 ? WISP_E_INVALID : 0);
        if (i % 2)
            assert_says("of sample 2 is");
        else
            served_check(requests[i], ROWS, i);
    }
    wisp_model_free(model);
    wisp_close(client);
}

/* What is finite goes in, and may be too large to compute with: then the answer says so, and nobody makes a label of
 * it. */
static void test_an_answer_that_is_no_number_has_no_labels(void **state)
{
    wisp_client *client = served_connect(NULL);
    wisp_model *model = served_find(client, "small");
    float input[SMALL_INPUTS], output[SMALL_OUTPUTS];
    struct wisp_label top[3];
    size_t count = 3;

    (void)state;
    for (size_t i = 0; i < SMALL_INPUTS; i++)
        input[i] = i % 2 ? FLT_MAX : -FLT_MAX;
    assert_int_equal(wisp_infer(client, model, input, 1, output, NULL), 0);
    for (size_t i = 0; i < SMALL_OUTPUTS; i++)
        assert_true(isnan(output[i]));
    assert_int_equal(wisp_top(model, output, top, &count), WISP_E_INVALID);
    assert_int_equal(count, 0);
    assert_says("the answer of small has no labels");
    for (size_t i = 0; i < ARRAY_SIZE(not_finite); i++) {
        floats_make(output, SMALL_OUTPUTS, 1, 1);
        output[i + 4] = not_finite[i];
        count = 3;
        assert_int_equal(wisp_top(model, output, top, &count), WISP_E_INVALID);
    }
    wisp_model_free(model);
    wisp_close(client);
}

static void write_limit(unsigned rows)
{
    FILE *file = fopen(served.config, "r+");
    char text[2048];
    size_t length;

    assert_non_null(file);
    length = fread(text, 1, sizeof text - 1, file);
    text[length] = 0;
    if (strstr(text, "limits:"))
        *strstr(text, "limits:") = 0;
    rewind(file);
    assert_int_equal(ftruncate(fileno(file), 0), 0);
    fprintf(file, "%slimits:\n  rows: %u\n", text, rows);
    assert_int_equal(fclose(file), 0);
}

/* By the library, as far as it knows; by the daemon, when that has become stricter since. Either names the limit. */
static void test_too_many_samples(void **state)
{
    wisp_client *client;
    wisp_model *model;
    wisp_request *request = NULL;
    char *json;

    (void)state;
    daemon_kill(&served);
    write_limit(9);
    daemon_restart(&served);
    client = served_connect(NULL);
    model = served_find(client, "small");
    assert_int_equal(wisp_request_new(client, model, 10, &request), WISP_E_INVALID);
    assert_null(request);
    assert_says("a request of 10 samples of small: this wispd takes at most 9");
    request = served_request(client, model, 9);
    served_fill(request, 9, 1);
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), 0);
    served_check(request, 9, 1);
    assert_int_equal(wisp_status(client, &json), 0);
    assert_non_null(strstr(json, "\"limits\":{\"rows\":9,"));
    free(json);
    assert_int_equal(wisp_list(client, &json), 0);
    assert_non_null(strstr(json, "\"rows_most\":9"));
    free(json);
    daemon_kill(&served);
    write_limit(5);
    daemon_restart(&served);
    assert_int_equal(wisp_ping(client, PATIENCE_MS, NULL), 0);
    assert_int_equal(wisp_submit(request), 0);
    assert_int_equal(wisp_wait(request, PATIENCE_MS), WISP_E_INVALID);
    assert_says("a request of 9 samples of small: this wispd takes at most 5");
    wisp_model_free(model);
    wisp_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_element_is_looked_at),
        cmocka_unit_test(test_neighbours_in_the_batch_are_answered),
        cmocka_unit_test(test_an_answer_that_is_no_number_has_no_labels),
        cmocka_unit_test(test_too_many_samples),
    };

    return cmocka_run_group_tests(tests, served_begin, served_end);
}
