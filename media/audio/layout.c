/* SPDX-License-Identifier: Apache-2.0
 *
 * WAV and AIFF are chunks: a name of four bytes, a size of four, that many bytes, and one more when that is odd;
 * little-endian in RIFF, big-endian in RIFX and FORM. RF64 and BW64 are RIFF whose sizes of 64 bits stand in a chunk of
 * their own. AIFF says twice how long it is, in bytes of "SSND" and in frames of "COMM". AU is one head.
 */
#include <endian.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/size.h"
#include "media/audio/flac.h"
#include "media/audio/layout.h"
#include "media/audio/ogg.h"

enum {
    FILE_HEADER = 12, /* RIFF, size, WAVE */
    CHUNK_HEADER = 8,
    WAV_FORMAT_MIN = 16,   /* encoding, channels, rate, bytes a second, bytes a frame, bits */
    DS64_MIN = 24,         /* size of the file, of the samples, and how many there are */
    AIFF_FORMAT_MIN = 18,  /* channels, frames, bits, rate; in AIFF-C then its encoding */
    AIFF_SAMPLES_HEAD = 8, /* how far behind it the samples begin, and a size of blocks that nobody uses */
    AU_HEAD = 24,          /* .snd, where the samples begin, their size, encoding, rate, channels */
};

/* Who writes into a pipe leaves 0 for the size of the samples, or puts the largest there, or nearly that: 0xffffffff,
 * 0x7fffffff, 0x7ffff000. No file that is read here is so large. */
#define ALMOST_LARGEST 0x7f000000u
#define SIZE_OPEN      UINT64_MAX

/* A file, how it begins, and the order of the numbers in it. */
struct view {
    struct byte_source *source;
    uint8_t head[FILE_HEADER];
    bool big;
};

struct chunk {
    char name[4];
    uint64_t at;   /* behind its header; 0: there is none */
    uint64_t size; /* as it is announced */
};

static uint32_t read32(const struct view *view, const void *at)
{
    uint32_t word;

    memcpy(&word, at, sizeof word);
    return view->big ? be32toh(word) : le32toh(word);
}

static unsigned read16(const struct view *view, const void *at)
{
    uint16_t word;

    memcpy(&word, at, sizeof word);
    return view->big ? be16toh(word) : le16toh(word);
}

static uint64_t read64(const void *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return le64toh(word);
}

static bool is(const void *name, const char *wanted)
{
    return !memcmp(name, wanted, 4);
}

static const uint8_t *bytes_of(const struct view *view, const struct chunk *chunk, size_t count)
{
    return byte_source_at(view->source, chunk->at, count);
}

/* The chunk at *at, which moves behind it. False at the end. */
static bool next_chunk(const struct view *view, uint64_t *at, struct chunk *out)
{
    const uint8_t *header;

    if (!size_within(*at, CHUNK_HEADER, view->source->length))
        return false;
    header = byte_source_at(view->source, *at, CHUNK_HEADER);
    memcpy(out->name, header, sizeof out->name);
    out->at = *at + CHUNK_HEADER;
    out->size = read32(view, header + 4);
    *at = out->at + out->size + (out->size & 1);
    return true;
}

/* `big`: how one begins whose numbers are big-endian. */
static struct view view_of(struct byte_source *source, const char *big)
{
    struct view view = { .source = source };

    byte_source_copy(source, 0, view.head, sizeof view.head);
    view.big = is(view.head, big);
    return view;
}

static uint64_t left(const struct view *view, uint64_t at)
{
    return view->source->length - at;
}

/* Whether nothing but whole chunks stands from `from` to the end: then a size of 0 before them is meant. */
static bool only_chunks(const struct view *view, uint64_t at)
{
    const uint64_t length = view->source->length;
    struct chunk chunk;

    while (next_chunk(view, &at, &chunk)) {
        for (int i = 0; i < 4; i++) {
            if (chunk.name[i] < ' ' || chunk.name[i] > '~')
                return false;
        }
    }
    return at == length || at == length + 1; /* the last one's byte of padding may be missing */
}

/* The samples that `announced` bytes at `from` are. */
static int place_samples(const struct view *view, uint64_t from, uint64_t announced, struct layout *out,
                         struct reason *why)
{
    uint64_t there = left(view, from);
    bool open = announced == SIZE_OPEN || (!announced && there && !only_chunks(view, from));

    if (!open && announced > there)
        return refuse(why, WISP_E_FORMAT,
                      "the file is cut off at byte %" PRIu64 "; %" PRIu64 " bytes of samples are announced",
                      view->source->length, announced);
    out->samples = from;
    out->length = open ? there : announced;
    return 0;
}

/* ---- the head that libsndfile reads ---- */

static void put(struct layout *out, const void *bytes, size_t length)
{
    memcpy(out->head + out->head_length, bytes, length);
    out->head_length += length;
}

