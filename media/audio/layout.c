/* SPDX-License-Identifier: Apache-2.0
 *
 * WAV and AIFF are chunks: a name of four bytes, a size of four, that many bytes, and one more when that is odd;
 * little-endian in RIFF, big-endian in RIFX and FORM. RF64 and BW64 are RIFF whose sizes of 64 bits stand in a chunk of
 * their own. AIFF says twice how long it is, in bytes of "SSND" and in frames of "COMM". AU is one head.
 */
#include <endian.h>
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

/* A stretch of bytes, and the order of the numbers in it. */
struct view {
    const uint8_t *bytes;
    size_t length;
    bool big;
};

struct chunk {
    const uint8_t *name; /* NULL: there is none */
    const uint8_t *bytes;
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

/* The chunk at *at, which moves behind it. False at the end. */
static bool next_chunk(const struct view *view, uint64_t *at, struct chunk *out)
{
    if (!size_within(*at, CHUNK_HEADER, view->length))
        return false;
    out->name = view->bytes + *at;
    out->bytes = out->name + CHUNK_HEADER;
    out->size = read32(view, out->name + 4);
    *at += CHUNK_HEADER + out->size + (out->size & 1);
    return true;
}

static size_t left(const struct view *view, const uint8_t *at)
{
    return view->length - (size_t)(at - view->bytes);
}

/* Whether nothing but whole chunks stands from `from` to the end: then a size of 0 before them is meant. */
static bool only_chunks(const struct view *view, const uint8_t *from)
{
    uint64_t at = (uint64_t)(from - view->bytes);
    struct chunk chunk;

    while (next_chunk(view, &at, &chunk)) {
        for (int i = 0; i < 4; i++) {
            if (chunk.name[i] < ' ' || chunk.name[i] > '~')
                return false;
        }
    }
    return at == view->length || at == view->length + 1; /* the last one's byte of padding may be missing */
}

/* The samples that `announced` bytes at `from` are. */
static int place_samples(const struct view *view, const uint8_t *from, uint64_t announced, struct layout *out,
                         struct reason *why)
{
    size_t there = left(view, from);
    bool open = announced == SIZE_OPEN || (!announced && there && !only_chunks(view, from));

