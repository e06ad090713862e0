/* SPDX-License-Identifier: Apache-2.0
 *
 * classify MODEL FILE: what a model says of a file, in as few lines as it takes.
 *
 *     cc classify.c $(pkg-config --cflags --libs wisp-media) -o classify
 *     ./classify image shoe.png
 */
#include <stdio.h>
#include <wisp/media.h>

int main(int argc, char **argv)
{
    wisp_client *client = NULL;
    struct wisp_label top[3];
    size_t count = 3;
    int failed =
        argc != 3 || wisp_connect(&client, NULL) || wisp_classify_file(client, argv[1], argv[2], top, &count, NULL);

    if (failed)
        fprintf(stderr, "%s\n", argc == 3 ? wisp_last_error() : "usage: classify MODEL FILE");
    for (size_t i = 0; !failed && i < count; i++)
        printf("%5.1f %%  %s\n", 100 * top[i].probability, top[i].name);
    wisp_close(client);
    return failed;
}