static void put_size(const struct view *view, struct layout *out, uint64_t size)
{
    uint32_t word = view->big ? htobe32((uint32_t)size) : htole32((uint32_t)size);

    put(out, &word, sizeof word);
}

static void put_chunk(const struct view *view, struct layout *out, const struct chunk *chunk)
{
    put(out, chunk->name, 4);
    put_size(view, out, chunk->size);
    put(out, bytes_of(view, chunk, chunk->size), chunk->size);
}

/* ---- WAV ---- */

/* The size of the samples: a chunk's own, or, where RF64 says so, the one in "ds64". */
static int wav_size(const struct view *view, const struct chunk *samples, const struct chunk *ds64, uint64_t *out,
                    struct reason *why)
{
    *out = samples->size < ALMOST_LARGEST ? samples->size : SIZE_OPEN;
    if (samples->size != UINT32_MAX || is(view->head, "RIFF") || is(view->head, "RIFX"))
        return 0;
    if (!ds64->at)
        return refuse(why, WISP_E_FORMAT, "damaged WAV file: %.4s without a chunk \"ds64\", which says its size",
                      (const char *)view->head);
    *out = read64(bytes_of(view, ds64, DS64_MIN) + 8);
    return 0;
}

/* The first of each chunk that counts, wherever it stands. */
static void find_wav_chunks(const struct view *view, struct chunk *format, struct chunk *samples, struct chunk *ds64)
{
    uint64_t at = FILE_HEADER;
    struct chunk chunk;

    while (next_chunk(view, &at, &chunk)) {
        bool whole = chunk.size <= left(view, chunk.at);

        if (is(chunk.name, "fmt ") && !format->at && whole && chunk.size >= WAV_FORMAT_MIN)
            *format = chunk;
        else if (is(chunk.name, "ds64") && !ds64->at && whole && chunk.size >= DS64_MIN)
            *ds64 = chunk;
        else if (is(chunk.name, "data") && !samples->at)
            *samples = chunk;
    }
}

static int find_wav(struct byte_source *source, struct layout *out, struct reason *why)
{
    struct view view = view_of(source, "RIFX");
    struct chunk format = { .at = 0 }, samples = format, ds64 = format;
    uint64_t size;
    int result;

    find_wav_chunks(&view, &format, &samples, &ds64);
    if (!samples.at)
        return refuse(why, WISP_E_FORMAT, "the WAV file is cut off or damaged: no samples up to byte %" PRIu64,
                      source->length);
    if (!format.at)
        return refuse(why, WISP_E_FORMAT, "damaged WAV file: no chunk \"fmt \", which says what its samples are");
    result = wav_size(&view, &samples, &ds64, &size, why);
    if (!result)
        result = place_samples(&view, samples.at, size, out, why);
    if (result)
        return result;
    format.size = MIN(format.size, LAYOUT_FORMAT_MAX) & ~(uint64_t)1;
    put(out, view.big ? "RIFX" : "RIFF", 4);
    put_size(&view, out, 4 + 2 * CHUNK_HEADER + format.size + out->length);
    put(out, "WAVE", 4);
    put_chunk(&view, out, &format);
    put(out, "data", 4);
    put_size(&view, out, out->length);
    return 0;
}

/* ---- AIFF ---- */

/* Bytes of one value of one channel; 0 when a block of them is packed together. */
static unsigned aiff_width(const struct view *view, const struct chunk *format, unsigned bits)
{
    static const struct {
        char encoding[5];
        unsigned width; /* 0: as the bits say */
    } plain[] = { { "NONE", 0 }, { "twos", 0 }, { "sowt", 0 }, { "raw ", 0 }, { "in24", 3 },
                  { "in32", 4 }, { "fl32", 4 }, { "FL32", 4 }, { "fl64", 8 }, { "FL64", 8 },
                  { "ulaw", 1 }, { "ULAW", 1 }, { "alaw", 1 }, { "ALAW", 1 } };

    if (!is(view->head + 8, "AIFC"))
        return (bits + 7) / 8;
    for (size_t i = 0; i < ARRAY_SIZE(plain) && format->size >= AIFF_FORMAT_MIN + 4; i++) {
        if (is(bytes_of(view, format, AIFF_FORMAT_MIN + 4) + AIFF_FORMAT_MIN, plain[i].encoding))
            return plain[i].width ? plain[i].width : (bits + 7) / 8;
    }
    return 0;
}

/* What "COMM" says is there must be; what "SSND" has beyond it is none of the sound. */
static int check_aiff_frames(const struct view *view, const struct chunk *format, struct layout *out,
                             struct reason *why)
{
    const uint8_t *bytes = bytes_of(view, format, AIFF_FORMAT_MIN);
    unsigned channels = read16(view, bytes), bits = read16(view, bytes + 6);
    uint64_t frames = read32(view, bytes + 2), size = frames * channels * aiff_width(view, format, bits);