    if (!open && announced > there)
        return refuse(why, WISP_E_FORMAT, "the file is cut off at byte %zu; %llu bytes of samples are announced",
                      view->length, (unsigned long long)announced);
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
    put(out, chunk->bytes, chunk->size);
}

/* ---- WAV ---- */

/* The size of the samples: a chunk's own, or, where RF64 says so, the one in "ds64". */
static int wav_size(const struct view *view, const struct chunk *samples, const struct chunk *ds64, uint64_t *out,
                    struct reason *why)
{
    *out = samples->size < ALMOST_LARGEST ? samples->size : SIZE_OPEN;
    if (samples->size != UINT32_MAX || is(view->bytes, "RIFF") || is(view->bytes, "RIFX"))
        return 0;
    if (!ds64->name)
        return refuse(why, WISP_E_FORMAT, "damaged WAV file: %.4s without a chunk \"ds64\", which says its size",
                      (const char *)view->bytes);
    *out = read64(ds64->bytes + 8);
    return 0;
}

/* The first of each chunk that counts, wherever it stands. */
static void find_wav_chunks(const struct view *view, struct chunk *format, struct chunk *samples, struct chunk *ds64)
{
    uint64_t at = FILE_HEADER;
    struct chunk chunk;

    while (next_chunk(view, &at, &chunk)) {
        bool whole = chunk.size <= left(view, chunk.bytes);

        if (is(chunk.name, "fmt ") && !format->name && whole && chunk.size >= WAV_FORMAT_MIN)
            *format = chunk;
        else if (is(chunk.name, "ds64") && !ds64->name && whole && chunk.size >= DS64_MIN)
            *ds64 = chunk;
        else if (is(chunk.name, "data") && !samples->name)
            *samples = chunk;
    }
}

static int find_wav(const void *bytes, size_t length, struct layout *out, struct reason *why)
{
    struct view view = { .bytes = bytes, .length = length, .big = is(bytes, "RIFX") };
    struct chunk format = { .name = NULL }, samples = format, ds64 = format;
    uint64_t size;
    int result;

    find_wav_chunks(&view, &format, &samples, &ds64);
    if (!samples.name)
        return refuse(why, WISP_E_FORMAT, "the WAV file is cut off or damaged: no samples up to byte %zu", length);
    if (!format.name)
        return refuse(why, WISP_E_FORMAT, "damaged WAV file: no chunk \"fmt \", which says what its samples are");
    result = wav_size(&view, &samples, &ds64, &size, why);
    if (!result)
        result = place_samples(&view, samples.bytes, size, out, why);
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
static unsigned aiff_width(const struct chunk *format, bool compressed, unsigned bits)
{
    static const struct {
        char encoding[5];
        unsigned width; /* 0: as the bits say */
    } plain[] = { { "NONE", 0 }, { "twos", 0 }, { "sowt", 0 }, { "raw ", 0 }, { "in24", 3 },
                  { "in32", 4 }, { "fl32", 4 }, { "FL32", 4 }, { "fl64", 8 }, { "FL64", 8 },
                  { "ulaw", 1 }, { "ULAW", 1 }, { "alaw", 1 }, { "ALAW", 1 } };

    if (!compressed)
        return (bits + 7) / 8;
    for (size_t i = 0; i < ARRAY_SIZE(plain) && format->size >= AIFF_FORMAT_MIN + 4; i++) {
        if (is(format->bytes + AIFF_FORMAT_MIN, plain[i].encoding))
            return plain[i].width ? plain[i].width : (bits + 7) / 8;
    }
    return 0;
}

/* What "COMM" says is there must be; what "SSND" has beyond it is none of the sound. */
static int check_aiff_frames(const struct view *view, const struct chunk *format, struct layout *out,
                             struct reason *why)
{
    unsigned channels = read16(view, format->bytes), bits = read16(view, format->bytes + 6);
    uint64_t frames = read32(view, format->bytes + 2);
    uint64_t size = frames * channels * aiff_width(format, is(view->bytes + 8, "AIFC"), bits);

    if (!size || size >= ALMOST_LARGEST)
        return 0;
    if (size > out->length)
        return refuse(why, WISP_E_FORMAT,
                      "the file is cut off or damaged: %llu frames are announced, %zu bytes hold them",
                      (unsigned long long)frames, out->length);
    out->length = size;
    return 0;
}

static void find_aiff_chunks(const struct view *view, struct chunk *format, struct chunk *samples)
{
    uint64_t at = FILE_HEADER;
    struct chunk chunk;

    while (next_chunk(view, &at, &chunk)) {
        if (is(chunk.name, "COMM") && !format->name && chunk.size >= AIFF_FORMAT_MIN &&
            chunk.size <= left(view, chunk.bytes))
            *format = chunk;
        else if (is(chunk.name, "SSND") && !samples->name && left(view, chunk.bytes) >= AIFF_SAMPLES_HEAD)
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
    put(out, view->bytes + 8, 4);
    frames_at = out->head_length + CHUNK_HEADER + 2;
    put_chunk(view, out, format);
    memset(out->head + frames_at, 0xff, 4); /* as many as the samples are */
    put(out, "SSND", 4);
    put_size(view, out, AIFF_SAMPLES_HEAD + out->length);
    put(out, no_offset, sizeof no_offset);
}

static int find_aiff(const void *bytes, size_t length, struct layout *out, struct reason *why)
{
    struct view view = { .bytes = bytes, .length = length, .big = true };
    struct chunk format = { .name = NULL }, samples = format;
    uint64_t size, before;
    int result;

    find_aiff_chunks(&view, &format, &samples);
    if (!samples.name)
        return refuse(why, WISP_E_FORMAT, "the AIFF file is cut off or damaged: no samples up to byte %zu", length);
    if (!format.name)
        return refuse(why, WISP_E_FORMAT, "damaged AIFF file: no chunk \"COMM\", which says what its samples are");
    before = AIFF_SAMPLES_HEAD + (uint64_t)read32(&view, samples.bytes);
    if (before > left(&view, samples.bytes) || (samples.size && samples.size < before))
        return refuse(why, WISP_E_FORMAT, "damaged AIFF file: its samples begin behind their chunk");
    size = samples.size >= ALMOST_LARGEST ? SIZE_OPEN : samples.size > before ? samples.size - before : 0;
    result = place_samples(&view, samples.bytes + before, size, out, why);
    if (!result)
        result = check_aiff_frames(&view, &format, out, why);
    if (!result)
        put_aiff_head(&view, &format, out);
    return result;
}

/* ---- AU ---- */

static int find_au(const void *bytes, size_t length, struct layout *out, struct reason *why)
{
    struct view view = { .bytes = bytes, .length = length, .big = is(bytes, ".snd") };
    uint32_t begin, size;
    int result;

    if (length < AU_HEAD)
        return refuse(why, WISP_E_FORMAT, "the AU file is cut off at byte %zu, within its head", length);
    begin = read32(&view, view.bytes + 4);
    size = read32(&view, view.bytes + 8);
    if (begin < AU_HEAD || begin > length)
        return refuse(why, WISP_E_FORMAT, "damaged AU file: its samples are said to begin at byte %u", begin);
    result = place_samples(&view, view.bytes + begin, size < ALMOST_LARGEST ? size : SIZE_OPEN, out, why);
    if (result)
        return result;
    put(out, view.bytes, 4);
    put_size(&view, out, AU_HEAD);
    put_size(&view, out, out->length);
    put(out, view.bytes + 12, AU_HEAD - 12);
    return 0;
}

int layout_find(enum format format, const void *bytes, size_t length, struct layout *out, struct reason *why)
{
    out->head_length = 0;
    switch (format) {
    case FORMAT_WAV:
        return find_wav(bytes, length, out, why);
    case FORMAT_AIFF:
        return find_aiff(bytes, length, out, why);
    case FORMAT_AU:
        return find_au(bytes, length, out, why);
    default:
        out->samples = bytes;
        out->length = length;
        return format == FORMAT_OGG ? ogg_check(bytes, length, why) : flac_check(bytes, length, why);
    }
}
