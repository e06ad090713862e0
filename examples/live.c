/* SPDX-License-Identifier: Apache-2.0
 *
 * live MODEL WIDTH HEIGHT   what a model says of each picture of a camera: raw RGB on standard input
 * live MODEL RATE           … of each second of a microphone: one channel of 16 bits on standard input
 *
 *     cc live.c $(pkg-config --cflags --libs wisp-media) -o live
 *     ffmpeg -v error -i /dev/video0 -s 320x240 -f rawvideo -pix_fmt rgb24 - | ./live image 320 240
 *     arecord -q -t raw -f S16_LE -r 16000 | ./live audio 16000
 *
 * The input is written where the daemon reads it, and one request serves for all of them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <wisp/media.h>

static int answer(const wisp_model *model, wisp_request *request)
{
    struct wisp_label top;
    size_t count = 1;
    int result = wisp_submit(request);

    if (!result)
        result = wisp_wait(request, UINT32_MAX);
    if (!result)
        result = wisp_top(model, wisp_request_output(request), &top, &count);
    if (!result)
        printf("%5.1f %%  %s\n", 100 * top.probability, top.name);
    fflush(stdout);
    return result;
}

static int run(const wisp_model *model, wisp_request *request, uint32_t width, uint32_t height)
{
    size_t size = height ? (size_t)3 * width * height : (size_t)2 * width; /* `width` is the rate of sound */
    unsigned char *bytes = malloc(size);
    int result = bytes ? 0 : -1;

    while (!result && fread(bytes, 1, size, stdin) == size) {
        float *input = wisp_request_input(request);

        if (height)
            result = wisp_encode_pixels(model, bytes, width, height, (size_t)3 * width, WISP_PIXELS_RGB8, input);
        else
            result = wisp_encode_samples(model, bytes, width, 1, width, WISP_SAMPLES_S16, input);
        if (result == WISP_E_FORMAT) {
            printf("  -      %s\n", wisp_last_error()); /* a second of silence, say */
            result = 0;
        } else if (!result) {
            result = answer(model, request);
        }
    }
    free(bytes);
    return result;
}

int main(int argc, char **argv)
{
    uint32_t width = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    uint32_t height = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    wisp_client *client = NULL;
    wisp_model *model = NULL;
    wisp_request *request = NULL;
    int failed;

    if (!width || argc > 4) {
        fprintf(stderr, "usage: live MODEL WIDTH HEIGHT <PIXELS, or live MODEL RATE <SAMPLES\n");
        return 2;
    }
    failed = wisp_connect(&client, NULL) || wisp_find(client, argv[1], &model) ||
             wisp_request_new(client, model, 1, &request) || run(model, request, width, height);
    if (failed)
        fprintf(stderr, "%s\n", wisp_last_error());
    wisp_request_free(request);
    wisp_model_free(model);
    wisp_close(client);
    return failed;
}