    if (!size || size >= ALMOST_LARGEST)
        return 0;
    if (size > out->length)
        return refuse(why, WISP_E_FORMAT,
                      "the file is cut off or damaged: %" PRIu64 " frames are announced, %" PRIu64 " bytes hold them",
                      frames, out->length);
    out->length = size;
    return 0;
}

static void find_aiff_chunks(const struct view *view, struct chunk *format, struct chunk *samples)
{
    uint64_t at = FILE_HEADER;
    struct chunk chunk;

    while (next_chunk(view, &at, &chunk)) {
        if (is(chunk.name, "COMM") && !format->at && chunk.size >= AIFF_FORMAT_MIN &&
            chunk.size <= left(view, chunk.at))
            *format = chunk;
        else if (is(chunk.name, "SSND") && !samples->at && left(view, chunk.at) >= AIFF_SAMPLES_HEAD)
            *samples = chunk;
    }
}

static void put_aiff_head(const struct view *view, struct chunk *format, struct layout *out)
{
    static const uint8_t no_offset[AIFF_SAMPLES_HEAD] = { 0 };
    size_t frames_at;

    format->size = MIN(format->size, LAYOUT_FORMAT_MAX) & ~(uint64_t)1;
    put(out, "FORM", 4);
    put_size(view, out, 4 + 2 * CHUNK_HEADER + format->size + AIFF_SAMPLES_HEAD + out->length);
    put(out, view->head + 8, 4);
    frames_at = out->head_length + CHUNK_HEADER + 2;
    put_chunk(view, out, format);
    memset(out->head + frames_at, 0xff, 4); /* as many as the samples are */
    put(out, "SSND", 4);
    put_size(view, out, AIFF_SAMPLES_HEAD + out->length);
    put(out, no_offset, sizeof no_offset);
}

static int find_aiff(struct byte_source *source, struct layout *out, struct reason *why)
{
    struct view view = view_of(source, "FORM");
    struct chunk format = { .at = 0 }, samples = format;
    uint64_t size, before;
    int result;

    find_aiff_chunks(&view, &format, &samples);
    if (!samples.at)
        return refuse(why, WISP_E_FORMAT, "the AIFF file is cut off or damaged: no samples up to byte %" PRIu64,
                      source->length);
    if (!format.at)
        return refuse(why, WISP_E_FORMAT, "damaged AIFF file: no chunk \"COMM\", which says what its samples are");
    before = AIFF_SAMPLES_HEAD + (uint64_t)read32(&view, bytes_of(&view, &samples, AIFF_SAMPLES_HEAD));
    if (before > left(&view, samples.at) || (samples.size && samples.size < before))
        return refuse(why, WISP_E_FORMAT, "damaged AIFF file: its samples begin behind their chunk");
    size = samples.size >= ALMOST_LARGEST ? SIZE_OPEN : samples.size > before ? samples.size - before : 0;
    result = place_samples(&view, samples.at + before, size, out, why);
    if (!result)
        result = check_aiff_frames(&view, &format, out, why);
    if (!result)
        put_aiff_head(&view, &format, out);
    return result;
}

/* ---- AU ---- */

static int find_au(struct byte_source *source, struct layout *out, struct reason *why)
{
    struct view view = view_of(source, ".snd");
    uint8_t head[AU_HEAD];
    uint32_t begin, size;
    int result;

    if (byte_source_copy(source, 0, head, AU_HEAD) < AU_HEAD)
        return refuse(why, WISP_E_FORMAT, "the AU file is cut off at byte %" PRIu64 ", within its head",
                      source->length);
    begin = read32(&view, head + 4);
    size = read32(&view, head + 8);
    if (begin < AU_HEAD || begin > source->length)
        return refuse(why, WISP_E_FORMAT, "damaged AU file: its samples are said to begin at byte %u", begin);
    result = place_samples(&view, begin, size < ALMOST_LARGEST ? size : SIZE_OPEN, out, why);
    if (result)
        return result;
    put(out, head, 4);
    put_size(&view, out, AU_HEAD);
    put_size(&view, out, out->length);
    put(out, head + 12, AU_HEAD - 12);
    return 0;
}

int layout_find(enum format format, struct byte_source *source, struct layout *out, struct reason *why)
{
    out->head_length = 0;
    switch (format) {
    case FORMAT_WAV:
        return find_wav(source, out, why);
    case FORMAT_AIFF:
        return find_aiff(source, out, why);
    case FORMAT_AU:
        return find_au(source, out, why);
    default:
        out->samples = 0;
        out->length = source->length;
        return format == FORMAT_OGG ? ogg_check(source, why) : flac_check(source, why);
    }
}
