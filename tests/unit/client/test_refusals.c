/* SPDX-License-Identifier: Apache-2.0
 *
 * What is refused, and the sentence that says why: inputs and answers that are no numbers.
 */
#include "support/test.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_element_is_looked_at),
        cmocka_unit_test(test_neighbours_in_the_batch_are_answered),
        cmocka_unit_test(test_an_answer_that_is_no_number_has_no_labels),
    };

    return cmocka_run_group_tests(tests, served_begin, served_end);
}
