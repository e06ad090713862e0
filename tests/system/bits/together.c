/* SPDX-License-Identifier: Apache-2.0
 *
 * together SOCKET MODEL <inputs >answers: asks a daemon about all samples of standard input, tensors of the model's
 * first input as the machine has them, in requests of 1, 2, 3, 1, 2, 3, … samples that are all under way at once, and
 * writes the first output of each in the samples' order. One thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <wisp/wisp.h>

enum { REQUESTS_MAX = 64, ROWS_MAX = 3, WAIT_MS = 60000 };

struct together {
    wisp_client *client;
    wisp_model *model;
    struct wisp_tensor input, output;
    wisp_request *requests[REQUESTS_MAX];
    uint32_t rows[REQUESTS_MAX];
    size_t count;
};

/* Requests for all samples, which are in them then. 1 when it went well. */
static int read_all(struct together *t, unsigned char *samples)
{
    for (uint32_t most = 1; t->count < REQUESTS_MAX; most = most % ROWS_MAX + 1) {
        const size_t rows = fread(samples, t->input.bytes, most, stdin);
        unsigned char *into;

        if (rows == 0)
            return !ferror(stdin) && t->count > 0;
        if (wisp_request_new(t->client, t->model, (uint32_t)rows, &t->requests[t->count]))
            return 0;
        t->rows[t->count] = (uint32_t)rows;
        into = wisp_request_input_tensor(t->requests[t->count++], 0);
        for (size_t i = 0; i < rows * t->input.bytes; i++)
            into[i] = samples[i];
    }
    return 0;
}

static int ask_all(struct together *t)
{
    for (size_t i = 0; i < t->count; i++) {
        if (wisp_submit(t->requests[i]))
            return 0;
    }
    for (size_t i = 0; i < t->count; i++) {
        if (wisp_wait(t->requests[i], WAIT_MS))
            return 0;
        if (fwrite(wisp_request_output_tensor(t->requests[i], 0), t->output.bytes, t->rows[i], stdout) != t->rows[i])
            return 0;
    }
    return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    struct wisp_options options = { .size = sizeof options,
                                    .connect_ms = WAIT_MS,
                                    .answer_ms = WAIT_MS,
                                    .input_bytes = 32 << 20,
                                    .output_bytes = 32 << 20 };
    struct together t = { .count = 0 };
    unsigned char *samples = NULL;
    int well;

    if (argc != 3) {
        fprintf(stderr, "usage: together SOCKET MODEL <inputs >answers\n");
        return 2;
    }
    options.socket_path = argv[1];
    well = !wisp_connect(&t.client, &options) && !wisp_find(t.client, argv[2], &t.model) &&
           !wisp_model_input(t.model, 0, &t.input) && !wisp_model_output(t.model, 0, &t.output);
    if (well)
        samples = malloc(ROWS_MAX * t.input.bytes);
    well = samples && read_all(&t, samples) && ask_all(&t);
    if (!well)
        fprintf(stderr, "together: %s: %s\n", argv[2], wisp_last_error());
    free(samples);
    for (size_t i = 0; i < t.count; i++)
        wisp_request_free(t.requests[i]);
    wisp_model_free(t.model);
    wisp_close(t.client);
    return !well;
}
