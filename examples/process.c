/* SPDX-License-Identifier: Apache-2.0
 *
 * process MODEL IN OUT: from a picture of any size to what a model makes of it, with how far it is.
 *
 *     cc process.c $(pkg-config --cflags --libs wisp-media) -o process
 *     ./process image.denoising noisy.jpg clean.png
 *     ./process audio.denoising noisy.wav clean.wav
 */
#include <stdio.h>
#include <wisp/media.h>

static void show(void *user, uint64_t done, uint64_t count)
{
    fprintf(user, "\r%3u %%", (unsigned)(100 * done / count));
}

int main(int argc, char **argv)
{
    const struct wisp_process_options options = { .size = sizeof options, .progress = show, .progress_user = stderr };
    struct wisp_timings timings;
    wisp_client *client = NULL;
    int failed = argc != 4 || wisp_connect(&client, NULL) ||
                 wisp_process_file(client, argv[1], argv[2], argv[3], &options, &timings);

    if (failed)
        fprintf(stderr, "%s\n", argc == 4 ? wisp_last_error() : "usage: process MODEL IN OUT");
    else
        fprintf(stderr, "\r%.1f ms\n", (double)timings.total_ns / 1e6);
    wisp_close(client);
    return failed;
}
