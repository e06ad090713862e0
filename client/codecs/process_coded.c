/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures to compressed ones, and back, by a model that wispd serves as an encoder and a decoder: in tiles through the
 * one or the other, and latents to bytes and back here. Which way it is the file that goes in says by how it begins.
 *
 * Neither the daemon nor the file is believed: tensors have to have the form that the description says, and a file is
 * read by one validator.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <wisp/private.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/path.h"
#include "client/codecs/codec.h"
#include "client/codecs/flight.h"
#include "client/codecs/process.h"
#include "media/latents/coded.h"
#include "media/spec/media.h"
#include "media/tiles/latent_tiles.h"

#define ENDING ".wz"

CLEANUP_DEFINE(model, wisp_model, wisp_model_free)

static void picture_at_exit(struct media_picture *picture)
{
    free(picture->pixels);
}

static int refuse_form(const wisp_model *model, struct reason *why)
{
    return refuse(why, WISP_E_FORMAT, "%s: its tensors have not the form of a picture and its latents",
                  wisp_model_name(model));
}

static bool is_of(const struct wisp_tensor *tensor, const uint32_t *dimensions)
{
    return tensor->dtype == WISP_FLOAT32 && tensor->rank == 3 &&
           !memcmp(tensor->dimensions, dimensions, 3 * sizeof *dimensions);
}

/* What the encoder takes and gives. */
static int read_form(const struct process *p, struct latent_form *out)
{
    struct wisp_tensor in, latents;
    uint32_t pixels[4];
    int result = wisp_model_input(p->model, 0, &in);

    if (!result)
        result = wisp_model_output(p->model, 0, &latents);
    if (result)
        return result;
    (void)media_shape(p->media, pixels);
    if (!is_of(&in, pixels) || latents.dtype != WISP_FLOAT32 || latents.rank != 3)
        return refuse_form(p->model, wisp_private_last_error());
    return latent_form_of(p->media, latents.dimensions, out, wisp_private_last_error());
}

static void tell(struct process *p, const struct coded *coded, size_t bytes)
{
    const struct wisp_coded what = { .width = coded->width, .height = coded->height, .bytes = bytes };

    p->read = p->made = (struct wisp_extent){ .width = coded->width, .height = coded->height };
    if (p->options->coded)
        p->options->coded(p->options->coded_user, &what);
}

/* ---- to a compressed picture ---- */

static int fill_pixels(void *user, uint64_t number, wisp_request *request)
{
    latent_tiles_take(user, number, wisp_request_input(request));
    return 0;
}

static int take_latents(void *user, uint64_t number, const wisp_request *request)
{
    return latent_tiles_give(user, number, wisp_request_output_tensor(request, 0), wisp_private_last_error());
}

static int write_coded(struct process *p, const struct latent_tiles *tiles, const struct media_picture *picture,
                       void **bytes, size_t *length)
{
    const struct coded coded =
        latent_tiles_head(tiles, picture, wisp_model_name(p->model), wisp_model_identity(p->model));
    int result = coded_write(&coded, &tiles->out, bytes, length, wisp_private_last_error());

    if (!result)
        tell(p, &coded, *length);
    return result;
}

static int compress(struct process *p, const struct latent_form *form, void **bytes, size_t *length)
{
    cleanup(picture_at_exit) struct media_picture picture = { .pixels = NULL };
    struct flight_work work = { .fill = fill_pixels, .take = take_latents };
    struct reason *why = wisp_private_last_error();
    struct latent_tiles tiles;
    int result = media_decode_picture(p->files->name, p->files->bytes, p->files->length, &picture, why);

    if (!result)
        result = latent_tiles_init(&tiles, p->media, form, &picture, why);
    if (result)
        return result;
    work.count = latent_tiles_count(&tiles);
    work.user = &tiles;
    result = flight_run(p->client, p->model, &work, p->options, p->timings);
    if (!result)
        result = write_coded(p, &tiles, &picture, bytes, length);
    latent_tiles_deinit(&tiles);
    return result;
}

/* ---- and back ---- */

struct back {
    struct tiles tiles;
    struct latents latents;
};

static int fill_latents(void *user, uint64_t number, wisp_request *request)
{
    const struct back *back = user;

    latent_tiles_fill(&back->tiles, &back->latents, number, wisp_request_input(request));
    return 0;
}

static int take_pixels(void *user, uint64_t number, const wisp_request *request)
{
    struct back *back = user;

    (void)number; /* they come in their order */
    return tiles_give(&back->tiles, wisp_request_output_tensor(request, 0), wisp_private_last_error());
}

/* The other half of the model. */
static int find_decoder(const struct process *p, const struct latent_form *form, wisp_model **out)
{
    const uint32_t latents[] = { form->depth, form->height, form->width };
    struct wisp_tensor in, given;
    uint32_t pixels[4];
    int result = wisp_find(p->client, wisp_model_decoder(p->model), out);

    if (!result)
        result = wisp_model_input(*out, 0, &in);
    if (!result)
        result = wisp_model_output(*out, 0, &given);
    if (result)
        return result;
    (void)media_shape(p->media, pixels);
    if (strcmp(wisp_model_identity(*out), wisp_model_identity(p->model)) != 0)
        return WISP_E_CHANGED; /* between the two questions */
    return is_of(&in, latents) && is_of(&given, pixels) ? 0 : refuse_form(*out, wisp_private_last_error());
}

