/* SPDX-License-Identifier: Apache-2.0 */
#include "media/audio/sound_reader.h"

enum { HEAD = 64 }; /* bytes that tell what a file is */

/* Behind an ID3 tag of any length, which the source then passes over. */
static enum format find_format(struct byte_source *source, const char **what)
{
    uint8_t head[HEAD] = { 0 };
    size_t tag;

    byte_source_copy(source, 0, head, sizeof head);
    tag = sniff_id3(head, source->length);
    byte_source_pass(source, tag);
    return sniff_behind(head, byte_source_copy(source, 0, head, sizeof head), tag != 0, what);
}

static const struct sound_reader_kind *kind_of(enum format format)
{
    switch (format) {
    case FORMAT_WAV:
    case FORMAT_AIFF:
    case FORMAT_AU:
    case FORMAT_FLAC:
    case FORMAT_OGG:
        return &sound_reader_sndfile;
    case FORMAT_MP3:
        return &sound_reader_mp3;
    default:
        return NULL;
    }
}

int sound_reader_open(struct byte_source *source, struct sound_reader **out, struct reason *why)
{
    const struct sound_reader_kind *kind;
    const char *what = NULL;
    enum format format;
    int result;

    byte_source_pass(source, 0);
    if (!source->length)
        return refuse(why, WISP_E_FORMAT, "the file is empty; a recording is expected, " FORMATS_OF_SOUNDS);
    format = find_format(source, &what);
    kind = kind_of(format);
    if (!kind)
        return refuse(why, WISP_E_FORMAT, "%s; recordings are read as " FORMATS_OF_SOUNDS,
                      what ? what : "not a recording that is known here");
    result = kind->open(source, format, out, why);
    if (!result)
        (*out)->kind = kind;
    return result;
}

struct sound_reader *sound_reader_free(struct sound_reader *reader)
{
    if (reader)
        reader->kind->free(reader);
    return NULL;
}

int sound_reader_read(struct sound_reader *reader, float *out, size_t *count, struct reason *why)
{
    const int result = reader->kind->read(reader, out, count, why);

    reader->frames += result ? 0 : *count;
    return result;
}
