/* SPDX-License-Identifier: Apache-2.0
 *
 * A program as it was written when wisp.h was the only header and times had another name. Compiled and linked, not run.
 */
#include <wisp/wisp.h>

int old_source(wisp_client *client, const unsigned char *pixels, const short *sound);

int old_source(wisp_client *client, const unsigned char *pixels, const short *sound)
{
    struct wisp_receipt times;
    struct wisp_label top[1];
    wisp_model *model;
    wisp_request *request;
    size_t count = 1;
    float *input;

    if (wisp_classify_file(client, "image", "a.png", top, &count, &times) || wisp_find(client, "image", &model) ||
        wisp_request_new(client, model, 1, &request))
        return 1;
    input = wisp_request_input(request);
    if (wisp_encode_file(model, "a.png", input) || wisp_encode_bytes(model, "a", 1, input) ||
        wisp_encode_pixels(model, pixels, 2, 2, 6, WISP_PIXELS_RGB8, input) ||
        wisp_encode_samples(model, sound, 2, 1, 8000, WISP_SAMPLES_S16, input))
        return 1;
    if (wisp_submit(request) || wisp_wait(request, 10))
        return 1;
    wisp_request_receipt(request, &times);
    return wisp_infer(client, model, input, 1, input, &times) || times.total_ns == 0 || wisp_fd(client) < 0;
}
