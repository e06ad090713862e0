/* SPDX-License-Identifier: Apache-2.0
 *
 * answers SOCKET MODEL ROWS <inputs >outputs: asks a daemon about all samples of standard input, float32 as the machine
 * has them, ROWS a request (the last has what is left), and writes the answers as they come. One thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <wisp/wisp.h>

/* 1 when it went well. */
static int ask_all(wisp_client *client, const wisp_model *model, size_t most)
{
    const size_t width = wisp_model_input_size(model), outputs = wisp_model_output_size(model);
    float *input = malloc(most * width * sizeof *input), *output = malloc(most * outputs * sizeof *output);
    int well = input && output;

    while (well) {
        const size_t values = fread(input, sizeof *input, most * width, stdin), rows = values / width;

        if (values == 0)
            break;
        well = values % width == 0 && wisp_infer(client, model, input, (uint32_t)rows, output, NULL) == 0 &&
               fwrite(output, sizeof *output, rows * outputs, stdout) == rows * outputs;
    }
    free(input);
    free(output);
    return well && !ferror(stdin) && fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    struct wisp_options options = { .size = sizeof options, .input_bytes = 16 << 20, .output_bytes = 1 << 20 };
    const long rows = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    wisp_client *client = NULL;
    wisp_model *model = NULL;
    int well;

    if (rows < 1 || rows > 4096) {
        fprintf(stderr, "usage: answers SOCKET MODEL ROWS <inputs >outputs\n");
        return 2;
    }
    options.socket_path = argv[1];
    well = wisp_connect(&client, &options) == 0 && wisp_find(client, argv[2], &model) == 0 &&
           ask_all(client, model, (size_t)rows);
    if (!well)
        fprintf(stderr, "answers: %s: %s\n", argv[2], wisp_last_error());
    wisp_model_free(model);
    wisp_close(client);
    return !well;
}
