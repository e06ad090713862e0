/* SPDX-License-Identifier: Apache-2.0
 *
 * A client that never stops asking: steady MODEL. It sends the same sample again and again until SIGTERM, and compares
 * every answer to the first, bit for bit. Says "steady" once the first answer is there, and at the end how many answers
 * came, how often the library had to send again, and the longest wait. Exit status 1 at the first error or difference.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wisp/wisp.h>

#include "base/clock.h"

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
    (void)signal;
    stop = 1;
}

static int fail(const char *what)
{
    printf("FAIL %s: %s\n", what, wisp_last_error());
    return 1;
}

static int ask(wisp_client *client, const wisp_model *model)
{
    size_t inputs = wisp_model_input_size(model), outputs = wisp_model_output_size(model);
    float *input = calloc(inputs, sizeof *input), *first = calloc(outputs, sizeof *first),
          *output = calloc(outputs, sizeof *output);
    unsigned long answers = 0, again = 0;
    uint64_t longest = 0;
    int result = 0;

    for (size_t i = 0; input && i < inputs; i++)
        input[i] = (float)(i * 37 % 101) / 101;
    while (!stop && !result) {
        struct wisp_timings timings;
        uint64_t begin = clock_ns(), took;

        result = wisp_infer(client, model, input, 1, output, &timings);
        took = clock_ns() - begin;
        if (result)
            result = fail("request");
        else if (!answers++)
            memcpy(first, output, outputs * sizeof *output), puts("steady");
        else if (memcmp(first, output, outputs * sizeof *output) != 0)
            result = fail("another answer than before");
        again += timings.resubmitted;
        longest = took > longest ? took : longest;
    }
    printf("answers %lu resubmitted %lu longest_ms %llu\n", answers, again, (unsigned long long)(longest / NS_PER_MS));
    free(input);
    free(first);
    free(output);
    return result;
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = on_signal };
    wisp_client *client = NULL;
    wisp_model *model = NULL;
    int result = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGTERM, &action, NULL);
    if (argc != 2 || wisp_connect(&client, NULL))
        return fail("connecting");
    if (wisp_find(client, argv[1], &model))
        result = fail("finding the model");
    else
        result = ask(client, model);
    wisp_model_free(model);
    wisp_close(client);
    return result;
}
