/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings of any length: in pieces of as many frames as the model takes, whose masks multiply the recordings' own
 * spectra, of one recording or of several of one event. What comes out is one channel at the model's rate.
 *
 * Nothing here grows with a recording: it is read as its pieces are sent, and written as they are taken.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <wisp/private.h>

#include "base/byte_source.h"
#include "base/cleanup.h"
#include "base/insist.h"
#include "client/codecs/codec.h"
#include "client/codecs/flight.h"
#include "client/codecs/process.h"
#include "media/spec/media.h"

enum { SOUNDS_MAX = 8 };

struct sounds {
    struct byte_source sources[SOUNDS_MAX];
    struct media_stream *streams[SOUNDS_MAX];
    size_t count;
};

static void sounds_at_exit(struct sounds *sounds)
{
    for (size_t i = 0; i < sounds->count; i++) {
        media_stream_free(sounds->streams[i]);
        byte_source_deinit(&sounds->sources[i]);
    }
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

static int open_sound(const struct process *p, size_t number, struct sounds *sounds)
{
    struct byte_source *source = &sounds->sources[number];
    int result = process_source(&p->files[number], source);

    if (result)
        return result;
    insist(number < SOUNDS_MAX && number == sounds->count, "%zu of %zu", number, sounds->count);
    sounds->streams[number] = NULL;
    sounds->count++;
    return media_stream_new(p->files[number].name, source, media_sound_rate(p->media), &sounds->streams[number],
                            wisp_private_last_error());
}

static int run_pieces(struct process *p, struct media_masking *masking, int fd)
{
    cleanup(writer_at_exit) struct media_sound_writer *writer = NULL;
    struct sounding sounding = { .process = p, .masking = masking };
    const struct flight_work work = {
        .count = media_masking_pieces(masking), .fill = fill_piece, .take = take_piece, .user = &sounding
    };
    struct reason *why = wisp_private_last_error();
    struct stat status;
    const double seconds = (double)media_masking_count(masking) / media_sound_rate(p->media);
    int result = p->out ? media_sound_writer_new(p->out, media_sound_rate(p->media), media_masking_count(masking), fd,
                                                 &writer, why)
                        : 0;

    p->read.seconds = p->made.seconds = seconds;
    sounding.writer = writer;
    if (!result)
        result = flight_run(p->client, p->model, &work, p->options, p->timings);
    if (result || !writer)
        return result;
    result = media_sound_writer_end(writer, why);
    if (!result && strcmp(p->out, "-") != 0 && !fstat(fd, &status))
        p->made.bytes = (uint64_t)status.st_size;
    return result ? refuse_in(why, result, "%s", process_out_name(p)) : 0;
}

static int run(struct process *p, int fd)
{
    cleanup(sounds_at_exit) struct sounds sounds = { .count = 0 };
    cleanup(masking_at_exit) struct media_masking *masking = NULL;
    struct reason *why = wisp_private_last_error();
    int result = check_output(p);

    for (size_t i = 0; i < p->count && !result; i++)
        result = open_sound(p, i, &sounds);
    if (!result)
        result = media_masking_of_streams(p->media, sounds.streams, &masking, why);
    return result ? result : run_pieces(p, masking, fd);
}

const struct processor process_sound = { .is_for = is_for, .check_name = media_check_sound_name, .run = run };
