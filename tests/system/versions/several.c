/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks a model with several inputs once, each filled with what follows from its number alone, and prints the bytes of
 * each output: several MODEL. Compiled against one libwisp and run with another.
 */
#include <stdio.h>

#include <wisp/wisp.h>

static int fail(const char *what)
{
    printf("FAIL %s: %s\n", what, wisp_last_error());
    return 1;
}

static void fill(void *at, const struct wisp_tensor *tensor, size_t number)
{
    for (size_t i = 0; i < tensor->elements; i++) {
        const unsigned value = (unsigned)(i * 37 + number * 11) % 101;

        if (tensor->dtype == WISP_UINT8)
            ((unsigned char *)at)[i] = (unsigned char)value;
        else if (tensor->dtype == WISP_INT32)
            ((int *)at)[i] = (int)value;
        else
            ((float *)at)[i] = (float)value / 101;
    }
}

static int print_outputs(const wisp_model *model, wisp_request *request)
{
    struct wisp_tensor tensor;

    for (size_t i = 0; i < wisp_model_output_count(model); i++) {
        const unsigned char *bytes = wisp_request_output_tensor(request, i);

        if (wisp_model_output(model, i, &tensor) || !bytes)
            return fail("an output");
        printf("%s ", tensor.name);
        for (size_t j = 0; j < tensor.bytes; j++)
            printf("%02x", bytes[j]);
        putchar('\n');
    }
    return 0;
}

static int ask(wisp_client *client, const wisp_model *model)
{
    struct wisp_tensor tensor;
    wisp_request *request;
    int result = 0;

    if (wisp_request_new(client, model, 1, &request))
        return fail("a request");
    for (size_t i = 0; i < wisp_model_input_count(model) && !result; i++) {
        if (wisp_model_input(model, i, &tensor))
            result = fail("an input");
        else
            fill(wisp_request_input_tensor(request, i), &tensor, i);
    }
    if (!result && (wisp_submit(request) || wisp_wait(request, 20000)))
        result = fail("asking");
    if (!result)
        result = print_outputs(model, request);
    wisp_request_free(request);
    return result;
}

int main(int argc, char **argv)
{
    wisp_client *client = NULL;
    wisp_model *model = NULL;
    int result;

    if (argc != 2 || wisp_connect(&client, NULL))
        return fail("connecting");
    result = wisp_find(client, argv[1], &model) ? fail("finding the model") : ask(client, model);
    wisp_model_free(model);
    wisp_close(client);
    return result;
}