/* Cut to its size, and grey again if it was. */
static int finish(const struct process *p, const struct coded *coded, struct media_picture *picture)
{
    uint8_t *grey;

    latent_tiles_crop(picture, coded->width, coded->height);
    if (coded->channels == picture->channels || picture->channels == 1)
        return 0;
    grey = memory_alloc(coded->width, coded->height);
    if (!grey)
        return refuse_errno(wisp_private_last_error(), -ENOMEM, "a picture of %u x %u", coded->width, coded->height);
    media_picture_channels(p->media, picture, 1, grey);
    free(picture->pixels);
    *picture = (struct media_picture){ coded->width, coded->height, 1, grey };
    return 0;
}

static int run_back(const struct process *p, const struct latent_form *form, struct back *back,
                    struct media_picture *out)
{
    cleanup(model_at_exit) wisp_model *decoder = NULL;
    struct flight_work work = { .fill = fill_latents, .take = take_pixels, .user = back };
    int result = find_decoder(p, form, &decoder);

    if (!result)
        result = latent_tiles_back(&back->tiles, p->media, form, &back->latents, wisp_private_last_error());
    if (result)
        return result;
    work.count = tiles_count(&back->tiles);
    result = flight_run(p->client, decoder, &work, p->options, p->timings);
    if (!result)
        *out = tiles_result(&back->tiles);
    tiles_deinit(&back->tiles);
    return result;
}

/* Whether this model made the file. */
static int check_maker(const struct process *p, const struct latent_form *form, const struct coded *coded)
{
    struct reason *why = wisp_private_last_error();
    uint64_t identity[2];

    coded_identity(wisp_model_identity(p->model), identity);
    if (memcmp(identity, coded->identity, sizeof identity) != 0)
        return refuse(why, WISP_E_FORMAT,
                      "%s was compressed by a model that was called %s, and is not this %s: only the same file of that "
                      "model makes a picture of it",
                      p->files->name, coded->model, wisp_model_name(p->model));
    if (coded->block == form->block && coded->depth == form->depth && coded->step == CODED_STEP_ONE)
        return 0;
    return refuse(why, WISP_E_FORMAT, "%s: it is not of the form that %s gives", p->files->name, coded->model);
}

static int restore(struct process *p, const struct latent_form *form, struct media_picture *out)
{
    struct reason *why = wisp_private_last_error();
    struct back back = { .latents = { .values = NULL } };
    struct coded_body body;
    struct coded coded;
    int result = coded_open(p->files->bytes, p->files->length, &coded, &body, why);

    if (!result)
        result = check_maker(p, form, &coded);
    else
        return refuse_in(why, result, "%s", p->files->name);
    if (!result) {
        result = coded_latents(&coded, &body, &back.latents, why);
        result = result ? refuse_in(why, result, "%s", p->files->name) : run_back(p, form, &back, out);
    }
    latents_deinit(&back.latents);
    if (!result)
        result = finish(p, &coded, out);
    if (!result)
        tell(p, &coded, p->files->length);
    return result;
}

/* ---- either ---- */

static bool ends_as_coded(const char *name)
{
    const char *ending = path_ending(name);

    return ending && !strcasecmp(ending, ENDING);
}

/* Either way: which it is the file that goes in says. */
static int check_name(const char *name, struct reason *why)
{
    struct reason picture;

    if (ends_as_coded(name) || !media_check_picture_name(name, &picture))
        return 0;
    return refuse(why, WISP_E_INVALID,
                  "%s: compressed pictures end in " ENDING ", and what is made of those in .png or .jpg", name);
}

static int check_way(const struct process *p, bool back)
{
    struct reason *why = wisp_private_last_error();

    if (!p->out || !path_ending(p->out) || ends_as_coded(p->out) == !back)
        return 0;
    if (back)
        return refuse(why, WISP_E_INVALID,
                      "%s is compressed already: a picture is made of it, to a name in .png or .jpg", p->files->name);
    return refuse(why, WISP_E_INVALID, "%s is a picture: it is compressed, to a name that ends in " ENDING,
                  p->files->name);
}

static bool is_for(const struct process *p)
{
    return wisp_model_decoder(p->model) && media_answer(p->media) == MEDIA_ANSWER_PICTURE;
}

/* The one way or the other: *bytes is the file that comes out, if one is wished. */
static int go(struct process *p, void **bytes, size_t *length)
{
    cleanup(picture_at_exit) struct media_picture picture = { .pixels = NULL };
    const bool back = coded_is(p->files->bytes, p->files->length);
    struct latent_form form;
    int result = check_way(p, back);

    if (!result)
        result = read_form(p, &form);
    if (result || !back)
        return result ? result : compress(p, &form, bytes, length);
    result = restore(p, &form, &picture);
    if (result || !p->out)
        return result;
    return media_write_picture(&picture, p->out, bytes, length, wisp_private_last_error());
}

static int run(struct process *p, int fd)
{
    cleanup_free void *bytes = NULL;
    size_t length;
    int result = process_read(p->files);

    if (!result)
        result = go(p, &bytes, &length);
    return result || !p->out ? result : process_put(p, fd, bytes, length);
}

const struct processor process_coded = { .is_for = is_for, .check_name = check_name, .run = run };
