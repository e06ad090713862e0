/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures: in tiles where the model's description says so, otherwise brought to the model's size, in one.
 */
#include <stdlib.h>
#include <string.h>

#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/insist.h"
#include "client/codecs/codec.h"
#include "client/codecs/flight.h"
#include "client/codecs/process.h"
#include "media/spec/media.h"
#include "media/tiles/tiles.h"

enum { SCALE_MAX = 8 };

static void picture_at_exit(struct media_picture *picture)
{
    free(picture->pixels);
}

/* ---- in one ---- */

struct whole {
    const struct process *process;
    const struct media_picture *picture;
    struct media_picture out;
};

static int fill_whole(void *user, uint64_t number, wisp_request *request)
{
    const struct whole *whole = user;

    (void)number;
    return media_encode_picture(whole->process->media, whole->picture, wisp_request_input(request),
                                wisp_private_last_error());
}

static int take_whole(void *user, uint64_t number, const wisp_request *request)
{
    struct whole *whole = user;

    (void)number;
    return codec_picture(whole->process->model, wisp_request_output_tensor(request, 0),
                         process_threshold(whole->process), &whole->out);
}

static int run_whole(const struct process *p, const struct media_picture *picture, struct media_picture *out)
{
    struct whole whole = { .process = p, .picture = picture };
    const struct flight_work work = { .count = 1, .fill = fill_whole, .take = take_whole, .user = &whole };
    int result = flight_run(p->client, p->model, &work, p->options, p->timings);

    *out = whole.out;
    return result;
}

/* ---- in tiles ---- */

static int fill_tile(void *user, uint64_t number, wisp_request *request)
{
    tiles_take(user, number, wisp_request_input(request));
    return 0;
}

static int take_tile(void *user, uint64_t number, const wisp_request *request)
{
    (void)number; /* they come in their order */
    return tiles_give(user, wisp_request_output_tensor(request, 0), wisp_private_last_error());
}

/* What the daemon says that the model gives: as many pixels as it takes, or a whole number of times that. */
static int read_output(const struct process *p, struct tiles_output *out)
{
    struct wisp_tensor tensor;
    uint32_t in[4];
    int result = codec_picture_form(p->model, &tensor);

    if (result)
        return result;
    (void)media_shape(p->media, in);
    insist(in[1] > 0 && in[2] > 0); /* media_parse() has seen to it */
    *out = (struct tiles_output){ .channels = tensor.dimensions[0],
                                  .scale = tensor.dimensions[1] / in[1],
                                  .threshold = process_threshold(p) };
    if (out->scale >= 1 && out->scale <= SCALE_MAX && tensor.dimensions[1] == out->scale * in[1] &&
        tensor.dimensions[2] == out->scale * in[2])
        return 0;
    return refuse(wisp_private_last_error(), WISP_E_FORMAT,
                  "%s: it gives %u x %u pixels of tiles of %u x %u, which are not 1 to %d times as many a side",
                  wisp_model_name(p->model), tensor.dimensions[2], tensor.dimensions[1], in[2], in[1], SCALE_MAX);
}

static int run_tiles(const struct process *p, const struct media_picture *picture, struct media_picture *out)
{
    struct flight_work work = { .fill = fill_tile, .take = take_tile };
    struct tiles_output output;
    struct tiles tiles;
    int result = read_output(p, &output);

    if (!result)
        result = tiles_init(&tiles, p->media, picture, &output, wisp_private_last_error());
    if (result)
        return result;
    work.count = tiles_count(&tiles);
    work.user = &tiles;
    result = flight_run(p->client, p->model, &work, p->options, p->timings);
    if (!result)
        *out = tiles_result(&tiles);
    tiles_deinit(&tiles);
    return result;
}

static bool is_for(const struct process *p)
{
    return media_answer(p->media) == MEDIA_ANSWER_PICTURE || media_answer(p->media) == MEDIA_ANSWER_MASK;
}

static int run(struct process *p, int fd)
{
    cleanup(picture_at_exit) struct media_picture picture = { .pixels = NULL }, out = { .pixels = NULL };
    cleanup_free void *bytes = NULL;
    struct reason *why = wisp_private_last_error();
    struct process_file *file = p->files;
    size_t length;
    int result = process_read(file);

    if (!result)
        result = media_decode_picture(file->name, file->bytes, file->length, &picture, why);
    if (!result)
        result = media_goes_in_tiles(p->media) ? run_tiles(p, &picture, &out) : run_whole(p, &picture, &out);
    p->read = (struct wisp_extent){ .width = picture.width, .height = picture.height };
    p->made = (struct wisp_extent){ .width = out.width, .height = out.height };
    if (!result && media_answer(p->media) == MEDIA_ANSWER_MASK)
        result = process_mask(p, &picture, &out);
    if (!result && p->out)
        result = media_write_picture(&out, p->out, &bytes, &length, why);
    return result || !p->out ? result : process_put(p, fd, bytes, length);
}

const struct processor process_picture = { .is_for = is_for, .check_name = media_check_picture_name, .run = run };
