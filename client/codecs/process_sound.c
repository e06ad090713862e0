/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings of any length: in pieces of as many frames as the model takes, whose masks multiply the recordings' own
 * spectra, of one recording or of several of one event. What comes out is one channel at the model's rate.
 */
#include <stdlib.h>
#include <string.h>

#include <wisp/private.h>

#include "base/cleanup.h"
#include "client/codecs/codec.h"
#include "client/codecs/flight.h"
#include "client/codecs/process.h"
#include "media/spec/media.h"

enum { SOUNDS_MAX = 8 };

struct sounds {
    struct media_sound of[SOUNDS_MAX];
    size_t count;
};

static void sounds_at_exit(struct sounds *sounds)
{
    for (size_t i = 0; i < sounds->count; i++)
        free(sounds->of[i].samples);
}

CLEANUP_DEFINE(masking, struct media_masking, media_masking_free)
CLEANUP_DEFINE(writer, struct media_sound_writer, media_sound_writer_free)

struct sounding {
    struct process *process;
    struct media_masking *masking;
    struct media_sound_writer *writer; /* NULL: nothing is to be written */
};

static int fill_piece(void *user, uint64_t number, wisp_request *request)
{
    const struct sounding *s = user;

    return media_masking_tensor(s->masking, number, wisp_request_input(request), wisp_private_last_error());
}

static int add(const struct sounding *s, const struct media_finished *finished)
{
    struct reason *why = wisp_private_last_error();
    const int result = media_sound_writer_add(s->writer, finished->samples, finished->count, why);

    s->process->begun |= finished->count && !strcmp(s->process->out, "-");
    return result ? refuse_in(why, result, "%s", process_out_name(s->process)) : 0;
}

static int take_piece(void *user, uint64_t number, const wisp_request *request)
{
    const struct sounding *s = user;
    struct reason *why = wisp_private_last_error();
    struct media_finished finished;
    int result;

    (void)number; /* they come in their order */
    result = media_masking_take(s->masking, wisp_request_output_tensor(request, 0), &finished, why);
    return result || !s->writer ? result : add(s, &finished);
}

/* What the daemon says that the model gives: a number for each that it takes. */
static int check_output(const struct process *p)
{
    struct wisp_tensor tensor;
    uint32_t in[4];
    int result = wisp_model_output(p->model, 0, &tensor);

    if (result)
        return result;
    (void)media_shape(p->media, in);
    if (tensor.dtype == WISP_FLOAT32 && tensor.rank == 2 && tensor.dimensions[0] == in[0] &&
        tensor.dimensions[1] == in[1])
        return 0;
    return refuse(wisp_private_last_error(), WISP_E_FORMAT,
                  "%s: its output has not the form of what multiplies spectra, %u frequencies of %u frames",
                  wisp_model_name(p->model), in[0], in[1]);
}

static bool is_for(const struct process *p)
{
    return media_answer(p->media) == MEDIA_ANSWER_SOUND;
}

/* At the model's rate. */
static int read_sound(const struct process *p, struct process_file *file, struct media_sound *out)
{
    struct reason *why = wisp_private_last_error();
    struct media_sound resampled;
    int result = process_read(file);

    if (!result)
        result = media_decode_sound(file->name, file->bytes, file->length, out, why);
    if (result || out->rate == media_sound_rate(p->media))
        return result;
    result = media_resample(out, media_sound_rate(p->media), &resampled, why);
    if (result)
        return refuse_in(why, result, "%s", file->name);
    free(out->samples);
    *out = resampled;
    return 0;
}

static int run_pieces(struct process *p, struct media_masking *masking, int fd)
{
    cleanup(writer_at_exit) struct media_sound_writer *writer = NULL;
    struct sounding sounding = { .process = p, .masking = masking };
    const struct flight_work work = {
        .count = media_masking_pieces(masking), .fill = fill_piece, .take = take_piece, .user = &sounding
    };
    struct reason *why = wisp_private_last_error();
    int result = p->out ? media_sound_writer_new(p->out, media_sound_rate(p->media), media_masking_count(masking), fd,
                                                 &writer, why)
                        : 0;

    sounding.writer = writer;
    if (!result)
        result = flight_run(p->client, p->model, &work, p->options, p->timings);
    if (result || !writer)
        return result;
    result = media_sound_writer_end(writer, why);
    return result ? refuse_in(why, result, "%s", process_out_name(p)) : 0;
}

static int run(struct process *p, int fd)
{
    cleanup(sounds_at_exit) struct sounds sounds = { .count = 0 };
    cleanup(masking_at_exit) struct media_masking *masking = NULL;
    struct reason *why = wisp_private_last_error();
    int result = check_output(p);

    for (size_t i = 0; i < p->count && !result; i++, sounds.count++)
        result = read_sound(p, &p->files[i], &sounds.of[i]);
    if (!result && media_masking_new(p->media, sounds.of, &masking))
        result = refuse_errno(why, -ENOMEM, "%s", p->files->name);
    return result ? result : run_pieces(p, masking, fd);
}

const struct processor process_sound = { .is_for = is_for, .check_name = media_check_sound_name, .run = run };
