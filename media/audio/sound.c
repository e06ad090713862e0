/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings into memory, whole.
 */
#include "base/cleanup.h"
#include "base/memory.h"
#include "media/audio/intake.h"
#include "media/audio/sound_reader.h"
#include "media/spec/media.h"

CLEANUP_DEFINE(reader, struct sound_reader, sound_reader_free)

static int read_all(struct sound_reader *reader, struct intake *intake, struct reason *why)
{
    cleanup_free float *block = memory_alloc(INTAKE_BLOCK, sizeof *block);
    size_t count;
    int result;

    if (!block)
        return refuse_errno(why, -ENOMEM, "sound");
    do {
        result = sound_reader_read(reader, block, &count, why);
        if (!result && count)
            result = intake_take(intake, block, count, why);
    } while (!result && count);
    return result;
}

static int decode(struct byte_source *source, struct media_sound *out, struct reason *why)
{
    cleanup(reader_at_exit) struct sound_reader *reader = NULL;
    struct intake intake;
    int result = sound_reader_open(source, &reader, why);

    if (result)
        return result;
    result = intake_begin(&intake, reader->rate, reader->channels, why);
    if (!result)
        result = read_all(reader, &intake, why);
    if (!result)
        result = intake_finish(&intake, out, why);
    intake_drop(&intake);
    return result;
}

int media_decode_sound(const char *name, const void *bytes, size_t length, struct media_sound *out, struct reason *why)
{
    struct byte_source source;
    int result;

    byte_source_of_memory(&source, bytes, length);
    result = decode(&source, out, why);
    return result ? refuse_in(why, result, "%s", name) : 0;
}
