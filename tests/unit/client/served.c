/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "served.h"
#include "support/model.h"

struct test_daemon served;
const char *served_yaml;
char long_label[WISP_LABEL_MAX + 1];

static const char *folder;
static char small_path[256], large_path[256];
static struct reference *reference;
static pthread_mutex_t reference_lock = PTHREAD_MUTEX_INITIALIZER;

int served_begin(void **state)
{
    static const struct model_recipe small = { .name = "small",
                                               .processing = "image.classification",
                                               .sizes = { SMALL_INPUTS, 64, SMALL_OUTPUTS },
                                               .density = 0.1,
                                               .seed = 7,
                                               .threshold = 120 };
    static const struct model_recipe large = { .name = "large",
                                               .processing = "text.classification",
                                               .sizes = { LARGE_INPUTS, 1024, LARGE_OUTPUTS },
                                               .density = 0.2,
                                               .seed = 9,
                                               .label = long_label };
    static const char *models[] = { small_path, large_path };

    (void)state;
    folder = scratch_make();
    for (size_t i = 0; i < WISP_LABEL_MAX; i += 2)
        memcpy(long_label + i, "\xc3\xa4", 2);
    snprintf(small_path, sizeof small_path, "%s/small.safetensors", folder);
    snprintf(large_path, sizeof large_path, "%s/large.safetensors", folder);
    model_make(small_path, &small);
    reference = reference_new(small_path);
    model_make(large_path, &large);
    daemon_start(&served, &(struct daemon_setup){ .models = models, .model_count = 2, .yaml = served_yaml });
    return 0;
}

int served_end(void **state)
{
    (void)state;
    reference = reference_free(reference);
    scratch_remove(folder);
    return daemon_stop(&served);
}

wisp_client *served_connect(const struct wisp_options *options)
{
    struct wisp_options own = options ? *options : (struct wisp_options){ .size = 0 };
    wisp_client *client;

    own.size = sizeof own;
    own.socket_path = served.socket;
    if (!own.connect_ms)
        own.connect_ms = PATIENCE_MS; /* the machine may be busy */
    if (wisp_connect(&client, &own))
        fail_msg("%s", wisp_last_error());
    return client;
}

wisp_model *served_find(wisp_client *client, const char *name)
{
    wisp_model *model;

    if (wisp_find(client, name, &model))
        fail_msg("%s", wisp_last_error());
    return model;
}

wisp_request *served_request(wisp_client *client, const wisp_model *model, uint32_t rows)
{
    wisp_request *request;

    if (wisp_request_new(client, model, rows, &request))
        fail_msg("%s", wisp_last_error());
    return request;
}

void served_fill(wisp_request *request, uint32_t rows, uint64_t seed)
{
    floats_make(wisp_request_input(request), (size_t)rows * SMALL_INPUTS, seed, 1);
}

int served_is_right(const float *output, uint32_t rows, uint64_t seed)
{
    float *input = calloc((size_t)rows * SMALL_INPUTS, sizeof *input);
    float *expected = calloc((size_t)rows * SMALL_OUTPUTS, sizeof *expected);
    int right;

    floats_make(input, (size_t)rows * SMALL_INPUTS, seed, 1);
    pthread_mutex_lock(&reference_lock);
    reference_run(reference, input, rows, expected);
    pthread_mutex_unlock(&reference_lock);
    right = memcmp(output, expected, (size_t)rows * SMALL_OUTPUTS * sizeof *expected) == 0;
    free(input);
    free(expected);
    return right;
}

void served_check(const wisp_request *request, uint32_t rows, uint64_t seed)
{
    assert_true(served_is_right(wisp_request_output(request), rows, seed));
}

void assert_says(const char *text)
{
    if (!strstr(wisp_last_error(), text))
        fail_msg("\"%s\" does not say \"%s\"", wisp_last_error(), text);
    assert_null(strchr(wisp_last_error(), '\n'));
}
